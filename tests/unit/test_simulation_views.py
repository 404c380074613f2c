import re

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from mlops_school import simulation_views as views
from mlops_school.simulation import STAGES, WAYS, Conditions, agile, repeat, waterfall

SEEDS = range(3)
MET = Conditions()


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def runs():
    return [waterfall(MET, seed=21), agile(MET, seed=21)]


def test_work_has_a_row_for_each_stage_and_tells_of_releases(runs):
    figure, alt = views.draw_work(runs)
    for axes in figure.axes:
        assert [label.get_text() for label in axes.get_yticklabels()] == [*STAGES, "overhead"]
    assert "Waterfall: 2 releases" in alt
    assert f"{runs[1].effort('rework'):.0f} person-days of work done again" in alt


def test_pieces_that_follow_one_another_are_one_bar(runs):
    (bar,) = views._joined(p for p in runs[0].work if (p.stage, p.kind) == ("requirements", "new"))
    assert bar == pytest.approx((0, 2))
    stages = [p for p in runs[1].work if (p.stage, p.kind) == ("build", "new")]
    assert sum(length for _, length in views._joined(stages)) == pytest.approx(4)


def test_flow_tells_how_much_is_on_its_way(runs):
    _, alt = views.draw_flow(runs)
    assert "Waterfall: up to 60 stories" in alt
    assert int(re.search(r"Agile: up to (\d+)", alt)[1]) < 20


def test_values_tell_their_medians():
    figure, alt = views.draw_values(MET, SEEDS)
    for way in WAYS:
        runs = repeat(way, MET, SEEDS)
        percent = np.median([run.value_at(MET.deadline) for run in runs])
        assert f"{way}: {percent:.0f} % at the deadline" in alt
    labels = [line.get_linestyle() for line in figure.axes[0].lines[:2]]
    assert len(set(labels)) == 2


@pytest.fixture
def explored():
    return views.explorer(MET, SEEDS).children


def test_where_no_widgets_are_shown_there_is_the_picture(monkeypatch):
    shown = []
    monkeypatch.setattr(views, "display", lambda bundle, raw: shown.append(bundle))
    views.explore(MET, SEEDS)
    (bundle,) = shown
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/html"].startswith("<img alt=")
    assert "at the deadline" in bundle["text/plain"]


def test_sliders_begin_at_the_conditions_and_draw_when_they_rest(explored):
    *sliders, picture = explored
    assert [slider.value for slider in sliders] == [1.0, 2.0, 1.0]
    assert not any(slider.continuous_update for slider in sliders)
    assert isinstance(picture, widgets.HTML)
    assert "at the deadline" in picture.value
    assert "max-width: 100%" in picture.value


@pytest.mark.parametrize("number", range(3))
def test_each_slider_draws_anew(explored, number):
    *sliders, picture = explored
    before = picture.value
    sliders[number].value = sliders[number].max
    assert picture.value != before
    sliders[number].value = [1.0, 2.0, 1.0][number]
    assert picture.value == before


def test_sliders_reach_no_conditions_that_are_refused(explored):
    *sliders, picture = explored
    for slider in sliders:
        for value in (slider.min, slider.max):
            slider.value = value
    assert "at the deadline" in picture.value
    assert "max-width: 100%" in picture.value


def test_cost_of_change_rises_from_phase_to_phase():
    table = views.cost_of_change(MET, range(10))
    costs = table.loc["Waterfall", "cost"]
    assert list(costs.index) == [*STAGES, "acceptance"]
    assert costs.is_monotonic_increasing
    requests = sum(len(run.comebacks) for way in WAYS for run in repeat(way, MET, range(10)))
    assert table["requests"].sum() == requests
    _, alt = views.draw_cost_of_change(table)
    assert f"{costs.iloc[-1]:.1f} in acceptance" in alt


def test_a_sweep_gives_both_the_same_projects():
    results = views.sweep(MET, [0, 2], SEEDS)
    for way in WAYS:
        assert len(results[way]) == 6
        run = WAYS[way](Conditions(change_rate=2), 1)
        row = results[way].set_index(["change_rate", "seed"]).loc[(2, 1)]
        assert row["effort"] == run.effort()
        assert row["value"] == pytest.approx(run.value_at(MET.deadline))
    figure, alt = views.draw_crossover(results)
    assert len(figure.axes) == 2
    assert "with Waterfall" in alt and "with Agile" in alt


def test_the_map_says_who_wins_in_letters_and_hatching():
    grid = views.compare_on_grid(Conditions(misunderstood=0), [0, 2], [0, 20], SEEDS)
    assert grid.loc[20, 0] < 0 < grid.loc[0, 2]
    figure, alt = views.draw_grid(grid)
    (axes,) = figure.axes
    assert sorted(text.get_text()[0] for text in axes.texts) == ["=", "A", "A", "W"]
    assert [patch.get_hatch() for patch in axes.patches] == ["///"]
    assert "With most overhead and least change: Waterfall" in alt


@pytest.mark.parametrize(
    ("difference", "who"), [(-0.4, "tie"), (0.5, "Agile"), (-0.5, "Waterfall"), (0, "tie")]
)
def test_a_small_difference_is_a_tie(difference, who):
    assert views.winner(difference) == who


def test_the_comparison_has_the_rows_of_the_curriculum():
    table = views.comparison(MET, SEEDS)
    rows = ["workflow", "flexibility", "feedback", "speed", "change handling", "best for"]
    assert list(table.index) == rows
    assert list(table.columns) == list(WAYS)
    assert (table["Waterfall"] != table["Agile"]).all()
    assert table.map(lambda cell: bool(re.search(r"\d", cell))).all(axis=None)


def test_the_comparison_says_what_the_runs_say():
    table = views.comparison(MET, SEEDS)
    calm = repeat("Agile", Conditions(change_rate=0, misunderstood=0), SEEDS)
    assert f"all in week {calm[0].delivered:.1f}" in table.loc["speed", "Agile"]
    changes = pd.concat(pd.DataFrame(r.comebacks) for r in repeat("Agile", MET, SEEDS))
    cost = changes[changes["cause"] == "change"]["rework"].mean()
    assert table.loc["change handling", "Agile"].startswith(f"{cost:.1f} person-days")


def test_the_comparison_is_shown_alike_each_time(monkeypatch):
    shown = []
    monkeypatch.setattr(views, "display", lambda bundle, raw: shown.append(bundle))
    for _ in range(2):
        views.show_comparison(MET, SEEDS)
    assert shown[0] == shown[1]
    assert "change handling" in shown[0]["text/html"]
    assert "change handling" in shown[0]["text/plain"]


def test_where_a_way_is_ahead_is_said_in_a_span():
    assert views._span(np.array([0.5, 1, 2.5])) == "0.5 to 2.5 changes a week"
    assert views._span(np.array([])) == "at no rate tried"

"""The simulation of Waterfall and Agile keeps the laws that hold for any such project."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_school.errors import CourseError
from mlops_school.process import load_requirements
from mlops_school.simulation import (
    EFFORTS,
    PLANNED_EFFORT,
    REQUIREMENTS,
    SHARES,
    STAGES,
    STORIES,
    WAYS,
    Conditions,
    agile,
    draw_project,
    repeat,
    waterfall,
)

CALM = Conditions(change_rate=0, misunderstood=0)
SEEDS = range(30)

each_way = pytest.mark.parametrize("way", WAYS)
anything = st.builds(
    Conditions,
    change_rate=st.floats(0, 6),
    misunderstood=st.floats(0, 1),
    feedback_delay=st.floats(0, 8),
    sprint_length=st.floats(0.5, 8),
    sprint_overhead=st.floats(0, 9),
    handover=st.floats(0, 30),
    ripple=st.floats(0, 4),
)
any_way = st.sampled_from(list(WAYS))
any_seed = st.integers(0, 2**32)


def mean(way, conditions, measure):
    return np.mean([measure(run) for run in repeat(way, conditions, SEEDS)])


def effort(run):
    return run.effort()


def delivered(run):
    return run.delivered


def value(run):
    return run.value_at(run.conditions.deadline)


# ---- what holds for every project


@settings(max_examples=60, deadline=None)
@given(anything, any_way, any_seed)
def test_no_effort_is_lost_and_none_appears(conditions, way, seed):
    run = WAYS[way](conditions, seed)
    rework = sum(back.rework for back in run.comebacks)
    assert run.effort("new") == pytest.approx(PLANNED_EFFORT)
    assert run.effort("rework") == pytest.approx(rework)
    assert run.effort() == pytest.approx(PLANNED_EFFORT + rework + run.effort("overhead"))
    for week in np.linspace(0, run.delivered, 7):
        known = PLANNED_EFFORT + sum(b.rework for b in run.comebacks if b.heard <= week)
        done = sum(
            piece.effort * np.clip((week - piece.begin) / (piece.end - piece.begin), 0, 1)
            for piece in run.work
            if piece.kind != "overhead"
        )
        assert run.left_at([week])[0] == pytest.approx(known - done, abs=1e-5)
        assert known - done > -1e-6
    assert run.left_at([run.delivered])[0] == pytest.approx(0, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(anything, any_way, any_seed)
def test_every_stage_of_every_story_is_done_once_as_new_work(conditions, way, seed):
    run = WAYS[way](conditions, seed)
    done = np.zeros((STORIES, len(STAGES)))
    for piece in run.work:
        if piece.kind == "new":
            done[piece.story, STAGES.index(piece.stage)] += piece.effort
    expected = [[share * story.effort for share in SHARES] for story in run.project.stories]
    assert done == pytest.approx(np.array(expected))


@settings(max_examples=60, deadline=None)
@given(anything, any_way, any_seed)
def test_no_more_is_done_again_than_there_is(conditions, way, seed):
    run = WAYS[way](conditions, seed)
    for back in run.comebacks:
        whole = run.project.stories[back.story].effort
        assert -1e-9 < back.rework < whole * (1 + conditions.ripple) + 1e-6


@settings(max_examples=30, deadline=None)
@given(anything, any_way, any_seed)
def test_the_passage_of_a_story_is_from_its_first_work_to_its_first_release(conditions, way, seed):
    run = WAYS[way](conditions, seed)
    for number, (begun, built, released) in enumerate(run.passage.itertuples(index=False)):
        assert begun == min(piece.begin for piece in run.work if piece.story == number)
        assert built == max(p.end for p in run.work if (p.story, p.kind) == (number, "new"))
        assert released == min(week for week, story in run.releases if story == number)
        assert begun < built < released + 1e-9


@settings(max_examples=60, deadline=None)
@given(anything, any_way, any_seed)
def test_the_team_does_one_thing_at_a_time_at_its_speed(conditions, way, seed):
    run = WAYS[way](conditions, seed)
    for piece in run.work:
        assert piece.end - piece.begin == pytest.approx(piece.effort / conditions.capacity)
    for one, other in pairwise(run.work):
        assert other.begin > one.end - 1e-9


@settings(max_examples=60, deadline=None)
@given(anything, any_way, any_seed)
def test_in_the_end_users_have_everything_as_they_want_it(conditions, way, seed):
    run = WAYS[way](conditions, seed)
    assert run.value_at(run.delivered) == pytest.approx(100)
    assert run.satisfied_at(run.delivered) == pytest.approx(100)
    asked = {back.asked for back in run.comebacks if back.cause == "change"}
    assert asked == {change.week for change in run.project.changes}
    found = {back.story for back in run.comebacks if back.cause == "misunderstanding"}
    assert found == {n for n, story in enumerate(run.project.stories) if story.misunderstood}
    assert all(back.heard >= back.asked for back in run.comebacks)


@settings(max_examples=60, deadline=None)
@given(anything, any_way, any_seed)
def test_littles_law_holds_on_the_cumulative_flow(conditions, way, seed):
    run = WAYS[way](conditions, seed)
    end = run.passage["released"].max()
    times = np.sort(np.concatenate([[0, end], run.passage["begun"], run.passage["released"]]))
    flow = run.flow_at(times[:-1])
    on_the_way = ((flow["begun"] - flow["released"]) * np.diff(times)).sum() / end
    rate = STORIES / end
    lead_time = (run.passage["released"] - run.passage["begun"]).mean()
    assert on_the_way == pytest.approx(rate * lead_time)


@settings(max_examples=30, deadline=None)
@given(anything, any_way, any_seed)
def test_the_seed_decides_everything(conditions, way, seed):
    assert WAYS[way](conditions, seed) == WAYS[way](conditions, seed)


@each_way
def test_another_seed_is_another_project(way):
    one, other = repeat(way, Conditions(), [1, 2])
    assert one.project != other.project
    assert one.work != other.work


@settings(max_examples=60, deadline=None)
@given(anything, any_seed)
def test_sprints_do_not_overrun(conditions, seed):
    run = agile(conditions, seed)
    releases = sorted({week for week, _ in run.releases})
    halves = [piece for piece in run.work if piece.kind == "overhead"]
    assert len(halves) % 2 == 0
    for planning, review in zip(halves[::2], halves[1::2], strict=True):
        assert review.end - planning.begin <= conditions.sprint_length + 1e-9
        assert not [week for week in releases if planning.begin + 1e-9 < week < review.end - 1e-9]


# ---- what is known to be so


def test_the_backlog_is_what_it_says():
    project = draw_project(Conditions(), seed=3)
    assert sum(story.effort for story in project.stories) == PLANNED_EFFORT
    assert {story.effort for story in project.stories} == set(EFFORTS)
    assert {story.name.partition("-")[0] for story in project.stories} == set(REQUIREMENTS)
    assert set(REQUIREMENTS) <= set(load_requirements())
    assert sum(SHARES) == pytest.approx(1)


def test_changes_are_a_poisson_process():
    conditions = Conditions(change_rate=2)
    projects = [draw_project(conditions, seed) for seed in range(400)]
    counts = [len(project.changes) for project in projects]
    expected = 2 * conditions.planned_weeks
    assert np.mean(counts) == pytest.approx(expected, rel=0.04)
    assert np.var(counts) == pytest.approx(expected, rel=0.25)
    weeks = np.concatenate([[change.week for change in p.changes] for p in projects])
    quarters, _ = np.histogram(weeks, bins=4, range=(0, conditions.planned_weeks))
    assert quarters == pytest.approx(np.full(4, len(weeks) / 4), rel=0.06)
    stories = np.concatenate([[change.story for change in p.changes] for p in projects])
    assert set(stories) == set(range(STORIES))


def test_conditions_change_nothing_but_what_they_say():
    few, many = (draw_project(Conditions(change_rate=rate), seed=5) for rate in (0.5, 3))
    assert few.stories == many.stories
    assert len(few.changes) < len(many.changes)
    assert [c.story for c in few.changes] == [c.story for c in many.changes][: len(few.changes)]
    rare, often = (draw_project(Conditions(misunderstood=share), seed=5) for share in (0.1, 0.3))
    assert rare.changes == often.changes
    pairs = list(zip(rare.stories, often.stories, strict=True))
    assert all(other.misunderstood for one, other in pairs if one.misunderstood)


def test_in_a_calm_world_time_is_work_and_overhead():
    run = waterfall(CALM, seed=0)
    assert run.delivered == pytest.approx((PLANNED_EFFORT + 4 * CALM.handover) / CALM.capacity)
    run = agile(CALM, seed=0)
    sprints = np.ceil(PLANNED_EFFORT / (CALM.sprint_length * CALM.capacity - CALM.sprint_overhead))
    effort = PLANNED_EFFORT + sprints * CALM.sprint_overhead
    assert run.delivered == pytest.approx(effort / CALM.capacity)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 9), st.floats(0.5, 2), any_seed)
def test_without_change_waterfall_is_at_least_as_fast(overhead, sprint_length, seed):
    """In sprints of at most two weeks, there are more of them than hand-overs."""
    met = replace(CALM, sprint_overhead=overhead, handover=overhead, sprint_length=sprint_length)
    assert waterfall(met, seed).delivered <= agile(met, seed).delivered + 1e-9


def test_agile_gives_value_early_and_waterfall_all_at_once():
    early, late = agile(CALM, seed=0), waterfall(CALM, seed=0)
    half = 0.5 * late.delivered
    assert late.value_at(half) == 0
    assert early.value_at(half) > 50
    steps = early.value_at(np.arange(2, 12, 2) + 0.01)
    assert (np.diff(np.diff([0, *steps])) < 0).all()  # what is worth most comes first


def test_with_more_change_agile_gets_better_than_waterfall():
    differences = []
    for rate in (0, 1, 2, 4):
        met = Conditions(change_rate=rate, misunderstood=0)
        differences.append(
            [
                mean("Agile", met, effort) - mean("Waterfall", met, effort),
                mean("Agile", met, value) - mean("Waterfall", met, value),
            ]
        )
    efforts, values = np.transpose(differences)
    assert efforts[0] > 0 > efforts[-1]
    assert values[0] <= 0 < values[-1]


def test_with_dear_releases_and_little_change_waterfall_brings_more():
    met = Conditions(change_rate=0.25, misunderstood=0, sprint_overhead=20)
    assert mean("Waterfall", met, value) > mean("Agile", met, value) + 5


@each_way
@pytest.mark.parametrize("setting", ["change_rate", "misunderstood", "ripple"])
def test_more_trouble_takes_more_effort(way, setting):
    amounts = {"change_rate": (0, 1, 3), "misunderstood": (0, 0.1, 0.4), "ripple": (0, 1, 3)}
    efforts = [
        mean(way, replace(Conditions(), **{setting: amount}), effort) for amount in amounts[setting]
    ]
    assert efforts == sorted(efforts)
    assert efforts[-1] > 1.05 * efforts[0]


@each_way
def test_later_feedback_takes_longer(way):
    weeks = [mean(way, Conditions(feedback_delay=delay), delivered) for delay in (0, 2, 4, 8)]
    assert weeks == sorted(weeks)
    assert weeks[-1] > weeks[0] + 1


def test_feedback_delays_acceptance_by_just_itself():
    soon, late = (waterfall(Conditions(feedback_delay=delay), seed=1) for delay in (1, 4))
    assert late.delivered == pytest.approx(soon.delivered + 3)


def test_who_speaks_up_at_once_is_heard_in_the_next_planning():
    run = agile(Conditions(change_rate=0, misunderstood=0.5, feedback_delay=0), seed=0)
    first = dict(reversed([(story, week) for week, story in run.releases]))
    assert run.comebacks
    for back in run.comebacks:
        assert back.heard == first[back.story]


def test_more_overhead_is_worse():
    for way, setting in (("Agile", "sprint_overhead"), ("Waterfall", "handover")):
        runs = [replace(Conditions(), **{setting: amount}) for amount in (0, 5, 10, 20)]
        efforts = [mean(way, met, effort) for met in runs]
        values = [mean(way, met, value) for met in runs]
        assert efforts == sorted(efforts) and efforts[0] < efforts[-1]
        assert values == sorted(values, reverse=True) and values[0] > values[-1]


def test_the_later_it_is_heard_the_more_a_change_costs():
    by_phase = {stage: [] for stage in (*STAGES, "acceptance")}
    for run in repeat("Waterfall", Conditions(change_rate=3), SEEDS):
        for back in run.comebacks:
            by_phase[back.phase].append(back.rework / run.project.stories[back.story].effort)
    costs = [np.mean(costs) for costs in by_phase.values()]
    assert costs == sorted(costs)
    assert 4 < costs[-1] / costs[0] < 10  # Boehm: 4 to 6 for small projects, more for large ones


def test_a_story_that_was_not_begun_is_altered_for_nothing():
    run = agile(Conditions(change_rate=3, misunderstood=0), seed=0)
    begun = run.passage["begun"].to_numpy()
    early = [back for back in run.comebacks if back.heard < begun[back.story]]
    assert early
    assert not any(back.rework for back in early)


def test_one_change_by_hand():
    """Handover costs nothing here, so the gates are in weeks 2, 4, 8 and 10."""
    met = Conditions(change_rate=0.1, misunderstood=0, handover=0, ripple=0.5)
    seed, project = next(
        (seed, project)
        for seed in range(100)
        if len((project := draw_project(met, seed)).changes) == 1
        and 2.2 < project.changes[0].week < 3.8
    )
    (back,) = waterfall(met, seed).comebacks
    story = project.stories[back.story]
    assert (back.heard, back.phase) == (pytest.approx(4), "design")
    # Two stages, 40 percent of it, are done; so is 40 percent of the product.
    assert back.rework == pytest.approx(0.4 * story.effort * (1 + 0.5 * 0.4))


# ---- what learners may try


def test_a_sprint_without_time_for_work_is_refused():
    with pytest.raises(CourseError, match=r"no time is left for work.*longer or its overhead"):
        Conditions(sprint_length=0.25, sprint_overhead=5)


@pytest.mark.parametrize(
    ("setting", "amount", "words"),
    [
        ("change_rate", -1, "change_rate must be a number from 0 up"),
        ("feedback_delay", float("nan"), "feedback_delay must be"),
        ("deadline", float("inf"), "deadline must be"),
        ("misunderstood", 15, "share"),
        ("capacity", 0, "capacity"),
    ],
)
def test_conditions_that_make_no_sense_are_refused(setting, amount, words):
    with pytest.raises(CourseError, match=words):
        Conditions(**{setting: amount})

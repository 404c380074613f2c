"""Many policies at once: on this computer and on a cluster, and the pictures of them."""

import base64
import re
import xml.etree.ElementTree as ElementTree
from calendar import month_abbr

import joblib
import pytest
from distributed import Client, LocalCluster
from hypothesis import given
from hypothesis import strategies as st

from mlops_school import capstone_views as views
from mlops_school import production_year, sweep
from mlops_school.errors import CourseError
from mlops_school.policies import REFERENCES, Policy

POLICIES = sweep.random_policies(60)


@pytest.fixture(scope="module")
def one_by_one():
    return [production_year.replay(policy, 12) for policy in POLICIES]


def test_policies_are_drawn_by_the_seed_and_differ():
    assert sweep.random_policies(60) == POLICIES
    assert sweep.random_policies(60, seed=1) != POLICIES
    assert len({str(policy.as_dict()) for policy in POLICIES}) == 60


def test_a_dask_cluster_gives_the_same_years(one_by_one):
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
        ) as cluster,
        Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        assert sweep.sweep(POLICIES, 12) == one_by_one


def test_threads_give_the_same_years_and_the_seed_counts(one_by_one):
    with joblib.parallel_config(backend="threading", n_jobs=2):
        assert sweep.sweep(POLICIES, 12) == one_by_one
        assert sweep.sweep(POLICIES, 13) != one_by_one


def test_a_policy_that_cannot_be_followed_is_named():
    with pytest.raises(CourseError, match="'odd' cannot be followed"):
        sweep.sweep([*POLICIES[:3], Policy("odd", window=0)])


def test_a_table_has_what_was_paid_in_both_parts(one_by_one):
    table = sweep.table(POLICIES, one_by_one)
    assert table.index.tolist() == [policy.name for policy in POLICIES]
    assert (table["tuned"] + table["judged"]).tolist() == pytest.approx(table["total"].tolist())
    assert table["window"].tolist() == [policy.window for policy in POLICIES]


# ---- pictures


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1))
def test_nobody_beats_the_front_and_all_others_are_beaten(pairs):
    best = views.front(*zip(*pairs, strict=True))

    def beaten(one):
        return any(a <= one[0] and b <= one[1] and (a, b) != one for a, b in pairs)

    assert sorted(best) == sorted({pair for pair in pairs if not beaten(pair)})


@pytest.fixture
def shown(monkeypatch):
    """Return the text alternatives of what is drawn."""
    texts = []
    monkeypatch.setattr(views.plots, "show", lambda figure, alt: texts.append(alt))
    return texts


def test_pictures_say_their_numbers(one_by_one, shown):
    table = sweep.table(POLICIES, one_by_one)
    views.show_fronts(table)
    views.show_halves(table, one_by_one[0])
    views.show_against_never(one_by_one[:3])
    quiet = (table["incidents"] == 0).sum()
    assert shown[0].startswith(f"Policies by incidents: {quiet} with 0, ")
    assert re.search(r"correlation .* [-\d.]+\. Compared with 'policy 1'", shown[1])
    more = (one_by_one[1].total - one_by_one[0].total) / 1000
    assert f"policy 2 {more:+.0f}" in shown[2]


class Handle:
    """Where outputs go in place of a notebook."""

    def __init__(self):
        self.frames = []

    def __call__(self, data, raw, display_id):
        self.frames.append(data)
        return self

    def update(self, data, raw):
        self.frames.append(data)


def test_the_dashboard_grows_month_by_month_and_ends_with_all(monkeypatch):
    handle = Handle()
    monkeypatch.setattr(views, "display", handle)
    policy = Policy("<mine>", data_gate=False, canary_share=None, model_gate=None)
    done = views.watch(policy, seed=12)
    assert done == production_year.replay(policy, 12)
    assert len(handle.frames) == 11
    first, last = handle.frames[0], handle.frames[-1]
    assert "0 of 10 months" in first["text/plain"]
    assert "none yet" in first["text/html"]
    assert f"10 of 10 months, {done.total:,.0f} dollars" in last["text/plain"]
    assert "&lt;mine&gt;" in last["text/html"]
    assert 'alt="Dollars a flight, month by month: Mar 6.61, ' in last["text/html"]
    assert last["text/html"].count("[INCIDENT]") == done.incidents
    (picture,) = re.findall(r"base64,([^\"]+)", last["text/html"])
    bars = ElementTree.fromstring(base64.b64decode(picture))
    words = [element.text for element in bars if element.text]
    assert [word for word in words if word != "!"] == list(month_abbr)[3:13]
    assert words.count("!") == sum(month.incidents > 0 for month in done.months)


def test_a_policy_that_cannot_be_followed_shows_nothing(monkeypatch):
    handle = Handle()
    monkeypatch.setattr(views, "display", handle)
    with pytest.raises(CourseError, match="window of 0"):
        views.watch(Policy(window=0))
    assert handle.frames == []


def test_a_comparison_has_a_row_for_each_year(one_by_one):
    years = [*(production_year.replay(policy, 12) for policy in REFERENCES)]
    table = views.compare([*years, production_year.oracle()])
    assert table.loc["oracle", "score"] == 100
    assert table["score"].idxmin() == "monthly, unguarded"
    assert table.loc["never", "total"] == round(years[0].total / 1000, 1)

import ast
import tomllib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from mlops_school import data, exploration, plots
from mlops_school import exploration_views as views
from mlops_school.authoring.source import read_cells
from mlops_school.errors import CourseError
from mlops_school.exercises import ____
from mlops_school.exploration import Findings, gap, rate_by, screen, wilson
from mlops_school.paths import COURSE
from mlops_school.process import FIRST_WORDING, load_requirements


@pytest.fixture(scope="module")
def flights():
    return exploration.load_open_flights()


# ---- Wilson's interval


@given(st.integers(1, 5000), st.data())
def test_wilson_is_scipys(n, draw):
    count = draw.draw(st.integers(0, n))
    expected = binomtest(count, n).proportion_ci(method="wilson")
    assert np.allclose(wilson(count, n), (expected.low, expected.high), atol=1e-12)


def test_of_no_cases_wilson_knows_nothing():
    low, high = wilson([0, 5], [0, 10])
    assert (low[0], high[0]) == (0, 1)
    assert 0 < low[1] < 0.5 < high[1] < 1


# ---- rates by group

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]),
        st.sampled_from([True, False, None]),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=60,
)


def make_table(rows):
    table = pd.DataFrame(rows, columns=["group", "late", "date"])
    return table.astype({"group": "string", "late": "boolean"})


@given(ROWS)
@settings(deadline=None, max_examples=30)
def test_every_row_is_counted_once(rows):
    table = make_table(rows)
    rates = rate_by(table, "group")
    assert rates["n"].sum() == table["late"].notna().sum()
    assert rates["missing"].sum() == table["late"].isna().sum()
    assert np.isclose((rates["share"].fillna(0) * rates["n"]).sum(), table["late"].sum())


@given(ROWS)
@settings(deadline=None, max_examples=30)
def test_intervals_hold_the_rate_and_days_never_narrow_them(rows):
    table = make_table(rows)
    by_day, by_row = rate_by(table, "group"), rate_by(table, "group", day=None)
    for rates in (by_day, by_row):
        known = rates[rates["n"] > 0]
        assert (known["low"] <= known["share"] + 1e-12).all()
        assert (known["high"] >= known["share"] - 1e-12).all()
        assert rates["low"].between(0, 1).all() and rates["high"].between(0, 1).all()
        assert (rates["worth"] <= rates["n"] + 1e-9).all()
    assert (by_day["high"] - by_day["low"] >= by_row["high"] - by_row["low"] - 1e-9).all()


@given(ROWS, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=30)
def test_the_order_of_the_rows_makes_no_difference(rows, random):
    shuffled = random.sample(rows, len(rows))
    one, other = rate_by(make_table(rows), "group"), rate_by(make_table(shuffled), "group")
    pd.testing.assert_frame_equal(one, other)


def test_a_group_without_labels_has_no_share():
    rates = rate_by(make_table([("a", None, 1), ("b", True, 1)]), "group")
    assert rates.loc["a", ["n", "missing", "low", "high"]].tolist() == [0, 1, 0, 1]
    assert np.isnan(rates.loc["a", "share"])


def test_days_on_which_all_flights_agree_count_as_one_flight_each():
    rows = [("a", day % 2 == 0, day) for day in range(20) for _ in range(50)]
    (worth,) = rate_by(make_table(rows), "group")["worth"]
    assert worth == pytest.approx(19)  # one degree of freedom goes to the share itself
    (alone,) = rate_by(make_table([("a", True, 1)] * 50), "group")["worth"]
    assert alone == 1


@pytest.mark.parametrize("days", [1, 3])
def test_days_that_agree_count_as_one_flight_each_whatever_is_rounded(days):
    rows = [("a", flight == 0, day) for day in range(days) for flight in range(49)]
    (worth,) = rate_by(make_table(rows), "group")["worth"]
    assert worth == days


def test_independent_flights_are_worth_about_their_number():
    random = np.random.default_rng(0)
    table = pd.DataFrame({"late": random.random(60_000) < 0.25, "group": "a"})
    table["date"] = random.integers(0, 120, len(table))
    (worth,) = rate_by(table, "group")["worth"]
    assert worth > 0.6 * len(table)


def test_groups_by_two_columns_and_by_categories_warn_of_nothing(recwarn):
    table = make_table([("a", True, 1), ("b", False, 2), ("b", True, 1)])
    table["kind"] = pd.Categorical(["x", "y", "y"], categories=["x", "y", "z"])
    rates = rate_by(table, ["group", "kind"])
    assert rates.index.tolist() == [("a", "x"), ("b", "y")]
    assert rate_by(table, "kind")["n"].to_dict() == {"x": 1, "y": 2}
    assert not recwarn.list


def test_a_column_may_have_the_name_of_a_result(flights):
    table = flights.head(3000)
    by_day = rate_by(table, "day")
    assert by_day.index.tolist() == table["day"].unique().tolist()
    named = rate_by(table.rename(columns={"carrier": "n", "origin": "hit"}), ["n", "hit"])
    assert named.to_numpy().tolist() == rate_by(table, ["carrier", "origin"]).to_numpy().tolist()


def test_intervals_by_day_hold_the_truth_as_often_as_they_say():
    """Simulate days that are good or bad, 100 times; by row the interval is far too sure."""
    random = np.random.default_rng(1)
    held = {"date": 0, None: 0}
    for _ in range(100):
        risk = random.beta(2, 6, size=60)  # the mean is 0.25
        table = pd.DataFrame({"date": np.repeat(np.arange(60), 40), "group": "a"})
        table["late"] = random.random(len(table)) < risk[table["date"]]
        for day in held:
            rates = rate_by(table, "group", day=day)
            held[day] += bool(rates["low"].iloc[0] <= 0.25 <= rates["high"].iloc[0])
    assert held["date"] >= 88  # of 100; 95 are promised
    assert held[None] <= 75


# ---- differences


def judged_days(same_day_shift, random):
    """Return days in which a part of the flights is late more often, by 0.1 on average."""
    risk = random.uniform(0.2, 0.6, size=60)
    table = pd.DataFrame({"date": np.repeat(np.arange(60), 40), "month": 1})
    table["small"] = np.arange(len(table)) % 4 == 0
    other = risk if same_day_shift else random.permutation(risk)
    day = table["date"]
    risk = np.where(table["small"], risk[day] + 0.1, other[day])
    return table.assign(late=random.random(len(table)) < risk)


@pytest.mark.parametrize("same_day_shift", [True, False])
def test_the_interval_of_a_gap_holds_the_truth_as_often_as_it_says(same_day_shift):
    random = np.random.default_rng(2)
    tables = [judged_days(same_day_shift, random) for _ in range(100)]
    gaps = pd.concat([gap(table, "month", "small", "late") for table in tables])
    assert 90 <= ((gaps["low"] <= 0.1) & (gaps["high"] >= 0.1)).sum() <= 99
    assert gaps["gap"].mean() == pytest.approx(0.1, abs=0.01)


def test_what_both_parts_share_does_not_widen_the_gap():
    rows = [(day, small, day % 2 == 0) for day in range(20) for small in (True, False)]
    table = pd.DataFrame(rows, columns=["date", "small", "late"]).assign(month=1)
    (row,) = gap(table, "month", "small", "late").to_numpy()
    assert np.allclose(row, 0)


# ---- what a column gives away


def test_the_screen_gives_sklearns_auc_in_the_better_direction(flights):
    sample = flights.dropna(subset="late").sample(3000, random_state=0)
    late = sample["late"].astype(bool)
    scores = screen(sample.assign(minus=-sample["dep_delay"]), ["dep_delay", "minus"])
    assert np.allclose(scores, roc_auc_score(late, sample["dep_delay"]))


def test_a_text_with_a_new_value_in_every_row_tells_nothing(flights):
    sample = flights.dropna(subset="late").sample(3000, random_state=0)
    sample["serial"] = [f"n{number}" for number in range(len(sample))]
    assert screen(sample, ["serial"])["serial"] < 0.55


def test_a_text_is_judged_by_its_rate_on_other_days(flights):
    sample = flights.dropna(subset="late").sample(3000, random_state=0)
    late = sample["late"].astype(bool)
    sample["sign"] = late.map({True: "red", False: "green"})
    sample["turning"] = (late ^ (sample["day"] % 2 == 0)).map({True: "red", False: "green"})
    scores = screen(sample, ["sign", "turning"])
    assert scores.round(6).tolist() == [1, 1]
    same_day = sample.groupby(["date", "sign"]).ngroup().astype(str)  # tells about its own day only
    assert screen(sample.assign(same=same_day), ["same"])["same"] < 0.55


def test_rows_without_value_or_label_do_not_stop_the_screen(flights):
    scores = screen(flights.head(3000), ["air_time", "tailnum", "dep_delay"])
    assert scores.index[0] == "dep_delay"
    assert scores.is_monotonic_decreasing


def test_the_flight_before_is_that_of_the_same_aircraft_on_the_same_day():
    flights = data.load_flights([1]).head(4)
    flights["date"] = pd.to_datetime(["2013-01-01"] * 3 + ["2013-01-02"])
    flights["tailnum"] = pd.Series(["N1", "N2", "N1", "N1"], dtype="str")
    flights["time_hour"] = pd.to_datetime(
        ["2013-01-01 18:00", "2013-01-01 10:00", "2013-01-01 11:00", "2013-01-02 11:00"], utc=True
    )
    flights = flights.assign(minute=30, dep_delay=10.0, air_time=60.0, arr_delay=[5.0, 6, 7, 8])
    before = exploration.flight_before(flights)
    assert before["before"].fillna(-1).tolist() == [7, -1, -1, -1]
    assert before["landed"].iloc[0] == pd.Timestamp("2013-01-01 12:40", tz="UTC")


def test_the_flight_before_ignores_missing_tail_numbers(flights):
    assert flights.loc[flights["tailnum"].isna(), "before"].isna().all()
    assert 0.2 < flights["before"].notna().mean() < 0.3


# ---- many looks


def test_surprise_is_measured_by_what_the_flights_are_worth():
    rates = pd.DataFrame({"share": [0.5, 0.1], "worth": [100.0, 25.0]})
    assert exploration.surprise(rates, 0.2).round(6).tolist() == [7.5, 1.25]


def test_chance_finds_something_when_it_may_look_often(flights):
    arrived = flights.dropna(subset="late")
    arrived = arrived.assign(ending=arrived["flight"] % 100, half=arrived["flight"] % 2)
    many = exploration.look_often(arrived, "ending", 20, seed=0)
    few = exploration.look_often(arrived, "half", 20, seed=0)
    assert (many > 1.96).mean() > 0.8
    assert few.mean() < 1.5
    again = exploration.look_often(arrived, "ending", 20, seed=0)
    pd.testing.assert_series_equal(many, again)


# ---- notes and proposals


def test_findings_compare_with_the_guess(capsys):
    findings = Findings({"hour": 40, "day": ____})
    findings.add("hour", 33.4, "a feature")
    findings.add("day", 79.2, "the split")
    findings.add("leak", "too good", "a rule")
    findings.add("hour", 33.4, "another feature")
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "FINDING hour: 33; you guessed 40, 7 away -> a feature"
    assert said[1] == "FINDING day: 79 -> the split"
    table = findings.table()
    assert table.index.tolist() == ["hour", "day", "leak"]
    assert table.loc["hour"].tolist() == ["40", "33", "another feature"]
    assert table.loc[["day", "leak"], "your guess"].tolist() == ["none", "none"]


def test_a_guess_in_words_is_refused():
    with pytest.raises(CourseError, match="'hour' as a number"):
        Findings({"hour": "40 %"})


def test_a_proposal_is_a_diff_and_leaves_the_requirement_as_it_is():
    before = load_requirements()["R7"]
    change = exploration.propose("R7", {"= 0.10": "= 0.05"})
    assert "-maximum_gap = 0.10" in change.splitlines()
    assert "+maximum_gap = 0.05" in change.splitlines()
    load_requirements.cache_clear()
    assert load_requirements()["R7"] == before


def test_what_the_lesson_proposes_is_what_stands_today():
    cells = {cell.id: cell for cell in read_cells(COURSE / "lessons" / "07_exploration.py")}
    (assignment,) = (
        node
        for node in ast.parse(cells["change"].source).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "edits"
    )
    text = FIRST_WORDING.read_text(encoding="utf-8")
    entry = text[text.index('id = "R7"') :]
    for words, others in ast.literal_eval(assignment.value).items():
        entry = entry.replace(words, others)
    proposed, today = tomllib.loads(entry), load_requirements()["R7"]
    assert proposed["text"].split() == today.text.split()
    assert {name: proposed.get(name) for name in today.limits} == today.limits


@pytest.mark.parametrize(
    ("requirement", "edits", "words"),
    [
        ("R99", {}, "no requirement"),
        ("R7", {"nowhere": "there"}, "0 times"),
        ("R7", {"0.10": "0.2"}, "2 times"),
        ("R7", {"= 100": "= hundred"}, "no TOML"),
    ],
)
def test_a_proposal_that_cannot_be_says_why(requirement, edits, words):
    with pytest.raises(CourseError, match=words):
        exploration.propose(requirement, edits)


def test_notes_are_written_over(workspace):
    for text in ("one", "two"):
        exploration.keep_note("note.txt", text)
    (file,) = (workspace / "07-exploration").iterdir()
    assert file.read_text(encoding="utf-8") == "two"


# ---- pictures, in words


def test_the_text_of_the_funnel_counts_what_chance_does_not_explain():
    table = pd.DataFrame(
        {"n": [10, 1000, 1000, 1000], "share": [0.4, 0.25, 0.4, 0.4]},
        index=["few", "usual", "odd", "one day"],
    ).assign(worth=[10.0, 1000.0, 900.0, 1.0])
    figure, alt = views.draw_funnel(table, 0.25, ["odd"])
    plots.to_html(figure, alt)
    assert "3 destinations lie within" in alt and "1 outside" in alt
    assert "odd 40% of 1,000" in alt


def test_the_text_of_gaps_names_the_months_and_the_interval():
    rows = pd.DataFrame(
        {"gap": [0.1, 0.05], "low": [0.05, 0.01], "high": [0.15, 0.09]}, index=[1, "Jan-Mar"]
    )
    figure, alt = views.draw_gaps(rows, 0.1)
    plots.to_html(figure, alt)
    assert alt.endswith("Jan: 0.100 (0.05 to 0.15); Jan-Mar: 0.050 (0.01 to 0.09)")


def test_the_timeline_puts_what_is_too_late_after_the_warning():
    for words, when, _, end, _ in views._TIMELINE:
        known = end is None or end <= -2
        assert known == (when == "known"), words


def test_steps_leave_out_what_lies_outside():
    table = make_table([("a", True, 1), ("a", False, 1), ("a", True, 2)])
    table["visib"] = [0.5, 5.0, np.nan]
    steps = views.by_step(table, "visib", [-1, 1, 10], ["bad", "good"])
    assert steps["n"].to_dict() == {"bad": 1, "good": 1}
    assert steps["days"].tolist() == [1, 1]


# ---- what the lesson says of the data


def test_the_open_months_are_those_to_learn_from(flights):
    assert flights["month"].unique().tolist() == [1, 2, 3, 4]
    assert flights["late"].isna().equals(flights["arr_delay"].isna())
    assert flights.loc[flights["arr_delay"] == 15, "late"].all()
    assert not flights.loc[flights["arr_delay"] == 14, "late"].any()
    assert (flights.groupby("date")["place"].max() == flights.groupby("date").size()).all()


@pytest.mark.parametrize("miles", [300, 400, 500, 600, 700, 750, 800])
def test_short_flights_are_later_only_in_the_whole(flights, miles):
    arrived = flights.dropna(subset="late").astype({"late": float})
    short, ev = arrived["distance"] <= miles, arrived["carrier"] == "EV"
    rates = arrived.groupby([ev, short])["late"].mean()
    assert rates[True, True] < rates[True, False]
    assert rates[False, True] < rates[False, False]
    assert arrived.loc[short, "late"].mean() > arrived.loc[~short, "late"].mean()


def test_newark_is_as_good_as_the_others_without_one_carrier(flights):
    others = flights[flights["carrier"] != "EV"].dropna(subset="late")
    rates = others.groupby("origin")["late"].mean().astype(float)
    assert rates.max() - rates.min() < 0.01


def test_small_destinations_are_served_later_in_the_day(flights):
    small = flights["dest_flights"] < 100
    evening = flights["hour"] >= 18
    assert evening[small].mean() > 1.5 * evening[~small].mean()


@pytest.mark.parametrize("edges", [[4, 11, 16, 23], [4, 9, 13, 17, 23], [4, 8, 11, 14, 17, 20]])
def test_the_same_timetable_turns_the_order_of_two_carriers_round(flights, edges):
    arrived = flights.dropna(subset="late").astype({"late": float})
    part = pd.cut(arrived["hour"], edges)
    mix = part.value_counts(normalize=True)
    rates = arrived.groupby([part, "carrier"], observed=True)["late"].mean().unstack()
    same = rates[["9E", "WN"]].mul(mix, axis=0).sum()
    plain = arrived.groupby("carrier")["late"].mean()
    early = (arrived["hour"] < 10).groupby(arrived["carrier"]).mean()
    assert early["WN"] > early["9E"]
    assert plain["9E"] > plain["WN"]
    assert same["9E"] < same["WN"]


def test_january_breaks_the_requirement_and_february_meets_it(flights):
    late = flights[flights["late"].fillna(False)]
    late = late.assign(warned=late["hour"] >= 12, small=late["dest_flights"] < 100)
    gaps = gap(late, "month", "small", "warned")
    assert gaps.loc[1, "gap"] > 0.10 > gaps.loc[2, "gap"]
    assert (gaps["low"] < 0.10).all() and (gaps["high"] > 0.10).all()


def test_a_bad_day_often_follows_a_bad_one(flights):
    days = flights.groupby("date")["late"].mean().astype(float)
    assert days.autocorr() > 0.2


def test_what_has_no_tail_number_was_cancelled(flights):
    assert flights.loc[flights["tailnum"].isna(), "dep_time"].isna().all()
    stormy = flights[(flights["date"] == "2013-02-09") & flights["late"].isna()]
    assert stormy["dep_time"].isna().all()


def test_the_rows_of_a_day_are_in_the_order_of_departure(flights):
    left = flights.dropna(subset="dep_time").groupby("date")["dep_time"]
    assert left.apply(lambda times: times.is_monotonic_increasing).all()

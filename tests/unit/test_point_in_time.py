"""The join of moments with what was known then, against a loop that is too simple to be wrong."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlops_school.errors import CourseError
from mlops_school.point_in_time import as_of

START = pd.Timestamp("2013-03-09", tz="UTC")
SIX = pd.Timedelta(hours=6)
minutes = st.integers(0, 48 * 4).map(
    lambda quarter: 15 * quarter
)  # coarse, so that ties are common
airports = st.sampled_from(["EWR", "JFK", "LGA"])
moment_rows = st.lists(st.tuples(airports, minutes), max_size=12)
fact_rows = st.lists(st.tuples(airports, minutes), max_size=30)


def table(rows, **columns):
    """Return a table of (airport, minute) with a column of times."""
    origins = pd.Series([origin for origin, _ in rows], dtype="str").astype(object)
    known = pd.to_timedelta([minute for _, minute in rows], unit="min") + START
    return pd.DataFrame({"origin": origins, "known": pd.Series(known, dtype="datetime64[ns, UTC]")})


def facts_of(rows, gaps=()):
    """Return facts with two values: their number, and one that is missing in the gaps."""
    facts = table(rows).assign(number=np.arange(float(len(rows))))
    return facts.assign(value=facts["number"].where(~facts.index.isin(gaps)))


def brute_force(moments, facts, tolerance=SIX):
    """Return the number of the fact that counts for each moment, looking at every fact."""
    numbers = []
    for origin, now in zip(moments["origin"], moments["known"], strict=True):
        best, number = None, np.nan
        for about, known, n in zip(facts["origin"], facts["known"], facts["number"], strict=True):
            usable = about == origin and now - tolerance <= known <= now
            if usable and (best is None or known >= best):  # of two known at once, the last
                best, number = known, n
        numbers.append(number)
    return numbers


@settings(max_examples=300, deadline=None)
@given(moment_rows, fact_rows, st.lists(st.integers(0, 29), max_size=10), st.randoms())
@example([("EWR", 360)], [("EWR", 0)], [], None)  # exactly as old as is allowed
@example([("EWR", 375)], [("EWR", 0)], [], None)  # just too old
@example([("EWR", 15)], [("EWR", 15), ("EWR", 15)], [], None)  # known at that very moment, twice
@example([], [], [], None)
def test_it_gives_what_brute_force_gives(questions, rows, gaps, random):
    moments, facts = table(questions), facts_of(rows, gaps)
    index = list(range(100, 100 + len(questions)))
    if random is not None:
        random.shuffle(index)
    moments.index = index
    found = as_of(moments, facts, on="known", by="origin", tolerance=SIX)
    expected = brute_force(moments, facts)
    assert found.index.equals(moments.index)  # as many rows, in the same order
    assert list(found.columns) == ["number", "value"]
    np.testing.assert_array_equal(found["number"], np.array(expected, dtype=float))
    # A value that is missing in the newest fact is missing: no older one takes its place.
    wanted = [np.nan if n != n else facts["value"].iloc[int(n)] for n in expected]
    np.testing.assert_array_equal(found["value"], np.array(wanted, dtype=float))


@settings(max_examples=100, deadline=None)
@given(moment_rows, fact_rows, minutes)
def test_what_becomes_known_later_changes_nothing(questions, rows, now):
    moments = table([(origin, min(minute, now)) for origin, minute in questions])
    facts = facts_of(rows)
    cut = START + pd.Timedelta(minutes=now)
    past = facts[facts["known"] <= cut]
    other = facts.assign(number=facts["number"].where(facts["known"] <= cut, -1.0))
    arguments = {"on": "known", "by": "origin", "tolerance": SIX}
    expected = as_of(moments, facts, **arguments)
    pd.testing.assert_frame_equal(as_of(moments, past, **arguments), expected)
    pd.testing.assert_frame_equal(as_of(moments, other, **arguments), expected)


def test_an_index_with_duplicates_is_kept():
    moments = table([("JFK", 30), ("EWR", 15), ("EWR", 30)]).set_axis([7, 7, 7])
    found = as_of(moments, facts_of([("EWR", 15)]), on="known", by="origin", tolerance=SIX)
    assert found.index.tolist() == [7, 7, 7]
    np.testing.assert_array_equal(found["number"], [np.nan, 0, 0])


def test_the_tables_that_it_is_given_stay_as_they_are():
    moments, facts = table([("JFK", 30), ("EWR", 15)]), facts_of([("EWR", 15), ("EWR", 0)])
    before = moments.copy(), facts.copy()
    as_of(moments, facts, on="known", by="origin", tolerance=SIX)
    pd.testing.assert_frame_equal(moments, before[0])
    pd.testing.assert_frame_equal(facts, before[1])


def test_times_and_texts_of_other_kinds_fit():
    moments = table([("EWR", 30)]).astype({"known": "datetime64[s, UTC]", "origin": "category"})
    facts = facts_of([("EWR", 15)]).astype({"origin": "string[pyarrow]"})
    assert as_of(moments, facts, on="known", by="origin", tolerance=SIX)["number"].tolist() == [0]


@pytest.mark.parametrize("which", ["moments", "facts"])
def test_a_missing_time_is_refused(which):
    tables = {"moments": table([("EWR", 30)]), "facts": facts_of([("EWR", 15)])}
    tables[which].loc[0, "known"] = pd.NaT
    with pytest.raises(CourseError, match=f"{which}, 1 rows have no time in column 'known'"):
        as_of(**tables, on="known", by="origin", tolerance=SIX)


def test_of_many_facts_known_at_once_the_last_counts():
    moments = table([("EWR", 60)])
    # So many, and so mixed, that only a stable sort keeps their order.
    facts = facts_of([("EWR", 15 * (number * 7 % 5)) for number in range(500)])
    assert as_of(moments, facts, on="known", by="origin", tolerance=SIX)["number"].tolist() == [497]

"""Joining what happened with what was known at that moment."""

import numpy as np
import pandas as pd

from mlops_school.errors import CourseError


def as_of(
    moments: pd.DataFrame, facts: pd.DataFrame, *, on: str, by: str, tolerance: pd.Timedelta
) -> pd.DataFrame:
    """Return, for each moment, the newest fact that was known then.

    Parameters
    ----------
    moments : DataFrame
        One row a question, in any order. Column `by` says what is asked about, `on` when.
    facts : DataFrame
        One row a fact, in any order. Column `by` says what it is about, and `on` **from when on it
        was known**, which is not when it happened. All other columns are its values. Of facts
        about the same that became known at once, the last row counts.
    on, by : str
        The columns' names, the same in both.
    tolerance : Timedelta
        A fact that is older than this is no answer. One that is exactly as old still is.

    Returns
    -------
    DataFrame of shape (n_moments, n_values)
        The values, with the index and the order of `moments`. Where nothing was known, they are
        missing.

    Raises
    ------
    CourseError
        If a time is missing: nobody can say whether such a row comes before another.
    """
    for name, table in {"moments": moments, "facts": facts}.items():
        if missing := int(table[on].isna().sum()):
            raise CourseError(
                f"In the {name}, {missing} rows have no time in column {on!r}. Find out why, and "
                "leave them out or give them a time before you join."
            )
    # pandas merges equal types only: times of one resolution, and texts of one kind.
    questions = pd.DataFrame(
        {by: moments[by], on: moments[on].dt.as_unit("ns"), "_row": np.arange(len(moments))}
    ).sort_values(on)
    known = facts.assign(
        **{by: facts[by].astype(moments[by].dtype), on: facts[on].dt.as_unit("ns")}
    ).sort_values(on, kind="stable")  # keeps the order of facts that became known at once
    answers = pd.merge_asof(questions, known, on=on, by=by, tolerance=tolerance)
    answers = answers.set_index("_row").sort_index().drop(columns=[by, on])
    return answers.set_axis(moments.index)

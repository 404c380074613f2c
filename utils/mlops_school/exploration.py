"""Looking at data with questions: shares with their uncertainty, and what a column gives away."""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import roc_auc_score

from mlops_school import data
from mlops_school.errors import CourseError
from mlops_school.features import LATE_FROM, departure
from mlops_school.paths import workspace
from mlops_school.process import FIRST_WORDING

OPEN_MONTHS = (1, 2, 3, 4)  # the months that a model may learn from; all others stay shut
_Z = NormalDist().inv_cdf(0.975)  # so many standard errors to each side make 95 percent
# Names for columns of our own, beside columns that may have any sensible name.
_N, _MISSING, _HIT, _DAY = "(n)", "(missing)", "(hit)", "(day)"


def label(flights: pd.DataFrame) -> pd.Series:
    """Return whether each flight was late: True, False, or missing if it never arrived."""
    late = (flights["arr_delay"] >= LATE_FROM).astype("boolean")
    return late.mask(flights["arr_delay"].isna())


def load_open_flights() -> pd.DataFrame:
    """Return all flights of the open months, with a label where there is one.

    Returns
    -------
    DataFrame
        The columns of the flights, then ``date``; ``place`` (1 for the first row of a day, in the
        order of the file); ``dest_flights``, all flights to its destination in that month;
        ``late``, which is missing if the flight never arrived; and what :func:`flight_before` says.
    """
    flights = data.load_flights(OPEN_MONTHS)
    date = pd.to_datetime(flights[["year", "month", "day"]])
    flights = flights.assign(
        date=date,
        place=flights.groupby(date).cumcount() + 1,
        dest_flights=flights.groupby(["month", "dest"])["flight"].transform("size"),
        late=label(flights),
    )
    return flights.join(flight_before(flights))


def wilson(count: ArrayLike, n: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of Wilson's 95 percent interval for a share.

    The interval holds every share that the score test does not reject (E. B. Wilson, 1927). Other
    than "share plus or minus two standard errors", it stays between 0 and 1, and works for few
    cases. Of no cases at all it says that the share is between 0 and 1.

    Parameters
    ----------
    count, n : array-like of float
        How many cases are of the kind, and how many there are.

    Returns
    -------
    low, high : ndarray
    """
    count, n = np.asarray(count, dtype=float), np.asarray(n, dtype=float)
    z2 = _Z**2
    centre = (count + z2 / 2) / (n + z2)
    with np.errstate(invalid="ignore", divide="ignore"):
        within = np.where(n > 0, count * (n - count) / n, 0)
    half = np.sqrt(z2 * (within + z2 / 4)) / (n + z2)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def rate_by(table: pd.DataFrame, by: str | Sequence[str], day: str | None = "date") -> pd.DataFrame:
    """Return the share late in each group, with its 95 percent interval.

    Parameters
    ----------
    table : DataFrame
        One row a case, with ``late``. Rows without it are counted, and otherwise left out.
    by : str or list of str
        The columns that make the groups. A missing value makes a group of its own.
    day : str, optional
        The column whose equal values mark cases that are not independent. Flights of one day share
        its weather, so a thousand of them tell less than a thousand days would. With None, all
        cases count as independent.

    Returns
    -------
    DataFrame
        Sorted by group: ``n`` (cases with a label), ``missing`` (cases without), ``share``,
        ``low``, ``high``, and ``worth``: the number of independent cases that tell as much.
    """
    keys = [by] if isinstance(by, str) else list(by)
    known = table["late"].notna()
    hit = table["late"].astype("boolean").fillna(False).astype(float)
    columns = {_N: known.astype(int), _MISSING: (~known).astype(int), _HIT: hit}
    cases = table[keys].assign(**columns)
    cases[_DAY] = np.arange(len(table)) if day is None else table[day].to_numpy()

    groups = cases.groupby(keys, dropna=False, observed=True)
    result = groups[list(columns)].sum().rename(columns={_N: "n", _MISSING: "missing"})
    result["share"] = share = result[_HIT] / result["n"].where(result["n"] > 0)
    worth = result["n"].astype(float)
    if day is not None:
        days = cases[cases[_N] > 0].groupby([*keys, _DAY], dropna=False, observed=True)
        worth = _worth(days[[_N, _HIT]].sum(), keys, share, worth)
    result["low"], result["high"] = wilson(share.fillna(0) * worth, worth)
    return result.assign(worth=worth)[["n", "missing", "share", "low", "high", "worth"]]


def _worth(days: pd.DataFrame, keys: list[str], share: pd.Series, n: pd.Series) -> pd.Series:
    """Return how many independent cases tell as much as those of each group.

    The variance of a share from days as clusters, by Taylor's linearisation, stands beside that of
    independent cases; their ratio is Kish's design effect.
    """
    levels = list(range(len(keys)))
    expected = share.reindex(days.index.droplevel(-1)).to_numpy() * days[_N]
    squares = (
        ((days[_HIT] - expected) ** 2).groupby(level=levels, dropna=False, observed=True).sum()
    )
    count = days[_N].groupby(level=levels, dropna=False, observed=True).size()
    squares, count = squares.reindex(n.index).fillna(0), count.reindex(n.index).fillna(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        clustered = count / (count - 1) * squares / n**2
        worth = share * (1 - share) / clustered
    # Where all cases, or all days, agree, nothing can be estimated: a day then counts as one.
    # Agreement is never exact: 1 / 49 * 49 is less than 1.
    return worth.where(np.isfinite(worth) & (squares > 1e-15), count).clip(upper=n)


def gap(table: pd.DataFrame, by: str, part: str, outcome: str) -> pd.DataFrame:
    """Return by how much a share differs between two parts, with its 95 percent interval.

    Both parts live through the same days, so the difference is taken within each day before the
    days are compared (Taylor's linearisation with days as clusters; L. Kish, 1965).

    Parameters
    ----------
    table : DataFrame
        One row a case, with ``date``; none without an outcome.
    by : str
        The column that makes the groups; each gets a row of the result.
    part : str
        A column of True and False; each group holds both.
    outcome : str
        A column of True and False.

    Returns
    -------
    DataFrame
        ``gap`` (the share where `part` is True, less that of the others), ``low`` and ``high``.
    """
    rows = {}
    for name, group in table.groupby(by):
        days = group.groupby(["date", part])[outcome].agg(["sum", "size"]).unstack(fill_value=0)
        hits, n = days["sum"], days["size"]
        share = hits.sum() / n.sum()
        off = (hits - share * n) / n.sum()  # what each day adds to the error of a share
        squares = ((off[True] - off[False]) ** 2).sum()
        reach = _Z * np.sqrt(len(days) / (len(days) - 1) * squares)
        found = share[True] - share[False]
        rows[name] = {"gap": found, "low": found - reach, "high": found + reach}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(by)


def screen(table: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Return how well each column alone tells late flights from punctual ones.

    A column of text becomes a number first: on even days of the month the share late that its value
    had on odd days, and the other way round, so that no flight tells about itself.

    Returns
    -------
    Series
        ROC AUC by column, the larger of both directions, from the largest down. Flights without a
        value are left out.
    """
    table = table[table["late"].notna()]
    label = table["late"].astype(float)
    scores = {}
    for column in columns:
        values = table[column]
        if not pd.api.types.is_numeric_dtype(values):
            values = _encode(values, label, table["day"] % 2 == 0)
        there = values.notna()
        score = roc_auc_score(label[there], values[there].astype(float))
        scores[column] = max(score, 1 - score)
    return pd.Series(scores, name="roc_auc").sort_values(ascending=False, kind="stable")


def _encode(values: pd.Series, label: pd.Series, half: pd.Series) -> pd.Series:
    """Return for each value the share late among the same values of the other half.

    Few flights say little, so 20 flights of the average are added to each value.
    """
    encoded = pd.Series(np.nan, index=values.index)
    for mine in (half, ~half):
        other = label[~mine].groupby(values[~mine]).agg(["sum", "size"])
        average = label[~mine].mean()
        shares = (other["sum"] + 20 * average) / (other["size"] + 20)
        encoded[mine] = values[mine].map(shares).fillna(average).astype(float)
    return encoded


def flight_before(flights: pd.DataFrame) -> pd.DataFrame:
    """Return what became of the flight that the same aircraft made before, on the same day.

    Parameters
    ----------
    flights : DataFrame
        With ``date``.

    Returns
    -------
    DataFrame of shape (n_flights, 2)
        ``before``: how late it arrived, in minutes; ``landed``: when it touched down, in UTC. Both
        are missing if there was no such flight from New York, or if it never arrived.
    """
    scheduled = departure(flights)
    in_the_air = pd.to_timedelta(flights["dep_delay"] + flights["air_time"], unit="min")
    table = flights[["date", "tailnum", "arr_delay"]].assign(
        scheduled=scheduled, landed=scheduled + in_the_air
    )
    ordered = table.sort_values("scheduled", kind="stable")
    before = ordered.groupby(["date", "tailnum"])[["arr_delay", "landed"]].shift()
    return before.reindex(flights.index).rename(columns={"arr_delay": "before"})


def surprise(rates: pd.DataFrame, share: float) -> pd.Series:
    """Return how far each group is from the share of all, in standard errors of its own worth.

    Parameters
    ----------
    rates : DataFrame
        From :func:`rate_by`.
    share : float
        The share of all cases.
    """
    error = np.sqrt(share * (1 - share) / rates["worth"])
    return ((rates["share"] - share) / error).abs()


def look_often(table: pd.DataFrame, by: str, looks: int, seed: int) -> pd.Series:
    """Return the largest surprise among all groups, for labels that were dealt out at random.

    Parameters
    ----------
    table : DataFrame
        One row a case, all with a label.
    by : str
        The column that makes the groups.
    looks : int
        How often the labels are shuffled.
    seed : int
        For the shuffling.

    Returns
    -------
    Series of shape (looks,)
        Of the group that stands out most, the distance to the share of all, in standard errors.
    """
    group, _ = pd.factorize(table[by])
    label = table["late"].to_numpy(dtype=float)
    n, share = np.bincount(group), label.mean()
    error = np.sqrt(share * (1 - share) / n)
    random = np.random.default_rng(seed)
    best = []
    for _ in range(looks):
        shares = np.bincount(group, weights=random.permutation(label)) / n
        best.append(np.abs((shares - share) / error).max())
    return pd.Series(best, name="standard errors")


def propose(requirement: str, edits: Mapping[str, str]) -> str:
    """Return the change of a first wording that some edits would make, as a unified diff.

    No requirement changes by that.

    Parameters
    ----------
    requirement : str
        Its id, such as ``R7``.
    edits : dict of str to str
        What is written in place of which words of its entry.

    Raises
    ------
    CourseError
        If there is no such requirement, or it does not hold the words exactly once, or if what
        comes out is no TOML any more.
    """
    text = FIRST_WORDING.read_text(encoding="utf-8")
    entries = text.split("[[requirement]]\n")
    found = [entry for entry in entries if entry.startswith(f'id = "{requirement}"\n')]
    if not found:
        raise CourseError(f"There is no requirement {requirement!r}. Look at its id again.")
    old = new = found[0].strip()
    for words, others in edits.items():
        if new.count(words) != 1:
            raise CourseError(
                f"{requirement} holds {words!r} {new.count(words)} times. Choose words that are "
                "there exactly once."
            )
        new = new.replace(words, others)
    try:
        tomllib.loads(new)
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"With these edits {requirement} is no TOML: {error}.") from None
    names = (f"{requirement} first wording", f"{requirement} proposed")
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), *names, lineterm="", n=1)
    return "\n".join(lines)


def keep_note(name: str, text: str) -> None:
    """Write a text into the folder ``07-exploration`` of the workspace, over an older one."""
    folder = workspace() / "07-exploration"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8", newline="\n")


@dataclass
class Findings:
    """What was guessed and found, and what that changes: the notes of an exploration.

    Attributes
    ----------
    guesses : dict of str to float
        What somebody expected, by the name of the question; a blank is no guess, and words are
        refused.
    notes : dict
        What was noted, by name.
    """

    guesses: Mapping[str, object]
    notes: dict[str, dict[str, object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, guess in self.guesses.items():
            if isinstance(guess, str):
                raise CourseError(f"Guess {name!r} as a number, without quotation marks.")

    def add(self, name: str, found: float | str, changes: str) -> None:
        """Note a finding, over an earlier one of that name, and print how far off the guess was.

        Parameters
        ----------
        name : str
            The name of a question, or a new one for what nobody had asked.
        found : float or str
            The answer: a number in the unit of the question, or words.
        changes : str
            What will be done differently from now on.
        """
        words = found if isinstance(found, str) else f"{found:.0f}"
        guess = self.guesses.get(name)
        guessed = isinstance(guess, int | float) and not isinstance(found, str)
        self.notes[name] = {
            "your guess": f"{guess:g}" if guessed else "none",
            "found": words,
            "what it changes": changes,
        }
        off = f"; you guessed {guess:g}, {abs(guess - found):.0f} away" if guessed else ""
        print(f"FINDING {name}: {words}{off} -> {changes}")

    def table(self) -> pd.DataFrame:
        """Return all notes, in the order in which they were made."""
        return pd.DataFrame.from_dict(self.notes, orient="index").rename_axis("finding")

"""Exercises of lesson 08, Features."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from pandas.errors import MergeError
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder, TargetEncoder

from mlops_school import data
from mlops_school.errors import CourseError
from mlops_school.exercises import NotYet, StillBlank, ____, exercise
from mlops_school.features import CATEGORICAL, FEATURES, NUMERIC, make_features
from mlops_school.skew import make_requests, share_differing

LESSON = "08_features"

# ---- the join

_DAY = pd.Timestamp("2013-05-23", tz="UTC")
# Each case: rows of weather (airport, hour, temperature), the temperature that a flight from EWR
# gets whose warning is due at 19:45, and what is said if it gets another.
_CASES = [
    (
        [("EWR", 17, 1.0), ("JFK", 18, 2.0)],
        1.0,
        "a flight gets the weather of another airport.",
    ),
    (
        [("EWR", 17, 1.0), ("EWR", 20, 2.0)],
        1.0,
        "a flight gets weather from after the warning was due. In which direction may you look?",
    ),
    (
        [("EWR", 17, 1.0), ("EWR", 19, 2.0)],
        1.0,
        "a flight due at 19:45 gets the row of 19 o'clock, not known until its hour is over.",
    ),
    (
        [("EWR", 18.75, 1.0)],
        1.0,
        "weather that becomes known exactly when the warning is due still counts.",
    ),
    (
        [("EWR", 12.75, 1.0)],
        1.0,
        "weather that has been known for exactly six hours still counts.",
    ),
    (
        [("EWR", 12, 1.0)],
        np.nan,
        "a flight gets weather that has been known for more than six hours. That is too old.",
    ),
]


def _join_code(arguments: str) -> str:
    return (
        "def join_weather(flights, weather):\n"
        "    facts = weather.assign(known=weather['time_hour'] + pd.Timedelta('1h'))\n"
        "    facts = facts.sort_values('known')\n"
        "    left = flights[['origin', 'due']].sort_values('due')\n"
        f"    return pd.merge_asof({arguments})"
    )


_KEYS = "left, facts, left_on='due', right_on='known'"
_LIMIT = "tolerance=pd.Timedelta('6h')"


@exercise(
    LESSON,
    hints=(
        "Go through the reference: it compares `origin`; it looks at `known`, not at `time_hour`; "
        "and an `age` lies between 0 and 6 hours.",
        "`merge_asof` has the parameters `by`, `direction` and `tolerance`. Without `direction` "
        "it looks backward, and that is what you want. The left table needs `origin`, too.",
        "For the fourth fault, give the weather a column `known`, one hour after `time_hour`, sort "
        "by it, and name it in `right_on`.",
    ),
    wrong={
        _join_code(f"{_KEYS}, {_LIMIT}"): "another airport",
        _join_code(f"{_KEYS}, {_LIMIT}, by='origin', direction='nearest'"): "which direction",
        _join_code(f"{_KEYS}, {_LIMIT}, by='origin'").replace("'1h'", "'0h'"): "its hour is over",
        _join_code(f"{_KEYS}, {_LIMIT}, by='origin', allow_exact_matches=False"): "exactly when",
        _join_code(f"{_KEYS}, by='origin'"): "too old",
        _join_code(f"{_KEYS}, {_LIMIT}, by='origin'").replace(".sort_values('due')", ""): "sorted",
        _join_code(f"{_KEYS}, {_LIMIT}, by='origin'") + ".dropna()": "a row for each flight",
        _join_code(f"{_KEYS}, {_LIMIT}, by='origin'") + "['temp']": "column `temp`",
        _join_code(f"{_KEYS}, {_LIMIT}, by='origin'").replace("['origin', 'due']", "['due']"): (
            "asks a table for 'origin'"
        ),
        "join_weather = 'merge_asof'": "the function itself",
    },
    given=lambda: {"pd": pd},
)
def q1(join_weather: Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]) -> str:
    """Which weather was known when the warning was due?"""
    if not callable(join_weather):
        raise NotYet("give the function itself: `join_weather`, without brackets behind it.")
    for rows, right, message in _CASES:
        found = _joined(join_weather, [("EWR", 19.75)], rows)
        if not np.array_equal(found, [right], equal_nan=True):
            raise NotYet(message)
    unsorted = [("JFK", 21.0), ("EWR", 19.75), ("EWR", 16.5), ("JFK", 2.0)]
    rows = [("JFK", 19, 3.0), ("EWR", 18, 2.0), ("EWR", 15, 1.0)]
    if not np.array_equal(
        _joined(join_weather, unsorted, rows), [np.nan, 1.0, 2.0, 3.0], equal_nan=True
    ):
        raise NotYet("with several flights the result is another one. Is it in the order of `due`?")
    return "whose, known when, looking backward, and not too old: a point-in-time join."


def _joined(
    join: Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame],
    flights: Sequence[tuple[str, float]],
    rows: Sequence[tuple[str, float, float]],
) -> np.ndarray:
    """Return the temperatures that a learner's join gives."""
    due = [_DAY + pd.Timedelta(hours=hour) for _, hour in flights]
    asked = pd.DataFrame({"origin": [origin for origin, _ in flights], "due": due})
    asked["time_hour"] = (asked["due"] + pd.Timedelta(hours=2)).dt.floor("h")
    weather = pd.DataFrame(rows, columns=["origin", "hour", "temp"])
    weather["time_hour"] = _DAY + pd.to_timedelta(weather.pop("hour"), unit="h")
    try:
        table = join(asked, weather)
    except ValueError as error:
        if "sorted" in str(error):
            raise NotYet("both tables must be sorted by the time they are joined on.") from None
        raise
    except KeyError as error:
        raise NotYet(f"your function asks a table for {error}, which it does not have.") from None
    if table is ____:
        raise StillBlank
    if not isinstance(table, pd.DataFrame) or "temp" not in table:
        raise NotYet("return the whole table, with `due` and the column `temp`.")
    temperatures = table["temp"].to_numpy("float64")
    if len(temperatures) != len(flights):
        raise NotYet("give a row for each flight, also for one without any weather.")
    return temperatures


# ---- what leaks

_LEAKS = {"dep_time", "arr_time", "air_time", "place_in_file"}
_HARMLESS = {"hour", "sched_arr_time", "distance"}


@exercise(
    LESSON,
    hints=(
        "Do not look at the scores first. Ask of each column: two hours before departure, who "
        "could tell it?",
        "What the timetable says is known for months. What is measured during the flight is not.",
        "The rows of a day stand in the order in which the flights really left. What does a place "
        "in that order tell?",
    ),
    wrong={
        "leaks = ['hour', 'dep_time', 'place_in_file']": "timetable",
        "leaks = ['dep_time', 'arr_time', 'place_in_file']": "low score",
        "leaks = ['dep_time', 'arr_time', 'air_time']": "order of the rows",
        "leaks = ['air_time', 'place_in_file']": "clock",
        "leaks = 'dep_time'": "list",
        "leaks = None": "list",
        "leaks = ['dep_delay']": "no candidate",
    },
)
def q2(leaks: Iterable[str]) -> str:
    """Which columns are not known two hours before departure?"""
    if isinstance(leaks, str) or not isinstance(leaks, Iterable):
        raise NotYet("give a list of names, in square brackets.")
    named = set(leaks)
    if unknown := named - _LEAKS - _HARMLESS:
        raise NotYet(f"{', '.join(sorted(map(str, unknown)))}: that is no candidate.")
    if wrong := named & _HARMLESS:
        raise NotYet(
            f"`{min(wrong)}` stands in the timetable months before. A high score is no proof of "
            "a leak."
        )
    if "place_in_file" not in named:
        raise NotYet(
            "at least one is missing. Read in the data card what the order of the rows is."
        )
    if named < _LEAKS and "air_time" not in named:
        raise NotYet("one with a low score is missing: a low score does not make a column known.")
    if named < _LEAKS:
        raise NotYet("one is missing that a clock shows only after the warning is due.")
    return (
        "you judged them by when they are known. `arr_time` scores lower than `hour`, and leaks; "
        "`place_in_file` is no column at all, and leaks the most."
    )


# ---- the clock on the wall


def _clock_code(local: str) -> str:
    return (
        "def wall_clock(times):\n"
        f"    local = {local}\n"
        "    return pd.DataFrame({'weekday': local.dt.day_name().str[:3],\n"
        "        'minute_of_day': local.dt.hour * 60 + local.dt.minute})"
    )


@exercise(
    LESSON,
    hints=(
        "`times.dt.tz_convert(...)` shows the same moments on another clock; `tz_localize` would "
        "change the moments.",
        "The zone is in `new_york`. It knows summer and winter by itself.",
        "`local.dt.hour` is the hour on the clock; an hour has 60 minutes, and `local.dt.minute` "
        "comes on top.",
    ),
    wrong={
        _clock_code("times"): "UTC's clock",
        _clock_code("times - pd.Timedelta(hours=5)"): "in summer",
        _clock_code("times - pd.Timedelta(hours=4)"): "in winter",
        _clock_code("times.dt.tz_convert('EST')"): "in summer",
        _clock_code("times.dt.tz_localize('America/New_York')"): "already have a zone",
        _clock_code("times.dt.tz_convert('America/New_York')").replace(
            " + local.dt.minute", ""
        ): "minutes past the hour",
        _clock_code("times.dt.tz_convert('America/New_York')").replace(
            "local.dt.day_name()", "times.dt.day_name()"
        ): "UTC has the next day",
        _clock_code("times.dt.tz_convert('America/New_York')").replace(
            ".str[:3]", ""
        ): "three letters",
        _clock_code("times.dt.tz_convert('America/New_York')").replace(
            " * 60", ""
        ): "an hour has 60 minutes",
        _clock_code("times.dt.tz_convert('America/New_York')") + "['weekday']": "a table with",
        "wall_clock = None": "the function itself",
    },
    given=lambda: {"pd": pd, "new_york": ZoneInfo("America/New_York")},
)
def q3(wall_clock: Callable[[pd.Series], pd.DataFrame]) -> str:
    """What do the clocks in New York show?"""
    if not callable(wall_clock):
        raise NotYet("give the function itself: `wall_clock`, without brackets behind it.")
    moments = {
        "in winter": ["2013-01-07 22:45", "2013-01-08 03:10"],
        "in summer": ["2013-07-01 21:45", "2013-07-02 01:59"],
        "on 10 March": ["2013-03-10 06:59", "2013-03-10 07:00"],
        "on 3 November": ["2013-11-03 05:30", "2013-11-03 06:30", "2013-11-04 04:59"],
    }
    for when, texts in moments.items():
        times = pd.Series(pd.to_datetime(texts, utc=True), index=range(7, 7 + len(texts)))
        try:
            table = wall_clock(times)
        except TypeError as error:
            if "tz" not in str(error):
                raise
            raise NotYet("the times already have a zone, UTC. Convert them to another.") from None
        if table is ____:
            raise StillBlank
        if not isinstance(table, pd.DataFrame) or not {"weekday", "minute_of_day"} <= set(table):
            raise NotYet("return a table with the columns `weekday` and `minute_of_day`.")
        local = times.dt.tz_convert("America/New_York")
        minutes = table["minute_of_day"].to_numpy()
        if np.array_equal(minutes, times.dt.hour * 60 + times.dt.minute):
            raise NotYet("that is UTC's clock. New York's is hours behind.")
        if np.array_equal(minutes, local.dt.hour * 60):
            raise NotYet("the minutes past the hour are missing.")
        if np.array_equal(minutes, local.dt.hour + local.dt.minute):
            raise NotYet("an hour has 60 minutes: 17:45 is minute 1065 of the day.")
        if not np.array_equal(minutes, local.dt.hour * 60 + local.dt.minute):
            raise NotYet(
                f"{when} the minutes are wrong: no fixed number of hours is right all year."
            )
        if table["weekday"].iloc[0] not in {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}:
            raise NotYet("a weekday has three letters, such as `Mon`.")
        if list(table["weekday"]) != list(local.dt.day_name().str[:3]):
            raise NotYet("the weekday is not New York's: in the evening UTC has the next day.")
    return "right in winter, in summer, and on the two days between."


# ---- where the encoder learns


def _encoder_given() -> dict[str, Any]:
    flights = data.load_flights([1, 2]).dropna(subset="arr_delay").groupby("month").head(600)
    features = make_features(flights, data.load_weather(), data.load_planes())
    features["aircraft_to"] = flights["tailnum"] + " to " + flights["dest"]

    def make_model(numbers: list[str] = NUMERIC) -> Pipeline:
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
        columns = make_column_transformer((codes, CATEGORICAL), ("passthrough", numbers))
        return make_pipeline(columns, HistGradientBoostingClassifier(max_iter=5, random_state=0))

    may = flights["month"] == 2  # stands in for May
    return {
        "features": features,
        "validation": features[may],
        "late": flights["arr_delay"] >= 15,
        "train": flights["month"] == 1,
        "may": may,
        "CATEGORICAL": CATEGORICAL,
        "NUMERIC": NUMERIC,
        "HistGradientBoostingClassifier": HistGradientBoostingClassifier,
        "OrdinalEncoder": OrdinalEncoder,
        "make_column_transformer": make_column_transformer,
        "make_model": make_model,
        "make_pipeline": make_pipeline,
        "np": np,
    }


def _encoder_code(columns: str, fit: str) -> str:
    return (
        "from sklearn.preprocessing import TargetEncoder\n"
        "codes = OrdinalEncoder(handle_unknown='use_encoded_value', unknown_value=np.nan)\n"
        f"columns = make_column_transformer({columns})\n"
        "encoded = make_pipeline(columns, HistGradientBoostingClassifier(max_iter=5))\n"
        f"{fit}"
    )


_COLUMNS = "(codes, CATEGORICAL), (TargetEncoder(), ['aircraft_to']), ('passthrough', NUMERIC)"
_FIT = "encoded.fit(features[train], late[train])"


@exercise(
    LESSON,
    hints=(
        "Copy the lines of `make_model`. `make_column_transformer` takes one more pair: a step, "
        "and the list of columns that go through it.",
        "The new pair has an encoder and `['aircraft_to']`. The encoder is not fitted by hand: "
        "`fit` of the pipeline does that, and cross-fits.",
        "Name the pipeline `encoded`, and fit it on the rows of `train` only.",
    ),
    wrong={
        _encoder_code(
            _COLUMNS, "encoded.fit(features[train | may], late[train | may])"
        ): "has seen",
        _encoder_code(_COLUMNS, ""): "not fitted",
        _encoder_code("(codes, [*CATEGORICAL, 'aircraft_to']), ('passthrough', NUMERIC)", _FIT): (
            "no `TargetEncoder`"
        ),
        _encoder_code("(TargetEncoder(), ['aircraft_to']), ('passthrough', NUMERIC)", _FIT): (
            "weekday"
        ),
        _encoder_code(_COLUMNS.replace("'aircraft_to'", "'dest'"), _FIT): "through another",
        "encoded = make_model().fit(features[train], late[train]).predict_proba": "the pipeline",
    },
    given=_encoder_given,
)
def q4(encoded: Pipeline, validation: pd.DataFrame, late: pd.Series) -> str:
    """Does the encoder learn where it may?"""
    if not isinstance(encoded, Pipeline):
        raise NotYet("`encoded` is the pipeline itself, of a column transformer and trees.")
    sends = encoded[0]
    if not isinstance(sends, ColumnTransformer):
        raise NotYet("the first step of the pipeline sends columns through their own steps.")
    if not hasattr(sends, "transformers_"):
        raise NotYet("the pipeline is not fitted.")
    encoders = [
        (step, columns)
        for _, step, columns in sends.transformers_
        for step in [step[-1] if isinstance(step, Pipeline) else step]
        if type(step) is TargetEncoder
    ]
    if not encoders:
        raise NotYet("there is no `TargetEncoder` among the steps of the pipeline.")
    if not (sent := [step for step, columns in encoders if "aircraft_to" in columns]):
        raise NotYet("the `TargetEncoder` is there, but `aircraft_to` does not go through another.")
    used = {name for _, step, columns in sends.transformers_ if step != "drop" for name in columns}
    if lost := [name for name in FEATURES if name not in used]:
        raise NotYet(f"the model lacks features that it had: {', '.join(lost)}.")
    if validation["aircraft_to"].isin(np.concatenate(sent[0].categories_)).all():
        raise NotYet("the encoder knows every kind of the validation month: it has seen it.")
    score = roc_auc_score(late[validation.index], encoded.predict_proba(validation)[:, 1])
    return f"an honest {score:.2f}, in the notebook as in service."


# ---- one function for both paths


def _serving_given() -> dict[str, Any]:
    weather, planes = data.load_weather(), data.load_planes()
    flights = data.load_flights([5]).sample(40, random_state=0)
    training = make_features(flights, weather, planes)
    return {
        "requests": make_requests(flights, training),
        "trained": training,
        "training": training,
        "weather": weather,
        "planes": planes,
        "make_features": make_features,
        "FEATURES": FEATURES,
        "pd": pd,
    }


def _serve_code(lines: str) -> str:
    return (
        "def serve_again(request):\n    flight = pd.DataFrame([request])\n"
        "    flight['time_hour'] = pd.to_datetime(flight['time_hour'])\n" + lines
    )


@exercise(
    LESSON,
    hints=(
        "`make_features` takes a table of flights. One request is a dict: what makes a table of "
        "one row of it?",
        "`pd.DataFrame([request])` does. Then one column still has the wrong type.",
        "`pd.to_datetime` turns the text in `time_hour` into a time. All the rest is one call.",
    ),
    wrong={
        "def serve_again(request):\n"
        "    return make_features(pd.DataFrame([request]), weather, planes)": "is a text",
        _serve_code("    return make_features(flight, weather, planes).iloc[0].to_dict()"): (
            "a table of one row"
        ),
        _serve_code(
            "    flight['tailnum'] = flight['tailnum'].fillna('N14228')\n"
            "    table = make_features(flight, weather, planes)\n"
            "    return table.assign(seats=table['seats'].fillna(0))"
        ): "seats",
        _serve_code(
            "    table = make_features(flight, weather, planes)\n"
            "    return table.assign(temp=request['weather']['temp'])"
        ): "temp",
        _serve_code(
            "    table = make_features(flight, weather, planes)\n"
            "    return table.assign(weekday=flight['time_hour'].dt.day_name().str[:3])"
        ): "weekday",
        _serve_code("    return flight[['carrier', 'origin']]"): "Only one of the two paths",
        "serve_again = requests[0]": "the function itself",
    },
    given=_serving_given,
)
def q5(
    serve_again: Callable[[Mapping[str, Any]], pd.DataFrame],
    requests: Sequence[Mapping[str, Any]],
    training: pd.DataFrame,
) -> str:
    """Do training and serving agree?"""
    if not callable(serve_again):
        raise NotYet("give the function itself: `serve_again`, without brackets behind it.")
    chosen = np.linspace(0, len(requests) - 1, 40, dtype=int)
    rows = []
    for number in chosen:
        try:
            row = serve_again(dict(requests[number]))
        except (TypeError, MergeError):
            raise NotYet(
                "`make_features` cannot compute with that table. `time_hour` of a request is a "
                "text, and must become a time in UTC."
            ) from None
        if row is ____:
            raise StillBlank
        if not isinstance(row, pd.DataFrame) or len(row) != 1:
            raise NotYet("return a table of one row, as `make_features` does.")
        rows.append(row)
    table = training.iloc[chosen]
    try:
        shares = share_differing(table, pd.concat(rows).set_axis(table.index))
    except CourseError as error:
        raise NotYet(str(error)) from None
    if (shares > 0).any():
        name = shares.index[0]
        raise NotYet(f"`{name}` still differs, in {shares[name]:.0%} of {len(table)} requests.")
    return f"{len(table)} requests through one function, and every feature agrees."

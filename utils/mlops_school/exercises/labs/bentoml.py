"""Exercises of the lab on BentoML."""

from collections.abc import Callable, Sequence

from mlops_school.exercises import Blank, NotYet, StillBlank, exercise

LAB = "bentoml"


@exercise(
    LAB,
    hints=(
        "Three steps: the different flights, one call for them, and then one answer for each "
        "flight of the *original* list.",
        "`list(dict.fromkeys(flights))` has each flight once, in the order of its first place.",
        "`dict(zip(different, forecast(different)))` finds the answer of a flight by the flight.",
    ),
    wrong={
        "def forecast_once(flights, forecast):\n    return forecast(flights)": "more than once",
        "def forecast_once(flights, forecast):\n"
        "    return forecast(list(dict.fromkeys(flights)))": "somebody gets none",
        "def forecast_once(flights, forecast):\n"
        "    different = sorted(set(flights))\n"
        "    found = dict(zip(different, forecast(different)))\n"
        "    return [found[flight] for flight in sorted(flights)]": "another flight",
        "def forecast_once(flights, forecast):\n"
        "    return [forecast([flight])[0] for flight in flights]": "calls `forecast` 5 times",
        "def forecast_once(flights, forecast):\n"
        "    found = {flight: forecast([flight])[0] for flight in set(flights)}\n"
        "    return [found[flight] for flight in flights]": "calls `forecast` 3 times",
        "def forecast_once(flights, forecast):\n"
        "    different = list(dict.fromkeys(flights))\n"
        "    return dict(zip(different, forecast(different)))": "a list",
        "forecast_once = ['UA 1', 'AA 2']": "a function",
    },
    given=dict,
)
def q1(forecast_once: Callable[[list, Callable[[list], list]], list]) -> str:
    """Does the function save work, and keep the contract of a batch?"""
    if not callable(forecast_once):
        raise NotYet("`forecast_once` must be a function of `flights` and `forecast`.")
    if "____" in getattr(getattr(forecast_once, "__code__", None), "co_names", ()):
        raise StillBlank
    flights = ["UA 1", "AA 2", "UA 1", "9E 3", "AA 2"]
    calls: list[list[str]] = []

    def forecast(some: Sequence[str]) -> list[str]:
        calls.append(list(some))
        return [f"answer for {flight}" for flight in some]

    answers = forecast_once(list(flights), forecast)
    if isinstance(answers, Blank):
        raise StillBlank
    if not isinstance(answers, list):
        raise NotYet("it must return a list: one answer for each place in `flights`.")
    if len(answers) != len(flights):
        raise NotYet(
            f"{len(flights)} people asked, and there are {len(answers)} answers: somebody gets "
            "none, or that of another."
        )
    if answers != forecast(flights):
        raise NotYet("somebody gets the answer for another flight. Keep the order of `flights`.")
    calls.pop()  # our own, for comparison
    if len(calls) != 1:
        raise NotYet(f"it calls `forecast` {len(calls)} times. One call with many is the point.")
    if len(calls[0]) != len(set(flights)):
        raise NotYet("the one call is right, but it forecasts a flight more than once.")
    if forecast_once([], forecast) != []:
        raise NotYet("no flights must give no answers.")
    return "one call, three forecasts, five answers, and each of them goes where it belongs."


# What is in the folder of the project, and why it must or must not go into the bento.
_NEEDED = {
    "bento_service.py": "the service itself",
    "utils/mlops_school/forecasts.py": "the course's code",
    "utils/mlops_school/service/rpc/delay.proto": "the whole of the course's code",
    "course/data/weather.parquet": "the weather",
    "course/data/planes.parquet": "the planes",
    "course/data/flights/2013-07.parquet": "the flights, which tell the routes",
    "course/requirements.toml": "`course/requirements.toml`",
}
_UNWANTED = {".env": "the password", "requests.log": "the log of what people asked"}


@exercise(
    LAB,
    hints=(
        "The service itself is a file. Of what else it needs, two folders hold everything.",
        "A folder ends in a slash: `utils/` is all that is in `utils`, at any depth.",
        "Name what goes in. A pattern such as `*` takes whatever somebody leaves there tomorrow.",
    ),
    wrong={
        'include = ["bento_service.py"]': "lacks the course's code",
        'include = ["bento_service.py", "utils/"]': "lacks the weather",
        'include = ["utils/", "course/"]': "lacks the service itself",
        'include = ["*"]': "the password",
        'include = ["*.py", "course/"]': "lacks the whole of the course's code",
        'include = ["bento_service.py", "utils/", "course/data/"]': "course/requirements.toml",
        'include = ["bento_service.py", "utils/", "course/*.parquet"]': "lacks the weather",
        'include = ["bento_service.py", "utils/", "course/", "*.log"]': "the log",
        'include = "utils/"': "a list",
    },
    given=dict,
)
def q2(include: list[str]) -> str:
    """Is everything in the bento that it needs, and nothing that is nobody's business?"""
    from pathspec import PathSpec  # reads the patterns of BentoML, and of DVC

    if not isinstance(include, list | tuple):
        raise NotYet('`include` is a list of patterns, such as `["bento_service.py", "notes/"]`.')
    if any(isinstance(pattern, Blank) for pattern in include):
        raise StillBlank
    if not all(isinstance(pattern, str) for pattern in include):
        raise NotYet("each pattern is text, in quotes.")
    packed = PathSpec.from_lines("gitignore", include).match_file
    for file, meaning in _UNWANTED.items():
        if packed(file):
            raise NotYet(f"{meaning} would be in the bento, and in every container made of it.")
    for file, meaning in _NEEDED.items():
        if not packed(file):
            raise NotYet(f"the bento lacks {meaning}.")
    return "it has its code and its data, and what lies beside them stays at home."

"""Exercises of lesson 02, The software development life cycle."""

import ast
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlops_school.delay_service import files_of, verify
from mlops_school.errors import CourseError
from mlops_school.exercises import NotYet, StillBlank, ____, exercise
from mlops_school.process import Requirement, load_requirements
from mlops_school.repository import Repository
from mlops_school.traceability import COLUMNS, GAP, requirement_of, test_functions

LESSON = "02_sdlc"
LIMIT = load_requirements()["R5"].limits["within_milliseconds"]
BROKEN_BY_THE_BUG = ("R1", "R6")  # no probability, and a request that makes the service fail


def _times(quick: int, slow: int) -> np.ndarray:
    return np.array([LIMIT / 4] * quick + [LIMIT * 4.5] * slow)


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


@exercise(
    LESSON,
    hints=(
        "R5 speaks of a share of requests. Which requests count as quick enough?",
        "`milliseconds <= 200` is True for each of them, and the mean of True and False is a "
        "share.",
        "Compare that share with 0.95.",
    ),
    wrong={
        "def fast_enough(milliseconds):\n    return milliseconds.mean() <= 200": "average",
        "def fast_enough(milliseconds):\n    return np.median(milliseconds) <= 200": "half",
        "def fast_enough(milliseconds):\n    return (milliseconds <= 200).all()": "one slow",
        "def fast_enough(milliseconds):\n    return (milliseconds < 200).mean() >= 0.95": "exactly",
        "def fast_enough(milliseconds):\n    return (milliseconds <= 200).mean()": "True or False",
        "def fast_enough(milliseconds):\n    return (milliseconds <= 200).sum() >= 95": "share",
        "fast_enough = 200": "function",
    },
    given=lambda: {"np": np},
)
def q1(fast_enough: Callable[[np.ndarray], bool]) -> str:
    """Is the service fast enough, as R5 has it?"""
    if not callable(fast_enough):
        raise NotYet("`fast_enough` is a function; write what it returns.")
    verdict = fast_enough(_times(100, 0))
    if verdict is ____:
        raise StillBlank
    if not isinstance(verdict, bool | np.bool_):
        raise NotYet("a test decides. Return True or False, by comparing with the limit of R5.")
    if fast_enough(_times(60, 40)):
        raise NotYet("this accepts a service where only a bit more than half of the answers come.")
    if fast_enough(_times(94, 6)):
        raise NotYet("an average hides the few who wait very long. R5 counts requests.")
    if not fast_enough(_times(190, 10)):
        raise NotYet("this refuses a service for one slow answer. R5 allows some: how many?")
    if fast_enough(_times(150, 50)) or not fast_enough(_times(20, 1)):
        raise NotYet("that counts requests. R5 speaks of a share, whatever number was sent.")
    if not fast_enough(np.full(100, LIMIT)):
        raise NotYet("an answer after exactly 200 milliseconds is still *within* 200.")
    return "the wish has become a decision that a computer can make, the same every time."


def _draft() -> dict[str, Any]:
    message = "assert 500 == 422\n +  where 500 = <Response [500 Internal Server Error]>"
    rows = [
        ("test_R1_gives_a_probability[06:00]", "passed", ""),
        ("test_R6_refuses_what_is_no_time", "failed", message),
    ]
    return {"draft": pd.DataFrame(rows, columns=["test", "outcome", "message"]).set_index("test")}


@exercise(
    LESSON,
    hints=(
        "The id of the requirement is a part of the test's name.",
        "In `assert a == b`, `a` is what happened and `b` what the test expected.",
        "`where … = <Response …>.status_code` says which of the two came from the service.",
    ),
    wrong={
        'broken = "R6"\nanswered = 422': "expected",
        'broken = "R1"\nanswered = 500': "other requirement",
        'broken = "test_R6_refuses_what_is_no_time"\nanswered = 500': "id",
        'broken = "R6"\nanswered = 200': "left",
    },
    given=_draft,
)
def q2(broken: str, answered: int, draft: pd.DataFrame) -> str:
    """Which requirement is not met, and what did the service do?"""
    (failed,) = draft[draft["outcome"] == "failed"].itertuples()
    did, expected = map(int, re.findall(r"\d+", failed.message)[:2])
    if not isinstance(broken, str) or not re.fullmatch(r"R\d+", broken.strip()):
        raise NotYet('`broken` is the id of a requirement, such as `"R12"`.')
    if broken.strip() != requirement_of(failed.Index):
        raise NotYet("the test that failed is named after another requirement.")
    if str(answered) == str(expected):
        raise NotYet(f"{expected} is what the test expected. What did the service answer?")
    if str(answered) != str(did):
        raise NotYet("read `assert` from the left: the first number is what the service answered.")
    return "a failure says what happened, what was expected, and, here, which promise is broken."


def _repository() -> dict[str, Any]:
    """Return a repository whose version ``v1.0`` has the bug."""
    repository = Repository.create(Path(tempfile.mkdtemp(dir=Path.cwd())) / "repository")
    repository.write("model.json", '{"flights": {"6": 40, "17": 60}, "late": {"6": 4, "17": 21}}')
    for step in ("draft", "test", "repair"):
        for name, text in files_of(step).items():
            repository.write(name, text)
    repository.commit("all")
    repository.tag("v1.0")
    return {"repository": repository}


def _verify_with(
    repository: Repository, files: Mapping[str, str], *tests: str, version: str = "v1.0"
) -> pd.DataFrame:
    """Try a version of the service with other or additional files, away from the repository."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        copy = Repository(repository.checkout(version, Path(folder) / "copy"))
        for name, text in files.items():
            copy.write(name, text)
        return verify(copy.folder, *tests)


def _asks(name: str, departure: str, status: int) -> str:
    """Return code that answers q3 with a test for a status."""
    return _lines(
        'my_test = """',
        f"def {name}(client):",
        f'    answer = client.get("/delay", params={{"departure": "{departure}"}})',
        f"    assert answer.status_code == {status}",
        '"""',
    )


@exercise(
    LESSON,
    hints=(
        "Ask the service for what the bug report says: a flight at 1:06. Which status must come?",
        "The test is a function `test_R1_…(client)` that calls `client.get`, as the acceptance "
        "tests in section 4 do.",
        'Inside: `answer = client.get("/delay", params={"departure": "01:06"})`, then an `assert` '
        "on `answer.status_code`. All of it stands between triple quotes.",
    ),
    wrong={
        _asks("test_R1_answers", "17:05", 200): "passes on `v1.0`",
        _asks("test_R1_answers", "01:06", 500): "passes on `v1.0`",
        _asks("test_R6_refuses", "01:06", 422): "fails on the repaired service",
        _asks("answers_at_night", "01:06", 200): "begins with `test_`",
        _asks("test_night", "01:06", 200): "id of the requirement",
        _asks("test_R12_night", "01:06", 200): "R12",
        _asks("test_R1_night", "01:06", 200).replace("(client)", "()"): "client",
        _asks("test_R1_night", "01:06", 200).replace("):", ")"): "Python",
        "def my_test(client):\n    pass": "text",
    },
    given=_repository,
    hands_on=True,
)
def q3(my_test: str, repository: Repository) -> str:
    """Does the test fail because of the bug, and only because of it?"""
    if not isinstance(my_test, str):
        raise NotYet("the test is the text of a file, between triple quotes.")
    _check_name(_test_names(my_test))
    mine = {"tests/test_mine.py": my_test}
    if not (_verify_with(repository, mine, *mine)["outcome"] == "failed").any():
        raise NotYet(
            "this test passes on `v1.0`, which has the bug. Ask for what the bug report asked "
            "for, and expect what the requirement demands."
        )
    repaired = _verify_with(repository, mine | files_of("fix"), *mine)
    if messages := list(repaired.loc[repaired["outcome"] == "failed", "message"]):
        raise NotYet(
            "this test fails on `v1.0`, but it also fails on the repaired service, so it asks for "
            f"something else. There, pytest says: `{messages[0].splitlines()[0]}`"
        )
    return "red with the bug, green without it. Now anyone can see whether it is repaired."


def _test_names(text: str) -> list[str]:
    try:
        return test_functions(text)
    except SyntaxError as error:
        raise NotYet(f"line {error.lineno} of the text is not valid Python: {error.msg}.") from None


def _check_name(names: list[str]) -> None:
    if not names:
        raise NotYet("pytest finds no test in it: the name of a test begins with `test_`.")
    for name in names:
        if (id_ := requirement_of(name)) is None:
            raise NotYet(
                f"`{name}` does not say what it is for. After `test_` comes the id of the "
                "requirement, then `_`."
            )
        if id_ not in BROKEN_BY_THE_BUG:
            raise NotYet(f"is it really {id_} that the bug breaks? Read the requirements again.")


def _repairs(*lines: str) -> str:
    """Return code that answers q4 with a `share_late` of these lines."""
    body = (f"    {line}" for line in lines)
    return _lines("my_repair = '''", "def share_late(hour):", *body, "'''")


_KNOWN_HOUR = "return LATE[hour] / FLIGHTS[hour]"


@exercise(
    LESSON,
    hints=(
        "Two cases: the hour is in `FLIGHTS`, or it is not. The first stays as it was.",
        "The share among *all* flights is the number of all late flights, divided by the number "
        "of all flights.",
        "`sum(LATE.values())` is the number of all late flights.",
    ),
    wrong={
        _repairs("if hour not in FLIGHTS:", "    return 0.0", _KNOWN_HOUR): "never late",
        _repairs(
            "if hour not in FLIGHTS:",
            "    raise ValueError('unknown hour')",
            _KNOWN_HOUR,
        ): "refuse",
        _repairs(
            "shares = [LATE[h] / FLIGHTS[h] for h in FLIGHTS]",
            "if hour not in FLIGHTS:",
            "    return sum(shares) / len(shares)",
            _KNOWN_HOUR,
        ): "few flights",
        _repairs("hour = max(hour, min(FLIGHTS))", _KNOWN_HOUR): "another hour",
        _repairs("return sum(LATE.values()) / sum(FLIGHTS.values())"): "every hour",
        _repairs(_KNOWN_HOUR): "still stops",
        _repairs("if hour in FLIGHTS:", f"    {_KNOWN_HOUR}"): "nothing",
        "my_repair = 'share_late = 0.2'": "no function",
        "my_repair = 0.2": "text",
    },
    given=_repository,
    hands_on=True,
)
def q4(my_repair: str, repository: Repository) -> str:
    """Does the repair answer at any hour, and break nothing?"""
    if not isinstance(my_repair, str):
        raise NotYet("the repair is the text of a function, between triple quotes.")
    _check_shares(_defined(my_repair))
    old = files_of("repair") | {"delays.py": files_of("draft")["delays.py"]}
    files = old | files_of("reproduce") | {"delays.py": f"{old['delays.py']}\n\n{my_repair}"}
    try:
        report = _verify_with(repository, files)
    except CourseError as error:
        raise NotYet(f"the service does not start with it. {error}") from None
    if failed := list(report.index[report["outcome"] == "failed"]):
        raise NotYet(f"the function is right by itself, but these tests fail: {', '.join(failed)}.")
    return f"all {len(report)} tests pass: the bug is gone, and nothing else has changed."


def _defined(text: str) -> Callable[[int], float]:
    """Return the learner's `share_late`, with a small model of its own."""
    names: dict[str, Any] = {"FLIGHTS": {5: 10, 17: 30}, "LATE": {5: 1, 17: 15}}
    try:
        exec(compile(ast.parse(text), "my_repair", "exec"), names)
    except SyntaxError as error:
        raise NotYet(f"line {error.lineno} of the text is not valid Python: {error.msg}.") from None
    if not callable(function := names.get("share_late")):
        raise NotYet("the text defines no function `share_late`.")
    return function


def _check_shares(share_late: Callable[[int], float]) -> None:
    """Say what is wrong with a function whose model has 1 of 10 flights late at 5, 15 of 30 at 17.

    The share among all is 0.4, and the mean of the two shares 0.3.
    """
    try:
        night = share_late(1)
    except KeyError:
        raise NotYet("for an hour that is not in the table it still stops with a KeyError.") from (
            None
        )
    except ValueError:
        raise NotYet("this would refuse the flight. R1 promises a probability for it.") from None
    if night is None:
        raise NotYet("for an hour that is not in the table it returns nothing.")
    if np.isclose(night, 0):
        raise NotYet("0 says that such a flight is never late. Nobody knows that.")
    if np.isclose(night, 0.3):
        raise NotYet(
            "the mean of the hours' shares lets an hour with few flights count as much as a busy "
            "one. The share among all *flights* is asked for."
        )
    if np.isclose(night, 0.1) or np.isclose(night, 0.5):
        raise NotYet("this takes the share of another hour for the one that is not known.")
    if not np.isclose(night, 0.4):
        raise NotYet("divide the number of all late flights by the number of all flights.")
    if not np.isclose(share_late(17), 0.5):
        raise NotYet("now every hour gets that answer. Hours in the table must keep theirs.")


def _table() -> dict[str, Any]:
    rows = [
        ("R1", "one", "test_R1_gives", "passed", "v1.0", "", ""),
        ("R1", "one", "test_R1_night", "passed", "v1.1", "", ""),
        ("R2", "two", "", GAP, "", "lesson 14", ""),
        ("R4", "four", "test_R4_again", "failed", "v1.0", "", ""),
        ("R5", "five", "", GAP, "", "", ""),
    ]
    requirements = {id_: Requirement(id_, id_, "", test="lesson 10") for id_, *_ in rows}
    return {"table": pd.DataFrame(rows, columns=COLUMNS), "requirements": requirements}


@exercise(
    LESSON,
    hints=(
        "In the row of a gap, the column `test` holds an empty text.",
        "`table['test'] == ''` is True in those rows; use it to select rows, as in lesson 00.",
        "Of the selected rows you need the column `requirement`, as a list.",
    ),
    wrong={
        "gaps = list(table.loc[table['test'] != '', 'requirement'])": "have a test",
        "gaps = list(table.loc[table['alert'] == '', 'requirement'])": "alert",
        "gaps = list(table.loc[table['since'] != 'v1.0', 'requirement'])": "later release",
        "gaps = list(table.loc[table['test'] == '', 'title'])": "ids",
        "gaps = (table['test'] == '').sum()": "list",
        "gaps = ['R2']": "more",
    },
    given=_table,
)
def q5(gaps: list[str], table: pd.DataFrame, requirements: Mapping[str, Requirement]) -> str:
    """Which requirements have no test?"""
    if isinstance(gaps, str) or not isinstance(gaps, list | tuple | set | pd.Series | np.ndarray):
        raise NotYet("`gaps` is a list of ids.")
    found, right = set(gaps), set(table.loc[table["result"] == GAP, "requirement"])
    tested = set(requirements) - right
    if found - set(requirements):
        raise NotYet("a gap is named by the requirement's id; these are not all ids.")
    if found == tested:
        raise NotYet("these are the ones that have a test. Which do not?")
    if found == set(table.loc[table["alert"] == "", "requirement"]):
        raise NotYet("these have no alert. The question is about tests.")
    if found & tested and found > right:
        raise NotYet("some of these have tests, perhaps only since a later release.")
    if found != right:
        raise NotYet("some are right, but there are more gaps, or other ones. Look at `test`.")
    closed = ", ".join(f"{id_} in {requirements[id_].test}" for id_ in requirements if id_ in right)
    return f"a gap that is known is a plan. They are closed: {closed}."

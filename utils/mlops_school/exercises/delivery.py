"""Exercises of lesson 11, Delivery."""

from collections.abc import Callable, Mapping
from typing import Any

from mlops_school import ci_services
from mlops_school.errors import CourseError
from mlops_school.exercises import Blank, NotYet, StillBlank, exercise
from mlops_school.gates import MARGIN, Verdict
from mlops_school.model_pipeline import STAGES, Plan
from mlops_school.process import load_requirements

LESSON = "11_delivery"
LIMIT = load_requirements()["R7"].limits["maximum_gap"]
_MARGIN = {"MARGIN": MARGIN}


def _asked(function: Callable[..., object], *numbers: float) -> object:
    if not callable(function):
        raise NotYet("give a function: begin with `def`, and `return` what it decides.")
    answer = function(*numbers)
    if isinstance(answer, Blank):
        raise StillBlank
    return answer


@exercise(
    LESSON,
    hints=(
        "Who must prove something: the candidate, or the champion?",
        "The true difference may lie anywhere in the interval. Which end is the bad case?",
        "Even in the bad case, the candidate may be at most `MARGIN` dearer.",
    ),
    wrong={
        "def may_pass(low, high):\n    return (low + high) / 2 <= MARGIN": "bare number",
        "def may_pass(low, high):\n    return high < 0": "as good as the champion",
        "def may_pass(low, high):\n    return low <= 0": "not shown to be dearer",
        "def may_pass(low, high):\n    return high > 0": "turn it round",
        "def may_pass(low, high):\n    return high <= 0.2": "0.15 dearer",
        "def may_pass(low, high):\n    return abs(high) <= MARGIN": "surely cheaper",
        "may_pass = True": "give a function",
    },
    given=lambda: dict(_MARGIN),
)
def q1(may_pass: Callable[[float, float], bool]) -> str:
    """When may a candidate pass, if its difference in dollars lies between two limits?"""
    if not _asked(may_pass, -0.40, -0.10) and _asked(may_pass, 0.2, 0.6):
        raise NotYet("it stops the cheaper one and lets the dearer one pass: turn it round.")
    if _asked(may_pass, 0.2, 0.6):
        raise NotYet("a candidate that is dearer by 0.20 to 0.60 passes.")
    if not _asked(may_pass, -0.09, 0.06):
        raise NotYet(
            "a candidate between 0.09 cheaper and 0.06 dearer is stopped. It is as good as the "
            "champion, within `MARGIN`; for a new month of data alone it may be worth having."
        )
    if _asked(may_pass, -0.9, 0.8) and not _asked(may_pass, -0.3, 0.7):
        raise NotYet(
            "between 0.90 cheaper and 0.80 dearer it passes, as its middle looks fine. That is "
            "the bare number again."
        )
    if _asked(may_pass, -0.3, 0.7):
        raise NotYet(
            "between 0.30 cheaper and 0.70 dearer it passes: it is not shown to be dearer, but "
            "neither is it shown to be harmless. The burden of proof is the candidate's."
        )
    if _asked(may_pass, -0.3, 0.15):
        raise NotYet(
            "between 0.30 cheaper and 0.15 dearer it passes. It may be 0.15 dearer: is that more "
            "than `MARGIN`?"
        )
    if not _asked(may_pass, -0.60, -0.30):
        raise NotYet("a candidate that is surely cheaper, by 0.30 at least, is stopped.")
    return "what is not yet known does not pass. In doubt, the champion stays."


@exercise(
    LESSON,
    hints=(
        "R7 is met for sure if every gap in the interval is allowed.",
        "Allowed are gaps from `-limit` to `limit`: a service may favour small airports too much, "
        "and that breaks R7 as well.",
        "It is broken for sure if the whole interval lies above `limit`, or all below `-limit`. "
        "Everything else is not yet known.",
    ),
    wrong={
        "def fairness(low, high, limit=0.10):\n"
        "    return 'met' if abs(low + high) / 2 <= limit else 'broken'": "not yet known",
        "def fairness(low, high, limit=0.10):\n"
        "    if high <= limit:\n        return 'met'\n"
        "    return 'broken' if low > limit else 'not yet known'": "other way",
        "def fairness(low, high, limit=0.10):\n"
        "    if low <= limit:\n        return 'met'\n"
        "    return 'broken'": "as met",
        "def fairness(low, high, limit=0.10):\n    return -limit <= low and high <= limit": "words",
    },
)
def q2(fairness: Callable[[float, float], str]) -> str:
    """What does the interval of the gap say about R7?"""
    words = {"met", "broken", "not yet known"}
    cases = [
        (0.05, 0.09, "met"),
        (0.12, 0.16, "broken"),
        (0.08, 0.14, "not yet known"),
        (-0.04, 0.03, "met"),
        (-0.20, -0.13, "broken"),
        (-0.15, -0.06, "not yet known"),
        (-0.14, 0.13, "not yet known"),
    ]
    for low, high, right in cases:
        said = _asked(fairness, low, high)
        if not isinstance(said, str) or said not in words:
            raise NotYet(f"return one of the words {', '.join(sorted(words))}, not {said!r}.")
        if said == right:
            continue
        where = f"a gap between {low:+.2f} and {high:+.2f} comes out as {said}. "
        if low < -LIMIT:
            raise NotYet(f"{where}R7 limits the gap in the other way, too: look below zero.")
        raise NotYet(f"{where}It is {right}: is every gap in between allowed, or none, or some?")
    return "three verdicts, not two. The gate lets only `met` pass."


def _judge(plan: Plan) -> list[Verdict]:
    """Judge a plan in no time, about as the real gates would."""
    good = {
        "worse": plan.settings.get("learning_rate", 0.1) < 1,
        "slower": plan.settings.get("max_iter", 100) <= 150,
        "biased": max(plan.months) > 4,
    }
    return [Verdict(gate, "R0", passed, "") for gate, passed in good.items()]


@exercise(
    LESSON,
    hints=(
        "The plan `fifteen` learned nothing about May, and `slow` has 400 trees. "
        "Whose fault is easier to mend?",
        "Give the fifteen leaves one more month: the tuple of months is the second argument. "
        "The default number of trees, 100, is as quick as the champion.",
        'A plan is written `Plan("2", months=(…), settings={…})`. Take the settings of `fifteen`.',
    ),
    wrong={
        'repaired = Plan("2", (1, 2, 3, 4), settings={"max_leaf_nodes": 31})': "`biased`",
        'repaired = Plan("2", (1, 2, 3, 4, 5), settings={"max_iter": 300})': "`slower`",
        'repaired = Plan("2", (1, 2, 3, 4, 5), settings={"learning_rate": 1.0})': "`worse`",
        'repaired = {"months": (1, 2, 3, 4, 5), "max_leaf_nodes": 15}': "a `Plan`",
        'repaired = Plan("1", (1, 2, 3, 4, 5), settings={"max_leaf_nodes": 15})': "release 1",
    },
    given=lambda: {"Plan": Plan, "judge": _judge},
)
def q3(repaired: Plan, judge: Callable[[Plan], list[Verdict]]) -> str:
    """Which plan passes all gates?"""
    if not isinstance(repaired, Plan):
        raise NotYet("give a `Plan`, as in the cells above.")
    if str(repaired.release) == "1":
        raise NotYet("release 1 exists, and a release never changes. Call it 2.")
    try:
        stopped = [verdict for verdict in judge(repaired) if not verdict.passed]
    except (TypeError, ValueError) as error:
        raise NotYet(f"training does not take these settings ({error}).") from None
    if stopped:
        names = ", ".join(f"`{verdict.gate}`" for verdict in stopped)
        raise NotYet(f"stopped by {names}. {stopped[0].reason}".strip())
    return "it passes all three gates, on months that neither model has learned from."


_ORDER = "  - validate\n  - package\n  - register\n"
_WRONG_ORDER = "  - register\n  - package\n  - validate\n"


def break_gitlab() -> str:
    """Return our GitLab file with two mistakes: one the schema finds, and one it does not."""
    text = ci_services.read("GitLab CI").replace(_ORDER, _WRONG_ORDER)
    head, job = text.split("validate:\n")
    return f"{head}validate:\n{job.replace('script:', 'scripts:', 1)}"


@exercise(
    LESSON,
    hints=(
        "The schema's message names the job, and the word that may not stand there.",
        "For the second mistake, read the list `stages` from top to bottom, as GitLab does: "
        "is a model judged before it is registered?",
        '`broken.replace(old, new)` changes a piece of text; call it twice. A line end is `"\\n"`.',
    ),
    wrong={
        "repaired_file = broken": "schema still says",
        "repaired_file = broken.replace('scripts:', 'script:')": "before it is validated",
        "repaired_file = broken.replace('scripts:', 'script:').replace('  - validate\\n', '')": (
            "is left out"
        ),
        "repaired_file = broken.split('register')": "as one text",
    },
    given=lambda: {"broken": break_gitlab(), "ci_services": ci_services},
)
def q4(repaired_file: str) -> str:
    """Is the GitLab file whole again?"""
    if not isinstance(repaired_file, str):
        raise NotYet("give the whole file as one text.")
    if found := ci_services.mistakes("GitLab CI", repaired_file):
        raise NotYet(f"the schema still says: {found[0].removesuffix('.')}.")
    try:
        order = [command.split()[-1] for command in ci_services.stages("GitLab CI", repaired_file)]
    except CourseError:
        raise NotYet("a stage that some job names is left out of the list `stages`.") from None
    if missing := [stage for stage in STAGES if stage not in order]:
        raise NotYet(f"the stage {missing[0]} is left out. A pipeline without it is no repair.")
    if order != list(STAGES):
        early = order.index("register") < order.index("validate")
        raise NotYet(
            f"the schema is content, but the stages run in this order: {', '.join(order)}. "
            + ("So a model is registered before it is validated." if early else "Who needs whom?")
        )
    return "the schema knows words, you know what they are for. Both are needed."


_NOTICES = {
    "A": ("digest", "the columns are the same and so are the types. What is not the same?"),
    "B": ("signature", "the file is what it was when it was registered. What does it take?"),
    "C": ("types", "its own digest fits, and the columns too. What does loading it build?"),
    "D": ("nothing", "the pipeline itself made this file: its columns, bytes and types are right."),
}


@exercise(
    LESSON,
    hints=(
        "The signature says which columns go in, the digest that bytes are the same as before, "
        "the types what loading may build.",
        "None of the three says who made a model, or what it learned from.",
    ),
    wrong={
        'notices = {"A": "signature", "B": "signature", "C": "types", "D": "nothing"}': "A: ",
        'notices = {"A": "digest", "B": "digest", "C": "types", "D": "nothing"}': "B: ",
        'notices = {"A": "digest", "B": "signature", "C": "digest", "D": "nothing"}': "C: ",
        'notices = {"A": "digest", "B": "signature", "C": "types", "D": "digest"}': "D: ",
        'notices = ["digest", "signature"]': "a dictionary",
    },
)
def q5(notices: Mapping[str, str]) -> str:
    """Which check notices which fault?"""
    if not isinstance(notices, Mapping) or set(notices) != set(_NOTICES):
        raise NotYet("give a dictionary with the letters A, B, C and D.")
    known = {right for right, _ in _NOTICES.values()}
    for letter, (right, why) in _NOTICES.items():
        said: Any = notices[letter]
        if not isinstance(said, str) or said not in known:
            raise NotYet(f"{letter}: choose one of {', '.join(sorted(known))}.")
        if said != right:
            raise NotYet(f"{letter}: {why}")
    return "each of them sees one kind of fault, and none sees poisoned training data."

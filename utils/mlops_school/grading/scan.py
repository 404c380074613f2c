"""What in a learner's code a teacher should look at: words of those who want points for nothing.

It proves nothing: harmless code has such words, and who knows this list can avoid them.
"""

import ast
import re

from mlops_school.grading.handed_in import Step

_LOOK_AT = {
    "looks at the solution": r"\.(solution|reference)\(|read_solutions|course.{1,4}lessons",
    "reaches into the checks": (
        r"mlops_school(\.exercises)? import exercises|mlops_school\.exercises\b(?! import)"
        r"|\b(Exercise|Outcome|NotYet|progress)\b|\.(outcome|_check|_remember)\b|SCHOOL_STRICT"
    ),
    "reaches into Python": (
        r"sys\.modules|_getframe|currentframe|\bbuiltins\b|__builtins__|__subclasses__|\bctypes\b"
        r"|\binspect\b|gc\.get_|get_ipython|\bsettrace\b|__reduce__"
    ),
    "names the grader": r"mlops_school\.grading|nbgrader|gradebook",
    "ends the program": r"os\._exit|os\.abort|SystemExit|sys\.exit|os\.kill|\b(exit|quit)\(",
    "removes files": r"rmtree|os\.(remove|unlink|rmdir)|\.unlink\(|\brm -",
    "starts programs": r"os\.(system|fork|popen|exec)|\bsubprocess\b|\bmultiprocessing\b",
    "uses the network": r"\bimport (socket|requests|urllib|httpx|aiohttp)\b|from (urllib|http)\b",
    "changes variables of the system": r"os\.(environ|putenv)",
}
_PATTERNS = {words: re.compile(pattern) for words, pattern in _LOOK_AT.items()}


def suspicious(steps: list[Step], given: dict[str, str]) -> list[str]:
    """Return what a teacher should look at, with the cell: ``q2 removes files``.

    Parameters
    ----------
    steps : list of Step
        What is executed.
    given : dict of str to str
        What the lesson's own cells say, by id; what they have in common with it is not meant.
    """
    found = []
    for step in steps:
        if not step.own:
            continue
        code, usual = map(_without_comments, (step.source, given.get(step.id, "")))
        found += [
            f"{step.id} {words}"
            for words, pattern in _PATTERNS.items()
            if pattern.search(code) and not pattern.search(usual)
        ]
        if re.search(r"^\s*(def |class )?q\d+\s*(=|\(|:)|\bas q\d+\b", code, re.MULTILINE):
            found.append(f"{step.id} replaces an exercise")
    return found


def _without_comments(source: str) -> str:
    try:
        return ast.unparse(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError):  # IPython's own commands, or no code at all
        return re.sub(r"^\s*#.*$", "", source, flags=re.MULTILINE)

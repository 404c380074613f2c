"""Exercises of the lab on Azure."""

import re
from collections.abc import Callable, Sequence

from mlops_school.exercises import NotYet, exercise

LAB = "azure"
ENOUGH = 20  # calls of one function in one attempt: then it would go on for ever


class Changed(Exception):
    """Somebody else has written since the ETag was read, so nothing was written."""


class _Endless(BaseException):
    """Ends an answer that goes on and on, even one that catches every error."""


class _Pointer:
    """A blob that names a release, and others who write it at the worst moments.

    Parameters
    ----------
    release : int
        What it names in the beginning.
    others : sequence of int
        What another pipeline writes, each time just before a write arrives.
    """

    def __init__(self, release: int, others: Sequence[int] = ()) -> None:
        self.release = release
        self.etag = 0
        self.writes = 0
        self._others = list(others)
        self._calls = 0

    def read(self) -> tuple[int, str]:
        self._count()
        return self.release, f"etag {self.etag}"

    def write(self, release: int, etag: object = None) -> None:
        self._count()
        if self._others:
            self._set(self._others.pop(0))
        if not (isinstance(etag, str) and etag.startswith("etag ")):
            raise NotYet("give `write` the ETag that `read` has returned, or it cannot compare.")
        if etag != f"etag {self.etag}":
            raise Changed("the blob has changed since then")
        self.writes += 1
        self._set(release)

    def _set(self, release: int) -> None:
        self.release = release
        self.etag += 1

    def _count(self) -> None:
        self._calls += 1
        if self._calls > ENOUGH:
            raise _Endless


_LOOP = """\
def promote(release, read, write):
    while True:
        current, etag = read()
        if current {test} release:
            return {answer}
        try:
            write(release, {etag})
            return True
        except Changed:
            {after}
"""
_ONCE = """\
def promote(release, read, write):
    current, etag = read()
    if current >= release:
        return current == release
    write(release, etag)
    return True
"""


def _loop(
    test: str = ">=", answer: str = "current == release", etag: str = "etag", after: str = "pass"
) -> str:
    return _LOOP.format(test=test, answer=answer, etag=etag, after=after)


@exercise(
    LAB,
    hints=(
        "Three steps: read, decide, write. If `write` raises `Changed`, what you have decided on "
        "is out of date, and all three begin anew.",
        "`while True:` around all of it, and in it `try:` and `except Changed:` around the write. "
        "`return` ends the loop.",
        "First `current, etag = read()`. If `current >= release`, there is nothing to write: "
        "return whether the two are equal.",
    ),
    wrong={
        _ONCE: "stops with `Changed`",
        _loop(after="return False"): "gives up",
        _loop(test=">"): "write nothing",
        _loop(answer="True"): "overtaken",
        _loop(answer="False"): "in service already",
        _loop(etag="None"): "the ETag that `read`",
        "def promote(release, read, write):\n"
        "    current, etag = read()\n"
        "    while current < release:\n"
        "        try:\n"
        "            write(release, etag)\n"
        "            return True\n"
        "        except Changed:\n"
        "            pass\n"
        "    return current == release": "read again",
        "def promote(release, read, write):\n"
        "    current, etag = read()\n"
        "    if current >= release:\n"
        "        return current == release\n"
        "    while True:\n"
        "        try:\n"
        "            write(release, etag)\n"
        "            return True\n"
        "        except Changed:\n"
        "            current, etag = read()": "decide again",
        "def promote(release, read, write):\n"
        "    write(release, read()[1])\n"
        "    return True": "older",
        "promote = True": "a function",
    },
    given=lambda: {"Changed": Changed},
)
def q1(promote: Callable[..., bool]) -> str:
    """Put a release into service, whoever else does so at the same moment."""
    if not callable(promote):
        raise NotYet("`promote` must be a function of `release`, `read` and `write`.")

    pointer, answer = _attempt(promote, _Pointer(1), 2)
    if not answer or pointer.release != 2:
        raise NotYet("release 1 is in service, and nobody disturbs: release 2 must take its place.")
    pointer, answer = _attempt(promote, _Pointer(3), 2)
    if pointer.release != 3:
        raise NotYet("release 3 was in service, and your function put the older release 2 there.")
    if answer:
        raise NotYet("release 2 has been overtaken by 3: then the answer is `False`.")
    pointer, answer = _attempt(promote, _Pointer(2), 2)
    if pointer.writes:
        raise NotYet("release 2 is in service already: write nothing, each write wakes others.")
    if not answer:
        raise NotYet("release 2 is in service already, and that is what was wanted: `True`.")

    pointer, answer = _attempt(promote, _Pointer(1, others=[2, 3]), 4)
    if not answer or pointer.release != 4:
        raise NotYet(
            "while release 4 is promoted, others write 2 and then 3. Your function gives up, "
            "although 4 is newer than both."
        )
    pointer, answer = _attempt(promote, _Pointer(1, others=[3]), 2)
    if pointer.release != 3:
        raise NotYet(
            "another has put release 3 there in between, and your function wrote the older 2 over "
            "it. After a failed write, read and decide again."
        )
    if answer:
        raise NotYet("release 2 was overtaken by 3 in between: then the answer is `False`.")
    return "whatever the order, the newest release stays, and nobody holds a lock."


def _attempt(
    promote: Callable[..., bool], pointer: _Pointer, release: int
) -> tuple[_Pointer, bool]:
    try:
        return pointer, promote(release, pointer.read, pointer.write)
    except Changed:
        raise NotYet(
            "another was quicker, and your function stops with `Changed`. Catch it, and begin anew."
        ) from None
    except _Endless:
        raise NotYet(
            f"after {ENOUGH} calls your function is still at it. An ETag that has been refused "
            "once is refused for ever: read again before you write."
        ) from None


COMMAND = "python train.py ${{inputs.months}} ${{inputs.seed}} ${{outputs.package}}"


@exercise(
    LAB,
    hints=(
        "Two sets: the names that the command uses, and the names that are declared. "
        "What is in the first one only?",
        r"`re.findall(r'\$\{\{([\w.]+)\}\}', command)` returns what stands between the braces.",
        "A declared input `months` is used as `inputs.months`: `{f'inputs.{name}' for name in "
        "inputs}`. The same for outputs, and `-` subtracts a set from another.",
    ),
    wrong={
        "def undeclared(command, inputs, outputs):\n"
        r"    used = set(re.findall(r'\$\{\{([\w.]+)\}\}', command))"
        "\n    return used - {f'inputs.{name}' for name in inputs}": "outputs",
        "def undeclared(command, inputs, outputs):\n"
        r"    used = set(re.findall(r'\$\{\{([\w.]+)\}\}', command))"
        "\n    return used - set(inputs) - set(outputs)": "all is declared",
        "def undeclared(command, inputs, outputs):\n"
        r"    used = set(re.findall(r'\$\{\{\w+\.(\w+)\}\}', command))"
        "\n    return used - set(inputs) - set(outputs)": "with its kind",
        "def undeclared(command, inputs, outputs):\n"
        r"    used = re.findall(r'\$\{\{(\w+)\.(\w+)\}\}', command)"
        "\n    known = set(inputs) | set(outputs)"
        "\n    return {f'{kind}.{name}' for kind, name in used if name not in known}": (
            "as an input"
        ),
        "def undeclared(command, inputs, outputs):\n"
        "    return {f'inputs.{name}' for name in inputs if name not in command}": (
            "used, but not declared"
        ),
        "def undeclared(command, inputs, outputs):\n    return 'inputs.month'": "a set",
        "undeclared = {'inputs.month'}": "a function",
    },
    given=lambda: {"re": re},
)
def q2(undeclared: Callable[[str, Sequence[str], Sequence[str]], set[str]]) -> str:
    """Which names does a command use that nobody has declared?"""
    if not callable(undeclared):
        raise NotYet("`undeclared` must be a function of `command`, `inputs` and `outputs`.")
    found = undeclared(COMMAND, ["months", "seed"], ["package"])
    if found == {"outputs.package"}:
        raise NotYet("you report `outputs.package`, but outputs are declared, too.")
    if not isinstance(found, set):
        raise NotYet("return a set, even if it has one name only or none.")
    if found:
        raise NotYet(f"you report {_listed(found)}, but here all is declared.")
    found = undeclared(COMMAND, ["month"], ["package"])
    if found and not all("." in name for name in found):
        raise NotYet("write each name with its kind, such as `inputs.month`.")
    if found != {"inputs.months", "inputs.seed"}:
        raise NotYet(
            "with `month` declared and `months` and `seed` used, the last two are used, but not "
            f"declared. You report {_listed(found)}."
        )
    if undeclared(COMMAND, ["months", "seed", "package"], []) != {"outputs.package"}:
        raise NotYet(
            "here `package` is declared as an input, and used as an output. That is not the same."
        )
    if undeclared("python train.py", ["months"], []):
        raise NotYet("a command that uses nothing lacks nothing; what is left over does no harm.")
    return "in the pipeline, before anything is sent to a cloud, this takes no second."


def _listed(names: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "nothing"

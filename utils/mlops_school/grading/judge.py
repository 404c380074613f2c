"""Judge answers, in one of two ways.

``data``: the lesson is executed, solved, with nothing of a learner in this process. At each
exercise, the answers of all learners are read as plain data and judged.

``code``: answers that are code, or that lie in the learner's workspace, are judged in the
learner's sandbox, in a process that begins anew.
"""

import importlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle

from mlops_school.exercises import Exercise, Outcome
from mlops_school.grading import plain
from mlops_school.grading.limits import end_with_the_grader, limit_this_process
from mlops_school.grading.runner import ANSWERS, JOB, journal
from mlops_school.grading.shell import Shell, interrupted_after

CONTEXT = "out/context"  # values of the lesson that a check of code is given
CODE = "judge"  # the folder in a learner's sandbox with what judging code needs
LARGEST = 30_000_000  # bytes of an answer that are read
DATA_SECONDS = 60  # to judge an answer that is data
SECRET = 64  # characters


def judge_data(folder: Path) -> None:
    """Execute the solved lesson of ``job.json``, and write each verdict into the journal.

    The answers of a learner are in ``answers/NUMBER``.
    """
    end_with_the_grader()
    job = json.loads((folder / JOB).read_text(encoding="utf-8"))
    limit_this_process(job["limits"])
    (folder / CONTEXT).mkdir(exist_ok=True)
    shell = Shell()
    with journal(folder) as note:
        for step in job["steps"]:
            task = job["tasks"].get(step["after"])
            if not task:
                came = shell.run(step["source"], job["limits"]["cell_seconds"])
                note(cell=step["id"], error=came["error"])
                continue
            one = shell.memory[task["name"]]
            values = {code: eval(code, shell.memory) for code in task["arguments"]}
            answers = {name: values[name] for name in task["answers"]}
            is_data = not task["hands_on"] and _is_plain(answers)
            note(exercise=one.name, data=is_data)
            if not task["hands_on"] and not is_data:
                context = {code: values[code] for code in values if code not in answers}
                path = folder / CONTEXT / f"{one.name}.pickle"
                path.write_bytes(cloudpickle.dumps(context))
            note(exercise=one.name, learner="", **vars(one.outcome(*values.values())))
            for learner in job["learners"][one.name] if is_data else ():
                note(exercise=one.name, learner=learner, begins=True)
                path = folder / "answers" / learner / f"{one.name}.json"
                outcome = _verdict(one, task, lambda path=path: _read(path), values, DATA_SECONDS)
                note(exercise=one.name, learner=learner, **vars(outcome))


def judge_code(folder: Path, lesson: str, names: list[str]) -> None:
    """Judge exercises in a learner's sandbox; the verdicts go to the standard output.

    What the standard input begins with is repeated with each of them. Only this process was told.
    """
    secret = os.read(0, SECRET).decode()
    end_with_the_grader()
    verdicts = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    job = json.loads((folder / CODE / JOB).read_text(encoding="utf-8"))
    limit_this_process(job["limits"])
    seconds = job["limits"]["cell_seconds"]
    module = importlib.import_module(lesson)
    for name in names:
        one = getattr(module, name)
        task = job["tasks"][name]

        outcome = _verdict(one, task, lambda task=task: _code_of(folder, task), {}, seconds)
        verdicts.write(json.dumps({"secret": secret, "exercise": name, **vars(outcome)}) + "\n")
        verdicts.flush()


def _code_of(folder: Path, task: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a check's arguments: the learner's, and those of the lesson."""
    path = folder / ANSWERS / task["name"]
    if task["hands_on"] or not path.with_suffix(".json").exists():
        values = cloudpickle.loads(path.with_suffix(".pickle").read_bytes())
    else:
        values = _read(path.with_suffix(".json"))
    context = folder / CODE / f"{task['name']}.pickle"
    return values | (cloudpickle.loads(context.read_bytes()) if context.exists() else {})


def _is_plain(answers: dict[str, Any]) -> bool:
    try:
        plain.encode(list(answers.values()))
    except plain.NotPlain:
        return False
    return True


def _read(path: Path) -> dict[str, Any]:
    """Return answers as plain data."""
    if path.stat().st_size > LARGEST:
        raise plain.NotPlain("it is too large")
    return {
        name: plain.decode(parts)
        for name, parts in json.loads(path.read_text(encoding="utf-8")).items()
    }


def _verdict(
    one: Exercise,
    task: dict[str, Any],
    read: Callable[[], dict[str, Any]],
    context: dict[str, Any],
    seconds: float,
) -> Outcome:
    """Return a verdict in any case, whatever the answers are."""
    try:
        with interrupted_after(seconds):
            values = context | read()
            return one.outcome(*(values[code] for code in task["arguments"]))
    except KeyboardInterrupt:
        return Outcome("not yet", f"the check was not done after {seconds:g} seconds.")
    except Exception as error:  # whatever has been written into the file
        return Outcome("not yet", f"your answer cannot be read ({type(error).__name__}: {error}).")


if __name__ == "__main__":
    mode, where, *others = sys.argv[1:]
    if mode == "data":
        judge_data(Path(where))
    else:
        judge_code(Path(where), others[0], others[1:])

"""Inside a sandbox: execute a learner's notebook, and leave the answers in files.

Nothing that this process leaves is trusted: the learner's code runs in it.
"""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle

from mlops_school.grading import plain
from mlops_school.grading.limits import end_with_the_grader, limit_this_process
from mlops_school.grading.shell import Shell, interrupted_after

JOB, JOURNAL, ANSWERS = "job.json", "out/journal.jsonl", "out/answers"


def main(folder: Path) -> None:
    """Execute the notebook in ``job.json`` of a folder.

    The journal gets two lines for each cell: that it began, and what came of it.
    """
    end_with_the_grader()
    job = json.loads((folder / JOB).read_text(encoding="utf-8"))
    limit_this_process(job["limits"])
    (folder / ANSWERS).mkdir()
    shell = Shell()
    with journal(folder) as note:
        for step in job["steps"]:
            note(cell=step["id"])
            if task := job["tasks"].get(step["after"]):
                with contextlib.suppress(KeyboardInterrupt):
                    _take(shell, task, folder / ANSWERS, job["limits"]["cell_seconds"])
            elif step["source"].strip():
                note(cell=step["id"], **shell.run(step["source"], job["limits"]["cell_seconds"]))


@contextlib.contextmanager
def journal(folder: Path) -> Iterator[Callable[..., None]]:
    """Begin the journal of a folder, and give what writes a line into it at once."""
    with (folder / JOURNAL).open("w", encoding="utf-8", newline="\n") as stream:

        def note(**facts: Any) -> None:
            stream.write(json.dumps(facts) + "\n")
            stream.flush()

        yield note


def _take(shell: Shell, task: dict[str, Any], folder: Path, seconds: float) -> None:
    """Write the answers of one exercise, as plain data if they are."""
    answers = {name: shell.memory.get(name, plain.____) for name in task["answers"]}
    path = folder / task["name"]
    with interrupted_after(seconds):
        try:
            parts = {name: plain.encode(answer) for name, answer in answers.items()}
            path.with_suffix(".json").write_text(json.dumps(parts), encoding="utf-8")
            refused = ""
        except Exception as error:  # an answer's own methods may raise anything
            refused = f"{error}"
        if refused or task["hands_on"]:
            # An answer that is not there is left out, which is found when it is judged.
            with contextlib.suppress(Exception):
                if task["hands_on"]:
                    answers = {code: eval(code, shell.memory) for code in task["arguments"]}
                path.with_suffix(".pickle").write_bytes(cloudpickle.dumps(answers))
        if refused:
            path.with_suffix(".txt").write_text(refused, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Grade submissions of a lesson: execute each, judge all, and say what came of it."""

import dataclasses
import importlib
import json
import os
import secrets
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from mlops_school.errors import CourseError
from mlops_school.exercises import Outcome
from mlops_school.grading.assignment import POINTS, tasks
from mlops_school.grading.handed_in import HandedIn, Restored, restore
from mlops_school.grading.judge import CODE, CONTEXT, LARGEST, SECRET
from mlops_school.grading.runner import ANSWERS, JOB, JOURNAL
from mlops_school.grading.sandbox import Limits, Sandbox
from mlops_school.grading.scan import suspicious
from mlops_school.manifest import Lesson

AT_ONCE = os.cpu_count() or 1
# The solved lesson is the course's own, so these only end what hangs.
TRUSTED = Limits(cell_seconds=600, seconds=3600, memory_mb=6000, file_mb=2000)
RETRIES = 5  # as often the judge may be brought down by an answer


@dataclass
class Graded:
    """What came of one submission.

    Attributes
    ----------
    outcomes : dict of str to Outcome
        The verdict on each exercise.
    flags : list of str
        What a teacher should know.
    notebook : NotebookNode
        The lesson with the learner's answers, executed; the graded cells show the verdicts.
    """

    outcomes: dict[str, Outcome]
    flags: list[str]
    notebook: NotebookNode

    @property
    def points(self) -> dict[str, int]:
        """The points of each exercise."""
        return {
            name: POINTS * (outcome.status == "correct") for name, outcome in self.outcomes.items()
        }


@dataclass
class _Run:
    """A submission while it is graded."""

    learner: str
    restored: Restored
    sandbox: Sandbox
    journal: dict[str, dict[str, Any]] = field(default_factory=dict)
    last: str = ""  # the last cell that began
    why: str = ""
    outcomes: dict[str, Outcome] = field(default_factory=dict)


class Grader:
    """Grades submissions of one lesson.

    Parameters
    ----------
    lesson : Lesson
        Which one.
    limits : Limits
        What the code of one submission may take.
    confined : bool
        Whether to shut it in.
    hidden : list of Path
        Folders that it must not see.
    cache : Path
        Where to keep what programs keep in the home folder to be quicker the next time.
    """

    def __init__(
        self,
        lesson: Lesson,
        limits: Limits,
        *,
        confined: bool,
        hidden: list[Path],
        cache: Path,
    ) -> None:
        self.lesson = lesson
        self.limits = limits
        self._confined = confined
        self._hidden = hidden
        self._cache = cache
        self._tasks = tasks(lesson)
        module = importlib.import_module(lesson.exercises)
        self._jobs = {
            name: {
                "name": name,
                "arguments": task.arguments,
                "answers": sorted(task.answers & set(task.arguments)),
                "hands_on": getattr(module, name).hands_on,
            }
            for name, task in self._tasks.items()
        }

    def grade(
        self, submissions: dict[str, list[HandedIn]], tell: Callable[[str], None] = print
    ) -> dict[str, Graded]:
        """Grade some submissions, each by the name of its learner.

        Raises
        ------
        CourseError
            If the lesson itself does not run on this machine.
        """
        stop = threading.Event()
        runs = [
            _Run(learner, restore(cells, self.lesson), self._sandbox())
            for learner, cells in submissions.items()
        ]
        reference = self._sandbox()
        try:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                try:
                    for run in pool.map(lambda run: self._execute(run, stop), runs):
                        tell(f"{run.learner}: {run.why or 'executed'}")
                    codes = self._judge_data(runs, reference, stop)
                    list(pool.map(lambda run: self._judge_code(run, codes, reference, stop), runs))
                except BaseException:
                    stop.set()
                    pool.shutdown(cancel_futures=True)
                    raise
            return {run.learner: self._graded(run) for run in runs}
        finally:
            for sandbox in (reference, *(run.sandbox for run in runs)):
                sandbox.remove()

    def prepare(self) -> None:
        """Execute the solved lesson once, not shut in, the first time that it is graded here.

        Python keeps what it has compiled, and matplotlib its list of fonts. From inside a sandbox
        neither can be kept, and each submission would take half a minute more.

        Raises
        ------
        CourseError
            If the lesson itself does not run on this machine.
        """
        if self._cache.exists():
            return
        sandbox = Sandbox(self._hidden)
        try:
            self._judge_data([], sandbox, threading.Event(), confined=False)
            home = sandbox.folder / "home" / ".cache"
            home.mkdir(exist_ok=True)
            partial = self._cache.with_name(f"{self._cache.name}.part")
            shutil.copytree(home, partial, dirs_exist_ok=True)
            partial.replace(self._cache)
        finally:
            sandbox.remove()

    def _sandbox(self) -> Sandbox:
        return Sandbox(self._hidden, self._cache)

    def _job(self, steps: list[dict[str, Any]], limits: Limits, **more: Any) -> str:
        facts = {"steps": steps, "tasks": self._jobs, "limits": dataclasses.asdict(limits)}
        return json.dumps(facts | more)

    def _execute(self, run: _Run, stop: threading.Event) -> _Run:
        """Execute the learner's notebook, and read the journal of it."""
        steps = [dataclasses.asdict(step) for step in run.restored.steps]
        folder = run.sandbox.folder
        (folder / JOB).write_text(self._job(steps, self.limits), encoding="utf-8")
        words = ["-m", "mlops_school.grading.runner", str(folder)]
        ended = run.sandbox.run(words, self.limits, confined=self._confined, stop=stop)
        for entry in _lines(_own_file(folder, JOURNAL)):
            cell = str(entry.get("cell"))
            run.last = cell
            if "outputs" in entry:
                run.journal[cell] = entry
        if ended.why:
            run.why = f"{ended.why} (in cell {run.last})"
        elif ended.code or run.last != steps[-1]["id"]:  # whatever status it ended with
            run.why = f"its program ended in cell {run.last or 'none'}"
        return run

    def _judge_data(
        self,
        runs: list[_Run],
        reference: Sandbox,
        stop: threading.Event,
        confined: bool | None = None,
    ) -> list[str]:
        """Judge what is plain data, and return the exercises whose answers are not."""
        confined = self._confined if confined is None else confined
        folder = reference.folder
        by_number = {str(number): run for number, run in enumerate(runs)}
        waiting: dict[str, list[str]] = {name: [] for name in self._jobs}
        for number, run in by_number.items():
            answers = folder / "answers" / number
            answers.mkdir(parents=True)
            for name in self._jobs:
                content = _own_file(run.sandbox.folder, f"{ANSWERS}/{name}.json")
                if content is not None:
                    (answers / f"{name}.json").write_bytes(content)
                    waiting[name].append(number)
        for _ in range(RETRIES):
            job = self._job(self._solved_steps(), TRUSTED, learners=waiting)
            (folder / JOB).write_text(job, encoding="utf-8")
            words = ["-m", "mlops_school.grading.judge", "data", str(folder)]
            ended = reference.run(words, TRUSTED, confined=confined, stop=stop)
            kinds, begun = self._read_verdicts(_lines(_own_file(folder, JOURNAL)), by_number)
            if stop.is_set():
                raise KeyboardInterrupt
            if not (ended.why or ended.code):
                break
            if begun is None:
                reason = ended.why or " ".join(ended.errors.strip().splitlines()[-1:])
                raise CourseError(f"The solved lesson {self.lesson.id} does not run here: {reason}")
            name, number = begun  # whose answer brought it down
            by_number[number].outcomes[name] = Outcome("not yet", "your answer stops the check.")
            waiting[name].remove(number)
        codes = [name for name, is_data in kinds.items() if not is_data]
        for run in runs:
            self._explain_missing(run, set(kinds) - set(codes))
        return codes

    def _read_verdicts(
        self, entries: list[dict[str, Any]], by_number: dict[str, _Run]
    ) -> tuple[dict[str, bool], tuple[str, str] | None]:
        """Keep the verdicts; return which exercises are data, and whose answer was not finished."""
        kinds: dict[str, bool] = {}
        begun = None
        for entry in entries:
            name = entry.get("exercise")
            if "data" in entry:
                kinds[name] = entry["data"]
            elif "begins" in entry:
                begun = name, entry["learner"]
            elif "status" in entry:
                outcome = Outcome(entry["status"], entry["message"])
                if entry["learner"]:
                    by_number[entry["learner"]].outcomes[name] = outcome
                elif outcome.status != "correct":
                    raise CourseError(
                        f"On this machine, {self.lesson.id} does not accept its own solution of "
                        f"{name}, so nobody is graded: {outcome.message}"
                    )
                begun = None
        return kinds, begun

    def _explain_missing(self, run: _Run, data: set[str]) -> None:
        for name in data - run.outcomes.keys():
            refused = _own_file(run.sandbox.folder, f"{ANSWERS}/{name}.txt")
            if refused is not None:
                reason = refused[:200].decode("utf-8", "replace")
                message = f"the task asks for plain data, and in your answer, {reason}."
                run.outcomes[name] = Outcome("not yet", message)

    def _judge_code(
        self, run: _Run, names: list[str], reference: Sandbox, stop: threading.Event
    ) -> None:
        """Judge what is code, in the learner's sandbox."""
        folder = run.sandbox.folder
        names = [
            name
            for name in names
            if any(
                _own_file(folder, f"{ANSWERS}/{name}.{end}") is not None
                for end in ("json", "pickle")
            )
        ]
        if not names:
            return
        judge = folder / CODE  # what a learner's code may have left there goes
        if judge.is_symlink() or judge.is_file():
            judge.unlink()
        elif judge.exists():
            shutil.rmtree(judge)
        judge.mkdir()
        (judge / JOB).write_text(self._job([], self.limits), encoding="utf-8")
        for name in names:
            context = reference.folder / CONTEXT / f"{name}.pickle"
            if context.exists():
                shutil.copy(context, judge)
        secret = secrets.token_hex(SECRET // 2)
        words = ["-m", "mlops_school.grading.judge", "code", str(folder), self.lesson.exercises]
        ended = run.sandbox.run(
            [*words, *names], self.limits, confined=self._confined, given=secret, stop=stop
        )
        if stop.is_set():
            raise KeyboardInterrupt
        for entry in _lines(ended.output.encode()):
            name, status = entry.get("exercise"), entry.get("status")
            if entry.get("secret") == secret and name in names and name not in run.outcomes:
                run.outcomes[name] = Outcome(status, str(entry.get("message")))
        for name in names:
            stopped = ended.why or "its program ended"
            run.outcomes.setdefault(
                name, Outcome("not yet", f"your answer stops the check: {stopped}.")
            )

    def _solved_steps(self) -> list[dict[str, Any]]:
        """Return the cells of the solved lesson, up to its last exercise."""
        steps = restore([], self.lesson).steps
        return [
            dataclasses.asdict(
                dataclasses.replace(step, source=self._tasks[step.id].solved)
                if step.id in self._tasks
                else step
            )
            for step in steps
        ]

    def _graded(self, run: _Run) -> Graded:
        for name in self._tasks:
            run.outcomes.setdefault(name, Outcome("not attempted", "there is no answer."))
            outcome, error = run.outcomes[name], run.journal.get(name, {}).get("error")
            if outcome.status == "not attempted" and error:
                run.outcomes[name] = Outcome("not yet", f"your cell stopped with `{error}`.")
        notebook = run.restored.notebook
        checks = {task.check_id: name for name, task in self._tasks.items()}
        for number, cell in enumerate(notebook.cells, 1):
            if cell.id in checks:
                cell.execution_count = number
                cell.outputs = [_shown(run.outcomes[checks[cell.id]])]
            elif entry := run.journal.get(cell.id):
                cell.execution_count = number
                cell.outputs = list(filter(None, map(_output, entry["outputs"])))
        given = {cell.id: cell.source for cell in restore([], self.lesson).notebook.cells}
        late = [f"{id_} was stopped" for id_, entry in run.journal.items() if entry.get("late")]
        flags = [run.why] * bool(run.why) + late + run.restored.notes
        flags += suspicious(run.restored.steps, given)
        outcomes = {name: run.outcomes[name] for name in self._tasks}
        return Graded(outcomes, flags, notebook)


def _own_file(folder: Path, name: str) -> bytes | None:
    """Return the beginning of a file that a learner's code may have put there, or None.

    A link could lead anywhere, and a pipe has no end: only a file is read.
    """
    path = folder
    for part in Path(name).parts:
        path = path / part
        if path.is_symlink():
            return None
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return stream.read(LARGEST)


def _lines(content: bytes | None) -> list[dict[str, Any]]:
    """Return the entries of a journal; what is no entry is passed over."""
    entries = []
    for line in (content or b"").splitlines():
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict):
            entries.append(entry)
    return entries


def _shown(outcome: Outcome) -> NotebookNode:
    """Return a verdict as an output that nbgrader understands: an error gives no points."""
    if outcome.status == "correct":
        return new_output("display_data", {"text/plain": repr(outcome)})
    kind = outcome.status.title().replace(" ", "")
    return new_output("error", ename=kind, evalue=outcome.message, traceback=[repr(outcome)])


def _output(facts: Any) -> NotebookNode | None:
    """Return an output that a journal has noted, or None if it is none."""
    try:
        output = nbformat.from_dict(facts)
        nbformat.validate(output, ref="output", version=4)
    except Exception:  # a learner's code may have written anything
        return None
    return output

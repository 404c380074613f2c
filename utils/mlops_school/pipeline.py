"""A tiny CI runner: it reads a workflow in GitHub Actions' syntax and executes its jobs here.

It knows a subset, given by the constants below, and refuses the rest by name. Where it differs:

- Jobs run one after the other on this computer, whatever ``runs-on`` says, each in a folder of its
  own that is empty until ``uses: actions/checkout`` fills it. There is no ``.git`` in it.
- A line of ``run`` is one plain command, split into words as a shell does, but without a shell, so
  that it means the same on every system: no pipes, wildcards or variables. The word ``python``
  stands for the Python of the course. With ``shell: python``, ``run`` is a script in Python.
- A step ends after ``STEP_SECONDS``, and of its output the last ``OUTPUT_BYTES`` are kept.

The commands run with the rights of whoever starts the runner. Run only workflows that you trust.
"""

import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, ClassVar, Literal

import pandas as pd
import psutil
import yaml

from mlops_school.errors import CourseError
from mlops_school.repository import Repository

WORKFLOW_KEYS = ("name", "on", "env", "jobs")
JOB_KEYS = ("name", "needs", "runs-on", "if", "env", "steps")
STEP_KEYS = ("name", "uses", "run", "shell", "env", "working-directory", "if", "continue-on-error")
CONDITIONS = ("success()", "failure()", "always()")
CHECKOUT = "actions/checkout"

STEP_SECONDS = 60
OUTPUT_BYTES = 20_000

# What the real service would do with that which is refused here.
_ELSEWHERE = {
    "concurrency": "let only one run at a time go on, and cancel or queue the others",
    "container": "run the job's steps inside a container",
    "continue-on-error": "let the whole run pass although this job failed",
    "defaults": "set the shell and the folder of all steps at once",
    "environment": "wait for the approval that a protected environment demands",
    "id": "let later steps refer to this one by its id",
    "outputs": "hand values on to the jobs that need this one",
    "permissions": "limit what the run may do with the repository",
    "run-name": "show the run under this name",
    "secrets": "hand secrets to a workflow that is called",
    "services": "start containers beside the job, such as a database",
    "strategy": "run the job once for each combination of its matrix",
    "timeout-minutes": f"stop it after so many minutes; here, every step after {STEP_SECONDS} s",
    "uses": "fetch that action from its repository and run it",
    "with": "hand these inputs to the action",
}

Status = Literal["passed", "failed", "failed, but may", "skipped"]


@dataclass(frozen=True)
class Step:
    """One step of a job: a checkout if it has no commands."""

    name: str
    run: str | None
    python: bool = False
    env: dict[str, str] = field(default_factory=dict)
    folder: str = "."
    condition: str = "success()"
    may_fail: bool = False


@dataclass(frozen=True)
class Job:
    """One job of a workflow."""

    id: str
    needs: tuple[str, ...]
    env: dict[str, str]
    condition: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Workflow:
    """A workflow; its jobs stand in an order in which each comes after those that it needs."""

    name: str
    triggers: tuple[str, ...]
    env: dict[str, str]
    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class StepResult:
    """What became of a step, and the end of what it printed."""

    job: str
    step: str
    status: Status
    output: str = ""


@dataclass(frozen=True)
class Run:
    """What became of a workflow.

    Attributes
    ----------
    workflow : str
        Its name.
    commit : str
        The id of the commit that it ran on.
    jobs : dict of str to str
        The status of each job.
    steps : tuple of StepResult
        All steps, in the order in which they ran.
    """

    workflow: str
    commit: str
    jobs: dict[str, Status]
    steps: tuple[StepResult, ...]

    @property
    def passed(self) -> bool:
        """Whether no job failed."""
        return "failed" not in self.jobs.values()

    @property
    def table(self) -> pd.DataFrame:
        """A row for each step."""
        rows = [(step.job, step.step, step.status) for step in self.steps]
        return pd.DataFrame(rows, columns=["job", "step", "status"])

    def log(self, job: str) -> str:
        """Return what the steps of a job printed."""
        if job not in self.jobs:
            raise CourseError(f"There is no job {job!r}. The jobs are: {', '.join(self.jobs)}.")
        outputs = [step.output.rstrip("\n") for step in self.steps if step.job == job]
        return "".join(f"{output}\n" for output in outputs if output)


def read(text: str) -> Workflow:
    """Return a workflow from the text of its file.

    Raises
    ------
    CourseError
        If it is no valid workflow, or uses what this runner does not know.
    """
    try:
        content = yaml.load(text, Loader=_Loader)  # a safe loader: it makes no objects
    except yaml.YAMLError as error:
        raise CourseError(f"The workflow is not valid YAML: {error}") from None
    content = _mapping(content, "the workflow")
    _only(content, WORKFLOW_KEYS, "the workflow")
    for key in ("on", "jobs"):
        if not content.get(key):
            raise CourseError(f"The workflow has no `{key}`, which it must have.")
    entries = _mapping(content["jobs"], "`jobs`")
    jobs = {name: _job(name, _mapping(entry, f"job {name}")) for name, entry in entries.items()}
    return Workflow(
        name=str(content.get("name", "workflow")),
        triggers=tuple(_triggers(content["on"])),
        env=_variables(content, "the workflow"),
        jobs=tuple(jobs[name] for name in _order(jobs)),
    )


def run(
    repository: Repository,
    version: str = "HEAD",
    file: str = ".github/workflows/ci.yml",
    env: Mapping[str, str] | None = None,
) -> Run:
    """Execute a workflow, as it is in one version of a repository, on that version.

    Parameters
    ----------
    repository : Repository
        Its files as they lie in the folder play no part, unless they were committed.
    version : str
        A commit, a branch or a tag.
    file : str
        The workflow's name in the repository.
    env : mapping of str to str, optional
        Environment variables of the runner, which those of the workflow override.

    Raises
    ------
    CourseError
        If there is no such version, or no such file in it, or the file is no valid workflow.
    """
    commit = repository.resolve(version)
    try:
        text = repository.git("show", f"{commit}:{file}")
    except CourseError:
        raise CourseError(f"There is no {file} in this version. Write it, and commit.") from None
    workflow = read(text)
    variables = dict(env or {}) | {"CI": "true", "GITHUB_SHA": commit} | workflow.env
    jobs: dict[str, Status] = {}
    steps: list[StepResult] = []
    for job in workflow.jobs:
        before = [jobs[name] for name in _ancestors(job, workflow.jobs)]
        if _holds(job.condition, good=set(before) <= {"passed"}, bad="failed" in before):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                results = _run_job(job, Path(folder), repository, commit, variables, before)
            failed = any(result.status == "failed" for result in results)
            jobs[job.id] = "failed" if failed else "passed"
        else:
            results = [StepResult(job.id, step.name, "skipped") for step in job.steps]
            jobs[job.id] = "skipped"
        steps += results
    return Run(workflow.name, commit, jobs, tuple(steps))


# ---- reading


class _Loader(yaml.SafeLoader):
    """Reads YAML as GitHub does, in which `on` is a word, and a key may stand once only."""

    # YAML 1.1, which PyYAML reads, takes on, off, yes and no for true and false.
    yaml_implicit_resolvers: ClassVar = {
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag != "tag:yaml.org,2002:bool" or first in "tTfF"
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        if twice := {str(name) for name in names if names.count(name) > 1}:
            line = node.start_mark.line + 1
            raise CourseError(
                f"The workflow has {', '.join(sorted(twice))} twice in the part from line {line}."
            )
        return super().construct_mapping(node, deep)


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CourseError(f"In {where}, names with values are expected, such as `name: value`.")
    return {str(key): inner for key, inner in value.items()}


def _only(entry: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Raise unless all keys are known; say what the real service does with the others."""
    for key in entry:
        if key in known:
            continue
        if key in _ELSEWHERE:
            raise CourseError(
                f"This small runner cannot do `{key}`, which stands in {where}. "
                f"The real service would {_ELSEWHERE[key]}."
            )
        similar = difflib.get_close_matches(key, known, n=1)
        hint = f" Do you mean `{similar[0]}`?" if similar else ""
        raise CourseError(f"There is no key `{key}` that could stand in {where}.{hint}")


def _triggers(on: Any) -> Iterator[str]:
    if isinstance(on, dict):
        for event, filters in on.items():
            if filters:
                raise CourseError(
                    f"This small runner cannot choose by what stands below `{event}`. The real "
                    "service would start the workflow only for the branches, files or times given."
                )
            yield str(event)
    elif isinstance(on, str):
        yield on
    elif isinstance(on, list) and all(isinstance(event, str) for event in on):
        yield from on
    else:
        raise CourseError(
            f"After `on`, the name of an event is expected, such as `push`, not {on!r}."
        )


def _job(name: str, entry: Mapping[str, Any]) -> Job:
    where = f"job {name}"
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name):
        raise CourseError(f"A job cannot be called {name!r}: letters, digits, - and _ are allowed.")
    _only(entry, JOB_KEYS, where)
    if "runs-on" not in entry:
        raise CourseError(f"The {where} lacks `runs-on`, such as `runs-on: ubuntu-latest`.")
    needs = entry.get("needs") or []
    needs = [needs] if isinstance(needs, str) else needs
    if not isinstance(needs, list) or not all(isinstance(other, str) for other in needs):
        raise CourseError(f"After `needs`, {where} must name one job, or a list of jobs.")
    steps = entry.get("steps")
    if not isinstance(steps, list) or not steps:
        raise CourseError(f"The {where} has no `steps`, a list with at least one.")
    return Job(
        id=name,
        needs=tuple(needs),
        env=_variables(entry, where),
        condition=_condition(entry, where),
        steps=tuple(
            _step(_mapping(step, f"step {number} of {where}"), f"step {number} of {where}")
            for number, step in enumerate(steps, 1)
        ),
    )


def _step(entry: Mapping[str, Any], where: str) -> Step:
    _only(entry, (*STEP_KEYS, "with"), where)  # an action that is unknown is the better reason
    if ("uses" in entry) == ("run" in entry):
        raise CourseError(f"In {where}, exactly one of `run` and `uses` is expected.")
    may_fail = entry.get("continue-on-error", False)
    if not isinstance(may_fail, bool):
        raise CourseError(f"In {where}, `continue-on-error` is true or false.")
    if "uses" in entry:
        action = str(entry["uses"])
        if action.partition("@")[0] != CHECKOUT:
            raise CourseError(
                f"This small runner cannot do `uses: {action}`, which stands in {where}. "
                f"The real service would {_ELSEWHERE['uses']}."
            )
        name, commands, python = str(entry.get("name", "checkout")), None, False
    else:
        commands = entry["run"]
        if not isinstance(commands, str) or not commands.strip():
            raise CourseError(f"In {where}, `run` is a command, or some lines of them.")
        python = _is_python(entry, where)
        name = str(entry.get("name", commands.strip().splitlines()[0]))
        for expression in re.findall(r"\$\{\{(.*?)\}\}", commands):
            _name_in(expression, where)
        if not python:
            _words(re.sub(r"\$\{\{.*?\}\}", "x", commands), where)
    _only(entry, STEP_KEYS, where)
    return Step(
        name=name,
        run=commands,
        python=python,
        env=_variables(entry, where),
        folder=str(entry.get("working-directory", ".")),
        condition=_condition(entry, where),
        may_fail=may_fail,
    )


def _is_python(entry: Mapping[str, Any], where: str) -> bool:
    shell = entry.get("shell")
    if shell not in (None, "python"):
        raise CourseError(
            f"This small runner cannot do `shell: {shell}`, which stands in {where}. The real "
            "service would run the step with it, if its machine has it. Here, leave `shell` out, "
            "or write `shell: python`."
        )
    return shell == "python"


def _variables(entry: Mapping[str, Any], where: str) -> dict[str, str]:
    variables = {}
    for name, value in _mapping(entry.get("env") or {}, f"`env` of {where}").items():
        if isinstance(value, (dict, list)):
            raise CourseError(f"In `env` of {where}, {name} must be a text or a number.")
        if isinstance(value, str) and "${{" in value:
            raise CourseError(
                f"This small runner cannot do {value}, which stands in `env` of {where}. The real "
                "service would put the value of the expression there."
            )
        spelt = str(value).lower() if isinstance(value, bool) else str(value)
        variables[name] = "" if value is None else spelt
    return variables


def _condition(entry: Mapping[str, Any], where: str) -> str:
    text = str(entry.get("if", "success()"))
    condition = re.sub(r"^\$\{\{(.*)\}\}$", r"\1", text.strip()).strip()
    if condition not in CONDITIONS:
        raise CourseError(
            f"This small runner cannot do `if: {text}`, which stands in {where}. The real service "
            f"would work the expression out; here one of {', '.join(CONDITIONS)} is possible."
        )
    return condition


def _order(jobs: Mapping[str, Job]) -> list[str]:
    """Return the names of the jobs, each after those that it needs, and else as in the file."""
    for job in jobs.values():
        if missing := [name for name in job.needs if name not in jobs]:
            raise CourseError(
                f"The job {job.id} needs {', '.join(missing)}, which is no job of this workflow. "
                f"Its jobs are: {', '.join(jobs)}."
            )
    sorter = TopologicalSorter({name: job.needs for name, job in jobs.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " needs ".join(reversed(error.args[1]))
        raise CourseError(f"The jobs wait for each other for ever: {circle}.") from None
    order, ready = [], set(sorter.get_ready())
    while ready:
        name = next(name for name in jobs if name in ready)
        ready.remove(name)
        order.append(name)
        sorter.done(name)
        ready.update(sorter.get_ready())
    return order


def _ancestors(job: Job, jobs: Sequence[Job]) -> set[str]:
    """Return the names of all jobs that must end before this one."""
    needs = {other.id: other.needs for other in jobs}
    found, left = set(), list(job.needs)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += needs[name]
    return found


def _name_in(expression: str, where: str) -> str:
    """Return NAME of `env.NAME`, the one kind of expression that may stand in commands."""
    if not (match := re.fullmatch(r"\s*env\.([A-Za-z_]\w*)\s*", expression)):
        raise CourseError(
            f"This small runner cannot do ${{{{{expression}}}}}, which stands in {where}. The real "
            "service would work the expression out; here only `env.` and a name is possible."
        )
    return match[1]


def _words(commands: str, where: str) -> list[list[str]]:
    """Return the words of each command.

    Raises
    ------
    CourseError
        If a command needs a shell.
    """
    split = []
    for line in commands.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        open_to_shell = re.sub(r"'[^']*'", "", line)  # between single quotes, nothing is special
        plain = re.sub(r'"[^"]*"', "", open_to_shell)
        special = re.findall(r"[$`\\]", open_to_shell) + re.findall(r"[|&;<>()*?~{}#]", plain)
        if special:
            raise CourseError(
                f"This small runner has no shell, and {special[0]} in {where} is for a shell. "
                "The real service would run bash on Linux. Here, write one plain command a line, "
                "or `shell: python`."
            )
        try:
            split.append(shlex.split(line))
        except ValueError:
            raise CourseError(f"In {where}, a quotation mark is not closed: {line}") from None
    return split


# ---- running


def _holds(condition: str, good: bool, bad: bool) -> bool:
    """Tell whether a job or a step runs, after all went well, or something failed, or neither."""
    return {"success()": good, "failure()": bad, "always()": True}[condition]


def _run_job(
    job: Job,
    folder: Path,
    repository: Repository,
    commit: str,
    variables: Mapping[str, str],
    before: Sequence[Status],
) -> list[StepResult]:
    results: list[StepResult] = []
    failed = False
    for step in job.steps:
        status: Status = "skipped"
        output = ""
        if _holds(step.condition, good=not failed, bad=failed or "failed" in before):
            if step.run is None:
                repository.checkout(commit, folder)
                status = "passed"
            else:
                good, output = _run_step(step, folder, {**variables, **job.env, **step.env})
                status = "passed" if good else "failed, but may" if step.may_fail else "failed"
        failed = failed or status == "failed"
        results.append(StepResult(job.id, step.name, status, output))
    return results


def _run_step(step: Step, folder: Path, variables: dict[str, str]) -> tuple[bool, str]:
    """Execute the commands of a step until one fails; return whether none did, and the output."""
    where = f"step {step.name}"
    text = re.sub(
        r"\$\{\{(.*?)\}\}",
        lambda found: variables.get(_name_in(found[1], where), ""),
        step.run or "",
    )
    cwd = (folder / step.folder).resolve()
    if not cwd.is_relative_to(folder.resolve()) or not cwd.is_dir():
        return False, f"There is no folder {step.folder} in this job."
    commands = [["python", "-c", text]] if step.python else _words(text, where)
    output = ""
    for command in commands:
        good, printed = _execute(command, cwd, variables)
        output += printed
        if not good:
            return False, _tidy(output, folder)
    return True, _tidy(output, folder)


def _execute(command: Sequence[str], cwd: Path, variables: dict[str, str]) -> tuple[bool, str]:
    program = sys.executable if command[0] == "python" else command[0]
    try:
        process = subprocess.Popen(
            [program, *command[1:]],
            cwd=cwd,
            env=os.environ | {"PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"} | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError:
        return False, f"There is no program {command[0]!r} on this computer.\n"
    kept = bytearray()

    def keep_the_end() -> None:
        with process.stdout:
            while chunk := process.stdout.read1(65536):
                kept.extend(chunk)
                del kept[:-OUTPUT_BYTES]

    reader = threading.Thread(target=keep_the_end, daemon=True)
    reader.start()
    late = False
    try:
        process.wait(timeout=STEP_SECONDS)
    except subprocess.TimeoutExpired:
        late = True
    finally:  # the learner may interrupt the cell, too
        _kill(process)
        reader.join(timeout=5)  # a program that it left running may hold the pipe
    printed = bytes(kept).decode("utf-8", "replace").replace("\r\n", "\n")
    if late:
        printed += f"\nStopped: not done after {STEP_SECONDS} seconds.\n"
    return not late and process.returncode == 0, printed


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process, if it runs, and those that it started."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    for member in [process, *family]:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


def _tidy(output: str, folder: Path) -> str:
    """Return an output without the place of the temporary folder, which tells nobody anything."""
    for place in {str(folder), str(folder.resolve())}:
        output = output.replace(place + os.sep, "").replace(place, ".")
    return output

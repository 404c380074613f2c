"""Airflow in the workspace: its settings, its commands, and what its database says of a run.

``python -m mlops_school.orchestration standalone`` starts Airflow's pages, its scheduler and all
else; other words are passed to ``airflow`` in the same way.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mlops_school.errors import CourseError
from mlops_school.paths import COURSE, new_folder, workspace
from mlops_school.servers import free_port

FOLDER = "labs/airflow"
DAGS = COURSE / "pipelines" / "airflow"
RESULTS = "results"  # a folder of the workspace's, where the tasks of the lab write
LOG = "last_run.log"  # of the last DAG that was tried
LOG_LINES = 20  # of a command that failed


@dataclass(frozen=True)
class Run:
    """What Airflow's database says of one run of a DAG.

    Attributes
    ----------
    state : str
        Of the run as a whole: ``success``, ``failed`` or ``running``.
    tasks : DataFrame
        Indexed by ``task``, in the order of the arrows: its ``state``, and how many ``tries`` it
        took.
    arrows : tuple of tuple of str
        From which task to which one.
    """

    state: str
    tasks: pd.DataFrame
    arrows: tuple[tuple[str, str], ...]


def begin() -> Path:
    """Return a new, empty home for Airflow, with copies of the course's DAGs in its ``dags``."""
    home = new_folder(FOLDER)
    shutil.copytree(DAGS, home / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    (home / RESULTS).mkdir()
    return home


def home() -> Path:
    """Return Airflow's home in the workspace: its database, its logs and its DAGs."""
    return workspace() / FOLDER


def settings() -> dict[str, str]:
    """Return the environment variables that make Airflow a guest of the workspace."""
    return {
        "AIRFLOW_HOME": str(home()),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home() / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "2",  # the scheduler would else keep 32 processes
        "AIRFLOW__API__HOST": "127.0.0.1",  # its pages would else be open to the whole network
        # skops looks at every name of every module, and Airflow warns of each that is old.
        "PYTHONWARNINGS": "ignore::FutureWarning",
        "PYTHONUTF8": "1",
    }


def airflow(*words: str) -> str:
    """Run a command of Airflow, such as ``airflow("db", "migrate")``, and return its log.

    Raises
    ------
    CourseError
        If it fails, with the end of the log.
    """
    done = _call(words)
    if done.returncode:
        raise CourseError(
            f"`airflow {' '.join(words)}` failed. Its log ends with:\n{_last_lines(done.stdout)}"
        )
    return done.stdout


def run_once(dag: str) -> Run:
    """Run a DAG once and without a scheduler, by ``airflow dags test``; return what became of it.

    That a task fails is one of the things that can become of it.

    Raises
    ------
    CourseError
        If there was no run, as when the DAG's file cannot be read, with the end of the log.
    """
    before = _newest(dag)
    done = _call(["dags", "test", dag])
    (home() / LOG).write_text(done.stdout, encoding="utf-8")
    if _newest(dag) == before:
        raise CourseError(
            f"Airflow did not run the DAG {dag}. Its log ends with:\n{_last_lines(done.stdout)}"
        )
    return last_run(dag)


def last_run(dag: str) -> Run:
    """Return what the database says of the newest run of a DAG.

    The tables are Airflow's own business and may change with its next version: a program that has
    to last asks Airflow's REST API, which needs its server.

    Raises
    ------
    CourseError
        If the DAG never ran.
    """
    number = _newest(dag)
    if number is None:
        raise CourseError(f"The DAG {dag} has no run yet.")
    ((run, state),) = _ask("SELECT run_id, state FROM dag_run WHERE id = ?", number)
    found = _ask(
        "SELECT task_id, state, try_number FROM task_instance WHERE dag_id = ? AND run_id = ?",
        *(dag, run),
    )
    ((described,),) = _ask(
        "SELECT data FROM serialized_dag WHERE dag_id = ? ORDER BY created_at DESC LIMIT 1", dag
    )
    arrows = arrows_of(json.loads(described))
    tasks = pd.DataFrame(found, columns=["task", "state", "tries"]).set_index("task").sort_index()
    depth = depths(list(tasks.index), arrows)
    return Run(state, tasks.loc[sorted(tasks.index, key=lambda task: depth[task])], arrows)


def arrows_of(described: Mapping) -> tuple[tuple[str, str], ...]:
    """Return the arrows of a DAG as Airflow writes it down, in alphabetical order."""
    tasks = [task.get("__var", task) for task in described["dag"]["tasks"]]
    return tuple(
        sorted(
            (task["task_id"], to) for task in tasks for to in task.get("downstream_task_ids", ())
        )
    )


def depths(tasks: Sequence[str], arrows: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return how many arrows lead to each task on the longest way."""
    depth = dict.fromkeys(tasks, 0)
    for _ in tasks:  # as many rounds as the longest way can have arrows
        for start, end in arrows:
            depth[end] = max(depth[end], depth[start] + 1)
    return depth


def edit(dag: str, **changes: str) -> None:
    """Change settings in the workspace's copy of a DAG's file.

    Parameters
    ----------
    dag : str
        The file's name without ``.py``.
    **changes : str
        What is assigned to a name in capital letters at the beginning of a line.

    Raises
    ------
    CourseError
        If the file has no such line.
    """
    file = home() / "dags" / f"{dag}.py"
    lines = file.read_text(encoding="utf-8").splitlines()
    for name, value in changes.items():
        places = [place for place, line in enumerate(lines) if line.startswith(f"{name} = ")]
        if len(places) != 1:
            raise CourseError(f"{file.name} has no line that begins with `{name} = `.")
        lines[places[0]] = f"{name} = {value!r}"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _call(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run Airflow's command in the environment of this Python, both of its outputs as one."""
    command = [sys.executable, "-m", "airflow", *words]
    return subprocess.run(
        command,
        env=os.environ | settings(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )


def _newest(dag: str) -> int | None:
    ((number,),) = _ask("SELECT max(id) FROM dag_run WHERE dag_id = ?", dag)
    return number


def _ask(query: str, *values: str | int) -> list[tuple]:
    database = home() / "airflow.db"
    if not database.exists():
        raise CourseError("Airflow has no database yet: run `airflow db migrate` first.")
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query, values).fetchall()


def _last_lines(log: str) -> str:
    return "\n".join(log.splitlines()[-LOG_LINES:])


def main(words: Sequence[str] | None = None) -> int:
    """Run ``airflow`` with these words in the workspace, and return its exit status."""
    port = str(free_port())
    words = list(sys.argv[1:] if words is None else words)
    own = {"AIRFLOW__API__PORT": port, "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}"}
    if not (home() / "dags").exists():
        begin()
    if words[:1] == ["standalone"]:
        print(f"Airflow's pages will be at {own['AIRFLOW__API__BASE_URL']}; stop with Ctrl+C.")
    try:
        return subprocess.call(
            [sys.executable, "-m", "airflow", *words], env=os.environ | settings() | own
        )
    except KeyboardInterrupt:  # Airflow has got it, too, and ends by itself
        return 130


if __name__ == "__main__":
    raise SystemExit(main())

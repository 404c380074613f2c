"""What is read from Airflow's database, without Airflow: its tables are made by hand."""

import json
import shutil
import sqlite3
from contextlib import closing
from subprocess import CompletedProcess

import pytest

from mlops_school import orchestration
from mlops_school.errors import CourseError
from mlops_school.orchestration_views import show_run

ARROWS = (("a", "b"), ("a", "c"), ("b", "c"))


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(tmp_path))
    return orchestration.begin()


def add_run(home, number=1, state="success", **states):
    """Write down a run of the DAG `d`, as Airflow does."""
    tasks = [
        {"__var": {"task_id": task, "downstream_task_ids": [e for s, e in ARROWS if s == task]}}
        for task in "cab"
    ]
    with closing(sqlite3.connect(home / "airflow.db")) as database, database:
        for table in (
            "dag_run (id, dag_id, run_id, state)",
            "task_instance (task_id, dag_id, run_id, state, try_number)",
            "serialized_dag (dag_id, data, created_at)",
        ):
            database.execute(f"CREATE TABLE IF NOT EXISTS {table}")
        if number is None:
            return
        database.execute("INSERT INTO dag_run VALUES (?, 'd', ?, ?)", (number, number, state))
        rows = [(task, number, what) for task, what in states.items()]
        database.executemany("INSERT INTO task_instance VALUES (?, 'd', ?, ?, 1)", rows)
        described = json.dumps({"dag": {"tasks": tasks}})
        database.execute("INSERT INTO serialized_dag VALUES ('d', ?, ?)", (described, number))


def test_the_newest_run_with_its_tasks_in_the_order_of_the_arrows(home):
    add_run(home, 1, "failed", a="failed", b="upstream_failed", c="upstream_failed")
    add_run(home, 2, c="skipped", b="success", a="success")
    run = orchestration.last_run("d")
    assert run.state == "success"
    assert run.arrows == ARROWS
    assert run.tasks["state"].to_dict() == {"a": "success", "b": "success", "c": "skipped"}
    assert list(run.tasks.index) == ["a", "b", "c"]


def test_the_depth_of_a_task_is_that_of_the_longest_way():
    assert orchestration.depths("cab", ARROWS) == {"a": 0, "b": 1, "c": 2}


def test_a_run_that_fails_is_a_result_and_no_run_is_an_error(home, monkeypatch):
    add_run(home, None)

    def fails(words):
        add_run(home, 1, "failed", a="failed", b="upstream_failed", c="upstream_failed")
        return CompletedProcess(words, 1, "DagRun failed")

    monkeypatch.setattr(orchestration, "_call", fails)
    assert orchestration.run_once("d").tasks["state"]["a"] == "failed"
    monkeypatch.setattr(orchestration, "_call", lambda words: CompletedProcess(words, 1, "Oops"))
    with pytest.raises(CourseError, match="did not run the DAG d(.|\n)*Oops"):
        orchestration.run_once("d")


def test_a_command_that_fails_says_how_its_log_ends(home, monkeypatch):
    monkeypatch.setattr(orchestration, "_call", lambda words: CompletedProcess(words, 1, "Oops"))
    with pytest.raises(CourseError, match="`airflow db migrate` failed(.|\n)*Oops"):
        orchestration.airflow("db", "migrate")


def test_without_a_database_or_a_run(home):
    with pytest.raises(CourseError, match="airflow db migrate"):
        orchestration.last_run("d")
    add_run(home, None)
    with pytest.raises(CourseError, match="no run yet"):
        orchestration.last_run("d")


def test_a_setting_of_a_dag_is_edited_in_the_workspace_only(home):
    original = (orchestration.DAGS / "monthly_report.py").read_text(encoding="utf-8")
    orchestration.edit("monthly_report", FILE="late-{month}.csv", MODE="w")
    edited = (home / "dags" / "monthly_report.py").read_text(encoding="utf-8")
    assert edited == original.replace('"ledger.csv"', "'late-{month}.csv'").replace(
        'MODE = "a"', "MODE = 'w'"
    )
    assert (orchestration.DAGS / "monthly_report.py").read_text(encoding="utf-8") == original
    with pytest.raises(CourseError, match="no line that begins with `NAME = `"):
        orchestration.edit("monthly_report", NAME="x")


def test_airflow_listens_to_this_computer_only_and_writes_into_the_workspace(home):
    settings = orchestration.settings()
    assert settings["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert settings["AIRFLOW_HOME"] == str(home)
    shutil.rmtree(home)
    assert orchestration.home() == home


def test_the_picture_says_the_state_of_each_task_in_words(home, capsys):
    add_run(home, 1, a="success", b="skipped", c="waiting for something")
    show_run(orchestration.last_run("d"), "Morning")
    shown = capsys.readouterr().out
    assert "Morning. The run: success. Tasks: a (success); b (skipped); c (waiting" in shown
    assert "Arrows: a to b, a to c, b to c." in shown

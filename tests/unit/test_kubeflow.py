"""What a compiled pipeline says, and what a run has done, without Kubeflow."""

import logging

import pytest

from mlops_school import kubeflow
from mlops_school.errors import CourseError

COMPILED = """\
components:
  comp-load: {executorLabel: a}
  comp-train: {executorLabel: b}
  comp-gate:
    dag:
      tasks:
        register: {componentRef: {name: comp-train}}
root:
  dag:
    tasks:
      condition-1:
        componentRef: {name: comp-gate}
        dependentTasks: [train]
        triggerPolicy: {condition: "x >=\\n  0.7"}
      load: {componentRef: {name: comp-load}}
      train: {componentRef: {name: comp-train}, dependentTasks: [load]}
"""


def test_the_outline_says_the_order_and_the_condition(tmp_path):
    file = tmp_path / "pipeline.yaml"
    file.write_text(COMPILED, encoding="utf-8")
    assert kubeflow.outline(file).splitlines() == [
        "load",
        "train after load",
        "condition-1 after train",
        "    only if x >= 0.7",
        "    register",
    ]


def test_a_run_says_what_was_executed_and_nothing_else(capsys):
    def pipeline(steps):
        for step in steps:
            print(f"12:00 - INFO - Executing task \x1b[96m'{step}'\x1b[0m")
        print("Task \x1b[96m'cached'\x1b[0m finished with status SUCCESS")
        logging.root.setLevel(logging.DEBUG)

    before = logging.root.level
    assert kubeflow.run(pipeline, steps=["train", "load-2"]) == ["load-2", "train"]
    assert logging.root.level == before
    assert capsys.readouterr() == ("", "")


def test_a_run_that_fails_says_how_its_log_ends():
    def pipeline():
        print("OSError: the disk is full")
        raise RuntimeError("Task train finished with FAILURE")

    with pytest.raises(CourseError, match="has failed: Task train(.|\n)*the disk is full"):
        kubeflow.run(pipeline)

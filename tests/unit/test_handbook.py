"""The handbook of operations: no requirement is forgotten, no page has holes."""

import ast
import re

import pytest
import yaml

from mlops_school import challenger, handbook
from mlops_school.errors import CourseError
from mlops_school.handbook import Rule
from mlops_school.paths import COURSE
from mlops_school.process import load_requirements

REQUIREMENTS = load_requirements()
DAG = COURSE / "pipelines" / "airflow" / "retraining.py"


def alerts():
    """Return the requirement of each alert of lesson 14."""
    file = COURSE / "monitoring" / "alerts.yml"
    groups = yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    return {rule["alert"]: rule["labels"]["requirement"] for rule in rules}


def test_every_rollback_has_a_rule_and_every_rule_an_alert():
    assert handbook.problems(handbook.load_rules(), REQUIREMENTS, alerts()) == []


def test_commands_of_rules_are_there():
    commands = {rule.command for rule in handbook.load_rules()}
    assert commands == {"school rollback", f"python -m {challenger.__name__} MONTH"}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("R3", "Weak", "always", "rollback"), "R2 has a rollback, and no rule says when."),
        (Rule("R99", "Weak", "always", "rollback"), "R99 is no requirement."),
        (Rule("R3", "Weak", "always", "panic"), "R3: 'panic' is none of rollback, retrain,"),
        (Rule("R3", "Quiet", "always", "rollback"), "R3: no alert of it is called Quiet."),
        (Rule("R2", "Weak", "always", "rollback"), "R2: no alert of it is called Weak."),
        (Rule("R3", "Weak", " ", "rollback"), "R3: nothing says when the rule holds."),
    ],
)
def test_what_is_wrong_with_rules_is_named(rule, words):
    found = handbook.problems([rule], REQUIREMENTS, {"Weak": "R3"})
    assert [one for one in found if one.startswith(words)]


@pytest.mark.parametrize("text", [None, "rule = 3", "[[rule]]\nrequirement = 'R1'", "[["])
def test_rules_that_cannot_be_read(tmp_path, text):
    path = tmp_path / "rollback.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match="requirement, alert, when, action, command"):
        handbook.load_rules(path)


def test_the_runbook_has_a_whole_section_for_each_alert():
    sections = handbook.sections()
    assert list(sections) == [id_ for id_, one in REQUIREMENTS.items() if one.alert]
    for text in sections.values():
        assert re.findall(r"^\*\*(.+?)\.\*\*", text, flags=re.MULTILINE) == [
            "What it means", "What to look at", "What to do", "When to roll back", "Who to tell"
        ]  # fmt: skip


def test_a_page_with_holes_is_not_written(tmp_path):
    place = tmp_path / "new" / "page.md"
    with pytest.raises(CourseError, match=r"postmortem.md is not filled: it lacks .*cause"):
        handbook.fill("postmortem.md", {"title": "x", "cause": " "}, place)
    assert not place.exists()
    text = handbook.fill("retirement.md", {"release": "2"}, place)
    assert place.read_text(encoding="utf-8") == text
    assert "Retiring a release: 2" in text
    assert "{" not in text


# ---- the DAG, which runs in the environment of a lab


def test_the_dag_calls_functions_that_exist():
    tree = ast.parse(DAG.read_text(encoding="utf-8"))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "challenger"
    }
    assert used == {"reasons", "train", "follows", "promote"}
    assert all(callable(getattr(challenger, name)) for name in used)


def test_the_branches_of_the_dag_lead_to_its_tasks():
    (dag,) = (
        node for node in ast.walk(ast.parse(DAG.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name == "delay_retraining"
    )  # fmt: skip
    tasks = {node.name: node for node in dag.body if isinstance(node, ast.FunctionDef)}
    branches = {
        name: {value.value for value in ast.walk(node) if isinstance(value, ast.Constant)}
        for name, node in tasks.items()
        if any(ast.unparse(one) == "task.branch" for one in node.decorator_list)
    }
    assert branches == {
        "check_drift": {"train_challenger", "keep_champion"},
        "compare": {"promote", "stop"},
    }
    assert set().union(*branches.values()) <= set(tasks)

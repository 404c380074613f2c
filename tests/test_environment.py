"""conda and Binder get what the lock says, and Binder's files are what it would use.

No image is built: repo2docker prints the Dockerfile that it would build from.
"""

import os
import shutil
import subprocess
import sys

import pytest
import yaml

from mlops_school.authoring import environment
from mlops_school.errors import CourseError
from mlops_school.launch import SETTINGS
from mlops_school.paths import ROOT

BINDER = ROOT / "binder"
posix = pytest.mark.skipif(sys.platform == "win32", reason="Binder's machines run Linux")


@pytest.fixture(scope="module")
def from_lock() -> str:
    return environment.environment()


@pytest.mark.parametrize("file", environment.FILES, ids=["conda", "binder"])
def test_environment_is_what_the_lock_gives(file, from_lock):
    assert file.read_text(encoding="utf-8") == from_lock, (
        "Run: uv run python -m mlops_school.authoring.environment"
    )


def test_environment_pins_a_learners_packages_and_no_others(from_lock):
    content = yaml.safe_load(from_lock)
    python, pip, packages = content["dependencies"]
    assert content["name"] == "mlops-school"
    assert (python, pip) == ("python=3.12.*", "pip")
    names = {package.partition("==")[0] for package in packages["pip"]}
    assert {"jupyterlab", "mlflow", "pandas", "scikit-learn"} <= names
    assert not {"mlops-school", "jupytext", "playwright", "ruff"} & names
    assert all("==" in package for package in packages["pip"])


def test_a_lock_that_cannot_be_read_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    with pytest.raises(CourseError, match="could not export the lock"):
        environment.environment()


def test_no_uv_is_a_sentence(monkeypatch):
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CourseError, match="not on the PATH"):
        environment.environment()


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the Dockerfile that repo2docker would build the course from."""
    course = tmp_path_factory.mktemp("course")
    shutil.copytree(BINDER, course / "binder")
    shutil.copy(ROOT / "environment.yml", course)
    answer = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(course)],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return answer.stdout + answer.stderr


@posix
@pytest.mark.parametrize(
    "line",
    [
        "Building conda environment for python=3.12",
        "COPY --chown=0:0 src/binder/environment.yml ${REPO_DIR}/binder/environment.yml",
        "apt-get install --yes --no-install-recommends git prometheus",
        'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"',
        "RUN ./binder/postBuild",
        'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"',
    ],
)
def test_binder_would_use(dockerfile, line):
    assert line in dockerfile


@posix
def test_a_commit_does_not_install_everything_again(dockerfile):
    """What is before the copy of the sources is cached when only they change."""
    packages = dockerfile.index('--file "binder/environment.yml"')
    assert packages < dockerfile.index("COPY --chown=0:0 src/ ${REPO_DIR}/")


@posix
@pytest.mark.parametrize("script", [BINDER / "postBuild", BINDER / "start", ROOT / ".ci" / "run"])
def test_scripts_can_be_run(script):
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


@posix
def test_start_caps_threads_and_gives_jupyter_the_settings():
    answer = subprocess.run(
        ["bash", BINDER / "start", "env"],
        env={"PATH": os.environ["PATH"], "REPO_DIR": str(ROOT), "MKL_NUM_THREADS": "2"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    variables = dict(line.split("=", 1) for line in answer.stdout.splitlines())
    assert variables["OMP_NUM_THREADS"] == "1"
    assert variables["MKL_NUM_THREADS"] == "2"  # set by someone else
    assert variables["JUPYTER_CONFIG_PATH"] == str(SETTINGS)

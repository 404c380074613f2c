"""The files for a JupyterHub agree with each other, with the lock, and with their tools."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from mlops_school import hub
from mlops_school.authoring import hub_class
from mlops_school.authoring.hub_class import Attendance, Learner
from mlops_school.cli import main
from mlops_school.errors import CourseError
from mlops_school.hub import HUB
from mlops_school.launch import SETTINGS
from mlops_school.manifest import find_lessons, load_manifest
from mlops_school.paths import NOTEBOOKS, ROOT

posix = pytest.mark.skipif(sys.platform == "win32", reason="hubs run Linux or macOS")
DOCKERFILE = (HUB / "Dockerfile").read_text(encoding="utf-8")
README = (HUB / "README.md").read_text(encoding="utf-8")
CHART = yaml.safe_load((HUB / "kubernetes" / "values.yaml").read_text(encoding="utf-8"))
LITTLEST = yaml.safe_load((HUB / "tljh" / "config.yaml").read_text(encoding="utf-8"))


def settings() -> dict:
    """Return what ``learners.py`` sets, by class and name."""

    class Section(dict):
        __getattr__ = dict.__getitem__
        __setattr__ = dict.__setitem__

    sections = Section(Spawner=Section(), SystemdSpawner=Section())
    file = HUB / "learners.py"
    code = compile(file.read_text(encoding="utf-8"), file, "exec")
    exec(code, {"get_config": lambda: sections, "__file__": str(file)})
    return sections


# ---- limits and pages


def test_limits_are_the_same_everywhere():
    user = CHART["singleuser"]
    assert user["memory"]["limit"] == LITTLEST["limits"]["memory"] == "2G"
    assert user["cpu"]["limit"] == LITTLEST["limits"]["cpu"]
    assert user["memory"]["guarantee"] == "1G"
    assert user["cpu"]["guarantee"] < user["cpu"]["limit"]
    assert f"{user['memory']['guarantee'][:-1]} GB guaranteed, 2 GB at most" in README


def test_idle_servers_end_after_the_same_time():
    cull = LITTLEST["services"]["cull"]
    assert cull == {name: CHART["cull"][name] for name in ("enabled", "timeout", "every")}
    assert cull["timeout"] >= 3600  # a lesson is read, too


def test_learners_begin_on_the_start_page():
    page = f"/lab/tree/mlops-school/notebooks/{load_manifest()[0].notebook.name}"
    assert CHART["singleuser"]["defaultUrl"] == page
    assert settings()["Spawner"]["default_url"] == page


def test_a_class_has_time_to_start():
    assert settings()["Spawner"]["start_timeout"] == CHART["singleuser"]["startTimeout"]


def test_learners_reach_nothing_outside():
    policy = CHART["singleuser"]["networkPolicy"]
    assert policy["enabled"]
    allowed = policy["egressAllowRules"]
    assert {"nonPrivateIPs", "privateIPs", "cloudMetadataServer"} <= set(allowed)
    assert not any(allowed.values())


def test_no_chart_setting_is_misspelt():
    """The names that the chart's own schema knows, of those that are used here."""
    known = {
        "hub": {"config"},
        "proxy": {"https"},
        "singleuser": {
            "image", "defaultUrl", "memory", "cpu", "storage", "startTimeout", "networkPolicy",
        },
        "prePuller": {"hook", "continuous"},
        "scheduling": {"userScheduler"},
        "cull": {"enabled", "timeout", "every"},
    }  # fmt: skip
    assert {name: set(part) for name, part in CHART.items()} == known


def test_what_must_be_filled_in_is_in_capitals_and_nothing_is_secret():
    for file in HUB.rglob("*"):
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            assert "/home/" not in text.replace("/home/jupyter-", "").replace("/home/jovyan", "")
            assert not re.search(r"(password|secret|token)\w*\s*[:=]\s*[\"'][^\"'{]+", text, re.I)
    hosts = CHART["proxy"]["https"]["hosts"]
    users = CHART["hub"]["config"]["Authenticator"]["allowed_users"]
    assert all(one.isupper() for one in [*hosts, *users])
    assert CHART["singleuser"]["image"]["name"].startswith("REGISTRY/")


# ---- the image


def test_hadolint_finds_nothing_in_the_dockerfile():
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if not hadolint and sys.platform == "win32":
        pytest.skip("hadolint has no package for Windows")
    checked = subprocess.run([hadolint, HUB / "Dockerfile"], capture_output=True, encoding="utf-8")
    assert (checked.returncode, checked.stdout) == (0, "")


def test_the_image_has_the_locked_environment_and_the_packages_of_binder():
    bootstrap = (ROOT / "utils" / "bootstrap.py").read_text(encoding="utf-8")
    uv = re.search(r'^UV = "(.+)"', bootstrap, re.M)[1]
    assert f"pip install --no-cache-dir uv=={uv}\n" in DOCKERFILE
    assert "uv sync --frozen --no-dev --group classroom" in DOCKERFILE
    wanted = (ROOT / "binder" / "apt.txt").read_text(encoding="utf-8").split()
    assert f"install --yes --no-install-recommends {' '.join(wanted)} " in DOCKERFILE
    binder = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text(encoding="utf-8"))
    python = re.search(r"FROM python:(\d+\.\d+)", DOCKERFILE)[1]
    assert f"python={python}.*" in binder["dependencies"]


def test_the_image_starts_what_is_there():
    entry = re.search(r'^ENTRYPOINT \["/srv/mlops-school/(.+)"\]$', DOCKERFILE, re.M)[1]
    assert (ROOT / entry).exists()
    seen = (HUB / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    # Whatever can be made again stays outside; the history, from which learners copy, does not.
    assert {".venv", ".uv", ".labs", "build", "workspace"} <= set(seen)
    assert ".git" not in seen


# ---- how a server starts


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a command as a learner's server; gitpuller may be missing."""
    home = tmp_path / "home of ada"
    home.mkdir()

    def run(*command, gitpuller="exit 1", **variables):
        programs = tmp_path / "bin"
        programs.mkdir(exist_ok=True)
        program = programs / "gitpuller"
        program.write_text(f"#!/bin/sh\n{gitpuller}\n", encoding="utf-8")
        program.chmod(0o755)
        path = os.pathsep.join([str(programs), os.environ["PATH"]])
        # A server removes its runtime folder itself; these programs do not.
        tidy = ["sh", "-c", 'trap "rmdir $JUPYTER_RUNTIME_DIR" EXIT; "$@"', "sh"]
        return subprocess.run(
            [HUB / "start", *tidy, *command],
            env={"HOME": str(home), "PATH": path} | variables,
            capture_output=True,
            encoding="utf-8",
        )

    return run, home


@posix
def test_a_server_starts_at_home_with_the_settings_of_the_course(start):
    run, home = start
    show = 'env; test "$(ls -ld $JUPYTER_RUNTIME_DIR | cut -c 1-10)" = drwx------'
    given = {"JUPYTER_CONFIG_PATH": "mine", "MKL_NUM_THREADS": "2"}
    answer = run("sh", "-c", show, gitpuller='mkdir "$3"', **given)
    assert answer.returncode == 0  # nobody else may look into the folder
    variables = dict(line.split("=", 1) for line in answer.stdout.splitlines())
    assert variables["PWD"] == str(home)
    assert variables["SCHOOL_WORKSPACE"] == str(home / "mlops-school" / "workspace")
    assert variables["JUPYTER_CONFIG_PATH"] == f"{HUB / 'jupyter'}:{SETTINGS}:mine"
    runtime = Path(variables["JUPYTER_RUNTIME_DIR"])
    assert len(f"{runtime}/kernel-{uuid4()}-ipc-5") < 100  # or the system refuses it
    assert (variables["OMP_NUM_THREADS"], variables["MKL_NUM_THREADS"]) == ("1", "2")
    assert variables["JUPYTER_PREFER_ENV_PATH"] == "1"


@posix
def test_nbgitpuller_is_asked_for_the_branch_of_the_shared_course(start):
    run, home = start
    answer = run("true", gitpuller='mkdir "$3"; echo "$1|$2|$3"')
    branch = subprocess.check_output(
        ["git", "-C", ROOT, "branch", "--show-current"], encoding="utf-8"
    ).strip()
    assert answer.stdout.strip() == f"file://{ROOT}|{branch}|{home / 'mlops-school'}"


@posix
def test_without_nbgitpuller_notebooks_are_copied_and_never_replaced(start):
    run, home = start
    first, second = sorted(NOTEBOOKS.glob("*.ipynb"))[:2]
    assert run("true").returncode == 0
    mine = home / "mlops-school" / "notebooks"
    (mine / first.name).write_text("my work", encoding="utf-8")
    (mine / second.name).unlink()
    assert run("true").returncode == 0
    assert (mine / first.name).read_text(encoding="utf-8") == "my work"
    assert (mine / second.name).read_bytes() == second.read_bytes()


@posix
def test_a_server_that_fails_says_so(start):
    run, _ = start
    assert run("sh", "-c", "exit 3").returncode == 3


@posix
def test_the_settings_run_what_is_there():
    program, command = settings()["Spawner"]["cmd"]
    assert (program, command) == (str(HUB / "start"), "jupyterhub-singleuser")
    assert os.access(program, os.X_OK)
    assert settings()["SystemdSpawner"]["extra_paths"] == [str(ROOT / ".venv" / "bin")]


# ---- the hub on this computer


def test_a_machine_that_cannot_run_a_hub_says_so(monkeypatch, capsys):
    monkeypatch.setattr(hub.os, "name", "nt")
    with pytest.raises(CourseError, match="does not run on Windows"):
        hub.require_machine()


@posix
def test_missing_programs_are_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CourseError, match="needs node and bash and git"):
        hub.require_machine()


@posix
@pytest.mark.parametrize(("version", "fits"), [("v18.19.1", False), ("", False), ("v22.1.0", True)])
def test_an_old_node_is_told(monkeypatch, tmp_path, version, fits):
    for name in ("node", "bash", "git"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    if fits:
        hub.require_machine()
    else:
        with pytest.raises(CourseError, match=f"Node.js 20 or later, and .* has {version}"):
            hub.require_machine()


@posix
def test_school_hub_becomes_the_hub(monkeypatch, tmp_path, capsys):
    begun = []
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(tmp_path / "work"))
    monkeypatch.setattr(hub, "require_machine", lambda: None)
    monkeypatch.setattr(hub.Environment, "install", lambda self: None)
    monkeypatch.setattr(hub.os, "execve", lambda *words: begun.append(words))
    monkeypatch.chdir(tmp_path)
    assert main(["hub"]) == 0
    assert main(["hub"]) == 0
    (program, command, variables), (_, _, later) = begun
    assert program == hub.environment().python
    assert command[1:3] == ["-m", "jupyterhub"]
    assert len(set(variables["SCHOOL_HUB_PORTS"].split())) == 3
    assert variables["SCHOOL_HUB_PASSWORD"] != later["SCHOOL_HUB_PASSWORD"]
    assert len(variables["SCHOOL_HUB_PASSWORD"]) >= 8  # JupyterHub demands it
    printed = capsys.readouterr().out
    assert variables["SCHOOL_HUB_PASSWORD"] in printed
    assert "limits nobody's memory" in printed


# ---- the report


def test_the_report_has_a_row_for_each_lesson():
    lesson, other = find_lessons()[:2]
    class_ = [
        Learner(f"learner-{number}", ready=10.0 + number, idle=100.0, active=300.0 + number)
        for number in range(3)
    ]
    text = hub_class.report(
        [
            Attendance(lesson, class_, 1.2, 33.3, 150.0),
            Attendance(other, class_[:1], 0.0, 5.0, 140.0),
        ]
    )
    assert f"| {lesson.id} | 3 | 1 | 12 | 33 | 100 | 301 | 302 | 903 | 150 |" in text
    assert f"| {other.id} | 1 | 0 | 10 | 5 | 100 | 300 | 300 | 300 | 140 |" in text


def test_what_was_measured_is_what_the_readme_says():
    measured = (HUB / "measured.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d\d_\w+) \| (\d+) \|(?: \d+ \|){4} (\d+) \|", measured, re.M)
    assert [row[0] for row in rows] == [hub_class.LIGHT, hub_class.HEAVY]
    for _, _, megabytes in rows:
        assert f"{megabytes} MB" in README


def test_links_of_the_readme_lead_somewhere():
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", README)
    assert targets
    assert [target for target in targets if not (HUB / target).exists()] == []


def test_commands_of_the_readme_name_what_is_there():
    for path in re.findall(r"/srv/mlops-school/((?:course|utils)/[\w./]+)", README):
        assert Path(ROOT / path).exists(), path

"""A class of learners on a real hub: `make test-classroom`. The first time installs the hub.

The environment variable SCHOOL_CLASS_SIZE says how many learners log in at once; without it, 30.
"""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from mlops_school import hub as hubs
from mlops_school.authoring import hub_class
from mlops_school.authoring.hub_class import Hub, Learner, attend, browser, new_session
from mlops_school.errors import CourseError
from mlops_school.manifest import find_lessons
from mlops_school.paths import COURSE, NOTEBOOKS, ROOT
from mlops_school.solutions import read_solutions

SIZE = int(os.environ.get("SCHOOL_CLASS_SIZE", "30"))
PAGE = "lab/tree/mlops-school/notebooks/00_start_here.ipynb"
BRANCH = subprocess.run(
    ["git", "-C", ROOT, "branch", "--show-current"], capture_output=True, encoding="utf-8"
).stdout.strip()
TEMPORARY = Path("/tmp")
IN_CI = bool(os.environ.get("CI"))

pytestmark = [
    pytest.mark.classroom,
    pytest.mark.xdist_group("hub"),  # one hub at a time
    pytest.mark.skipif(os.name == "nt", reason="JupyterHub does not run on Windows"),
    pytest.mark.skipif(not (shutil.which("npm") or IN_CI), reason="there is no npm here"),
]

(LESSON,) = find_lessons([hub_class.LIGHT])
EXERCISES = list(read_solutions(LESSON.source))


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with Hub(tmp_path_factory.mktemp("class")) as started:
        yield started


@pytest.fixture(scope="module")
def attendance(hub):
    return attend(hub, LESSON, SIZE)


def test_the_report_says_what_the_class_needs(attendance, capsys):
    text = hub_class.report([attendance])
    with capsys.disabled():
        print("", *[line for line in text.splitlines() if line.startswith("|")], sep="\n")
    assert f"| {LESSON.id} | {SIZE} |" in text
    for learner in attendance.learners:
        # A kernel with pandas is there, beside the server.
        assert 50 < learner.idle < learner.active - 50
        assert learner.ready > 0
    assert attendance.hub > 50


def test_everyone_opens_the_start_page(attendance):
    assert {one.page for one in attendance.learners} == {
        f"/user/{one.name}/{PAGE}" for one in attendance.learners
    }


def test_everyones_own_work_is_there_and_nobody_elses(attendance):
    assert len(attendance.learners) == SIZE
    sentences = {one.name: one.sentence for one in attendance.learners}
    for one in attendance.learners:
        text = json.dumps(one.notebook)
        assert [name for name, sentence in sentences.items() if sentence in text] == [one.name]
        solved = one.progress["tasks"].get(LESSON.id, {})
        assert {name for name, task in solved.items() if task["solved"]} == set(one.solves)
        assert one.home == ["mlops-school"]
    if SIZE > 1:  # or the test above could not tell them apart
        assert len({one.solves for one in attendance.learners}) > 1


def test_everyones_cells_have_run(attendance):
    for one in attendance.learners:
        code = [cell for cell in one.notebook.cells if cell.cell_type == "code"]
        assert all(cell.execution_count for cell in code)
        outputs = {cell.id: str(cell.outputs) for cell in code}
        for exercise in EXERCISES:
            assert ("Correct" in outputs[exercise]) == (exercise in one.solves)


@pytest.mark.skipif(SIZE < 2, reason="nobody has a neighbour")
def test_a_neighbours_server_is_closed(attendance):
    assert {one.refused for one in attendance.learners} == {403}


def test_all_servers_have_been_stopped(hub, attendance):
    assert [name for name in hub_class.memory(hub) if name] == []


def test_work_is_there_when_the_learner_comes_back(hub, attendance):
    learner = attendance.learners[0]

    async def come_back():
        async with new_session() as session:
            own = browser(hub, session, learner.name)
            await own.log_in()
            await own.start_server()
            notebook = await own.read(hub_class.path_of(LESSON))
            other = await own.read(hub_class.path_of(LESSON).replace("00_start_here", "02_sdlc"))
            await own.stop_server()
            return notebook, other

    notebook, other = asyncio.run(come_back())
    assert learner.sentence in notebook["cells"][0]["source"]
    stored = (NOTEBOOKS / "02_sdlc.ipynb").read_text(encoding="utf-8")
    assert [cell["id"] for cell in other["cells"]] == [
        cell["id"] for cell in json.loads(stored)["cells"]
    ]


@pytest.mark.skipif(not BRANCH, reason="no branch is checked out, from which one could pull")
def test_a_link_brings_the_course(hub):
    """The link of the guide, for a course whose folder has another name here."""
    query = f"git-pull?repo=file%3A%2F%2F{quote(str(ROOT), safe='')}&targetPath=mlops-school"
    steps = query.replace("git-pull?", "git-pull/api?").replace("targetPath", "targetpath")

    async def follow():
        async with new_session() as session:
            own = browser(hub, session, "ada")
            await own.log_in()
            await own.start_server()
            page = await own.get(f"hub/user-redirect/{query}&urlpath=lab%2Ftree%2F{LESSON.id}")
            events = await own.get(f"user/ada/{steps}")
            await own.stop_server()
            return page, events

    page, events = asyncio.run(follow())
    assert f"lab/tree/{LESSON.id}" in page
    assert json.loads(events.strip().rpartition("data: ")[2]) == {"phase": "finished"}


def test_a_wrong_password_opens_nothing(hub):
    async def try_it():
        async with new_session() as session:
            own = hub_class.Browser(session, hub.address, "mallory", "a guess")
            with pytest.raises(CourseError, match="did not let mallory in"):
                await own.log_in()

    asyncio.run(try_it())


def test_nothing_listens_for_other_computers(hub):
    ports = [
        connection.laddr
        for process in hub.processes()
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(ports) >= 3
    assert {address.ip for address in ports} == {"127.0.0.1"}


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_no_process_outlives_the_hub(tmp_path, end):
    """Whether it is asked to end, or killed and can say nothing."""

    async def work(hub):
        async with new_session() as session:
            own = browser(hub, session, "ada")
            await hub_class.arrive(Learner("ada"), own)
            notebook = hub_class.solved_notebook(LESSON)
            notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"][:1]
            await own.execute(hub_class.path_of(LESSON), notebook)

    before = {*TEMPORARY.glob("school.*")}
    with Hub(tmp_path) as started:
        asyncio.run(work(started))
        processes = started.processes()
        assert len({*TEMPORARY.glob("school.*")} - before) == 1
        commands = " ".join(" ".join(one.cmdline()) for one in processes)
        for part in ("jupyterhub", "configurable-http-proxy", "hub_server", "ipykernel_launcher"):
            assert part in commands
        if end == "kill":
            started.process.kill()
            started.process.wait()
        else:
            started.stop()
            assert started.process.returncode == 0
    _, alive = psutil.wait_procs(processes, timeout=90)
    assert [one.cmdline() for one in alive] == []
    assert {*TEMPORARY.glob("school.*")} <= before


# What a configuration file sets, checked against the classes of the real JupyterHub: a misspelt
# name would be ignored.
CHECK = """\
import importlib, json, sys
from traitlets.config import Config, PyFileConfigLoader
from jupyterhub.app import JupyterHub
from jupyterhub.authenticators.shared import SharedPasswordAuthenticator
from jupyterhub.auth import Authenticator
from jupyterhub.proxy import ConfigurableHTTPProxy
from jupyterhub.spawner import SimpleLocalProcessSpawner, Spawner

given = PyFileConfigLoader(sys.argv[1]).load_config()
known = [JupyterHub, SharedPasswordAuthenticator, Authenticator, ConfigurableHTTPProxy, Spawner,
         SimpleLocalProcessSpawner]
unknown = []
for owner in known:
    for name in given.pop(owner.__name__, {}):
        if name not in owner.class_trait_names(config=True):
            unknown.append(f"{owner.__name__}.{name}")
print(json.dumps([unknown, sorted(given)]))
"""


@pytest.mark.parametrize("name", ["learners.py", "jupyterhub_config.py"])
def test_jupyterhub_knows_every_setting(name, tmp_path):
    own = hubs.environment()
    own.install()
    variables = {"SCHOOL_HUB_FOLDER": str(tmp_path), "SCHOOL_HUB_PORTS": "1 2 3"}
    variables |= {"SCHOOL_HUB_PROXY": "proxy", "SCHOOL_HUB_PASSWORD": "a long one"}
    answer = subprocess.run(
        [own.python, "-c", CHECK, COURSE / "hub" / name],
        env=os.environ | variables,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    unknown, others = json.loads(answer.stdout)
    assert unknown == []
    assert others == ["SystemdSpawner"]  # of The Littlest JupyterHub, which is not here

"""The files for containers are what their tools demand, and the service in them can start."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mlops_school import containers, servers
from mlops_school.containers import PATHS, simulate_probes
from mlops_school.errors import CourseError
from mlops_school.model_package import ModelPackage
from mlops_school.servers import Server
from mlops_school.training import make_boosting

TOOLS = Path(sys.executable).parent
IMAGE = dict(line.split("==") for line in containers.pinned())


def tool(name, *arguments):
    path = shutil.which(name, path=str(TOOLS))
    if path is None and os.name == "nt":
        pytest.skip(f"{name} has no package for Windows")
    assert path, f"{name} is missing: run `uv sync --frozen`"
    return subprocess.run([path, *arguments], capture_output=True, text=True)


@pytest.mark.parametrize("name", containers.files())
def test_what_is_stored_is_what_is_generated(name):
    stored = (containers.FOLDER / name).read_text(encoding="utf-8")
    assert stored == containers.files()[name], "run `python -m mlops_school.containers`"


def test_nothing_else_is_stored():
    assert {path.name for path in containers.FOLDER.iterdir()} == set(containers.files())


# ---- the Dockerfile


def test_hadolint_finds_nothing_in_the_dockerfile():
    checked = tool("hadolint", str(containers.FOLDER / "Dockerfile"))
    assert (checked.returncode, checked.stdout) == (0, "")


def test_hadolint_would_find_something(tmp_path):
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python\nRUN pip install pandas\n", encoding="utf-8")
    assert tool("hadolint", str(bad)).returncode


def test_what_is_copied_is_there_and_not_ignored():
    copied = [
        line.split()[1] for line in containers.DOCKERFILE.splitlines() if line.startswith("COPY")
    ]
    seen = [line[1:] for line in containers.DOCKERIGNORE.splitlines() if line.startswith("!")]
    assert sorted(copied) == sorted(seen)
    for name in set(copied) - {"release"}:
        assert (containers.ROOT / name).exists()


# A Python that has only what the image has: other packages of this environment cannot be imported.
ONLY_IMAGE = """\
import sys
from importlib.metadata import packages_distributions

image = set({image})
found = packages_distributions()

class Others:
    def find_spec(self, name, path=None, target=None):
        owners = {{one.lower().replace("_", "-") for one in found.get(name.partition(".")[0], ())}}
        if owners and not owners & image and "mlops-school" not in owners:
            raise ModuleNotFoundError(f"No module named {{name!r}} in the image", name=name)

sys.meta_path.insert(0, Others())
import uvicorn
uvicorn.run("mlops_school.containers:application", factory=True, port=int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """Return the folder of a small model."""
    from mlops_school.features import FEATURES, TARGET, load_examples

    month = load_examples([1]).sample(3000, random_state=0)
    model = make_boosting(max_iter=3).fit(month[FEATURES], month[TARGET])
    package = ModelPackage("7", model, 0.3, (1,), {})
    return package.write(tmp_path_factory.mktemp("release"))


def test_the_service_starts_and_forecasts_with_the_packages_of_the_image(release):
    program = ONLY_IMAGE.format(image=list(IMAGE))
    with Server(
        [sys.executable, "-c", program, "{port}"], env={"MODEL_PACKAGE": str(release)}
    ) as server:
        status, text = servers.get(f"{server.address}/health")
        assert (status, json.loads(text)["release"]) == (200, "7")
        flight = {"carrier": "UA", "origin": "EWR", "dest": "ORD"}
        flight["departure"] = "2013-07-01T17:30:00-04:00"
        request = servers.opener.open
        from urllib.request import Request

        body = json.dumps(flight).encode()
        headers = {"Content-Type": "application/json"}
        with request(Request(f"{server.address}/forecast", body, headers), timeout=10) as answer:
            assert json.load(answer)["release"] == "7"


def test_versions_are_those_of_the_course():
    from importlib.metadata import version

    assert {"fastapi", "pandas", "scikit-learn", "skops", "uvicorn"} <= set(IMAGE)
    assert not {"jupyterlab", "mlflow", "matplotlib", "colorama"} & set(IMAGE)
    for name in ("fastapi", "pandas", "skops", "uvicorn"):
        assert IMAGE[name] == version(name)


# ---- the manifests


@pytest.mark.parametrize("name", containers.manifests())
def test_kubernetes_takes_the_manifest(name):
    checked = tool("kubernetes-validate", "--strict", str(containers.FOLDER / name))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_kubernetes_would_refuse_a_misspelt_field(tmp_path):
    deployment = containers.manifests()["deployment.yaml"]
    deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailabel"] = 0
    bad = tmp_path / "bad.yaml"
    bad.write_text(containers.to_yaml(deployment), encoding="utf-8")
    assert tool("kubernetes-validate", "--strict", str(bad)).returncode


def test_the_manifests_belong_together():
    parts = {
        name: yaml.safe_load(text) for name, text in containers.files().items() if "yaml" in name
    }
    pod = parts["deployment.yaml"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    labels = pod["metadata"]["labels"]
    for selector in (
        parts["deployment.yaml"]["spec"]["selector"]["matchLabels"],
        parts["service.yaml"]["spec"]["selector"],
        parts["budget.yaml"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector == labels
    ports = {one["name"] for one in container["ports"]}
    assert parts["service.yaml"]["spec"]["ports"][0]["targetPort"] in ports
    for kind in ("startup", "readiness", "liveness"):
        assert container[f"{kind}Probe"]["httpGet"] == {"path": "/health", "port": "http"}
    target = parts["autoscaler.yaml"]["spec"]["scaleTargetRef"]
    assert target["name"] == parts["deployment.yaml"]["metadata"]["name"]
    assert "cpu" in container["resources"]["requests"]  # else the autoscaler knows no utilization
    assert "replicas" not in parts["deployment.yaml"]["spec"]  # it is the autoscaler's
    asleep = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert asleep < pod["spec"]["terminationGracePeriodSeconds"]


# ---- probes


@pytest.mark.parametrize("readiness", ["/alive", "/health"])
def test_a_liveness_probe_that_asks_for_the_weather_starts_all_again(readiness):
    went = simulate_probes("/deep", readiness)
    assert (went["running"] == 0).any()
    assert went["restarts"].iloc[-1] > 6
    assert went["answered"].sum() < len(went) - 12


def test_a_readiness_probe_that_asks_for_the_weather_sends_requests_nowhere():
    went = simulate_probes("/alive", "/deep")
    away = went["minute"].between(5, 10, inclusive="left")
    assert (went["answered"][away] == 0).all()
    assert (went["answered"][~away] == 1).all()


def test_without_a_liveness_probe_a_replica_hangs_for_ever():
    went = simulate_probes(None, "/health")
    assert went["running"].iloc[-1] == 2
    assert went["restarts"].iloc[-1] == 0


def test_the_right_probes_lose_nothing_and_start_one_again():
    went = simulate_probes("/alive", "/health")
    assert (went["answered"] == 1).all()
    assert (went["restarts"].iloc[-1], went["running"].iloc[-1]) == (1, 3)


def test_a_replica_without_its_model_must_not_be_asked():
    assert simulate_probes("/alive", "/alive")["answered"].min() < 1


def test_a_path_that_is_not_there_is_told():
    for probes in [("/nothing", "/health"), ("/alive", "/nothing")]:
        with pytest.raises(CourseError, match="no path '/nothing'"):
            simulate_probes(*probes)
    assert list(PATHS) == ["/alive", "/health", "/deep"]

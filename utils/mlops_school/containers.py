"""The delay service in a container, and what Kubernetes must know of it.

``python -m mlops_school.containers`` writes the files into ``course/deploy``. They are checked
there by hadolint and, strictly, by the schemas of Kubernetes; the course itself builds no image.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from fastapi import FastAPI
from packaging.markers import Marker

from mlops_school.errors import CourseError
from mlops_school.paths import COURSE, ROOT

FOLDER = COURSE / "deploy"
PORT = 8000
LABELS = {"app": "delay-service"}
# What the service imports. What these need in turn stands in uv.lock.
PACKAGES = (
    "fastapi", "fastapi-offline", "numpy", "pandas", "prometheus-client", "pyarrow", "pydantic",
    "pyyaml", "scikit-learn", "skops", "uvicorn",
)  # fmt: skip
_IMAGE = {"python_version": "3.12", "python_full_version": "3.12.11", "sys_platform": "linux"}
_IMAGE |= {"platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"}
_IMAGE |= {"platform_python_implementation": "CPython", "implementation_name": "cpython"}

DOCKERFILE = f"""\
# The delay service. Written by `python -m mlops_school.containers`, and checked with hadolint; the
# course has not built it. In the folder of the course, with a model package in `release`:
#     docker build -f course/deploy/Dockerfile -t delay-service:1 .
FROM python:3.12.11-slim-bookworm

# A container has no reason to run as root.
RUN useradd --system --uid 10001 --no-create-home service
WORKDIR /app

# First what seldom changes: its layer is kept when only the model is new.
COPY course/deploy/requirements.txt .
RUN pip install --no-cache-dir --no-deps -r requirements.txt

COPY utils utils
COPY course/requirements.toml course/requirements.toml
COPY course/data course/data
COPY release release

ENV PYTHONPATH=utils MODEL_PACKAGE=release OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
EXPOSE {PORT}
HEALTHCHECK --interval=10s --timeout=2s --start-period=30s --retries=3 \\
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:{PORT}/health', timeout=2)"]
# The list form: the service itself is process 1, and is told when it is to end.
CMD ["uvicorn", "--factory", "mlops_school.containers:application", "--host", "0.0.0.0", "--port", "{PORT}"]
"""  # noqa: E501
# What the build needs not see: everything but what is copied.
DOCKERIGNORE = """\
*
!course/data
!course/deploy/requirements.txt
!course/requirements.toml
!release
!utils
**/__pycache__
"""


def application() -> FastAPI:
    """Return the service for the model package that the variable ``MODEL_PACKAGE`` names."""
    from mlops_school.service.app import create_app

    return create_app(Path(os.environ["MODEL_PACKAGE"]))


def manifests() -> dict[str, dict[str, Any]]:
    """Return the Kubernetes manifests of the service, by the name of their file."""
    health = {"httpGet": {"path": "/health", "port": "http"}}
    container = {
        "name": "delay-service",
        "image": "delay-service:1",
        "ports": [{"name": "http", "containerPort": PORT}],
        "startupProbe": {**health, "periodSeconds": 2, "failureThreshold": 30},
        "readinessProbe": {**health, "periodSeconds": 5, "timeoutSeconds": 2},
        "livenessProbe": {**health, "periodSeconds": 10, "timeoutSeconds": 2},
        # Requests may still be on their way when a replica is to end: take them, then end.
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
        "resources": {
            "requests": {"cpu": "500m", "memory": "512Mi"},
            "limits": {"memory": "768Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "containers": [container],
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": 30,
    }
    deployment = {
        # No number of replicas: that is the autoscaler's, and would be reset by each change.
        "selector": {"matchLabels": LABELS},
        "strategy": {
            "type": "RollingUpdate",
            # Requirement R11: no replica ends before the one in its place is ready.
            "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
        },
        "template": {"metadata": {"labels": LABELS}, "spec": pod},
    }
    service = {"selector": LABELS, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    autoscaler = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "delay-service"},
        "minReplicas": 2,
        "maxReplicas": 20,
        "metrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": 60},
                },
            }
        ],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
    }
    budget = {"maxUnavailable": 1, "selector": {"matchLabels": LABELS}}
    kinds = {
        "deployment.yaml": ("apps/v1", "Deployment", deployment),
        "service.yaml": ("v1", "Service", service),
        "autoscaler.yaml": ("autoscaling/v2", "HorizontalPodAutoscaler", autoscaler),
        "budget.yaml": ("policy/v1", "PodDisruptionBudget", budget),
    }
    metadata = {"name": "delay-service", "labels": LABELS}
    return {
        file: {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
        for file, (version, kind, spec) in kinds.items()
    }


def pinned(lock: Path = ROOT / "uv.lock") -> list[str]:
    """Return ``name==version`` for all packages that the service needs in its image.

    Parameters
    ----------
    lock : Path
        Where uv has written the versions of the course.
    """
    content = tomllib.loads(lock.read_text(encoding="utf-8"))
    # A package that stands there twice has a version for each platform or lab.
    packages = {
        one["name"]: one for one in content["package"] if _for_image(one.get("resolution-markers"))
    }
    todo, found = list(PACKAGES), {}
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = packages[name]["version"]
            todo += [
                one["name"]
                for one in packages[name].get("dependencies", ())
                if _for_image([one["marker"]] if "marker" in one else None)
            ]
    return sorted(f"{name}=={version}" for name, version in found.items())


def files() -> dict[str, str]:
    """Return the text of each file of a deployment, by its name."""
    texts = {name: to_yaml(manifest) for name, manifest in manifests().items()}
    requirements = "".join(f"{line}\n" for line in pinned())
    return texts | {
        "Dockerfile": DOCKERFILE,
        "Dockerfile.dockerignore": DOCKERIGNORE,
        "requirements.txt": f"# From uv.lock: what the service imports.\n{requirements}",
    }


def write(folder: Path = FOLDER) -> None:
    """Write the files of a deployment into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def to_yaml(part: Mapping[str, Any]) -> str:
    """Return a manifest, or a part of one, as YAML."""

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True  # `&id001` is YAML, but nobody wants to read it

    return yaml.dump(part, Dumper=Dumper, sort_keys=False)


# ---- what a node does with the probes

PATHS = {
    "/alive": "the process answers",
    "/health": "and its model is loaded",
    "/deep": "and the weather source answers",
}
STARTING, RUNNING, HANGING, WAITING = "starting", "running", "hanging", "waiting"
_PERIOD = 10  # seconds from one probe to the next
_FAILURES = 3  # so many in a row, and a replica is started again
_LOADING = 20  # seconds from its start until a replica has its model
_BACK_OFF = (10, 20, 40, 80, 160, 300)  # seconds before it is started again, each time more


@dataclass
class _Replica:
    state: str = RUNNING
    since: int = 0  # second in which the state began
    failures: int = 0
    restarts: int = 0

    def answers(self, path: str, weather: bool) -> bool:
        if path == "/alive":
            return self.state in (STARTING, RUNNING)
        return self.state == RUNNING and (path == "/health" or weather)

    def be(self, state: str, second: int) -> None:
        self.state, self.since, self.failures = state, second, 0


def simulate_probes(
    liveness: str | None,
    readiness: str,
    minutes: int = 30,
    replicas: int = 3,
    outage: tuple[int, int] = (5, 10),
    hangs: int = 15,
) -> pd.DataFrame:
    """Simulate what a node does to replicas of the service that it probes.

    The weather source is away for a while, which the service would survive: its model takes missing
    weather. Later one replica hangs: its process is there, and answers nothing. This is a small
    stand-in for Kubernetes' kubelet, with its default limits.

    Parameters
    ----------
    liveness : str or None
        The path that must answer, or the replica is started again; None for no such probe.
    readiness : str
        The path that must answer, or the replica gets no requests.
    minutes, replicas : int
        How long, and how many.
    outage : tuple of int
        From which minute to which the weather source does not answer.
    hangs : int
        The minute in which the first replica hangs.

    Returns
    -------
    DataFrame
        Every ten seconds: the ``minute``, the share of requests ``answered``, from 0 to 1, how many
        replicas are ``running``, and the ``restarts`` so far.

    Raises
    ------
    CourseError
        If a path is none of ``PATHS``.
    """
    for path in (liveness, readiness):
        if path is not None and path not in PATHS:
            raise CourseError(f"The service has no path {path!r}; it has {', '.join(PATHS)}.")
    pods = [_Replica() for _ in range(replicas)]
    rows = []
    for second in range(0, 60 * minutes, _PERIOD):
        weather = not outage[0] <= second / 60 < outage[1]
        if second == 60 * hangs:
            pods[0].be(HANGING, second)
        for pod in pods:
            _advance(pod, second, liveness, weather)
        listed = [pod for pod in pods if pod.answers(readiness, weather)]
        good = sum(pod.state == RUNNING for pod in listed)
        answered = good / len(listed) if listed else 0.0
        running = sum(pod.state == RUNNING for pod in pods)
        rows.append((second / 60, answered, running, sum(pod.restarts for pod in pods)))
    return pd.DataFrame(rows, columns=["minute", "answered", "running", "restarts"])


def _advance(pod: _Replica, second: int, liveness: str | None, weather: bool) -> None:
    """Do what is due for a replica, and probe it."""
    waited = second - pod.since
    if pod.state == WAITING and waited >= _BACK_OFF[min(pod.restarts, len(_BACK_OFF)) - 1]:
        pod.be(STARTING, second)
    elif pod.state == STARTING and waited >= _LOADING:
        pod.be(RUNNING, second)
    if liveness is None or pod.state in (WAITING, STARTING):  # the startup probe is for these
        return
    pod.failures = 0 if pod.answers(liveness, weather) else pod.failures + 1
    if pod.failures == _FAILURES:
        pod.restarts += 1
        pod.be(WAITING, second)


def _for_image(markers: list[str] | None) -> bool:
    """Tell whether an entry of the lock is for the platform of the image."""
    return not markers or any(Marker(one).evaluate(_IMAGE | {"extra": ""}) for one in markers)


if __name__ == "__main__":
    write()

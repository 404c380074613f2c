"""What KServe's own client makes of the manifest of an inference service."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import yaml

TEXT = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: delay
spec:
  predictor:
    minReplicas: 1
    maxReplica: 3
    containers:
    - name: kserve-container
      image: registry.example.org/delay-kserve:1
      ports:
      - containerPort: 8080
      resources:
        requests: {cpu: 500m, memory: 512Mi}
        limits: {memory: 768Mi}
"""


def example() -> dict[str, Any]:
    """Return the manifest of the delay service as a colleague wrote it: one field is misspelt."""
    return yaml.safe_load(TEXT)


def read(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return what is left of a manifest when the classes of KServe's client have read it.

    Only the lab's environment has that client. It knows which fields there are, and drops all
    others without a word.

    Parameters
    ----------
    manifest : dict
        Of kind ``InferenceService``.

    Raises
    ------
    ValueError
        If a field that must be there is missing.
    """
    from kserve import models
    from kubernetes import client

    # An inference service is made of classes of both; the client looks for them in one place.
    for name in dir(models):
        if name.startswith("V1") and not hasattr(client.models, name):
            setattr(client.models, name, getattr(models, name))
    api = client.ApiClient()
    known = api.deserialize(SimpleNamespace(data=json.dumps(manifest)), "V1beta1InferenceService")
    return api.sanitize_for_serialization(known)


def lost(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of what is in one manifest and not, or not the same, in another.

    Parameters
    ----------
    before, after : dict, list or value
        Two manifests, or parts of them.
    path : str
        Where they are.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from lost(value, after.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from lost(one, other, f"{path}[{number}]")
    elif before != after:
        yield path

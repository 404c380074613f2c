"""Emulators of clouds: whatever is set on this machine, no real account is asked.

The emulators themselves are tried in the labs.
"""

import base64
import os

import pytest

from mlops_school import emulators
from mlops_school.errors import CourseError


@pytest.fixture
def started(monkeypatch):
    """Put a stand-in in the place of the server; return the commands that it was started with."""
    commands = []

    class StandIn:
        address = "http://127.0.0.1:5"

        def __init__(self, command, **settings):
            commands.append(command)
            self.variables = dict(os.environ) | settings.get("env", {})  # what the emulator gets

    monkeypatch.setattr(emulators, "Server", StandIn)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return commands


def test_nothing_of_a_real_account_is_left(started):
    real = {"AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "real", "AWS_ACCESS_KEY_ID": "real"}
    os.environ.update(real)
    server = emulators.start_aws()
    left = {key: value for key, value in os.environ.items() if key.startswith("AWS_")}
    assert left == emulators.FAKE_AWS | {"AWS_ENDPOINT_URL": server.address}
    assert os.environ["MLFLOW_S3_ENDPOINT_URL"] == server.address
    assert not set(server.variables.values()) & set(real.values())
    assert started[0][-4:] == ["-H", "127.0.0.1", "-p", "{port}"]


@pytest.fixture
def azurite(tmp_path, monkeypatch):
    """Return where Azurite's program is, in an environment that is not there."""
    monkeypatch.setattr(emulators.labs, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(emulators.shutil, "which", lambda name: f"/{name}")
    program = tmp_path / "azure" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    program.parent.mkdir(parents=True)
    program.touch()
    return program


def test_azure_is_the_emulator_too(started, azurite):
    os.environ.update({"AZURE_STORAGE_ACCESS_KEY": "real", "AZURE_CLIENT_SECRET": "real"})
    server = emulators.start_azure()
    names = {name for name in os.environ if name.startswith("AZURE_")}
    assert names == {"AZURE_STORAGE_CONNECTION_STRING"}
    pairs = os.environ["AZURE_STORAGE_CONNECTION_STRING"].strip(";").split(";")
    parts = dict(pair.split("=", 1) for pair in pairs)
    assert parts["BlobEndpoint"] == f"{server.address}/{parts['AccountName']}"
    assert base64.b64decode(parts["AccountKey"]).decode() == emulators.FAKE_AZURE_KEY
    account = f"{parts['AccountName']}:{parts['AccountKey']}"
    assert server.variables["AZURITE_ACCOUNTS"] == account
    assert "real" not in server.variables.values()
    assert started[0][:4] == ["/node", str(azurite), "--blobHost", "127.0.0.1"]
    assert "--disableTelemetry" in started[0]


@pytest.mark.parametrize("missing", ["node", "azurite"])
def test_no_azurite_is_a_sentence(started, azurite, monkeypatch, missing):
    if missing == "azurite":
        azurite.unlink()
    else:
        monkeypatch.setattr(emulators.shutil, "which", lambda name: None)
    with pytest.raises(CourseError, match="school lab azure"):
        emulators.start_azure()
    assert not started


def test_what_is_fake_says_so():
    for name, value in emulators.FAKE_AWS.items():
        assert "fake" in value or "KEY" not in name
    assert "fake" in emulators.FAKE_AZURE_KEY


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "127.0.0.1"),
        ("intranet", "intranet,127.0.0.1"),
        ("127.0.0.1,intranet", "127.0.0.1,intranet"),
    ],
)
def test_a_proxy_is_not_asked_for_this_computer(started, before, after):
    os.environ["NO_PROXY"] = before
    emulators.start_aws()
    assert os.environ["NO_PROXY"] == after

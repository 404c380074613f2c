"""Emulators of clouds: whatever is set on this machine, no real account is asked.

The emulators themselves are tried in the labs.
"""

import os

import pytest

from mlops_school import emulators


@pytest.fixture
def started(monkeypatch):
    """Put a stand-in in the place of the server; return the commands that it was started with."""
    commands = []

    class StandIn:
        address = "http://127.0.0.1:5"

        def __init__(self, command, **settings):
            commands.append(command)
            self.variables = dict(os.environ)  # as the emulator would get them

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


def test_what_is_fake_says_so():
    for name, value in emulators.FAKE_AWS.items():
        assert "fake" in value or "KEY" not in name


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

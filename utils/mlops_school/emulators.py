"""Emulators of clouds: programs on this computer that answer like a cloud, without an account."""

import os
import sys

from mlops_school.servers import Server

# Anything will do: the emulator asks for no real ones. These say what they are.
FAKE_AWS = {
    "AWS_ACCESS_KEY_ID": "fake-id-for-the-emulator",
    "AWS_SECRET_ACCESS_KEY": "fake-secret-for-the-emulator",
    "AWS_DEFAULT_REGION": "us-east-1",
    # A real account of the learner must never be used, nor asked for in the network.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def start_aws() -> Server:
    """Start moto's server, and let all programs that this process starts take it for AWS.

    All that this process knew of a real account is removed from its environment. What the emulator
    keeps is in its memory, so each one begins empty, and its data end with it.

    Raises
    ------
    CourseError
        If it does not start.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(FAKE_AWS)
    _never_through_a_proxy()
    arguments = ["-m", "moto.server", "-H", "127.0.0.1", "-p", "{port}"]
    server = Server([sys.executable, *arguments], health="/moto-api/")
    os.environ["AWS_ENDPOINT_URL"] = os.environ["MLFLOW_S3_ENDPOINT_URL"] = server.address
    return server


def _never_through_a_proxy() -> None:
    """Let clients reach this computer without the proxy that it may have for the internet."""
    for name in ("NO_PROXY", "no_proxy"):
        others = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*others, "127.0.0.1"]))

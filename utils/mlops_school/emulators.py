"""Emulators of clouds: programs on this computer that answer like a cloud, without an account."""

import base64
import os
import shutil
import sys

from mlops_school import labs
from mlops_school.errors import CourseError
from mlops_school.manifest import find_lab
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

AZURE_ACCOUNT = "devstoreaccount1"  # as Azurite calls its account
FAKE_AZURE_KEY = "fake key for the emulator"


def start_aws() -> Server:
    """Start moto's server, and let all programs that this process starts take it for AWS.

    All that this process knew of a real account is removed from its environment. What the emulator
    keeps is in its memory, so each one begins empty, and its data end with it.

    Raises
    ------
    CourseError
        If it does not start.
    """
    _forget_accounts("AWS_")
    os.environ.update(FAKE_AWS)
    arguments = ["-m", "moto.server", "-H", "127.0.0.1", "-p", "{port}"]
    server = Server([sys.executable, *arguments], health="/moto-api/")
    os.environ["AWS_ENDPOINT_URL"] = os.environ["MLFLOW_S3_ENDPOINT_URL"] = server.address
    return server


def start_azure() -> Server:
    """Start Azurite's blob service, and let programs that this process starts take it for Azure's.

    All that this process knew of a real account is removed from its environment. The address and
    the key of the emulator's account are in ``AZURE_STORAGE_CONNECTION_STRING``. What it keeps is
    in its memory, so each one begins empty, and its data end with it.

    Raises
    ------
    CourseError
        If it is not installed, or does not start.
    """
    program = (
        labs.environment(find_lab("azure")).node_modules
        / "azurite"
        / "dist"
        / "src"
        / "blob"
        / "main.js"
    )
    node = shutil.which("node")
    if not node or not program.exists():
        raise CourseError(
            "The emulator Azurite is not installed, or Node.js is not, with which it runs. Start "
            "the lab with `school lab azure`, which says what is missing."
        )
    _forget_accounts("AZURE_")
    key = base64.b64encode(FAKE_AZURE_KEY.encode()).decode()
    options = ["--inMemoryPersistence", "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    server = Server(
        [node, str(program), "--blobHost", "127.0.0.1", "--blobPort", "{port}", *options],
        env={"AZURITE_ACCOUNTS": f"{AZURE_ACCOUNT}:{key}"},
        health=None,
    )
    os.environ["AZURE_STORAGE_CONNECTION_STRING"] = (
        f"DefaultEndpointsProtocol=http;AccountName={AZURE_ACCOUNT};AccountKey={key};"
        f"BlobEndpoint={server.address}/{AZURE_ACCOUNT};"
    )
    return server


def _forget_accounts(prefix: str) -> None:
    """Remove variables of real accounts, and let clients reach this computer without a proxy."""
    for name in [name for name in os.environ if name.startswith(prefix)]:
        del os.environ[name]
    for name in ("NO_PROXY", "no_proxy"):
        others = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*others, "127.0.0.1"]))

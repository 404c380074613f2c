"""What the tests share: a client of the service that runs at SERVICE_ADDRESS."""

import os

import httpx
import pytest


@pytest.fixture(scope="session")
def client():
    # trust_env: a proxy that is set on this computer does not lead to the service.
    with httpx.Client(base_url=os.environ["SERVICE_ADDRESS"], trust_env=False) as client:
        yield client

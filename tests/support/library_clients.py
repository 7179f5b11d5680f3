"""Clients that imitate the published libraries."""
import pytest
from clients.typescript_client import NodeProcess


@pytest.fixture(scope="module")
def node():
    process = NodeProcess()
    yield process
    process.finish()

"""Tests of the shipped files. A file whose tests were all skipped ends with 77, which CTest reports as skipped, not passed."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
pytest.register_assert_rewrite("support")

from support import peer, process, raw_client  # noqa: E402
from support.process import ServerProcess, with_defaults  # noqa: E402

SKIPPED = 77
outcomes = set()


def pytest_sessionstart():
    if not process.binary().exists():
        pytest.exit(f"no {process.binary()}: build it, or set CAIRN_BIN_DIR", returncode=2)


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        outcomes.add(report.outcome)


def pytest_sessionfinish(session):
    if outcomes == {"skipped"}:
        session.exitstatus = SKIPPED


def finish(started):
    peer.close_all()
    raw_client.close_all()
    for server in started:
        server.finish()


@pytest.fixture
def start():
    """start(*flags) starts a server that ends with the test: edge and core in one, unless the flags say otherwise."""
    started = []

    def start_one(*flags, env=None):
        started.append(ServerProcess(*with_defaults(flags), env=env))
        return started[-1]

    yield start_one
    finish(started)


@pytest.fixture
def start_bare():
    """start_bare(env=…): with the options of the file under test only."""
    started = []

    def start_one(*flags, env=None):
        started.append(ServerProcess(*flags, env=env))
        return started[-1]

    yield start_one
    finish(started)

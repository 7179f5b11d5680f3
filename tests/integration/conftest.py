"""Fixtures: servers that are ended and checked after the test, and the two shapes in which every function is tested."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
pytest.register_assert_rewrite("support")

from support import peer, process, raw_client  # noqa: E402
from support.ending import finish_all  # noqa: E402
from support.process import ServerProcess, with_defaults  # noqa: E402
from support.shape import Shape  # noqa: E402

# CAIRN_TEST_SHAPES=fleet runs the tests of clients' behaviour against three cores that share NATS.
SHAPES = os.environ.get("CAIRN_TEST_SHAPES", "all,cluster").split(",")


def pytest_sessionstart():
    if not process.binary().exists():
        pytest.exit(f"no {process.binary()}: build it, or set CAIRN_BIN_DIR", returncode=2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    report = (yield).get_result()
    if report.failed:
        for server in process.running:
            report.sections.append((f"log of process {server.pid}", server.tail()))


def close_clients():
    peer.close_all()
    raw_client.close_all()


@pytest.fixture(autouse=True)
def clients_end_with_their_test():
    yield
    close_clients()


@pytest.fixture(scope="module", params=SHAPES)
def module_shape(request):
    shape = Shape(request.param)
    yield shape
    shape.finish()


@pytest.fixture
def shape(module_shape):
    """With default limits, shared by the tests of a file: use topics of your own."""
    yield module_shape
    module_shape.assert_running()


def _finish_all(started):
    """Every one, even if one of them ended badly. The last that was started ends first: an edge that ends waits for its core."""
    close_clients()
    failures = finish_all(reversed(started))
    assert not failures, "\n".join(failures)


@pytest.fixture(params=SHAPES)
def make_shape(request):
    """make_shape(*flags) starts one that ends with the test."""
    started = []

    def make(*flags, env=None, tls=None):
        started.append(Shape(request.param, *flags, env=env, tls=tls))
        return started[-1]

    yield make
    _finish_all(started)


@pytest.fixture
def make_cluster():
    """Like make_shape, for tests about the link between edge and core."""
    started = []

    def make(*flags, env=None):
        started.append(Shape("cluster", *flags, env=env))
        return started[-1]

    yield make
    _finish_all(started)


@pytest.fixture
def start():
    """start(*flags) starts a process that ends with the test: edge and core in one, unless the flags say otherwise."""
    started = []

    def start_one(*flags, env=None, open_files=None, sockets=()):
        started.append(ServerProcess(*with_defaults(flags), env=env, open_files=open_files, sockets=sockets))
        return started[-1]

    yield start_one
    _finish_all(started)

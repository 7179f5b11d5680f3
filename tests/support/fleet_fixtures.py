"""Fixtures of tests that inspect a fleet as an operator does: import them by name.

A file that uses module_fleet, fleet or admin says in FLEET_FLAGS with which flags its servers start.
"""
import pytest

from support.admin_api import Fleet

SHAPES = ["all", "cluster"]


@pytest.fixture(scope="module", params=SHAPES)
def module_fleet(request):
    fleet = Fleet(request.param, *request.module.FLEET_FLAGS)
    yield fleet
    fleet.finish()


@pytest.fixture
def fleet(module_fleet):
    """Shared by the tests of a file: use topics of your own."""
    yield module_fleet
    module_fleet.assert_running()


@pytest.fixture(scope="module")
def admin(module_fleet):
    return module_fleet.admin()


@pytest.fixture
def make_fleet():
    """make_fleet(kind, *flags) starts one that ends with the test."""
    started = []

    def make(kind, *flags, **options):
        started.append(Fleet(kind, *flags, **options))
        return started[-1]

    yield make
    for one in started:
        one.finish()

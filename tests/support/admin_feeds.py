"""Watch and Trace streams of the Admin API, closed at the end of each test."""
import pytest
from support.fleet_fixtures import make_fleet, module_fleet  # noqa: F401

# A stream with this small window takes a few records and then waits for its reader.
DEAF = [("grpc.http2.lookahead_bytes", 1024), ("grpc.http2.bdp_probe", 0)]


@pytest.fixture
def make_cluster(make_fleet):
    return lambda *flags: make_fleet("cluster", *flags)

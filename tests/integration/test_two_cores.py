"""Two cores behind one name, by mistake: peers of one do not find those of the other, and the edges log that."""
import itertools

import pytest
from support.admin_api import Admin
from support.ops import OPS, scrape
from support.tcp_link import TcpLink
from support.waiting import eventually


class Balancer(TcpLink):
    """Forwards connections to the cores in turn."""

    def __init__(self, paths):
        self._paths = itertools.cycle(paths)
        super().__init__(None)

    def _connect(self, near):
        self._target = next(self._paths)
        return super()._connect(near)


@pytest.fixture
def addresses(start, tmp_path):
    found = []
    for name in ("one", "two"):
        found.append(start("--role", "core", "--grpc-listen-addr", f"unix:{tmp_path / name}").grpc_address())
    return found


def edge_of(start, core):
    edge = start("--role", "edge", "--core", core, "--threads", "2", "--edge-name", "north", env=OPS)
    edge.wait_for_log("core_link_up", count=2)
    return edge


def test_an_edge_between_two_cores_tells_both_and_its_metrics(start, addresses):
    balancer = Balancer([address.removeprefix("unix:") for address in addresses])
    edge = edge_of(start, balancer.address)
    eventually(lambda: scrape(edge).get("core_link_cores") == 2, "both are seen")
    for address in addresses:
        admin = Admin(address)
        eventually(lambda a=admin: a.edge("north").other_cores == 1 and a.status().split_edges == 1, "that the core is told")
        admin.close()
    balancer.close()


def test_an_edge_of_one_core_sees_one(start, addresses):
    edge = edge_of(start, addresses[0])
    eventually(lambda: scrape(edge).get("core_link_cores") == 1, "one is seen")
    admin = Admin(addresses[0])
    assert admin.edge("north").other_cores == admin.status().split_edges == 0
    admin.close()

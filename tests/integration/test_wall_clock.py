"""A wall clock that is set while a core waits for an edge: the wait takes neither longer nor shorter."""
import pytest
from support.breakable_cluster import BreakableCluster
from support.ops import scrape
from support.sequence_load import SequenceLoad
from support.waiting import eventually
from support.wall_clock import HOUR, WallClock, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "")


@pytest.fixture
def clock(tmp_path):
    return WallClock(tmp_path)


@pytest.fixture
def cluster(clock):
    with BreakableCluster(lane_timeout="3s", env=clock.env) as started:
        yield started


@pytest.mark.parametrize("hours", [-1, 1])
def test_relays_pass_when_it_is_set_right_after_the_start_of_a_core(clock, cluster, hours):
    with SequenceLoad(cluster.addresses()) as load:
        load.run(0.5)
        # One edge keeps the core waiting.
        load.edge_ends(2, core_too=True)
        cluster.kill_edge(2)
        cluster.kill_core()
        cluster.start_core()
        cluster.core.wait_for_log("lane_opened")
        clock.set(hours * HOUR)
        cluster.await_links_of_living()
        load.run(3)
        assert load.counts().worst_delay < 8
        load.finish().assert_clean(expected=100)


def test_relays_pass_when_it_is_set_while_a_link_is_away(clock, cluster):
    with SequenceLoad(cluster.addresses()) as load:
        load.run(0.5)
        cluster.links[2].cut()
        clock.set(HOUR)
        load.run(1)
        clock.set(-HOUR)
        cluster.links[2].restore()
        cluster.await_links_of_living()
        load.run(0.5)
        load.finish().assert_clean(expected=100)


def test_the_peers_of_a_dead_edge_go_when_it_is_set_back(clock, cluster):
    with SequenceLoad(cluster.addresses()) as load:
        peers = scrape(cluster.core).get("peers")
        load.edge_ends(2)
        cluster.kill_edge(2)
        clock.set(-HOUR)
        eventually(lambda: scrape(cluster.core).get("lanes") == 4 and scrape(cluster.core).get("peers") < peers,
                   "a core that knows the edge no more", within=8)
        load.finish().assert_clean(expected=0)

"""Relays while several cores, edges and links fail: each arrives once and in order, and no client is closed."""
import time

import pytest
from support.breakable_cluster import BreakableCluster
from support.messages import new_topic, numbered, relay
from support.ops import scrape
from support.raw_client import PING, RawClient, frame
from support.sequence_load import SequenceLoad
from support.waiting import Stopwatch, eventually


@pytest.fixture
def cluster():
    with BreakableCluster() as started:
        yield started


@pytest.fixture
def load(cluster):
    with SequenceLoad(cluster.addresses()) as started:
        started.run(0.3)
        yield started


def assert_nothing_is_lost(cluster, load):
    """Relays sent from now on arrive too."""
    load.await_back()
    load.run(0.5)
    load.finish().assert_clean(expected=200)
    assert all(edge.is_running() for edge in cluster.running_edges())


def test_the_core_and_an_edge_die_together_and_the_edge_does_not_return(cluster, load):
    load.edge_ends(2, core_too=True)
    cluster.kill_edge(2)
    cluster.kill_core()
    load.run(0.3)
    cluster.start_core()
    cluster.await_links_of_living()
    # Longer than a core waits for missing lanes.
    load.run(2.5)
    assert_nothing_is_lost(cluster, load)


def test_the_core_and_an_edge_die_together_and_both_return(cluster, load):
    load.edge_ends(2, core_too=True)
    cluster.kill_edge(2)
    cluster.kill_core()
    cluster.start_core()
    load.run(0.5)
    cluster.start_edge(2)
    load.edge_is_back(2)
    cluster.await_links_of_living()
    assert_nothing_is_lost(cluster, load)


def test_a_link_is_away(cluster, load):
    cluster.links[2].cut()
    load.run(3)
    cluster.links[2].restore()
    cluster.await_links_of_living()
    assert_nothing_is_lost(cluster, load)


def test_a_link_breaks_again_and_again(cluster, load):
    for _ in range(12):
        cluster.links[2].cut()
        cluster.links[2].restore()
        load.run(0.15)
    cluster.await_links_of_living()
    assert_nothing_is_lost(cluster, load)


def test_a_link_passes_nothing_for_a_while(cluster, load):
    cluster.links[2].silence()
    load.run(2)
    cluster.links[2].resume()
    assert_nothing_is_lost(cluster, load)


def test_a_link_passes_less_for_a_while_than_comes_over_it(cluster, load):
    cluster.links[2].slow(rate=1_000)
    load.run(2)
    cluster.links[2].slow()
    assert_nothing_is_lost(cluster, load)
    assert_nothing_was_given_up(cluster)


def assert_nothing_was_given_up(cluster):
    metrics = scrape(cluster.core)
    assert metrics.get("lanes_late_total") == 0
    assert not any(metrics.get("lanes_given_up_total", reason=reason)
                   for reason in metrics.label_values("lanes_given_up_total", "reason"))


@pytest.mark.parametrize("seconds", [3.0, 6.0])
def test_a_link_is_cut_while_the_core_is_replaced(cluster, load, seconds):
    """Longer than the others wait for it: their relays are kept for it meanwhile."""
    cluster.links[2].cut()
    cluster.kill_core()
    load.run(0.5)
    cluster.start_core()
    load.run(seconds)
    cluster.links[2].restore()
    cluster.await_links_of_living()
    assert_nothing_is_lost(cluster, load)
    assert_nothing_was_given_up(cluster)


def test_a_link_is_away_while_two_cores_follow_each_other(cluster, load):
    """The second core does not have what the first one kept for it."""
    cluster.links[2].cut()
    for _ in range(2):
        cluster.kill_core()
        cluster.start_core()
        load.run(2.5)
    cluster.links[2].restore()
    cluster.await_links_of_living()
    assert_nothing_is_lost(cluster, load)
    assert_nothing_was_given_up(cluster)


def test_an_edge_is_stopped_while_the_core_is_replaced(cluster, load):
    cluster.stop(cluster.edges[2])
    cluster.kill_core()
    cluster.start_core()
    load.run(4)
    cluster.go_on(cluster.edges[2])
    cluster.await_links_of_living()
    assert_nothing_is_lost(cluster, load)
    assert_nothing_was_given_up(cluster)


@pytest.mark.parametrize("what", ["core", "edge"])
def test_a_process_is_stopped_for_less_than_a_lane_may_be_away(cluster, load, what):
    one = cluster.core if what == "core" else cluster.edges[1]
    cluster.stop(one)
    load.run(3)
    cluster.go_on(one)
    cluster.await_links_of_living()
    assert_nothing_is_lost(cluster, load)


def test_the_core_dies_again_as_soon_as_the_first_lane_is_back(cluster, load):
    for _ in range(2):
        cluster.kill_core()
        load.run(0.5)
        cluster.start_core()
        cluster.core.wait_for_log("lane_opened")
        cluster.kill_core()
        time.sleep(0.2)
        cluster.start_core()
        cluster.await_links_of_living()
        load.run(0.5)
    assert_nothing_is_lost(cluster, load)


def test_a_core_that_does_not_stay_up_for_long_is_started_again_and_again(cluster, load):
    for life in (0.02, 0.05, 0.1, 0.2, 0.4, 0.8):
        cluster.kill_core()
        cluster.start_core()
        load.run(life)
    cluster.await_links_of_living()
    assert_nothing_is_lost(cluster, load)


def test_an_edge_sends_its_peers_to_a_new_core_later_than_others(cluster):
    """Like an edge with very many peers: the core waits while its snapshot makes progress."""
    idle = [RawClient(cluster.edges[2].address()) for _ in range(500)]
    for number, client in enumerate(idle):
        client.subscribe(*(f"{number}-{topic}".ljust(100, "x") for topic in range(4)))
    with SequenceLoad(cluster.addresses(), rate=100) as load:
        load.run(0.5)
        cluster.links[2].slow(rate=40_000)
        cluster.kill_core()
        cluster.start_core()
        watch = Stopwatch()
        cluster.await_peers(len(idle))
        assert watch.seconds > 3, "too fast to prove anything"
        cluster.links[2].slow()
        load.run(0.5)
        load.finish().assert_clean(expected=50)


def test_an_edge_ends_while_a_new_core_still_waits_for_another(cluster):
    """Relays sent before it was asked to end are delivered."""
    topic = new_topic()
    receiver, sender = RawClient(cluster.edges[0].address()), RawClient(cluster.edges[2].address())
    receiver.subscribe(topic)
    eventually(lambda: scrape(cluster.core).get("subscriptions") == 1, "the subscription")
    cluster.links[1].cut()
    cluster.kill_core()
    payloads = numbered(500)
    sender.relay(topic, *payloads)
    sender.send(frame(PING, b"all"))
    assert sender.read_frame().payload == b"all"
    cluster.start_core()
    cluster.edges[2].wait_for_log("core_link_up", count=4)
    time.sleep(0.2)
    cluster.edges[2].finish()
    cluster.links[1].restore()
    for payload in payloads:
        assert receiver.read_message() == relay(topic, payload)

"""Relays that are lost because an edge was unreachable for too long: they are counted, and clients that missed some are told."""
import collections
import time

import pytest
from support.breakable_cluster import BreakableCluster
from support.messages import new_topic, numbered, relay
from support.ops import scrape
from support.peer import Peer
from support.raw_client import RawClient
from support.sequence_load import SequenceLoad
from support.v2_client import SUBPROTOCOL, V2Client, decode
from support.waiting import Stopwatch, eventually

LANE_TIMEOUT = 2
# How long, and how much, a new core keeps for an edge that it no longer waits for.
KEPT_SECONDS, KEPT_BYTES = 10, 32 << 20
LARGE = 60_000
# Bytes a second of a link that is too slow for what comes over it.
TOO_SLOW = 1_000


@pytest.fixture
def cluster():
    with BreakableCluster(lane_timeout=f"{LANE_TIMEOUT}s") as started:
        yield started


@pytest.fixture
def cluster_of_lanes():
    """Its edges have one lane each: all of an edge's clients are on the lane that is given up."""
    with BreakableCluster(loops=1, lane_timeout=f"{LANE_TIMEOUT}s") as started:
        yield started


def given_up(cluster):
    """Relays, by reason."""
    metrics, name = scrape(cluster.core), "deliveries_given_up_total"
    counts = {reason: metrics.get(name, reason=reason) for reason in metrics.label_values(name, "reason")}
    return {reason: count for reason, count in counts.items() if count}


def assert_told(load):
    """Only clients of the unreachable edge have lost anything."""
    load.run(1)
    verdict = load.finish(within=2)
    assert not verdict.closed, verdict
    assert verdict.doubled == verdict.disordered == verdict.corrupt == 0, verdict
    assert set(+verdict.lost_on) <= {2}, f"others lost some too: {verdict}"
    assert verdict.lost > 0, f"nothing lost: this proves nothing: {verdict}"
    assert verdict.lost_untold == 0 < verdict.lost_and_told, f"not told: {verdict}"
    return verdict


def test_an_edge_that_was_stopped_for_too_long(cluster):
    with SequenceLoad(cluster.addresses()) as load:
        load.run(1)
        cluster.stop(cluster.edges[2])
        load.run(LANE_TIMEOUT + 1.5)
        cluster.go_on(cluster.edges[2])
        cluster.await_links_of_living()
        assert_told(load)
    assert given_up(cluster).keys() == {"lane_timeout"}


@pytest.mark.parametrize("how", ["too slow", "silent"])
def test_an_edge_behind_a_link_that_does_not_bring_what_comes_over_it(cluster_of_lanes, how):
    cluster = cluster_of_lanes
    with SequenceLoad(cluster.addresses()) as load:
        load.run(1)
        cluster.links[2].slow(rate=TOO_SLOW) if how == "too slow" else cluster.links[2].silence()
        while not given_up(cluster):
            load.run(0.5)
        # What the link still held back must not come after all.
        cluster.links[2].cut()
        cluster.links[2].slow()
        cluster.links[2].restore()
        cluster.await_links_of_living()
        assert_told(load)
    assert given_up(cluster).keys() == {"lane_timeout"}


def v2_client(cluster, edge, topic):
    host, port = cluster.edges[edge].address()
    client = V2Client(Peer(f"ws://{host}:{port}/", subprotocols=[SUBPROTOCOL]))
    client.subscribe(topic)
    return client


def heard(client, still):
    """(name, fields) of all messages but presence, until none has arrived for that many seconds."""
    said = []
    while (message := client.peer.poll(still)) is not None:
        said.append(decode(message))
    return [(name, fields) for name, fields in said if name not in ("Joined", "Left")]


def await_all_acknowledged(cluster):
    eventually(lambda: scrape(cluster.core).get("lane_queued_bytes") == 0, "all acknowledged")


def await_given_up(cluster):
    eventually(lambda: scrape(cluster.core).get("lanes_given_up_total", reason="lane_timeout") == cluster.loops,
               "an edge that is given up")


def test_relays_missed_by_a_given_up_edge_are_counted_and_reported(cluster):
    topic = new_topic()
    receiver, sender = v2_client(cluster, 2, topic), RawClient(cluster.edges[0].address())
    await_all_acknowledged(cluster)
    cluster.links[2].cut()
    sender.relay(topic, *numbered(10))
    await_given_up(cluster)
    sender.relay(topic, *numbered(25))
    eventually(lambda: scrape(cluster.core).get("relays_total") == 10 + 25, "all of them routed")
    cluster.links[2].restore()
    cluster.await_links()
    assert heard(receiver, still=1) == [("Missed", {"topic": topic})]
    assert given_up(cluster) == {"lane_timeout": 10}
    sender.relay(topic, b"last")
    assert receiver.receive()[1]["payload"] == b"last"


def test_relays_between_clients_of_one_edge_during_an_outage_are_delivered_and_not_counted(cluster):
    """It comes to the core when one of the edge's loops is back, and the other is not."""
    topic, count = new_topic(), 20
    clients = [v2_client(cluster, 2, topic) for _ in range(8)]
    await_all_acknowledged(cluster)
    cluster.links[2].cut()
    for client in clients:
        client.relay(topic, *numbered(count))
    await_given_up(cluster)
    cluster.links[2].restore()
    cluster.await_links()
    time.sleep(1)
    lost = 0
    for client in clients:
        said = heard(client, still=0.1)
        assert said.count(("Missed", {"topic": topic})) == 1, said
        by_sender = collections.defaultdict(list)
        for name, fields in said:
            if name == "Relay":
                by_sender[fields["from"]].append(fields["payload"])
        # All relays of a sender, or none.
        assert all(payloads == numbered(count) for payloads in by_sender.values()), by_sender
        lost += len(clients) - 1 - len(by_sender)
    assert lost > 0, "this proves nothing"
    assert not given_up(cluster)


def test_an_edge_that_returns_when_a_new_core_no_longer_keeps_relays_for_it(cluster):
    with SequenceLoad(cluster.addresses(), rate=200) as load:
        load.run(1)
        cluster.links[2].cut()
        cluster.kill_core()
        cluster.start_core()
        cluster.core.wait_for_log("lane_opened")
        load.run(KEPT_SECONDS + 0.5)
        cluster.links[2].restore()
        cluster.await_links_of_living()
        assert_told(load)
    assert scrape(cluster.core).get("lanes_late_total") == cluster.loops


def test_an_edge_that_returns_when_a_new_core_has_dropped_relays_for_it(cluster):
    """Sooner than that."""
    topic = new_topic()
    sender, receiver = RawClient(cluster.edges[0].address()), RawClient(cluster.edges[1].address())
    receiver.subscribe(topic)
    count = KEPT_BYTES // LARGE + 50
    with SequenceLoad(cluster.addresses(), rate=200) as load:
        load.run(0.5)
        cluster.links[2].cut()
        cluster.kill_core()
        cluster.start_core()
        cluster.core.wait_for_log("lane_opened")
        watch = Stopwatch()
        for _ in range(count):
            sender.relay(topic, bytes(LARGE))
            assert receiver.read_message() == relay(topic, bytes(LARGE))
        load.run(0.5)
        assert watch.seconds < KEPT_SECONDS - 1, "too slow to prove anything"
        cluster.links[2].restore()
        cluster.await_links_of_living()
        assert_told(load)
    assert scrape(cluster.core).get("lanes_late_total") == cluster.loops


def test_relays_between_others_are_not_delayed_meanwhile(cluster):
    with SequenceLoad(cluster.addresses()) as load:
        load.run(1)
        cluster.stop(cluster.edges[2])
        load.edge_ends(2, core_too=True)
        load.run(LANE_TIMEOUT + 1.5)
        verdict = load.finish(within=2)
        cluster.go_on(cluster.edges[2])
        assert not verdict.closed and not verdict.lost and not verdict.doubled, verdict
        assert verdict.worst_delay < 1, verdict
        eventually(lambda: scrape(cluster.core).get("lanes") == 6, "the edge that goes on")

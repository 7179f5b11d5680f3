"""Notices, receipts, answers and operators' orders across a link that breaks, or behind one that is away: each comes once."""
import collections
import time

import pytest
from support import messages
from support.admin_api import Admin
from support.breakable_cluster import BreakableCluster
from support.load_room import Room
from support.messages import new_topic
from support.peer import Peer
from support.sequence_load import SequenceLoad
from support.v2_client import SUBPROTOCOL, V2Client, decode
from support.waiting import eventually

BEHIND = 2  # the edge whose link breaks


@pytest.fixture
def cluster():
    with BreakableCluster() as started:
        yield started


@pytest.fixture
def admin(cluster):
    caller = Admin(cluster.core.grpc_address())
    yield caller
    caller.close()


def connect(cluster, edge, **options):
    host, port = cluster.edges[edge].address()
    return Peer(f"ws://{host}:{port}/", **options)


def v2_client(cluster, edge):
    return V2Client(connect(cluster, edge, subprotocols=[SUBPROTOCOL]))


def lose_what_is_in_flight(cluster, say=lambda: None, seconds=0.05):
    """Messages sent meanwhile, and those in flight, are lost; then the link works again."""
    cluster.links[BEHIND].silence()
    say()
    time.sleep(seconds)
    cluster.links[BEHIND].cut()
    cluster.links[BEHIND].restore()


def hear(client, within=1.0):
    """All messages, until none has arrived for that long."""
    said = []
    while (message := client.peer.poll(within)) is not None:
        said.append(decode(message))
    return said


def test_receipts_come_once_when_the_link_breaks_again_and_again(cluster):
    rooms = [Room((BEHIND, "v2"), (0, "v2"), (BEHIND, "v2")) for _ in range(4)]
    with SequenceLoad(cluster.addresses(), rooms, rate=1000) as load:
        for _ in range(10):
            load.run(0.2)
            lose_what_is_in_flight(cluster)
        load.finish().assert_clean(expected=500)


def test_receipts_come_once_when_the_core_is_killed_again_and_again(cluster):
    rooms = [Room((one, "v2"), (other, "v2")) for one, other in ((0, 1), (1, 2), (2, 0))]
    with SequenceLoad(cluster.addresses(), rooms, rate=1000) as load:
        for _ in range(3):
            load.run(0.3)
            cluster.kill_core()
            cluster.start_core()
            cluster.await_links_of_living()
        load.finish().assert_clean(expected=500)


def test_queries_are_answered_once_when_the_link_breaks_again_and_again(cluster):
    # The client that asks is on the edge after the publisher's.
    rooms = [Room((1, "json"), (0, "native"), (BEHIND, "native")) for _ in range(8)]
    with SequenceLoad(cluster.addresses(), rooms, rate=200) as load:
        for _ in range(10):
            load.run(0.3)
            lose_what_is_in_flight(cluster)
        verdict = load.finish()
        verdict.assert_clean(expected=50)
        assert verdict.answers > 50, verdict


@pytest.mark.parametrize("how", ["cut", "silence"])
def test_a_client_that_joins_and_leaves_during_a_break_is_reported_once(cluster, how):
    topic = new_topic()
    watcher = v2_client(cluster, BEHIND)
    watcher.subscribe(topic)
    leaving = [connect(cluster, 0) for _ in range(20)]
    for client in leaving:
        client.subscribe(topic)
    here = {watcher.receive()[1]["peer"] for _ in leaving}
    getattr(cluster.links[BEHIND], how)()
    joining = [connect(cluster, 1) for _ in range(20)]
    for client in joining:
        client.subscribe(topic)
    for client in leaving:
        client.close()
    time.sleep(0.3)
    cluster.links[BEHIND].cut()
    cluster.links[BEHIND].restore()
    told = hear(watcher)
    assert collections.Counter(fields["peer"] for name, fields in told if name == "Left") == dict.fromkeys(here, 1)
    joined = collections.Counter(fields["peer"] for name, fields in told if name == "Joined")
    assert len(joined) == 20 and set(joined.values()) == {1}


def test_joined_and_left_of_a_peer_alternate_when_the_link_breaks(cluster):
    topic = new_topic()
    watcher, visitor = v2_client(cluster, BEHIND), connect(cluster, 0)
    watcher.subscribe(topic)
    for turn in range(200):
        visitor.subscribe(topic)
        visitor.unsubscribe(topic)
        if turn % 20 == 19:
            lose_what_is_in_flight(cluster)
    visitor.subscribe(topic)
    names = [name for name, _ in hear(watcher, within=2)]
    # Recent notices may be left out in pairs; no others may.
    assert names == ["Joined", "Left"] * (len(names) // 2) + ["Joined"], names


def test_each_subscription_made_while_the_link_breaks_is_confirmed_once(cluster):
    client = v2_client(cluster, BEHIND)
    topics = [new_topic() for _ in range(300)]
    for number, topic in enumerate(topics):
        client.send(messages.subscribe(topic))
        if number % 20 == 19:
            lose_what_is_in_flight(cluster)
    told = collections.Counter(fields["topic"] for name, fields in hear(client, within=2) if name == "Subscribed")
    assert told == dict.fromkeys(topics, 1)


@pytest.mark.parametrize("how", ["cut", "silence"])
def test_an_operator_closes_a_connection_behind_a_link_that_is_away(cluster, admin, how):
    topic = new_topic()
    going, staying = connect(cluster, BEHIND), connect(cluster, BEHIND)
    going.subscribe(topic)
    peer_id = admin.await_id(topic)
    getattr(cluster.links[BEHIND], how)()
    assert admin.disconnect(id=peer_id, code=4001, reason="away") == 1
    time.sleep(0.2)
    cluster.links[BEHIND].cut()
    cluster.links[BEHIND].restore()
    closed = going.wait_closed()
    assert (closed.code, closed.reason) == (4001, "away")
    cluster.await_links()
    assert staying.is_open()


def test_an_operator_closes_connections_one_by_one_while_the_link_breaks(cluster, admin):
    topics = [new_topic() for _ in range(60)]
    peers = [connect(cluster, BEHIND) for _ in topics]
    for peer, topic in zip(peers, topics):
        peer.subscribe(topic)
    ids = [admin.await_id(topic) for topic in topics]
    for number, peer_id in enumerate(ids[:-1]):
        def order(peer_id=peer_id, number=number):
            assert admin.disconnect(id=peer_id, code=4000 + number) == 1

        # Right behind a break, in one, and right before one.
        if number % 3:
            order()
        else:
            lose_what_is_in_flight(cluster, order)
    for number, peer in enumerate(peers[:-1]):
        eventually(lambda peer=peer: not peer.is_open(), f"peer {number} of {len(peers)} closed")
        assert peer.wait_closed().code == 4000 + number
    assert peers[-1].is_open()


def test_log_levels_set_while_a_link_is_away_are_those_of_its_edge_too(cluster, admin):
    cluster.links[BEHIND].cut()
    admin.set_log("cairn_signal=debug")
    cluster.links[BEHIND].restore()
    for edge in cluster.edges:
        edge.wait_for_log("log_level directives=.*debug")

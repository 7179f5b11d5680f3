"""Live events for operators: of peers and edges, and the metadata of relays."""
import threading
import time

import cbor2
import grpc
import pytest
from support.admin_api import Admin, Code, Kind, refused
from support.fleet_fixtures import admin, fleet, make_fleet, module_fleet  # noqa: F401
from support.messages import new_topic, numbered
from support.waiting import PATIENCE, Stopwatch, eventually

FLEET_FLAGS = ["--rate-messages", "0", "--rate-deliveries", "0"]
MARKER = b"never to be seen by an operator"
MAX_LISTENERS = 64
# A stream with this small window takes a few records and then waits for its reader.
DEAF = [("grpc.http2.lookahead_bytes", 1024), ("grpc.http2.bdp_probe", 0)]


@pytest.fixture
def watch(admin):
    """watch(**fields) and trace(**fields), ended after the test."""
    feeds = []

    def begin(**fields):
        feeds.append(admin.watch(**fields))
        return feeds[-1]

    yield begin
    for feed in feeds:
        feed.close()


@pytest.fixture
def trace(admin):
    feeds = []

    def begin(**fields):
        feeds.append(admin.trace(**fields))
        return feeds[-1]

    yield begin
    for feed in feeds:
        feed.close()


@pytest.fixture
def make_cluster(make_fleet):
    return lambda *flags: make_fleet("cluster", *flags)


def now_us():
    return time.time_ns() // 1000


def of(feed, peer_id, last):
    """The events of that peer in a feed, up to the kind that is its last."""
    events = feed.until(lambda event: event.id == peer_id and event.kind == last)
    return [event for event in events if event.id == peer_id]


# ---- watch

def test_the_events_of_a_peer_are_reported_in_order(fleet, admin, watch):
    feed = watch()
    topics = [new_topic(), new_topic()]
    before = now_us()
    peer = fleet.peer(1)
    peer.subscribe(topics[0])
    peer_id = admin.await_id(topics[0])
    peer.subscribe(topics[1], topics[0])
    peer.unsubscribe(topics[0], "never subscribed to")
    admin.await_peers(1, topic=topics[1])
    peer.close(4000)
    events = of(feed, peer_id, Kind.KIND_CLOSED)
    assert [(event.kind, event.topic) for event in events] == [
        (Kind.KIND_CONNECTED, ""), (Kind.KIND_SUBSCRIBED, topics[0]), (Kind.KIND_SUBSCRIBED, topics[1]),
        (Kind.KIND_UNSUBSCRIBED, topics[0]), (Kind.KIND_CLOSED, "")]
    found = admin.peer(peer_id)
    for event in events:
        assert (event.edge, event.remote_address) == (fleet.edge_names()[-1], found.remote_address)
        assert event.missed == 0
    times = [event.time_us for event in events]
    assert times == sorted(times) and before <= times[0] <= times[-1] <= now_us()
    assert (events[-1].close_code, events[-1].close_reason) == (4000, "client_closed")
    assert times[-1] == found.closed_us


def test_an_operators_close_is_reported_with_its_code(fleet, admin, watch):
    feed = watch()
    topic = new_topic()
    fleet.peer().subscribe(topic)
    peer_id = admin.await_id(topic)
    admin.disconnect(id=peer_id, code=4242, reason="bye")
    closed = of(feed, peer_id, Kind.KIND_CLOSED)[-1]
    assert (closed.close_code, closed.close_reason) == (4242, "operator")


def test_a_watcher_sees_only_what_it_asked_for(fleet, admin, watch):
    mine, other = new_topic(), new_topic()
    stays = fleet.peer(0)
    stays.subscribe(other)
    by_topic, by_both = watch(topic=mine), watch(topic=mine, id=admin.await_id(other))
    by_edge = {name: watch(edge=name) for name in [*fleet.edge_names(), "nowhere"]}
    by_id = watch(id=admin.await_id(other))
    peer = fleet.peer(1)
    peer.subscribe(other, mine)
    peer_id = admin.await_id(mine)
    peer.close()
    stays.subscribe(mine)
    stays.unsubscribe(mine)
    stays_id = admin.peers({"topic": other})[0].id
    taken = by_topic.take(3)
    assert [(event.kind, event.topic, event.id) for event in taken] == [
        (Kind.KIND_SUBSCRIBED, mine, peer_id), (Kind.KIND_SUBSCRIBED, mine, stays_id),
        (Kind.KIND_UNSUBSCRIBED, mine, stays_id)]
    for feed in (by_both, by_id):
        assert [(event.kind, event.id) for event in feed.take(2)] == [
            (Kind.KIND_SUBSCRIBED, stays_id), (Kind.KIND_UNSUBSCRIBED, stays_id)]
    assert [event.kind for event in of(by_edge[fleet.edge_names()[-1]], peer_id, Kind.KIND_CLOSED)] == [
        Kind.KIND_CONNECTED, Kind.KIND_SUBSCRIBED, Kind.KIND_SUBSCRIBED, Kind.KIND_CLOSED]
    assert of(by_edge["north"], stays_id, Kind.KIND_UNSUBSCRIBED)
    assert by_edge["nowhere"].is_empty()


def test_each_edge_is_reported_once_when_it_connects_and_when_it_leaves(make_cluster):
    fleet = make_cluster("--threads", "3")
    admin = fleet.admin()
    feed = admin.watch()
    east = fleet.start_edge("east")
    east.wait_for_log("core_link_up", count=3)
    admin.await_lanes(9)
    fleet.remove_edge(east)
    east.kill()
    admin.await_lanes(6)
    south = fleet.edges[1]
    fleet.remove_edge(south)
    south.finish()
    admin.await_lanes(3)
    topic = new_topic()
    fleet.peer(0).subscribe(topic)
    events = feed.until(lambda event: event.topic == topic)
    assert [(event.kind, event.edge) for event in events if not event.id] == [
        (Kind.KIND_EDGE_UP, "east"), (Kind.KIND_EDGE_DOWN, "east"), (Kind.KIND_EDGE_DOWN, "south")]


def test_peers_of_a_lost_edge_are_reported_before_the_edge(make_cluster):
    fleet = make_cluster()
    admin = fleet.admin()
    peers = [fleet.peer(1) for _ in range(5)]
    ids = {peer.id for peer in admin.await_peers(5, edge="south")}
    feed = admin.watch()
    south = fleet.edges[1]
    fleet.remove_edge(south)
    south.kill()
    *closes, down = feed.until(lambda event: event.kind == Kind.KIND_EDGE_DOWN)
    assert {(event.kind, event.close_code, event.close_reason) for event in closes} == {
        (Kind.KIND_CLOSED, 0, "edge_lost")}
    assert {event.id for event in closes} == ids and len(closes) == len(peers) and down.edge == "south"


def test_a_watcher_that_does_not_read_is_told_how_many_events_it_missed_and_delays_no_relay(fleet, admin, watch):
    topic, toggled = new_topic(), new_topic()
    caller = Admin((fleet.core or fleet.edges[0]).grpc_address(), options=DEAF)
    deaf = caller.watch(read=False, topic=toggled)
    reader = watch(topic=toggled)
    sender, receiver, busy = fleet.peer(0), fleet.peer(1), fleet.raw(1)
    receiver.subscribe(topic)
    admin.await_peers(1, topic=topic)
    rounds = 10_000

    def toggle():
        for done in range(100, rounds + 1, 100):
            for _ in range(100):
                busy.subscribe(toggled)
                busy.unsubscribe(toggled)
            # No faster than the reader can follow.
            eventually(lambda n=2 * done: reader.waiting() >= n, "the reader has it")

    thread = threading.Thread(target=toggle, daemon=True)
    thread.start()
    slowest, exchanged = 0, 0
    while thread.is_alive() or exchanged < 100:
        one = Stopwatch()
        sender.relay(topic, b"%d" % exchanged)
        assert receiver.receive_relay() == (topic, b"%d" % exchanged)
        slowest, exchanged = max(slowest, one.seconds), exchanged + 1
    assert slowest < PATIENCE / 10
    read = reader.take(2 * rounds)
    assert [event.kind for event in read] == [Kind.KIND_SUBSCRIBED, Kind.KIND_UNSUBSCRIBED] * rounds
    assert not any(event.missed for event in read)
    # Now it reads: the kept events, then the number of missed ones, although nothing happens any more.
    deaf.start_reading()
    *kept, missed = deaf.until(lambda event: event.missed)
    assert len(kept) + missed.missed == 2 * rounds and missed.missed > rounds
    assert missed.kind == Kind.KIND_MISSED and missed.time_us == read[-1].time_us
    assert [event.kind for event in kept] == [event.kind for event in read[:len(kept)]]
    busy.subscribe(toggled)
    later = deaf.next()
    assert (later.kind, later.missed) == (Kind.KIND_SUBSCRIBED, 0)
    deaf.close()
    caller.close()


def test_watchers_that_leave_make_room_for_others(fleet, admin):
    address = (fleet.core or fleet.edges[0]).grpc_address()
    callers = [Admin(address) for _ in range(4)]
    topic, peer = new_topic(), fleet.peer()

    def watch_or_none(caller):
        """A feed that has its place: one that is refused ends instead of telling of the peer."""
        feed = caller.watch(topic=topic)
        peer.subscribe(topic)
        peer.unsubscribe(topic)
        try:
            feed.take(2)
        except grpc.RpcError as refusal:
            assert refusal.code() == Code.RESOURCE_EXHAUSTED
            return None
        return feed

    # Those of earlier tests may still be on their way out.
    feeds = [eventually(lambda i=i: watch_or_none(callers[i % 4]), "a place") for i in range(MAX_LISTENERS)]
    assert watch_or_none(admin) is None
    feeds[0].close()
    eventually(lambda: watch_or_none(callers[0]), "a place that has become free")
    # A whole process has ended.
    callers[1].close()
    for _ in range(MAX_LISTENERS // 4):
        eventually(lambda: watch_or_none(callers[2]), "a place of the one who is gone")
    assert watch_or_none(admin) is None
    for caller in callers:
        caller.close()
    eventually(lambda: watch_or_none(admin), "room again").close()


# ---- trace

def test_frames_of_a_topic_are_traced(fleet, admin, trace):
    topic, other = new_topic(), new_topic()
    receivers = [fleet.peer(index) for index in range(3)]
    sender = fleet.peer(0)
    for peer in (*receivers, sender):
        peer.subscribe(topic)
    peers = {peer.remote_address: peer for peer in admin.await_peers(4, topic=topic)}
    mine = peers["%s:%d" % sender._socket.local_address]  # pylint: disable=protected-access
    feed = trace(topic=topic)
    before = now_us()
    sender.relay(other, MARKER)
    payloads = [MARKER * size for size in (0, 1, 10, 1000)]
    sender.relay(topic, *payloads)
    outsider = fleet.peer(1)
    outsider.relay(topic, MARKER)
    for peer in receivers:
        assert [payload for _, payload in (peer.receive_relay() for _ in range(5))] == [*payloads, MARKER]
    records = feed.take(5)
    # Where it has the only subscriber, the sender's own lane is left out.
    others = {(peer.edge, peer.lane) for peer in peers.values() if peer.id != mine.id}
    for record, payload in zip(records, payloads):
        assert (record.id, record.edge, record.topic) == (mine.id, "north", topic)
        assert (record.payload_bytes, record.subscribers, record.lanes) == (len(payload), 3, len(others))
    outside = records[4]
    assert (outside.payload_bytes, outside.subscribers) == (len(MARKER), 4)
    assert outside.lanes == len({(peer.edge, peer.lane) for peer in peers.values()})
    assert outside.id not in {peer.id for peer in peers.values()}
    seqs = [record.seq for record in records[:4]]
    assert seqs == list(range(seqs[0], seqs[0] + 4))
    for record in records:
        assert before <= record.time_us <= now_us() and 0 <= record.latency_us <= now_us() - before
        assert record.missed == 0
        assert MARKER not in record.SerializeToString()


def test_frames_of_a_peer_are_traced_wherever_they_go(fleet, admin, trace):
    topic = new_topic()
    sender, bystander = fleet.peer(0), fleet.peer(0)
    sender.subscribe(topic)
    peer_id = admin.await_id(topic)
    bystander.subscribe(topic)
    admin.await_peers(2, topic=topic)
    feed = trace(id=peer_id)
    bystander.relay(topic, MARKER)
    assert sender.receive_relay() == (topic, MARKER)
    nowhere = new_topic()
    sender.relay(nowhere, MARKER)
    sender.relay(topic, MARKER)
    first, second = feed.take(2)
    assert (first.id, first.topic, first.subscribers, first.lanes) == (peer_id, nowhere, 0, 0)
    assert (second.id, second.topic, second.subscribers, second.lanes) == (peer_id, topic, 1, 1)


def test_a_relay_to_one_peer_is_traced_as_one(fleet, admin, trace):
    topic = new_topic()
    v2 = {"subprotocols": ["cairn.signal.v2"]}
    clients = [fleet.peer(index, **v2) for index in range(3)]
    ids = [cbor2.loads(client.receive())["Welcome"]["peer"] for client in clients]
    for client in clients:
        client.subscribe(topic)
    admin.await_peers(3, topic=topic)
    feed = trace(topic=topic)

    def relay_to(peer_id):
        clients[0].send(cbor2.dumps({"Relay": {"topic": topic, "payload": MARKER, "to": peer_id}}))
        record = feed.next()
        return record.id, record.payload_bytes, record.subscribers, record.lanes

    assert relay_to(ids[1]) == (ids[0], len(MARKER), 1, 1)
    # To itself, and to no subscriber.
    assert relay_to(ids[0]) == relay_to("0123456789abcdef") == (ids[0], len(MARKER), 0, 0)


def test_many_trace_at_once_and_leave_as_they_like(fleet, admin, trace):
    topic = new_topic()
    sender = fleet.peer(0)
    sender.subscribe(topic)
    peer_id = admin.await_id(topic)
    feeds = [trace(topic=topic), trace(id=peer_id), trace(topic=topic)]
    payloads = numbered(50, 100)
    sender.relay(topic, *payloads)
    for feed in feeds:
        assert [record.payload_bytes for record in feed.take(50)] == [100] * 50
    feeds[0].close()
    sender.relay(topic, *payloads)
    for feed in feeds[1:]:
        assert len(feed.take(50)) == 50


def test_a_tracer_that_does_not_read_is_told_how_many_it_missed(fleet, admin):
    topic = new_topic()
    caller = Admin((fleet.core or fleet.edges[0]).grpc_address(), options=DEAF)
    receiver, sender = fleet.raw(0), fleet.raw(1)
    receiver.subscribe(topic)
    admin.await_peers(1, topic=topic)
    deaf = caller.trace(read=False, topic=topic)
    batches, batch = 200, [MARKER] * 100
    total = batches * len(batch)
    for _ in range(batches):
        sender.relay(topic, *batch)
        for _ in batch:
            receiver.read_message()
    eventually(lambda: admin.topic(topic).relays == total, "all of them")
    deaf.start_reading()
    *seen, missed = deaf.until(lambda record: record.missed)
    assert len(seen) + missed.missed == total and missed.missed > total / 2
    # It has no other content.
    assert (missed.id, missed.topic, missed.payload_bytes) == ("", "", 0) and missed.time_us > seen[-1].time_us
    assert [record.seq for record in seen] == list(range(seen[0].seq, seen[0].seq + len(seen)))
    caller.close()


@pytest.mark.parametrize("fields, code", [({}, Code.INVALID_ARGUMENT), ({"id": ""}, Code.NOT_FOUND),
                                          ({"id": "nobody"}, Code.NOT_FOUND), ({"id": "0" * 16}, Code.NOT_FOUND)],
                         ids=["nothing", "no id", "not an id", "nobody's id"])
def test_invalid_traces_are_refused(admin, fields, code):
    with refused(code):
        admin.trace(**fields).next()


def test_a_peer_can_be_traced_before_it_is_back(make_cluster):
    """An id stays the same over a restart of the core, so it may be unknown for a moment."""
    fleet = make_cluster()
    topic = new_topic()
    sender = fleet.peer(0)
    sender.subscribe(topic)
    peer_id = fleet.admin().await_id(topic)
    fleet.core.kill()
    fleet.start_core()
    admin = fleet.admin()
    feed = admin.trace(id=peer_id)
    fleet.await_links(2)
    sender.relay(topic, MARKER)
    record = feed.next()
    assert (record.id, record.topic, record.payload_bytes) == (peer_id, topic, len(MARKER))
    feed.close()

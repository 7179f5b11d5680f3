"""Live events for operators, of peers and edges: Watch, in both shapes."""
import threading

import grpc
import pytest
from support.admin_api import Admin, Code, Kind
from support.admin_feeds import DEAF, make_cluster  # noqa: F401
from support.fleet_fixtures import admin, fleet, make_fleet, module_fleet  # noqa: F401
from support.messages import new_topic
from support.waiting import PATIENCE, Stopwatch, eventually, now_us

FLEET_FLAGS = ["--rate-messages", "0", "--rate-deliveries", "0"]
MAX_LISTENERS = 64
MAX_QUEUED_EVENTS = 4096


@pytest.fixture
def watch(admin):
    """watch(**fields), ended after the test."""
    feeds = []

    def begin(**fields):
        feeds.append(admin.watch(**fields))
        return feeds[-1]

    yield begin
    for feed in feeds:
        feed.close()


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
    topic, toggled, done = new_topic(), new_topic(), new_topic()
    caller = Admin((fleet.core or fleet.edges[0]).grpc_address(), options=DEAF)
    deaf = caller.watch(read=False, topic=toggled)
    reader = watch(topic=toggled)
    sender, receiver, herald, busy = fleet.peer(0), fleet.peer(1), fleet.peer(0), fleet.raw(1)
    receiver.subscribe(topic)
    herald.subscribe(done)
    admin.await_peers(1, topic=topic)
    herald_id = admin.await_id(done)
    read = []

    def toggle():
        """No faster than the reader follows: after each hundred, the herald's own event comes behind them."""
        for number in range(100):
            for _ in range(100):
                busy.subscribe(toggled)
                busy.unsubscribe(toggled)
            busy.relay(done, b"")
            herald.receive_relay()
            (herald.unsubscribe if number % 2 else herald.subscribe)(toggled)
            read.extend(reader.until(lambda event: event.id == herald_id))

    thread = threading.Thread(target=toggle, daemon=True)
    thread.start()
    slowest, exchanged = 0, 0
    while thread.is_alive() or exchanged < 100:
        one = Stopwatch()
        sender.relay(topic, b"%d" % exchanged)
        assert receiver.receive_relay() == (topic, b"%d" % exchanged)
        slowest, exchanged = max(slowest, one.seconds), exchanged + 1
    assert slowest < PATIENCE / 10
    # What is undone before the core has been told of it is no event.
    of_busy = [event.kind for event in read if event.id != herald_id]
    assert of_busy == [Kind.KIND_SUBSCRIBED, Kind.KIND_UNSUBSCRIBED] * (len(of_busy) // 2)
    assert len(read) - len(of_busy) == 100 and len(of_busy) > MAX_QUEUED_EVENTS
    assert not any(event.missed for event in read)
    # Now it reads: the kept events, then the number of missed ones, although nothing happens any more.
    deaf.start_reading()
    *kept, missed = deaf.until(lambda event: event.missed)
    assert len(kept) + missed.missed == len(read) and len(kept) >= MAX_QUEUED_EVENTS
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

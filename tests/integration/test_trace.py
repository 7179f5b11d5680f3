"""What operators can follow of frames while they pass: Trace, in both shapes."""
import cbor2
import pytest
from support.admin_api import Admin, Code, refused
from support.admin_feeds import DEAF, make_cluster  # noqa: F401
from support.fleet_fixtures import admin, fleet, make_fleet, module_fleet  # noqa: F401
from support.messages import new_topic, numbered
from support.waiting import eventually, now_us

FLEET_FLAGS = ["--rate-messages", "0", "--rate-deliveries", "0"]
MARKER = b"never to be seen by an operator"


@pytest.fixture
def trace(admin):
    feeds = []

    def begin(**fields):
        feeds.append(admin.trace(**fields))
        return feeds[-1]

    yield begin
    for feed in feeds:
        feed.close()


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
    for peer in receivers:
        assert [payload for _, payload in (peer.receive_relay() for _ in payloads)] == payloads
    # There is no order between relays of two senders.
    outsider = fleet.peer(1)
    outsider.relay(topic, MARKER)
    for peer in receivers:
        assert peer.receive_relay()[1] == MARKER
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

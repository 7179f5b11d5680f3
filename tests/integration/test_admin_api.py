"""What operators can see of peers, topics and edges, and how they can act on them, in both shapes."""
import base64
import json
import re
import signal
import ssl
import time

import pytest
from google.protobuf import descriptor_pb2
from support.admin_api import Admin, Code, health, pb, reflection, refused
from support.certificates import Certificate, trusting
from support.fleet_fixtures import SHAPES, admin, fleet, make_fleet, module_fleet  # noqa: F401
from support.messages import new_topic, relay, subscribe
from support.process import run
from support.raw_client import BINARY, CLOSE, FIN, RawClient, RawConnection, frame, upgrade_request
from support.waiting import PATIENCE, Stopwatch, eventually

FLEET_FLAGS = ["--ping-interval", "500ms"]
# Edges report every two seconds; where a test may wait longer than usual, so may this.
FEW_SECONDS = max(4, PATIENCE / 5)
UNKNOWN_ID = "0123456789abcdef"


def now_us():
    return time.time_ns() // 1000


def counts(entries):
    return {entry.reason: entry.count for entry in entries}


def subscribe_all(admin, topic, *peers):
    """Returns when it is in effect."""
    for peer in peers:
        peer.subscribe(topic)
    return admin.await_peers(len(peers), topic=topic)


def local_address(peer):
    return "%s:%d" % peer._socket.local_address  # pylint: disable=protected-access


# ---- status

@pytest.mark.parametrize("kind", SHAPES)
def test_the_status_has_the_counts(make_fleet, kind):
    before = now_us()
    fleet = make_fleet(kind)
    admin = fleet.admin()
    topic, other = new_topic(), new_topic()
    a, b, c = fleet.peer(0), fleet.peer(1), fleet.peer(0)
    a.subscribe(topic)
    b.subscribe(topic, other)
    admin.await_peers(2, topic=topic)
    a.relay(topic, *[b"hello"] * 5)
    a.relay("nobody is here", b"hello", b"hello")
    c.send(b"\xff")
    status = eventually(lambda: s if (s := admin.status()).relays == 7 else None, "seven relays")
    process = fleet.core or fleet.edges[0]
    assert (status.peers, status.topics, status.subscriptions) == (3, 2, 3)
    assert (status.relays, status.relays_unheard, status.deliveries) == (7, 2, 5)
    assert (status.edges, status.lanes) == ((1, 2) if kind == "all" else (2, 4))
    assert (status.peers_opened, status.peers_closed) == (3, 0)
    assert 0 < status.relays_per_second <= 0.7
    assert status.version == run("--version").stdout.split()[1]
    assert re.fullmatch("[0-9a-f]{16}", status.core_id)
    assert before <= status.started_us <= now_us()
    assert 0 < status.resident_bytes <= process.peak_resident_bytes()
    assert (status.records, status.record_bytes, status.held_queries, status.tls_not_after_us) == (0, 0, 0, 0)
    c.close()
    status = eventually(lambda: s if (s := admin.status()).peers == 2 else None, "two peers")
    assert (status.peers_opened, status.peers_closed) == (3, 1)
    status = eventually(lambda: s if (s := admin.status()).closes else None, "a close", FEW_SECONDS)
    assert counts(status.closes) == {"client_closed": 1}
    assert counts(status.drops) == {"cbor_malformed": 1}


# ---- one peer

def test_a_peer_is_described_as_it_is(fleet, admin):
    topics = sorted(new_topic() for _ in range(3))
    before = now_us()
    peer = fleet.peer(1)
    peer.subscribe(*topics)
    found = admin.peer(admin.await_id(topics[-1]))
    assert found.edge == fleet.edge_names()[-1] and found.lane < 2
    assert found.remote_address == local_address(peer)
    assert re.match(r"Python/3.* websockets/", found.user_agent)
    assert found.tls_version == ""
    assert before <= found.connected_since_us <= now_us()
    assert sorted(found.topics) == topics and found.topic_count == 3
    assert (found.closed_us, found.close_code, found.close_reason) == (0, 0, "")
    listed, = admin.peers({"topic": topics[0]})
    assert (listed.id, list(listed.topics), listed.topic_count) == (found.id, [], 3)
    listed, = admin.peers({"topic": topics[0]}, with_topics=True)
    assert sorted(listed.topics) == topics


def test_figures_move_with_traffic_and_are_at_most_a_few_seconds_old(fleet, admin):
    topic = new_topic()
    sender, receiver = fleet.peer(0), fleet.raw(1)
    ids = {peer.remote_address: peer.id for peer in subscribe_all(admin, topic, sender, receiver)}
    sender_id = ids.pop(local_address(sender))
    receiver_id, = ids.values()
    for round_number in (1, 2):
        sent = now_us()
        sender.relay(topic, *[bytes(100)] * 10)
        message = relay(topic, bytes(100))

        def moved(peer_id, field, value):
            def so():
                peer = admin.peer(peer_id)
                return peer if getattr(peer, field) == value else None
            return eventually(so, f"{field} of {value}", FEW_SECONDS)

        described = moved(sender_id, "messages_in", 1 + 10 * round_number)
        assert described.bytes_in == len(subscribe(topic)) + 10 * round_number * len(message)
        assert sent <= described.last_activity_us <= now_us()
        assert described.stats_age_us < FEW_SECONDS * 1e6
        assert described.dialect == "cbor"
        described = moved(receiver_id, "messages_out", 10 * round_number)
        assert described.bytes_out == 10 * round_number * len(frame(BINARY, message, key=None))
        assert described.messages_in == 1 and described.last_activity_us < sent
    rtt = eventually(lambda: admin.peer(sender_id).rtt_us, "a round trip", FEW_SECONDS)
    assert 0 < rtt < 1e6
    assert admin.peer(receiver_id).rtt_us == 0


def test_unread_data_of_a_client_is_shown(fleet, admin):
    topic = new_topic()
    deaf, sender = fleet.raw(0, receive_buffer=4096), fleet.peer(0)
    deaf.subscribe(topic)
    peer_id = admin.await_id(topic)
    # More than the kernel buffers, less than what closes the connection.
    deadline = Stopwatch()
    while not admin.peer(peer_id).queued_bytes:
        assert deadline.seconds < 20
        if not admin.peer(peer_id).closed_us:
            sender.relay(topic, bytes(30_000))
    assert 0 < admin.peer(peer_id).queued_bytes <= 1 << 20


def test_the_dialect_is_that_of_the_peers_messages(fleet, admin):
    topic = new_topic()
    v2 = fleet.peer(subprotocols=["cairn.signal.v2"])
    native, text, silent = fleet.peer(), fleet.peer(), fleet.peer()
    subscribe_all(admin, topic, v2, native, text)
    text.send(json.dumps({"type": "query", "topic": topic}))
    assert json.loads(text.receive())["type"] == "result"

    def dialects():
        return sorted(peer.dialect for peer in admin.peers({"topic": topic})) == ["cbor", "cbor-v2", "json"]
    eventually(dialects, "three dialects", FEW_SECONDS)
    for dialect in ("cbor", "cbor-v2", "json"):
        listed, = admin.peers({"topic": topic, "dialect": dialect})
        assert listed.dialect == dialect
    assert admin.await_peers(1, address_prefix=local_address(silent))[0].dialect == ""


@pytest.mark.parametrize("agent", [b"caf\xe9", b"\xff" * 300, b"x" * 255 + "\u00e9".encode()],
                         ids=["latin-1", "no text at all", "cut within a letter"])
def test_a_user_agent_that_is_not_utf8_is_accepted(fleet, admin, agent):
    topic = new_topic()
    bystander, sender = fleet.peer(0), fleet.peer(0)
    subscribe_all(admin, topic, bystander, sender)
    odd = [RawClient(fleet.address(0), request=upgrade_request(headers=[("User-Agent", agent.decode("latin-1"))]))
           for _ in range(4)]
    for one in odd:
        one.subscribe(topic)
    assert len(admin.await_peers(6, topic=topic)) == 6
    sender.relay(topic, b"hello")
    assert bystander.receive_relay() == (topic, b"hello")


def test_the_tls_version_and_the_expiry_of_the_certificate_are_reported(make_fleet, tmp_path):
    certificate = Certificate(tmp_path, "edge")
    fleet = make_fleet("cluster", *certificate.flags(), tls=trusting(certificate))
    admin = fleet.admin()
    topic = new_topic()
    fleet.peer(0).subscribe(topic)
    assert admin.await_peers(1, topic=topic)[0].tls_version == "TLSv1.3"
    text = ssl._ssl._test_decode_cert(str(certificate.cert))["notAfter"]  # pylint: disable=protected-access
    end_us = ssl.cert_time_to_seconds(text) * 1_000_000
    assert [edge.tls_not_after_us for edge in admin.edges()] == [end_us, end_us]
    assert admin.status().tls_not_after_us == end_us


def test_the_expiry_of_a_replaced_certificate_is_reported(make_fleet, tmp_path):
    certificate = Certificate(tmp_path, "edge")
    fleet = make_fleet("all", *certificate.flags(), tls=trusting(certificate))
    admin = fleet.admin()
    before = eventually(lambda: admin.status().tls_not_after_us, "the end of the first")
    longer = Certificate(tmp_path, "longer", days=40)
    certificate.cert.write_bytes(longer.cert.read_bytes())
    certificate.key.write_bytes(longer.key.read_bytes())
    fleet.edges[0].signal(signal.SIGHUP)
    eventually(lambda: admin.status().tls_not_after_us > before, "the end of the second")


@pytest.mark.parametrize("peer_id", [UNKNOWN_ID, "", "12", UNKNOWN_ID.upper(), "0" * 16, "no id"])
def test_an_unknown_id_is_not_found(admin, peer_id):
    with refused(Code.NOT_FOUND, peer_id):
        admin.peer(peer_id)
    with refused(Code.NOT_FOUND, peer_id):
        admin.disconnect(id=peer_id)


# ---- lists

def test_peers_are_filtered(fleet, admin):
    topic, other = new_topic(), new_topic()
    clients = [fleet.raw(index % 2, source=f"127.0.0.{index + 2}") for index in range(4)]
    for client in clients:
        client.subscribe(topic)
    clients[3].subscribe(other)
    peers = sorted(admin.await_peers(4, topic=topic), key=lambda peer: peer.remote_address)
    admin.await_peers(1, topic=other)
    assert [peer.remote_address.split(":")[0] for peer in peers] == [f"127.0.0.{n}" for n in (2, 3, 4, 5)]
    middle = sorted(peer.connected_since_us for peer in peers)[2]

    def hosts(**filter_fields):
        listed = admin.peers({"topic": topic, **filter_fields})
        return sorted(int(peer.remote_address.split(":")[0].split(".")[3]) for peer in listed)

    assert hosts(address_prefix="127.0.0.3:") == [3]
    assert hosts(address_prefix=peers[0].remote_address) == [2]
    assert hosts(address_prefix="192.0.2.") == []
    by_edge = [hosts(edge=name) for name in fleet.edge_names()]
    assert by_edge == ([[2, 3, 4, 5]] if fleet.kind == "all" else [[2, 4], [3, 5]])
    assert hosts(edge="nowhere") == hosts(edge="nort") == []
    # From that time on, and before it.
    assert len(hosts(connected_after_us=middle)) == 2 and len(hosts(connected_before_us=middle)) == 2
    assert hosts(connected_after_us=middle, connected_before_us=middle) == []
    assert hosts(address_prefix="127.0.0.5", edge=fleet.edge_names()[-1], connected_after_us=1) == [5]
    assert hosts(dialect="json") == []
    assert len(admin.peers({"topic": other})) == 1
    assert admin.peers({"topic": topic + "x"}) == []


SORTS = {"SORT_ID": "id", "SORT_CONNECTED_SINCE": "connected_since_us", "SORT_LAST_ACTIVITY": "last_activity_us",
         "SORT_MESSAGES_IN": "messages_in", "SORT_BYTES_IN": "bytes_in", "SORT_BYTES_OUT": "bytes_out",
         "SORT_QUEUED_BYTES": "queued_bytes", "SORT_RTT": "rtt_us"}


def test_peers_are_sorted_by_every_key_in_both_directions(fleet, admin):
    assert set(SORTS) == set(pb.ListPeersRequest.Sort.keys())
    topic = new_topic()
    peers = [fleet.peer() for _ in range(4)]
    subscribe_all(admin, topic, *peers)
    for number, peer in enumerate(peers):
        peer.relay(new_topic("elsewhere"), *[bytes(10)] * number)
    # Each receives the others' relays, so that the figures of all differ.
    # Not in one turn of a loop, which would give them one time.
    for number, peer in enumerate(peers):
        peer.relay(topic, bytes(1000 * number))
        for other in peers:
            if other is not peer:
                other.receive_relay()

    def reported():
        listed = admin.peers({"topic": topic})
        return all(len({getattr(peer, field) for peer in listed}) == 4
                   for sort, field in SORTS.items() if sort != "SORT_QUEUED_BYTES")
    eventually(reported, "figures that all differ")
    for sort, field in SORTS.items():
        rising = [getattr(peer, field) for peer in admin.peers({"topic": topic}, sort=sort)]
        falling = [getattr(peer, field) for peer in admin.peers({"topic": topic}, sort=sort, descending=True)]
        assert len(rising) == len(falling) == 4
        assert rising == sorted(rising), sort
        assert falling == sorted(falling, reverse=True), sort
    first, = admin.peers({"topic": topic}, sort="SORT_MESSAGES_IN", descending=True, limit=1)
    assert first.messages_in == 5


@pytest.fixture
def crowd(fleet, admin):
    """More than fit a page: the topic they share."""
    topic = new_topic("crowd")
    clients = [fleet.raw() for _ in range(300)]
    for number, client in enumerate(clients):
        client.subscribe(topic, f"{topic}/{number:03}")
    return topic, clients, admin.await_peers(300, topic=topic)


def test_long_lists_come_whole_and_page_by_page(admin, crowd):
    topic, clients, all_peers = crowd
    ids = [peer.id for peer in all_peers]
    assert ids == sorted(set(ids)) and len(ids) == 300
    wanted = {"topic": topic}
    assert [peer.id for peer in admin.peers(wanted, descending=True)] == ids[::-1]
    by_age = [(peer.connected_since_us, peer.id) for peer in admin.peers(wanted, sort="SORT_CONNECTED_SINCE")]
    assert by_age == sorted(by_age) and len(by_age) == 300
    for limit in (1, 127, 128, 129, 200, 299, 300, 1000):
        assert [peer.id for peer in admin.peers(wanted, limit=limit)] == ids[:limit]
        aged = admin.peers(wanted, limit=limit, sort="SORT_CONNECTED_SINCE")
        assert [(peer.connected_since_us, peer.id) for peer in aged] == by_age[:limit]
    # Page by page, while one leaves that has been listed and another comes.
    token, seen, calls = "", [], 0
    while calls == 0 or token:
        pages = admin.pages(filter=wanted, limit=70, page_token=token)
        assert all(not page.next_page_token for page in pages[:-1])
        seen += [peer.id for page in pages for peer in page.peers]
        token = pages[-1].next_page_token if pages else ""
        if calls == 0:
            admin.disconnect(id=seen[0])
        calls += 1
    assert seen == ids and calls == 5
    for client in clients[:10]:
        client.close()


def test_topics_are_listed_by_prefix_sort_and_limit(admin, crowd):
    topic, clients, _ = crowd
    names = [f"{topic}/{number:03}" for number in range(300)]
    assert [found.name for found in admin.topics(name_prefix=topic)] == [topic, *names]
    assert [found.name for found in admin.topics(name_prefix=f"{topic}/29")] == names[290:]
    assert [found.name for found in admin.topics(name_prefix=f"{topic}/", descending=True)] == names[::-1]
    assert admin.topics(name_prefix=topic + "x") == []
    for limit in (1, 128, 130, 1000, 2**31, 2**32 - 1):
        assert [found.name for found in admin.topics(name_prefix=f"{topic}/", limit=limit)] == names[:limit]
    most, = admin.topics(name_prefix=topic, sort="SORT_SUBSCRIBERS", descending=True, limit=1)
    assert (most.name, most.subscribers) == (topic, 300)
    for number, repeats in ((7, 3), (8, 1), (9, 2)):
        clients[0].relay(names[number], *[bytes(10)] * repeats)
    eventually(lambda: admin.topic(names[9]).relays == 2, "six relays")
    for sort in ("SORT_RELAYS", "SORT_RATE"):
        top = admin.topics(name_prefix=topic, sort=sort, descending=True, limit=4)
        assert [found.name for found in top] == [names[7], names[9], names[8], topic]
        assert [(found.relays, found.bytes) for found in top] == [(3, 30), (2, 20), (1, 10), (0, 0)]
        assert top[0].relays_per_second > top[1].relays_per_second > top[2].relays_per_second > 0
    rising = [found.relays for found in admin.topics(name_prefix=topic, sort="SORT_RELAYS")]
    assert rising == sorted(rising)


@pytest.mark.parametrize("request_fields", [
    {"page_token": "garbage"}, {"page_token": UNKNOWN_ID, "sort": "SORT_RTT"},
    {"page_token": UNKNOWN_ID, "descending": True}, {"page_token": UNKNOWN_ID, "closed": True}],
    ids=["garbage", "sorted", "descending", "closed"])
def test_page_tokens_that_make_no_sense_are_refused(admin, request_fields):
    with refused(Code.INVALID_ARGUMENT, "page_token"):
        admin.peers(**request_fields)


# ---- topics

def test_a_topic_is_described_as_it_is(fleet, admin):
    topic = new_topic()
    before = now_us()
    peers = [fleet.peer(index) for index in range(4)]
    subscribe_all(admin, topic, *peers[:3])
    found = admin.topic(topic)
    assert (found.name, found.subscribers, found.relays, found.bytes, found.last_relay_us) == (topic, 3, 0, 0, 0)
    assert 1 <= found.lanes <= 3 and before <= found.created_us <= now_us()
    assert sorted(found.peers) == [peer.id for peer in admin.peers({"topic": topic})]
    peers[3].relay(topic, bytes(100), bytes(200))
    found = eventually(lambda: t if (t := admin.topic(topic)).relays == 2 else None, "two relays")
    assert (found.bytes, found.subscribers) == (300, 3)
    assert before <= found.last_relay_us <= now_us() and found.relays_per_second > 0
    peers[0].unsubscribe(topic)
    peers[1].close()
    admin.await_peers(1, topic=topic)
    assert admin.topic(topic).subscribers == 1
    peers[2].unsubscribe(topic)
    admin.await_peers(0, topic=topic)
    with refused(Code.NOT_FOUND, topic):
        admin.topic(topic)
    assert admin.topics(name_prefix=topic) == []


@pytest.mark.parametrize("name", ["", "gr\u00fc\u00df dich \U0001f44b", "two\nlines", "nul\0nul", "%s {} '", "x" * 1024],
                         ids=["empty", "beyond ASCII", "newline", "NUL", "punctuation", "longest"])
def test_odd_names_are_names_too(fleet, admin, name):
    fleet.peer().subscribe(name)
    found = eventually(lambda: [topic for topic in admin.topics() if topic.name == name], "the topic")
    assert found[0].subscribers == 1
    found = admin.topic(name)
    assert (found.name, found.subscribers, len(found.peers)) == (name, 1, 1)
    assert list(admin.peer(found.peers[0]).topics) == [name]


def test_records_are_counted_but_not_shown(fleet, admin):
    topic = new_topic()
    secrets = [b"what nobody should see", b"nor this one"]
    subscriber = fleet.peer()
    subscribe_all(admin, topic, subscriber)
    for index, secret in enumerate(secrets):
        payload = base64.b64encode(secret).decode()
        fleet.peer(index).send(json.dumps({"type": "publish", "topic": topic, "payload": payload}))
    eventually(lambda: admin.topic(topic).records == 2, "two records")
    subscriber.unsubscribe(topic)
    # They outlive the interest in the topic.
    found = eventually(lambda: t if not (t := admin.topic(topic)).subscribers else None, "no subscribers")
    assert (found.name, found.records, found.peers) == (topic, 2, [])
    assert 0 <= found.newest_record_age_us <= found.oldest_record_age_us < FEW_SECONDS * 1e6
    status = admin.status()
    assert status.records >= 2 and status.record_bytes > sum(map(len, secrets))
    for secret in secrets:
        assert secret not in found.SerializeToString() and base64.b64encode(secret) not in found.SerializeToString()


# ---- edges

def test_edges_are_described_as_they_are(make_fleet):
    before = now_us()
    fleet = make_fleet("cluster")
    admin = fleet.admin()
    topic = new_topic()
    peers = [fleet.peer(0), fleet.peer(1), fleet.peer(1)]
    subscribe_all(admin, topic, *peers)
    peers[0].relay(topic, bytes(10))
    for peer in peers[1:]:
        assert peer.receive_relay() == (topic, bytes(10))
    peers[2].send(b"\xff")
    peers[2].close(4321)

    def told():
        edges = admin.edges()
        return edges if edges[0].messages_in and edges[1].closes and edges[1].frames_delivered == 2 else None
    north, south = sorted(eventually(told, "figures", FEW_SECONDS), key=lambda edge: edge.edge)
    assert (north.edge, south.edge) == ("north", "south")
    assert (north.lanes, south.lanes, north.peers, south.peers) == (2, 2, 1, 1)
    assert north.version == south.version == admin.status().version
    assert before <= north.connected_since_us <= now_us()
    assert (north.messages_in, north.frames_delivered, south.messages_in) == (2, 0, 3)
    assert counts(south.closes) == {"client_closed": 1} and sum(counts(south.drops).values()) == 1
    assert not north.draining and north.tls_not_after_us == 0
    eventually(lambda: not any(edge.backlog_bytes for edge in admin.edges()), "no backlog", FEW_SECONDS)


def test_an_edge_drains_on_order(make_fleet):
    fleet = make_fleet("cluster", "--drain", "3s")
    admin = fleet.admin()
    topic = new_topic()
    stays, goes = fleet.peer(0), fleet.peer(1)
    subscribe_all(admin, topic, stays, goes)
    with refused(Code.NOT_FOUND, "nowhere"):
        admin.drain("nowhere")
    south = fleet.edges[1]
    fleet.remove_edge(south)
    assert admin.drain("south") == 1
    eventually(lambda: (edge := admin.edge("south")) is None or edge.draining, "draining", FEW_SECONDS)
    closed = goes.wait_closed()
    assert (closed.code, closed.reason) == (1001, "draining")
    assert south.wait() == 0 and south.grep("draining reason=\"operator\"")
    eventually(lambda: [edge.edge for edge in admin.edges()] == ["north"], "one edge")
    assert [peer.edge for peer in admin.peers()] == ["north"]
    assert stays.is_open()


def test_one_process_drains_on_order(make_fleet):
    fleet = make_fleet("all")
    peer = fleet.peer()
    admin = fleet.admin()
    admin.await_peers(1)
    assert admin.drain("north") == 1
    assert peer.wait_closed().code == 1001
    assert fleet.edges[0].wait() == 0


# ---- disconnect

def test_one_peer_is_disconnected_by_id(fleet, admin):
    topic = new_topic()
    stays, goes = fleet.peer(0), fleet.peer(1)
    goes.subscribe(topic)
    peer_id = admin.await_id(topic)
    stays.subscribe(topic)
    admin.await_peers(2, topic=topic)
    assert admin.disconnect(id=peer_id) == 1
    closed = goes.wait_closed()
    assert (closed.code, closed.reason) == (1008, "operator")
    admin.await_peers(1, topic=topic)
    found = admin.await_closed(peer_id)
    assert (found.close_code, found.close_reason) == (1008, "operator")
    assert stays.is_open()
    with refused(Code.NOT_FOUND, peer_id):
        admin.disconnect(id=peer_id)


@pytest.mark.parametrize("code, reason", [(1000, "bye"), (1001, ""), (1014, "x" * 123), (3000, "gr\u00fc\u00dfe"),
                                          (4999, "moved: see https://example.com/why")],
                         ids=["1000", "1001", "1014", "3000", "4999"])
def test_code_and_reason_are_the_operators_own(fleet, admin, code, reason):
    topic = new_topic()
    peer = fleet.peer()
    peer.subscribe(topic)
    peer_id = admin.await_id(topic)
    admin.disconnect(id=peer_id, code=code, reason=reason)
    closed = peer.wait_closed()
    assert (closed.code, closed.reason) == (code, reason or "operator")
    found = admin.await_closed(peer_id)
    assert (found.close_code, found.close_reason) == (code, "operator")


def test_many_are_disconnected_by_topic_or_address(fleet, admin):
    topic, other = new_topic(), new_topic()
    here, there = [fleet.raw(source="127.0.0.77") for _ in range(3)], [fleet.raw(source="127.0.0.78") for _ in range(3)]
    for client in (*here, *there):
        client.subscribe(topic)
    there[0].subscribe(other)
    admin.await_peers(6, topic=topic)
    admin.await_peers(1, topic=other)
    assert admin.disconnect(topic=other, code=3001) == 1
    assert _close_of(there[0]) == (3001, "operator")
    assert admin.disconnect(address_prefix="127.0.0.77:", code=3002, reason="all of you") == 3
    for client in here:
        assert _close_of(client) == (3002, "all of you")
    admin.await_peers(2, topic=topic)
    assert admin.disconnect(topic=topic) == 2
    admin.await_peers(0, topic=topic)
    for target in ({"topic": topic}, {"topic": "nobody"}, {"address_prefix": "192.0.2."}, {"edge": "nowhere"}):
        assert admin.disconnect(**target) == 0


def _close_of(client):
    """Behind the server's pings."""
    while True:
        received = client.read_frame()
        if received.first_byte == FIN | CLOSE:
            return int.from_bytes(received.payload[:2], "big"), received.payload[2:].decode()


def test_all_peers_of_an_edge_are_disconnected(make_fleet):
    fleet = make_fleet("cluster")
    admin = fleet.admin()
    stays, goes = [fleet.peer(0) for _ in range(3)], [fleet.peer(1) for _ in range(3)]
    admin.await_peers(6)
    assert admin.disconnect(edge="south", code=4000, reason="maintenance") == 3
    for peer in goes:
        closed = peer.wait_closed()
        assert (closed.code, closed.reason) == (4000, "maintenance")
    assert [peer.edge for peer in admin.await_peers(3)] == ["north"] * 3
    assert all(peer.is_open() for peer in stays)
    fleet.peer(1)
    admin.await_peers(4)


BAD_ORDERS = {"no target": {}, "no topic": {"topic": ""}, "no address": {"address_prefix": ""}, "no edge": {"edge": ""},
              **{f"code {code}": {"topic": "nobody", "code": code}
                 for code in (1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 70000)},
              "long reason": {"topic": "nobody", "reason": "x" * 124},
              "long reason of few letters": {"topic": "nobody", "reason": "\u00e9" * 62}}


@pytest.mark.parametrize("fields", BAD_ORDERS.values(), ids=BAD_ORDERS)
def test_orders_that_cannot_be_carried_out_are_refused(fleet, admin, fields):
    peer = fleet.peer()
    peer.ping()
    with refused(Code.INVALID_ARGUMENT):
        admin.disconnect(**fields)
    peer.ping()


# ---- history

def test_the_history_is_filtered_too(fleet, admin):
    source = "127.0.0.98"
    clients = [fleet.raw(index, source=source) for index in range(4)]
    clients[0].subscribe(new_topic())
    peers = admin.await_peers(4, address_prefix=source)
    for client in clients:
        client.close()
    admin.await_peers(0, address_prefix=source)
    middle = sorted(peer.connected_since_us for peer in peers)[1]

    def closed(**filter_fields):
        return len(admin.peers({"address_prefix": source, **filter_fields}, closed=True))

    assert closed() == 4
    assert sum(closed(edge=name) for name in fleet.edge_names()) == 4 and closed(edge="nowhere") == 0
    assert (closed(connected_before_us=middle), closed(connected_after_us=middle)) == (1, 3)
    assert (closed(dialect="cbor"), closed(dialect="json")) == (1, 0)
    # Subscriptions are not kept.
    with refused(Code.INVALID_ARGUMENT, "topic"):
        closed(topic="anything")


# ---- log

@pytest.mark.parametrize("kind", SHAPES)
def test_the_log_level_is_set_for_core_and_edges_at_run_time(make_fleet, kind):
    fleet = make_fleet(kind)
    admin = fleet.admin()

    def refuse_upgrade(edge):
        connection = RawConnection(edge.address())
        connection.send(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.read_answer().status == 505
        return edge.grep("DEBUG .*upgrade_refused status=505")

    assert not any(refuse_upgrade(edge) for edge in fleet.edges)
    assert admin.set_log("warn,cairn_signal::edge=debug") == "info"
    for edge in fleet.edges:
        # An order reaches an edge a moment after it has been given.
        eventually(lambda edge=edge: refuse_upgrade(edge), "debug lines")
    core = fleet.core or fleet.edges[0]
    core.signal(signal.SIGHUP)
    assert admin.set_log("info") == "warn,cairn_signal::edge=debug"

    def reloaded():
        core.signal(signal.SIGHUP)
        return core.grep("INFO cairn_signal: reloaded what=grpc_tokens")
    eventually(reloaded, "info lines again")


def test_an_order_that_cannot_be_read_changes_nothing(fleet, admin):
    before = admin.set_log("info")
    with refused(Code.INVALID_ARGUMENT, "what is this"):
        admin.set_log("debug,what is this")
    assert before == "info" and admin.set_log("info") == "info"


# ---- what every gRPC server answers

def test_health_is_answered(admin):
    def status(service):
        return admin.health.Check(health.HealthCheckRequest(service=service), timeout=FEW_SECONDS).status

    assert status("") == health.HealthCheckResponse.SERVING
    with refused(Code.NOT_FOUND):
        status("no.such.Service")


def test_reflection_describes_the_services(admin):
    def ask(**request):
        requests = iter([reflection.ServerReflectionRequest(**request)])
        return next(iter(admin.reflection.ServerReflectionInfo(requests, timeout=FEW_SECONDS)))

    services = {service.name for service in ask(list_services="").list_services_response.service}
    assert {"cairn.signaling.v1.Admin", "cairn.signaling.v1.Lanes", "grpc.health.v1.Health"} <= services
    answer = ask(file_containing_symbol="cairn.signaling.v1.Admin").file_descriptor_response
    file = descriptor_pb2.FileDescriptorProto.FromString(answer.file_descriptor_proto[0])
    ours = descriptor_pb2.FileDescriptorProto()
    pb.DESCRIPTOR.CopyToProto(ours)
    assert file.service == ours.service and file.message_type == ours.message_type


def test_a_reader_who_leaves_in_the_middle_of_a_list_has_no_effect_on_others(fleet, admin, crowd):
    topic, _, _ = crowd
    for _ in range(20):
        caller = Admin((fleet.core or fleet.edges[0]).grpc_address())
        stream = caller.stub.ListPeers(pb.ListPeersRequest(sort="SORT_CONNECTED_SINCE"))
        next(stream)
        stream.cancel()
        caller.close()
    assert len(admin.peers({"topic": topic})) == 300

"""The published client libraries find each other: their imitations (clients/) against real servers.

The table in docs/CLIENTS.md comes from here: `pytest --junitxml=…` has the median of every pair, in ms, as a property.
"""
import collections
import hashlib
import itertools
import json
import random
import select
import signal
import socket
import statistics
import threading
import time

import pytest
from clients import recorder
from clients.go_client import GoClient, GoConnection, GoError
from clients.python_client import PeerInfo, PythonClient
from clients.rust_client import RustClient
from clients.typescript_client import TypeScriptClient
from conftest import SHAPES
from support.certificates import Certificate, trusting
from support.library_clients import node  # noqa: F401
from support.messages import new_topic
from support.ports import unused_port
from support.raw_client import CLOSE, FIN, PING, TEXT
from support.shape import Shape
from support.waiting import PATIENCE, Stopwatch, eventually

LANGUAGES = ["TypeScript", "Rust", "Go", "Python"]
SENDS_TOKEN = ["Rust", "Go", "Python"]
TOKEN = "a token of the tests"
# How long a library waits for an answer.
PATIENCE_SECONDS = {"TypeScript": 10, "Go": 5, "Python": 5}
ROUNDS = 5
# The longest hold: an answer that comes much earlier is due to the publish.
LONGEST_HOLD_SECONDS = 4
_random = random.Random(1)


@pytest.fixture(scope="module", params=SHAPES)
def meeting_place(request):
    """One loop an edge, so that messages of its clients take effect in the order of arrival."""
    shape = Shape(request.param, "--threads", "1", "--query-hold", f"{LONGEST_HOLD_SECONDS}s")
    yield shape
    shape.finish()


class Libraries:
    """Makes clients of each language, and closes them."""

    def __init__(self, node):
        self._node = node
        self._made = []

    def make(self, language, shape, edge=0, token=None):
        host, port = shape.address(edge)
        url = f"ws://{host}:{port}"
        if language == "TypeScript":
            client = TypeScriptClient(self._node, url)
        else:
            client = {"Rust": RustClient, "Go": GoClient, "Python": PythonClient}[language](url, token)
        self._made.append(client)
        return client

    def close(self):
        for client in self._made:
            client.close()
        self._made.clear()


@pytest.fixture
def libraries(node):
    made = Libraries(node)
    yield made
    made.close()


# ---- published records, and how others read them


def rendezvous():
    """A topic as the libraries have them: 32 bytes in hex."""
    return hashlib.sha256(new_topic().encode()).hexdigest()


def reachability(language):
    """The record that a library publishes: encrypted bytes, or plain addresses in Python."""
    if language == "Python":
        return PeerInfo(_random.randbytes(32), [f"/ip4/192.0.2.{_random.randrange(256)}/udp/4001/quic-v1",
                                                "tcp://[2001:db8::1]:4001", "relé.example:443"])
    return _random.randbytes(220)


def blob_of(published):
    if isinstance(published, PeerInfo):
        return json.dumps(published.addresses, separators=(",", ":"), ensure_ascii=False).encode()
    return published


def assert_found(language, found, published):
    """The result that the language's library returns for a query."""
    if language == "TypeScript":
        assert found == blob_of(published)
    elif language == "Rust":
        assert found is None
    elif language == "Go":
        assert found == [blob_of(published)]
    elif isinstance(published, PeerInfo):
        assert found == [published]
    else:
        assert [peer.addresses for peer in found] == [[published.hex()]]
        assert len(found[0].peer_id) == 8, "the id of the connection"


def nobody(language):
    return {"TypeScript": None, "Rust": None, "Go": [], "Python": []}[language]


def unread_frames(rust):
    """(first byte, payload) of what waits in the kernel for a client that never reads, and stays there."""
    try:
        data = rust.socket.recv(1 << 22, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        data = b""
    frames = []
    while len(data) >= 2:
        size, at = data[1], 2
        if size == 126:
            size, at = int.from_bytes(data[2:4], "big"), 4
        if len(data) < at + size:
            break
        frames.append((data[0], data[at:at + size]))
        data = data[at + size:]
    return frames


def await_unread_answer(rust):
    """The answer that the Rust library never looks at."""
    texts = eventually(lambda: [payload for first, payload in unread_frames(rust) if first == FIN | TEXT],
                       "an answer in the socket")
    assert len(texts) == 1
    return json.loads(texts[0])


def assert_answer(answer, topic, published):
    assert answer["type"] == "result" and answer["topic"] == topic
    assert [peer["addresses"] for peer in answer["peers"]] == [[blob_of(published).hex()]]


def routes(shape):
    """(name, edge of the publisher, edge of the querier)"""
    if shape.kind == "all":
        return [("one process", 0, 0)]
    if shape.kind == "fleet":
        # Each of its three cores with each.
        return [("one core", 0, 0), ("two cores", 0, 1), ("two cores", 1, 2), ("two cores", 2, 0)]
    return [("one edge", 0, 0), ("two edges", 0, 1)]


class Timings:
    """Medians, as properties of the test."""

    def __init__(self, record_property):
        self._record = record_property
        self._samples = collections.defaultdict(list)

    def add(self, name, seconds):
        self._samples[name].append(seconds)

    def write(self):
        for name, samples in self._samples.items():
            self._record(name, f"{statistics.median(samples) * 1000:.2f}")


@pytest.fixture
def timings(record_property):
    timings = Timings(record_property)
    yield timings
    timings.write()


# ---- pairs


@pytest.mark.parametrize("querier", LANGUAGES)
@pytest.mark.parametrize("publisher", LANGUAGES)
def test_a_query_returns_earlier_records(meeting_place, libraries, timings, publisher, querier):
    for (route, edge, other_edge), _ in itertools.product(routes(meeting_place), range(ROUNDS)):
        topic, published = rendezvous(), reachability(publisher)
        libraries.make(publisher, meeting_place, edge).publish(topic, published)
        meeting_place.settle(meeting_place.peer(edge))
        asking = libraries.make(querier, meeting_place, other_edge)
        watch = Stopwatch()
        found = asking.query(topic)
        if querier != "Rust":
            timings.add(route, watch.seconds)
        assert_found(querier, found, published)
        if querier == "Rust":
            assert_answer(await_unread_answer(asking), topic, published)


@pytest.mark.parametrize("querier", LANGUAGES)
@pytest.mark.parametrize("publisher", LANGUAGES)
def test_a_querier_that_waits_is_answered_by_the_publish(meeting_place, libraries, timings, publisher, querier):
    for (route, edge, other_edge), _ in itertools.product(routes(meeting_place), range(ROUNDS)):
        topic, published = rendezvous(), reachability(publisher)
        asking = libraries.make(querier, meeting_place, other_edge)
        publishing = libraries.make(publisher, meeting_place, edge)
        done = []
        thread = threading.Thread(target=lambda: done.append((asking.query(topic), time.monotonic())))
        thread.start()
        assert asking.said.wait(PATIENCE)
        # A later message has taken effect, and so has the query.
        meeting_place.settle(meeting_place.peer(other_edge))
        if querier != "Rust":
            assert thread.is_alive() and not done, "answered before anybody has published"
        watch, start = Stopwatch(), time.monotonic()
        publishing.publish(topic, published)
        if querier == "Rust":
            assert_answer(await_unread_answer(asking), topic, published)
            assert watch.seconds < LONGEST_HOLD_SECONDS / 2
        thread.join(PATIENCE)
        found, end = done[0]
        if querier != "Rust":
            timings.add(route, end - start)
            assert end - start < LONGEST_HOLD_SECONDS / 2
        assert_found(querier, found, published)


def ask_all(libraries, shape, topic):
    """{language: (its client, its result, seconds)}, all querying at the same time."""
    told = {}

    def ask(language, client):
        watch = Stopwatch()
        told[language] = (client, client.query(topic), watch.seconds)

    threads = [threading.Thread(target=ask, args=(language, libraries.make(language, shape))) for language in LANGUAGES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return told


def assert_told_that_nobody_is_there(told, hold_seconds):
    for language, (_, found, seconds) in told.items():
        assert found == nobody(language)
        if language != "Rust":
            assert hold_seconds <= seconds < PATIENCE_SECONDS[language], language
    assert told["Go"][0].attempts == 1 and not told["Go"][0].errors
    assert not told["Python"][0].timed_out and not told["Python"][0].errors
    assert await_unread_answer(told["Rust"][0])["payload"] is None


def test_a_peer_that_is_not_there_is_answered_empty_after_a_second(shape, libraries):
    assert_told_that_nobody_is_there(ask_all(libraries, shape, rendezvous()), 1)


def test_the_longest_hold_ends_before_any_library_gives_up(meeting_place, libraries):
    assert_told_that_nobody_is_there(ask_all(libraries, meeting_place, rendezvous()), LONGEST_HOLD_SECONDS)


def test_members_of_a_mesh_group_find_each_other_whatever_they_are_written_in(shape, libraries):
    topic = rendezvous()
    group = {language: reachability(language) for language in LANGUAGES}
    for edge, (language, published) in enumerate(group.items()):
        libraries.make(language, shape, edge).publish(topic, published)
    expected = sorted(blob_of(published) for published in group.values())
    found = eventually(lambda: [blobs for blobs in [libraries.make("Go", shape).query(topic)] if len(blobs) == 4],
                       "four members")[0]
    assert sorted(found) == expected
    for edge in (0, 1):
        peers = libraries.make("Python", shape, edge).query(topic)
        assert len(peers) == 4 and group["Python"] in peers
        assert libraries.make("TypeScript", shape, edge).query(topic) in expected


# ---- tokens


def test_libraries_that_can_send_a_token_find_each_other_and_others_are_refused(make_shape, libraries):
    shape = make_shape("--auth-token", TOKEN, "--query-hold", "100ms")
    for publisher, querier in itertools.product(SENDS_TOKEN, SENDS_TOKEN):
        topic, published = rendezvous(), reachability(publisher)
        libraries.make(publisher, shape, 0, TOKEN).publish(topic, published)
        asking = libraries.make(querier, shape, 1, TOKEN)
        if querier == "Rust":
            asking.query(topic)
            eventually(lambda: asking.query(topic) or unread_frames(asking), "an answer")
        else:
            found = eventually(lambda: asking.query(topic), "what was published")
            assert_found(querier, found, published)
    for publisher in LANGUAGES:
        topic = rendezvous()
        for token in (None, "wrong"):
            client = libraries.make(publisher, shape, 0, token)
            if publisher == "Go":
                client = GoClient(client._url, token, pause=lambda seconds: None)
            client.publish(topic, reachability(publisher))
            if publisher == "Go":
                assert client.attempts == 6 and {str(error)[:10] for error in client.errors} == {"bad status"}
        assert libraries.make("Go", shape, 1, TOKEN).query(topic) == []
        assert libraries.make("TypeScript", shape, 1).query(topic) is None


# ---- Rust: never reads, never pongs


def test_a_client_that_never_reads_stays_connected_and_found_while_many_pings_go_unanswered(start, make_cluster, libraries):
    ping_seconds = 0.5
    flags = ["--ping-interval", f"{ping_seconds}s", "--query-hold", "4s"]
    one, cluster = start(*flags), make_cluster(*flags)
    urls = [f"ws://{host}:{port}" for host, port in (one.address(), cluster.address(0), cluster.address(1))]
    clients = [RustClient(url) for url in urls]
    # Clients that find it: over the same process, and each over the other edge.
    finders = [urls[0], urls[2], urls[1]]
    topics = [rendezvous() for _ in urls]
    # Keeps a connection open for longer than the library does, so that its pings every 20 s are seen to be answered.
    listener = cluster.peer(0, ping_interval=20, ping_timeout=20)
    # Longer than the TCP user timeout of 30 s, which must not count data that a client leaves unread.
    watch, rounds = Stopwatch(), 0
    while watch.seconds < 32:
        rounds += 1
        for client, topic, finder in zip(clients, topics, finders):
            blob = b"%d of " % rounds + topic.encode()
            client.publish(topic, blob)
            # The newest word, or the one before when the question was faster than the answer.
            found = eventually(lambda: [blobs for blobs in [GoClient(finder).query(topic)] if blobs == [blob]], "found")
            assert found
        if rounds % 50 == 0:
            # An answer that it will not read either.
            for client, other in zip(clients, topics[1:] + topics[:1]):
                client.query(other)
    for client in clients:
        assert client.connections == 1
        frames = [first & 0xF for first, _ in unread_frames(client)]
        assert frames.count(PING) > 30 / ping_seconds * 0.8, "pings"
        assert frames.count(TEXT) >= 1 and CLOSE not in frames
        client.publish(topics[0], b"still there")
        client.close()
    assert listener.is_open() and listener._socket.latency > 0, "a ping of its own was answered"


# ---- Go: a strict handshake, one read, one connection an operation


@pytest.mark.parametrize("what,answer", [
    ("bad upgrade", lambda key: recorder.upgraded(key, connection="keep-alive, Upgrade")),
    ("extensions", lambda key: recorder.upgraded(key, "Sec-WebSocket-Extensions: permessage-deflate")),
    ("protocol", lambda key: recorder.upgraded(key, "Sec-WebSocket-Protocol: cairn.signal.v1")),
    ("challenge", lambda key: recorder.upgraded("another key")),
    ("status", lambda key: b"HTTP/1.1 200 OK\r\n\r\n"),
])
def test_the_go_imitation_refuses_what_the_library_would(what, answer):
    server = recorder.Recorder(answer)
    with pytest.raises(GoError, match=what):
        GoConnection(server.url)
    server.close()


@pytest.mark.parametrize("path", ["", "/", "/Signal?room=1"])
def test_go_connects_with_its_own_url_as_origin(shape, path):
    host, port = shape.address()
    GoConnection(f"ws://{host}:{port}{path}").close()


def publish_in_turn(publishing, asking, topic, count):
    """Blobs of 200 bytes, 0 first. Connections that follow each other may still overtake each other, so each waits."""
    for n in range(count):
        publishing.publish(topic, bytes([n]) * 200)
        eventually(lambda n=n: asking.query(topic)[0] == bytes([n]) * 200, f"blob {n}")


def test_the_largest_answer_fits_one_read_of_a_go_client(shape):
    topic = rendezvous()
    asking = GoClient("ws://%s:%d" % shape.address(1))
    publish_in_turn(GoClient("ws://%s:%d" % shape.address(0)), asking, topic, 16)
    found = asking.query(topic)
    assert found == [bytes([15 - n]) * 200 for n in range(len(found))] and 6 <= len(found) < 16
    assert not asking.errors


def test_the_largest_answer_is_one_record_of_tls(make_shape, tmp_path):
    certificate = Certificate(tmp_path, "server")
    shape = make_shape(*certificate.flags(), tls=trusting(certificate))
    topic, tls = rendezvous(), trusting(certificate)
    asking = GoClient("wss://%s:%d" % shape.address(1), tls=tls)
    publish_in_turn(GoClient("wss://%s:%d" % shape.address(0), tls=tls), asking, topic, 16)
    assert not asking.errors


def test_rust_has_no_tls(make_shape, tmp_path):
    certificate = Certificate(tmp_path, "server")
    shape = make_shape(*certificate.flags(), tls=trusting(certificate))
    topic = rendezvous()
    rust = RustClient("wss://%s:%d" % shape.address(0))
    rust.publish(topic, b"blob")
    assert rust.errors == ["TLS support not compiled in"] and rust.connections == 0
    assert GoClient("wss://%s:%d" % shape.address(1), tls=trusting(certificate)).query(topic) == []


def test_typescript_keeps_its_first_answer(shape, libraries):
    topic = rendezvous()
    publisher, asking = libraries.make("Go", shape, 0), libraries.make("TypeScript", shape, 1)
    publisher.publish(topic, b"first")
    shape.settle(shape.peer(0))
    assert asking.query(topic) == b"first"
    libraries.make("Go", shape, 0).publish(topic, b"second")
    shape.settle(shape.peer(0))
    assert libraries.make("TypeScript", shape, 1).query(topic) == b"second"
    assert asking.query(topic) == b"first"


def test_a_client_that_never_reads_loses_one_publish_to_a_server_that_drained_and_not_two(start):
    port = unused_port()
    flags = ["--listen-addr", f"127.0.0.1:{port}", "--ping-interval", "1s"]
    server = start(*flags)
    server.address()
    rust = RustClient(f"ws://127.0.0.1:{port}")
    rust.publish("unused", b"before")
    assert select.select([rust.socket], [], [], PATIENCE)[0], "a ping that it will not answer"
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    start(*flags).address()
    topic = rendezvous()
    rust.publish(topic, b"lost: the send fails")
    assert rust.socket is None, "it has noticed"
    rust.publish(topic, b"found: it has connected again")
    asking = GoClient(f"ws://127.0.0.1:{port}")
    assert eventually(lambda: asking.query(topic), "the second publish") == [b"found: it has connected again"]
    rust.close()


@pytest.mark.parametrize("language", ["TypeScript", "Rust", "Go"])
def test_two_clients_that_both_publish_and_query_find_each_other(shape, libraries, language):
    topic = rendezvous()
    pair = [libraries.make(language, shape, edge) for edge in (0, 1)]
    for name, client in zip((b"one", b"other"), pair):
        client.publish(topic, name)
    found = [client.query(topic) for client in pair]
    assert found == ([[b"one"], [b"other"]] if language == "Go" else [b"one", b"other"])


def test_announces_that_close_without_reading_leave_nothing_behind(shape):
    host, port = shape.address(0)
    edge = shape.edges[0]
    before = edge.open_files()
    topics = [rendezvous() for _ in range(100)]
    for topic in topics:
        GoClient(f"ws://{host}:{port}").publish(topic, topic.encode())
    url = "ws://%s:%d" % shape.address(1)
    for topic in topics:
        assert GoClient(url).query(topic) == [topic.encode()]
    eventually(lambda: edge.open_files() <= before, "all connections closed")


# ---- Python: acknowledged announces


def test_a_python_announce_is_acknowledged_and_over_at_once(shape, libraries):
    topic, info = rendezvous(), reachability("Python")
    client = libraries.make("Python", shape)
    watch = Stopwatch()
    assert client.publish(topic, info) == '{"type":"ack","topic":"%s"}' % topic
    assert watch.seconds < 2.5, "the library waits for 5 s when nothing comes"
    assert not client.timed_out and not client.errors

"""What operators see of how connections ended, and what clients still get that end in a hurry."""
import fcntl
import queue
import signal
import sys
import termios

import pytest
from support.admin_api import Admin, Code, Fleet, lane_pb, refused
from support.certificates import Certificate, trusting
from support.fake_lane import new_hello, peer_id_of
from support.messages import new_topic, relay
from support.raw_client import TEXT, binary, close_frame, frame
from support.waiting import eventually, now_us

SHAPES = ["all", "cluster"]
MAX_HISTORY = 10_000


# ---- how connections end


@pytest.fixture(scope="module", params=SHAPES)
def module_fleet(request):
    started = Fleet(request.param)
    yield started
    started.finish()


@pytest.fixture(scope="module")
def admin(module_fleet):
    return module_fleet.admin()


@pytest.fixture(scope="module")
def tls_fleet(tmp_path_factory):
    certificate = Certificate(tmp_path_factory.mktemp("tls"), "edge")
    started = Fleet("all", *certificate.flags(), tls=trusting(certificate))
    yield started
    started.finish()


def close_and_reset(client):
    client.send(close_frame(1001))
    client.reset()


ENDS = {
    "a Close frame": (lambda client: client.send(close_frame(4444, b"bye")), "client_closed", 4444),
    "a Close frame without a code": (lambda client: client.send(close_frame()), "client_closed", 0),
    "a Close frame, then the end of the stream": (
        lambda client: (client.send(close_frame(1000)), client.half_close()), "client_closed", 1000),
    "a Close frame, then both ends closed": (
        lambda client: (client.send(close_frame(1000)), client.close()), "client_closed", 1000),
    "a Close frame, then a reset": (close_and_reset, "client_closed", 1001),
    "the end of the stream": (lambda client: client.half_close(), "client_gone", 0),
    "both ends closed": (lambda client: client.close(), "client_gone", 0),
    "a reset": (lambda client: client.reset(), "connection_lost", 0),
    "a broken frame": (lambda client: client.send(frame(0x3)), "protocol_error", 1002),
    "text that is none": (lambda client: client.send(frame(TEXT, b"\xff")), "bad_utf8", 1007),
    "a long topic": (lambda client: client.subscribe("x" * 1025), "topic_too_long", 1008),
    "many topics": (lambda client: client.subscribe(*(f"t{n}" for n in range(1025))), "too_many_topics", 1008),
    "a big message": (lambda client: client.send(binary(bytes(65537))), "message_too_big", 1009),
}


@pytest.mark.parametrize("end, reason, code", ENDS.values(), ids=ENDS)
def test_the_history_tells_how_a_connection_ended(module_fleet, admin, end, reason, code):
    started, topic = now_us(), new_topic()
    client = module_fleet.raw()
    client.subscribe(topic)
    peer_id = admin.await_id(topic)
    end(client)
    closed = admin.await_closed(peer_id)
    assert (closed.close_reason, closed.close_code) == (reason, code)
    assert started <= closed.connected_since_us <= closed.closed_us <= now_us()
    assert [peer.id for peer in admin.peers(closed=True)].count(peer_id) == 1
    module_fleet.assert_running()


TLS_ENDS = {
    "a Close frame": (lambda client: client.send(close_frame(4444)), "client_closed", 4444),
    "close_notify": (lambda client: client.socket.unwrap(), "client_gone", 0),
    "the end of the stream": (lambda client: client.half_close(), "client_gone", 0),
    "a reset": (lambda client: client.reset(), "connection_lost", 0),
}


@pytest.mark.parametrize("end, reason, code", TLS_ENDS.values(), ids=TLS_ENDS)
def test_the_history_tells_how_a_tls_connection_ended(tls_fleet, end, reason, code):
    admin, topic = tls_fleet.admin(), new_topic()
    client = tls_fleet.raw()
    client.subscribe(topic)
    peer_id = admin.await_id(topic)
    end(client)
    closed = admin.await_closed(peer_id)
    assert (closed.close_reason, closed.close_code) == (reason, code)


@pytest.fixture
def one_loop():
    started = Fleet("all", "--threads", "1", "--max-queued-bytes", str(64 << 20), "--rate-messages", "0", "--rate-deliveries", "0")
    yield started
    started.finish()


def untaken_bytes(connection):
    """Data that the other side's kernel has not acknowledged yet."""
    return int.from_bytes(fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def test_last_relays_of_a_client_that_disconnects_without_reading_are_delivered(one_loop):
    """It has closed both ends when the server writes to it, and more of what it said is there than one read takes."""
    server, admin = one_loop.edges[0], one_loop.admin()
    sender, last = one_loop.raw(), 1000

    def leave():
        """Of a client whose last words all wait in the kernel of the stopped server; None if it would not take them."""
        words, noise = new_topic("words"), new_topic("noise")
        witness, client = one_loop.raw(), one_loop.raw()
        witness.subscribe(words)
        client.subscribe(noise)
        peer_id = admin.await_id(noise)
        admin.await_peers(1, topic=words)
        word = relay(words, bytes(1000))
        # The kernel takes much ahead of the server once it has seen it read much.
        client.send(binary(word) * 4000)
        for _ in range(4000):
            assert witness.read_message() == word
        server.signal(signal.SIGSTOP)
        try:
            client.socket.settimeout(1)
            client.send(binary(word) * last, close_frame(4000))
            eventually(lambda: untaken_bytes(client.socket) == 0, "the server's kernel", within=1)
        except (TimeoutError, AssertionError):
            return None
        else:
            sender.send(binary(relay(noise, bytes(1000))) * 100)
            return peer_id, witness, word
        finally:
            client.close()
            server.signal(signal.SIGCONT)

    peer_id, witness, word = eventually(leave, "a kernel that takes it all")
    for _ in range(last):
        assert witness.read_message() == word
    closed = admin.await_closed(peer_id)
    assert (closed.close_reason, closed.close_code) == ("client_closed", 4000)


def test_the_history_is_bounded_and_keeps_the_newest(start):
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0")
    admin, edge, more = Admin(core.grpc_address()), Admin(core.grpc_address()), 100
    hello = new_hello("test")
    total = MAX_HISTORY + more

    def events(first, last):
        for number in range(first, last):
            peer = peer_id_of(hello.secret, number)
            yield lane_pb.LaneEvent(kind="KIND_PEER_OPENED", peer=peer, proof=number)
            yield lane_pb.LaneEvent(kind="KIND_PEER_CLOSED", peer=peer, close_code=4000, close_reason="client_closed")

    requests = queue.SimpleQueue()
    requests.put(lane_pb.LaneToCore(hello=hello))
    for number, first in enumerate(range(1, total + 1, 1000), 1):
        requests.put(lane_pb.LaneToCore(number=number, events=events(first, min(first + 1000, total + 1))))
    # As edges say it, who have a connection for each lane: any other one has a small receive buffer (SECURITY.md).
    lane = edge.lanes.Open(iter(requests.get, None), metadata=[("cairn-connection", "one-call")])
    assert next(lane).HasField("welcome")
    eventually(lambda: admin.status().peers_closed == total, "all of them closed")
    listed = [int(peer.id, 16) for peer in admin.peers(closed=True)]
    assert listed == [peer_id_of(hello.secret, number) for number in range(total, more, -1)]
    assert {(peer.close_reason, peer.close_code) for peer in admin.peers(closed=True, limit=10)} == {
        ("client_closed", 4000)}
    assert [int(peer.id, 16) for peer in admin.peers(closed=True, limit=200)] == listed[:200]
    with refused(Code.NOT_FOUND):
        admin.peer(f"{peer_id_of(hello.secret, more):016x}")
    assert admin.peer(f"{peer_id_of(hello.secret, more + 1):016x}").closed_us
    requests.put(None)
    lane.cancel()
    edge.close()
    admin.close()

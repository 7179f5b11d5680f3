"""The server's own pings: they keep idle connections alive, and detect dead peers."""
import pytest
from support.messages import new_topic, relay
from support.peer import Peer
from support.raw_client import FIN, PING, PONG, RawClient, frame
from support.waiting import Stopwatch

INTERVAL = 0.2
FLAGS = ["--ping-interval", "200ms"]
A_PING = (FIN | PING, b"")


@pytest.fixture
def address(start):
    return start(*FLAGS).address()


def read_pings(client, count, answer=False):
    for _ in range(count):
        assert client.read_frame() == A_PING
        if answer:
            client.send(frame(PONG))


def test_pings_come_at_their_interval_and_not_before(address):
    client = RawClient(address)
    watch = Stopwatch()
    read_pings(client, 5)
    assert 5 * INTERVAL - 0.1 < watch.seconds < 10 * INTERVAL


def test_a_client_that_answers_stays(address):
    client = RawClient(address)
    read_pings(client, 6, answer=True)


def test_a_client_that_never_answers_stays(address):
    client = RawClient(address)
    read_pings(client, 6)
    client.send(frame(PING, b"hello"))
    assert client.read_frame() == (FIN | PONG, b"hello")


@pytest.mark.parametrize("answers", [1, 3])
def test_a_client_that_has_answered_and_misses_a_ping_is_closed_with_1011(address, answers):
    client = RawClient(address)
    read_pings(client, answers, answer=True)
    watch = Stopwatch()
    assert client.read_frame() == A_PING
    assert client.read_close() == (1011, "pong_timeout")
    assert watch.seconds < 6 * INTERVAL


def test_messages_do_not_stand_for_a_pong(address):
    client = RawClient(address)
    read_pings(client, 1, answer=True)
    assert client.read_frame() == A_PING
    client.relay("anything", b"I am busy")
    assert client.read_close() == (1011, "pong_timeout")


def test_relays_of_a_client_that_never_reads_are_delivered(make_shape):
    shape = make_shape(*FLAGS)
    topic = new_topic()
    deaf, listener, clock = shape.raw(0), shape.raw(1), shape.raw(1)
    listener.subscribe(topic)
    read_pings(clock, 6)
    deaf.relay(topic, b"hello")
    received = listener.read_frame()
    while received == A_PING:
        received = listener.read_frame()
    assert received.payload == relay(topic, b"hello")


def test_a_library_that_answers_by_itself_stays(address):
    peer, clock = Peer("ws://%s:%d/" % address), RawClient(address)
    read_pings(clock, 6)
    peer.ping()


def test_a_library_that_pings_by_itself_is_content(address):
    peer = Peer("ws://%s:%d/" % address, ping_interval=0.05, ping_timeout=2)
    read_pings(RawClient(address), 5)
    assert peer.is_open()
    peer.ping()

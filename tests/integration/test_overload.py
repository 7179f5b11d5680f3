"""Clients that do not read, silent connections, and a process without file descriptors: others are still served."""
import resource
import time

import pytest
from support.messages import new_topic, relay
from support.process import sanitizer
from support.raw_client import BINARY, FIN, PING, PONG, RawClient, RawConnection, frame, upgrade_request
from support.waiting import Stopwatch, eventually

MIB = 1 << 20
DEBUG_LOG = {"CAIRN_SIGNAL_LOG": "debug"}
SLOW_READER = (1013, "slow_reader")
# What AddressSanitizer and ThreadSanitizer make of a byte.
MEMORY_FACTOR = {None: 1, "asan": 4, "tsan": 8}[sanitizer()]


def assert_alive(client):
    client.send(frame(PING, b"alive"))
    assert client.read_frame() == (FIN | PONG, b"alive")


# ---- clients that do not read

class Flood:
    """Relays to a topic that a good subscriber reads, one by one, and others are subscribed to that do not."""

    def __init__(self, shape, slow_readers):
        self.topic = new_topic()
        self.good, self.sender = shape.raw(0), shape.raw(1)
        self.slow = [shape.raw(receive_buffer=4096) for _ in range(slow_readers)]
        for client in (self.good, *self.slow):
            client.subscribe(self.topic)
        shape.settle(self.good, *self.slow)

    def relay(self, count, size=60_000):
        for step in range(count):
            message = relay(self.topic, step.to_bytes(4, "big") * (size // 4))
            self.sender.send(frame(BINARY, message))
            assert self.good.read_message() == message

    def await_end_of_slow_readers(self, shape):
        def all_ended():
            return sum(len(edge.grep("connection_closed reason=slow_reader")) for edge in shape.edges) == len(self.slow)

        eventually(all_ended, "the end of those who do not read")


def test_a_client_that_does_not_read_is_closed_with_1013_after_what_it_has_been_sent(make_shape):
    shape = make_shape(env=DEBUG_LOG)
    flood = Flood(shape, 1)
    flood.relay(60)
    flood.await_end_of_slow_readers(shape)
    [slow] = flood.slow
    received = slow.read_frame()
    count = 0
    while received.first_byte == FIN | BINARY:
        count += 1
        received = slow.read_frame()
    assert (int.from_bytes(received.payload[:2], "big"), received.payload[2:].decode()) == SLOW_READER
    assert 0 < count < 60
    slow.expect_end()
    assert_alive(flood.good)


def test_clients_that_do_not_read_cost_little_memory_and_do_not_delay_others(make_shape):
    shape = make_shape(env=DEBUG_LOG)
    flood = Flood(shape, 30)
    before = {process.pid: process.peak_resident_bytes() for process in shape.processes()}
    flood.relay(1000)
    for process in shape.processes():
        # Each may have 1 MiB queued, in a buffer that has grown to twice that; 60 MB were sent to each.
        growth = process.peak_resident_bytes() - before[process.pid]
        assert growth < 100 * MIB * MEMORY_FACTOR, f"{growth / MIB:.0f} MiB"
    flood.await_end_of_slow_readers(shape)
    assert_alive(flood.good)


def test_the_queue_of_a_slow_reader_can_be_configured(make_shape):
    shape = make_shape("--max-queued-bytes", str(64 * MIB))
    flood = Flood(shape, 2)
    flood.relay(200)
    for slow in flood.slow:
        for step in range(200):
            assert slow.read_message() == relay(flood.topic, step.to_bytes(4, "big") * 15_000)


# ---- silent connections

def test_ten_thousand_silent_connections_neither_delay_a_client_nor_stay(start):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(10_000, hard - 1000)
    assert count >= 1000, f"{hard} open files are too few to try"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        server = start("--handshake-timeout", "4s", "--threads", "2", "--max-handshakes", "20000")
        address = server.address()
        before = server.open_files()
        silent = [RawConnection(address) for _ in range(count)]
        watch = Stopwatch()
        assert_alive(RawClient(address))
        assert watch.seconds < 1
        eventually(lambda: server.open_files() >= before + count, "all of them accepted")
        # They get a 408; then they are closed whether they read it or not.
        eventually(lambda: server.open_files() <= before + 10, "the end of the silent connections", every=0.1)
        assert silent[0].read_answer().status == 408
        assert_alive(RawClient(address))
        for connection in silent:
            connection.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("said", [b"", upgrade_request()[:50]], ids=["nothing", "half a request"])
@pytest.mark.parametrize("end", ["close", "reset", "half_close"])
def test_connections_that_end_before_their_upgrade_are_forgotten_at_once(start, said, end):
    server = start()
    address = server.address()
    assert_alive(RawClient(address))
    before = server.open_files()
    connections = [RawConnection(address) for _ in range(50)]
    for connection in connections:
        connection.send(said)
        getattr(connection, end)()
    eventually(lambda: server.open_files() <= before, "their descriptors closed", within=5)


@pytest.mark.parametrize("end", ["close", "reset", "half_close"])
def test_clients_that_end_without_a_close_are_forgotten_at_once(start, end):
    server = start()
    address = server.address()
    assert_alive(RawClient(address))
    before = server.open_files()
    clients = [RawClient(address) for _ in range(50)]
    for client in clients:
        client.subscribe("topic")
        client.send(frame(BINARY, b"unfinished", first_bits=0)[:-3])
        getattr(client, end)()
    eventually(lambda: server.open_files() <= before, "their descriptors closed", within=5)


def test_a_connection_whose_socket_is_open_in_a_child_too_is_forgotten_all_the_same(start):
    server = start("--threads", "1")
    address = server.address()
    client = RawClient(address)
    assert_alive(client)
    before = server.open_files()
    with server.copy_of_socket(client.socket.getsockname()):
        client.reset()
        eventually(lambda: server.open_files() < before, "its descriptor closed")
        busy, other = server.cpu_seconds(), RawClient(address)
        time.sleep(0.5)
        assert server.cpu_seconds() - busy < 0.25, "it is woken again and again by what it has closed"
        assert_alive(other)


def test_relays_to_a_client_that_has_closed_its_half_do_not_bring_it_back(make_shape):
    shape = make_shape()
    topic = new_topic()
    leaving, staying, sender = shape.raw(0), shape.raw(0), shape.raw(1)
    for client in (leaving, staying):
        client.subscribe(topic)
    shape.settle(leaving, staying)
    leaving.half_close()
    leaving.expect_end()
    sender.relay(topic, b"hello")
    assert staying.read_message() == relay(topic, b"hello")


# ---- no file descriptors

def test_without_file_descriptors_open_connections_go_on_and_new_ones_wait(start):
    server = start("--threads", "1", open_files=64)
    address = server.address()
    topic = new_topic()
    subscriber, sender = RawClient(address), RawClient(address)
    subscriber.subscribe(topic)
    assert_alive(subscriber)
    inside, waiting = [], []

    def fill():
        connection = RawConnection(address)
        connection.send(upgrade_request())
        inside.append(connection)
        return server.grep("accept_failed")

    eventually(fill, "the end of the descriptors")
    assert len(inside) < 64
    for _ in range(10):
        waiting.append(RawConnection(address))
        waiting[-1].send(upgrade_request(), frame(PING, b"at last"))
    for step in range(100):
        sender.relay(topic, b"%d" % step)
        assert subscriber.read_message() == relay(topic, b"%d" % step)
    assert len(server.grep("accept_failed")) == 1
    for connection in inside:
        connection.close()
    for connection in waiting:
        assert connection.read_answer().status == 101
        assert connection.read_frame() == (FIN | PONG, b"at last")
    server.wait_for_log("accept_resumed")
    assert len(server.grep("accept_failed")) == 1
    assert_alive(subscriber)

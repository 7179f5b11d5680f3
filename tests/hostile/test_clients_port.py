"""Strangers and peers at the clients' port that use as much as they can: others are still served, and memory is bounded."""
import subprocess
import time
import urllib.request

import pytest
from hostile_measures import SANITIZER_FACTOR
from support import process
from support.certificates import Certificate, trusting
from support.messages import new_topic, relay, subscribe
from support.peer import Peer
from support.process import clean_environment, sanitizer, with_defaults
from support.raw_client import CLOSE, FIN, PING, PONG, TEXT, RawClient, RawConnection, binary, frame
from support.v2_client import SUBPROTOCOL, V2Client
from support.waiting import Stopwatch, eventually

MIB = 1 << 20


def assert_alive(client):
    client.send(frame(PING, b"alive"))
    assert client.read_frame_but_pings() == (FIN | PONG, b"alive")


def scraped(address, name):
    host, port = address
    metrics = urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=10).read().decode()
    [value] = [line.split()[1] for line in metrics.splitlines() if line.split()[0] == name]
    return float(value)


def metric(server, name):
    return scraped(server.ops_address(), name)


def closes(server, reason):
    return len(server.grep(f"connection_closed reason={reason}$"))


# ---- silent connections

def test_silent_connections_take_no_place_of_clients(start):
    server = start("--max-connections", "5", "--max-handshakes", "50", "--threads", "1",
                   env={"CAIRN_SIGNAL_LOG": "debug"})
    address = server.address()
    silent = [RawConnection(address) for _ in range(200)]
    clients = [RawClient(address) for _ in range(5)]
    for client in clients:
        assert_alive(client)
    assert RawClient(address).read_close() == (1013, "edge_full")
    # The oldest are closed first, before their time-out.
    eventually(lambda: closes(server, "too_many_handshakes") >= 150, "the end of the oldest", within=5)
    for connection in silent[:150]:
        connection.expect_end()


def test_silent_connections_give_their_descriptors_back_when_none_are_left(start):
    server = start("--threads", "1", "--handshake-timeout", "60s", open_files=64)
    address = server.address()
    silent = [RawConnection(address) for _ in range(200)]
    server.wait_for_log("accept_failed")
    watch = Stopwatch()
    assert_alive(RawClient(address))
    assert watch.seconds < 15
    for connection in silent:
        connection.close()


# ---- the kernel's memory for watching sockets

def test_a_kernel_that_cannot_watch_more_sockets_costs_only_that_client(start):
    preload = process.binary().with_name("epoll_full.so")
    if sanitizer():
        pytest.skip("a sanitizer's runtime must be loaded first")
    server = start("--threads", "1", env={"LD_PRELOAD": str(preload), "EPOLL_ADDS": "3"})
    address = server.address()
    inside = [RawClient(address) for _ in range(3)]
    for _ in range(5):
        RawConnection(address).wait_end()
    for client in inside:
        assert_alive(client)
    server.wait_for_log('overload_close reason=edge_full error="No space left on device"')


def test_a_kernel_that_cannot_watch_more_sockets_keeps_an_edge_from_its_core_and_does_not_end_it(start):
    preload = process.binary().with_name("epoll_full.so")
    if sanitizer():
        pytest.skip("a sanitizer's runtime must be loaded first")
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0")
    edge = start("--role", "edge", "--core", core.grpc_address(), "--threads", "1",
                 env={"LD_PRELOAD": str(preload), "EPOLL_ADDS": "0"})
    edge.wait_for_log("core_link_lost lane=0 .*No space left on device")
    RawConnection(edge.address()).wait_end()
    assert edge.is_running(), edge.tail()


# ---- clients that do not read

@pytest.fixture(params=["ws", "wss"])
def make_client(request, start, tmp_path):
    certificate = Certificate(tmp_path, "server") if request.param == "wss" else None
    server = start("--threads", "1", *(certificate.flags() if certificate else []))
    tls = trusting(certificate) if certificate else None
    return lambda **options: RawClient(server.address(), tls=tls, **options)


def test_a_client_that_reads_late_gets_every_relay_and_its_pongs(make_client):
    topic, late, sender = new_topic(), make_client(receive_buffer=4096), make_client()
    late.subscribe(topic)
    assert_alive(late)
    for number in range(200):
        sender.relay(topic, b"%04d" % number + bytes(4000))
        if number % 50 == 25:
            assert_alive(sender)
            late.send(frame(PING, b"late"))
    assert_alive(sender)
    pongs, number = 0, 0
    while number < 200 or pongs < 4:
        received = late.read_frame()
        if received == (FIN | PONG, b"late"):
            pongs += 1
        else:
            assert received.payload == relay(topic, b"%04d" % number + bytes(4000))
            number += 1
    assert_alive(late)


def test_a_client_that_reads_too_late_gets_the_begun_frame_and_1013(make_client):
    topic, late, sender = new_topic(), make_client(receive_buffer=4096), make_client()
    late.subscribe(topic)
    assert_alive(late)
    for number in range(600):
        sender.relay(topic, b"%04d" % number + bytes(4000))
    assert_alive(sender)
    number = 0
    while (received := late.read_frame()).first_byte != FIN | CLOSE:
        assert received.payload == relay(topic, b"%04d" % number + bytes(4000))
        number += 1
    assert received.payload == (1013).to_bytes(2, "big") + b"slow_reader" and 0 < number < 600


def test_many_clients_that_do_not_read_share_one_bound(start):
    server = start("--max-queued-total", str(16 * MIB), "--threads", "1", env={"CAIRN_SIGNAL_LOG": "debug"})
    address, topic = server.address(), new_topic()
    good, sender = RawClient(address), RawClient(address)
    slow = [RawClient(address, receive_buffer=4096) for _ in range(60)]
    for client in (good, *slow):
        client.subscribe(topic)
        assert_alive(client)
    before = server.peak_resident_bytes()
    message = relay(topic, bytes(60_000))
    # What each may have waiting for itself, 1 MiB, is not reached: together it would be 60 MiB.
    for _ in range(17):
        sender.send(binary(message))
        assert good.read_message() == message
    eventually(lambda: closes(server, "queues_full") >= 30, "the end of the longest queues")
    assert closes(server, "slow_reader") == 0
    growth = server.peak_resident_bytes() - before
    assert growth < 40 * MIB * SANITIZER_FACTOR, f"{growth / MIB:.0f} MiB"
    assert_alive(good)


def test_clients_that_do_not_read_do_not_end_a_process_of_1_gib():
    if sanitizer():
        pytest.skip("a sanitizer reserves terabytes of addresses")
    server = process.ServerProcess(*with_defaults(["--threads", "2"]), wrapper=["prlimit", "--as=1073741824"])
    try:
        address, topic = server.address(), new_topic()
        good, sender = RawClient(address), RawClient(address)
        slow = [RawClient(address, receive_buffer=4096) for _ in range(1200)]
        for client in (good, *slow):
            client.subscribe(topic)
        for client in (good, *slow):
            assert_alive(client)
        message = relay(topic, bytes(60_000))
        for _ in range(30):
            sender.send(binary(message))
            assert good.read_message() == message
        assert_alive(good)
    finally:
        for client in slow:
            client.close()
        server.finish()


# ---- clients above the message rate

def test_a_client_above_the_message_rate_is_read_later_and_loses_nothing(make_shape):
    shape = make_shape("--rate-messages", "100")
    topic = new_topic()
    receiver, loud, quiet = shape.raw(0), shape.raw(1), shape.raw(1)
    receiver.subscribe(topic)
    shape.settle(receiver)
    watch = Stopwatch()
    loud.relay(topic, *(b"%d" % number for number in range(1300)))
    times = []
    for number in range(1300):
        assert receiver.read_message() == relay(topic, b"%d" % number)
        times.append(watch.seconds)
        if number == 1000:
            assert_alive(quiet)
    assert times[990] < 1, times[990]
    assert times[1199] > 1.5 and 2.5 < times[1299] < 6, (times[1199], times[1299])


def test_garbage_and_text_count_as_messages_too(start):
    server = start("--rate-messages", "100", "--threads", "1", "--ops-listen-addr", "127.0.0.1:0")
    for number, said in enumerate((binary(b"\xff"), frame(TEXT, b"garbage"), frame(PING, b"p")), start=1):
        client = RawClient(server.address())
        client.send(said * 1100)
        eventually(lambda: metric(server, "cairn_signal_rate_pauses_total") >= number, f"a pause after {said!r}")


def test_a_client_of_v2_is_told_that_it_is_rate_limited(start):
    server = start("--rate-messages", "100", "--max-topics", "2000")
    host, port = server.address()
    client = V2Client(Peer(f"ws://{host}:{port}/", subprotocols=[SUBPROTOCOL]))
    client.send(*(subscribe(f"topic {number}") for number in range(1050)))
    told = [client.receive() for _ in range(1025)]
    assert [fields["code"] for name, fields in told if name == "Error"] == ["rate_messages"]
    assert sum(name == "Subscribed" for name, _ in told) == 1024


def test_without_a_message_rate_no_client_is_delayed(start):
    address = start("--rate-messages", "0").address()
    client = RawClient(address)
    watch = Stopwatch()
    for _ in range(10):
        client.send(binary(relay("topic", b"")) * 5000)
    assert_alive(client)
    assert watch.seconds < 5 * SANITIZER_FACTOR


def test_a_client_that_leaves_while_it_awaits_its_turn_is_forgotten(start):
    server = start("--rate-messages", "10", "--threads", "1")
    address = server.address()
    assert_alive(RawClient(address))
    before = server.open_files()
    clients = [RawClient(address) for _ in range(20)]
    for client in clients:
        client.send(binary(relay("topic", b"")) * 200)
    time.sleep(0.2)
    busy = server.cpu_seconds()
    for client in clients:
        client.reset()
    eventually(lambda: server.open_files() <= before, "their descriptors closed", within=5)
    assert server.cpu_seconds() - busy < 0.5


# ---- a log that is not read

@pytest.mark.parametrize("number", [15, 2], ids=["SIGTERM", "SIGINT"])
def test_a_log_that_is_not_read_delays_neither_clients_nor_the_exit(number):
    server = subprocess.Popen(
        [str(process.binary()), *with_defaults(["--threads", "1", "--log-peers", "--ops-listen-addr", "127.0.0.1:0"])],
        env=clean_environment({"CAIRN_SIGNAL_LOG": "debug"}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        addresses = {}
        while len(addresses) < 2:
            line = server.stdout.readline()
            for field in ("url=ws://", "ops="):
                if f"listening {field}" in line:
                    host, port = line.split(field)[1].split()[0].split(":")
                    addresses[field] = host, int(port)
        # From here on the log is not read. Each connection is at least two lines; more than pipe and queue hold.
        for _ in range(60):
            for connection in [RawConnection(addresses["url=ws://"]) for _ in range(200)]:
                connection.close()
        client = RawClient(addresses["url=ws://"])
        for _ in range(20):
            assert_alive(client)
        eventually(lambda: scraped(addresses["ops="], "cairn_signal_log_lines_dropped_total") > 0, "lines that were dropped")
        server.send_signal(number)
        assert client.read_close() == (1001, "draining")
        assert server.wait(10) == 0
    finally:
        server.kill()
        server.communicate()

"""The memory of an edge and its core when much must be resent, or when clients send without end."""
import contextlib
import socket
import threading

import pytest
from support.breakable_cluster import BreakableCluster
from support.messages import relay, subscribe, unsubscribe
from support.ops import scrape
from support.process import sanitizer
from support.raw_client import BINARY, FIN, PING, PONG, RawClient, frame
from support.sequence_load import SequenceLoad

MIB = 1 << 20
# What waits for the core in each of an edge's two loops may cost 16 MiB, by default.
BACKLOG = 2 * 16 * MIB
# What messages on their way, and memory that is not given back at once, may take besides.
SLACK = 100 * MIB
NO_MASK = bytes(4)
# Clients that send as much as they can.
NO_RATE = ["--rate-messages", "0", "--rate-deliveries", "0"]

pytestmark = pytest.mark.skipif(sanitizer() is not None, reason="a sanitizer's own memory is not the server's")


def said(*all_messages):
    """Bytes of frames that take the test no work to mask."""
    return b"".join(frame(BINARY, message, key=NO_MASK) for message in all_messages)


def grown(process, before):
    return (process.peak_resident_bytes() - before) // MIB


@pytest.fixture
def full_cluster():
    """An edge whose clients have topics of more bytes than a gRPC message of a core may have, all within the limits."""
    with BreakableCluster(2, loops=1) as cluster:
        clients = [RawClient(cluster.edges[0].address()) for _ in range(290)]
        burst = said(*(subscribe(f"{number:04}".ljust(1020, "x")) for number in range(1020)))
        for client in clients:
            client.send(burst, frame(PING, b"all"))
        for client in clients:
            assert client.read_frame() == (FIN | PONG, b"all")
        with SequenceLoad(cluster.addresses(), rate=100) as load:
            yield cluster, load
        for client in clients:
            client.close()


def assert_memory_is_bounded_and_nothing_lost(cluster, load, break_it):
    edge = cluster.edges[0]
    edge.forget_peak()
    before = edge.resident_bytes()
    break_it()
    cluster.await_links()
    load.run(1)
    load.finish().assert_clean(expected=50)
    assert grown(edge, before) < (BACKLOG + SLACK) // MIB, f"more than {before // MIB} MiB before, in MiB"


def test_an_edge_with_very_many_topics_returns_to_a_new_core(full_cluster):
    cluster, load = full_cluster

    def replace_core():
        cluster.kill_core()
        cluster.start_core()

    assert_memory_is_bounded_and_nothing_lost(cluster, load, replace_core)


def test_an_edge_with_very_many_topics_returns_after_a_break_of_its_link(full_cluster):
    cluster, load = full_cluster

    def break_link():
        cluster.links[0].cut()
        load.run(0.3)
        cluster.links[0].restore()

    assert_memory_is_bounded_and_nothing_lost(cluster, load, break_link)


class Flood:
    """Clients of one edge that repeat a message as fast as they are read. For a `with` block."""

    def __init__(self, address, burst, clients):
        self._clients = [RawClient(address) for _ in range(clients)]
        self._burst = burst
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=[client], daemon=True) for client in self._clients]
        self.bursts = 0

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def _send(self, client):
        try:
            while not self._is_over.is_set():
                client.send(self._burst)
                self.bursts += 1
        except OSError:
            pass

    def __exit__(self, *_):
        self._is_over.set()
        for client in self._clients:
            # Wakes the thread that sends, which close() does not.
            with contextlib.suppress(OSError):
                client.socket.shutdown(socket.SHUT_RDWR)
            client.close()
        for thread in self._threads:
            thread.join()


def slow_down(core, cluster, seconds):
    """A core that is busy with other things most of the time."""
    ended = threading.Event()

    def stop_and_go():
        while not ended.wait(0.05):
            cluster.stop(core)
            ended.wait(0.35)
            cluster.go_on(core)

    thread = threading.Thread(target=stop_and_go)
    thread.start()
    ended.wait(seconds)
    ended.set()
    thread.join()


CHURN = said(*(message(f"{number:04}".ljust(1000, "c")) for number in range(200) for message in (subscribe, unsubscribe)))


@pytest.mark.parametrize("core_is", ["fast", "slow"])
def test_clients_that_subscribe_and_unsubscribe_without_end(core_is):
    with (BreakableCluster(2, edge_flags=NO_RATE) as cluster,
          SequenceLoad(cluster.addresses(), rate=100) as load):
        edge, core = cluster.edges[0], cluster.core
        before = edge.resident_bytes(), core.resident_bytes()
        with Flood(edge.address(), CHURN, clients=3) as flood:
            if core_is == "slow":
                slow_down(core, cluster, seconds=4)
            else:
                load.run(3)
            assert flood.bursts > 20
        assert grown(edge, before[0]) < (BACKLOG + SLACK) // MIB
        assert grown(core, before[1]) < (BACKLOG + SLACK) // MIB
        load.finish(within=15).assert_clean(expected=50)


def test_relays_of_nothing_count_too():
    """A relay costs more than its payload."""
    batch = 20_000
    with BreakableCluster(2, edge_flags=NO_RATE) as cluster:
        edge = cluster.edges[0]
        before = edge.resident_bytes()
        cluster.stop(cluster.core)
        with Flood(edge.address(), said(*[relay("t", b"")] * batch), clients=4) as flood:
            threading.Event().wait(4)
            paused = scrape(edge).get("paused_connections")
            bursts = flood.bursts
        cluster.go_on(cluster.core)
        assert grown(edge, before) < (BACKLOG + SLACK) // MIB, f"after {bursts * batch:,} relays"
        assert paused > 0
        cluster.await_links()

"""How a server ends: clients are closed, spread over the drain window, and no new connection is refused meanwhile."""
import collections
import itertools
import signal
import threading

import pytest
from support.messages import decode_relay, new_topic, numbered
from support.ops import OPS, scrape
from support.peer import Peer, PeerClosed, await_hearing
from support.raw_client import RawClient, RawConnection, upgrade_request
from support.waiting import PATIENCE, Stopwatch, eventually

DRAINING = (1001, "draining")


def url(server):
    return "ws://%s:%d/" % server.address()


def close_times(clients, watch):
    """When each client was closed, in seconds on the watch, ascending; all with 1001."""
    times, threads = [], []

    def await_close(client):
        assert client.read_close() == DRAINING
        times.append(watch.seconds)
        client.close()

    for client in clients:
        threads.append(threading.Thread(target=await_close, args=[client], daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(times) == len(clients), f"{len(times)} of {len(clients)} were told"
    return sorted(times)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_all_clients_with_1001_and_exits_with_0(start, number):
    server = start("--drain", "0s")
    clients = [RawClient(server.address()) for _ in range(20)]
    server.signal(number)
    for client in clients:
        assert client.read_close() == DRAINING
        client.close()
    assert server.wait() == 0
    assert server.grep("INFO .* draining") and server.grep("INFO .* stopped")
    assert server.grep("edge_closes reason=draining count=20")


def test_closes_are_spread_evenly_over_the_drain_window(start):
    server = start("--drain", "2s", "--threads", "2")
    clients = [RawClient(server.address()) for _ in range(50)]
    server.signal(signal.SIGTERM)
    server.wait_for_log("draining")
    times = close_times(clients, Stopwatch())
    assert times[-1] < 2.5
    # Of an even spread, each quarter of the window has a quarter of the closes.
    quarters = [sum(1 for time in times if i * 0.5 <= time < (i + 1) * 0.5) for i in range(4)]
    assert min(quarters) >= 6 and max(quarters) <= 20, quarters
    assert server.wait() == 0


def test_a_server_without_clients_ends_at_once(start):
    server = start("--drain", "30s")
    server.address()
    watch = Stopwatch()
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert watch.seconds < 3


def test_a_client_that_does_not_answer_the_close_does_not_hold_up_the_end(start):
    server = start("--drain", "0s")
    stubborn = [RawClient(server.address()) for _ in range(3)]
    watch = Stopwatch()
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert watch.seconds < 5
    assert all(client.read_close() == DRAINING for client in stubborn)


def test_relays_sent_during_the_drain_reach_clients_that_are_still_connected(make_shape):
    shape = make_shape("--drain", "1500ms")
    topic = new_topic()
    subscribers = [shape.peer(0) for _ in range(20)]
    for subscriber in subscribers:
        subscriber.subscribe(topic)
    shape.settle(*subscribers)
    # They are closed among the others; until the last one is closed, there are relays to receive.
    senders = {index: shape.peer(0) for index in range(10)}
    shape.edges[0].signal(signal.SIGTERM)
    for step in itertools.count():
        still_open = sum(subscriber.is_open() for subscriber in subscribers)
        for index, sender in list(senders.items()):
            try:
                sender.relay(topic, b"%d:%d:%d" % (index, step, still_open))
            except PeerClosed:
                del senders[index]
        if not senders:
            break
    heard_late = 0
    for subscriber in subscribers:
        received, closed = subscriber.receive_rest()
        assert (closed.code, closed.reason) == DRAINING
        steps = collections.defaultdict(list)
        for message in received:
            index, step, open_then = map(int, decode_relay(message)[1].split(b":"))
            steps[index].append(step)
            heard_late += open_then < len(subscribers)
        # Up to its own end it has missed nothing.
        assert all(heard == list(range(len(heard))) for heard in steps.values())
    assert heard_late > 0, "nobody heard anything after the first had been closed"


def test_a_client_in_its_handshake_gets_1001_after_it(start):
    server = start("--drain", "1s")
    connection = RawConnection(server.address())
    server.signal(signal.SIGTERM)
    server.wait_for_log("draining")
    connection.send(upgrade_request())
    assert connection.read_answer().status == 101
    assert connection.read_close() == DRAINING


def test_a_second_signal_ends_it_at_once(start):
    server = start("--drain", "30s")
    client = RawClient(server.address())
    server.signal(signal.SIGTERM)
    server.wait_for_log("draining")
    watch = Stopwatch()
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert watch.seconds < 2
    client.wait_end()


def test_a_second_process_on_the_same_port_takes_over_without_a_refusal(start):
    first = start("--drain", "1s", "--threads", "2")
    host, port = first.address()
    clients = [Peer(url(first)) for _ in range(20)]
    failures, served, stop = [], [], threading.Event()

    def connect_again_and_again():
        while not stop.is_set():
            try:
                client = RawClient((host, port))
                served.append(client.answer.status)
                client.close()
            except Exception as failure:  # pylint: disable=broad-except
                failures.append(repr(failure))

    threads = [threading.Thread(target=connect_again_and_again, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    second = start("--listen-addr", f"{host}:{port}", "--threads", "2")
    second.address()
    eventually(lambda: len(served) > 200, "connections while there are two")
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    so_far = len(served)
    eventually(lambda: len(served) > so_far + 200, "connections after the first has ended")
    stop.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert not failures, f"{len(failures)} of {len(served) + len(failures)}: {failures[:5]}"
    assert all(client.wait_closed().code == 1001 for client in clients)
    again, other = Peer(url(second)), Peer(url(second))
    again.subscribe("takeover")
    await_hearing(again, other, "takeover")


def test_edges_that_start_after_one_has_handed_over_share_the_port_with_those_that_were_there(make_cluster):
    cluster = make_cluster("--drain", "0s", env=OPS)
    oldest = cluster.edges[0]
    host, port = oldest.address()
    there = cluster.start_edge_at(f"{host}:{port}")
    for _ in range(2):
        oldest.signal(signal.SIGTERM)
        assert oldest.wait() == 0
        cluster.remove_edge(oldest)
        new = cluster.start_edge_at(f"{host}:{port}")
        before = [scrape(edge).get("connections_accepted_total") for edge in (there, new)]
        for _ in range(60):
            RawClient((host, port)).close()
        shares = [scrape(edge).get("connections_accepted_total") - count for edge, count in zip((there, new), before)]
        assert sum(shares) == 60 and min(shares) > 5, shares
        oldest, there = there, new


def test_clients_of_one_edge_notice_nothing_of_the_drain_of_another(make_cluster):
    cluster = make_cluster("--drain", "300ms")
    topic = new_topic()
    subscriber, sender, leaving = cluster.peer(0), cluster.peer(0), cluster.peer(1)
    subscriber.subscribe(topic)
    cluster.settle(subscriber)
    cluster.edges[1].signal(signal.SIGTERM)
    payloads = numbered(200)
    sender.relay(topic, *payloads)
    closed = leaving.wait_closed()
    assert (closed.code, closed.reason) == DRAINING
    assert subscriber.receive_payloads(topic, 200) == payloads
    assert cluster.edges[1].wait() == 0

"""Peers whose small messages cause much work: others are still served, and memory is bounded."""
import base64
import contextlib
import json
import multiprocessing
import selectors
import time

import pytest
from support.messages import new_topic, relay
from support.raw_client import FIN, PING, PONG, TEXT, RawClient, binary, frame
from support.v2_client import SUBPROTOCOL, V2Client
from support.waiting import Stopwatch, eventually

from hostile_measures import SANITIZER_FACTOR, Latency, metric

MIB = 1 << 20
# The longest delay of others' relays.
PATIENCE = 0.050 * SANITIZER_FACTOR


def text(message):
    return frame(TEXT, json.dumps(message).encode())


def publish(topic, blob):
    return text({"type": "publish", "topic": topic, "payload": base64.b64encode(blob).decode()})


def query(topic):
    return text({"type": "query", "topic": topic})


def assert_alive(client):
    """All of its messages have been handled."""
    client.send(frame(PING, b"alive"))
    while client.read_frame() != (FIN | PONG, b"alive"):
        pass


def ask(client, topic):
    client.send(query(topic))
    return json.loads(client.read_frame().payload)


def _read_on(clients, ended):
    selector = selectors.DefaultSelector()
    for client in clients:
        client.socket.setblocking(False)
        selector.register(client.socket, selectors.EVENT_READ)
    while not ended.is_set():
        for key, _ in selector.select(0.1):
            try:
                over = not key.fileobj.recv(1 << 20)
            except BlockingIOError:
                over = False
            except OSError:
                over = True
            if over:
                selector.unregister(key.fileobj)


@contextlib.contextmanager
def readers(clients):
    """Their messages are read by another process, so that this one's clock is not slowed."""
    context = multiprocessing.get_context("fork")
    ended = context.Event()
    process = context.Process(target=_read_on, args=(clients, ended), daemon=True)
    process.start()
    try:
        yield
    finally:
        ended.set()
        process.join()


# ---- one sender, many subscribers

@pytest.mark.parametrize("bursts", [1, 10])
def test_a_burst_to_many_subscribers_does_not_delay_others(make_shape, bursts):
    shape = make_shape("--threads", "1", "--ops-listen-addr", "127.0.0.1:0")
    topic = new_topic()
    subscribers = [shape.raw(1) for _ in range(400)]
    for subscriber in subscribers:
        subscriber.subscribe(topic)
    with readers(subscribers[:-1]):
        shape.settle(subscribers[-1])
        loud = [shape.raw(0) for _ in range(bursts)]
        with Latency(shape, (0, 1)) as attacked:
            for client in loud:
                client.send(binary(relay(topic, b"tiny")) * 1900)
            attacked.measure(1.5)
        assert attacked.p99 < PATIENCE, attacked
    # Each may send such a burst, and is then not read for a while.
    assert sum(metric(edge, "cairn_signal_delivery_pauses_total") for edge in shape.edges) >= bursts


def test_relays_to_too_many_subscribers_are_delivered_later_and_completely(make_shape):
    shape = make_shape("--rate-deliveries", "500", "--threads", "1")
    topic = new_topic()
    subscribers = [shape.raw(number) for number in range(100)]
    for subscriber in subscribers:
        subscriber.subscribe(topic)
    shape.settle(*subscribers)
    loud = V2Client(shape.peer(0, subprotocols=[SUBPROTOCOL]))
    watch = Stopwatch()
    payloads = [b"%d" % number for number in range(24)]
    # One by one: the messages of one read are handled together.
    for payload in payloads:
        loud.send(relay(topic, payload))
        time.sleep(0.01)
    for subscriber in subscribers[:3] + subscribers[-3:]:
        for payload in payloads:
            assert subscriber.read_message() == relay(topic, payload)
    assert 0.8 < watch.seconds < 10 * SANITIZER_FACTOR, watch.seconds
    name, fields = loud.receive()
    assert (name, fields["code"]) == ("Error", "rate_deliveries")
    loud.assert_told_nothing_more()


def test_without_a_delivery_rate_no_client_is_delayed(start):
    server = start("--rate-deliveries", "0", "--threads", "1", "--ops-listen-addr", "127.0.0.1:0",
                   "--max-queued-bytes", str(8 * MIB))
    topic = new_topic()
    subscribers = [RawClient(server.address()) for _ in range(200)]
    for subscriber in subscribers:
        subscriber.subscribe(topic)
        assert_alive(subscriber)
    loud = RawClient(server.address())
    with readers(subscribers):
        loud.send(binary(relay(topic, b"tiny")) * 1000)
        eventually(lambda: metric(server, "cairn_signal_relays_delivered_total") == 200_000, "all of it", within=10 * SANITIZER_FACTOR)
    assert metric(server, "cairn_signal_delivery_pauses_total") == 0


# ---- queries

def test_queries_for_large_records_cost_neither_memory_nor_others_their_time(make_shape):
    shape = make_shape("--threads", "1")
    topics = [new_topic() for _ in range(64)]
    for topic in topics:
        publishers = [shape.raw(0, source="127.0.0.2") for _ in range(4)]
        for publisher in publishers:
            publisher.send(publish(topic, topic.encode() + bytes(46_000)))
            assert_alive(publisher)
            publisher.close()
    asking = [shape.raw(1) for _ in range(60)]
    questions = b"".join(query(topic) for topic in topics)
    processes = [*shape.edges, *([shape.core] if shape.core else [])]
    before = [process.resident_bytes() for process in processes]
    with readers(asking), Latency(shape, (0, 1)) as attacked:
        for client in asking:
            client.send(questions)
        attacked.measure(2)
        peaks = [process.peak_resident_bytes() for process in processes]
    shape.assert_running()
    assert attacked.p99 < PATIENCE, attacked
    for process, low, high in zip(processes, before, peaks):
        # The queues of 60 clients, and the data in flight.
        assert high - low < 100 * MIB, (process, low, high)


def test_a_record_that_no_answer_could_hold_is_refused(make_shape):
    shape = make_shape("--max-message-bytes", str(MIB), "--max-queued-bytes", str(2 * MIB))
    topic = new_topic()
    client = shape.raw(0)
    addresses = ["g" * 8000] * 9
    client.send(text({"type": "announce", "topic": topic, "addresses": addresses}))
    assert json.loads(client.read_frame().payload) == {"type": "error", "topic": topic, "reason": "record_too_large"}
    client.send(publish(topic, bytes(60_000)))
    assert_alive(client)
    assert ask(shape.raw(1), topic)["payload"] is None


# ---- records

def test_a_publisher_that_fills_the_store_loses_its_own_records(make_shape):
    shape = make_shape("--rate-messages", "0")
    topics = [new_topic() for _ in range(20)]
    victims = [shape.raw(0) for _ in topics]
    for victim, topic in zip(victims, topics):
        victim.send(publish(topic, b"victim's"))
        assert_alive(victim)
    blob = base64.b64encode(bytes(48_000)).decode()
    for number in range(2):
        hostile = shape.raw(1, source="127.0.0.3")
        for part in range(14):
            hostile.send(b"".join(text({"type": "publish", "topic": f"{number} {part} {i}", "payload": blob}) for i in range(50)))
        assert_alive(hostile)
    shape.settle(hostile)
    asking = shape.raw(0)
    for topic in topics:
        assert base64.b64decode(ask(asking, topic)["payload"] or b"") == b"victim's"


def test_many_announces_do_not_hide_a_topic(make_shape):
    shape = make_shape()
    topic = new_topic()
    victim, hostile, asking = shape.raw(0, source="127.0.0.2"), shape.raw(1, source="127.0.0.3"), shape.raw(0)
    victim.send(text({"type": "announce", "topic": topic, "addresses": ["cafe"], "peer_id": "0a"}))
    victim.read_frame()
    shape.settle(victim)
    for number in range(40):
        hostile.send(text({"type": "announce", "topic": topic, "addresses": ["00" * 300], "peer_id": "%04x" % number}))
        hostile.read_frame()
    shape.settle(hostile)
    # Also in an answer that has room for few.
    assert [peer["peer_id"] for peer in ask(asking, topic)["peers"]][:2] == ["0027", "0a"]

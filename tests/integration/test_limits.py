"""Every bound of an edge: what happens to a client that exceeds it, and that others are not affected."""
import pytest
from support.messages import largest_payload, new_topic, relay, subscribe, unsubscribe
from support.raw_client import (BINARY, CONTINUATION, FIN, PING, PONG, RawClient, RawConnection, binary, frame,
                                upgrade_request)
from support.waiting import eventually

TOO_MANY_TOPICS = (1008, "too_many_topics")
TOPIC_TOO_LONG = (1008, "topic_too_long")
TOO_BIG = (1009, "message_too_big")
EDGE_FULL = (1013, "edge_full")
ADDRESS_FULL = (1013, "address_full")


def assert_alive(client):
    client.send(frame(PING, b"alive"))
    assert client.read_frame() == (FIN | PONG, b"alive")


# ---- topics

def test_one_topic_more_than_allowed_closes_with_1008(make_shape):
    shape = make_shape("--max-topics", "3")
    client = shape.raw()
    client.subscribe("a", "b", "c")
    assert_alive(client)
    client.subscribe("d")
    assert client.read_close() == TOO_MANY_TOPICS


def test_a_topic_counts_once_until_its_unsubscribe(make_shape):
    shape = make_shape("--max-topics", "3")
    client = shape.raw()
    client.subscribe("a", "b", "c", "a", "b", "c")
    client.unsubscribe("b", "never")
    client.subscribe("d", "d")
    shape.settle(client)
    for topic in ("a", "b", "c", "d"):
        shape.raw().relay(topic, topic.encode())
    assert {client.read_message() for _ in range(3)} == {relay(topic, topic.encode()) for topic in "acd"}
    assert_alive(client)


@pytest.mark.parametrize("message", [subscribe, unsubscribe, lambda topic: relay(topic, b"hello")],
                         ids=["Subscribe", "Unsubscribe", "Relay"])
def test_a_topic_longer_than_allowed_closes_with_1008(make_shape, message):
    shape = make_shape("--max-topic-bytes", "10")
    client = shape.raw()
    client.send(binary(message("0123456789")))
    assert_alive(client)
    # Bytes count, not characters.
    client.send(binary(message("012345678\u00e9")))
    assert client.read_close() == TOPIC_TOO_LONG


def test_the_default_length_of_a_topic_is_1024_bytes(shape):
    client = shape.raw()
    client.subscribe("x" * 1024)
    assert_alive(client)
    client.subscribe("x" * 1025)
    assert client.read_close() == TOPIC_TOO_LONG


# ---- connections

def await_room(shape, **options):
    """A client that is accepted as soon as the edge has noticed that another has disconnected."""
    def connect():
        client = shape.raw(0, **options)
        client.send(frame(PING, b"in?"))
        return client if client.read_frame() == (FIN | PONG, b"in?") else None
    return eventually(connect, "room for a client")


def test_a_connection_more_than_allowed_is_closed_with_1013_until_another_ends(make_shape):
    shape = make_shape("--max-connections", "3")
    clients = [shape.raw(0) for _ in range(3)]
    for _ in range(5):
        assert shape.raw(0).read_close() == EDGE_FULL
    for client in clients:
        assert_alive(client)
    clients[1].close()
    await_room(shape)
    assert shape.raw(0).read_close() == EDGE_FULL


def test_a_silent_connection_takes_no_place(make_shape):
    # One loop: it accepts in the order of arrival.
    shape = make_shape("--max-connections", "1", "--threads", "1")
    shape.connection(0)
    inside = shape.raw(0)
    assert_alive(inside)
    assert shape.raw(0).read_close() == EDGE_FULL
    assert_alive(inside)


def test_a_connection_more_than_allowed_from_one_address_is_closed_with_1013(make_shape):
    shape = make_shape("--max-connections-per-ip", "2")
    first, second = shape.raw(0), shape.raw(0)
    assert shape.raw(0).read_close() == ADDRESS_FULL
    elsewhere = shape.raw(0, source="127.0.0.2")
    for client in (first, second, elsewhere):
        assert_alive(client)
    second.reset()
    await_room(shape)
    assert shape.raw(0).read_close() == ADDRESS_FULL


def test_when_too_many_are_being_refused_more_are_closed_without_an_answer(start):
    address = start("--max-connections", "1", "--threads", "1").address()
    inside = RawClient(address)
    assert_alive(inside)
    refused = [RawClient(address) for _ in range(256)]
    RawConnection(address).expect_end()
    assert_alive(inside)
    for connection in refused:
        connection.close()

    def is_answered():
        connection = RawConnection(address)
        connection.send(upgrade_request())
        return connection.wait_end().endswith(b"edge_full")

    eventually(is_answered, "an answer again")
    assert_alive(inside)


# ---- sizes

@pytest.mark.parametrize("fragments", [1, 7])
def test_a_message_longer_than_allowed_closes_with_1009(make_shape, fragments):
    shape = make_shape("--max-message-bytes", "1000")
    topic = new_topic()
    subscriber = shape.raw()
    subscriber.subscribe(topic)
    shape.settle(subscriber)
    message = relay(topic, largest_payload(topic, 1000))

    def send(client, data):
        size = len(data) // fragments + 1
        parts = [data[i:i + size] for i in range(0, len(data), size)]
        client.send(*(frame(BINARY if i == 0 else CONTINUATION, part, first_bits=FIN if i == len(parts) - 1 else 0)
                      for i, part in enumerate(parts)))

    client = shape.raw()
    send(client, message)
    assert subscriber.read_message() == message
    send(client, message + b"\0")
    assert client.read_close() == TOO_BIG


def test_the_limit_can_be_raised_to_that_of_the_reference(make_shape):
    size = 16 << 20
    shape = make_shape("--max-message-bytes", str(size), "--max-queued-bytes", str(2 * size))
    topic = new_topic()
    subscriber, sender = shape.raw(), shape.raw()
    subscriber.subscribe(topic)
    shape.settle(subscriber)
    message = relay(topic, largest_payload(topic, size))
    sender.send(binary(message), binary(relay(topic, b"next")))
    assert subscriber.read_message() == message
    assert subscriber.read_message() == relay(topic, b"next")
    sender.send(binary(message + b"\0")[:100])
    assert sender.read_close() == TOO_BIG

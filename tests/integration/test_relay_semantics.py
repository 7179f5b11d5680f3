"""The guarantees for a client that speaks the CBOR dialect, on any edge."""
import pytest
from support.messages import MAX_MESSAGE_BYTES, largest_payload, new_topic, numbered, relay, subscribe
from support.raw_client import BINARY, CONTINUATION, FIN, binary, close_frame, frame


def subscribed(shape, topic, count=1):
    """Peers that are subscribed to the topic, on the edges in turn."""
    peers = [shape.peer() for _ in range(count)]
    for peer in peers:
        peer.subscribe(topic)
    shape.settle(*peers)
    return peers


def assert_next_is(peer, topic, *payloads):
    assert peer.receive_payloads(topic, len(payloads)) == list(payloads)


def test_a_relay_reaches_every_other_subscriber_once(shape):
    topic = new_topic()
    peers = subscribed(shape, topic, 4)
    peers[0].relay(topic, b"one", b"two")
    for peer in peers[1:]:
        assert_next_is(peer, topic, b"one", b"two")


def test_a_sender_gets_no_echo(shape):
    topic = new_topic()
    first, second = subscribed(shape, topic, 2)
    first.relay(topic, b"mine")
    assert_next_is(second, topic, b"mine")
    second.relay(topic, b"yours")
    # An echo would arrive before it.
    assert_next_is(first, topic, b"yours")


def test_a_sender_need_not_be_subscribed_and_gets_no_relays(shape):
    topic, own = new_topic(), new_topic("own")
    [subscriber] = subscribed(shape, topic)
    [sender] = subscribed(shape, own)
    sender.relay(topic, b"hello")
    assert_next_is(subscriber, topic, b"hello")
    subscriber.relay(topic, b"to nobody")
    subscriber.relay(own, b"to the sender")
    assert_next_is(sender, own, b"to the sender")


def test_a_relay_to_a_topic_without_subscribers_is_not_delivered(shape):
    topic = new_topic()
    sender, late = shape.peer(), shape.peer()
    sender.relay(topic, b"unheard")
    shape.settle(sender)
    late.subscribe(topic)
    shape.settle(late)
    sender.relay(topic, b"heard")
    assert_next_is(late, topic, b"heard")


def test_a_second_subscribe_gives_one_copy_and_one_unsubscribe_ends_it(shape):
    topic, other = new_topic(), new_topic("other")
    sender = shape.peer()
    [peer] = subscribed(shape, topic)
    peer.subscribe(topic, other)
    shape.settle(peer)
    sender.relay(topic, b"one", b"two")
    assert_next_is(peer, topic, b"one", b"two")
    peer.unsubscribe(topic)
    shape.settle(peer)
    sender.relay(topic, b"three")
    sender.relay(other, b"fence")
    assert_next_is(peer, other, b"fence")


def test_an_unsubscribe_has_no_effect_on_others_or_without_a_subscription(shape):
    topic = new_topic()
    sender = shape.peer()
    leaving, staying = subscribed(shape, topic, 2)
    sender.unsubscribe(topic)
    leaving.unsubscribe(topic, new_topic("never"))
    shape.settle(sender, leaving)
    sender.relay(topic, b"still here")
    assert_next_is(staying, topic, b"still here")
    leaving.subscribe(topic)
    shape.settle(leaving)
    sender.relay(topic, b"back")
    assert_next_is(leaving, topic, b"back")


@pytest.mark.parametrize("topic", ["", "\0", "\u00e9", "\U0001f600", "#", "x" * 1024],
                         ids=["empty", "nul", "accent", "emoji", "wild", "longest"])
def test_every_text_is_a_topic(shape, topic):
    [peer] = subscribed(shape, topic)
    shape.peer().relay(topic, b"heard")
    assert_next_is(peer, topic, b"heard")


def test_topics_match_by_exact_bytes(shape):
    base = new_topic("\u00e9")
    near = [base + " ", base.upper(), base.replace("\u00e9", "e\u0301"), base + "\0", base[:-1], "*", "#", "+"]
    [peer] = subscribed(shape, base)
    sender = shape.peer()
    for topic in near:
        sender.relay(topic, b"not for you")
    sender.relay(base, b"for you")
    assert_next_is(peer, base, b"for you")


def test_order_is_kept_over_a_thousand_relays(shape):
    topic = new_topic()
    peers = subscribed(shape, topic, 2)
    payloads = numbered(1000)
    shape.peer().relay(topic, *payloads)
    for peer in peers:
        assert_next_is(peer, topic, *payloads)


def test_order_is_kept_per_sender_while_many_send(shape):
    topic = new_topic()
    peers = subscribed(shape, topic, 3)
    senders = [shape.raw() for _ in range(8)]
    for step in range(100):
        for index, sender in enumerate(senders):
            sender.relay(topic, b"%d:%d" % (index, step))
    for peer in peers:
        received = [payload.split(b":") for payload in peer.receive_payloads(topic, 800)]
        for index in range(len(senders)):
            assert [int(step) for name, step in received if int(name) == index] == list(range(100))


def test_a_connection_may_have_a_thousand_topics(shape):
    prefix = new_topic("many")
    topics = [f"{prefix}-{i}" for i in range(1000)]
    peer, sender = shape.peer(), shape.peer()
    peer.subscribe(*topics)
    shape.settle(peer)
    sender.send(*(relay(topic, topic.encode()) for topic in topics))
    assert [peer.receive_relay() for _ in topics] == [(topic, topic.encode()) for topic in topics]
    peer.unsubscribe(*topics[:-1])
    shape.settle(peer)
    sender.send(*(relay(topic, b"again") for topic in topics))
    assert_next_is(peer, topics[-1], b"again")


def test_a_relay_and_a_close_in_one_write_are_both_honoured(shape):
    topic = new_topic()
    [peer] = subscribed(shape, topic)
    sender = shape.raw()
    sender.send(binary(relay(topic, b"last words")), close_frame(1000))
    assert sender.read_close() == (1000, "")
    assert_next_is(peer, topic, b"last words")


def test_a_relay_and_the_end_of_the_stream_without_a_close_are_delivered(shape):
    topic = new_topic()
    [peer] = subscribed(shape, topic)
    sender = shape.raw()
    sender.relay(topic, b"last words")
    sender.close()
    assert_next_is(peer, topic, b"last words")


def test_a_subscribe_and_a_relay_in_one_write_take_effect_in_their_order(shape):
    topic = new_topic()
    [peer] = subscribed(shape, topic)
    other = shape.raw()
    other.send(binary(relay(topic, b"before")), binary(subscribe(topic)), binary(relay(topic, b"after")))
    assert_next_is(peer, topic, b"before", b"after")
    peer.relay(topic, b"answer")
    assert other.read_message() == relay(topic, b"answer")


@pytest.mark.parametrize("leave", ["close", "abandon"])
def test_subscriptions_end_with_their_connection(shape, leave):
    topic, own = new_topic(), new_topic("own")
    leaving, staying = subscribed(shape, topic, 2)
    getattr(leaving, leave)()
    leaving.wait_closed()
    [again] = subscribed(shape, own)
    sender = shape.peer()
    sender.relay(topic, b"who is there")
    sender.relay(own, b"fence")
    assert_next_is(staying, topic, b"who is there")
    assert_next_is(again, own, b"fence")


@pytest.mark.parametrize("size", [0, 1, 23, 24, 255, 256, 4096, 16384, 65000])
def test_payloads_of_any_size_arrive_whole(shape, size):
    topic = new_topic()
    [peer] = subscribed(shape, topic)
    payload = bytes(i * 7 % 256 for i in range(size))
    shape.peer().relay(topic, payload)
    assert_next_is(peer, topic, payload)


def test_the_largest_message_arrives_in_one_frame_however_it_came(shape):
    topic = new_topic()
    subscriber, sender = shape.raw(), shape.raw()
    subscriber.subscribe(topic)
    shape.settle(subscriber)
    message = relay(topic, largest_payload(topic))
    assert len(message) == MAX_MESSAGE_BYTES
    sender.send(binary(message))
    assert subscriber.read_message() == message
    parts = [message[i:i + 1000] for i in range(0, len(message), 1000)]
    sender.send(frame(BINARY, parts[0], first_bits=0), *(frame(CONTINUATION, part, first_bits=0) for part in parts[1:]),
                frame(CONTINUATION, first_bits=FIN))
    assert subscriber.read_message() == message


def test_two_hundred_subscribers_all_get_a_relay(shape):
    topic = new_topic()
    peers = subscribed(shape, topic, 200)
    payloads = numbered(20, 100)
    peers[0].relay(topic, *payloads)
    for peer in peers[1:]:
        assert_next_is(peer, topic, *payloads)

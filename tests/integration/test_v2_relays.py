"""Relays of cairn.signal.v2, their receipts, and errors: every promise of its section in docs/PROTOCOL.md, in both shapes."""
import json
import re

import cbor2
import pytest
from support import messages
from support.messages import new_topic, numbered
from support.v2_client import relay
from support.v2_shape import v2_client


def id_of(shape, peer, topic):
    """The id of a connection that subscribes to the topic, as seen by another one."""
    watcher = v2_client(shape)
    watcher.subscribe(topic)
    peer.subscribe(topic)
    name, fields = watcher.receive()
    assert name == "Joined"
    watcher.peer.close()
    return fields["peer"]


# ---- Relay


def test_v2_and_native_clients_share_topics(shape):
    topic = new_topic()
    native = [shape.peer(0), shape.peer(1)]
    v2 = [v2_client(shape, 0), v2_client(shape, 1)]
    ids = [id_of(shape, peer, topic) for peer in native]
    shape.settle(*native)
    assert v2[0].subscribe(topic) == 2
    assert v2[1].subscribe(topic) == 3
    assert v2[0].receive() == ("Joined", {"topic": topic, "peer": v2[1].id})
    for sender, name in [*zip(native, ids), *((client, client.id) for client in v2)]:
        payload = name.encode()
        sender.relay(topic, payload)
        for receiver in native:
            if receiver is not sender:
                assert receiver.receive_relay() == (topic, payload)
        for receiver in v2:
            if receiver is not sender:
                assert receiver.receive() == ("Relay", {"topic": topic, "payload": payload, "from": name})


@pytest.mark.parametrize("where", ["here", "elsewhere"])
@pytest.mark.parametrize("dialect", ["v2", "native"])
def test_a_relay_to_one_peer_reaches_it_alone(shape, dialect, where):
    topic = new_topic()
    sender = v2_client(shape, 0)
    others = [v2_client(shape, edge) for edge in (0, 1)]
    edge = 0 if where == "here" else 1
    for client in others:
        client.subscribe(topic)
    assert others[0].receive()[0] == "Joined"
    if dialect == "v2":
        addressee = v2_client(shape, edge)
        addressee.subscribe(topic)
    else:
        addressee = shape.peer(edge)
        addressee.subscribe(topic)
    joined = [client.receive() for client in others]
    assert joined[0] == joined[1] and joined[0][0] == "Joined"
    assert sender.reached(topic, b"for you alone", to=joined[0][1]["peer"]) == 1
    if dialect == "v2":
        assert addressee.receive() == ("Relay", {"topic": topic, "payload": b"for you alone", "from": sender.id})
    else:
        assert addressee.receive_relay() == (topic, b"for you alone")
    for client in others:
        client.assert_told_nothing_more()


def test_a_relay_to_a_peer_that_is_not_subscribed_is_not_delivered(shape):
    topic = new_topic()
    sender, subscriber, outsider = (v2_client(shape) for _ in range(3))
    subscriber.subscribe(topic)
    sender.subscribe(topic)
    assert subscriber.receive()[0] == "Joined"
    for to in (outsider.id, sender.id, "00000000000000ff"):
        assert sender.reached(topic, b"payload", to=to) == 0, to
    for client in (subscriber, outsider):
        client.assert_told_nothing_more()


def test_native_clients_cannot_address_one_peer_or_ask_for_receipts(shape):
    topic = new_topic()
    native, receivers = shape.peer(0), [v2_client(shape, 0), v2_client(shape, 1)]
    for client in receivers:
        client.subscribe(topic)
    assert receivers[0].receive()[0] == "Joined"
    native.send(relay(topic, b"payload", to=receivers[0].id, id=3))
    for client in receivers:
        name, fields = client.receive()
        assert (name, fields["payload"]) == ("Relay", b"payload"), "unknown fields are ignored"
    native.ping()
    assert not native.has_received()


# ---- Receipt


def test_a_receipt_has_the_number_of_subscribers(shape):
    topic = new_topic()
    sender = v2_client(shape, 0)
    assert sender.reached(topic, b"") == 0
    for count in range(1, 5):
        # In both dialects, here and elsewhere.
        if count % 2:
            v2_client(shape, count // 2).subscribe(topic)
        else:
            native = shape.peer(count // 2)
            native.subscribe(topic)
            shape.settle(native)
        assert sender.reached(topic, b"") == count
    assert sender.subscribe(topic) == 4
    assert sender.reached(topic, b"") == 4, "it does not reach itself"


@pytest.mark.parametrize("number", [0, 23, 24, 65536, 2**64 - 1])
def test_a_receipt_has_the_relays_number_whatever_it_is(shape, number):
    client = v2_client(shape)
    client.relay(new_topic(), b"", id=number)
    assert client.receive() == ("Receipt", {"id": number, "reached": 0})


def test_a_relay_without_a_number_gets_no_receipt(shape):
    client = v2_client(shape)
    client.relay(new_topic(), b"payload")
    client.assert_told_nothing_more()


def test_relays_of_one_sender_and_their_receipts_keep_their_order(shape):
    topic = new_topic()
    receivers = [v2_client(shape, 0), v2_client(shape, 1)]
    sender = v2_client(shape, 0)
    for client in receivers:
        client.subscribe(topic)
    assert receivers[0].receive()[0] == "Joined"
    payloads = numbered(500)
    # Some to all, some to one, some to none.
    targets = [{}, {"to": receivers[0].id}, {"to": receivers[1].id}, {"to": sender.id}]
    sender.send(*(relay(topic, payload, id=n, **targets[n % 4]) for n, payload in enumerate(payloads)))
    assert [sender.receive() for _ in payloads] == [
        ("Receipt", {"id": n, "reached": [2, 1, 1, 0][n % 4]}) for n in range(len(payloads))]
    for index, receiver in enumerate(receivers):
        expected = [payload for n, payload in enumerate(payloads) if n % 4 in (0, index + 1)]
        assert [receiver.receive() for _ in expected] == [
            ("Relay", {"topic": topic, "payload": payload, "from": sender.id}) for payload in expected]
        receiver.assert_told_nothing_more()


# ---- Error


NO_EFFECT = {
    "cbor_truncated": messages.subscribe("topic")[:-1],
    "cbor_malformed": b"\xff",
    "cbor_too_deep": b"\xa1\x69Subscribe\xa2\x65topic\x61t\x61x" + b"\x81" * 300 + b"\x00",
    "not_a_message": cbor2.dumps({"Publish": {"topic": "t"}}),
    "bad_peer_id": relay("t", b"payload", to="nobody"),
    "json_malformed": "{",
    "json_not_a_message": '{"type":"hello"}',
}


@pytest.mark.parametrize("code,message", NO_EFFECT.items(), ids=list(NO_EFFECT))
def test_a_message_without_effect_is_answered_with_a_reason(shape, code, message):
    client = v2_client(shape)
    client.send(message)
    name, fields = client.receive()
    assert (name, fields["code"]) == ("Error", code)
    assert re.fullmatch(r"[ -~]{10,}", fields["text"])
    client.assert_told_nothing_more()


@pytest.mark.parametrize("field", [b"\x62id\x07", b"\x62to\x70" + b"0123456789abcdef"], ids=["id", "to"])
def test_a_relay_with_a_repeated_field_is_an_error_and_is_not_delivered(shape, field):
    topic = new_topic()
    client, subscriber = v2_client(shape), v2_client(shape)
    subscriber.subscribe(topic)
    client.send(b"\xa1\x65Relay\xa4\x65topic" + cbor2.dumps(topic) + b"\x67payload\x41p" + field + field)
    name, fields = client.receive()
    assert (name, fields["code"]) == ("Error", "not_a_message"), (name, fields)
    subscriber.assert_told_nothing_more()


@pytest.mark.parametrize("to", ["", "0" * 15, "0" * 17, "0" * 16, "0x00000000000001", "zzzzzzzzzzzzzzzz"])
def test_an_addressee_that_is_no_id_is_an_error_and_not_delivered(shape, to):
    topic = new_topic()
    client, subscriber = v2_client(shape), v2_client(shape)
    subscriber.subscribe(topic)
    client.relay(topic, b"payload", to=to, id=1)
    name, fields = client.receive()
    assert (name, fields["code"]) == ("Error", "bad_peer_id"), (name, fields)
    subscriber.assert_told_nothing_more()


def test_text_is_an_error_where_only_cbor_is_spoken(make_shape):
    client = v2_client(make_shape("--dialects", "cbor"))
    client.send('{"type":"query","topic":"t"}')
    name, fields = client.receive()
    assert (name, fields["code"]) == ("Error", "text_message")
    client.assert_told_nothing_more()


def test_it_may_send_everything_that_others_may(shape):
    topic = new_topic()
    client, subscriber = v2_client(shape, 0), v2_client(shape, 1)
    subscriber.subscribe(topic)
    client.send(json.dumps({"type": "announce", "topic": topic, "addresses": ["cafe"]}))
    assert json.loads(client.peer.receive()) == {"type": "ack", "topic": topic}
    assert subscriber.receive() == ("Relay", {"topic": topic, "payload": b"\xca\xfe", "from": client.id})
    subscriber.send(json.dumps({"type": "query", "topic": topic}))
    answer = json.loads(subscriber.peer.receive())
    assert answer["peers"] == [{"peer_id": client.id, "addresses": ["cafe"]}]

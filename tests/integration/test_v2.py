"""cairn.signal.v2 from the outside: every promise of its section in docs/PROTOCOL.md, in both shapes."""
import base64
import collections
import json
import re
import signal
import time

import cbor2
import pytest
from support import messages
from support.messages import new_topic, numbered
from support.peer import PeerClosed
from support.process import ROOT
from support.v2_client import PEER_ID, SUBPROTOCOL, V2Client, relay
from support.waiting import eventually

TOKEN = "a token of the tests"
SECTION = (ROOT / "docs/PROTOCOL.md").read_text().split("\n## cairn.signal.v2\n")[1].split("\n## ")[0]


def v2_client(shape, edge=None, offers=(SUBPROTOCOL,)):
    return V2Client(shape.peer(edge, subprotocols=list(offers)))


def documented_bytes(name):
    """Of the row of the section's table of bytes whose first word is that."""
    [row] = re.findall(rf"^\| {name} \{{[^|]*\| `([0-9a-f ]+)` \|$", SECTION, re.M)
    return bytes.fromhex(row)


def id_of(shape, peer, topic):
    """The id of a connection that subscribes to the topic, as seen by another one."""
    watcher = v2_client(shape)
    watcher.subscribe(topic)
    peer.subscribe(topic)
    name, fields = watcher.receive()
    assert name == "Joined"
    watcher.peer.close()
    return fields["peer"]


# ---- the form


def test_the_documented_bytes_are_those_on_the_wire(shape):
    receiver, sender = v2_client(shape, 0), v2_client(shape, 1)
    assert receiver.subscribe("t") == 0
    sender.send(messages.subscribe("t"))
    assert sender.peer.receive() == documented_bytes("Subscribed")
    assert receiver.receive() == ("Joined", {"topic": "t", "peer": sender.id})
    sender.send(documented_bytes("Relay"))
    assert receiver.receive() == ("Relay", {"topic": "t", "payload": b"\xca\xfe", "from": sender.id})
    assert sender.peer.receive() == documented_bytes("Receipt")


def test_every_message_has_the_documented_fields_in_the_documented_order(shape):
    documented = {}
    for name, fields in re.findall(r"^\| `\{\"(\w+)\": \{(.+)\}\}` \|", SECTION, re.M):
        documented[name] = re.findall(r'"(\w+)": (?:tstr|bstr|uint|\{)', re.sub(r"\{.*?\}", "{", fields))
    assert set(documented) == {"Welcome", "Subscribed", "Joined", "Left", "Relay", "Receipt", "Missed", "Error", "Draining"}
    topic = new_topic()
    one, other = v2_client(shape, 0), v2_client(shape, 1)
    said = [("Welcome", one.welcome)]
    one.send(messages.subscribe(topic), b"\xff")
    said += [one.receive(), one.receive()]
    other.subscribe(topic)
    said.append(one.receive())
    other.reached(topic, b"payload")
    said.append(one.receive())
    other.unsubscribe(topic)
    said.append(one.receive())
    one.relay(topic, b"payload", id=1)
    said.append(one.receive())
    assert {name for name, _ in said} == set(documented) - {"Draining", "Missed"}  # which have tests of their own
    for name, fields in said:
        assert list(fields) == documented[name], name


# ---- getting it


@pytest.mark.parametrize("offers", [
    ["cairn.signal.v2"], ["cairn.signal.v2", "cairn.signal.v1"], ["cairn.signal.v1", "cairn.signal.v2"],
    ["something.else", "cairn.signal.v2"],
])
def test_a_client_that_offers_it_gets_it(shape, offers):
    v2_client(shape, offers=offers)


@pytest.mark.parametrize("offers", [None, ["cairn.signal.v1"]])
def test_a_client_that_does_not_offer_it_gets_none_of_it(shape, offers):
    topic = new_topic()
    native, other = shape.peer(0, subprotocols=offers), v2_client(shape, 1)
    native.subscribe(topic)
    shape.settle(native)
    other.subscribe(topic)
    # Neither Welcome, Subscribed, Joined, a sender, Error nor Left.
    native.send(b"\xff")
    assert other.reached(topic, b"payload") == 1
    assert native.receive_relay() == (topic, b"payload")
    other.peer.close()
    last = v2_client(shape, 1)
    assert last.reached(topic, b"last") == 1
    assert native.receive_relay() == (topic, b"last")


@pytest.mark.parametrize("first", [SUBPROTOCOL, "cairn.bearer"])
def test_a_browser_offers_it_next_to_its_token(make_shape, first):
    shape = make_shape("--auth-token", TOKEN)
    bearer = "cairn.bearer." + base64.urlsafe_b64encode(TOKEN.encode()).decode().rstrip("=")
    offers = [SUBPROTOCOL, bearer] if first == SUBPROTOCOL else [bearer, SUBPROTOCOL]
    for edge in (0, 1):
        assert v2_client(shape, edge, offers).subscribe(new_topic()) == 0


# ---- Welcome


def test_the_welcome_has_the_time_and_the_limits(make_shape):
    limits = {"message": 4000, "topic": 77, "topics": 5}
    shape = make_shape("--max-message-bytes", "4000", "--max-topic-bytes", "77", "--max-topics", "5")
    ids = set()
    for edge in (0, 1, 0):
        before = time.time_ns() // 1_000_000
        client = v2_client(shape, edge)
        after = time.time_ns() // 1_000_000
        assert client.welcome["limits"] == limits
        assert list(client.welcome["limits"]) == list(limits)
        # Of two clocks of one machine; the server looks at its own once a turn.
        assert before - 1000 <= client.welcome["time"] <= after + 1000
        ids.add(client.id)
    assert len(ids) == 3
    # The limits are true.
    client.subscribe("x" * 77)
    largest = messages.largest_payload("t", 4000)
    client.send(messages.relay("t", largest))
    client.assert_told_nothing_more()
    client.send(messages.relay("t", largest + b"x"))
    with pytest.raises(PeerClosed, match="1009 message_too_big"):
        client.receive()


# ---- Subscribed, Joined, Left


def test_a_subscribe_is_answered_with_the_number_of_others_of_any_dialect(shape):
    topic = new_topic()
    native = shape.peer(0)
    first = v2_client(shape, 0)
    assert first.subscribe(topic) == 0
    native.subscribe(topic)
    name, fields = first.receive()
    assert name == "Joined" and fields["topic"] == topic and PEER_ID.fullmatch(fields["peer"])
    assert v2_client(shape, 1).subscribe(topic) == 2
    assert v2_client(shape, 0).subscribe(topic) == 3


def test_a_second_subscribe_is_answered_too_and_changes_nothing(shape):
    topic = new_topic()
    one, other = v2_client(shape, 0), v2_client(shape, 1)
    one.subscribe(topic)
    other.subscribe(topic)
    assert one.receive() == ("Joined", {"topic": topic, "peer": other.id})
    assert other.subscribe(topic) == 1
    other.unsubscribe(topic)
    assert one.receive() == ("Left", {"topic": topic, "peer": other.id}), "nobody joined twice"
    one.assert_told_nothing_more()


def test_a_subscription_is_active_from_its_answer_on(shape):
    for number in range(20):
        topic = new_topic()
        one, other = v2_client(shape, 0), v2_client(shape, 1)
        assert one.subscribe(topic) == 0
        assert other.reached(topic, b"%d" % number) == 1, "no relay is lost any more"
        assert one.receive() == ("Relay", {"topic": topic, "payload": b"%d" % number, "from": other.id})


def test_each_subscriber_gets_joined_for_others_and_never_for_itself(shape):
    topic, elsewhere = new_topic(), new_topic()
    clients = [v2_client(shape) for _ in range(5)]
    outsider = v2_client(shape)
    outsider.subscribe(elsewhere)
    for number, client in enumerate(clients):
        assert client.subscribe(topic) == number
        for earlier in clients[:number]:
            assert earlier.receive() == ("Joined", {"topic": topic, "peer": client.id})
    for client in [*clients, outsider]:
        client.assert_told_nothing_more()


@pytest.mark.parametrize("end", ["unsubscribes", "closes", "is lost", "breaks a limit"])
@pytest.mark.parametrize("dialect", ["v2", "native"])
def test_each_subscriber_gets_left_for_others(shape, dialect, end):
    topic, other_topic = new_topic(), new_topic()
    watcher, nearby = v2_client(shape, 0), v2_client(shape, 1)
    peer = shape.peer(1, subprotocols=[SUBPROTOCOL] if dialect == "v2" else None)
    watcher.subscribe(topic)
    nearby.subscribe(topic)
    watcher.receive()
    peer.subscribe(other_topic, topic)
    joined = watcher.receive()
    assert joined[0] == "Joined" and joined == nearby.receive()
    if end == "unsubscribes":
        peer.unsubscribe(topic)
    elif end == "closes":
        peer.close()
    elif end == "is lost":
        peer.abandon()
    else:
        peer.subscribe("x" * 2000)
    for client in (watcher, nearby):
        assert client.receive() == ("Left", joined[1])
        client.assert_told_nothing_more()


def test_after_an_unsubscribe_nothing_more_is_received(shape):
    topic = new_topic()
    one, other = v2_client(shape, 0), v2_client(shape, 1)
    one.subscribe(topic)
    one.unsubscribe(topic)
    one.assert_told_nothing_more()
    assert other.subscribe(topic) == 0
    assert other.reached(topic, b"") == 0
    one.assert_told_nothing_more()


def test_two_simultaneous_subscribers_learn_of_each_other_exactly_once(shape):
    for _ in range(50):
        topic = new_topic()
        pair = [v2_client(shape, 0), v2_client(shape, 1)]
        for client in pair:
            client.send(messages.subscribe(topic))
        told = [client.receive() for client in pair]
        assert all(name == "Subscribed" for name, _ in told)
        others = [fields["others"] for _, fields in told]
        assert sorted(others) == [0, 1], "one was first, and waits; the other knows that it was not"
        first, second = pair if others[0] == 0 else pair[::-1]
        assert first.receive() == ("Joined", {"topic": topic, "peer": second.id})
        for client in pair:
            client.assert_told_nothing_more()
        for client in pair:
            client.peer.close()


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


# ---- Draining


def test_each_client_gets_its_own_reconnect_wait_before_the_close(make_shape):
    shape = make_shape("--drain", "1s")
    clients = [v2_client(shape, 0) for _ in range(40)]
    native = [shape.peer(0) for _ in range(5)]
    edge = shape.edges[0]
    edge.signal(signal.SIGTERM)
    waits = []
    for client in clients:
        name, fields = client.receive()
        assert name == "Draining"
        waits.append(fields["wait"])
        with pytest.raises(PeerClosed, match="1001 draining"):
            client.receive()
    for peer in native:
        with pytest.raises(PeerClosed, match="1001 draining"):
            peer.receive()
    # They come back spread over as long as they left: 40 random numbers of 1,000.
    assert max(waits) <= 1000
    assert len(set(waits)) > 30, waits
    assert max(waits) > 500 > min(waits), waits
    assert edge.wait() == 0
    if shape.kind == "cluster":
        shape.remove_edge(edge)


# ---- when the core is lost


def test_a_restart_of_the_core_produces_no_left_or_joined(make_cluster):
    cluster = make_cluster()
    topic, later = new_topic(), new_topic()
    one, other = v2_client(cluster, 0), v2_client(cluster, 1)
    one.subscribe(topic)
    other.subscribe(topic)
    one.receive()
    cluster.core.kill()
    # Answered when there is a core again.
    one.send(messages.subscribe(later))
    cluster.start_core()
    assert one.receive() == ("Subscribed", {"topic": later, "others": 0})
    eventually(lambda: other.reached(topic, b"again", to=one.id) == 1, "the other edge's return")
    assert one.receive() == ("Relay", {"topic": topic, "payload": b"again", "from": other.id})
    one.assert_told_nothing_more()
    other.assert_told_nothing_more()


def test_peers_of_a_lost_edge_leave(make_cluster):
    cluster = make_cluster()
    topic = new_topic()
    watcher = v2_client(cluster, 0)
    watcher.subscribe(topic)
    lost = [v2_client(cluster, 1) for _ in range(3)]
    for client in lost:
        client.subscribe(topic)
    assert collections.Counter(name for name, _ in (watcher.receive() for _ in lost)) == {"Joined": 3}
    edge = cluster.edges[1]
    edge.kill()
    cluster.remove_edge(edge)
    assert watcher.receive_many(3) == sorted(
        (("Left", {"topic": topic, "peer": client.id}) for client in lost), key=repr)
    watcher.assert_told_nothing_more()

"""cairn.signal.v2 from the outside: every promise of its section in docs/PROTOCOL.md, in both shapes."""
import base64
import collections
import re
import signal
import time

import pytest
from support import messages
from support.messages import new_topic
from support.peer import PeerClosed
from support.process import ROOT
from support.v2_client import PEER_ID, SUBPROTOCOL
from support.v2_shape import v2_client
from support.waiting import eventually

TOKEN = "a token of the tests"
SECTION = (ROOT / "docs/PROTOCOL.md").read_text().split("\n## cairn.signal.v2\n")[1].split("\n## ")[0]


def documented_bytes(name):
    """Of the row of the section's table of bytes whose first word is that."""
    [row] = re.findall(rf"^\| {name} \{{[^|]*\| `([0-9a-f ]+)` \|$", SECTION, re.M)
    return bytes.fromhex(row)


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

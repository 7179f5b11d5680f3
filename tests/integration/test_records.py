"""Records that JSON clients publish: how long they are kept, which clients get them, and that they survive a restart of the core."""
import base64
import json
import re

import pytest
from support.messages import decode_relay, new_topic, numbered, relay, subscribe
from support.peer import PeerClosed
from support.raw_client import FIN, PING, PONG, TEXT, binary, frame
from support.record_messages import announce, ask, blobs, publish, query, read_answer, say_in_turn
from support.waiting import Stopwatch

# What an answer may have, its frame's header not counted.
# Of an answer to a client that does not name itself, and to others.
MAX_ANSWER_BYTES = 3999
MAX_RECORDS_OF_A_TOPIC = 16
MAX_WAITING_QUERIES = 64


# ---- messages of clients, and the answers


def text_frame(text):
    return frame(TEXT, text.encode())


# ---- one record


def test_an_announce_and_its_answers_to_the_byte(shape):
    topic = new_topic()
    announcing, asking = shape.raw(0), shape.raw(1)
    announcing.send(text_frame(announce(topic, ["cafe"], peer_id="0b0c")))
    assert announcing.read_frame() == (FIN | TEXT, b'{"type":"ack","topic":"%s"}' % topic.encode())
    asking.send(text_frame(query(topic)))
    assert asking.read_frame() == (FIN | TEXT, b'{"type":"result","topic":"%s","payload":"yv4=","peers":'
                                               b'[{"peer_id":"0b0c","addresses":["cafe"]}]}' % topic.encode())
    asking.send(text_frame(query(f"{topic} of nobody")))
    assert asking.read_frame() == (FIN | TEXT, b'{"type":"result","topic":"%s of nobody","payload":null,"peers":[]}'
                                               % topic.encode())


def test_a_publish_is_answered_with_nothing_and_found_under_the_id_of_its_connection(shape):
    topic = new_topic()
    publishing = shape.raw(0)
    publishing.send(text_frame(publish(topic, b"\xca\xfe")), frame(PING, b"behind it"))
    assert publishing.read_frame() == (FIN | PONG, b"behind it")
    answer = ask(shape.peer(1), topic)
    assert blobs(answer) == [b"\xca\xfe"]
    assert re.fullmatch("[0-9a-f]{16}", answer["peers"][0]["peer_id"])


@pytest.mark.parametrize("addresses", [["192.0.2.1:4001"], ["a", "b"], ["relé:1", '"\\\n/'], ["cafe", "babe"], ["caf"], ["CAFÉ"]])
def test_plain_addresses_come_back_as_they_are_to_python_and_as_their_json_array_to_others(shape, addresses):
    topic = new_topic()
    announcing, python, other = shape.peer(0), shape.peer(1), shape.raw(1)
    announcing.send(announce(topic, addresses, peer_id="0b0c"))
    assert json.loads(announcing.receive()) == {"type": "ack", "topic": topic}
    answer = ask(python, topic)
    assert answer["peers"] == [{"peer_id": "0b0c", "addresses": addresses}]
    other.send(text_frame(query(topic)))
    [blob] = blobs(json.loads(other.read_frame().payload))
    assert json.loads(blob) == addresses and blob.decode() == json.dumps(addresses, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize("blob", [b"", b"\0", bytes(range(256)), b"text"])
def test_a_blob_is_opaque(shape, blob):
    topic = new_topic()
    shape.peer(0).send(publish(topic, blob))
    answer = ask(shape.peer(1), topic)
    assert base64.b64decode(answer["payload"], validate=True) == blob
    assert [peer["addresses"] for peer in answer["peers"]] == [[blob.hex()] if blob else []]


def test_a_peer_that_announces_no_address_is_found_without_one(shape):
    topic = new_topic()
    shape.peer(0).send(announce(topic, [], peer_id="0b0c"))
    assert ask(shape.peer(1), topic)["peers"] == [{"peer_id": "0b0c", "addresses": []}]


@pytest.mark.parametrize("topic", ["", "é\n\"\\", "\0", "x" * 1024], ids=["empty", "escaped", "NUL", "longest"])
def test_a_topic_is_whatever_native_messages_may_have(shape, topic):
    subscriber, publishing = shape.peer(1), shape.peer(0)
    subscriber.send(subscribe(topic))
    shape.settle(subscriber)
    publishing.send(publish(topic, b"blob"))
    assert subscriber.receive_relay() == (topic, b"blob")
    assert blobs(ask(subscriber, topic)) == [b"blob"]


def test_a_topic_that_is_too_long_closes_as_in_native_messages(shape):
    client = shape.peer()
    client.send(query("x" * 1025))
    assert client.wait_closed().code == 1008


# ---- several


def test_members_of_a_group_are_returned_newest_first(shape):
    topic, members = new_topic(), [shape.peer() for _ in range(5)]
    say_in_turn(shape, *((member, publish(topic, b"%d" % n)) for n, member in enumerate(members)))
    for edge in (0, 1):
        assert blobs(ask(shape.peer(edge), topic)) == [b"4", b"3", b"2", b"1", b"0"]
    # A repeated record counts as new.
    say_in_turn(shape, (members[1], publish(topic, b"1 again")))
    assert blobs(ask(shape.peer(), topic)) == [b"1 again", b"4", b"3", b"2", b"0"]


def test_the_last_record_of_a_publisher_replaces_earlier_ones(shape):
    topic, publishing, asking = new_topic(), shape.peer(0), shape.peer(1)
    for word in (b"first", b"second"):
        say_in_turn(shape, (publishing, publish(topic, word)))
        assert blobs(ask(asking, topic)) == [word]


def test_a_peer_id_is_the_same_publisher_over_any_connection_and_edge(shape):
    topic, asking = new_topic(), shape.peer()
    for edge in (0, 1, 0):
        say_in_turn(shape, (shape.peer(edge), announce(topic, [f"edge {edge}"], peer_id="0b0c")))
        assert [peer["addresses"] for peer in ask(asking, topic)["peers"]] == [[f"edge {edge}"]]


def test_peers_with_the_same_addresses_are_still_two(shape):
    topic, ids = new_topic(), ["0a", "0b"]
    say_in_turn(shape, *((shape.peer(), announce(topic, ["0.0.0.0:4001"], peer_id=peer_id)) for peer_id in ids))
    assert [peer["peer_id"] for peer in ask(shape.peer(), topic)["peers"]] == ["0b", "0a"]


def test_the_same_blob_over_a_new_connection_replaces_the_old_record(shape):
    topic = new_topic()
    say_in_turn(shape, *((shape.peer(), announce(topic, ["cafe"])) for _ in range(3)))
    assert blobs(ask(shape.peer(), topic)) == [b"\xca\xfe"]


def test_a_connection_never_gets_its_own_record(shape):
    topic, one, other = new_topic(), shape.peer(0), shape.peer(1)
    say_in_turn(shape, (one, publish(topic, b"one")))
    assert blobs(ask(one, topic)) == []
    say_in_turn(shape, (other, publish(topic, b"other")))
    assert blobs(ask(one, topic)) == [b"other"]
    assert blobs(ask(other, topic)) == [b"one"]


def test_a_topic_keeps_a_bounded_number_of_records_and_the_newest(shape):
    topic, count = new_topic(), MAX_RECORDS_OF_A_TOPIC + 4
    say_in_turn(shape, *((shape.peer(), publish(topic, b"%d" % n)) for n in range(count)))
    assert blobs(ask(shape.peer(), topic)) == [b"%d" % n for n in reversed(range(4, count))]


# An answer holds a blob of up to about 1,150 bytes in both forms, one of up to about 2,900 as the payload alone.
BOTH_FORMS, PAYLOAD_ALONE = [200, 1000, 1100], [1200, 2800]


@pytest.mark.parametrize("size", [*BOTH_FORMS, *PAYLOAD_ALONE, 3000, 20_000])
def test_an_answer_is_bounded_and_has_the_newest(shape, size):
    topic, words = new_topic(), numbered(4, size)
    say_in_turn(shape, *((shape.peer(), publish(topic, word)) for word in words))
    # Its size is asserted where it is read.
    answer = ask(shape.peer(names_itself=False), topic, most=MAX_ANSWER_BYTES)
    addresses = [peer["addresses"] for peer in answer["peers"]]
    assert addresses == [[word.hex()] for word in reversed(words)][:len(addresses)]
    assert len(addresses) == (4 if size == 200 else 1 if size in BOTH_FORMS else 0)
    newest = base64.b64encode(words[-1]).decode()
    assert answer["payload"] == (newest if size in BOTH_FORMS + PAYLOAD_ALONE else None)


def test_a_client_that_names_itself_gets_more_than_go_could_read(shape):
    topic, words = new_topic(), numbered(4, 3000)
    say_in_turn(shape, *((shape.peer(), publish(topic, word)) for word in words))
    answer = ask(shape.peer(), topic)
    assert [peer["addresses"] for peer in answer["peers"]] == [[word.hex()] for word in reversed(words)]
    assert base64.b64decode(answer["payload"]) == words[-1]


# ---- queries that wait


def test_a_query_waits_for_the_first_record_of_its_topic_from_somebody_else(shape):
    topic, waiting, publishing = new_topic(), shape.peer(0), shape.peer(1)
    waiting.send(query(topic), publish(topic, b"its own"))
    shape.settle(waiting)
    publishing.send(publish(topic, b"first"), publish(topic, b"second"))
    assert blobs(read_answer(waiting, topic)) == [b"first"]
    shape.settle(publishing)
    assert blobs(ask(waiting, topic)) == [b"second"], "answered once"


def test_a_question_that_is_asked_twice_is_answered_twice(make_shape):
    shape = make_shape("--query-hold", "4s")
    topic, waiting, publishing = new_topic(), shape.peer(0), shape.peer(1)
    waiting.send(query(topic), query(topic))
    shape.settle(waiting)
    publishing.send(publish(topic, b"blob"))
    assert [blobs(read_answer(waiting, topic)) for _ in range(2)] == [[b"blob"], [b"blob"]]


def test_more_queries_than_may_wait_are_answered_empty_at_once(make_shape):
    shape = make_shape("--query-hold", "4s")
    waiting, publishing = shape.peer(0), shape.peer(1)
    topics = [new_topic() for _ in range(MAX_WAITING_QUERIES + 1)]
    watch = Stopwatch()
    waiting.send(*map(query, topics))
    assert blobs(read_answer(waiting, topics[-1])) == []
    shape.settle(waiting)
    publishing.send(*(publish(topic, topic.encode()) for topic in topics[:-1]))
    for topic in topics[:-1]:
        assert blobs(read_answer(waiting, topic)) == [topic.encode()]
    assert watch.seconds < 4


# ---- native messages


def test_a_record_reaches_native_subscribers_once_as_a_relay_of_its_blob(shape):
    topic = new_topic()
    subscribers, publishing = [shape.peer(0), shape.peer(1)], shape.peer(0)
    for subscriber in [*subscribers, publishing]:
        subscriber.subscribe(topic)
    shape.settle(*subscribers, publishing)
    publishing.send(publish(topic, b"blob"), announce(topic, ["cafe"]), announce(topic, ["a:1", "é"]), relay(topic, b"behind"))
    # Its acknowledgements, and no echo.
    assert [json.loads(publishing.receive())["type"] for _ in range(2)] == ["ack", "ack"]
    for subscriber in subscribers:
        assert subscriber.receive_payloads(topic, 4) == [b"blob", b"\xca\xfe", '["a:1","é"]'.encode(), b"behind"]
    shape.settle(publishing, *subscribers)
    assert not any(client.has_received() for client in [*subscribers, publishing])


def test_a_relay_never_becomes_a_record(shape):
    topic, sender, publishing = new_topic(), shape.peer(0), shape.peer(1)
    say_in_turn(shape, (sender, relay(topic, b"relayed")), (publishing, publish(topic, b"published")))
    assert blobs(ask(shape.peer(), topic)) == [b"published"]


# ---- invalid messages


MALFORMED = {
    "empty": "", "not closed": "{", "trailing comma": '{"type":"query","topic":"T",}', "single quotes": "{'type':'query'}",
    "garbage behind": '{"type":"query","topic":"T"}x', "two messages": '{"type":"query","topic":"T"}{}',
    "byte order mark": '\ufeff{"type":"query","topic":"T"}', "comment": '{"type":"query","topic":"T"}//',
    "half a surrogate": '{"type":"query","topic":"T\\ud800"}', "control character": '{"type":"query","topic":"T\n"}',
    "nested too deep": '{"type":"query","topic":"T","more":%s1%s}' % ("[" * 9, "]" * 9),
    "null": "null", "number": "1", "string": '"query"', "array": '["query","T"]', "empty object": "{}",
    "no type": '{"topic":"T","payload":"AA=="}', "no topic": '{"type":"publish","payload":"AA=="}',
    "unknown type": '{"type":"subscribe","topic":"T"}', "type in capitals": '{"type":"Publish","topic":"T","payload":"AA=="}',
    "type is a number": '{"type":1,"topic":"T"}', "topic is a number": '{"type":"publish","topic":1,"payload":"AA=="}',
    "topic is null": '{"type":"query","topic":null}', "no payload": '{"type":"publish","topic":"T"}',
    "payload is null": '{"type":"publish","topic":"T","payload":null}',
    "payload is not base64": '{"type":"publish","topic":"T","payload":"\\u00e9=="}',
    "payload is an array": '{"type":"publish","topic":"T","payload":[1,2]}',
    "no addresses": '{"type":"announce","topic":"T"}', "addresses are a string": '{"type":"announce","topic":"T","addresses":"cafe"}',
    "an address is a number": '{"type":"announce","topic":"T","addresses":["a",1]}',
    "too many addresses": '{"type":"announce","topic":"T","addresses":%s}' % json.dumps(["a"] * 65),
    "an address too long": '{"type":"announce","topic":"T","addresses":["%s"]}' % ("a" * 8193),
    "a peer id too long": '{"type":"announce","topic":"T","addresses":["a"],"peer_id":"%s"}' % ("a" * 130),
    "a peer id that is not hex": '{"type":"announce","topic":"T","addresses":["a"],"peer_id":"me"}',
    "half a byte of a peer id": '{"type":"announce","topic":"T","addresses":["a"],"peer_id":"abc"}',
    "a peer id is a number": '{"type":"announce","topic":"T","addresses":["a"],"peer_id":1}',
}


@pytest.mark.parametrize("name", MALFORMED)
def test_only_invalid_messages_are_dropped(shape, name):
    topic, client, publishing, subscriber = new_topic(), shape.raw(0), shape.peer(1), shape.peer(1)
    subscriber.subscribe(topic)
    shape.settle(subscriber)
    client.send(text_frame(MALFORMED[name].replace('"T', f'"{topic}')))
    shape.settle(client)
    publishing.send(publish(topic, b"well said"))
    assert subscriber.receive_relay() == (topic, b"well said"), "relayed"
    assert blobs(ask(subscriber, topic)) == [b"well said"], "stored"
    if '"announce"' in MALFORMED[name]:
        refusal = {"type": "error", "topic": topic, "reason": "json_not_a_message"}
        assert json.loads(client.read_frame().payload) == refusal, "whoever announces waits for an answer"
    client.send(frame(PING, b"behind it"))
    assert client.read_frame() == (FIN | PONG, b"behind it"), "answered"
    client.send(text_frame(query(topic)))
    assert blobs(json.loads(client.read_frame().payload)) == [b"well said"], "the connection goes on"


def test_unknown_members_are_ignored(shape):
    topic, client = new_topic(), shape.peer(0)
    more = {"version": 2, "peers": [], "deep": {"a": [{"b": [1.5e300, None, True]}]}}
    client.send(json.dumps({**more, "topic": topic, "payload": "AA==", "type": "publish"}))
    shape.settle(client)
    assert blobs(ask(shape.peer(1), topic)) == [b"\0"]


def test_without_the_json_dialect_text_is_ignored(make_shape):
    shape = make_shape("--dialects", "cbor")
    topic, client, subscriber = new_topic(), shape.raw(0), shape.peer(1)
    subscriber.subscribe(topic)
    shape.settle(subscriber)
    texts = [publish(topic, b"blob"), announce(topic, ["cafe"]), query(topic), "{", ""]
    client.send(*map(text_frame, texts), frame(PING, b"behind it"), binary(relay(topic, b"relayed")))
    assert client.read_frame() == (FIN | PONG, b"behind it")
    assert subscriber.receive_relay() == (topic, b"relayed")
    # Not even after the hold: the next message is a relay that is sent then.
    client.subscribe(topic)
    shape.settle(client)
    subscriber.relay(topic, b"to you")
    assert decode_relay(client.read_message()) == (topic, b"to you")
    assert not subscriber.has_received()


def test_the_size_of_a_text_is_bounded_like_that_of_any_message(shape):
    client = shape.peer()
    with pytest.raises(PeerClosed) as closed:
        client.send(publish(new_topic(), bytes(64 << 10)))
        client.receive()
    assert closed.value.code == 1009

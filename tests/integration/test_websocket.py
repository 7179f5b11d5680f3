"""RFC 6455 as a hostile or merely unusual client meets it: frames, fragments, control frames and the ways to close."""
import pytest
from support.messages import MAX_MESSAGE_BYTES, largest_payload, new_topic, relay, subscribe
from support.raw_client import (BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, binary, close_frame, frame,
                                frame_header)

PROTOCOL_ERROR = (1002, "protocol_error")
BAD_UTF8 = (1007, "bad_utf8")
TOO_BIG = (1009, "message_too_big")
HELLO = b"hello"
NOT_FINAL = 0


class Pair:
    """A sender, and a subscriber on another edge that receives the result."""

    def __init__(self, shape):
        self.shape = shape
        self.topic = new_topic()
        self.subscriber, self.sender = shape.raw(0), shape.raw(1)
        self.subscriber.subscribe(self.topic)
        shape.settle(self.subscriber)

    def relay(self, payload=HELLO):
        return relay(self.topic, payload)

    def assert_heard(self, payload=HELLO):
        assert self.subscriber.read_message() == self.relay(payload)

    def assert_nothing_heard(self):
        """The subscriber's next relay is one from another client."""
        self.shape.raw(1).relay(self.topic, b"fence")
        self.assert_heard(b"fence")

    def assert_sender_stays(self):
        self.sender.relay(self.topic, b"still here")
        self.assert_heard(b"still here")


@pytest.fixture
def pair(shape):
    return Pair(shape)


# ---- what ends a connection

PROTOCOL_ERRORS = {
    "unmasked data": frame(BINARY, HELLO, key=None),
    "unmasked ping": frame(PING, HELLO, key=None),
    "unmasked close": frame(CLOSE, b"\x03\xe8", key=None),
    "RSV1, as compression sets it": frame(BINARY, HELLO, first_bits=FIN | 0x40),
    "RSV2": frame(BINARY, HELLO, first_bits=FIN | 0x20),
    "RSV3": frame(TEXT, HELLO, first_bits=FIN | 0x10),
    "RSV1 on a ping": frame(PING, HELLO, first_bits=FIN | 0x40),
    "RSV1 on a continuation": frame(BINARY, HELLO, first_bits=NOT_FINAL) + frame(CONTINUATION, first_bits=FIN | 0x40),
    "continuation of nothing": frame(CONTINUATION, HELLO),
    "continuation of nothing, not final": frame(CONTINUATION, HELLO, first_bits=NOT_FINAL),
    "continuation of a message that has ended": frame(BINARY, HELLO, first_bits=NOT_FINAL) + 2 * frame(CONTINUATION),
    "binary inside a message": frame(BINARY, HELLO, first_bits=NOT_FINAL) + frame(BINARY, HELLO),
    "text inside a message": frame(BINARY, HELLO, first_bits=NOT_FINAL) + frame(TEXT, HELLO),
    "fragmented ping": frame(PING, HELLO, first_bits=NOT_FINAL),
    "fragmented pong": frame(PONG, HELLO, first_bits=NOT_FINAL),
    "fragmented close": frame(CLOSE, first_bits=NOT_FINAL),
    "ping of 126 bytes": frame(PING, bytes(126)),
    "pong of 126 bytes": frame(PONG, bytes(126)),
    "close of 126 bytes": close_frame(1000, b"x" * 124),
    "length with its top bit set": frame_header(BINARY, 1 << 63),
    "close with half a code": frame(CLOSE, b"\x03"),
    **{f"reserved opcode {opcode}": frame(opcode, HELLO) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    **{f"close code {code}": close_frame(code) for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)},
}


@pytest.mark.parametrize("data", PROTOCOL_ERRORS.values(), ids=PROTOCOL_ERRORS)
def test_a_protocol_error_closes_with_1002_after_earlier_messages_were_handled(pair, data):
    pair.sender.send(binary(pair.relay()), data, binary(pair.relay(b"after it")))
    assert pair.sender.read_close() == PROTOCOL_ERROR
    pair.assert_heard()
    pair.assert_nothing_heard()


BAD_TEXTS = {
    "stray byte": frame(TEXT, b"abc\xff"),
    "overlong": frame(TEXT, b"\xc0\x80"),
    "surrogate": frame(TEXT, b"\xed\xa0\x80"),
    "above U+10FFFF": frame(TEXT, b"\xf4\x90\x80\x80"),
    "unfinished": frame(TEXT, b"\xe2\x82"),
    "unfinished over fragments": frame(TEXT, b"\xe2", first_bits=NOT_FINAL) + frame(CONTINUATION, b"\x82"),
    "close reason": close_frame(1000, b"\xff"),
}


@pytest.mark.parametrize("data", BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_text_that_is_not_utf8_closes_with_1007(pair, data):
    pair.sender.send(data)
    assert pair.sender.read_close() == BAD_UTF8


@pytest.mark.parametrize("size", [MAX_MESSAGE_BYTES + 1, 1 << 24, 1 << 32, (1 << 63) - 1])
@pytest.mark.parametrize("opcode", [BINARY, TEXT])
def test_a_frame_that_declares_too_much_closes_with_1009_before_its_payload_arrives(pair, opcode, size):
    pair.sender.send(frame_header(opcode, size))
    assert pair.sender.read_close() == TOO_BIG


def test_fragments_above_the_limit_close_with_1009_at_the_header_that_exceeds_it(pair):
    half = MAX_MESSAGE_BYTES // 2
    pair.sender.send(frame(BINARY, bytes(half), first_bits=NOT_FINAL), frame_header(CONTINUATION, half + 1))
    assert pair.sender.read_close() == TOO_BIG


def test_a_rate_limited_sender_may_continue_sending(pair):
    size = 8 << 20
    pair.sender.send(frame_header(BINARY, size), bytes(size // 8))
    assert pair.sender.read_close() == TOO_BIG


# ---- what does not

@pytest.mark.parametrize("length_bytes", [2, 8])
def test_a_length_need_not_be_in_its_shortest_form(pair, length_bytes):
    pair.sender.send(frame(BINARY, pair.relay(), length_bytes=length_bytes))
    pair.assert_heard()
    message = pair.relay(bytes(200))
    pair.sender.send(frame(BINARY, message, length_bytes=8))
    pair.assert_heard(bytes(200))


@pytest.mark.parametrize("key", [bytes(4), b"\xff" * 4, b"\x00\x01\x80\xfe"], ids=["zeros", "ones", "mixed"])
def test_any_masking_key_will_do(pair, key):
    pair.sender.send(frame(BINARY, pair.relay(), key=key))
    pair.assert_heard()


def test_a_message_may_come_in_one_byte_fragments_with_empty_ones_and_a_ping_between_them(pair):
    message = pair.relay()
    parts = [message[i:i + 1] for i in range(len(message))]
    parts[3:3] = [b"", b""]
    frames = [frame(BINARY if i == 0 else CONTINUATION, part, first_bits=NOT_FINAL) for i, part in enumerate(parts)]
    frames.insert(5, frame(PING, b"in the middle"))
    pair.sender.send(*frames)
    # Answered although the message has not ended.
    assert pair.sender.read_frame() == (FIN | PONG, b"in the middle")
    pair.sender.send(frame(CONTINUATION))
    pair.assert_heard()


def test_the_stream_may_be_cut_anywhere(pair):
    stream = binary(subscribe("any")) + frame(PING, b"cut") + frame(BINARY, pair.relay(), length_bytes=8)
    for i in range(len(stream)):
        pair.sender.send(stream[i:i + 1])
    assert pair.sender.read_frame() == (FIN | PONG, b"cut")
    pair.assert_heard()


def test_many_messages_may_come_in_one_write(pair):
    payloads = [b"%d" % i for i in range(500)]
    pair.sender.relay(pair.topic, *payloads)
    for payload in payloads:
        pair.assert_heard(payload)


TEXTS = {"empty": b"", "words": b"hello", "list": b"[]", "no dialect": b'{"type":"no such","topic":"t"}',
         "not ASCII": "\u00e9\U0001f600".encode()}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_message_is_dropped_and_the_connection_stays(pair, text):
    pair.sender.send(frame(TEXT, text), frame(TEXT, text[:1], first_bits=NOT_FINAL), frame(CONTINUATION, text[1:]))
    pair.assert_sender_stays()


def test_every_text_is_dropped_where_only_cbor_is_spoken(make_shape):
    pair = Pair(make_shape("--dialects", "cbor"))
    pair.sender.subscribe(pair.topic)
    pair.shape.settle(pair.sender)
    for kind in ("announce", "publish", "query"):
        pair.sender.send(frame(TEXT, b'{"type":"%s","topic":"t","payload":"","addresses":["00"]}' % kind.encode()))
    pair.assert_sender_stays()
    pair.subscriber.relay(pair.topic, b"first")
    assert pair.sender.read_message() == pair.relay(b"first")


@pytest.mark.parametrize("payload", [b"", b"\x00", b"x" * 125])
def test_an_unsolicited_pong_is_ignored(pair, payload):
    pair.sender.send(frame(PONG, payload))
    pair.assert_sender_stays()


def test_an_empty_message_is_dropped_and_the_connection_stays(pair):
    pair.sender.send(binary(b""), frame(BINARY, first_bits=NOT_FINAL), frame(CONTINUATION))
    pair.assert_sender_stays()


# ---- ping and pong

@pytest.mark.parametrize("payload", [b"", b"\x00\xff", b"x" * 125], ids=["empty", "binary", "longest"])
def test_a_ping_is_answered_with_its_own_payload(pair, payload):
    pair.sender.send(frame(PING, payload))
    assert pair.sender.read_frame() == (FIN | PONG, payload)


def test_every_ping_of_a_few_is_answered_in_order(pair):
    payloads = [b"ping %d" % i for i in range(20)]
    pair.sender.send(*(frame(PING, payload) for payload in payloads))
    assert [pair.sender.read_frame() for _ in payloads] == [(FIN | PONG, payload) for payload in payloads]


def test_a_pong_is_sent_before_waiting_relays(make_shape):
    # One loop, so that the reader's queue has what the witness has received.
    shape = make_shape("--threads", "1")
    topic = new_topic()
    payload = largest_payload(topic)
    reader = shape.raw(0, receive_buffer=4096)
    witness, sender = shape.raw(0), shape.raw(1)
    reader.subscribe(topic)
    witness.subscribe(topic)
    shape.settle(reader, witness)
    relays = 14
    for _ in range(relays):
        sender.relay(topic, payload)
        assert witness.read_message() == relay(topic, payload)
    reader.send(frame(PING, b"me first"))
    frames = [reader.read_frame() for _ in range(relays + 1)]
    position = frames.index((FIN | PONG, b"me first"))
    assert position < relays - 3, f"the pong came after {position} of {relays} relays"
    assert all(one == (FIN | BINARY, relay(topic, payload)) for i, one in enumerate(frames) if i != position)


# ---- closing

@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999])
def test_a_close_is_answered_with_its_own_code(pair, code):
    pair.sender.send(close_frame(code, "\u00e9 bye".encode()))
    assert pair.sender.read_close()[0] == code


def test_an_empty_close_is_answered_with_an_empty_close(pair):
    pair.sender.send(close_frame())
    assert pair.sender.read_close() == (None, "")


def test_nothing_is_read_after_a_close(pair):
    pair.sender.send(close_frame(1000), binary(pair.relay(b"too late")), frame(PING, b"too late"))
    assert pair.sender.read_close() == (1000, "")
    pair.assert_nothing_heard()


def test_a_close_inside_a_fragmented_message_ends_the_connection_and_drops_the_message(pair):
    pair.sender.send(frame(BINARY, pair.relay(), first_bits=NOT_FINAL), close_frame(1000))
    assert pair.sender.read_close() == (1000, "")
    pair.assert_nothing_heard()


def test_pings_before_a_close_are_answered_before_it(pair):
    pair.sender.send(frame(PING, b"1"), frame(PING, b"2"), close_frame(1000))
    assert [pair.sender.read_frame() for _ in range(2)] == [(FIN | PONG, b"1"), (FIN | PONG, b"2")]
    assert pair.sender.read_close() == (1000, "")


def test_an_end_of_stream_without_a_close_is_not_answered_with_one(pair):
    pair.sender.half_close()
    pair.sender.expect_end()

"""The CBOR dialect, encoded with Python's cbor2. A dict keeps the order of its entries, so the encoding is canonical."""
import itertools

import cbor2

MAX_MESSAGE_BYTES = 64 << 10
_numbers = itertools.count(1)


def subscribe(topic):
    return cbor2.dumps({"Subscribe": {"topic": topic}})


def unsubscribe(topic):
    return cbor2.dumps({"Unsubscribe": {"topic": topic}})


def relay(topic, payload):
    return cbor2.dumps({"Relay": {"topic": topic, "payload": payload}})


def decode_relay(message):
    """(topic, payload) of a Relay from a server, which must be in canonical form."""
    decoded = cbor2.loads(message)
    assert list(decoded) == ["Relay"] and list(decoded["Relay"]) == ["topic", "payload"], message.hex()
    topic, payload = decoded["Relay"]["topic"], decoded["Relay"]["payload"]
    assert relay(topic, payload) == message, f"not canonical: {message.hex()}"
    return topic, payload


def largest_payload(topic, message_bytes=MAX_MESSAGE_BYTES):
    """A payload with which a Relay to the topic is exactly as long as a message may be."""
    payload = bytes(message_bytes - len(relay(topic, b"")))
    return payload[:len(payload) - (len(relay(topic, payload)) - message_bytes)]


def new_topic(name="topic"):
    """A topic that no other test uses: servers are shared between the tests of a file."""
    return f"{name}-{next(_numbers)}"


def numbered(count, size=0):
    """Payloads that begin with their position, padded to that size."""
    return [str(i).encode().ljust(size, b".") for i in range(count)]

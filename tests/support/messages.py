"""The CBOR dialect, encoded by a library that is not ours. A dict keeps its order: that makes it canonical."""
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
    """(topic, payload) of what a server sent, which must be canonical."""
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
    """Payloads that say where they stand, padded to size."""
    return [str(i).encode().ljust(size, b".") for i in range(count)]

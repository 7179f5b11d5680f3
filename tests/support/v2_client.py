"""A client of cairn.signal.v2: a Peer that decodes messages and checks that each is in canonical form."""
import re

import cbor2

from support import messages
from support.waiting import eventually

SUBPROTOCOL = "cairn.signal.v2"
PEER_ID = re.compile(r"[0-9a-f]{16}")


def decode(message):
    """(name, fields) of a message from the server: a map with one entry, in canonical form."""
    decoded = cbor2.loads(message)
    # A dict keeps the order of its entries, and the library writes definite lengths and shortest integers.
    assert cbor2.dumps(decoded) == message, f"not canonical: {message.hex()}"
    assert len(decoded) == 1, decoded
    return next(iter(decoded.items()))


def relay(topic, payload, **fields):
    """fields: `to` and `id`."""
    return cbor2.dumps({"Relay": {"topic": topic, "payload": payload, **fields}})


class V2Client:
    def __init__(self, peer):
        """peer: a support.peer.Peer that has just connected."""
        self.peer = peer
        assert peer.subprotocol == SUBPROTOCOL
        name, self.welcome = self.receive()
        assert name == "Welcome"
        self.id = self.welcome["peer"]
        assert PEER_ID.fullmatch(self.id)

    def send(self, *batch):
        self.peer.send(*batch)

    def relay(self, topic, *payloads, **fields):
        self.send(*(relay(topic, payload, **fields) for payload in payloads))

    def receive(self):
        return decode(self.peer.receive())

    def receive_many(self, count):
        """That many messages, sorted: their order does not matter."""
        return sorted((self.receive() for _ in range(count)), key=repr)

    def subscribe(self, topic):
        """Waits for Subscribed, which must be the next message, and returns its `others`."""
        self.send(messages.subscribe(topic))
        name, fields = self.receive()
        assert name == "Subscribed" and fields["topic"] == topic, (name, fields)
        return fields["others"]

    def unsubscribe(self, topic):
        self.send(messages.unsubscribe(topic))

    def reached(self, topic, payload, **fields):
        """Waits for a relay's receipt, which must be the next message, and returns its `reached`."""
        self.relay(topic, payload, id=1, **fields)
        name, receipt = self.receive()
        assert name == "Receipt" and receipt["id"] == 1, (name, receipt)
        return receipt["reached"]

    def assert_told_nothing_more(self):
        """What this client says now is answered with nothing before the answer."""
        assert self.reached(messages.new_topic("nobody"), b"") == 0

    def await_reach(self, topic, count):
        """Returns when a relay to the topic reaches that many subscribers; each of them gets one or more empty payloads."""
        eventually(lambda: self.reached(topic, b"") == count, f"{count} subscribers of {topic}")

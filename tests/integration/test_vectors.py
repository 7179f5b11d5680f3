"""Golden vectors through real sockets: this server treats each message as the reference's decoder does.

Senders do not wait after each row: a relay to a control topic follows it, and order proves what did not arrive.
"""
import collections
import itertools
import pathlib

import pytest
from support.messages import decode_relay, new_topic, relay
from support.raw_client import binary

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors"
# Rows on their way at a time, so that no queue on the way is tested instead.
ROWS_PER_BATCH = 100

Row = collections.namedtuple("Row", "name input effect topic forwarded")


def read_rows(file):
    for number, line in enumerate((VECTORS / file).read_text().splitlines(), 1):
        if not line.startswith("#"):
            *name, data, effect, topic, forwarded = line.split("\t")
            yield Row(f"{file}:{number} {''.join(name)}", bytes.fromhex(data), effect, bytes.fromhex(topic).decode(),
                      bytes.fromhex(forwarded))


ROWS = [row for file in ("cbor-named.tsv", "cbor-generated.tsv") for row in read_rows(file)]
TOPICS = sorted({row.topic for row in ROWS if row.effect != "drop"})


def rows_with(*effects):
    rows = [row for row in ROWS if row.effect in effects]
    assert len(rows) > 100, f"only {len(rows)} rows: are the vectors complete?"
    return rows


class Exchange:
    """A sender and an observer, on different edges where there are two."""

    def __init__(self, shape):
        self.shape = shape
        self.control = new_topic("control")
        self._fences = itertools.count()
        self.sender = shape.raw(0)
        self.observer = shape.raw(1)
        self.sender.subscribe(self.control)
        self.observer.subscribe(self.control)
        shape.settle(self.sender, self.observer)

    def fence(self):
        return relay(self.control, str(next(self._fences)).encode())

    def read_until(self, client, fence):
        """Messages that came before the fence."""
        received = []
        while (message := client.read_message()) != fence:
            received.append(message)
        return received

    def send_with_fences(self, rows):
        """Has the sender send the rows; pairs of a row and what the observer received for it."""
        for start in range(0, len(rows), ROWS_PER_BATCH):
            batch = [(row, self.fence()) for row in rows[start:start + ROWS_PER_BATCH]]
            self.sender.send(*(binary(row.input) + binary(fence) for row, fence in batch))
            for row, fence in batch:
                yield row, self.read_until(self.observer, fence)

    def topics_heard_by_sender(self, topics):
        """The topics that the sender is subscribed to at this point."""
        in_effect = self.fence()
        self.sender.send(binary(in_effect))
        self.read_until(self.observer, in_effect)
        fence = self.fence()
        self.observer.send(*(binary(relay(topic, b"probe")) for topic in topics), binary(fence))
        return [decode_relay(message)[0] for message in self.read_until(self.sender, fence)]


@pytest.fixture
def exchange(shape):
    return Exchange(shape)


def assert_all_fit(differing):
    assert not differing, f"{len(differing)} rows differ, such as\n" + "\n".join(differing[:10])


def test_relays_arrive_in_canonical_form_and_undecodable_messages_do_not(exchange):
    exchange.observer.subscribe(*TOPICS)
    exchange.shape.settle(exchange.observer)
    differing = []
    for row, received in exchange.send_with_fences(rows_with("relay", "drop")):
        expected = [row.forwarded] if row.effect == "relay" else []
        if received != expected:
            got, wanted = ([message.hex() for message in messages] for messages in (received, expected))
            differing.append(f"{row.name}: {got} instead of {wanted}")
    assert_all_fit(differing)
    # Nothing comes back to the sender, and nothing of it was a subscription.
    assert exchange.topics_heard_by_sender(TOPICS) == []


def test_an_undecodable_message_ends_no_subscription(exchange):
    exchange.sender.subscribe(*TOPICS)
    for _ in exchange.send_with_fences(rows_with("drop")):
        pass
    assert exchange.topics_heard_by_sender(TOPICS) == TOPICS


def test_every_form_of_a_subscribe_subscribes_to_its_topic_alone(exchange):
    differing = []
    for row in rows_with("subscribe"):
        exchange.sender.send(binary(row.input))
        heard = exchange.topics_heard_by_sender(TOPICS)
        if heard != [row.topic]:
            differing.append(f"{row.name}: subscribed to {heard} instead of {row.topic!r}")
        exchange.sender.unsubscribe(*TOPICS)
    assert_all_fit(differing)


def test_every_form_of_an_unsubscribe_ends_the_subscription_to_its_topic_alone(exchange):
    differing = []
    for row in rows_with("unsubscribe"):
        exchange.sender.subscribe(*TOPICS)
        exchange.sender.send(binary(row.input))
        ended = set(TOPICS) - set(exchange.topics_heard_by_sender(TOPICS))
        if ended != {row.topic}:
            differing.append(f"{row.name}: ended {ended} instead of {row.topic!r}")
    assert_all_fit(differing)

"""Helpers that several tests of the Admin API share."""
import pytest
from support.fleet_fixtures import admin, fleet, module_fleet  # noqa: F401
from support.messages import new_topic
from support.waiting import PATIENCE

# Edges report every two seconds. Raised with CAIRN_TEST_PATIENCE, like all other deadlines.
FEW_SECONDS = max(4, PATIENCE / 5)
UNKNOWN_ID = "0123456789abcdef"


def counts(entries):
    return {entry.reason: entry.count for entry in entries}


def subscribe_all(admin, topic, *peers):
    """Returns when it is in effect."""
    for peer in peers:
        peer.subscribe(topic)
    return admin.await_peers(len(peers), topic=topic)


@pytest.fixture
def crowd(fleet, admin):
    """Connects more peers than one page holds. Returns the topic that they share."""
    topic = new_topic("crowd")
    clients = [fleet.raw() for _ in range(300)]
    for number, client in enumerate(clients):
        client.subscribe(topic, f"{topic}/{number:03}")
    return topic, clients, admin.await_peers(300, topic=topic)

"""What tests of the Admin API have in common."""
import time

import pytest
from support.fleet_fixtures import admin, fleet, module_fleet  # noqa: F401
from support.messages import new_topic
from support.waiting import PATIENCE

# Edges report every two seconds; where a test may wait longer than usual, so may this.
FEW_SECONDS = max(4, PATIENCE / 5)
UNKNOWN_ID = "0123456789abcdef"


def now_us():
    return time.time_ns() // 1000


def counts(entries):
    return {entry.reason: entry.count for entry in entries}


def subscribe_all(admin, topic, *peers):
    """Returns when it is in effect."""
    for peer in peers:
        peer.subscribe(topic)
    return admin.await_peers(len(peers), topic=topic)


@pytest.fixture
def crowd(fleet, admin):
    """More than fit a page: the topic they share."""
    topic = new_topic("crowd")
    clients = [fleet.raw() for _ in range(300)]
    for number, client in enumerate(clients):
        client.subscribe(topic, f"{topic}/{number:03}")
    return topic, clients, admin.await_peers(300, topic=topic)

"""A fleet of real processes: cores that share NATS servers, and what their clients notice when one of them dies, hangs or leaves."""
import os
import random
import re
import signal
import subprocess
import sys

import pytest
from soak import fleet_faults  # tests/soak
from support.load_room import rooms_over
from support.meshed_fleet import MeshedFleet
from support.messages import new_topic
from support.peer import Peer, await_hearing
from support.ports import unused_port
from support.process import ROOT, binary
from support.sequence_load import SequenceLoad
from support.tools import need
from support.v2_client import SUBPROTOCOL, V2Client
from support.waiting import Stopwatch

# A busy machine's part: the figures of ./dev soak-fleet are without it.
SLACK_SECONDS = 2.0
EDGES = {"edges": 3, "all": 0}


@pytest.fixture(params=EDGES)
def scene(request):
    with MeshedFleet(edges=EDGES[request.param]) as fleet:
        with SequenceLoad(fleet.addresses(), rooms_over(3, json=False), rate=200) as load:
            load.run(0.3)
            yield fleet_faults.FleetScene(fleet, load, random.Random(1), is_all=request.param == "all", pace=0.5)


def test_nothing_is_lost_whatever_fails(scene):
    slowest = {}
    for fault in fleet_faults.ALL:
        scene.load.take_slowest()
        limit = fault(scene)
        scene.fleet.await_links()
        scene.load.await_back()
        scene.load.run(0.3)
        slowest[fault.__name__] = scene.load.take_slowest()
        assert slowest[fault.__name__] < limit + SLACK_SECONDS, slowest
    scene.load.finish().assert_clean(expected=500)


def test_a_subscription_does_not_wait_for_a_core_that_has_been_killed():
    with MeshedFleet(edges=2) as fleet:
        host, port = fleet.addresses()[1]
        clients = [V2Client(Peer(f"ws://{host}:{port}", subprotocols=[SUBPROTOCOL])) for _ in range(6)]
        for client in clients[:2]:
            client.subscribe(new_topic())
        fleet.cores[0].kill()
        watch = Stopwatch()
        for client in clients[2:]:
            client.subscribe(new_topic())
        # Silent for a second, it would be waited for no longer.
        assert watch.seconds < 0.7


def test_nats_is_never_told_of_topics():
    topics = [new_topic() for _ in range(500)]
    with MeshedFleet(cores=2, servers=1, edges=2) as fleet:
        one, other = (Peer(f"ws://{host}:{port}") for host, port in fleet.addresses())
        before = fleet.nats.servers[0].subscriptions()
        for client in (one, other):
            client.subscribe(*topics)
        await_hearing(one, other, topics[-1])
        assert fleet.nats.servers[0].subscriptions() == before


@pytest.fixture
def example():
    """`./dev fleet`; its output is read line by line."""
    need("nats-server", "nats-server")
    process = subprocess.Popen([sys.executable, ROOT / "examples/fleet/serve", "--bin", binary().parent, "--port", str(unused_port())],
                               text=True, stdout=subprocess.PIPE, start_new_session=True)
    yield process
    process.send_signal(signal.SIGINT)
    assert process.wait() == 0


def read_until(process, pattern):
    for line in process.stdout:
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"ended without {pattern}")


def test_the_example_is_a_fleet_and_starts_again_what_is_killed(example):
    ports = re.findall(r"ws://127.0.0.1:(\d+)", read_until(example, r"clients +(.*)")[1])
    pids = dict(re.findall(r"(\w+) (\d+)", read_until(example, r"kill -9 one of: (.*)")[1]))
    assert len(ports) == 3 and len(pids) == 6
    alice, bob = (Peer(f"ws://127.0.0.1:{port}") for port in ports[:2])
    topic = new_topic()
    alice.subscribe(topic)
    await_hearing(alice, bob, topic)
    os.kill(int(pids["core3"]), signal.SIGKILL)
    read_until(example, r"core3 is back")

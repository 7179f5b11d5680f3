"""A fleet of real processes: cores that share NATS servers, and what their clients notice when one of them dies, hangs or leaves."""
import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest
from soak import fleet_faults  # tests/soak
from support import process
from support.load_room import rooms_over
from support.meshed_fleet import MeshedFleet
from support.messages import new_topic, relay
from support.ops import ask, scrape
from support.peer import Peer, await_hearing
from support.ports import unused_port
from support.process import ROOT
from support.raw_client import binary, upgrade_request
from support.sequence_load import SequenceLoad
from support.tools import need
from support.v2_client import SUBPROTOCOL, V2Client
from support.waiting import Stopwatch, eventually

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


def connect_as_soon_as_possible(address):
    host, port = address.split(":")
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection((host, int(port)))


def test_a_client_of_a_process_that_has_just_started_reaches_those_of_the_others():
    topic = new_topic()
    with MeshedFleet(cores=2, servers=1, edges=0) as fleet:
        one, other = (f"ws://{host}:{port}" for host, port in fleet.addresses())
        subscriber = Peer(other)
        subscriber.subscribe(topic)
        await_hearing(subscriber, Peer(one), topic)
        for number in range(3):
            fleet.cores[0].kill()
            starts = threading.Thread(target=fleet.start_core, args=[0])
            starts.start()
            # Its first client, who says something as soon as the port is open.
            hasty = connect_as_soon_as_possible(fleet.client_addresses[0])
            hasty.sendall(upgrade_request() + binary(relay(topic, b"%d" % number)))
            starts.join()
            assert subscriber.receive_relay() == (topic, b"%d" % number)
            hasty.close()


@pytest.mark.parametrize("edges", EDGES.values(), ids=EDGES)
def test_a_core_that_joins_gives_up_no_lane(edges):
    # Those of the killed core are given up only after the test.
    with MeshedFleet(edges=edges, core_flags=["--lane-timeout", "60s"]) as fleet:
        fleet.cores[0].kill()
        # It hears of the others when all of it runs.
        for core in fleet.cores[1:]:
            core.send_signal(signal.SIGSTOP)
        fleet.start_core(0)
        for core in fleet.cores[1:]:
            core.send_signal(signal.SIGCONT)
        eventually(lambda: all(ask(core, "/readyz").status == 200 for core in fleet.cores), "a fleet that is whole")
        # Clients would be told that they may have missed something.
        assert [scrape(core).get("mesh_lanes_lost_total") for core in fleet.cores] == [0, 0, 0]


def test_a_process_that_is_still_joining_leaves_its_port_to_the_one_that_serves_it():
    with MeshedFleet(cores=1, servers=1, edges=0) as fleet:
        url = "ws://{}:{}".format(*fleet.addresses()[0])
        fleet.nats.servers[0].hang()
        # On the same port; it cannot join.
        fleet.core_addresses[0] = f"127.0.0.1:{unused_port()}"
        old = fleet.cores[0]
        fleet.start_core(0)
        peers = [Peer(url) for _ in range(8)]
        assert scrape(old).get("handshakes_total", outcome="ok") == 8
        fleet.nats.servers[0].go_on()
        eventually(lambda: ask(fleet.cores[0], "/readyz").status == 200, "a process that has joined")
        eventually(lambda: peers.append(Peer(url)) or scrape(fleet.cores[0]).get("handshakes_total", outcome="ok"), "a client of its own")


def test_a_process_that_is_stopped_before_it_has_joined_serves_nobody():
    """NATS hangs meanwhile, so that the core joins while it ends."""
    with MeshedFleet(cores=2, servers=1, edges=0, core_flags=["--drain", "3s"]) as fleet:
        fleet.cores[0].kill()
        fleet.nats.servers[0].hang()
        fleet.start_core(0)
        client = connect_as_soon_as_possible(fleet.client_addresses[0])
        client.sendall(upgrade_request())
        fleet.cores[0].signal(signal.SIGTERM)
        watch = Stopwatch()
        assert fleet.cores[0].wait() == 0 and watch.seconds < 2
        fleet.nats.servers[0].go_on()
        with pytest.raises(ConnectionResetError):
            client.recv(100)
        client.close()


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
    serve = subprocess.Popen([sys.executable, ROOT / "examples/fleet/serve", "--bin", process.binary().parent, "--port", str(unused_port())],
                               text=True, stdout=subprocess.PIPE, start_new_session=True)
    yield serve
    serve.send_signal(signal.SIGINT)
    assert serve.wait() == 0


def read_until(serve, pattern):
    for line in serve.stdout:
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

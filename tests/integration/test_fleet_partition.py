"""Two cores of a fleet that do not hear each other for longer than the time-out: both sides go on, say what is lost, and find each other again."""
import pytest
from support.messages import new_topic
from support.nats import NatsCluster
from support.ops import OPS, scrape
from support.peer import Peer
from support.tcp_link import TcpLink
from support.v2_client import SUBPROTOCOL, V2Client
from support.waiting import eventually

LANE_TIMEOUT = "2s"


@pytest.fixture
def fleet(start, tmp_path):
    """Two --role all, and what the first reaches NATS by."""
    with NatsCluster(tmp_path) as nats:
        link = TcpLink(("127.0.0.1", nats.servers[0].port))
        both = [start("--role", "all", "--listen-addr", "127.0.0.1:0", "--drain", "0s", "--grpc-listen-addr", f"unix:{tmp_path}/{name}",
                      "--mesh", url, "--fleet", "test", "--core-name", name, "--edge-name", name, "--lane-timeout", LANE_TIMEOUT, env=OPS)
                for name, url in (("near", f"nats://{link.address}"), ("far", nats.url))]
        eventually(lambda: all(scrape(core).get("mesh_cores") == 1 for core in both), "two cores that know each other")
        yield *both, link
        for core in both:
            core.finish()
        link.close()


def client_of(core):
    return V2Client(Peer("ws://{}:{}/".format(*core.address()), subprotocols=[SUBPROTOCOL]))


def await_message(client, *names):
    """Returns when each has come, in any order: the fields of the first."""
    missing, first = [*names], None
    while missing:
        name, fields = client.receive()
        assert name in missing, (name, fields)
        missing.remove(name)
        first = first or fields
    return first


def test_both_sides_go_on_and_find_each_other_again(fleet):
    near, far, link = fleet
    topic = new_topic()
    here, neighbour, there = client_of(near), client_of(near), client_of(far)
    assert [client.subscribe(topic) for client in (here, neighbour)] == [0, 1]
    assert await_message(here, "Joined")["peer"] == neighbour.id
    there.await_reach(topic, 2)
    assert there.subscribe(topic) == 2
    for client in here, neighbour:
        while client.receive()[0] != "Joined":
            pass  # what it was reached by
    open_relays = lambda: [scrape(core).get("mesh_open_relays") for core in (near, far)]
    eventually(lambda: open_relays() == [0, 0], "all relays settled")

    link.cut()
    eventually(lambda: scrape(near).get("mesh_up") == 0, "a core without NATS")
    assert scrape(far).get("mesh_up") == 1
    there.relay(topic, b"kept, then given up")
    here.relay(topic, b"within a side")
    assert neighbour.receive() == ("Relay", {"topic": topic, "payload": b"within a side", "from": here.id})
    # After the time-out each side takes the other's peers to have left, and counts what it gives up.
    assert await_message(there, "Left", "Left")["peer"] in (here.id, neighbour.id)
    for client in here, neighbour:
        assert await_message(client, "Left")["peer"] == there.id
    assert scrape(far).get("mesh_relays_given_up_total", reason="core_timeout") == 1
    assert [scrape(core).get("mesh_cores_given_up_total", reason="core_timeout") for core in (near, far)] == [1, 1]
    assert open_relays() == [0, 0]

    link.restore()
    # Who may have missed something is told so.
    await_message(here, "Joined", "Missed")
    await_message(neighbour, "Joined", "Missed")
    await_message(there, "Joined", "Joined", "Missed")
    assert there.reached(topic, b"across again") == 2
    assert here.receive() == ("Relay", {"topic": topic, "payload": b"across again", "from": there.id})

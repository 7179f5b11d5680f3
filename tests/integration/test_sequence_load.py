"""The load that proves that nothing is lost: it detects lost, duplicated and reordered relays and closed connections, and nothing else."""
import pytest
from support.admin_api import Admin
from support.arrivals import Arrivals
from support.breakable_cluster import BreakableCluster
from support.load_connection import payload_of, read_payload
from support.load_room import Room
from support.messages import relay
from support.raw_client import RawClient, binary
from support.sequence_load import SequenceLoad

# Numbers as they came, the first that must have come and one above the last: lost, doubled, out of order.
CASES = {
    "all": ([0, 1, 2], 0, 3, [], 0, 0),
    "none": ([], 0, 2, [0, 1], 0, 0),
    "none, of one that began at no known time": ([], None, 2, [], 0, 0),
    "a gap": ([0, 3], 0, 4, [1, 2], 0, 0),
    "the first": ([2], 0, 3, [0, 1], 0, 0),
    "the first, of one that began later": ([2], 2, 3, [], 0, 0),
    "earlier than it must": ([2, 3], 3, 4, [], 0, 0),
    "the last": ([0], 0, 3, [1, 2], 0, 0),
    "the last, of one that has ended": ([0], 0, None, [], 0, 0),
    "a gap, of one that has ended": ([0, 2], None, None, [1], 0, 0),
    "two turned round": ([0, 2, 1], 0, 3, [], 0, 1),
    "the first two turned round": ([1, 0], 0, 2, [], 0, 1),
    "one twice": ([0, 1, 1], 0, 2, [], 1, 0),
    "an old one twice": ([0, 1, 2, 0], 0, 3, [], 1, 0),
}


@pytest.mark.parametrize("numbers, begin, end, lost, doubled, disordered", CASES.values(), ids=CASES)
def test_arriving_relays_are_checked(numbers, begin, end, lost, doubled, disordered):
    arrivals = Arrivals()
    for number in numbers:
        arrivals.saw(number)
    assert (arrivals.lost(begin, end), arrivals.doubled, arrivals.disordered) == (lost, doubled, disordered)


def test_a_payload_that_was_changed_is_not_one_of_a_load():
    payload = payload_of(7, 12, 100)
    assert read_payload(payload) == (7, 12)
    for changed in (payload[:-1] + b"x", b"x" + payload[1:], payload[:8], b""):
        assert read_payload(changed) != (7, 12)


@pytest.fixture
def cluster():
    with BreakableCluster(2) as started:
        yield started


def test_a_relay_received_twice_but_sent_once_is_duplicated(cluster):
    room = Room((0, "native"), (1, "v2"))
    with SequenceLoad(cluster.addresses(), [room]) as load:
        load.run(0.2)
        stream = next(stream for stream in load.streams() if stream.sent)
        intruder = RawClient(cluster.edges[0].address())
        intruder.send(binary(relay(room.topic, payload_of(stream.id, 0, 100))))
        intruder.send(binary(relay(room.topic, b"never said")))
        verdict = load.finish()
        assert verdict.doubled == 1, verdict
        # To the other: one gets its own relay, and both get a relay that was never sent.
        assert verdict.corrupt == 3, verdict
        assert not verdict.lost and not verdict.disordered and not verdict.closed, verdict


def test_a_relay_that_does_not_come_is_lost(cluster):
    with SequenceLoad(cluster.addresses()) as load:
        load.run(0.2)
        load.skip_one_number()
        load.run(0.2)
        verdict = load.finish(within=1)
        assert verdict.lost == 1 and not verdict.doubled and not verdict.closed, verdict


def test_a_connection_that_somebody_closes_is_closed(cluster):
    with SequenceLoad(cluster.addresses()) as load:
        admin = Admin(cluster.core.grpc_address())
        victim = next(stream.life.connection.peer_id for stream in load.streams() if stream.life.connection.peer_id)
        admin.disconnect(id=victim)
        load.run(0.3)
        load.await_back()
        verdict = load.finish()
        admin.close()
        assert len(verdict.closed) == 1 and "1008 operator" in verdict.closed[0], verdict
        assert verdict.faults().keys() == {"closed"}, verdict


def test_clients_of_an_edge_that_is_not_planned_to_end_are_closed(cluster):
    with SequenceLoad(cluster.addresses()) as load:
        load.run(0.3)
        cluster.kill_edge(1)
        load.run(0.3)
        assert len(load.counts().closed) >= 5


def test_clients_of_an_edge_that_ends_and_returns_are_not_closed_and_lose_nothing(cluster):
    with SequenceLoad(cluster.addresses(), rate=1000) as load:
        for _ in range(3):
            load.run(0.3)
            load.edge_ends(1)
            cluster.kill_edge(1)
            cluster.start_edge(1)
            load.edge_is_back(1)
            load.await_back()
        load.finish().assert_clean(expected=500)

"""A hostile edge: an attacker with an edge's credential sends any lane.proto messages. What they gain, and what it costs others."""
import itertools
import json
import os
import signal
import time

import pytest
from support.admin_api import Code, lane_pb
from support.fake_lane import FakeLane
from support.hostile_edge import assert_undisturbed, meet, world  # noqa: F401
from support.messages import new_topic
from support.ops import scrape
from support.peer import Peer
from support.waiting import eventually

Event = lane_pb.LaneEvent
MIB = 1 << 20


def read_until(client, wanted):
    while True:
        name, fields = client.receive()
        if name == wanted:
            return fields


def assert_broken(world, lane):
    """Its lane is given up for this reason. If a write was in progress, it is not told why."""
    code, text = lane.await_end()
    assert (code, text) == (Code.INVALID_ARGUMENT, "lane_broken") or code == Code.CANCELLED
    assert scrape(world.core).get("lanes_given_up_total", reason="lane_broken") == 1


# ---- others' peers


def forgeries(lane, victim, topic):
    """Events in the name of a peer of another edge."""
    peer, numbers = int(victim.id, 16), itertools.count(1)
    for proof in (0, 1):
        yield Event(kind="KIND_PEER_OPENED", peer=peer, proof=proof)
        yield Event(kind="KIND_RELAYED", peer=peer, proof=proof, topic=topic.encode(), payload=b"forged", seq=next(numbers))
        yield Event(kind="KIND_PUBLISHED", peer=peer, proof=proof, topic=topic.encode(), payload=b"forged", seq=next(numbers),
                    record=lane_pb.Record(connection=peer, blob=b"forged", ttl_us=10**9))
        yield Event(kind="KIND_PUBLISHED", peer=peer, proof=proof, topic=topic.encode(),
                    record=lane_pb.Record(connection=peer, blob=b"forged", ttl_us=10**9))
    yield Event(kind="KIND_SUBSCRIBED", peer=peer, topic=b"elsewhere", is_new=True)
    yield Event(kind="KIND_UNSUBSCRIBED", peer=peer, topic=topic.encode())
    yield Event(kind="KIND_QUERIED", peer=peer, topic=topic.encode())
    yield Event(kind="KIND_PEER_STATS", peer=peer, stats=lane_pb.PeerStats(dialect="forged"))
    yield Event(kind="KIND_PEER_CLOSED", peer=peer, close_code=1000)


def test_an_edge_cannot_act_for_peers_of_others(world):
    topic, alice, bob = meet(world)
    lane = world.lane()
    events = list(forgeries(lane, alice, topic))
    lane.say(*events)
    eventually(lambda: world.refusals("foreign_peer") == len(events), "every one of them refused and counted")
    assert_undisturbed(topic, alice, bob)
    seen = world.operator().peer(alice.id)
    assert (seen.edge, list(seen.topics), seen.dialect == "forged") == ("north", [topic], False), seen
    assert lane.end is None
    # The log has it, rate-limited.
    world.core.wait_for_log("edge_refused .*reason=foreign_peer")
    assert len(world.core.grep("edge_refused .*reason=foreign_peer")) <= 3


def test_an_edge_cannot_act_for_a_peer_that_has_left_either(world):
    topic, alice, bob = meet(world)
    gone = alice.id
    alice.peer.close()
    assert bob.receive() == ("Left", {"topic": topic, "peer": gone})
    lane = world.lane()
    lane.relay((int(gone, 16), 1), topic, b"forged", seq=1)
    lane.say(Event(kind="KIND_PEER_OPENED", peer=int(gone, 16), proof=1))
    eventually(lambda: world.refusals("foreign_peer") == 2, "both refused")
    bob.assert_told_nothing_more()


def test_an_edge_cannot_take_over_lanes_or_peers_at_a_new_core_either(world):
    """It reconnects first, with all it knows of others: ids of lanes and of peers."""
    topic, alice, bob = meet(world)
    lane = world.lane()
    lane.subscribe(topic)
    assert bob.receive()[0] == alice.receive()[0] == "Joined"
    assert alice.reached(topic, b"hello") == 2
    bob.receive()
    delivery = eventually(lambda: next(iter(lane.deliveries()), None), "a delivery, which names the lane of alice")
    lane.close()
    for edge in world.edges.values():
        edge.send_signal(signal.SIGSTOP)
    world.core.kill()
    world.start_core()
    thief = FakeLane(world.mallory, "mallory", wait=False, hello={"lane_id": delivery.origin_lane})
    code, _ = thief.await_end()
    assert code == Code.PERMISSION_DENIED
    squatter = world.lane(core_id=delivery.origin_lane, snapshot_ends=False)
    squatter.say(*(Event(kind="KIND_PEER_OPENED", peer=int(one.id, 16), proof=7) for one in (alice, bob)),
                 Event(kind="KIND_SNAPSHOT_END", next_seq=1))
    eventually(lambda: world.refusals("foreign_peer") == 2, "refused")
    for edge in world.edges.values():
        edge.send_signal(signal.SIGCONT)
    for edge in world.edges.values():
        edge.wait_for_log("core_link_up", count=2)
    eventually(lambda: world.operator().status().peers == 2, "both of them")
    alice.relay(topic, b"back", to=bob.id, id=9)
    assert read_until(alice, "Receipt") == {"id": 9, "reached": 1}
    assert read_until(bob, "Relay")["from"] == alice.id


# ---- others' lanes


def test_an_edge_cannot_take_over_a_lane_of_another(world):
    lane = world.lane()
    others = [other for message in eventually(lambda: [m for m in lane.received if m.roster.lanes], "a roster")
              for other in message.roster.lanes if other != lane.lane_id]
    assert len(set(others)) == 2
    for other in set(others):
        for secret in (lane.secret, bytes(16), os.urandom(16)):
            thief = FakeLane(world.mallory, "mallory", wait=False, secret=secret, hello={"lane_id": other})
            code, text = thief.await_end()
            assert code == Code.PERMISSION_DENIED, text
    assert world.refusals("secret") == 6
    assert all(scrape(edge).get("core_link_up", lane="0") == 1 for edge in world.edges.values())
    assert not any(edge.grep("core_link_lost") for edge in world.edges.values())


@pytest.mark.parametrize("number", [2, 1 << 62, (1 << 64) - 1])
def test_a_skipped_number_ends_only_its_own_lane(world, number):
    topic, alice, bob = meet(world)
    lane = world.lane()
    lane.relay(lane.open_peer(), topic, b"poison", seq=number)
    assert_broken(world, lane)
    assert world.refusals("relay_number") == 1
    for _ in range(20):
        assert_undisturbed(topic, alice, bob)


# ---- records


def records_of(world, topic, edge="south"):
    host, port = world.edges[edge].address()
    asking = Peer(f"ws://{host}:{port}/")
    asking.send(json.dumps({"type": "query", "topic": topic}))
    answer = json.loads(asking.receive())
    return [bytes.fromhex(address) for peer in answer["peers"] for address in peer["addresses"]]


def test_an_edge_cannot_replace_records_of_other_connections(world):
    topic = new_topic("listed")
    host, port = world.edges["north"].address()
    publisher = Peer(f"ws://{host}:{port}/")
    publisher.send(json.dumps({"type": "publish", "topic": topic, "payload": "cmVhbA=="}))
    eventually(lambda: records_of(world, topic) == [b"real"], "the record")
    connection = int(next(peer.id for peer in world.operator().peers() if peer.edge == "north"), 16)
    lane = world.lane()
    own, proof = lane.open_peer()
    record = lane_pb.Record(connection=connection, blob=b"forged", ttl_us=10**9)
    for number, peer in ((1, own), (0, own), (0, connection)):
        lane.say(Event(kind="KIND_PUBLISHED", peer=peer, proof=proof, topic=topic.encode(), payload=b"forged", record=record, seq=number))
    eventually(lambda: world.refusals("foreign_peer") == 3, "refused")
    # The same content for no time at all would take the real one with it.
    lane.say(Event(kind="KIND_PUBLISHED", peer=own, proof=proof, topic=topic.encode(), payload=b"real", seq=2,
                   record=lane_pb.Record(connection=own, blob=b"real", ttl_us=1)))
    eventually(lambda: scrape(world.core).get("relays_total") >= 2, "that is handled")
    assert records_of(world, topic) == [b"real"]


# ---- sizes and counts


def worst_delay(world, topic, alice, bob, meanwhile):
    """Of relays between two others while that is done; seconds."""
    worst, over = 0.0, False
    steps = meanwhile()
    while not over:
        over = next(steps, "over") == "over"
        start = time.monotonic()
        alice.relay(topic, b"x", to=bob.id)
        bob.receive()
        worst = max(worst, time.monotonic() - start)
    return worst


def varint(number):
    out = bytearray()
    while number > 0x7f:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    return bytes([*out, number])


EMPTY_EVENT = b"\x22\x00"
EMPTY_ADDRESS = b"\x22\x00"
EMPTY_COUNT = b"\x2a\x00"


def nested(field, content):
    return varint(field << 3 | 2) + varint(len(content)) + content


INFLATED = {"events": EMPTY_EVENT * (15 * MIB), "addresses": nested(4, nested(12, EMPTY_ADDRESS * (15 * MIB))),
            "counts": nested(5, EMPTY_COUNT * (15 * MIB)), "groups": b"\x23" * (30 * MIB)}


@pytest.mark.parametrize("what", INFLATED)
def test_a_message_in_parts_costs_its_bytes(world, what):
    """Of two bytes each, items that take hundreds in memory: 30 MiB would be up to 4 GiB."""
    topic, alice, bob = meet(world)
    lane, content = world.lane(), INFLATED[what]
    world.core.forget_peak()
    before = world.core.resident_bytes()
    piece = 512 << 10

    def send():
        for at in range(0, len(content), piece):
            lane.say_message(part=content[at:at + piece], more=at + piece < len(content))
            yield
    delay = worst_delay(world, topic, alice, bob, send)
    assert_broken(world, lane)
    grown = world.core.peak_resident_bytes() - before
    assert grown < 4 * len(content), f"{grown / MIB:.0f} MiB for {len(content) / MIB:.0f} MiB"
    assert delay < 0.5, delay
    eventually(lambda: world.core.resident_bytes() - before < 2 * len(content), "memory that is given back")


def test_one_message_has_a_bounded_number_of_items(world):
    topic, alice, bob = meet(world)
    world.core.forget_peak()
    before = world.core.resident_bytes()
    for _ in range(8):
        lane = world.lane()
        lane.say(*[Event()] * 200_000)
        code, text = lane.await_end()
        assert code == Code.INVALID_ARGUMENT, text
        assert_undisturbed(topic, alice, bob)
    assert world.refusals("too_long") == 8
    assert world.core.peak_resident_bytes() - before < 32 * MIB


HELLOS = {"edge": {"edge": "x" * 500_000}, "no edge": {"edge": ""}, "version": {"version": "x" * 500_000}, "secret": {"secret": b"short"},
          "roster": {"roster": lane_pb.Roster(lanes=range(1, 66_000))}, "protocol": {"protocol_version": 1}}


@pytest.mark.parametrize("what", HELLOS)
def test_a_hello_that_no_edge_sends_is_refused(world, what):
    lane = FakeLane(world.mallory, "mallory", wait=False, hello=HELLOS[what])
    code, text = lane.await_end()
    assert code == Code.FAILED_PRECONDITION, text
    assert world.refusals("hello") == 1
    assert max(len(line) for line in world.core.log) < 1000


LONG = {"address": {"info": lane_pb.PeerInfo(remote_address="1" * 100)}, "agent": {"info": lane_pb.PeerInfo(user_agent="x" * 300)},
        "tls": {"info": lane_pb.PeerInfo(tls_version="x" * 100)}, "dialect": {"stats": lane_pb.PeerStats(dialect="x" * 100)},
        "topic": {"topic": b"x" * 65_537}, "reason": {"close_reason": "x" * 300},
        "peer id": {"record": lane_pb.Record(peer_id="x" * 300)}, "address of a record": {"record": lane_pb.Record(addresses=["x" * 9000])},
        "addresses": {"record": lane_pb.Record(addresses=["x"] * 65)}}


def test_strings_and_lists_above_an_edges_bounds_have_no_effect(world):
    lane = world.lane()
    for number, fields in enumerate(LONG.values(), 1):
        peer, proof = lane.new_peer()
        lane.say(Event(kind="KIND_PEER_OPENED", peer=peer, proof=proof, **fields))
        eventually(lambda n=number: world.refusals("too_long") == n, "refused")
    lane.say_message(stats=lane_pb.LaneStats(drops=[lane_pb.NamedCount(name="x" * 100)]))
    lane.say_message(stats=lane_pb.LaneStats(closes=[lane_pb.NamedCount(name="x")] * 100))
    eventually(lambda: world.refusals("too_long") == len(LONG) + 2, "refused")
    assert world.operator().status().peers == 0 and lane.end is None

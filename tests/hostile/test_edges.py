"""A hostile edge: an attacker with an edge's credential sends any lane.proto messages. What they gain, and what it costs others."""
import contextlib
import itertools
import json
import os
import signal
import time

import pytest
from support.admin_api import Admin, Code, lane_pb
from support.admin_api import Authority as CertificateAuthority
from support.fake_lane import FakeLane, lane_id_of, new_hello, peer_id_of
from support.messages import new_topic
from support.ops import OPS, scrape
from support.peer import Peer
from support.process import run
from support.raw_client import RawClient
from support.revocation import revocation_list
from support.v2_client import SUBPROTOCOL, V2Client
from support.waiting import eventually

Event = lane_pb.LaneEvent
TOKENS = {"north": "the-token-of-north", "south": "the-token-of-south", "mallory": "the-token-of-mallory"}
MIB = 1 << 20


class World:
    """A core, two edges with a credential each, and an edge played by the test."""

    def __init__(self, start, directory):
        self._start = start
        self._tokens = directory / "edges"
        self._operators = directory / "operators"
        self._operators.write_text("alice: the-token-of-alice\nbob: the-token-of-bob\n")
        self._address = f"unix:{directory}/core"
        self.allow(*TOKENS)
        self.lanes = []
        self.start_core()
        self.edges = {}
        for name in ("north", "south"):
            path = directory / name
            path.write_text(f"{name}: {TOKENS[name]}\n")
            self.edges[name] = start("--role", "edge", "--core", self._address, "--grpc-edge-token-file", str(path), "--threads", "1",
                                     env=OPS)
        for edge in self.edges.values():
            edge.wait_for_log("core_link_up")

    def start_core(self):
        self.core = self._start("--role", "core", "--grpc-listen-addr", self._address, "--grpc-edge-token-file", str(self._tokens),
                                "--grpc-operator-token-file", str(self._operators), env=OPS)
        self.core.grpc_address()
        # A channel that has lost its core waits before it tries again.
        self.mallory = Admin(self._address, token=TOKENS["mallory"])

    def allow(self, *names):
        self._tokens.write_text("".join(f"{name}: {TOKENS[name]}\n" for name in names))

    def allow_operators(self, *names):
        self._operators.write_text("".join(f"{name}: the-token-of-{name}\n" for name in names))

    def operator(self, name="alice"):
        return Admin(self._address, token=f"the-token-of-{name}")

    def lane(self, name="mallory", **options):
        lane = FakeLane(self.mallory, name, **options)
        self.lanes.append(lane)
        return lane

    def client(self, edge):
        host, port = self.edges[edge].address()
        return V2Client(Peer(f"ws://{host}:{port}/", subprotocols=[SUBPROTOCOL]))

    def refusals(self, reason):
        return scrape(self.core).get("edge_refusals_total", reason=reason)

    def close(self):
        for lane in self.lanes:
            lane.close()
        self.mallory.close()


@pytest.fixture
def world(start, tmp_path):
    made = World(start, tmp_path)
    yield made
    made.close()


def meet(world):
    """Clients of the two edges under one topic: (topic, north's, south's)."""
    topic, alice, bob = new_topic("private"), world.client("north"), world.client("south")
    alice.subscribe(topic)
    bob.subscribe(topic)
    assert alice.receive() == ("Joined", {"topic": topic, "peer": bob.id})
    return topic, alice, bob


def assert_undisturbed(topic, alice, bob):
    """The next relay that the other receives is one sent now."""
    assert alice.reached(topic, b"hello", to=bob.id) == 1
    name, fields = bob.receive()
    assert (name, fields["from"], fields["payload"]) == ("Relay", alice.id, b"hello")


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
    assert 1 <= len(world.core.grep("edge_refused .*reason=foreign_peer")) <= 3


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


# ---- credentials


def test_a_credential_is_bound_to_the_edges_name(world):
    for name in ("north", "mallory2", "Mallory"):
        lane = FakeLane(world.mallory, name, wait=False)
        code, text = lane.await_end()
        assert code == Code.PERMISSION_DENIED and "--edge-name" in text, text
    assert world.refusals("edge_name") == 3
    assert {edge.edge for edge in world.operator().edges()} == {"north", "south"}


def test_one_edge_is_revoked_and_others_stay(world):
    topic, alice, bob = meet(world)
    lane = world.lane()
    lane.subscribe(topic)
    assert bob.receive()[0] == alice.receive()[0] == "Joined"
    world.allow("north", "south")
    world.core.signal(signal.SIGHUP)
    code, text = lane.await_end(within=2)
    assert code == Code.UNAUTHENTICATED, text
    world.core.wait_for_log("credentials_revoked calls=1 ")
    again = FakeLane(world.mallory, "mallory", wait=False)
    assert again.await_end()[0] == Code.UNAUTHENTICATED
    assert world.refusals("credential") == 2
    assert not any(edge.grep("core_link_lost") for edge in world.edges.values())
    assert_undisturbed(topic, alice, bob)


def test_a_reload_that_changes_nothing_ends_nothing(world):
    lane, feed = world.lane(), world.operator().watch()
    world.core.signal(signal.SIGHUP)
    world.core.wait_for_log("reloaded what=grpc_tokens")
    lane.subscribe(new_topic())
    assert feed.next().edge == "mallory" and lane.end is None
    feed.close()


def test_an_operator_who_is_revoked_sees_nothing_more(world):
    alices, bobs = world.operator("alice").watch(), world.operator("bob").watch()
    world.allow_operators("bob")
    world.core.signal(signal.SIGHUP)
    with pytest.raises(Exception) as ended:
        alices.next(within=2)
    assert ended.value.code() == Code.UNAUTHENTICATED
    host, port = world.edges["north"].address()
    RawClient((host, port)).close()
    assert bobs.next().edge == "north"
    with pytest.raises(Exception) as refused:
        world.operator("alice").status()
    assert refused.value.code() == Code.UNAUTHENTICATED
    bobs.close()


@pytest.fixture
def certificates(start, tmp_path):
    """(core, files, {edge's name: lane}) over mutual TLS, with a list of names."""
    ours, theirs = CertificateAuthority(tmp_path, "ours"), CertificateAuthority(tmp_path, "theirs")
    both, allowed = tmp_path / "both.crt", tmp_path / "allowed"
    both.write_bytes(ours.cert.read_bytes() + theirs.cert.read_bytes())
    allowed.write_text("north: edge.north.example.com\nsouth: edge.south.example.com\nedge\n")
    own = ours.issue("core")
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", "--grpc-tls-cert", str(own.cert), "--grpc-tls-key", str(own.key),
                 "--grpc-tls-ca", str(both), "--grpc-allow-file", str(allowed), env=OPS)
    callers = {"north": ours.issue("edge.north.example.com"), "south": theirs.issue("edge.south.example.com"), "any": ours.issue("edge"),
               "stranger": ours.issue("edge.west.example.com")}
    for identity in callers.values():
        identity.ca = ours  # whom they trust
    admins = {name: Admin(core.grpc_address(), tls=identity) for name, identity in callers.items()}
    yield core, {"ours": ours.cert, "ca": both, "allowed": allowed}, admins
    for admin in admins.values():
        admin.close()


def test_certificates_are_revoked_by_the_list_and_by_the_ca(certificates):
    core, files, admins = certificates
    assert FakeLane(admins["stranger"], "west", wait=False).await_end()[0] == Code.UNAUTHENTICATED
    assert FakeLane(admins["north"], "south", wait=False).await_end()[0] == Code.PERMISSION_DENIED
    north, south, anyone = FakeLane(admins["north"], "north"), FakeLane(admins["south"], "south"), FakeLane(admins["any"], "whatever")
    files["ca"].write_bytes(files["ours"].read_bytes())
    core.signal(signal.SIGHUP)
    code, text = south.await_end(within=2)
    assert code == Code.UNAUTHENTICATED and "CA" in text, text
    files["allowed"].write_text("edge\n")
    core.signal(signal.SIGHUP)
    code, text = north.await_end(within=2)
    assert code == Code.UNAUTHENTICATED, text
    anyone.open_peer()
    eventually(lambda: scrape(core).get("peers") == 1, "the one that is let in")
    anyone.close()


def test_one_certificate_is_revoked_and_another_of_its_name_is_not(start, tmp_path):
    ours, crl = CertificateAuthority(tmp_path, "ours"), tmp_path / "crl"
    stolen, renewed, other = ours.issue("edge.north"), ours.issue("edge.north"), ours.issue("edge.south")
    crl.write_bytes(revocation_list(ours, other))
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", *ours.issue("core").flags(), "--grpc-tls-crl", str(crl), env=OPS)
    with contextlib.ExitStack() as stack:
        admins = [stack.enter_context(contextlib.closing(Admin(core.grpc_address(), tls=one))) for one in (stolen, renewed, other)]
        assert FakeLane(admins[2], "south", wait=False).await_end() == (Code.UNAUTHENTICATED, "the certificate has been revoked")
        taken, kept = FakeLane(admins[0], "north"), FakeLane(admins[1], "north")
        # One that is past its next update revokes nevertheless, and that is said.
        crl.write_bytes(revocation_list(ours, stolen, other, outdated=True))
        core.signal(signal.SIGHUP)
        assert taken.await_end(within=2) == (Code.UNAUTHENTICATED, "the certificate has been revoked")
        core.wait_for_log("credentials_revoked calls=1")
        core.wait_for_log("revocations_outdated next_update=2026-01-02")
        assert FakeLane(admins[0], "north", wait=False).await_end()[0] == Code.UNAUTHENTICATED
        kept.open_peer()
        eventually(lambda: scrape(core).get("peers") == 1, "the other one stays")
        # What cannot be used changes nothing.
        crl.write_bytes(revocation_list(CertificateAuthority(tmp_path, "theirs")))
        core.signal(signal.SIGHUP)
        core.wait_for_log("reload_failed what=grpc_tls error=.*signed by none of the CAs")
        assert FakeLane(admins[0], "north", wait=False).await_end()[0] == Code.UNAUTHENTICATED
        kept.close()


@pytest.mark.parametrize("who_has_it", ["the edge sends it", "the core has it in its CA file"])
def test_a_revoked_intermediate_ends_what_it_has_issued(start, tmp_path, who_has_it):
    root, crl, authorities = CertificateAuthority(tmp_path, "root"), tmp_path / "crl", tmp_path / "authorities"
    lost, kept = root.intermediate("lost"), root.intermediate("kept")
    crl.write_bytes(revocation_list(root))
    authorities.write_bytes(root.cert.read_bytes())
    callers = {name: issuer.issue("edge") for name, issuer in (("lost", lost), ("kept", kept))}
    for issuer, caller in zip((lost, kept), callers.values()):
        caller.ca = root  # whom they trust
        sent = caller.cert if who_has_it == "the edge sends it" else authorities
        sent.write_bytes(sent.read_bytes() + issuer.cert.read_bytes())
    own = root.issue("core")
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", "--grpc-tls-cert", str(own.cert), "--grpc-tls-key", str(own.key),
                 "--grpc-tls-ca", str(authorities), "--grpc-tls-crl", str(crl), env=OPS)
    with contextlib.ExitStack() as stack:
        admins = {name: stack.enter_context(contextlib.closing(Admin(core.grpc_address(), tls=one))) for name, one in callers.items()}
        lanes = {name: FakeLane(admin, name) for name, admin in admins.items()}
        crl.write_bytes(revocation_list(root, lost))
        core.signal(signal.SIGHUP)
        assert lanes["lost"].await_end(within=2) == (Code.UNAUTHENTICATED, "the certificate has been revoked")
        assert FakeLane(admins["lost"], "lost", wait=False).await_end()[0] == Code.UNAUTHENTICATED
        lanes["kept"].open_peer()
        eventually(lambda: scrape(core).get("peers") == 1, "the other one stays")
        lanes["kept"].close()


# ---- rotation


def test_an_edges_token_is_rotated_while_clients_stay(world, tmp_path):
    """Both, then the edge's, then the new one alone: the core ends what used the old one, and the edge is back with the new."""
    topic, alice, bob = meet(world)
    tokens = tmp_path / "edges"
    old = tokens.read_text()
    tokens.write_text(old + "north: the-new-token-of-north\n")
    world.core.signal(signal.SIGHUP)
    world.core.wait_for_log("reloaded what=grpc_tokens")
    (tmp_path / "north").write_text("north: the-new-token-of-north\n")
    north = world.edges["north"]
    north.signal(signal.SIGHUP)
    north.wait_for_log("reloaded what=grpc_tokens")
    assert not north.grep("core_link_lost")
    tokens.write_text(tokens.read_text().replace(f"north: {TOKENS['north']}\n", ""))
    world.core.signal(signal.SIGHUP)
    north.wait_for_log("core_link_lost .*code=16 ")
    north.wait_for_log("core_link_up .*outcome=RESUMED")
    assert_undisturbed(topic, alice, bob)
    assert not world.edges["south"].grep("core_link_lost")


def test_a_token_of_another_edge_is_not_taken_at_a_reload(world, tmp_path):
    (tmp_path / "north").write_text(f"south: {TOKENS['south']}\n")
    world.edges["north"].signal(signal.SIGHUP)
    world.edges["north"].wait_for_log("reload_failed what=grpc_tokens .*restarted")
    assert scrape(world.edges["north"]).get("reload_failures_total") == 1


def test_an_edges_certificate_and_ca_are_rotated(start, tmp_path):
    first, second = CertificateAuthority(tmp_path, "first"), CertificateAuthority(tmp_path, "second")
    files = {name: tmp_path / f"live-{name}" for name in ("core.crt", "core.key", "edge.crt", "edge.key", "ca")}

    def put(name, identity):
        files[f"{name}.crt"].write_bytes(identity.cert.read_bytes())
        files[f"{name}.key"].write_bytes(identity.key.read_bytes())

    def flags(name):
        return ["--grpc-tls-cert", str(files[f"{name}.crt"]), "--grpc-tls-key", str(files[f"{name}.key"]), "--grpc-tls-ca", str(files["ca"])]

    put("core", first.issue("core"))
    put("edge", first.issue("edge"))
    files["ca"].write_bytes(first.cert.read_bytes())
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", *flags("core"))
    edge = start("--role", "edge", "--core", core.grpc_address(), "--threads", "1", *flags("edge"), env=OPS)
    edge.wait_for_log("core_link_up")
    # Both CAs; new certificates; the new CA alone.
    for content in (first.cert.read_bytes() + second.cert.read_bytes(), second.cert.read_bytes()):
        files["ca"].write_bytes(content)
        put("core", second.issue("core"))
        put("edge", second.issue("edge"))
        for number, process in enumerate((edge, core), 1):
            process.signal(signal.SIGHUP)
            eventually(lambda p=process: len(p.grep("reloaded what=grpc_tls")) >= 1, f"{number}")
    # The lane was made with a certificate of the first CA.
    edge.wait_for_log("core_link_lost .*code=16 ")
    edge.wait_for_log("core_link_up .*outcome=RESUMED")
    files["edge.key"].write_bytes(b"nothing\n")
    edge.signal(signal.SIGHUP)
    edge.wait_for_log("reload_failed what=grpc_tls")
    assert scrape(edge).get("reload_failures_total") == 1 and scrape(edge).get("core_link_up", lane="0") == 1


def test_an_edge_is_named_by_its_credential(world, tmp_path):
    assert {edge.edge for edge in world.operator().edges()} == {"north", "south"}
    done = run("--role", "edge", "--core", "127.0.0.1:1", "--listen-addr", "127.0.0.1:0", "--edge-name", "west",
               "--grpc-edge-token-file", str(tmp_path / "north"))
    assert done.returncode == 1 and done.stderr.startswith("error: --grpc-edge-token-file: ") and "'west'" in done.stderr, done
    assert TOKENS["north"] not in done.stderr


def test_the_fake_speaks_the_ids_of_real_lanes():
    """Golden values of tests/unit/link/identity_test.cc."""
    hello = new_hello("x", secret=bytes(range(16)))
    assert hello.lane_id == lane_id_of(bytes(range(16))) == 0xac0d6ab6c4e9ea29
    assert peer_id_of(bytes(range(16)), 0x0102030405060708) == 0x9203c3dd281f0360

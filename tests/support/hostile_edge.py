"""A core with real edges, and an attacker who has an edge's credential."""
import pytest
from support.admin_api import Admin
from support.fake_lane import FakeLane
from support.messages import new_topic
from support.ops import OPS, scrape
from support.peer import Peer
from support.v2_client import SUBPROTOCOL, V2Client

TOKENS = {"north": "the-token-of-north", "south": "the-token-of-south", "mallory": "the-token-of-mallory"}


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
        # A gRPC channel backs off after a lost connection; this makes it reconnect at once.
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
    """Checks that a relay sent now is the next one that the other peer receives."""
    assert alice.reached(topic, b"hello", to=bob.id) == 1
    name, fields = bob.receive()
    assert (name, fields["from"], fields["payload"]) == ("Relay", alice.id, b"hello")

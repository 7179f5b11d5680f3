"""The core's own HTTP/2, which serves edges' lanes: what an attacker with an edge's credential can do to it, and what it costs others."""
import concurrent.futures
import contextlib
import signal
import ssl
import socket
import time

import pytest
from hostile_measures import SANITIZER_FACTOR, Talk, metric
from support import http2
from support.admin_api import Admin, Authority, lane_pb
from support.http2 import DATA, END_HEADERS, HEADERS, frame
from support.lane_attacks import ALLOWED, BREAKS, acknowledge_window, lane_request, message, open_lane, read_on
from support.ports import unused_port
from support.waiting import Stopwatch, eventually

MIB = 1 << 20
SECONDS = 0.7


class Attacked:
    """A core, a talk over an edge of it, and the credential of that edge."""

    def __init__(self, start, directory):
        self._token = directory / "edge"
        self._token.write_text("edge-token\n")
        self.core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", "--ops-listen-addr", "127.0.0.1:0",
                          "--grpc-edge-token-file", str(self._token))
        self.address = self.core.grpc_address()
        edge = start("--role", "edge", "--core", self.address, "--grpc-edge-token-file", str(self._token), "--threads", "1")
        self.core.wait_for_log("lane_opened")
        self._talk = Talk(edge)
        # A machine that is busy with other things is slow before, too.
        self._slow_enough = max(0.05, 5 * self._talk.calm()) * SANITIZER_FACTOR
        self._before = self.core.resident_bytes()
        self.core.forget_peak()

    def revoke(self):
        self._token.write_text("another-token\n")
        self.core.signal(signal.SIGHUP)

    def refusals(self, reason):
        return metric(self.core, f'cairn_signal_edge_refusals_total{{reason="{reason}"}}')

    def connection(self, **options):
        return http2.Connection(self.address, **options)

    def assert_others_unharmed(self, mib):
        slow = self._talk.end()
        grown = self.core.peak_resident_bytes() - self._before
        assert grown < mib * MIB * SANITIZER_FACTOR, f"{grown / MIB:.1f} MiB"
        assert slow < self._slow_enough, f"a relay took {slow * 1000:.0f} ms"


@pytest.fixture
def attacked(start, tmp_path):
    return Attacked(start, tmp_path)


def attack(attacked, which, token="edge-token", reads=False):
    def run(connection, token):
        if reads:
            read_on(connection)
        which(connection, token)
    http2.attack(attacked.address, run, token, seconds=SECONDS)


@pytest.mark.alone
@pytest.mark.parametrize("name", BREAKS)
def test_a_lane_that_breaks_http2_ends_and_is_counted(attacked, name):
    for _ in range(2):
        attack(attacked, BREAKS[name])
    eventually(lambda: attacked.refusals("http2") == 2, "each counted")
    attacked.core.wait_for_log('edge_refused edge="mallory" lane=0 reason=http2')
    assert len(attacked.core.grep('edge_refused edge="mallory" lane=0 reason=http2')) <= 2
    attacked.assert_others_unharmed(mib=4)


@pytest.mark.alone
@pytest.mark.parametrize("name", ALLOWED)
def test_what_http2_allows_costs_others_nothing(attacked, name):
    attack(attacked, ALLOWED[name], reads=True)
    attacked.assert_others_unharmed(mib=4)


@pytest.mark.alone
def test_strangers_get_no_further_than_their_first_request(attacked):
    with concurrent.futures.ThreadPoolExecutor(6) as strangers:
        for stranger in [strangers.submit(attack, attacked, which, "a wrong one") for which in (*BREAKS.values(), *ALLOWED.values())]:
            stranger.result()
    assert attacked.refusals("http2") == 0
    attacked.assert_others_unharmed(mib=4)


# ---- those that say nothing

def test_a_lane_that_says_nothing_is_ended(attacked):
    """No Hello, half of a Hello, half of a request, and a lane whose machine is off: it acknowledges nothing and answers no PING."""
    quiet, half, preface, gone = (attacked.connection() for _ in range(4))
    quiet.send(frame(HEADERS, END_HEADERS, 1, lane_request("edge-token")))
    half.send(frame(HEADERS, END_HEADERS, 1, lane_request("edge-token")), frame(DATA, 0, 1, b"\0\0\1\0\0" + bytes(1000)))
    preface.send(frame(HEADERS, END_HEADERS, 1, lane_request("edge-token"))[:20])
    open_lane(gone, "edge-token")
    watch = Stopwatch()
    assert quiet.is_over() and half.is_over() and preface.is_over()
    assert 3 < watch.seconds < 10
    assert attacked.refusals("no_hello") == 2
    assert gone.is_over()
    assert 8 < watch.seconds < 20
    attacked.core.wait_for_log('lane_closed edge="mallory"')
    attacked.assert_others_unharmed(mib=2)


def test_a_lane_that_sends_a_byte_at_a_time_is_ended(attacked):
    slow = attacked.connection()
    slow.send(frame(HEADERS, END_HEADERS, 1, lane_request("edge-token")))
    hello, watch = message(b"\0" * 1000), Stopwatch()
    with contextlib.suppress(OSError):
        for byte in hello:
            slow.send(frame(DATA, 0, 1, bytes([byte])))
            if slow.is_over(0.2):
                break
    assert 3 < watch.seconds < 10
    assert attacked.refusals("no_hello") == 1


def test_text_that_is_not_utf8_fills_no_log(attacked):
    """The protobuf library had a line on stderr for each, written by the thread that serves all lanes."""
    hello = b"\x0a\x06\x22\x04\xff\xff\xff\xff"
    for _ in range(50):
        with attacked.connection() as one:
            one.send(frame(HEADERS, END_HEADERS, 1, lane_request("edge-token")), frame(DATA, 0, 1, message(hello)))
            assert one.is_over()
    assert attacked.refusals("too_long") == 50
    assert not attacked.core.stderr
    attacked.core.wait_for_log("grpc: protobuf message=.*UTF-8")
    assert len(attacked.core.grep("grpc: protobuf message=.*UTF-8")) <= 3


# ---- messages that are not whole

@pytest.mark.alone
def test_the_beginnings_of_messages_cost_their_bytes(attacked):
    """60 lanes, each with the most that fits into its window: that is kept, and no more; it is given back at the end."""
    def fill(connection):
        open_lane(connection, "edge-token")
        acknowledge_window(connection)
        connection.send(frame(DATA, 0, 1, b"\0" + (560_000).to_bytes(4, "big")))
        for _ in range(34):
            connection.send(frame(DATA, 0, 1, bytes(16_000)))
    before = attacked.core.resident_bytes()
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(attacked.connection()) for _ in range(60)]
        for connection in connections:
            fill(connection)
        time.sleep(0.3)
        grown = attacked.core.resident_bytes() - before
        assert 30 * MIB < grown < 60 * MIB * 1.5 * SANITIZER_FACTOR, f"{grown / MIB:.1f} MiB"
    eventually(lambda: attacked.core.resident_bytes() - before < 16 * MIB * SANITIZER_FACTOR, "memory that is given back")
    attacked.assert_others_unharmed(mib=100)


def say(connection, content):
    """A lane that opens, and says a long message."""
    open_lane(connection, "edge-token")
    acknowledge_window(connection)
    connection.send(*(frame(DATA, 0, 1, content[at:at + 16_000]) for at in range(0, len(content), 16_000)))


@pytest.mark.alone
def test_the_memory_of_a_long_message_is_not_kept(attacked):
    event = lane_pb.LaneEvent(kind="KIND_RELAYED", peer=1, topic=b"x", payload=bytes(540_000), seq=1)
    content = message(lane_pb.LaneToCore(number=1, events=[event]).SerializeToString())
    before = attacked.core.resident_bytes()
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            say(stack.enter_context(attacked.connection()), content)
        eventually(lambda: attacked.refusals("foreign_peer") == 60, "all of them handled")
        eventually(lambda: attacked.core.resident_bytes() - before < 16 * MIB * SANITIZER_FACTOR, "memory that is given back", within=5)
    attacked.assert_others_unharmed(mib=150)


@pytest.mark.alone
def test_a_message_of_empty_items_costs_no_more_than_its_bytes(attacked):
    """An empty address takes two bytes on the wire and 40 in memory. A lane that is ended for it has kept them until then."""
    record = lane_pb.Record(peer_id="x", addresses=[""] * 280_000)
    content = message(lane_pb.LaneToCore(number=1, events=[lane_pb.LaneEvent(kind="KIND_PUBLISHED", peer=1, topic=b"x", record=record)])
                      .SerializeToString())
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            say(stack.enter_context(attacked.connection()), content)
        eventually(lambda: attacked.refusals("too_long") == 20, "all of them refused")
    attacked.assert_others_unharmed(mib=16)


def test_a_credential_that_is_revoked_ends_what_it_has_open(attacked):
    with attacked.connection() as one:
        open_lane(one, "edge-token")
        attacked.core.wait_for_log('lane_opened edge="mallory"')
        attacked.revoke()
        assert one.is_over()
    with attacked.connection() as again:
        open_lane(again, "edge-token")
        assert again.is_over()
    eventually(lambda: attacked.refusals("credential") >= 1, "counted")


# ---- with TLS

@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture
def core(start, authority):
    return start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", "--ops-listen-addr", "127.0.0.1:0", *authority.issue("core").flags())


def lane_tls(identity=None):
    """As an edge asks for a connection that carries nothing but a lane."""
    return http2.tls_context("cairn-lane", identity)


def test_lanes_and_operators_share_a_port_with_tls(start, core, authority):
    start("--role", "edge", "--core", core.grpc_address(), *authority.issue("edge").flags(), "--threads", "1").wait_for_log("core_link_up")
    with http2.Connection(core.grpc_address(), lane_tls(authority.issue("edge"))) as lane:
        assert lane.socket.selected_alpn_protocol() == "cairn-lane"
        open_lane(lane, None)
        core.wait_for_log('lane_opened edge="mallory"')
        assert Admin(core.grpc_address(), tls=authority.issue("operator")).status().lanes == 2


def test_an_edge_asks_for_a_connection_for_its_lane(start, authority):
    own, port = authority.issue("core"), unused_port()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.cert, own.key)
    context.set_alpn_protocols(["cairn-lane"])
    with socket.create_server(("127.0.0.1", port)) as listener:
        start("--role", "edge", "--core", f"127.0.0.1:{port}", *authority.issue("edge").flags(), "--threads", "1")
        listener.settimeout(20)
        accepted, _ = listener.accept()
        with context.wrap_socket(accepted, server_side=True) as connection:
            assert connection.selected_alpn_protocol() == "cairn-lane"
            assert connection.recv(len(http2.PREFACE)) == http2.PREFACE


@pytest.mark.parametrize("name, path, status", [("edge", http2.STATUS_CALL, b"7"), ("operator", http2.STATUS_CALL, b"12"),
                                                ("operator", http2.LANE_CALL, b"7"), ("who", http2.LANE_CALL, b"16")])
def test_a_connection_for_a_lane_carries_nothing_else(core, authority, name, path, status):
    with http2.Connection(core.grpc_address(), lane_tls(authority.issue(name))) as connection:
        connection.send(frame(HEADERS, END_HEADERS, 1, lane_request(None) if path == http2.LANE_CALL else http2.request()))
        headers = next(payload for kind, _, _, payload in connection.frames() if kind == HEADERS)
    assert b"grpc-status" + bytes([len(status)]) + status in headers


def test_a_stranger_without_a_certificate_gets_no_lane(core, authority):
    Admin(core.grpc_address(), tls=authority.issue("operator")).status()
    before = core.resident_bytes()
    core.forget_peak()
    for _ in range(30):
        with contextlib.suppress(OSError), http2.Connection(core.grpc_address(), lane_tls()) as connection:
            connection.send(bytes(100_000))
    eventually(lambda: metric(core, 'cairn_signal_grpc_refused_connections_total{reason="tls_failed"}') == 30, "each counted")
    assert core.peak_resident_bytes() - before < 8 * MIB * SANITIZER_FACTOR


@pytest.mark.alone
@pytest.mark.parametrize("name", ["endless trailers", "rapid resets", "pings without reading", "data beyond the window",
                                  "compressed message"])
def test_a_lane_with_tls_that_breaks_http2_ends_and_is_counted(start, core, authority, name):
    attack_with_tls(start, core, authority, BREAKS[name])
    eventually(lambda: metric(core, 'cairn_signal_edge_refusals_total{reason="http2"}') == 1, "it is counted")


@pytest.mark.alone
@pytest.mark.parametrize("name", ["data of no bytes", "many messages of no bytes", "long frames of unknown types"])
def test_a_flood_with_tls_costs_others_nothing(start, core, authority, name):
    """There is always the beginning of another record to be read."""
    attack_with_tls(start, core, authority, ALLOWED[name])


def attack_with_tls(start, core, authority, which):
    edge = start("--role", "edge", "--core", core.grpc_address(), *authority.issue("edge").flags(), "--threads", "1")
    core.wait_for_log("lane_opened")
    talk = Talk(edge)
    slow_enough = max(0.05, 5 * talk.calm()) * SANITIZER_FACTOR
    before = core.resident_bytes()
    core.forget_peak()

    http2.attack(core.grpc_address(), which, None, lane_tls(authority.issue("edge")), seconds=SECONDS)
    assert talk.end() < slow_enough
    assert core.peak_resident_bytes() - before < 4 * MIB * SANITIZER_FACTOR

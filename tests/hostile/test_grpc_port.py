"""Strangers at the core's gRPC port: without a credential they take neither memory, nor time, nor descriptors of others."""
import concurrent.futures
import contextlib
import re
import socket
import time

import grpc
import pytest
from hostile_measures import SANITIZER_FACTOR, Talk, metric
from support import http2, process
from support.admin_api import Admin, Authority, Code, refused
from support.process import run, with_defaults
from support.tools import need, output
from support.waiting import Stopwatch, eventually

MIB = 1 << 20
SECONDS = 1
KINDS = ("edge", "operator", "viewer")


@pytest.fixture
def tokens(tmp_path):
    for kind in KINDS:
        (tmp_path / kind).write_text(f"{kind}-token\n")
    return tmp_path


@pytest.fixture
def token_flags(tokens):
    return [text for kind in KINDS for text in (f"--grpc-{kind}-token-file", str(tokens / kind))]


@pytest.fixture
def start_core(start, token_flags):
    return lambda *flags, **options: start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", *token_flags, *flags, **options)


def operator(core):
    return Admin(core.grpc_address(), token="operator-token")


def connections_to(address, count):
    host, _, port = address.rpartition(":")
    for _ in range(count):
        yield socket.create_connection((host, int(port)), timeout=5)


@pytest.fixture
def attacked(start, start_core, tokens):
    """A core, and a talk over an edge of it."""
    core = start_core()
    edge = start("--role", "edge", "--core", core.grpc_address(), "--grpc-edge-token-file", str(tokens / "edge"),
                 "--threads", "1")
    core.wait_for_log("lane_opened")
    talk = Talk(edge)
    # A machine that is busy with other things is slow before, too.
    yield core, talk, max(0.05, 5 * talk.calm())
    talk.end()


def tls_client(identity=None):
    return http2.tls_context("h2", identity)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ours"))


# ---- the input of a stranger

@pytest.mark.alone
@pytest.mark.parametrize("which", http2.ATTACKS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("token", [None, "a wrong one"], ids=["no-token", "wrong-token"])
def test_the_input_of_a_stranger_costs_little(attacked, which, token):
    core, talk, slow_enough = attacked
    before = core.resident_bytes()
    core.forget_peak()
    busy = core.cpu_seconds()
    with concurrent.futures.ThreadPoolExecutor() as strangers:
        for stranger in [strangers.submit(http2.attack, core.grpc_address(), which, token) for _ in range(3)]:
            stranger.result()
    growth, busy = core.peak_resident_bytes() - before, core.cpu_seconds() - busy
    slow = talk.end()
    assert growth < 4 * MIB * SANITIZER_FACTOR, f"{growth / MIB:.1f} MiB"
    assert busy < 1 * SANITIZER_FACTOR, f"{busy:.2f} s of CPU"
    assert slow < slow_enough * SANITIZER_FACTOR, f"a relay took {slow * 1000:.0f} ms"


@pytest.mark.alone
@pytest.mark.parametrize("which", [http2.compressed_bomb, http2.never_ending_body, http2.header_bomb],
                         ids=lambda one: one.__name__)
def test_grpc_input_of_callers_with_a_credential_is_bounded(attacked, which):  # pylint: disable=invalid-name
    core, talk, slow_enough = attacked
    before = core.resident_bytes()
    core.forget_peak()
    http2.attack(core.grpc_address(), which, "viewer-token", seconds=SECONDS)
    assert talk.end() < slow_enough * SANITIZER_FACTOR
    growth = core.peak_resident_bytes() - before
    assert growth < 64 * MIB * SANITIZER_FACTOR, f"{growth / MIB:.1f} MiB"


@pytest.mark.alone
@pytest.mark.parametrize("which", [http2.rapid_reset, http2.endless_continuation], ids=lambda one: one.__name__)
@pytest.mark.parametrize("tls", [False, True], ids=["token", "certificate"])
@pytest.mark.parametrize("kind, path, extra", [
    ("viewer", http2.STATUS_CALL, b""), ("viewer", http2.LANE_CALL, http2.field(b"cairn-connection", b"one-call")),
    ("edge", http2.LANE_CALL, b"")], ids=["viewer", "viewer as an edge", "edge"])
def test_what_grpc_is_sent_waits_in_its_own_connection(start, start_core, tokens, authority, which, tls, kind, path, extra):
    """gRPC would handle all of it at once, and keep it: others waited for seconds, and hundreds of MB were not given back.

    Lanes of this server's edges are not gRPC's, but their credential allows a call that is.
    """
    if tls:
        core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", *authority.issue("core").flags())
        edge_flags, caller = authority.issue("edge").flags(), tls_client(authority.issue(kind))
    else:
        core, edge_flags, caller = start_core(), ["--grpc-edge-token-file", str(tokens / "edge")], None
    edge = start("--role", "edge", "--core", core.grpc_address(), *edge_flags, "--threads", "1")
    core.wait_for_log("lane_opened")
    talk = Talk(edge)
    longest_allowed = max(1, 5 * talk.calm())
    before = core.resident_bytes()
    core.forget_peak()
    http2.attack(core.grpc_address(), which, None if tls else f"{kind}-token", caller, seconds=SECONDS, path=path, extra=extra)
    talk.end()
    growth, longest = core.peak_resident_bytes() - before, max(talk.seconds)
    assert growth < 48 * MIB * SANITIZER_FACTOR, f"{growth / MIB:.1f} MiB"
    assert longest < longest_allowed * SANITIZER_FACTOR, f"a relay took {longest * 1000:.0f} ms"


@pytest.mark.alone
@pytest.mark.parametrize("which", [http2.rapid_reset, http2.endless_continuation, http2.empty_continuation], ids=lambda one: one.__name__)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "certificate"])
def test_calls_on_a_path_are_passed_to_grpc_a_few_at_a_time(start, authority, tmp_path, which, tls):
    """The receiver of a Unix socket has no buffer of its own: 3 s of rapid resets took up to 662 MiB of the core's memory."""
    address = f"unix:{tmp_path}/core"
    core_flags, edge_flags = (authority.issue("core", names="DNS:localhost").flags(), authority.issue("edge").flags()) if tls else ([], [])
    core = start("--role", "core", "--grpc-listen-addr", address, *core_flags)
    core.grpc_address()
    edge = start("--role", "edge", "--core", address, *edge_flags, "--threads", "1")
    edge.wait_for_log("core_link_up")
    talk = Talk(edge)
    longest_allowed = max(0.5, 5 * talk.calm())
    before, busy = core.resident_bytes(), core.cpu_seconds()
    core.forget_peak()
    http2.attack(address, which, None, tls_client(authority.issue("viewer")) if tls else None, seconds=SECONDS)
    talk.end()
    growth, longest, busy = core.peak_resident_bytes() - before, max(talk.seconds), core.cpu_seconds() - busy
    assert growth < 48 * MIB * SANITIZER_FACTOR, f"{growth / MIB:.1f} MiB"
    assert longest < longest_allowed * SANITIZER_FACTOR, f"a relay took {longest * 1000:.0f} ms"
    assert busy < SECONDS * SANITIZER_FACTOR, f"{busy:.2f} s of CPU"
    assert Admin(address, tls=authority.issue("operator") if tls else None).status().lanes == 1


def test_an_edge_may_send_as_fast_as_the_network_takes_it(start, start_core, tokens, authority):
    for core, edge_flags in [(start_core(), ["--grpc-edge-token-file", str(tokens / "edge")]),
                             (start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", *authority.issue("core").flags()),
                              authority.issue("edge").flags())]:
        start("--role", "edge", "--core", core.grpc_address(), *edge_flags, "--threads", "1").wait_for_log("core_link_up")
        eventually(lambda core=core: receive_buffers(core) and min(receive_buffers(core)) > 65_536, "a buffer of the usual size")


def receive_buffers(core):
    """The sizes of those of the gRPC port's connections."""
    ss = need("ss", "iproute2")
    port = core.grpc_address().rpartition(":")[2]
    return [int(size) for size in re.findall(r"skmem:\(r\d+,rb(\d+)", output(ss, "-tnmH", "state", "established", "sport", "=", f":{port}"))]


def test_a_compressed_message_is_refused_not_taken_apart(start_core):
    core = start_core()
    caller = Admin(core.grpc_address(), token="viewer-token", options=[("grpc.default_compression_algorithm", 2)])
    call = caller.channel.unary_unary("/cairn.signaling.v1.Admin/GetStatus")
    with pytest.raises(grpc.RpcError) as error:
        call(b"\x7a\x80\x80\x04" + bytes(1 << 16), metadata=caller.metadata, timeout=5)
    assert error.value.code() in (Code.UNIMPLEMENTED, Code.INTERNAL, Code.RESOURCE_EXHAUSTED), error.value


# ---- the first call of a stranger

def test_a_stranger_is_told_why_and_is_disconnected(start_core):
    core = start_core()
    with http2.Connection(core.grpc_address()) as connection:
        connection.send(http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.request("wrong")),
                        http2.frame(http2.DATA, 0, 1, bytes(10_000)))
        frames = list(connection.frames())
    [headers] = [payload for kind, _, _, payload in frames if kind == http2.HEADERS]
    assert b"grpc-status\x0216" in headers and b"this call needs an operator's" in headers
    assert http2.GOAWAY in [kind for kind, *_ in frames]


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\0" * 64],
                         ids=["http1", "tls", "zeros"])
def test_a_connection_that_is_not_http2_is_closed_at_once(start_core, said):
    core = start_core()
    [connection] = connections_to(core.grpc_address(), 1)
    connection.sendall(said)
    watch = Stopwatch()
    with contextlib.suppress(ConnectionError):
        while connection.recv(1000):
            pass
    assert watch.seconds < 2
    core.wait_for_log("grpc_turned_away reason=not_grpc")


def test_a_slow_first_call_has_five_seconds(start_core):
    core = start_core()
    silent, = connections_to(core.grpc_address(), 1)
    dribbles = http2.Connection(core.grpc_address())
    watch, over = Stopwatch(), False
    while not over and watch.seconds < 10:
        try:
            dribbles.send(http2.frame(http2.PING, 0, 0, bytes(8)))
            over = dribbles.is_over(0.5)
        except OSError:
            over = True
    assert 3 < watch.seconds < 8
    silent.settimeout(3)
    with contextlib.suppress(ConnectionError):
        while silent.recv(1000):
            pass
    core.wait_for_log("grpc_turned_away reason=late")


def test_a_client_that_sends_its_call_at_once_is_served(start_core):
    """It need not wait for the server's SETTINGS (RFC 9113, 3.4), and its bytes may come one by one."""
    core = start_core()
    with http2.Connection(core.grpc_address(), wait=False) as connection:
        call = http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.request("viewer-token"))
        for byte in call + http2.frame(http2.DATA, http2.END_STREAM, 1, bytes(5)):
            connection.send(bytes([byte]))
        trailers = next(payload for kind, flags, _, payload in connection.frames()
                        if kind == http2.HEADERS and flags & http2.END_STREAM)
    assert b"grpc-status\x010" in trailers


# ---- descriptors

def test_silent_connections_keep_neither_edges_nor_operators_out(start, start_core, tokens):
    """CVE-2023-4785: gRPC's own listener never accepts again once descriptors have run out."""
    core = start_core(open_files=64)
    silent = list(connections_to(core.grpc_address(), 150))
    watch = Stopwatch()
    assert operator(core).status().lanes == 0
    start("--role", "edge", "--core", core.grpc_address(), "--grpc-edge-token-file", str(tokens / "edge"),
          "--threads", "1").wait_for_log("core_link_up")
    assert watch.seconds < 10
    assert core.open_files() < 60
    for connection in silent:
        connection.close()
    eventually(lambda: core.open_files() < 30, "their descriptors closed")
    assert operator(core).status().lanes == 1


def test_clients_that_use_all_descriptors_keep_no_operator_out(start, token_flags):
    server = start("--threads", "1", "--handshake-timeout", "60s", *token_flags, open_files=64)
    host, port = server.address()
    silent = list(connections_to(f"{host}:{port}", 100))
    server.wait_for_log("accept_failed")
    for _ in range(3):
        assert operator(server).status().version
    for connection in silent:
        connection.close()


def test_an_edge_without_descriptors_for_clients_finds_its_core_again(start, tmp_path):
    address = f"unix:{tmp_path}/core"
    core = start("--role", "core", "--grpc-listen-addr", address)
    edge = start("--role", "edge", "--core", address, "--threads", "1", "--handshake-timeout", "60s", open_files=64)
    edge.wait_for_log("core_link_up")
    host, port = edge.address()
    silent = list(connections_to(f"{host}:{port}", 100))
    edge.wait_for_log("accept_failed")
    core.finish()
    start("--role", "core", "--grpc-listen-addr", address)
    edge.wait_for_log("core_link_up", count=2)
    for connection in silent:
        connection.close()


def test_connections_of_one_address_are_bounded_with_a_credential_too(start_core):
    core = start_core(open_files=64)
    callers = [operator(core) for _ in range(16)]
    for caller in callers:
        caller.status()
    with refused(Code.RESOURCE_EXHAUSTED, "too many connections"):
        operator(core).status()
    callers.pop().close()
    eventually(lambda: _is_let_in(core), "the place of the one that has gone")


def test_connections_of_one_user_are_bounded_on_a_path(start, tmp_path):
    address = f"unix:{tmp_path}/core"
    core = start("--role", "core", "--grpc-listen-addr", address, open_files=64)
    core.grpc_address()
    callers = [Admin(address) for _ in range(8)]
    for caller in callers:
        caller.status()
    with refused(Code.RESOURCE_EXHAUSTED, "too many connections"):
        Admin(address).status()
    # A lane has no part in it.
    start("--role", "edge", "--core", address, "--threads", "1").wait_for_log("core_link_up")
    callers.pop().close()
    eventually(lambda: _is_let_in(core, address), "the place of the one that has gone")


def refused_connections(server, reason):
    return metric(server, f'cairn_signal_grpc_refused_connections_total{{reason="{reason}"}}')


def test_refused_connections_are_counted_by_reason(start_core):
    core = start_core("--ops-listen-addr", "127.0.0.1:0", open_files=64)
    [http1] = connections_to(core.grpc_address(), 1)
    http1.sendall(b"GET / HTTP/1.1\r\n\r\n")
    for _ in range(2):
        http2.attack(core.grpc_address(), lambda connection, token: (
            connection.send(http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.request(token))),
            list(connection.frames())), "wrong")
    callers = [operator(core) for _ in range(17)]
    for caller in callers[:16]:
        caller.status()
    with refused(Code.RESOURCE_EXHAUSTED, "too many connections"):
        callers[16].status()
    silent = list(connections_to(core.grpc_address(), 40))
    eventually(lambda: refused_connections(core, "too_many") > 0, "silent connections that made room")
    assert refused_connections(core, "not_grpc") == 1
    assert refused_connections(core, "no_credential") == 2
    assert refused_connections(core, "too_many_authenticated") >= 1
    assert refused_connections(core, "tls_failed") == 0
    for connection in silent:
        connection.close()


def _is_let_in(core, address=None):
    try:
        return (Admin(address) if address else operator(core)).status().version
    except grpc.RpcError:
        return False


# ---- mutual TLS

def test_unfinished_tls_handshakes_keep_no_others_out_and_are_closed(start, authority):
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", *authority.issue("core").flags(), open_files=256)
    address, before = core.grpc_address(), core.open_files()
    silent = list(connections_to(address, 300))
    for connection in silent[::2]:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    caller = Admin(core.grpc_address(), tls=authority.issue("operator"))
    watch = Stopwatch()
    assert caller.status().version
    assert watch.seconds < 10
    eventually(lambda: core.open_files() <= before + 4, "the end of the handshakes", within=12)
    # An accepted connection stays open beyond the time-out of a handshake.
    assert caller.status().version
    core.wait_for_log("grpc_turned_away reason=")
    for connection in silent:
        connection.close()


def test_a_caller_without_a_certificate_costs_a_handshake(start, authority):
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", "--ops-listen-addr", "127.0.0.1:0",
                 *authority.issue("core").flags())
    host, port = core.grpc_address().rsplit(":", 1)
    context = tls_client()
    Admin(core.grpc_address(), tls=authority.issue("operator")).status()
    before = core.resident_bytes()
    core.forget_peak()
    for _ in range(60):
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=5) as plain:
            with context.wrap_socket(plain) as connection:
                connection.sendall(http2.PREFACE + http2.frame(http2.SETTINGS) + bytes(100_000))
                connection.recv(1000)
    growth = core.peak_resident_bytes() - before
    assert growth < 16 * MIB * SANITIZER_FACTOR, f"{growth / MIB:.1f} MiB"
    eventually(lambda: refused_connections(core, "tls_failed") == 60, "each of them counted, and the operator not")


# ---- paths, and messages at the start

def test_a_second_core_on_the_same_path_is_refused(start, tmp_path):
    address = f"unix:{tmp_path}/core.sock"
    core = start("--role", "core", "--grpc-listen-addr", address)
    core.grpc_address()
    done = run("--role", "core", "--grpc-listen-addr", address)
    assert done.returncode == 1
    assert done.stderr.strip() == (f"error: cannot listen for gRPC on {address}: Address already in use; "
                                   "end the process that has it, or give another --grpc-listen-addr")
    Admin(address).status()


def test_a_socket_that_a_killed_core_has_left_is_replaced(start, tmp_path):
    address = f"unix:{tmp_path}/core.sock"
    killed = process.ServerProcess(*with_defaults(["--role", "core", "--grpc-listen-addr", address]))
    killed.grpc_address()
    killed.kill()
    assert (tmp_path / "core.sock").exists()
    start("--role", "core", "--grpc-listen-addr", address).grpc_address()
    Admin(address).status()


@pytest.mark.parametrize("address, warned", [("0.0.0.0:0", True), ("[::]:0", True), ("127.0.0.1:0", False)])
def test_tokens_in_plain_text_are_warned_about(start, token_flags, address, warned):
    core = start("--role", "core", "--grpc-listen-addr", address, *token_flags)
    core.grpc_address()
    assert bool(core.grep("grpc_in_plain_text")) == warned

"""Strangers who begin TLS handshakes, at the clients' port and at the gRPC port: others get in meanwhile."""
import contextlib
import socket
import ssl
import threading

import pytest
from hostile_measures import SANITIZER_FACTOR, Talk
from support import http2
from support.admin_api import Admin, Authority
from support.raw_client import RawClient
from support.waiting import Stopwatch, eventually

AT_ONCE = 150
LARGE_KEY = ("RSA", "-pkeyopt", "rsa_keygen_bits:4096")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ours"))


def client_hello(protocol):
    """The first bytes of a client. They may be sent again and again: each time the server has to agree on keys, and to sign."""
    out = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols([protocol])
    # The one that gRPC begins with: for another it would only ask for this one.
    context.set_ecdh_curve("prime256v1")
    connection = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        connection.do_handshake()
    return out.read()


class Strangers:
    """AT_ONCE connections, again and again: a third of them send their bytes and wait for the answer, a third do not, and the others
    stop in the middle of it."""

    def __init__(self, address, said, source):
        host, _, port = address.rpartition(":")
        self._address, self._said, self._source = (host, int(port)), said, (source, 0)
        self._over = threading.Event()
        self.begun = self.answered = 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        eventually(lambda: self.begun >= AT_ONCE, "the first of them")
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _run(self):
        while not self._over.is_set():
            with contextlib.ExitStack() as stack:
                self._connect(stack)

    def _connect(self, stack):
        connections = []
        for kind in range(AT_ONCE):
            with contextlib.suppress(OSError):
                connections.append(stack.enter_context(socket.create_connection(self._address, 1, self._source)))
                connections[-1].sendall(self._said[:len(self._said) // 2] if kind % 3 == 2 else self._said)
                self.begun += 1
        for connection in connections[::3]:
            with contextlib.suppress(OSError):
                self.answered += bool(connection.recv(1 << 16))


class Begun:
    """Handshakes that were begun with one byte, before all the rest follows."""

    COUNT = 600  # with a LARGE_KEY together 2.4 s of work, on one thread

    def __init__(self, address, said, source):
        self._said, self._stack = said, contextlib.ExitStack()
        self._connections = [self._stack.enter_context(socket.create_connection(address, 5, (source, 0))) for _ in range(self.COUNT)]
        for connection in self._connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(said[:1])

    def go_on(self):
        for connection in self._connections:
            connection.sendall(self._said[1:])

    def close(self):
        self._stack.close()


@pytest.fixture
def core(start, authority):
    """A handshake costs it the most that is common: 4 ms."""
    return start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", *authority.issue("core", kind=LARGE_KEY).flags())


# From another address, and from that of those who are to get in.
@pytest.mark.parametrize("source, most", [("127.0.0.9", 1), ("127.0.0.1", 10)], ids=["others", "same-address"])
@pytest.mark.parametrize("protocol", ["cairn-lane", "h2"])
def test_handshakes_of_strangers_keep_neither_edges_nor_operators_out(start, core, authority, protocol, source, most):
    identity, operator = authority.issue("edge"), authority.issue("operator")
    address = core.grpc_address()

    def get_in():
        watch = Stopwatch()
        start("--role", "edge", "--core", address, *identity.flags(), "--threads", "1").wait_for_log("core_link_up")
        edge, watch = watch.seconds, Stopwatch()
        assert Admin(address, tls=operator).status().lanes >= 1
        return edge, watch.seconds

    calm = get_in()
    with Strangers(address, client_hello(protocol), source) as strangers:
        edge, call = (max(seconds) for seconds in zip(*(get_in() for _ in range(3))))
    assert strangers.answered > AT_ONCE / 10
    # A machine that is busy with other things is slow before, too.
    assert edge < most * SANITIZER_FACTOR + 5 * calm[0], f"{edge:.1f} s, {calm[0]:.1f} before"
    # gRPC makes the handshakes of operators, on one thread.
    assert call < max(3, most) * SANITIZER_FACTOR + 5 * calm[1], f"{call:.1f} s, {calm[1]:.1f} before"


@pytest.mark.parametrize("source, most", [("127.0.0.9", 1), ("127.0.0.1", 10)], ids=["others", "same-address"])
def test_handshakes_of_strangers_delay_no_clients(start, authority, source, most):
    """Neither those that come, nor those that are there."""
    served = authority.issue("server", names="DNS:localhost", kind=LARGE_KEY)
    server = start("--tls-cert", str(served.cert), "--tls-key", str(served.key), "--threads", "1")
    host, port = server.address()
    options = {"tls": http2.tls_context("http/1.1"), "server_hostname": "localhost"}
    talk = Talk(server, **options)
    slow_enough = max(0.25, 10 * talk.calm())

    def get_in():
        watch = Stopwatch()
        RawClient((host, port), **options).close()
        return watch.seconds

    calm = get_in()
    with Strangers(f"{host}:{port}", client_hello("http/1.1"), source) as strangers:
        longest = max(get_in() for _ in range(5))
        slow = talk.end()
    assert strangers.answered > AT_ONCE / 10
    assert longest < most * SANITIZER_FACTOR + 5 * calm, f"{longest:.1f} s, {calm:.1f} before"
    assert slow < slow_enough * SANITIZER_FACTOR, f"a relay took {slow * 1000:.0f} ms"


def test_who_begins_handshakes_with_one_byte_does_not_come_before_others(start, authority):
    served = authority.issue("server", names="DNS:localhost", kind=LARGE_KEY)
    address = start("--tls-cert", str(served.cert), "--tls-key", str(served.key), "--threads", "1").address()

    def get_in():
        watch = Stopwatch()
        RawClient(address, tls=http2.tls_context("http/1.1"), server_hostname="localhost").close()
        return watch.seconds

    with contextlib.closing(Begun(address, client_hello("http/1.1"), "127.0.0.9")) as begun:
        calm = max(get_in() for _ in range(10))
        begun.go_on()
        longest = max(get_in() for _ in range(3))
    assert longest < 0.5 * SANITIZER_FACTOR + 5 * calm, f"{longest:.1f} s, {calm:.1f} before"

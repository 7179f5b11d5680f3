"""nginx (grpc_pass) and HAProxy between an edge and its core: the edge's gRPC goes through both, in plaintext and with TLS."""
import getpass
import signal
import subprocess

import pytest
from support.authority import Authority
from support.messages import new_topic
from support.ports import unused_port
from support.proxies import nginx_paths
from support.shape import Shape
from support.tools import need
from support.waiting import eventually

LOST = "core_link_lost.*"


class LinkProxy:
    """In front of a core on a unix socket. `tls`: the authority of both sides' certificates; None for plaintext."""

    def __init__(self, directory, core_path, tls=None, port=None):
        self.port = port or unused_port()
        self.address = f"127.0.0.1:{self.port}"
        self._directory = directory
        self._tls = tls
        self._log = open(directory / "proxy.log", "w+")
        self._popen = subprocess.Popen([str(word) for word in self.configure(core_path)], stdout=self._log, stderr=self._log)
        eventually(self._listens, "the proxy's port")

    def _listens(self):
        assert self._popen.poll() is None, self.log()
        return f":{self.port:04X} 00000000:0000 0A" in open("/proc/net/tcp").read()

    def log(self):
        self._log.seek(0)
        return self._log.read()

    def write(self, name, text):
        path = self._directory / name
        path.write_text(text)
        return path

    def reload(self):
        """As an operator does: connections that there are end with a GOAWAY."""
        self._popen.send_signal(self.reload_signal)

    def stop(self):
        """May be called again."""
        self._popen.terminate()
        self._popen.wait(20)
        self._log.close()


class Nginx(LinkProxy):
    reload_signal = signal.SIGHUP

    def configure(self, core_path):
        listen, upstream = f"{self.address} http2", f"grpc://unix:{core_path}"
        tls = ""
        if self._tls:
            own, to_core = self._tls.issue("proxy"), self._tls.issue("edge.proxy")
            listen, upstream = f"{self.address} ssl http2", f"grpcs://unix:{core_path}"
            tls = f"""
            ssl_certificate {own.cert};
            ssl_certificate_key {own.key};
            ssl_client_certificate {self._tls.cert};
            ssl_verify_client on;
            grpc_ssl_certificate {to_core.cert};
            grpc_ssl_certificate_key {to_core.key};"""
        return need("nginx", "nginx-light"), "-p", self._directory, "-e", "stderr", "-c", self.write("nginx.conf", f"""
daemon off;
# Its workers connect to the core's socket, which is in a directory of the test's user.
user {getpass.getuser()};
error_log stderr;
pid {self._directory}/pid;
worker_shutdown_timeout 200ms;
events {{}}
http {{
    access_log off;
    {nginx_paths(self._directory)}
    server {{
        listen {listen};{tls}
        client_max_body_size 0;
        location / {{
            grpc_pass {upstream};
            grpc_read_timeout 1d;
            grpc_send_timeout 1d;
            client_body_timeout 1d;
        }}
    }}
}}
""")


class HaProxy(LinkProxy):
    reload_signal = signal.SIGUSR1  # a soft stop: its successor would be another process

    def configure(self, core_path):
        bind, server = f"{self.address} proto h2", f"unix@{core_path} proto h2"
        if self._tls:
            own, to_core = self._tls.issue("proxy"), self._tls.issue("edge.proxy")
            bundles = [self.write(f"{name}.pem", one.cert.read_text() + one.key.read_text())
                       for name, one in (("own", own), ("to-core", to_core))]
            bind = f"{self.address} ssl crt {bundles[0]} ca-file {self._tls.cert} verify required alpn h2"
            server = f"unix@{core_path} ssl crt {bundles[1]} ca-file {self._tls.cert} verify required alpn h2 proto h2"
        return need("haproxy", "haproxy"), "-db", "-f", self.write("haproxy.cfg", f"""
global
    maxconn 100
    hard-stop-after 200ms
defaults
    mode http
    timeout connect 2s
    timeout client 1d
    timeout server 1d
frontend link
    bind {bind}
    default_backend core
backend core
    server core {server}
""")


KINDS = {"nginx": Nginx, "haproxy": HaProxy}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def behind(kind, tmp_path):
    """Edges 0 and 1 reach the core directly, edge 2 through behind.proxy."""
    cluster = Shape("cluster", "--threads", "1", "--max-message-bytes", "1000000")
    proxies = []

    def start_proxy(port=None):
        directory = tmp_path / f"proxy{len(proxies)}"
        directory.mkdir()
        proxies.append(KINDS[kind](directory, cluster.core_address.removeprefix("unix:"), port=port))
        return proxies[-1]

    cluster.start_proxy = start_proxy
    cluster.proxy = start_proxy()
    cluster.start_edge(core=cluster.proxy.address)
    cluster.await_links()
    yield cluster
    cluster.finish()
    for proxy in proxies:
        proxy.stop()


def test_relays_of_every_size_pass_both_ways(behind):
    topic = new_topic()
    near, beyond = behind.peer(0), behind.peer(2)
    sender_near, sender_beyond = behind.raw(0), behind.raw(2)
    for peer in (near, beyond):
        peer.subscribe(topic)
    behind.settle(near, beyond)
    sizes = [0, 1, 200, 4000, 16_379, 60_000, 900_000, 200]
    for sender in (sender_near, sender_beyond):
        for size in sizes:
            sender.relay(topic, bytes(size))
        for peer in (near, beyond):
            assert [len(payload) for payload in peer.receive_payloads(topic, len(sizes))] == sizes
    assert not behind.edges[2].grep("core_link_lost")


def test_a_core_that_is_restarted_behind_it_is_found(behind):
    topic = new_topic()
    beyond, sender = behind.peer(2), behind.raw(0)
    beyond.subscribe(topic)
    behind.settle(beyond)
    behind.core.kill()
    for step in range(50):
        sender.relay(topic, b"%d" % step)
    behind.edges[2].wait_for_log(LOST)
    behind.start_core()
    assert beyond.receive_payloads(topic, 50) == [b"%d" % step for step in range(50)]


def test_nothing_is_lost_when_it_reloads(behind, kind):
    topic = new_topic()
    near, beyond = behind.peer(0), behind.peer(2)
    sender_near, sender_beyond = behind.raw(0), behind.raw(2)
    for peer in (near, beyond):
        peer.subscribe(topic)
    behind.settle(near, beyond)
    for step in range(300):
        if step == 100:
            behind.proxy.reload()
        sender_near.relay(topic, b"n%d" % step)
        sender_beyond.relay(topic, b"b%d" % step)
    if kind == "haproxy":
        behind.edges[2].wait_for_log(LOST)
        # Its successor on the same port.
        behind.proxy.stop()
        behind.start_proxy(behind.proxy.port)
    behind.edges[2].wait_for_log("core_link_up", count=2)
    for peer in (near, beyond):
        got = peer.receive_payloads(topic, 600)
        for name in (b"n", b"b"):
            assert [one for one in got if one[:1] == name] == [b"%c%d" % (name[0], step) for step in range(300)]
    assert "RESUMED" in behind.edges[2].grep("core_link_up")[1].string


def test_mutual_tls_holds_on_both_of_its_sides(start, kind, tmp_path):
    authority = Authority(tmp_path)
    core = start("--role", "core", "--grpc-listen-addr", f"unix:{tmp_path}/core", *link_flags(authority, "core"))
    core.grpc_address()
    proxy = KINDS[kind](tmp_path, tmp_path / "core", authority)
    edge = start("--role", "edge", "--core", proxy.address, "--threads", "1", *link_flags(authority, "edge.north"))
    edge.wait_for_log("core_link_up")
    edge.finish()
    proxy.stop()


def link_flags(authority, name):
    issued = authority.issue(name)
    return ["--grpc-tls-cert", str(issued.cert), "--grpc-tls-key", str(issued.key), "--grpc-tls-ca", str(authority.cert)]

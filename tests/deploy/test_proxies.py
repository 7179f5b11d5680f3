"""nginx, HAProxy and Caddy in front of the server, with the files of deploy/proxies."""
import os
import signal
import time

import pytest
from support import admin_cli
from support.certificates import HOST_NAME, Certificate, trusting
from support.messages import new_topic
from support.peer import Peer, await_hearing
from support.proxies import KINDS
from support.raw_client import RawConnection, upgrade_request
from support.waiting import eventually

# ./dev test-deploy waits for as long as the proxies and the server do by default; else all times are a twentieth.
FULL = os.environ.get("CAIRN_DEPLOY_FULL") == "1"
CUT_AFTER = None if FULL else 3
IDLE_SECONDS = 70 if FULL else 4
PING = [] if FULL else ["--ping-interval", "1s"]
NO_PING = ["--ping-interval", "24h"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return Certificate(tmp_path_factory.mktemp("certificate"), "proxy")


@pytest.fixture
def behind(start, certificate, tmp_path):
    """behind(kind, *flags): a server, and a proxy of that kind before it."""
    started = []

    def make(kind, *flags):
        server = start(*KINDS[kind].flags, *flags)
        directory = tmp_path / f"{kind}{len(started)}"
        directory.mkdir()
        started.append(KINDS[kind](directory, server, certificate, CUT_AFTER))
        return server, started[-1]

    yield make
    for proxy in started:
        proxy.stop()


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def peer_through(proxy, certificate):
    return Peer(f"wss://{HOST_NAME}:{proxy.address[1]}/", ssl=trusting(certificate), server_hostname=HOST_NAME,
                host="127.0.0.1")


def answered(proxy, certificate, source=None, headers=()):
    """A client whose upgrade went through. HAProxy needs a health check or two before it lets clients pass."""
    answers = []

    def try_once():
        connection = RawConnection(proxy.address, tls=trusting(certificate), server_hostname=HOST_NAME, source=source)
        connection.send(upgrade_request(headers=[("Host", HOST_NAME), *headers]))
        answers.append(connection.read_answer())
        return connection if answers[-1].status == 101 else None

    return eventually(try_once, "an upgrade through the proxy", every=0.2)


def test_peers_meet_through_it(behind, kind, certificate):
    _, proxy = behind(kind)
    answered(proxy, certificate)
    listener, sender = peer_through(proxy, certificate), peer_through(proxy, certificate)
    topic = new_topic()
    listener.subscribe(topic)
    await_hearing(listener, sender, topic)
    big = bytes(range(256)) * 200
    sender.relay(topic, big)
    assert listener.receive_relay() == (topic, big)


def test_a_refusal_passes_the_proxy(behind, kind, certificate):
    _, proxy = behind(kind, "--auth-token", "secret")
    answered(proxy, certificate, headers=[("Authorization", "Bearer secret")])
    connection = RawConnection(proxy.address, tls=trusting(certificate), server_hostname=HOST_NAME)
    connection.send(upgrade_request(headers=[("Host", HOST_NAME)]))
    assert connection.read_answer().status == 401


def test_operators_see_the_clients_address_and_not_what_it_claims(behind, kind, certificate):
    server, proxy = behind(kind)
    answered(proxy, certificate, source="127.0.0.2", headers=[("X-Forwarded-For", "192.0.2.66")])

    def addresses():
        listed = admin_cli.run("peers", "list", "-o", "json", "--core", server.grpc_address()).json_lines()
        return [one["remote_address"].rsplit(":", 1)[0] for one in listed]

    assert eventually(addresses, "a peer in the list") == ["127.0.0.2"]


def test_a_close_code_passes_the_proxy(behind, kind, certificate):
    server, proxy = behind(kind)
    answered(proxy, certificate)
    peer = peer_through(proxy, certificate)
    server.signal(signal.SIGTERM)
    assert peer.wait_closed().code == 1001


def test_pings_keep_idle_connections_that_it_would_cut(behind, certificate):
    """All kinds at once, and at the same time without pings, to see that there is something to be kept from."""
    kept, cut = {}, {}
    for kind in KINDS:
        _, proxy = behind(kind, *PING)
        answered(proxy, certificate)
        kept[kind] = peer_through(proxy, certificate)
        _, proxy = behind(kind, *NO_PING)
        answered(proxy, certificate)
        cut[kind] = peer_through(proxy, certificate)
    # The passing of time is what is tested.
    time.sleep(IDLE_SECONDS)
    assert {kind: one.is_open() for kind, one in kept.items()} == {kind: True for kind in KINDS}
    # Caddy sets no limit.
    eventually(lambda: not cut["nginx"].is_open() and not cut["haproxy"].is_open(), "idle connections to be cut")


def test_haproxy_sends_no_new_clients_to_a_draining_edge(behind, certificate):
    server, proxy = behind("haproxy", "--drain", "30s")
    answered(proxy, certificate)
    server.signal(signal.SIGTERM)

    def status():
        connection = RawConnection(proxy.address, tls=trusting(certificate), server_hostname=HOST_NAME)
        connection.send(upgrade_request(headers=[("Host", HOST_NAME)]))
        return connection.read_answer().status

    eventually(lambda: status() == 503, "the edge to be out of the balance")

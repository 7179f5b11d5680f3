"""The contract with systemd: the passed socket is served, and systemd is notified when the server is ready, reloads and stops."""
import signal
import socket

import pytest
from support.messages import new_topic
from support.peer import Peer, PeerClosed, await_hearing
from support.process import run
from support.raw_client import RawClient, RawConnection, upgrade_request
from support.service_manager import ServiceManager
from support.waiting import eventually


@pytest.fixture
def manager(tmp_path):
    return ServiceManager(tmp_path)


@pytest.fixture
def listening():
    """Blocking, as systemd makes them."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as one:
        yield one


def address_of(listening):
    return "ws://%s:%d/" % listening.getsockname()


def test_ready_is_reported_when_clients_can_connect(start, manager):
    server = start(env=manager.env)
    said = manager.next()
    assert said["READY"] == "1" and said["STATUS"].startswith("serving clients on 127.0.0.1:")
    # Without waiting for anything else.
    host, port = said["STATUS"].rsplit(" ", 1)[1].rsplit(":", 1)
    RawClient((host, int(port)))
    assert server.is_running()


def test_a_core_is_ready_when_edges_can_come(start, manager):
    start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", env=manager.env)
    assert manager.next()["STATUS"].startswith("serving edges on 127.0.0.1:")


def test_a_server_that_cannot_start_never_reports_ready(manager, listening):
    port = listening.getsockname()[1]
    done = run("--listen-addr", f"127.0.0.1:{port}", env=manager.env)
    assert done.returncode == 1
    assert manager.is_silent()


def test_a_reload_is_reported_to_systemd(start, manager):
    server = start(env=manager.env)
    manager.next()
    server.signal(signal.SIGHUP)
    reloading = manager.next()
    assert reloading["RELOADING"] == "1" and int(reloading["MONOTONIC_USEC"]) > 0
    assert manager.next()["READY"] == "1"


def test_a_drain_is_reported_to_systemd_with_the_time_it_takes(start, manager):
    server = start("--drain", "200s", env=manager.env)
    manager.next()
    server.signal(signal.SIGTERM)
    stopping = manager.next()
    assert stopping["STOPPING"] == "1" and int(stopping["EXTEND_TIMEOUT_USEC"]) > 200_000_000
    assert server.wait() == 0


@pytest.mark.parametrize("threads", ["1", "4"])
def test_the_socket_that_is_passed_is_served_by_every_loop(start, listening, threads):
    server = start("--listen-addr", "127.0.0.1:1", "--threads", threads, sockets=[listening])
    assert server.address() == listening.getsockname()
    topic = new_topic()
    peers = [Peer(address_of(listening)) for _ in range(8)]
    for peer in peers[1:]:
        peer.subscribe(topic)
        await_hearing(peer, peers[0], topic)
        peer.unsubscribe(topic)


def test_a_socket_of_both_families_is_served(start):
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as both:
        start(sockets=[both])
        port = both.getsockname()[1]
        for host in "127.0.0.1", "::1":
            RawClient((host, port))


def test_a_client_that_connects_between_two_servers_waits_for_the_next(start, listening):
    first = start(sockets=[listening])
    first.address()
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    # The kernel takes the connection: the service manager still listens.
    early = RawConnection(listening.getsockname())
    early.send(upgrade_request())
    start(sockets=[listening])
    assert early.read_answer().status == 101


def test_no_client_is_refused_while_one_server_replaces_another(start, listening):
    old = start("--drain", "1s", sockets=[listening])
    old_clients = [Peer(address_of(listening)) for _ in range(10)]
    new = start(sockets=[listening])
    new.address()
    old.signal(signal.SIGTERM)
    old.wait_for_log("draining")
    refused = []

    def left():
        try:
            # Either serves it: one that is closing says so with 1001, not with a reset.
            Peer(address_of(listening)).abandon()
        except (OSError, PeerClosed) as failure:
            refused.append(failure)
        return not old.is_running()

    eventually(left, "the old server's end")
    assert not refused
    assert {peer.wait_closed().code for peer in old_clients if not peer.is_open()} <= {1001}
    assert Peer(address_of(listening)).is_open()


@pytest.mark.parametrize("kinds, flags, expected", [
    (["tcp", "tcp"], [], "2 sockets were passed"),
    (["udp"], [], "not a TCP socket that listens"),
    (["tcp"], ["--role", "core", "--grpc-listen-addr", "127.0.0.1:0"], "core serves no clients"),
])
def test_options_that_cannot_be_served_are_refused_in_one_line(kinds, flags, expected):
    sockets = [socket.create_server(("127.0.0.1", 0)) if kind == "tcp" else
               socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for kind in kinds]
    done = run(*flags, sockets=sockets)
    for one in sockets:
        one.close()
    assert done.returncode == 1
    assert expected in done.stderr and len(done.stderr.splitlines()) == 1

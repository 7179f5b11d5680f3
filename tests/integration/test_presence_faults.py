"""What operators see of peers when an edge, the core or the link between them fails, and which close reasons are reported."""
import fcntl
import queue
import signal
import sys
import termios
import time

import pytest
from support.admin_api import Admin, Code, Fleet, lane_pb, refused
from support.fake_lane import new_hello, peer_id_of
from support.certificates import Certificate, trusting
from support.messages import new_topic, relay
from support.raw_client import TEXT, binary, close_frame, frame
from support.tcp_link import TcpLink
from support.waiting import PATIENCE, eventually

SHAPES = ["all", "cluster"]
MAX_HISTORY = 10_000
# An edge and its core ask each other every 5 s whether they are there, and wait 5 s for the answer.
SILENCE_NOTICED = 10 + PATIENCE


def now_us():
    return time.time_ns() // 1000


@pytest.fixture
def fleet():
    """A core and two edges, north and south."""
    started = Fleet("cluster")
    yield started
    started.finish()


@pytest.fixture
def linked(fleet):
    """A third edge, east, reaches the core by way of linked.link."""
    fleet.link = TcpLink(fleet.core_address.removeprefix("unix:"))
    east = fleet.start_edge("east", core=fleet.link.address)
    fleet.await_links()
    yield fleet
    east.finish()
    fleet.link.close()


def facts(peer):
    """What must not change while a peer is connected."""
    return (peer.id, peer.edge, peer.remote_address, peer.user_agent, peer.connected_since_us, tuple(sorted(peer.topics)))


def all_facts(admin):
    """The facts of every peer, none of them listed twice."""
    listed = admin.peers(with_topics=True)
    assert len({peer.id for peer in listed}) == len(listed), listed
    return sorted(map(facts, listed))


def connect(fleet, edge, *topics, count=3):
    peers = [fleet.peer(edge) for _ in range(count)]
    for peer in peers:
        peer.subscribe(new_topic(), *topics)
    return peers


def assert_counts(admin, peers, subscriptions):
    """That every way to count agrees."""
    status = admin.status()
    assert (status.peers, status.subscriptions) == (peers, subscriptions)
    assert sum(edge.peers for edge in admin.edges()) == peers
    assert sum(topic.subscribers for topic in admin.topics()) == subscriptions


def assert_not_in_history(admin, ids):
    assert not set(ids) & {peer.id for peer in admin.peers(closed=True)}


# ---- an edge that dies

def test_the_peers_of_a_killed_edge_leave(fleet):
    admin = fleet.admin()
    topic, started = new_topic(), now_us()
    connect(fleet, 0, topic)
    connect(fleet, 1, topic)
    admin.await_peers(6, topic=topic)
    before = {peer[0]: peer for peer in all_facts(admin)}
    stay, go = ({key for key, peer in before.items() if peer[1] == name} for name in ("north", "south"))
    assert len(stay) == len(go) == 3
    south = fleet.edges[1]
    fleet.remove_edge(south)
    south.kill()
    eventually(lambda: admin.status().peers == 3, "the peers of one edge")
    assert all_facts(admin) == sorted(before[key] for key in stay)
    assert [edge.edge for edge in admin.edges()] == ["north"]
    assert_counts(admin, 3, 6)
    assert set(admin.topic(topic).peers) == stay
    for key in go:
        gone = admin.peer(key)
        assert (gone.close_code, gone.close_reason) == (0, "edge_lost")
        assert started <= gone.closed_us <= now_us()
        with refused(Code.NOT_FOUND, key):
            admin.disconnect(id=key)
    assert {peer.id for peer in admin.peers(closed=True)} == go


def test_an_edge_of_the_same_name_brings_new_peers_and_not_the_old(fleet):
    admin = fleet.admin()
    connect(fleet, 1)
    old = {peer[0] for peer in all_facts(admin)} if admin.await_peers(3) else set()
    south = fleet.edges[1]
    fleet.remove_edge(south)
    south.kill()
    admin.await_peers(0)
    fleet.start_edge("south")
    fleet.await_links()
    connect(fleet, 1, count=2)
    new = {peer.id for peer in admin.await_peers(2, edge="south")}
    assert not old & new
    assert {peer.id for peer in admin.peers(closed=True)} == old


# ---- a core that dies

def test_peers_are_the_same_after_a_restart_of_the_core(fleet):
    admin = fleet.admin()
    topic = new_topic()
    peers = [*connect(fleet, 0, topic), *connect(fleet, 1, topic)]
    admin.await_peers(6, topic=topic)
    before = all_facts(admin)
    for times in (2, 3):
        fleet.core.kill()
        fleet.start_core()
        fleet.await_links(times)
        admin = fleet.admin()
        eventually(lambda admin=admin: admin.status().subscriptions == 12, "all that was there")
        assert all_facts(admin) == before
        assert_counts(admin, 6, 12)
        assert_not_in_history(admin, [peer[0] for peer in before])
    assert all(peer.is_open() for peer in peers)


def test_clients_that_leave_or_join_during_an_outage_are_right_afterwards(fleet):
    leaving, staying = connect(fleet, 0), connect(fleet, 1)
    admin = fleet.admin()
    admin.await_peers(6)
    eventually(lambda: admin.status().subscriptions == 6, "their topics")
    before = {peer[0]: peer for peer in all_facts(admin)}
    fleet.core.kill()
    for peer in leaving:
        peer.close()
    coming = connect(fleet, 0, count=2)
    for peer in coming:
        peer.ping()
    fleet.start_core()
    fleet.await_links(2)
    admin = fleet.admin()
    eventually(lambda: admin.status().subscriptions == 5, "those who are connected")
    after = {peer[0]: peer for peer in all_facts(admin)}
    assert {key for key in after if key in before} == {key for key, peer in before.items() if peer[1] == "south"}
    assert all(peer == before[key] for key, peer in after.items() if key in before)
    assert_counts(admin, 5, 5)
    assert all(peer.is_open() for peer in [*staying, *coming])


# ---- a link that fails

def test_peers_come_back_with_a_link_that_was_cut(linked):
    admin = linked.admin()
    topic = new_topic()
    peers = [*connect(linked, 0, topic), *connect(linked, 2, topic)]
    admin.await_peers(6, topic=topic)
    before = all_facts(admin)
    behind = [peer[0] for peer in before if peer[1] == "east"]
    linked.link.cut()
    admin.await_peers(0, edge="east")
    assert_counts(admin, 3, 6)
    assert all(admin.peer(key).close_reason == "edge_lost" for key in behind)
    leaving, coming = peers.pop(), connect(linked, 2, topic, count=1)[0]
    leaving.close()
    coming.ping()
    linked.link.restore()
    linked.edges[2].wait_for_log("core_link_up", count=4)
    eventually(lambda: admin.status().subscriptions == 12, "those behind the link")
    after = all_facts(admin)
    assert len(set(before) & set(after)) == 5 and len(after) == 6
    assert_counts(admin, 6, 12)
    ended, = {peer[0] for peer in before} - {peer[0] for peer in after}
    assert {peer.id for peer in admin.peers(closed=True)} == {ended}
    assert all(peer.is_open() for peer in [*peers, coming])
    # They are reached again, too.
    assert admin.disconnect(topic=topic) == 6


def test_a_link_that_fails_again_and_again_leaves_neither_doubles_nor_ghosts(linked):
    admin = linked.admin()
    stable = connect(linked, 2)
    admin.await_peers(3)
    eventually(lambda: admin.status().subscriptions == 3, "their topics")
    before = set(all_facts(admin))
    peers = []
    for _ in range(8):
        linked.link.cut()
        peers += connect(linked, 2, count=2)
        linked.link.restore()
        peers.pop(0).close()
    eventually(lambda: admin.status().subscriptions == 3 + len(peers), "those who are connected")
    admin.await_lanes(6)
    after = set(all_facts(admin))
    assert before <= after and len(after) == 3 + len(peers)
    assert_counts(admin, 3 + len(peers), 3 + len(peers))
    assert_not_in_history(admin, [peer[0] for peer in after])
    assert all(peer.is_open() for peer in [*stable, *peers])


def test_a_silent_edge_is_given_up_and_returns(linked):
    admin = linked.admin()
    peers = [*connect(linked, 0), *connect(linked, 2)]
    admin.await_peers(6)
    eventually(lambda: admin.status().subscriptions == 6, "their topics")
    before = all_facts(admin)
    linked.link.silence()
    admin.await_peers(0, edge="east", within=SILENCE_NOTICED)
    assert_counts(admin, 3, 3)
    linked.link.cut()
    linked.link.restore()
    admin.await_peers(3, edge="east")
    eventually(lambda: admin.status().subscriptions == 6, "their topics")
    assert all_facts(admin) == before
    assert_not_in_history(admin, [peer[0] for peer in before])
    assert all(peer.is_open() for peer in peers)


# ---- how connections end

@pytest.fixture(scope="module", params=SHAPES)
def module_fleet(request):
    started = Fleet(request.param)
    yield started
    started.finish()


@pytest.fixture(scope="module")
def admin(module_fleet):
    return module_fleet.admin()


@pytest.fixture(scope="module")
def tls_fleet(tmp_path_factory):
    certificate = Certificate(tmp_path_factory.mktemp("tls"), "edge")
    started = Fleet("all", *certificate.flags(), tls=trusting(certificate))
    yield started
    started.finish()


def close_and_reset(client):
    client.send(close_frame(1001))
    client.reset()


ENDS = {
    "a Close frame": (lambda client: client.send(close_frame(4444, b"bye")), "client_closed", 4444),
    "a Close frame without a code": (lambda client: client.send(close_frame()), "client_closed", 0),
    "a Close frame, then the end of the stream": (
        lambda client: (client.send(close_frame(1000)), client.half_close()), "client_closed", 1000),
    "a Close frame, then both ends closed": (
        lambda client: (client.send(close_frame(1000)), client.close()), "client_closed", 1000),
    "a Close frame, then a reset": (close_and_reset, "client_closed", 1001),
    "the end of the stream": (lambda client: client.half_close(), "client_gone", 0),
    "both ends closed": (lambda client: client.close(), "client_gone", 0),
    "a reset": (lambda client: client.reset(), "connection_lost", 0),
    "a broken frame": (lambda client: client.send(frame(0x3)), "protocol_error", 1002),
    "text that is none": (lambda client: client.send(frame(TEXT, b"\xff")), "bad_utf8", 1007),
    "a long topic": (lambda client: client.subscribe("x" * 1025), "topic_too_long", 1008),
    "many topics": (lambda client: client.subscribe(*(f"t{n}" for n in range(1025))), "too_many_topics", 1008),
    "a big message": (lambda client: client.send(binary(bytes(65537))), "message_too_big", 1009),
}


@pytest.mark.parametrize("end, reason, code", ENDS.values(), ids=ENDS)
def test_the_history_tells_how_a_connection_ended(module_fleet, admin, end, reason, code):
    started, topic = now_us(), new_topic()
    client = module_fleet.raw()
    client.subscribe(topic)
    peer_id = admin.await_id(topic)
    end(client)
    closed = admin.await_closed(peer_id)
    assert (closed.close_reason, closed.close_code) == (reason, code)
    assert started <= closed.connected_since_us <= closed.closed_us <= now_us()
    assert [peer.id for peer in admin.peers(closed=True)].count(peer_id) == 1
    module_fleet.assert_running()


TLS_ENDS = {
    "a Close frame": (lambda client: client.send(close_frame(4444)), "client_closed", 4444),
    "close_notify": (lambda client: client.socket.unwrap(), "client_gone", 0),
    "the end of the stream": (lambda client: client.half_close(), "client_gone", 0),
    "a reset": (lambda client: client.reset(), "connection_lost", 0),
}


@pytest.mark.parametrize("end, reason, code", TLS_ENDS.values(), ids=TLS_ENDS)
def test_the_history_tells_how_a_tls_connection_ended(tls_fleet, end, reason, code):
    admin, topic = tls_fleet.admin(), new_topic()
    client = tls_fleet.raw()
    client.subscribe(topic)
    peer_id = admin.await_id(topic)
    end(client)
    closed = admin.await_closed(peer_id)
    assert (closed.close_reason, closed.close_code) == (reason, code)


@pytest.fixture
def one_loop():
    started = Fleet("all", "--threads", "1", "--max-queued-bytes", str(64 << 20), "--rate-messages", "0", "--rate-deliveries", "0")
    yield started
    started.finish()


def untaken_bytes(connection):
    """Data that the other side's kernel has not acknowledged yet."""
    return int.from_bytes(fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def test_last_relays_of_a_client_that_disconnects_without_reading_are_delivered(one_loop):
    """It has closed both ends when the server writes to it, and more of what it said is there than one read takes."""
    server, admin = one_loop.edges[0], one_loop.admin()
    sender, last = one_loop.raw(), 1000

    def leave():
        """Of a client whose last words all wait in the kernel of the stopped server; None if it would not take them."""
        words, noise = new_topic("words"), new_topic("noise")
        witness, client = one_loop.raw(), one_loop.raw()
        witness.subscribe(words)
        client.subscribe(noise)
        peer_id = admin.await_id(noise)
        admin.await_peers(1, topic=words)
        word = relay(words, bytes(1000))
        # The kernel takes much ahead of the server once it has seen it read much.
        client.send(binary(word) * 4000)
        for _ in range(4000):
            assert witness.read_message() == word
        server.signal(signal.SIGSTOP)
        try:
            client.socket.settimeout(1)
            client.send(binary(word) * last, close_frame(4000))
            eventually(lambda: untaken_bytes(client.socket) == 0, "the server's kernel", within=1)
        except (TimeoutError, AssertionError):
            return None
        else:
            sender.send(binary(relay(noise, bytes(1000))) * 100)
            return peer_id, witness, word
        finally:
            client.close()
            server.signal(signal.SIGCONT)

    peer_id, witness, word = eventually(leave, "a kernel that takes it all")
    for _ in range(last):
        assert witness.read_message() == word
    closed = admin.await_closed(peer_id)
    assert (closed.close_reason, closed.close_code) == ("client_closed", 4000)


def test_the_history_is_bounded_and_keeps_the_newest(start):
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0")
    admin, edge, more = Admin(core.grpc_address()), Admin(core.grpc_address()), 100
    hello = new_hello("test")
    total = MAX_HISTORY + more

    def events(first, last):
        for number in range(first, last):
            peer = peer_id_of(hello.secret, number)
            yield lane_pb.LaneEvent(kind="KIND_PEER_OPENED", peer=peer, proof=number)
            yield lane_pb.LaneEvent(kind="KIND_PEER_CLOSED", peer=peer, close_code=4000, close_reason="client_closed")

    requests = queue.SimpleQueue()
    requests.put(lane_pb.LaneToCore(hello=hello))
    for number, first in enumerate(range(1, total + 1, 1000), 1):
        requests.put(lane_pb.LaneToCore(number=number, events=events(first, min(first + 1000, total + 1))))
    # As edges say it, who have a connection for each lane: any other one has a small receive buffer (SECURITY.md).
    lane = edge.lanes.Open(iter(requests.get, None), metadata=[("cairn-connection", "one-call")])
    assert next(lane).HasField("welcome")
    eventually(lambda: admin.status().peers_closed == total, "all of them closed")
    listed = [int(peer.id, 16) for peer in admin.peers(closed=True)]
    assert listed == [peer_id_of(hello.secret, number) for number in range(total, more, -1)]
    assert {(peer.close_reason, peer.close_code) for peer in admin.peers(closed=True, limit=10)} == {
        ("client_closed", 4000)}
    assert [int(peer.id, 16) for peer in admin.peers(closed=True, limit=200)] == listed[:200]
    with refused(Code.NOT_FOUND):
        admin.peer(f"{peer_id_of(hello.secret, more):016x}")
    assert admin.peer(f"{peer_id_of(hello.secret, more + 1):016x}").closed_us
    requests.put(None)
    lane.cancel()
    edge.close()
    admin.close()

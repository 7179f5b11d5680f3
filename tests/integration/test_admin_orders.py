"""What operators can change: peers, edges and log levels, in both shapes."""
import signal

import pytest
from support.admin_api import Code, refused
from support.admin_views import FEW_SECONDS, counts, now_us, subscribe_all
from support.fleet_fixtures import SHAPES, admin, fleet, make_fleet, module_fleet  # noqa: F401
from support.messages import new_topic
from support.raw_client import CLOSE, FIN, RawConnection
from support.waiting import eventually

FLEET_FLAGS = ["--ping-interval", "500ms"]


# ---- edges


def test_edges_are_described_as_they_are(make_fleet):
    before = now_us()
    fleet = make_fleet("cluster")
    admin = fleet.admin()
    topic = new_topic()
    peers = [fleet.peer(0), fleet.peer(1), fleet.peer(1)]
    subscribe_all(admin, topic, *peers)
    peers[0].relay(topic, bytes(10))
    for peer in peers[1:]:
        assert peer.receive_relay() == (topic, bytes(10))
    peers[2].send(b"\xff")
    peers[2].close(4321)

    def told():
        edges = admin.edges()
        return edges if edges[0].messages_in and edges[1].closes and edges[1].frames_delivered == 2 else None
    north, south = sorted(eventually(told, "figures", FEW_SECONDS), key=lambda edge: edge.edge)
    assert (north.edge, south.edge) == ("north", "south")
    assert (north.lanes, south.lanes, north.peers, south.peers) == (2, 2, 1, 1)
    assert north.version == south.version == admin.status().version
    assert before <= north.connected_since_us <= now_us()
    assert (north.messages_in, north.frames_delivered, south.messages_in) == (2, 0, 3)
    assert counts(south.closes) == {"client_closed": 1} and sum(counts(south.drops).values()) == 1
    assert not north.draining and north.tls_not_after_us == 0
    eventually(lambda: not any(edge.backlog_bytes for edge in admin.edges()), "no backlog", FEW_SECONDS)


def test_an_edge_drains_on_order(make_fleet):
    fleet = make_fleet("cluster", "--drain", "3s")
    admin = fleet.admin()
    topic = new_topic()
    stays, goes = fleet.peer(0), fleet.peer(1)
    subscribe_all(admin, topic, stays, goes)
    with refused(Code.NOT_FOUND, "nowhere"):
        admin.drain("nowhere")
    south = fleet.edges[1]
    fleet.remove_edge(south)
    assert admin.drain("south") == 1
    eventually(lambda: (edge := admin.edge("south")) is None or edge.draining, "draining", FEW_SECONDS)
    closed = goes.wait_closed()
    assert (closed.code, closed.reason) == (1001, "draining")
    assert south.wait() == 0 and south.grep("draining reason=\"operator\"")
    eventually(lambda: [edge.edge for edge in admin.edges()] == ["north"], "one edge")
    assert [peer.edge for peer in admin.peers()] == ["north"]
    assert stays.is_open()


def test_one_process_drains_on_order(make_fleet):
    fleet = make_fleet("all")
    peer = fleet.peer()
    admin = fleet.admin()
    admin.await_peers(1)
    assert admin.drain("north") == 1
    assert peer.wait_closed().code == 1001
    assert fleet.edges[0].wait() == 0


# ---- disconnect


def test_one_peer_is_disconnected_by_id(fleet, admin):
    topic = new_topic()
    stays, goes = fleet.peer(0), fleet.peer(1)
    goes.subscribe(topic)
    peer_id = admin.await_id(topic)
    stays.subscribe(topic)
    admin.await_peers(2, topic=topic)
    assert admin.disconnect(id=peer_id) == 1
    closed = goes.wait_closed()
    assert (closed.code, closed.reason) == (1008, "operator")
    admin.await_peers(1, topic=topic)
    found = admin.await_closed(peer_id)
    assert (found.close_code, found.close_reason) == (1008, "operator")
    assert stays.is_open()
    with refused(Code.NOT_FOUND, peer_id):
        admin.disconnect(id=peer_id)


@pytest.mark.parametrize("code, reason", [(1000, "bye"), (1001, ""), (1014, "x" * 123), (3000, "gr\u00fc\u00dfe"),
                                          (4999, "moved: see https://example.com/why")],
                         ids=["1000", "1001", "1014", "3000", "4999"])
def test_code_and_reason_are_the_operators_own(fleet, admin, code, reason):
    topic = new_topic()
    peer = fleet.peer()
    peer.subscribe(topic)
    peer_id = admin.await_id(topic)
    admin.disconnect(id=peer_id, code=code, reason=reason)
    closed = peer.wait_closed()
    assert (closed.code, closed.reason) == (code, reason or "operator")
    found = admin.await_closed(peer_id)
    assert (found.close_code, found.close_reason) == (code, "operator")


def test_many_are_disconnected_by_topic_or_address(fleet, admin):
    topic, other = new_topic(), new_topic()
    here, there = [fleet.raw(source="127.0.0.77") for _ in range(3)], [fleet.raw(source="127.0.0.78") for _ in range(3)]
    for client in (*here, *there):
        client.subscribe(topic)
    there[0].subscribe(other)
    admin.await_peers(6, topic=topic)
    admin.await_peers(1, topic=other)
    assert admin.disconnect(topic=other, code=3001) == 1
    assert _close_of(there[0]) == (3001, "operator")
    assert admin.disconnect(address_prefix="127.0.0.77:", code=3002, reason="all of you") == 3
    for client in here:
        assert _close_of(client) == (3002, "all of you")
    admin.await_peers(2, topic=topic)
    assert admin.disconnect(topic=topic) == 2
    admin.await_peers(0, topic=topic)
    for target in ({"topic": topic}, {"topic": "nobody"}, {"address_prefix": "192.0.2."}, {"edge": "nowhere"}):
        assert admin.disconnect(**target) == 0


def _close_of(client):
    """Behind the server's pings."""
    while True:
        received = client.read_frame()
        if received.first_byte == FIN | CLOSE:
            return int.from_bytes(received.payload[:2], "big"), received.payload[2:].decode()


def test_all_peers_of_an_edge_are_disconnected(make_fleet):
    fleet = make_fleet("cluster")
    admin = fleet.admin()
    stays, goes = [fleet.peer(0) for _ in range(3)], [fleet.peer(1) for _ in range(3)]
    admin.await_peers(6)
    assert admin.disconnect(edge="south", code=4000, reason="maintenance") == 3
    for peer in goes:
        closed = peer.wait_closed()
        assert (closed.code, closed.reason) == (4000, "maintenance")
    assert [peer.edge for peer in admin.await_peers(3)] == ["north"] * 3
    assert all(peer.is_open() for peer in stays)
    fleet.peer(1)
    admin.await_peers(4)


BAD_ORDERS = {"no target": {}, "no topic": {"topic": ""}, "no address": {"address_prefix": ""}, "no edge": {"edge": ""},
              **{f"code {code}": {"topic": "nobody", "code": code}
                 for code in (1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 70000)},
              "long reason": {"topic": "nobody", "reason": "x" * 124},
              "long reason of few letters": {"topic": "nobody", "reason": "\u00e9" * 62}}


@pytest.mark.parametrize("fields", BAD_ORDERS.values(), ids=BAD_ORDERS)
def test_orders_that_cannot_be_carried_out_are_refused(fleet, admin, fields):
    peer = fleet.peer()
    peer.ping()
    with refused(Code.INVALID_ARGUMENT):
        admin.disconnect(**fields)
    peer.ping()


# ---- log


@pytest.mark.parametrize("kind", SHAPES)
def test_the_log_level_is_set_for_core_and_edges_at_run_time(make_fleet, kind):
    fleet = make_fleet(kind)
    admin = fleet.admin()

    def refuse_upgrade(edge):
        connection = RawConnection(edge.address())
        connection.send(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.read_answer().status == 505
        return edge.grep("DEBUG .*upgrade_refused status=505")

    assert not any(refuse_upgrade(edge) for edge in fleet.edges)
    assert admin.set_log("warn,cairn_signal::edge=debug") == "info"
    for edge in fleet.edges:
        # An order reaches an edge a moment after it has been given.
        eventually(lambda edge=edge: refuse_upgrade(edge), "debug lines")
    core = fleet.core or fleet.edges[0]
    core.signal(signal.SIGHUP)
    assert admin.set_log("info") == "warn,cairn_signal::edge=debug"

    def reloaded():
        core.signal(signal.SIGHUP)
        return core.grep("INFO cairn_signal: reloaded what=grpc_tokens")
    eventually(reloaded, "info lines again")


def test_an_order_that_cannot_be_read_changes_nothing(fleet, admin):
    before = admin.set_log("info")
    with refused(Code.INVALID_ARGUMENT, "what is this"):
        admin.set_log("debug,what is this")
    assert before == "info" and admin.set_log("info") == "info"

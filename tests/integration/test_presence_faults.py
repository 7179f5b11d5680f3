"""What operators see of peers when an edge, the core or the link between them fails, and which close reasons are reported."""
import pytest
from support.admin_api import Code, Fleet, refused
from support.messages import new_topic
from support.tcp_link import TcpLink
from support.waiting import PATIENCE, eventually, now_us

# An edge and its core ask each other every 5 s whether they are there, and wait 5 s for the answer.
SILENCE_NOTICED = 10 + PATIENCE


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

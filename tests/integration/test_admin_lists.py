"""What operators can list of peers and topics: filters, orders, pages, and peers that have left; in both shapes."""
import pytest
from support.admin_api import Code, pb, refused
from support.admin_views import UNKNOWN_ID, crowd, subscribe_all  # noqa: F401
from support.fleet_fixtures import admin, fleet, module_fleet  # noqa: F401
from support.messages import new_topic
from support.waiting import eventually

FLEET_FLAGS = ["--ping-interval", "500ms"]


# ---- lists


def test_peers_are_filtered(fleet, admin):
    topic, other = new_topic(), new_topic()
    clients = [fleet.raw(index % 2, source=f"127.0.0.{index + 2}") for index in range(4)]
    for client in clients:
        client.subscribe(topic)
    clients[3].subscribe(other)
    peers = sorted(admin.await_peers(4, topic=topic), key=lambda peer: peer.remote_address)
    admin.await_peers(1, topic=other)
    assert [peer.remote_address.split(":")[0] for peer in peers] == [f"127.0.0.{n}" for n in (2, 3, 4, 5)]
    middle = sorted(peer.connected_since_us for peer in peers)[2]

    def hosts(**filter_fields):
        listed = admin.peers({"topic": topic, **filter_fields})
        return sorted(int(peer.remote_address.split(":")[0].split(".")[3]) for peer in listed)

    assert hosts(address_prefix="127.0.0.3:") == [3]
    assert hosts(address_prefix=peers[0].remote_address) == [2]
    assert hosts(address_prefix="192.0.2.") == []
    by_edge = [hosts(edge=name) for name in fleet.edge_names()]
    assert by_edge == ([[2, 3, 4, 5]] if fleet.kind == "all" else [[2, 4], [3, 5]])
    assert hosts(edge="nowhere") == hosts(edge="nort") == []
    # From that time on, and before it.
    assert len(hosts(connected_after_us=middle)) == 2 and len(hosts(connected_before_us=middle)) == 2
    assert hosts(connected_after_us=middle, connected_before_us=middle) == []
    assert hosts(address_prefix="127.0.0.5", edge=fleet.edge_names()[-1], connected_after_us=1) == [5]
    assert hosts(dialect="json") == []
    assert len(admin.peers({"topic": other})) == 1
    assert admin.peers({"topic": topic + "x"}) == []


SORTS = {"SORT_ID": "id", "SORT_CONNECTED_SINCE": "connected_since_us", "SORT_LAST_ACTIVITY": "last_activity_us",
         "SORT_MESSAGES_IN": "messages_in", "SORT_BYTES_IN": "bytes_in", "SORT_BYTES_OUT": "bytes_out",
         "SORT_QUEUED_BYTES": "queued_bytes", "SORT_RTT": "rtt_us"}


def test_peers_are_sorted_by_every_key_in_both_directions(fleet, admin):
    assert set(SORTS) == set(pb.ListPeersRequest.Sort.keys())
    topic = new_topic()
    peers = [fleet.peer() for _ in range(4)]
    subscribe_all(admin, topic, *peers)
    for number, peer in enumerate(peers):
        peer.relay(new_topic("elsewhere"), *[bytes(10)] * number)
    # Each receives the others' relays, so that the figures of all differ.
    # Not in one turn of a loop, which would give them one time.
    for number, peer in enumerate(peers):
        peer.relay(topic, bytes(1000 * number))
        for other in peers:
            if other is not peer:
                other.receive_relay()

    def reported():
        listed = admin.peers({"topic": topic})
        # Clients whose pongs come in one turn of a loop have the same round trip.
        return all(peer.rtt_us for peer in listed) and all(
            len({getattr(peer, field) for peer in listed}) == 4
            for sort, field in SORTS.items() if sort not in ("SORT_QUEUED_BYTES", "SORT_RTT"))
    eventually(reported, "figures that all differ")
    for sort, field in SORTS.items():
        rising = [getattr(peer, field) for peer in admin.peers({"topic": topic}, sort=sort)]
        falling = [getattr(peer, field) for peer in admin.peers({"topic": topic}, sort=sort, descending=True)]
        assert len(rising) == len(falling) == 4
        assert rising == sorted(rising), sort
        assert falling == sorted(falling, reverse=True), sort
    first, = admin.peers({"topic": topic}, sort="SORT_MESSAGES_IN", descending=True, limit=1)
    assert first.messages_in == 5


def test_long_lists_come_whole_and_page_by_page(admin, crowd):
    topic, clients, all_peers = crowd
    ids = [peer.id for peer in all_peers]
    assert ids == sorted(set(ids)) and len(ids) == 300
    wanted = {"topic": topic}
    assert [peer.id for peer in admin.peers(wanted, descending=True)] == ids[::-1]
    by_age = [(peer.connected_since_us, peer.id) for peer in admin.peers(wanted, sort="SORT_CONNECTED_SINCE")]
    assert by_age == sorted(by_age) and len(by_age) == 300
    for limit in (1, 127, 128, 129, 200, 299, 300, 1000):
        assert [peer.id for peer in admin.peers(wanted, limit=limit)] == ids[:limit]
        aged = admin.peers(wanted, limit=limit, sort="SORT_CONNECTED_SINCE")
        assert [(peer.connected_since_us, peer.id) for peer in aged] == by_age[:limit]
    # Page by page, while one leaves that has been listed and another comes.
    token, seen, calls = "", [], 0
    while calls == 0 or token:
        pages = admin.pages(filter=wanted, limit=70, page_token=token)
        assert all(not page.next_page_token for page in pages[:-1])
        seen += [peer.id for page in pages for peer in page.peers]
        token = pages[-1].next_page_token if pages else ""
        if calls == 0:
            admin.disconnect(id=seen[0])
        calls += 1
    assert seen == ids and calls == 5
    for client in clients[:10]:
        client.close()


def test_topics_are_listed_by_prefix_sort_and_limit(admin, crowd):
    topic, clients, _ = crowd
    names = [f"{topic}/{number:03}" for number in range(300)]
    assert [found.name for found in admin.topics(name_prefix=topic)] == [topic, *names]
    assert [found.name for found in admin.topics(name_prefix=f"{topic}/29")] == names[290:]
    assert [found.name for found in admin.topics(name_prefix=f"{topic}/", descending=True)] == names[::-1]
    assert admin.topics(name_prefix=topic + "x") == []
    for limit in (1, 128, 130, 1000, 2**31, 2**32 - 1):
        assert [found.name for found in admin.topics(name_prefix=f"{topic}/", limit=limit)] == names[:limit]
    most, = admin.topics(name_prefix=topic, sort="SORT_SUBSCRIBERS", descending=True, limit=1)
    assert (most.name, most.subscribers) == (topic, 300)
    for number, repeats in ((7, 3), (8, 1), (9, 2)):
        clients[0].relay(names[number], *[bytes(10)] * repeats)
    eventually(lambda: admin.topic(names[9]).relays == 2, "six relays")
    for sort in ("SORT_RELAYS", "SORT_RATE"):
        top = admin.topics(name_prefix=topic, sort=sort, descending=True, limit=4)
        assert [found.name for found in top] == [names[7], names[9], names[8], topic]
        assert [(found.relays, found.bytes) for found in top] == [(3, 30), (2, 20), (1, 10), (0, 0)]
        assert top[0].relays_per_second > top[1].relays_per_second > top[2].relays_per_second > 0
    rising = [found.relays for found in admin.topics(name_prefix=topic, sort="SORT_RELAYS")]
    assert rising == sorted(rising)


@pytest.mark.parametrize("request_fields", [
    {"page_token": "garbage"}, {"page_token": UNKNOWN_ID, "sort": "SORT_RTT"},
    {"page_token": UNKNOWN_ID, "descending": True}, {"page_token": UNKNOWN_ID, "closed": True}],
    ids=["garbage", "sorted", "descending", "closed"])
def test_page_tokens_that_make_no_sense_are_refused(admin, request_fields):
    with refused(Code.INVALID_ARGUMENT, "page_token"):
        admin.peers(**request_fields)


# ---- history


def test_the_history_is_filtered_too(fleet, admin):
    source = "127.0.0.98"
    clients = [fleet.raw(index, source=source) for index in range(4)]
    clients[0].subscribe(new_topic())
    peers = admin.await_peers(4, address_prefix=source)
    for client in clients:
        client.close()
    admin.await_peers(0, address_prefix=source)
    middle = sorted(peer.connected_since_us for peer in peers)[1]

    def closed(**filter_fields):
        return len(admin.peers({"address_prefix": source, **filter_fields}, closed=True))

    assert closed() == 4
    assert sum(closed(edge=name) for name in fleet.edge_names()) == 4 and closed(edge="nowhere") == 0
    assert (closed(connected_before_us=middle), closed(connected_after_us=middle)) == (1, 3)
    assert (closed(dialect="cbor"), closed(dialect="json")) == (1, 0)
    # Subscriptions are not kept.
    with refused(Code.INVALID_ARGUMENT, "topic"):
        closed(topic="anything")

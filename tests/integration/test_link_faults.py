"""What clients notice of a link between edge and core that breaks and comes back: nothing, but for a pause."""
import threading
import time

import cbor2
import pytest
from support.messages import new_topic, subscribe
from support.tcp_link import TcpLink
from support.waiting import PATIENCE, eventually

V2 = ["cairn.signal.v2"]


@pytest.fixture
def linked(make_cluster):
    """Edges 0 and 1 reach the core directly, edge 2 by way of linked.link."""
    cluster = make_cluster()
    cluster.link = TcpLink(cluster.core_address.removeprefix("unix:"))
    behind_link = cluster.start_edge(core=cluster.link.address)
    cluster.await_links()
    yield cluster
    behind_link.finish()
    cluster.link.close()


def break_link(cluster, times):
    """times: how often the edge has reached the core by then."""
    cluster.link.cut()
    cluster.link.restore()
    cluster.edges[2].wait_for_log("core_link_up", count=2 * times)


def test_nothing_is_lost_or_doubled_when_a_link_breaks_in_mid_traffic(linked):
    topic = new_topic()
    subscribers = [linked.peer(0), linked.peer(2), linked.peer(2)]
    senders = [linked.raw(1), linked.raw(2)]
    for subscriber in subscribers:
        subscriber.subscribe(topic)
    linked.settle(*subscribers)
    stop = threading.Event()
    sent = [0] * len(senders)

    def send(index):
        while not stop.wait(0.0005):
            senders[index].relay(topic, b"%d:%d" % (index, sent[index]))
            sent[index] += 1

    threads = [threading.Thread(target=send, args=[index], daemon=True) for index in range(len(senders))]
    for thread in threads:
        thread.start()
    received = [[] for _ in subscribers]
    for times in range(2, 8):
        for subscriber, payloads in zip(subscribers, received):
            payloads += subscriber.receive_payloads(topic, 20)
        break_link(linked, times)
    stop.set()
    for thread in threads:
        thread.join(PATIENCE)
    for subscriber, payloads in zip(subscribers, received):
        payloads += subscriber.receive_payloads(topic, sum(sent) - len(payloads))
        for index, count in enumerate(sent):
            steps = [int(step) for name, step in (payload.split(b":") for payload in payloads) if int(name) == index]
            assert steps == list(range(count))
    linked.settle(*senders)
    for subscriber in subscribers:
        subscriber.ping()
        assert not subscriber.has_received(), "more than was sent"


def test_an_idle_lane_sends_few_messages(linked):
    """Five times within the lane's time-out of ten seconds; HTTP/2's own PINGs are among it."""
    time.sleep(5)
    for times in linked.link.heard:
        # Its answer follows at once.
        silences = [later - earlier for earlier, later in zip(times, times[1:]) if later - earlier > 0.05]
        assert max(silences) < 3, silences
        assert len(silences) < 10, silences


def test_watchers_of_a_topic_see_no_left_or_joined(linked):
    topic = new_topic()
    watcher, behind = linked.peer(0, subprotocols=V2), linked.peer(2)
    watcher.send(subscribe(topic))
    linked.settle(watcher)
    behind.subscribe(topic)

    def notices():
        said = []
        while (message := watcher.poll(0.01)) is not None:
            said += [name for name in cbor2.loads(message) if name in ("Joined", "Left")]
        return said

    eventually(lambda: "Joined" in notices(), "the one behind the link")
    for times in range(2, 5):
        break_link(linked, times)
    behind.relay(topic, b"here")
    said = []
    while "Relay" not in said:
        said += cbor2.loads(watcher.receive())
    assert not {"Joined", "Left"} & set(said)
    behind.close()
    said = []
    while "Left" not in said:
        said += cbor2.loads(watcher.receive())


def test_a_client_that_leaves_while_the_link_is_broken_is_reported_as_left(linked):
    topic = new_topic()
    watcher, behind, staying = linked.peer(0, subprotocols=V2), linked.peer(2), linked.peer(2)
    watcher.send(subscribe(topic))
    for peer in (behind, staying):
        peer.subscribe(topic)
    linked.settle(behind, staying)
    linked.link.cut()
    behind.close()
    linked.link.restore()
    left = []
    while not left:
        left = [value for name, value in cbor2.loads(watcher.receive()).items() if name == "Left"]
    staying.relay(topic, b"still here")
    while True:
        message = cbor2.loads(watcher.receive())
        assert "Left" not in message, "only one has"
        if "Relay" in message:
            break

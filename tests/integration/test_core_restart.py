"""What clients notice of a core that is killed and started again, or of an edge that is: nothing, but for a pause."""
import threading

import pytest
from support.messages import new_topic, numbered, relay
from support.peer import await_hearing
from support.raw_client import binary
from support.waiting import PATIENCE, eventually


@pytest.fixture
def cluster(make_cluster):
    return make_cluster()


def pair(cluster, topic, same_edge=False):
    """A subscriber and a sender that receive each other's relays."""
    subscriber, sender = cluster.peer(0), cluster.peer(0 if same_edge else 1)
    subscriber.subscribe(topic)
    cluster.settle(subscriber, sender)
    return subscriber, sender


def restart_core(cluster, times=2):
    """A new core in the place of one that is dead. times: how often the edges have reached a core by then."""
    cluster.start_core()
    cluster.await_links(times)


def test_clients_stay_connected_and_subscribed_over_a_restart_of_the_core(cluster):
    topic = new_topic()
    subscriber, sender = pair(cluster, topic)
    for times in (2, 3):
        cluster.core.kill()
        restart_core(cluster, times)
        sender.relay(topic, b"after restart %d" % times)
        assert subscriber.receive_payloads(topic, 1) == [b"after restart %d" % times]
    assert subscriber.is_open() and sender.is_open()


def test_a_core_that_is_asked_to_end_is_replaced_as_quietly(cluster):
    topic = new_topic()
    subscriber, sender = pair(cluster, topic)
    cluster.core.finish()
    restart_core(cluster)
    sender.relay(topic, b"hello")
    assert subscriber.receive_payloads(topic, 1) == [b"hello"]


@pytest.mark.parametrize("same_edge", [False, True], ids=["other edge", "same edge"])
def test_relays_sent_while_the_core_is_away_arrive_once_and_in_order(cluster, same_edge):
    topic = new_topic()
    subscriber, sender = pair(cluster, topic, same_edge)
    before, meanwhile, after = (numbered(100, size) for size in (20, 200, 2000))
    sender.relay(topic, *before)
    assert subscriber.receive_payloads(topic, 100) == before
    cluster.core.kill()
    sender.relay(topic, *meanwhile)
    # The edges must be seen to read it all while there is no core.
    sender.ping()
    restart_core(cluster)
    sender.relay(topic, *after)
    assert subscriber.receive_payloads(topic, 200) == meanwhile + after
    cluster.settle(subscriber, sender)
    assert not subscriber.has_received()


def missing_and_doubled(steps, count):
    missing = sorted(set(range(count)) - set(steps))
    doubled = sorted(step for step in set(steps) if steps.count(step) > 1)
    order = "in order" if steps == sorted(steps) else "not in order"
    return f"of {count}, missing {missing[:10]}, doubled {doubled[:10]}, {order}"


@pytest.mark.parametrize("end", ["kill", "finish"])
def test_nothing_is_lost_or_doubled_when_the_core_is_replaced_in_mid_traffic(cluster, end):
    topic = new_topic()
    subscribers = [cluster.peer(0), cluster.peer(1)]
    senders = [cluster.raw(0), cluster.raw(1)]
    for subscriber in subscribers:
        subscriber.subscribe(topic)
    cluster.settle(*subscribers)
    stop = threading.Event()
    sent = [0, 0]

    def send(index):
        while not stop.wait(0.0005):
            senders[index].relay(topic, b"%d:%d" % (index, sent[index]))
            sent[index] += 1

    threads = [threading.Thread(target=send, args=[index], daemon=True) for index in range(2)]
    for thread in threads:
        thread.start()
    received = [[], []]
    for times in range(2, 5):
        for subscriber, payloads in zip(subscribers, received):
            payloads += subscriber.receive_payloads(topic, 20)
        getattr(cluster.core, end)()
        restart_core(cluster, times)
    stop.set()
    for thread in threads:
        thread.join(PATIENCE)
    cluster.settle(*subscribers, *senders)
    for subscriber, payloads in zip(subscribers, received):
        payloads += subscriber.receive_payloads(topic, sum(sent) - len(payloads))
        subscriber.ping()
        assert not subscriber.has_received(), "more than was sent"
        for index, count in enumerate(sent):
            steps = [int(step) for name, step in (payload.split(b":") for payload in payloads) if int(name) == index]
            assert steps == list(range(count)), missing_and_doubled(steps, count)


def test_subscriptions_made_and_ended_while_the_core_is_away_are_honoured(cluster):
    kept, ended, made, own = new_topic("kept"), new_topic("ended"), new_topic("made"), new_topic("own")
    subscriber, sender = pair(cluster, kept)
    subscriber.subscribe(ended)
    gone, _ = pair(cluster, kept)
    cluster.settle(subscriber)
    cluster.core.kill()
    subscriber.unsubscribe(ended)
    subscriber.subscribe(made)
    subscriber.ping()
    gone.close()
    newcomer = cluster.peer(0)
    newcomer.subscribe(own)
    newcomer.ping()
    restart_core(cluster)
    cluster.settle(subscriber, newcomer)
    for topic in (ended, kept, made, own):
        sender.relay(topic, topic.encode())
    assert [subscriber.receive_relay()[0] for _ in range(2)] == [kept, made]
    assert newcomer.receive_relay()[0] == own


def test_clients_may_come_before_there_is_a_core(cluster):
    cluster.core.kill()
    early = cluster.start_edge()
    early.wait_for_log("core_link_lost")
    topic = new_topic()
    subscriber, sender = cluster.peer(2), cluster.peer(2)
    subscriber.subscribe(topic)
    restart_core(cluster, 1)
    await_hearing(subscriber, sender, topic)


def test_messages_sent_before_there_is_a_core_take_effect_in_order(make_cluster):
    cluster = make_cluster("--threads", "1")
    cluster.core.kill()
    early = cluster.start_edge()
    early.wait_for_log("core_link_lost")
    topic = new_topic()
    subscriber, sender = cluster.peer(2), cluster.peer(2)
    subscriber.subscribe(topic)
    subscriber.ping()
    sender.relay(topic, b"one", b"two")
    restart_core(cluster, 1)
    assert subscriber.receive_payloads(topic, 2) == [b"one", b"two"]


def test_traffic_of_many_times_the_backlog_passes(make_cluster):
    cluster = make_cluster("--max-backlog-bytes", "65536", "--max-queued-bytes", str(256 << 20), "--threads", "1",
                           "--rate-messages", "0", "--rate-deliveries", "0")
    topic = new_topic()
    subscriber, sender = cluster.raw(0), cluster.raw(1)
    subscriber.subscribe(topic)
    cluster.settle(subscriber)
    message = relay(topic, bytes(200))
    batches, batch = 150, 500

    def send():
        for _ in range(batches):
            sender.send(binary(message) * batch)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    for _ in range(batches * batch):
        assert subscriber.read_message() == message
    thread.join(PATIENCE)


def test_a_full_backlog_stops_the_edge_from_reading_and_loses_nothing(make_cluster):
    # The subscriber's own queue must not be what overflows.
    cluster = make_cluster("--max-backlog-bytes", "65536", "--max-queued-bytes", str(256 << 20), "--rate-messages", "0", "--rate-deliveries", "0")
    topic = new_topic()
    subscriber, sender = cluster.raw(0), cluster.raw(1)
    subscriber.subscribe(topic)
    cluster.settle(subscriber, sender)
    cluster.core.kill()
    payloads = numbered(2000, 16 << 10)
    sent = []

    def flood():
        for payload in payloads:
            sender.relay(topic, payload)
            sent.append(payload)

    thread = threading.Thread(target=flood, daemon=True)
    thread.start()
    stuck = [-1, 0]

    def makes_no_progress():
        stuck.append(len(sent))
        return len(set(stuck[-10:])) == 1 and stuck[-1] > 0

    eventually(makes_no_progress, "a sender that is held back", every=0.05)
    assert 0 < len(sent) < len(payloads), "everything was taken: the backlog is not bounded"
    restart_core(cluster)
    for payload in payloads:
        assert subscriber.read_message() == relay(topic, payload)
    thread.join(PATIENCE)


def test_the_subscriptions_of_a_killed_edge_end(cluster):
    topic = new_topic()
    stranded = cluster.peer(1)
    survivor, sender = pair(cluster, topic, same_edge=True)
    stranded.subscribe(topic)
    cluster.settle(stranded)
    edge = cluster.edges[1]
    cluster.remove_edge(edge)
    edge.kill()
    assert stranded.wait_closed().code == 1006
    cluster.core.wait_for_log("lane_closed", count=2)
    # The core sends nothing to peers that have left, and a new edge begins without state.
    cluster.start_edge()
    cluster.await_links()
    newcomer, own = cluster.peer(1), new_topic("own")
    newcomer.subscribe(own)
    cluster.settle(newcomer)
    sender.relay(topic, b"hello")
    sender.relay(own, b"fence")
    assert survivor.receive_payloads(topic, 1) == [b"hello"]
    assert newcomer.receive_payloads(own, 1) == [b"fence"]


def test_clients_of_one_edge_notice_nothing_of_the_death_of_another(cluster):
    topic = new_topic()
    subscriber, sender = pair(cluster, topic, same_edge=True)
    edge = cluster.edges[1]
    cluster.remove_edge(edge)
    payloads = numbered(500)
    sender.relay(topic, *payloads[:250])
    edge.kill()
    sender.relay(topic, *payloads[250:])
    assert subscriber.receive_payloads(topic, 500) == payloads

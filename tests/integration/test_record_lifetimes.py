"""How long the records of JSON clients are kept, and that they survive a restart of the core."""
import signal

import pytest
from clients.go_client import GoClient
from clients.python_client import PeerInfo, PythonClient
from support.messages import new_topic, numbered
from support.record_messages import announce, ask, blobs, publish, query, read_answer, say_in_turn
from support.waiting import PATIENCE, Stopwatch


# ---- how long


def test_queries_do_not_extend_the_life_of_a_record(make_shape):
    ttl_seconds = hold_seconds = 1
    shape = make_shape("--record-ttl", f"{ttl_seconds}s", "--query-hold", f"{hold_seconds}s")
    topic, publishing = new_topic(), shape.peer(0)
    watch = Stopwatch()
    publishing.send(publish(topic, b"blob"))
    shape.settle(publishing)
    while found := blobs(ask(shape.peer(1), topic)):
        assert found == [b"blob"] and watch.seconds < ttl_seconds + PATIENCE
    # The question that nobody answered was asked no sooner than it was on its way when the record expired.
    assert watch.seconds >= ttl_seconds + hold_seconds - 0.5
    assert publishing.is_open()


@pytest.mark.parametrize("end", ["close", "abandon"])
def test_a_record_outlives_its_connection(shape, end):
    topic, publishing = new_topic(), shape.peer(0)
    say_in_turn(shape, (publishing, publish(topic, b"blob")))
    getattr(publishing, end)()
    assert blobs(ask(shape.peer(1), topic)) == [b"blob"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_record_outlives_its_edge(make_cluster, number):
    cluster = make_cluster()
    topic, publishing = new_topic(), cluster.peer(0)
    publishing.send(publish(topic, b"blob"))
    cluster.settle(publishing)
    edge = cluster.edges[0]
    # The witness of settle() goes with the edge.
    if number == signal.SIGKILL:
        edge.kill()
    else:
        edge.finish()
    cluster.remove_edge(edge)
    asking = cluster.peer()
    assert blobs(ask(asking, topic)) == [b"blob"]
    # Also once the core has noticed that the edge has ended.
    cluster.core.wait_for_log("lane_closed", count=2)
    assert blobs(ask(asking, topic)) == [b"blob"]


# ---- restarts of the core


def restart_core(cluster, times=2):
    cluster.core.kill()
    cluster.start_core()
    cluster.await_links(times)


def url(shape, edge):
    return "ws://%s:%d" % shape.address(edge)


def test_records_of_open_and_closed_connections_survive_a_restart_of_the_core(make_cluster):
    cluster = make_cluster("--query-hold", "4s")
    topics = {name: new_topic(name) for name in ("living", "closed", "lost", "go", "python")}
    living, closed, lost = (cluster.peer(edge) for edge in (0, 1, 0))
    info = PeerInfo(b"\x0b\x0c", ["192.0.2.1:4001"])
    say_in_turn(cluster, (living, publish(topics["living"], b"living")), (closed, publish(topics["closed"], b"closed")),
                (lost, publish(topics["lost"], b"lost")))
    closed.close()
    lost.abandon()
    GoClient(url(cluster, 1)).publish(topics["go"], b"one-shot")
    assert PythonClient(url(cluster, 0)).publish(topics["python"], info)
    for times in (2, 3):
        restart_core(cluster, times)
        for edge in (0, 1):
            asking = cluster.peer(edge)
            assert blobs(ask(asking, topics["living"])) == [b"living"]
            assert blobs(ask(asking, topics["closed"])) == [b"closed"]
            assert blobs(ask(asking, topics["lost"])) == [b"lost"]
            assert GoClient(url(cluster, edge)).query(topics["go"]) == [b"one-shot"]
            assert PythonClient(url(cluster, edge)).query(topics["python"]) == [info]
    # The connection still has its word.
    say_in_turn(cluster, (living, publish(topics["living"], b"new")))
    assert blobs(ask(cluster.peer(1), topics["living"])) == [b"new"]
    assert living.is_open()


def test_a_connection_does_not_get_its_own_record_after_a_restart_of_the_core_either(make_cluster):
    cluster = make_cluster("--query-hold", "4s")
    topic, one, other = new_topic(), cluster.peer(0), cluster.peer(1)
    say_in_turn(cluster, (one, publish(topic, b"one")), (other, publish(topic, b"other")))
    restart_core(cluster)
    cluster.settle(one, other)
    assert blobs(ask(one, topic)) == [b"other"]
    assert blobs(ask(other, topic)) == [b"one"]


def test_a_query_sent_during_an_outage_is_answered_by_the_next_core(make_cluster):
    cluster = make_cluster("--query-hold", "4s")
    topic, publishing, asking = new_topic(), cluster.peer(0), cluster.peer(1)
    say_in_turn(cluster, (publishing, publish(topic, b"blob")))
    cluster.core.kill()
    asking.send(query(topic))
    asking.ping()
    cluster.start_core()
    assert blobs(read_answer(asking, topic)) == [b"blob"]


def test_a_query_sent_before_the_core_ended_is_answered_by_a_publish_to_the_next_core(make_cluster):
    cluster = make_cluster("--query-hold", "4s")
    topic, publishing, asking = new_topic(), cluster.peer(0), cluster.peer(1)
    asking.send(query(topic))
    cluster.settle(asking)
    cluster.core.kill()
    publishing.send(publish(topic, b"blob"))
    cluster.start_core()
    assert blobs(read_answer(asking, topic)) == [b"blob"]


def test_records_reach_native_subscribers_exactly_once_across_restarts_of_the_core(make_cluster):
    cluster = make_cluster()
    topic, subscriber, publishing = new_topic(), cluster.peer(0), cluster.peer(1)
    subscriber.subscribe(topic)
    cluster.settle(subscriber, publishing)
    words = numbered(300)
    publishing.send(*(publish(topic, word) for word in words[:100]))
    cluster.core.kill()
    publishing.send(*(publish(topic, word) for word in words[100:200]))
    # Its edge has read them all while there is no core.
    publishing.ping()
    cluster.start_core()
    publishing.send(*(publish(topic, word) for word in words[200:]))
    assert subscriber.receive_payloads(topic, 300) == words
    # Nor do the edges repeat any of it when the core is restarted again.
    restart_core(cluster, times=3)
    cluster.settle(publishing, subscriber)
    assert not subscriber.has_received()
    assert blobs(ask(cluster.peer(0), topic)) == [words[-1]]


@pytest.mark.parametrize("first_back", [0, 1])
def test_the_last_record_wins_after_a_restart_in_every_order_of_return(make_cluster, first_back):
    cluster = make_cluster("--query-hold", "4s", "--threads", "1")
    topic = new_topic()
    for edge in (0, 1):
        say_in_turn(cluster, (cluster.peer(edge), announce(topic, [f"edge {edge}"], peer_id="0b0c")),
                    (cluster.peer(edge), publish(topic, b"edge %d" % edge)))
    cluster.core.kill()
    first, second = cluster.edges[first_back], cluster.edges[1 - first_back]
    second.signal(signal.SIGSTOP)
    cluster.start_core()
    first.wait_for_log("core_link_up", count=2)
    assert ask(cluster.peer(first_back), topic)["peers"], "what the first edge has said again"
    second.signal(signal.SIGCONT)
    second.wait_for_log("core_link_up", count=2)
    # Later messages are answered after the edge's records.
    asking = cluster.peer(1 - first_back)
    cluster.settle(asking)
    answer = ask(asking, topic)
    words = [peer["addresses"] for peer in answer["peers"]]
    assert words == [[b"edge 1".hex()], ["edge 1"], [b"edge 0".hex()]]

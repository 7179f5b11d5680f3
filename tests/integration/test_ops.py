"""The ops endpoint: readiness, metrics, and that a bad client of it has no effect."""
import base64
import json
import re
import shutil
import signal
import socket
import subprocess

import cbor2
import pytest
from support import process as processes
from support.messages import new_topic, relay
from support.ops import OPS, Metrics, ask, scrape, total
from support.ops_shape import ops_shape  # noqa: F401
from support.raw_client import FIN, PING, PONG, RawClient, RawConnection, binary, frame, upgrade_request
from support.waiting import eventually

SECRET = "a-token-for-tests"
EDGE_ONLY = "cairn_signal_connections"
CORE_ONLY = "cairn_signal_peers"


def core_of(shape):
    """The process that routes."""
    return shape.core or shape.edges[0]


def reasons(macro):
    text = (processes.ROOT / "edge/reasons.h").read_text().split(f"#define {macro}(X)", 1)[1].split("\n\n")[0]
    found = set(re.findall(r'X\(k\w+,\s*"(\w+)"', text))
    assert len(found) > 5
    return found


# ---- every role


def test_every_role_is_healthy_ready_and_has_metrics_of_its_parts(ops_shape):
    for process in ops_shape.processes():
        assert ask(process, "/healthz")[::2] == (200, "ok\n")
        assert ask(process, "/readyz")[::2] == (200, "ready\n")
        metrics = scrape(process)
        is_core, is_edge = process is core_of(ops_shape), process in ops_shape.edges
        assert (EDGE_ONLY in metrics.names()) == is_edge
        assert (CORE_ONLY in metrics.names()) == is_core
        role = {(True, True): "all", (True, False): "core", (False, True): "edge"}[is_core, is_edge]
        assert metrics.label_values("build_info", "role") == {role}
        assert metrics.get("draining") == 0


def test_every_counter_exists_from_the_start(start):
    metrics = scrape(start("--ops-listen-addr", "127.0.0.1:0"))
    closes = metrics.families["cairn_signal_closes"].samples
    drops = metrics.families["cairn_signal_drops"].samples
    assert {sample.labels["reason"] for sample in closes} == reasons("CAIRN_EDGE_CLOSE_REASONS")
    assert {sample.labels["reason"] for sample in drops} == reasons("CAIRN_EDGE_DROP_REASONS")
    assert {sample.value for sample in [*closes, *drops]} == {0}
    for direction in ("in", "out"):
        for dialect in ("cbor", "cbor-v2", "json"):
            assert metrics.get("messages_total", direction=direction, dialect=dialect) == 0
    assert metrics.get("handshakes_total", outcome="ok") == 0
    assert metrics.get("relay_latency_seconds_count") == 0


def test_no_label_names_a_peer_a_topic_or_an_address(ops_shape):
    topic = new_topic("a-topic-in-no-label")
    subscriber, sender = ops_shape.raw(0), ops_shape.raw(1)
    subscriber.subscribe(topic)
    ops_shape.settle(subscriber)
    sender.relay(topic, b"payload")
    subscriber.read_message()
    for process in ops_shape.processes():
        text = ask(process, "/metrics").text
        assert "in-no-label" not in text and "127.0.0.1" not in text
        labels = {label for family in Metrics(text).families.values() for sample in family.samples
                  for label in sample.labels}
        assert labels <= {"version", "role", "outcome", "direction", "dialect", "reason", "lane", "le"}


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is in Debian's package prometheus")
def test_promtool_accepts_the_rules(ops_shape):
    for process in ops_shape.processes():
        checked = subprocess.run(["promtool", "check", "metrics"], input=ask(process, "/metrics").text, text=True,
                                 capture_output=True, check=False)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_without_its_flag_there_is_no_endpoint(start):
    server = start()
    server.address()
    server.grpc_address()
    server.finish()
    assert not server.grep("ops=")


def test_an_address_that_cannot_be_had_ends_the_process_with_a_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = processes.run("--listen-addr", "127.0.0.1:0", "--grpc-listen-addr", "127.0.0.1:0",
                             "--ops-listen-addr", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert re.fullmatch(rf"error: cannot listen on 127\.0\.0\.1:{port}: Address already in use; "
                        "end the process that has it, or give another --ops-listen-addr\n", done.stderr)


# ---- readiness


def test_an_edge_is_not_ready_without_its_core_and_is_again_with_the_next_one(make_cluster):
    cluster = make_cluster(env=OPS)
    edge = cluster.edges[0]
    assert ask(edge, "/readyz").status == 200
    cluster.core.kill()
    answer = eventually(lambda: (a := ask(edge, "/readyz")).status == 503 and a, "an edge that is not ready")
    assert re.fullmatch(r"no core: [01] of 2 lanes are connected\n", answer.text)
    eventually(lambda: scrape(edge).get("core_link_up", lane="0") == 0, "the link is down")
    assert ask(edge, "/healthz").status == 200, "which is no reason to start it anew"
    cluster.start_core()
    eventually(lambda: ask(edge, "/readyz").status == 200, "an edge that is ready again")
    assert {scrape(edge).get("core_link_up", lane=lane) for lane in "01"} == {1}


def test_an_edge_that_has_never_had_a_core_is_alive_and_not_ready(start, tmp_path):
    edge = start("--role", "edge", "--core", f"unix:{tmp_path}/nobody", "--threads", "1", env=OPS)
    assert ask(edge, "/readyz")[::2] == (503, "no core: 0 of 1 lanes are connected\n")
    assert ask(edge, "/healthz").status == 200


def test_a_draining_process_is_not_ready_and_still_serves_metrics(start):
    server = start("--drain", "60s", env=OPS)
    clients = [RawClient(server.address()) for _ in range(20)]
    server.signal(signal.SIGTERM)
    answer = eventually(lambda: (a := ask(server, "/readyz")).status == 503 and a, "a process that is not ready")
    assert answer.text == "draining\n"
    assert ask(server, "/healthz").status == 200
    assert scrape(server).get("draining") == 1
    for client in clients:
        client.close()
    assert server.wait() == 0


# ---- the figures


def subscribe_v2(peer, topic):
    """Returns when the subscription counts."""
    peer.subscribe(topic)
    while "Subscribed" not in cbor2.loads(peer.receive()):
        pass


def test_relays_are_counted_where_they_come_in_and_where_they_go_out(ops_shape):
    topic, count = new_topic(), 100
    subscribers = [ops_shape.peer(edge, subprotocols=["cairn.signal.v2"]) for edge in (0, 1)]
    for subscriber in subscribers:
        subscribe_v2(subscriber, topic)
    sender = ops_shape.raw(0)
    sender.relay(topic, *[b"%03d" % i for i in range(count)])
    for subscriber in subscribers:
        for _ in range(count):
            while "Relay" not in cbor2.loads(subscriber.receive()):
                pass
    edges, core = ops_shape.edges, core_of(ops_shape)

    def of_edges(name, **labels):
        return total(edges, name, **labels)

    assert of_edges("messages_total", direction="in", dialect="cbor") == count
    assert of_edges("message_bytes_total", direction="in", dialect="cbor") == count * len(relay(topic, b"000"))
    assert of_edges("messages_total", direction="in", dialect="cbor-v2") == 2
    assert of_edges("messages_total", direction="out", dialect="cbor") == 0
    assert of_edges("messages_total", direction="out", dialect="cbor-v2") >= 2 * count
    assert of_edges("relays_delivered_total") == 2 * count
    assert of_edges("relay_latency_seconds_count") == 2 * count
    assert 0 <= of_edges("relay_latency_seconds_sum") < 2 * count * 60
    assert of_edges("relay_latency_seconds_bucket", le="+Inf") == 2 * count
    assert of_edges("core_link_batch_events_sum") >= count
    assert of_edges("handshakes_total", outcome="ok") == 3
    eventually(lambda: of_edges("sessions") == 3, "gauges follow within a tick")
    routed = scrape(core)
    assert routed.get("relays_total") == count
    assert routed.get("relays_unheard_total") == 0
    assert (routed.get("relay_fanout_count"), routed.get("relay_fanout_sum")) == (count, 2 * count)
    assert routed.get("relay_fanout_bucket", le="1") == 0
    assert routed.get("relay_fanout_bucket", le="2") == count
    assert (routed.get("peers"), routed.get("topics"), routed.get("subscriptions")) == (3, 1, 2)
    assert routed.get("lanes") == 2 * len(edges)
    assert routed.get("edges") == len(edges), "each has a name of its own"


def test_a_relay_without_receivers_is_counted_as_unheard(ops_shape):
    sender = ops_shape.raw(0)
    sender.relay(new_topic(), b"anybody?")
    core = core_of(ops_shape)
    eventually(lambda: scrape(core).get("relays_unheard_total") == 1, "an unheard relay")
    assert scrape(core).get("relay_fanout_bucket", le="0") == 1


def test_presence_follows_peers_that_join_and_leave(ops_shape):
    core = core_of(ops_shape)
    clients = [ops_shape.raw() for _ in range(4)]
    eventually(lambda: scrape(core).get("peers") == 4, "four peers")
    for client in clients[:3]:
        client.close()
    eventually(lambda: scrape(core).get("peers") == 1, "one peer")
    gone = scrape(core)
    assert (gone.get("peers_opened_total"), gone.get("peers_closed_total")) == (4, 3)
    eventually(lambda: total(ops_shape.edges, "connections") == 1, "one connection")
    assert total(ops_shape.edges, "closes_total", reason="client_gone") == 3


def test_records_and_json_messages_are_counted(make_shape):
    ops_shape = make_shape("--query-hold", "4s", env=OPS)
    peer, edges, core = ops_shape.peer(0), ops_shape.edges, core_of(ops_shape)
    peer.send(json.dumps({"type": "announce", "topic": new_topic(), "addresses": ["192.0.2.1:9"]}))
    assert json.loads(peer.receive())["type"] == "ack"
    assert [total(edges, "messages_total", direction=way, dialect="json") for way in ("in", "out")] == [1, 1]
    eventually(lambda: scrape(core).get("records") == 1, "a record")
    assert scrape(core).get("record_bytes") > 0
    peer.send(json.dumps({"type": "query", "topic": new_topic()}))
    eventually(lambda: scrape(core).get("held_queries") == 1, "a query that waits")
    peer.receive()
    eventually(lambda: scrape(core).get("held_queries") == 0, "a query that was answered")


def test_records_that_an_answer_cannot_hold_are_counted(ops_shape):
    topic, edge = new_topic(), ops_shape.edges[0]
    for number in range(4):
        publisher = ops_shape.peer(0)
        record = base64.b64encode(b"%d" % number * 3000).decode()
        publisher.send(json.dumps({"type": "publish", "topic": topic, "payload": record}))
        ops_shape.settle(publisher)
    asking = ops_shape.peer(0, names_itself=False)
    asking.send(json.dumps({"type": "query", "topic": topic}))
    assert json.loads(asking.receive())["peers"] == []
    assert scrape(edge).get("drops_total", reason="result_cut") == 4


def test_a_connection_without_the_header_of_a_trusted_proxy_is_counted(start):
    server = start("--proxy-protocol", "--trusted-proxies", "127.0.0.0/8", env=OPS)
    connection = RawConnection(server.address())
    connection.send(upgrade_request())
    connection.wait_end()
    eventually(lambda: scrape(server).get("closes_total", reason="bad_proxy_header") == 1, "a connection that was closed")


def test_handshakes_that_fail_are_counted_by_their_outcome(make_shape):
    shape = make_shape("--auth-token", SECRET, env=OPS)
    good = [("Authorization", f"Bearer {SECRET}")]
    for _ in range(3):
        connection = shape.connection(0)
        connection.send(upgrade_request(headers=[("Authorization", "Bearer wrong")]))
        assert connection.read_answer().status == 401
    connection = shape.connection(0)
    connection.send(upgrade_request(headers=good, without=["Upgrade"]))
    assert connection.read_answer().status >= 400
    shape.connection(0).close()
    RawClient(shape.address(0), request=upgrade_request(headers=good))
    edge = shape.edges[0]
    eventually(lambda: scrape(edge).get("handshakes_total", outcome="client_gone") == 1, "one that left")
    metrics = scrape(edge)
    outcomes = {outcome: metrics.get("handshakes_total", outcome=outcome)
                for outcome in metrics.label_values("handshakes_total", "outcome")}
    assert {outcome: n for outcome, n in outcomes.items() if n} == {
        "ok": 1, "unauthorized": 3, "upgrade_refused": 1, "client_gone": 1}
    assert metrics.get("connections_accepted_total") == 6
    assert metrics.get("closes_total", reason="unauthorized") == 3


def test_closes_and_drops_are_counted_by_their_reason(ops_shape):
    edge = ops_shape.edges[0]
    dropped, offender = ops_shape.raw(0), ops_shape.raw(0)
    dropped.send(binary(b"\xff"), binary(cbor2.dumps({"Unknown": {}})), frame(PING, b"done"))
    assert dropped.read_frame() == (FIN | PONG, b"done")
    offender.send(frame(0x3, b"a reserved opcode"))
    assert offender.read_close()[0] == 1002
    metrics = scrape(edge)
    assert metrics.get("drops_total", reason="cbor_malformed") == 1
    assert metrics.get("drops_total", reason="not_a_message") == 1
    assert metrics.get("closes_total", reason="protocol_error") == 1


def test_unread_data_of_a_client_shows_as_a_queue(ops_shape):
    topic = new_topic()
    slow, sender, edge = ops_shape.raw(0, receive_buffer=4096), ops_shape.raw(0), ops_shape.edges[0]
    slow.subscribe(topic)
    ops_shape.settle(slow)

    def queued():
        sender.relay(topic, bytes(50_000))
        return scrape(edge).get("queued_bytes_max") > 0

    eventually(queued, "a queue")
    slow.close()
    eventually(lambda: scrape(edge).get("queued_bytes") == 0, "no queue")


def test_a_process_tells_of_itself(start):
    server = start("--ops-listen-addr", "127.0.0.1:0")
    metrics = scrape(server)
    assert 0 < metrics.get("process_resident_memory_bytes") <= server.peak_resident_bytes()
    assert metrics.get("process_max_fds") > metrics.get("process_open_fds") > 5
    assert metrics.get("process_threads") > 1

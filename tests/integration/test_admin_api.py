"""What operators can see of peers, topics and edges, and how they can act on them, in both shapes."""
import base64
import json
import re
import signal
import ssl

import pytest
from google.protobuf import descriptor_pb2
from support.admin_api import Admin, Code, health, pb, reflection, refused
from support.admin_views import FEW_SECONDS, UNKNOWN_ID, counts, crowd, now_us, subscribe_all  # noqa: F401
from support.certificates import Certificate, trusting
from support.fleet_fixtures import SHAPES, admin, fleet, make_fleet, module_fleet  # noqa: F401
from support.messages import new_topic, relay, subscribe
from support.process import run
from support.raw_client import BINARY, RawClient, frame, upgrade_request
from support.waiting import Stopwatch, eventually

FLEET_FLAGS = ["--ping-interval", "500ms"]


def local_address(peer):
    return "%s:%d" % peer._socket.local_address  # pylint: disable=protected-access


# ---- status


@pytest.mark.parametrize("kind", SHAPES)
def test_the_status_has_the_counts(make_fleet, kind):
    before = now_us()
    fleet = make_fleet(kind)
    admin = fleet.admin()
    topic, other = new_topic(), new_topic()
    a, b, c = fleet.peer(0), fleet.peer(1), fleet.peer(0)
    a.subscribe(topic)
    b.subscribe(topic, other)
    admin.await_peers(2, topic=topic)
    a.relay(topic, *[b"hello"] * 5)
    a.relay("nobody is here", b"hello", b"hello")
    c.send(b"\xff")
    status = eventually(lambda: s if (s := admin.status()).relays == 7 else None, "seven relays")
    process = fleet.core or fleet.edges[0]
    assert (status.peers, status.topics, status.subscriptions) == (3, 2, 3)
    assert (status.relays, status.relays_unheard, status.deliveries) == (7, 2, 5)
    assert (status.edges, status.lanes) == ((1, 2) if kind == "all" else (2, 4))
    assert (status.peers_opened, status.peers_closed) == (3, 0)
    assert 0 < status.relays_per_second <= 0.7
    assert status.version == run("--version").stdout.split()[1]
    assert re.fullmatch("[0-9a-f]{16}", status.core_id)
    assert before <= status.started_us <= now_us()
    assert 0 < status.resident_bytes <= process.peak_resident_bytes()
    assert (status.records, status.record_bytes, status.held_queries, status.tls_not_after_us) == (0, 0, 0, 0)
    c.close()
    status = eventually(lambda: s if (s := admin.status()).peers == 2 else None, "two peers")
    assert (status.peers_opened, status.peers_closed) == (3, 1)
    status = eventually(lambda: s if (s := admin.status()).closes else None, "a close", FEW_SECONDS)
    assert counts(status.closes) == {"client_closed": 1}
    assert counts(status.drops) == {"cbor_malformed": 1}


# ---- one peer


def test_a_peer_is_described_as_it_is(fleet, admin):
    topics = sorted(new_topic() for _ in range(3))
    before = now_us()
    peer = fleet.peer(1)
    peer.subscribe(*topics)
    found = admin.peer(admin.await_id(topics[-1]))
    assert found.edge == fleet.edge_names()[-1] and found.lane < 2
    assert found.remote_address == local_address(peer)
    assert re.match(r"Python/3.* websockets/", found.user_agent)
    assert found.tls_version == ""
    assert before <= found.connected_since_us <= now_us()
    assert sorted(found.topics) == topics and found.topic_count == 3
    assert (found.closed_us, found.close_code, found.close_reason) == (0, 0, "")
    listed, = admin.peers({"topic": topics[0]})
    assert (listed.id, list(listed.topics), listed.topic_count) == (found.id, [], 3)
    listed, = admin.peers({"topic": topics[0]}, with_topics=True)
    assert sorted(listed.topics) == topics


def test_figures_move_with_traffic_and_are_at_most_a_few_seconds_old(fleet, admin):
    topic = new_topic()
    sender, receiver = fleet.peer(0), fleet.raw(1)
    ids = {peer.remote_address: peer.id for peer in subscribe_all(admin, topic, sender, receiver)}
    sender_id = ids.pop(local_address(sender))
    receiver_id, = ids.values()
    for round_number in (1, 2):
        sent = now_us()
        sender.relay(topic, *[bytes(100)] * 10)
        message = relay(topic, bytes(100))

        def moved(peer_id, field, value):
            def so():
                peer = admin.peer(peer_id)
                return peer if getattr(peer, field) == value else None
            return eventually(so, f"{field} of {value}", FEW_SECONDS)

        described = moved(sender_id, "messages_in", 1 + 10 * round_number)
        assert described.bytes_in == len(subscribe(topic)) + 10 * round_number * len(message)
        assert sent <= described.last_activity_us <= now_us()
        assert described.stats_age_us < FEW_SECONDS * 1e6
        assert described.dialect == "cbor"
        described = moved(receiver_id, "messages_out", 10 * round_number)
        assert described.bytes_out == 10 * round_number * len(frame(BINARY, message, key=None))
        assert described.messages_in == 1 and described.last_activity_us < sent
    rtt = eventually(lambda: admin.peer(sender_id).rtt_us, "a round trip", FEW_SECONDS)
    assert 0 < rtt < 1e6
    assert admin.peer(receiver_id).rtt_us == 0


def test_unread_data_of_a_client_is_shown(fleet, admin):
    topic = new_topic()
    deaf, sender = fleet.raw(0, receive_buffer=4096), fleet.peer(0)
    deaf.subscribe(topic)
    peer_id = admin.await_id(topic)
    # More than the kernel buffers, less than what closes the connection.
    deadline = Stopwatch()
    while not admin.peer(peer_id).queued_bytes:
        assert deadline.seconds < 20
        if not admin.peer(peer_id).closed_us:
            sender.relay(topic, bytes(30_000))
    assert 0 < admin.peer(peer_id).queued_bytes <= 1 << 20


def test_the_dialect_is_that_of_the_peers_messages(fleet, admin):
    topic = new_topic()
    v2 = fleet.peer(subprotocols=["cairn.signal.v2"])
    native, text, silent = fleet.peer(), fleet.peer(), fleet.peer()
    subscribe_all(admin, topic, v2, native, text)
    text.send(json.dumps({"type": "query", "topic": topic}))
    assert json.loads(text.receive())["type"] == "result"

    def dialects():
        return sorted(peer.dialect for peer in admin.peers({"topic": topic})) == ["cbor", "cbor-v2", "json"]
    eventually(dialects, "three dialects", FEW_SECONDS)
    for dialect in ("cbor", "cbor-v2", "json"):
        listed, = admin.peers({"topic": topic, "dialect": dialect})
        assert listed.dialect == dialect
    assert admin.await_peers(1, address_prefix=local_address(silent))[0].dialect == ""


@pytest.mark.parametrize("agent", [b"caf\xe9", b"\xff" * 300, b"x" * 255 + "\u00e9".encode()],
                         ids=["latin-1", "no text at all", "cut within a letter"])
def test_a_user_agent_that_is_not_utf8_is_accepted(fleet, admin, agent):
    topic = new_topic()
    bystander, sender = fleet.peer(0), fleet.peer(0)
    subscribe_all(admin, topic, bystander, sender)
    odd = [RawClient(fleet.address(0), request=upgrade_request(headers=[("User-Agent", agent.decode("latin-1"))]))
           for _ in range(4)]
    for one in odd:
        one.subscribe(topic)
    assert len(admin.await_peers(6, topic=topic)) == 6
    sender.relay(topic, b"hello")
    assert bystander.receive_relay() == (topic, b"hello")


def test_the_tls_version_and_the_expiry_of_the_certificate_are_reported(make_fleet, tmp_path):
    certificate = Certificate(tmp_path, "edge")
    fleet = make_fleet("cluster", *certificate.flags(), tls=trusting(certificate))
    admin = fleet.admin()
    topic = new_topic()
    fleet.peer(0).subscribe(topic)
    assert admin.await_peers(1, topic=topic)[0].tls_version == "TLSv1.3"
    text = ssl._ssl._test_decode_cert(str(certificate.cert))["notAfter"]  # pylint: disable=protected-access
    end_us = ssl.cert_time_to_seconds(text) * 1_000_000
    assert [edge.tls_not_after_us for edge in admin.edges()] == [end_us, end_us]
    assert admin.status().tls_not_after_us == end_us


def test_the_expiry_of_a_replaced_certificate_is_reported(make_fleet, tmp_path):
    certificate = Certificate(tmp_path, "edge")
    fleet = make_fleet("all", *certificate.flags(), tls=trusting(certificate))
    admin = fleet.admin()
    before = eventually(lambda: admin.status().tls_not_after_us, "the end of the first")
    longer = Certificate(tmp_path, "longer", days=40)
    certificate.cert.write_bytes(longer.cert.read_bytes())
    certificate.key.write_bytes(longer.key.read_bytes())
    fleet.edges[0].signal(signal.SIGHUP)
    eventually(lambda: admin.status().tls_not_after_us > before, "the end of the second")


@pytest.mark.parametrize("peer_id", [UNKNOWN_ID, "", "12", UNKNOWN_ID.upper(), "0" * 16, "no id"])
def test_an_unknown_id_is_not_found(admin, peer_id):
    with refused(Code.NOT_FOUND, peer_id):
        admin.peer(peer_id)
    with refused(Code.NOT_FOUND, peer_id):
        admin.disconnect(id=peer_id)


# ---- topics


def test_a_topic_is_described_as_it_is(fleet, admin):
    topic = new_topic()
    before = now_us()
    peers = [fleet.peer(index) for index in range(4)]
    subscribe_all(admin, topic, *peers[:3])
    found = admin.topic(topic)
    assert (found.name, found.subscribers, found.relays, found.bytes, found.last_relay_us) == (topic, 3, 0, 0, 0)
    assert 1 <= found.lanes <= 3 and before <= found.created_us <= now_us()
    assert sorted(found.peers) == [peer.id for peer in admin.peers({"topic": topic})]
    peers[3].relay(topic, bytes(100), bytes(200))
    found = eventually(lambda: t if (t := admin.topic(topic)).relays == 2 else None, "two relays")
    assert (found.bytes, found.subscribers) == (300, 3)
    assert before <= found.last_relay_us <= now_us() and found.relays_per_second > 0
    peers[0].unsubscribe(topic)
    peers[1].close()
    admin.await_peers(1, topic=topic)
    assert admin.topic(topic).subscribers == 1
    peers[2].unsubscribe(topic)
    admin.await_peers(0, topic=topic)
    with refused(Code.NOT_FOUND, topic):
        admin.topic(topic)
    assert admin.topics(name_prefix=topic) == []


@pytest.mark.parametrize("name", ["", "gr\u00fc\u00df dich \U0001f44b", "two\nlines", "nul\0nul", "%s {} '", "x" * 1024],
                         ids=["empty", "beyond ASCII", "newline", "NUL", "punctuation", "longest"])
def test_odd_names_are_names_too(fleet, admin, name):
    fleet.peer().subscribe(name)
    found = eventually(lambda: [topic for topic in admin.topics() if topic.name == name], "the topic")
    assert found[0].subscribers == 1
    found = admin.topic(name)
    assert (found.name, found.subscribers, len(found.peers)) == (name, 1, 1)
    assert list(admin.peer(found.peers[0]).topics) == [name]


def test_records_are_counted_but_not_shown(fleet, admin):
    topic = new_topic()
    secrets = [b"what nobody should see", b"nor this one"]
    subscriber = fleet.peer()
    subscribe_all(admin, topic, subscriber)
    for index, secret in enumerate(secrets):
        payload = base64.b64encode(secret).decode()
        fleet.peer(index).send(json.dumps({"type": "publish", "topic": topic, "payload": payload}))
    eventually(lambda: admin.topic(topic).records == 2, "two records")
    subscriber.unsubscribe(topic)
    # They outlive the interest in the topic.
    found = eventually(lambda: t if not (t := admin.topic(topic)).subscribers else None, "no subscribers")
    assert (found.name, found.records, found.peers) == (topic, 2, [])
    assert 0 <= found.newest_record_age_us <= found.oldest_record_age_us < FEW_SECONDS * 1e6
    status = admin.status()
    assert status.records >= 2 and status.record_bytes > sum(map(len, secrets))
    for secret in secrets:
        assert secret not in found.SerializeToString() and base64.b64encode(secret) not in found.SerializeToString()


# ---- what every gRPC server answers


def test_health_is_answered(admin):
    def status(service):
        return admin.health.Check(health.HealthCheckRequest(service=service), timeout=FEW_SECONDS).status

    assert status("") == health.HealthCheckResponse.SERVING
    with refused(Code.NOT_FOUND):
        status("no.such.Service")


def test_reflection_describes_the_services(admin):
    def ask(**request):
        requests = iter([reflection.ServerReflectionRequest(**request)])
        return next(iter(admin.reflection.ServerReflectionInfo(requests, timeout=FEW_SECONDS)))

    services = {service.name for service in ask(list_services="").list_services_response.service}
    assert {"cairn.signaling.v1.Admin", "cairn.signaling.v1.Lanes", "grpc.health.v1.Health"} <= services
    answer = ask(file_containing_symbol="cairn.signaling.v1.Admin").file_descriptor_response
    file = descriptor_pb2.FileDescriptorProto.FromString(answer.file_descriptor_proto[0])
    ours = descriptor_pb2.FileDescriptorProto()
    pb.DESCRIPTOR.CopyToProto(ours)
    assert file.service == ours.service and file.message_type == ours.message_type


def test_a_reader_who_leaves_in_the_middle_of_a_list_has_no_effect_on_others(fleet, admin, crowd):
    topic, _, _ = crowd
    for _ in range(20):
        caller = Admin((fleet.core or fleet.edges[0]).grpc_address())
        stream = caller.stub.ListPeers(pb.ListPeersRequest(sort="SORT_CONNECTED_SINCE"))
        next(stream)
        stream.cancel()
        caller.close()
    assert len(admin.peers({"topic": topic})) == 300

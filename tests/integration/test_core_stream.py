"""The edge's end of a stream to its core: gRPC that is the edge's own, against other implementations of it and bad networks."""
import contextlib
import socket
import subprocess
import threading

import grpc
import pytest
from support.authority import Authority
from support.fake_core import FakeCore, lane_pb
from support.frame_link import FrameLink, SlowLink, goaway, reset
from support.messages import new_topic
from support.peer import Peer
from support.ports import unused_port
from support.process import ServerProcess, with_defaults
from support.waiting import PATIENCE, Stopwatch

Event = lane_pb.LaneEvent
LOST = "core_link_lost.*"


@pytest.fixture
def edge_of(start):
    def edge(address, *flags):
        return start("--role", "edge", "--core", address, "--threads", "1", *flags)
    return edge


@pytest.fixture
def fake():
    started = []

    def make(*args, **options):
        started.append(FakeCore(*args, **options))
        return started[-1]
    yield make
    for core in started:
        core.stop()


def url(edge):
    return "ws://%s:%d/" % edge.address()


# ---- another implementation of gRPC

def test_messages_pass_between_an_edge_and_a_core_on_grpcio(fake, edge_of, tmp_path):
    token = tmp_path / "token"
    token.write_text("the-token\n")
    core = fake()
    edge = edge_of(f"127.0.0.1:{core.port}", "--grpc-edge-token-file", str(token), "--edge-name", "north")
    lane = core.lane()
    assert lane.metadata["authorization"] == "Bearer the-token"
    assert lane.metadata["user-agent"].startswith("cairn-signal/")
    assert lane.hello.protocol_version == 2 and lane.hello.edge == "north"
    lane.welcome()
    edge.wait_for_log("core_link_up")
    topic = new_topic()
    peer = Peer(url(edge))
    peer.subscribe(topic)
    peer.relay(topic, b"to others")
    relayed = lane.events(Event.KIND_RELAYED)[-1]
    assert (relayed.topic, relayed.payload) == (topic.encode(), b"to others")
    # Of every size, up to the largest that is written in one message.
    for size in (0, 1, 200, 16_379, 16_380, 60_000):
        payload = bytes(size)
        lane.tell(deliveries=[lane_pb.Delivery(origin_lane=5, origin_seq=size + 1, topic=topic.encode(), payload=payload)])
        assert peer.receive_payloads(topic, 1) == [payload]


def test_messages_of_the_largest_size_pass(fake, edge_of):
    core = fake()
    edge = edge_of(f"127.0.0.1:{core.port}", "--max-message-bytes", "1000000")
    lane = core.lane()
    lane.welcome()
    topic = new_topic()
    peer = Peer(url(edge))
    peer.subscribe(topic)
    lane.events(Event.KIND_SUBSCRIBED)
    for step in range(40):
        payload = bytes([step]) * 60_000
        peer.relay(topic, payload)
        relayed = lane.events(Event.KIND_RELAYED)[-1]
        assert (relayed.seq, relayed.payload) == (step + 1, payload)
        lane.tell(settled=[relayed.seq, relayed.seq])
    # A larger one comes in parts, one behind the other.
    peer.relay(topic, bytes(900_000))
    parts = [lane.next()]
    while not parts[-1].part or parts[-1].more:
        parts.append(lane.next())
    assert [len(part.part) for part in parts if part.more] == [512 << 10]


@pytest.mark.parametrize("code, number", [(grpc.StatusCode.UNAVAILABLE, 14), (grpc.StatusCode.PERMISSION_DENIED, 7)])
@pytest.mark.parametrize("welcomed", [True, False])
def test_the_status_of_a_core_is_logged_and_a_new_stream_opened(fake, edge_of, code, number, welcomed):
    core = fake()
    edge = edge_of(f"127.0.0.1:{core.port}")
    lane = core.lane()
    if welcomed:
        lane.welcome()
        edge.wait_for_log("core_link_up")
    lane.end(code, "caf\u00e9 100% closed")
    edge.wait_for_log(rf'{LOST}code={number} message="caf\S* 100% closed"')
    again = core.lane()
    assert again.hello.lane_id == lane.hello.lane_id
    assert again.hello.core_id == (77 if welcomed else 0)


def test_a_message_that_is_too_large_ends_the_stream(fake, edge_of):
    core = fake()
    edge = edge_of(f"127.0.0.1:{core.port}")
    lane = core.lane()
    lane.welcome()
    lane.tell(part=bytes(1 << 20), more=True)
    edge.wait_for_log(rf"{LOST}code=8")
    core.lane().end()


def test_the_link_continues_over_mutual_tls_with_grpcio(fake, edge_of, tmp_path):
    authority = Authority(tmp_path)
    server = authority.issue("core")
    credentials = grpc.ssl_server_credentials(
        [(server.key.read_bytes(), server.cert.read_bytes())], authority.cert.read_bytes(), True)
    core = fake(credentials=credentials)
    edge = edge_of(f"127.0.0.1:{core.port}", *link_flags(authority, "edge"))
    core.lane().welcome()
    edge.wait_for_log("core_link_up")


# ---- TLS

def link_flags(authority, name, **options):
    issued = authority.issue(name, **options)
    return ["--grpc-tls-cert", str(issued.cert), "--grpc-tls-key", str(issued.key), "--grpc-tls-ca", str(authority.cert)]


def test_a_certificate_for_another_host_is_refused(start, edge_of, tmp_path):
    authority = Authority(tmp_path)
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0",
                 *link_flags(authority, "core", names="DNS:elsewhere.example,IP:192.0.2.1"))
    edge = edge_of(core.grpc_address(), *link_flags(authority, "edge"))
    edge.wait_for_log(rf"{LOST}certificate.*mismatch")
    assert not edge.grep("core_link_up")


def test_a_core_of_another_authority_is_refused(start, edge_of, tmp_path):
    (tmp_path / "theirs").mkdir()
    authority, stranger = Authority(tmp_path), Authority(tmp_path / "theirs", "stranger")
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", *link_flags(stranger, "core"))
    edge = edge_of(core.grpc_address(), *link_flags(authority, "edge"))
    edge.wait_for_log(rf"{LOST}certificate")
    assert not edge.grep("core_link_up")


def test_a_slow_handshake_is_not_cut(start, edge_of, tmp_path):
    authority = Authority(tmp_path)
    path = tmp_path / "core"
    core = start("--role", "core", "--grpc-listen-addr", f"unix:{path}", *link_flags(authority, "core"))
    core.grpc_address()
    # About 2 KB in pieces of 16 bytes.
    with contextlib.closing(SlowLink(str(path), 16, 0.005)) as link:
        edge = edge_of(link.address, *link_flags(authority, "edge"))
        edge.wait_for_log("core_link_up")
        assert not edge.grep("core_link_lost")
        edge.finish()


def test_tls_works_on_a_unix_socket(start, edge_of, tmp_path):
    authority = Authority(tmp_path)
    path = tmp_path / "core"
    core = start("--role", "core", "--grpc-listen-addr", f"unix:{path}", *link_flags(authority, "core"))
    core.grpc_address()
    edge_of(f"unix:{path}", *link_flags(authority, "edge")).wait_for_log("core_link_up")


# ---- addresses

@contextlib.contextmanager
def listening_on_v6():
    """A listener on [::1], and its port, which is free on 127.0.0.1 too."""
    port = unused_port()
    with socket.create_server(("::1", port), family=socket.AF_INET6, backlog=0) as listener:
        yield listener, port


# Its own /etc/hosts, without being root.
OWN_HOSTS = ["unshare", "--map-root-user", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"']


@pytest.fixture
def hosts(tmp_path):
    """The /etc/hosts of edges made by edge_with_hosts."""
    path = tmp_path / "hosts"
    path.write_text("127.0.0.1 localhost\n")
    if subprocess.run([*OWN_HOSTS, path, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespaces here")
    return path


@pytest.fixture
def edge_with_hosts(hosts):
    started = []

    def edge(address):
        flags = with_defaults(["--role", "edge", "--core", address, "--threads", "1"])
        started.append(ServerProcess(*flags, wrapper=[*OWN_HOSTS, str(hosts)]))
        return started[-1]
    yield edge
    for one in started:
        one.finish()


def test_a_name_leads_to_the_core_on_whichever_address_it_listens(start, edge_of):
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0")
    port = core.grpc_address().rpartition(":")[2]
    edge_of(f"localhost:{port}").wait_for_log("core_link_up")


def test_a_core_on_ipv6_is_reached(start, edge_of):
    core = start("--role", "core", "--grpc-listen-addr", "[::1]:0")
    edge_of(core.grpc_address()).wait_for_log("core_link_up")


@pytest.mark.parametrize("silent", [True, False], ids=["an address that does not answer", "one that closes at once"])
def test_the_next_address_of_a_name_is_tried(start, hosts, edge_with_hosts, silent):
    hosts.write_text("::1 core.test\n127.0.0.1 core.test\n")
    with listening_on_v6() as (listener, port), contextlib.ExitStack() as stack:
        if silent:
            # Its queue is full: no other caller is answered.
            for _ in range(2):
                one = stack.enter_context(socket.socket(socket.AF_INET6))
                one.setblocking(False)
                one.connect_ex(("::1", port))
        else:
            threading.Thread(target=close_all_who_come, args=[listener], daemon=True).start()
        core = start("--role", "core", "--grpc-listen-addr", f"127.0.0.1:{port}")
        core.grpc_address()
        edge = edge_with_hosts(f"core.test:{port}")
        edge.wait_for_log("core_link_up")
        assert bool(edge.grep("core_link_lost")) == (not silent)


def test_a_name_that_leads_elsewhere_now_is_looked_up_again(start, hosts, edge_with_hosts):
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0")
    port = core.grpc_address().rpartition(":")[2]
    hosts.write_text("127.0.0.2 core.test\n")
    edge = edge_with_hosts(f"core.test:{port}")
    edge.wait_for_log("core_link_lost")
    hosts.write_text("127.0.0.1 core.test\n")
    edge.wait_for_log("core_link_up")


def close_all_who_come(listener):
    with contextlib.suppress(OSError):
        while True:
            listener.accept()[0].close()


def test_a_name_that_does_not_exist_is_logged_and_the_edge_ends_at_once(edge_of):
    edge = edge_of("nobody.invalid:7443")
    edge.wait_for_log(rf"{LOST}code=14.*nobody\.invalid")
    edge.finish()


# ---- servers that are no core

@contextlib.contextmanager
def serving(answer):
    """A TCP server that reads once, answers with those bytes, and then stays silent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            kept = []
            with contextlib.suppress(OSError):
                while True:
                    kept.append(listener.accept()[0])
                    kept[-1].recv(65536)
                    kept[-1].sendall(answer)
        threading.Thread(target=serve, daemon=True).start()
        yield "127.0.0.1:%d" % listener.getsockname()[1]


@pytest.mark.parametrize("answer, reason", [
    (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "HTTP/2"),
    (b"", "no HTTP/2 frame within 3.5s"),
], ids=["HTTP/1.1", "silence"])
def test_a_core_that_does_not_speak_http2_is_given_up(edge_of, answer, reason):
    with serving(answer) as address:
        edge_of(address).wait_for_log(rf"{LOST}code=14.*{reason}")


def test_a_core_that_ends_each_stream_after_its_welcome_is_asked_ever_more_slowly(fake, edge_of):
    core = fake()
    edge_of(f"127.0.0.1:{core.port}")
    watch, opened = Stopwatch(), 0
    while watch.seconds < 1.5:
        lane = core.lane()
        lane.welcome()
        lane.end(grpc.StatusCode.UNAVAILABLE)
        opened += 1
    # Pauses of 5 to 10 ms, doubling to 125 to 250 ms.
    assert opened <= 16


# ---- what proxies do

@pytest.fixture
def framed(make_cluster, request):
    """Edges 0 and 1 reach the core directly, edge 2 by way of framed.link."""
    cluster = make_cluster("--threads", "1")
    cluster.link = FrameLink(cluster.core_address.removeprefix("unix:"), **getattr(request, "param", {}))
    cluster.start_edge(core=cluster.link.address)
    cluster.await_links()
    yield cluster
    cluster.link.close()


@pytest.mark.parametrize("ending, code", [(goaway(0, b"max age"), 14), (goaway(11, b"too_many_pings"), 8), (reset(7), 14),
                                          (reset(8), 1)], ids=["GOAWAY", "GOAWAY that blames", "REFUSED", "CANCEL"])
def test_nothing_is_lost_or_doubled_when_a_proxy_ends_the_stream(framed, ending, code):
    topic = new_topic()
    near, behind = framed.peer(0), framed.peer(2)
    sender_near, sender_behind = framed.raw(0), framed.raw(2)
    for peer in (near, behind):
        peer.subscribe(topic)
    framed.settle(near, behind)
    stop = threading.Event()
    counts = [0, 0]

    def send(index, sender):
        while not stop.wait(0.001):
            sender.relay(topic, b"%d:%d" % (index, counts[index]))
            counts[index] += 1

    threads = [threading.Thread(target=send, args=pair, daemon=True) for pair in enumerate((sender_near, sender_behind))]
    for thread in threads:
        thread.start()
    payloads = {near: [], behind: []}
    for times in range(2, 7):
        for peer, got in payloads.items():
            got += peer.receive_payloads(topic, 20)
        framed.link.insert(ending)
        framed.edges[2].wait_for_log("core_link_up", count=times)
    stop.set()
    for thread in threads:
        thread.join(PATIENCE)
    for peer, got in payloads.items():
        got += peer.receive_payloads(topic, sum(counts) - len(got))
        for index, count in enumerate(counts):
            steps = [int(step) for name, step in (payload.split(b":") for payload in got) if int(name) == index]
            assert steps == list(range(count))
    assert framed.edges[2].grep(rf"{LOST}code={code} ")
    assert all("RESUMED" in match.string for match in framed.edges[2].grep("core_link_up")[1:])


@pytest.mark.parametrize("framed", [{"byte_by_byte": True}], indirect=True)
def test_frames_may_come_byte_by_byte(framed):
    topic = new_topic()
    sender, behind = framed.raw(0), framed.peer(2)
    behind.subscribe(topic)
    framed.settle(behind)
    for size in (0, 10, 5000):
        sender.relay(topic, bytes(size))
    assert behind.receive_payloads(topic, 3) == [bytes(0), bytes(10), bytes(5000)]
    assert not framed.edges[2].grep("core_link_lost")

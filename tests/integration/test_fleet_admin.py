"""cairn-admin over a fleet: any core answers for all, and one that does not is named."""
import signal
import time

import pytest
from support import admin_cli
from support.certificates import Certificate
from support.messages import new_topic
from support.nats import NatsCluster, Secure, make_nkey
from support.nats_jwt import Operator
from support.ops import Metrics, ask
from support.peer import Peer, PeerClosed, await_hearing
from support.process import run
from support.waiting import eventually

NAMES = ["core-a", "core-b", "core-c"]
EDGES = ["edge-a", "edge-b", "edge-c"]
INCOMPLETE = 6
# A core that hangs is one of the fleet for so long: for all that a test asks meanwhile, on a slow machine too.
LANE_TIMEOUT = "60s"


class Fleet:
    """Three cores, each with an edge in the same process, and one NATS server."""

    def __init__(self, start, directory):
        self.nats = NatsCluster(directory)
        self.cores = [start("--role", "all", "--listen-addr", "127.0.0.1:0", "--drain", "0s",
                            "--grpc-listen-addr", f"unix:{directory}/{name}", "--lane-timeout", LANE_TIMEOUT,
                            "--mesh", self.nats.url, "--fleet", "test", "--core-name", name,
                            "--edge-name", name.replace("core", "edge")) for name in NAMES]
        self.addresses = [core.grpc_address() for core in self.cores]
        eventually(self._is_whole, "three cores with a lane each")

    def _is_whole(self):
        """They know each other, so that each has begun the lane of its own edge."""
        known = all(sum(core.get("complete", False) for core in self.json("cores", "list", at=at)) == 2 for at in range(3))
        return known and self.json("status")[0]["lanes"] == 3

    def admin(self, *arguments, at=0):
        return admin_cli.run(*arguments, env={"CAIRN_ADMIN_CORE": self.addresses[at]})

    def json(self, *arguments, at=0):
        outcome = self.admin(*arguments, "-o", "json", at=at)
        assert outcome.code == 0, outcome
        return outcome.json_lines()

    def live(self, *arguments, at=0):
        return admin_cli.LiveCommand(*arguments, env={"CAIRN_ADMIN_CORE": self.addresses[at]})

    def peer(self, core):
        return Peer("ws://{}:{}/".format(*self.cores[core].address()))

    def id_of(self, topic):
        """Of the peer that subscribed to it alone."""
        return eventually(lambda: self.admin("topics", "show", topic, "-o", "json").json_lines(), topic)[0]["peers"][0]


@pytest.fixture
def fleet(start, tmp_path):
    one = Fleet(start, tmp_path)
    yield one
    for core in one.cores:
        core.send_signal(signal.SIGCONT)
        core.finish()
    one.nats.finish()


def test_any_core_answers_for_all(fleet):
    room, topics = new_topic(), [new_topic() for _ in NAMES]
    peers = [fleet.peer(core) for core in range(3)]
    for peer, topic in zip(peers, topics):
        peer.subscribe(topic, room)
    ids = [fleet.id_of(topic) for topic in topics]

    for at in range(3):
        # Totals, and a topic that is at all of them counts once.
        status = eventually(lambda at=at: [one for one in fleet.json("status", at=at) if one["subscriptions"] == 6], "6")[0]
        assert (status["peers"], status["topics"], status["cores"], status["edges"]) == (3, 4, 3, 3)
        # In pages by id, whoever has the peer.
        assert [one["id"] for one in fleet.json("peers", "list", at=at)] == sorted(ids)
        first = fleet.admin("peers", "list", "--limit", "2", "-o", "json", at=at)
        assert [one["id"] for one in first.json_lines()] == sorted(ids)[:2] and f"--after {sorted(ids)[1]}" in first.err
        rest = fleet.json("peers", "list", "--after", sorted(ids)[1], at=at)
        assert [one["id"] for one in rest] == sorted(ids)[2:]
        assert {one["id"]: one["core"] for one in fleet.json("peers", "list", at=at)} == dict(zip(ids, NAMES))
        assert [one["id"] for one in fleet.json("peers", "list", "--sort", "connected-since", at=at)] == ids[::-1]
        for peer_id, name in zip(ids, NAMES):
            assert fleet.json("peers", "show", peer_id, at=at)[0]["core"] == name
        # Topics as sums.
        shown = fleet.json("topics", "show", room, at=at)[0]
        assert shown["subscribers"] == 3 and shown["peers"] == sorted(ids)
        listed = fleet.json("topics", "list", "--sort", "subscribers", "--limit", "1", at=at)
        assert [(one["name"], one["subscribers"]) for one in listed] == [(room, 3)]
        names = [one["name"] for one in fleet.json("topics", "list", at=at)]
        assert names == sorted([room, *topics])
        assert [one["edge"] for one in fleet.json("edges", "list", at=at)] == EDGES
        # One of them alone.
        assert fleet.json("status", "--on", "core-b", at=at)[0]["peers"] == 1


def test_kick_and_log_level_reach_every_core(fleet):
    topic = new_topic()
    peers = [fleet.peer(core) for core in range(3)]
    for peer in peers:
        peer.subscribe(topic)
    eventually(lambda: fleet.json("topics", "show", topic)[0]["subscribers"] == 3, "three subscribers")
    ids = fleet.json("topics", "show", topic)[0]["peers"]
    assert fleet.json("peers", "kick", ids[2], at=1)[0]["disconnected"] == 1
    assert fleet.json("peers", "kick", "--topic", topic, "--yes", at=2)[0]["disconnected"] == 2
    for peer in peers:
        with pytest.raises(PeerClosed, match="operator"):
            peer.receive()
    assert fleet.admin("peers", "kick", ids[2]).code == 1
    assert fleet.admin("log-level", "cairn_signal::core=debug", at=1).code == 0
    for at in range(3):
        assert fleet.json("log-level", "info", "--on", NAMES[at])[0]["previous"] == "cairn_signal::core=debug"


def await_all_edges(live, cause):
    """Until it has shown records of all three edges, which `cause` brings about."""
    for edge in EDGES:
        live.await_record(lambda one, edge=edge: one["edge"] == edge, cause)


def test_watch_and_trace_are_of_all_cores(fleet):
    topic, other = new_topic(), new_topic()
    peers = [fleet.peer(core) for core in range(3)]

    def toggle():
        for peer in peers:
            peer.subscribe(other)
            peer.unsubscribe(other)

    watch = fleet.live("watch", at=1)
    await_all_edges(watch, toggle)
    peers = [fleet.peer(core) for core in range(3)]
    for peer in peers:
        peer.subscribe(topic)
    for edge in EDGES:
        watch.await_record(lambda one, edge=edge: one["edge"] == edge and one.get("topic") == topic)
    ids = fleet.json("topics", "show", topic)[0]["peers"]
    events = [(one["kind"], one["edge"]) for one in watch.interrupt() if one["id"] in ids]
    assert sorted(events) == [(kind, edge) for kind in ("KIND_CONNECTED", "KIND_SUBSCRIBED") for edge in EDGES]
    limited = fleet.live("watch", "--topic", other, "--limit", "3")
    eventually(lambda: toggle() or limited.has_ended(), "the end")
    assert len(limited.interrupt()) == 3
    trace = fleet.live("trace", "--topic", topic, at=2)
    await_all_edges(trace, lambda: [peer.relay(topic, b"x") for peer in peers])
    # Of the three subscribers one is the sender, and two are at the other cores.
    assert all((one["topic"], one["subscribers"], one["lanes"]) == (topic, 2, 2) for one in trace.interrupt())


def test_a_core_that_hangs_is_named_and_costs_nothing_else(fleet):
    topics = [new_topic() for _ in NAMES]
    peers = [fleet.peer(core) for core in range(3)]
    for peer, topic in zip(peers, topics):
        peer.subscribe(topic)
    ids = [fleet.id_of(topic) for topic in topics]
    fleet.cores[1].send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    listed = fleet.admin("peers", "list", "-o", "json")
    assert time.monotonic() - begun < 2
    assert listed.code == INCOMPLETE and "core-b" in listed.err, listed
    assert [one["id"] for one in listed.json_lines()] == sorted([ids[0], ids[2]])
    status = fleet.admin("status", "-o", "json")
    assert status.code == INCOMPLETE and status.json_lines()[0]["missing_cores"] == ["core-b"], status
    assert status.json_lines()[0]["peers"] == 2
    cores = fleet.admin("cores", "list")
    assert cores.code == INCOMPLETE and "no answer" in cores.out, cores
    # Nobody can say that it is unknown.
    assert fleet.admin("peers", "show", ids[1]).code == INCOMPLETE
    assert fleet.admin("peers", "show", ids[2]).code == INCOMPLETE
    check = fleet.admin("check")
    assert check.code == 2 and "core core-b does not answer CRITICAL" in check.out, check
    # Asked for alone, it is what cannot be reached.
    assert fleet.admin("status", "--on", "core-b").code == 3


def test_a_core_that_was_killed_is_named_at_once(fleet):
    fleet.cores[2].kill()
    begun = time.monotonic()
    status = fleet.admin("status")
    assert time.monotonic() - begun < 0.5
    assert status.code == INCOMPLETE and "core-c" in status.err, status
    fleet.cores.pop()


def test_a_viewer_may_look_at_all_cores_and_change_none(start, tmp_path):
    (tmp_path / "viewer").write_text("v" * 20)
    nats = NatsCluster(tmp_path)
    cores = [start("--role", "all", "--listen-addr", "127.0.0.1:0", "--drain", "0s", "--grpc-listen-addr", "127.0.0.1:0",
                   "--grpc-viewer-token-file", str(tmp_path / "viewer"), "--mesh", nats.url, "--fleet", "test",
                   "--core-name", name) for name in NAMES[:2]]
    env = {"CAIRN_ADMIN_CORE": cores[0].grpc_address(), "CAIRN_ADMIN_TOKEN_FILE": str(tmp_path / "viewer")}
    eventually(lambda: len(admin_cli.run("cores", "list", "-o", "json", env=env).json_lines()) == 2, "two cores")
    assert admin_cli.run("status", "--on", "core-b", env=env).code == 0
    assert admin_cli.run("log-level", "debug", "--on", "core-b", env=env).code == 4
    for core in cores:
        core.finish()
    nats.finish()


def test_a_core_is_drained_and_nobody_is_closed(start, tmp_path):
    with NatsCluster(tmp_path) as nats:
        addresses = [f"unix:{tmp_path}/{name}" for name in NAMES[:2]]
        cores = [start("--role", "core", "--grpc-listen-addr", address, "--mesh", nats.url, "--fleet", "test", "--core-name",
                       name, "--ops-listen-addr", "127.0.0.1:0") for name, address in zip(NAMES, addresses)]
        env = {"CAIRN_ADMIN_CORE": addresses[1]}
        eventually(lambda: "core-a" in admin_cli.run("cores", "list", env=env).out, "the other core")
        # A core that is still joining sends an edge on to the next.
        eventually(lambda: all(ask(core, "/readyz").status == 200 for core in cores), "cores that have joined")
        edge = start("--role", "edge", "--core", ",".join(addresses), "--edge-name", "edge", "--listen-addr", "127.0.0.1:0")
        edge.wait_for_log("core_link_up")
        listener, sender = (Peer(f"ws://127.0.0.1:{edge.address()[1]}/") for _ in range(2))
        topic = new_topic()
        listener.subscribe(topic)
        await_hearing(listener, sender, topic)

        def peers_at(name):
            return admin_cli.run("status", "--on", name, "-o", "json", env=env).json_lines()[0]["peers"]

        assert (peers_at("core-a"), peers_at("core-b")) == (2, 0)
        # From the other one.
        assert admin_cli.run("cores", "drain", "core-x", "--yes", env=env).code == 1
        drained = admin_cli.run("cores", "drain", "core-a", "--yes", "-o", "json", env=env)
        assert drained.code == 0 and drained.json_lines()[0]["peers"] == 2, drained
        eventually(lambda: (peers_at("core-a"), peers_at("core-b")) == (0, 2), "the peers at the other core")
        assert ask(cores[0], "/readyz")[::2] == (503, "draining\n")
        assert "draining" in admin_cli.run("cores", "list", env=env).out
        sender.relay(topic, b"after")
        assert listener.receive_payloads(topic, 1) == [b"after"]
        # The last one that takes edges is not drained.
        last = admin_cli.run("cores", "drain", "core-b", "--yes", env=env)
        assert last.code == 2 and "no other core" in last.err, last
        # It hangs: the edge must go somewhere, and comes back once the other has been well for a while.
        cores[1].send_signal(signal.SIGSTOP)
        cores[0].wait_for_log("drain_suspended")
        edge.wait_for_log("core_link_up", count=3)
        sender.relay(topic, b"meanwhile")
        assert listener.receive_payloads(topic, 1) == [b"meanwhile"]
        cores[1].send_signal(signal.SIGCONT)
        eventually(lambda: (peers_at("core-a"), peers_at("core-b")) == (0, 2), "the peers at the other core again")
        assert admin_cli.run("cores", "drain", "core-a", "--undo", env=env).code == 0
        assert ask(cores[0], "/readyz").status == 200
        # There is no other core for it then.
        cores[0].signal(signal.SIGTERM)
        cores[0].wait()
        eventually(lambda: admin_cli.run("cores", "list", env=env).code == 0, "the fleet of one", within=30)
        alone = admin_cli.run("cores", "drain", "core-b", "--yes", env=env)
        assert alone.code == 2 and "no other core" in alone.err, alone
        for one in [edge, *cores]:
            one.finish()


def test_a_core_without_nats_is_ready_and_says_so(start, tmp_path):
    with NatsCluster(tmp_path) as nats:
        core = start("--role", "core", "--grpc-listen-addr", f"unix:{tmp_path}/core", "--mesh", nats.url, "--fleet", "test",
                     "--ops-listen-addr", "127.0.0.1:0")
        eventually(lambda: ask(core, "/readyz")[::2] == (200, "ready\n"), "a core that has joined")
        nats.servers[0].kill()
        eventually(lambda: "without NATS" in ask(core, "/readyz").text, "a core that has lost NATS")
        assert ask(core, "/readyz").status == 200
        metrics = Metrics(ask(core, "/metrics").text)
        assert metrics.get("cairn_signal_mesh_up") == 0 and metrics.get("cairn_signal_mesh_connects_total") == 1
        nats.servers[0].start()
        eventually(lambda: ask(core, "/readyz")[::2] == (200, "ready\n"), "a core that has NATS again")
        core.finish()


def test_a_core_that_starts_without_nats_has_not_joined(start, tmp_path):
    with NatsCluster(tmp_path) as nats:
        nats.servers[0].kill()
        core = start("--role", "core", "--grpc-listen-addr", f"unix:{tmp_path}/core", "--mesh", nats.url, "--fleet", "test",
                     "--ops-listen-addr", "127.0.0.1:0")
        core.wait_for_log("mesh_down")
        # Longer than a core waits for others of its fleet.
        time.sleep(2.2)
        assert ask(core, "/readyz")[::2] == (503, "joining the fleet\n")
        nats.servers[0].start()
        eventually(lambda: ask(core, "/readyz")[::2] == (200, "ready\n"), "a core that has joined")
        core.finish()


def test_a_core_proves_itself_to_nats_by_certificate_and_key(start, tmp_path):
    certificate = Certificate(tmp_path, "nats")
    key = make_nkey(tmp_path / "core.nk")
    tls = ["--mesh-tls-ca", str(certificate.cert), "--mesh-tls-cert", str(certificate.cert),
           "--mesh-tls-key", str(certificate.key)]
    with NatsCluster(tmp_path, 1, Secure(tmp_path, certificate, key)) as nats:
        flags = ["--role", "core", "--mesh", nats.url, "--fleet", "fleet", *tls]
        allowed = start(*flags, "--grpc-listen-addr", f"unix:{tmp_path}/a", "--mesh-nkey-file", str(tmp_path / "core.nk"))
        allowed.wait_for_log("mesh_up")
        make_nkey(tmp_path / "other.nk")
        other = start(*flags, "--grpc-listen-addr", f"unix:{tmp_path}/b", "--mesh-nkey-file", str(tmp_path / "other.nk"))
        assert "uthorization" in other.wait_for_log('mesh_down reason="(.*?)"')[1]
        for one in allowed, other:
            one.finish()


def test_a_core_whose_key_is_taken_away_loses_nats_at_once_and_says_why(start, tmp_path):
    certificate = Certificate(tmp_path, "nats")
    secure = Secure(tmp_path, certificate, make_nkey(tmp_path / "core.nk"))
    with NatsCluster(tmp_path, 1, secure) as nats:
        core = start("--role", "core", "--mesh", nats.url, "--fleet", "fleet", "--grpc-listen-addr", f"unix:{tmp_path}/a",
                     "--mesh-tls-ca", str(certificate.cert), "--mesh-tls-cert", str(certificate.cert),
                     "--mesh-tls-key", str(certificate.key), "--mesh-nkey-file", str(tmp_path / "core.nk"))
        core.wait_for_log("mesh_up")
        secure.allow(make_nkey(tmp_path / "other.nk"))
        nats.servers[0].reload()
        core.wait_for_log("mesh_down .*the server closed the connection")
        core.wait_for_log("mesh_down .*the server says: Authorization Violation")
        core.finish()


def test_a_core_that_presents_no_certificate_is_refused_by_nats(start, tmp_path):
    certificate = Certificate(tmp_path, "nats")
    key = make_nkey(tmp_path / "core.nk")
    with NatsCluster(tmp_path, 1, Secure(tmp_path, certificate, key)) as nats:
        core = start("--role", "core", "--mesh", nats.url, "--fleet", "fleet", "--grpc-listen-addr", f"unix:{tmp_path}/a",
                     "--mesh-tls-ca", str(certificate.cert), "--mesh-nkey-file", str(tmp_path / "core.nk"))
        assert "TLS: " in core.wait_for_log('mesh_down reason="(.*?)"')[1]
        core.finish()


def test_a_core_proves_itself_to_nats_by_a_credentials_file(start, tmp_path):
    operator = Operator(tmp_path)
    account = operator.make_account()
    account.write_credentials(tmp_path / "core.creds")
    Operator(tmp_path).make_account().write_credentials(tmp_path / "other.creds")
    with NatsCluster(tmp_path, more=operator.configuration(account)) as nats:
        flags = ["--role", "core", "--mesh", nats.url, "--fleet", "fleet"]
        allowed = start(*flags, "--grpc-listen-addr", f"unix:{tmp_path}/a", "--mesh-creds-file", str(tmp_path / "core.creds"))
        allowed.wait_for_log("mesh_up")
        other = start(*flags, "--grpc-listen-addr", f"unix:{tmp_path}/b", "--mesh-creds-file", str(tmp_path / "other.creds"))
        assert "uthorization" in other.wait_for_log('mesh_down reason="(.*?)"')[1]
        for one in allowed, other:
            one.finish()


def test_a_key_and_a_credentials_file_exclude_each_other():
    both = run("--mesh", "nats://127.0.0.1", "--fleet", "f", "--mesh-nkey-file", "x", "--mesh-creds-file", "y")
    assert both.returncode == 2 and "not both" in both.stderr, both


@pytest.mark.parametrize("flag", ["--mesh-nkey-file", "--mesh-creds-file", "--mesh-tls-ca", "--mesh-tls-cert"])
@pytest.mark.parametrize("text, why", [(None, "No such file"), ("a secret of another kind\n", "not ")], ids=["absent", "no-key"])
@pytest.mark.parametrize("role", ["core", "all"])
def test_a_file_for_nats_that_cannot_be_used_ends_the_start(tmp_path, role, flag, text, why):
    path = tmp_path / "file"
    if text:
        path.write_text(text)
    done = run("--role", role, "--grpc-listen-addr", "127.0.0.1:0", "--mesh", "nats://127.0.0.1:1", "--fleet", "f", flag, str(path),
               *(["--listen-addr", "127.0.0.1:0"] if role == "all" else []),
               *(["--mesh-tls-key", str(path)] if flag == "--mesh-tls-cert" else []))
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 1 and flag in lines[0] and str(path) in lines[0] and why in lines[0], done
    assert "secret" not in done.stderr


def test_sighup_tells_of_a_file_for_nats_that_the_next_connection_cannot_use(start, tmp_path):
    certificate = Certificate(tmp_path, "nats")
    with NatsCluster(tmp_path) as nats:
        core = start("--role", "core", "--mesh", nats.url, "--fleet", "fleet", "--grpc-listen-addr", f"unix:{tmp_path}/a",
                     "--mesh-tls-ca", str(certificate.cert), "--ops-listen-addr", "127.0.0.1:0")
        core.wait_for_log("mesh_up")
        core.signal(signal.SIGHUP)
        core.wait_for_log("INFO .* reloaded what=mesh")
        certificate.cert.write_text("no certificate")
        core.signal(signal.SIGHUP)
        failure = core.wait_for_log("ERROR .* reload_failed what=mesh .*")[0]
        assert str(certificate.cert) in failure and "connection to NATS stays" in failure
        metrics = Metrics(ask(core, "/metrics").text)
        assert (metrics.get("cairn_signal_mesh_up"), metrics.get("cairn_signal_reload_failures_total")) == (1, 1)
        core.finish()


def test_a_core_that_was_given_up_is_shown_until_one_of_its_name_is_back(start, tmp_path):
    with NatsCluster(tmp_path) as nats:
        addresses = [f"unix:{tmp_path}/{name}" for name in NAMES[:2]]

        def start_core(index):
            return start("--role", "core", "--grpc-listen-addr", addresses[index], "--mesh", nats.url, "--fleet", "test",
                         "--core-name", NAMES[index], "--lane-timeout", "1s")

        def others():
            listed = admin_cli.run("cores", "list", "-o", "json", env={"CAIRN_ADMIN_CORE": addresses[0]}).json_lines()
            return [(one["name"], one.get("given_up", "")) for one in listed if not one.get("is_self")]

        cores = [start_core(0), start_core(1)]
        eventually(lambda: others() == [("core-b", "")], "the other core")
        cores[1].kill()
        eventually(lambda: others() == [("core-b", "core_timeout")], "a core that was given up")
        listed = admin_cli.run("cores", "list", env={"CAIRN_ADMIN_CORE": addresses[0]})
        assert listed.code == 0 and "given up" in listed.out, listed
        assert admin_cli.run("status", env={"CAIRN_ADMIN_CORE": addresses[0]}).code == 0
        cores[1] = start_core(1)
        eventually(lambda: others() == [("core-b", "")], "the core that was started again")
        for one in cores:
            one.finish()

"""cairn-admin with a core: what operators see and change."""
import re
import socket

import pytest
from support import admin_cli
from support.admin_cluster import Cluster, cluster, in_terminal  # noqa: F401
from support.authority import Authority
from support.messages import new_topic
from support.peer import PeerClosed
from support.waiting import eventually


def ids(peers):
    return [peer["id"] for peer in peers]


# ---- looking


def test_status_counts_connections(cluster):
    cluster.connect("east", new_topic())
    cluster.connect("west", new_topic(), new_topic())
    [status] = cluster.json("status")
    assert (status["peers"], status["topics"], status["subscriptions"], status["edges"]) == (2, 3, 3, 2)
    assert "2 on 2 edges" in cluster.admin("status").out


def test_peers_are_filtered_by_edge_topic_address_dialect_and_age(cluster):
    topic = new_topic()
    _, east = cluster.connect("east", topic)
    _, west = cluster.connect("west", new_topic())
    both = {east, west}
    for arguments, expected in [(["--edge", "west"], [west]), (["--topic", topic], [east]),
                                (["--address", "127.0.0.1:"], both), (["--address", "192.0.2."], []),
                                (["--dialect", "cbor"], both), (["--since", "1h"], both), (["--before", "1h"], [])]:
        # A peer's dialect is among the figures that an edge reports from time to time.
        eventually(lambda a=arguments, e=expected: set(ids(cluster.json("peers", "list", *a))) == set(e), arguments)
    assert cluster.json("peers", "list", "--topic", topic, "--topics")[0]["topics"] == [topic]


def test_peers_are_sorted_and_cut_and_the_rest_follows(cluster):
    connected = [cluster.connect("east", *(new_topic() for _ in range(count)))[1] for count in (1, 2, 3)]
    listed = ids(cluster.json("peers", "list"))
    assert listed == sorted(connected)
    assert ids(cluster.json("peers", "list", "--reverse")) == listed[::-1]
    assert ids(cluster.json("peers", "list", "--sort", "connected-since")) == connected[::-1]
    assert ids(cluster.json("peers", "list", "--sort", "connected-since", "--reverse", "--limit", "1")) == connected[:1]
    first = cluster.admin("peers", "list", "--limit", "2", "-o", "json")
    after = re.search(r"go on with --after (\S+)", first.err)[1]
    assert ids(first.json_lines()) + ids(cluster.json("peers", "list", "--after", after)) == listed


def test_a_peer_is_shown_while_connected_and_after(cluster):
    topic = new_topic()
    peer, peer_id = cluster.connect("east", topic)
    shown = cluster.admin("peers", "show", peer_id)
    assert shown.code == 0 and re.search(rf"^topics +{topic}$", shown.out, re.M), shown
    peer.close()
    eventually(lambda: "closed" in cluster.admin("peers", "show", peer_id).out, "the core knows of the end")
    assert re.search(r"^because +client_closed \(1000\)$", cluster.admin("peers", "show", peer_id).out, re.M)
    [closed] = cluster.json("peers", "list", "--closed")
    assert (closed["id"], closed["close_code"], closed["close_reason"]) == (peer_id, 1000, "client_closed")
    assert "client_closed" in cluster.admin("peers", "list", "--closed").out


def test_topics_and_edges_are_listed_and_shown(cluster):
    topic = new_topic("hall")
    _, east = cluster.connect("east", topic)
    _, west = cluster.connect("west", topic, new_topic("room"))
    [listed] = cluster.json("topics", "list", "--prefix", "hall")
    assert (listed["name"], listed["subscribers"], listed["lanes"]) == (topic, 2, 2)
    assert [one["subscribers"] for one in cluster.json("topics", "list", "--sort", "subscribers")] == [2, 1]
    [shown] = cluster.json("topics", "show", topic)
    assert set(shown["peers"]) == {east, west}
    assert {edge["edge"]: edge["peers"] for edge in cluster.json("edges", "list")} == {"east": 1, "west": 1}
    assert cluster.json("edges", "show", "west")[0]["edge"] == "west"


@pytest.mark.parametrize("arguments", [["peers", "show", "00000000000000ff"], ["peers", "show", "nonsense"],
                                       ["topics", "show", "nobody"], ["edges", "show", "north"],
                                       ["edges", "drain", "north", "--yes"], ["peers", "kick", "00000000000000ff"],
                                       ["peers", "kick", "--topic", "nobody", "--yes"]])
def test_an_unknown_target_is_exit_code_1_and_one_line(cluster, arguments):
    outcome = cluster.admin(*arguments)
    assert outcome.code == 1 and outcome.out == "", outcome
    assert re.fullmatch(r"cairn-admin: .*\n", outcome.err), outcome


def test_tables_name_no_more_than_fits_a_terminal(cluster, in_terminal):
    cluster.connect("east", "x" * 200)
    for arguments in (["peers", "list", "--topics"], ["topics", "list"], ["edges", "list"], ["status"]):
        terminal = in_terminal(cluster.terminal(*arguments, "--no-color"))
        assert terminal.wait() == 0
        assert all(len(line) <= admin_cli.COLUMNS for line in terminal.output.splitlines()), terminal.output
    wide = in_terminal(cluster.terminal("topics", "list", "--wide"))
    assert wide.wait() == 0 and "x" * 200 in wide.output


def test_colours_are_for_terminals_that_want_them(cluster, in_terminal):
    coloured = in_terminal(cluster.terminal("edges", "list"))
    assert coloured.wait() == 0 and "\x1b[32mserving" in coloured.output
    for extra, env in ((["--no-color"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"})):
        plain = in_terminal(cluster.terminal("edges", "list", *extra, env=env))
        assert plain.wait() == 0 and "serving" in plain.output and "\x1b" not in plain.output
    assert "\x1b" not in cluster.admin("edges", "list").out


def test_control_characters_of_a_topic_do_not_reach_the_terminal(cluster):
    cluster.connect("east", "evil\x1b[2J\n")
    outcome = cluster.admin("topics", "list")
    assert "evil\\x1b[2J\\x0a" in outcome.out and "\x1b" not in outcome.out
    assert cluster.json("topics", "list")[0]["name"] == "evil\x1b[2J\n"


# ---- steering


def test_a_peer_is_kicked_with_a_code_and_a_reason(cluster):
    kicked, kicked_id = cluster.connect("east", new_topic())
    stays, _ = cluster.connect("east", new_topic())
    outcome = cluster.admin("peers", "kick", kicked_id, "--code", "3001", "--reason", "moved")
    assert outcome.code == 0 and outcome.out == "disconnected 1\n", outcome
    _, closed = kicked.receive_rest()
    assert (closed.code, closed.reason) == (3001, "moved")
    assert stays.is_open()


@pytest.mark.parametrize("by", ["topic", "address", "edge"])
def test_many_are_kicked_at_once_after_a_look(cluster, by):
    topic = new_topic()
    peers = [cluster.connect("east", topic)[0] for _ in range(2)]
    target = {"topic": topic, "address": "127.0.0.1", "edge": "east"}[by]
    dry = cluster.admin("peers", "kick", f"--{by}", target, "--dry-run")
    assert dry.code == 0 and len(dry.out.splitlines()) == 3, dry
    unasked = cluster.admin("peers", "kick", f"--{by}", target)
    assert unasked.code == 2 and "Disconnect 2 peers" in unasked.err and "--yes" in unasked.err, unasked
    assert cluster.json("peers", "kick", f"--{by}", target, "--yes") == [{"disconnected": 2}]
    for peer in peers:
        _, closed = peer.receive_rest()
        assert (closed.code, closed.reason) == (1008, "operator")


def test_kicking_many_asks_on_a_terminal(cluster, in_terminal):
    peer, _ = cluster.connect("east", new_topic())
    for answer, code in (("n", 1), ("y", 0)):
        assert peer.is_open()
        kick = in_terminal(cluster.terminal("peers", "kick", "--edge", "east"))
        kick.wait_for(r"Disconnect 1 peers of edge 'east'\? \[y/N\]")
        kick.type(f"{answer}\n")
        assert kick.wait() == code, kick.output
    with pytest.raises(PeerClosed):
        peer.receive()


def test_a_core_without_a_name_has_that_of_its_host(cluster):
    core, = cluster.json("cores", "list")
    assert core["name"] == socket.gethostname()


def test_an_edge_is_drained(cluster):
    peer, _ = cluster.connect("east", new_topic())
    stays, _ = cluster.connect("west", new_topic())
    asked = cluster.admin("edges", "drain", "east")
    assert asked.code == 2 and "end its process (with --role all, the core too)?" in asked.err, asked
    outcome = cluster.admin("edges", "drain", "east", "--yes")
    assert outcome.code == 0 and outcome.out == "edge 'east' is draining 1 peers\n", outcome
    _, closed = peer.receive_rest()
    assert closed.code == 1001
    assert stays.is_open()


def test_log_levels_are_changed_while_it_runs(cluster):
    assert cluster.json("log-level", "warn") == [{"previous": "info"}]
    assert cluster.json("log-level", "info,cairn_signal::core=debug") == [{"previous": "warn"}]
    outcome = cluster.admin("log-level", "loud=very")
    assert outcome.code == 2 and "loud=very" in outcome.err, outcome
    for misspelt in ("inof", "core=debug", "info,cairn_signal::edges=debug"):
        outcome = cluster.admin("log-level", misspelt)
        assert outcome.code == 2 and f"'{misspelt.split(',')[-1]}' names no level and no module" in outcome.err, outcome
    assert cluster.json("log-level", "info") == [{"previous": "info,cairn_signal::core=debug"}]


# ---- monitoring


def test_check_is_a_monitoring_plugin(cluster):
    cluster.connect("east", new_topic())
    outcome = cluster.admin("check")
    line = r"CAIRN OK - 1 peer, 2 edges, .* \| peers=1 edges=2 memory=\d+B .*\n"
    assert outcome.code == 0 and re.fullmatch(line, outcome.out), outcome
    for arguments, code, word in [(["--peers-warning", "2:"], 1, "1 peer WARNING"),
                                  (["--edges-critical", "3:"], 2, "2 edges CRITICAL"),
                                  (["--memory-critical", "1K"], 2, "CRITICAL"), (["--peers-critical", "10"], 0, "OK")]:
        outcome = cluster.admin("check", *arguments)
        assert outcome.code == code and word in outcome.out and outcome.err == "", outcome


def test_check_warns_of_a_certificate_that_ends(start, tmp_path):
    certificate = Authority(tmp_path).issue("edge")
    cluster = Cluster(start, tmp_path, edge_flags=certificate.flags())
    eventually(lambda: "certificate ends in 89d" in cluster.admin("check").out, "the core knows the certificate")
    outcome = cluster.admin("check", "--certificate-warning", "100d")
    assert outcome.code == 1 and "WARNING" in outcome.out, outcome


# ---- credentials


def test_tokens_decide_who_may_do_what(start, tmp_path):
    tokens = {kind: tmp_path / f"{kind}.token" for kind in ("edge", "operator", "viewer")}
    for kind, path in tokens.items():
        path.write_text(f"{kind}-token\n")
    flags = {kind: [f"--grpc-{kind}-token-file", str(path)] for kind, path in tokens.items()}
    cluster = Cluster(start, tmp_path, core_flags=sum(flags.values(), []), edge_flags=flags["edge"])

    def code(*arguments, token=None):
        outcome = cluster.admin(*arguments, *(["--token-file", token] if token else []))
        assert (outcome.code == 0) == (outcome.err == ""), outcome
        return outcome.code

    look, steer = ["status"], ["log-level", "info"]
    assert (code(*look), code(*steer)) == (4, 4)
    assert (code(*look, token=tokens["edge"]), code(*steer, token=tokens["edge"])) == (4, 4)
    assert (code(*look, token=tokens["viewer"]), code(*steer, token=tokens["viewer"])) == (0, 4)
    assert (code(*look, token=tokens["operator"]), code(*steer, token=tokens["operator"])) == (0, 0)
    assert cluster.admin("status", env={"CAIRN_ADMIN_TOKEN": "viewer-token"}).code == 0
    refused = cluster.admin("check")
    assert refused.code == 3 and refused.out.startswith("CAIRN UNKNOWN"), refused


def test_mutual_tls_replaces_a_token(start, tmp_path):
    authority = Authority(tmp_path)
    core, edge, operator = (authority.issue(name) for name in ("core", "edge", "operator"))

    def grpc_flags(certificate):
        return ["--grpc-tls-cert", str(certificate.cert), "--grpc-tls-key", str(certificate.key),
                "--grpc-tls-ca", str(authority.cert)]

    process = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", *grpc_flags(core))
    address = ["--core", process.grpc_address()]
    ours = ["--tls-ca", authority.cert, "--tls-cert", operator.cert, "--tls-key", operator.key]
    assert admin_cli.run("log-level", "info", *address, *ours).code == 0
    as_edge = ["--tls-ca", authority.cert, "--tls-cert", edge.cert, "--tls-key", edge.key]
    assert admin_cli.run("status", *address, *as_edge).code == 4
    assert admin_cli.run("status", *address).code == 3
    other = tmp_path / "other"
    other.mkdir()
    untrusted = admin_cli.run("status", *address, "--tls-ca", Authority(other).cert, *ours[2:])
    assert untrusted.code == 3 and "--tls-ca" in untrusted.err, untrusted


def test_the_configuration_file_says_where_the_core_is(cluster, tmp_path):
    config = tmp_path / "config"
    (config / "cairn").mkdir(parents=True)
    (config / "cairn" / "admin.toml").write_text(f'core = "{cluster.core_address}"\noutput = "json"\n')
    outcome = admin_cli.run("status", env={"XDG_CONFIG_HOME": str(config)})
    assert outcome.code == 0 and outcome.json_lines()[0]["edges"] == 2, outcome

"""The log on stdout: its form, and which lines RUST_LOG and CAIRN_SIGNAL_LOG ask for."""
import contextlib
import json
import re
import socket

import pytest
from support import admin_cli
from support.process import ServerProcess, run, with_defaults
from support.raw_client import PING, RawClient, RawConnection, close_all, frame, upgrade_request

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (TRACE|DEBUG| INFO| WARN|ERROR) (cairn_signal[a-z_:]*): \S.*")


def log_of_a_life(env):
    """(level, module) of each line that a server logs from start to end, with one client that comes and goes."""
    # It is given its socket, since its log need not say where it listens; who connects waits until it serves.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = ServerProcess(*with_defaults([]), env=env, sockets=[listening])
        client = RawClient(listening.getsockname())
    client.send(frame(PING))
    client.read_frame()
    client.close()
    server.finish()
    assert not server.stderr
    matches = [LINE.fullmatch(line) for line in server.log]
    assert all(matches), server.log
    return {(match[1].strip(), match[2]) for match in matches}


def test_by_default_the_log_has_info_and_no_client_in_it():
    said = log_of_a_life({})
    assert {level for level, _ in said} == {"INFO"}
    assert {module for _, module in said} >= {"cairn_signal", "cairn_signal::edge", "cairn_signal::core"}


@pytest.mark.parametrize("env, levels", [
    ({"RUST_LOG": "off"}, set()),
    ({"RUST_LOG": "error"}, set()),
    ({"RUST_LOG": "warn"}, set()),
    ({"RUST_LOG": "debug"}, {"DEBUG", "INFO"}),
    ({"RUST_LOG": "cairn_signal=debug"}, {"DEBUG", "INFO"}),
    ({"RUST_LOG": "CAIRN_SIGNAL=DEBUG,info"}, {"INFO"}),
    ({"RUST_LOG": "hyper=trace,cairn_signal=debug"}, {"DEBUG", "INFO"}),
    ({"RUST_LOG": "trace", "CAIRN_SIGNAL_LOG": "info"}, {"INFO"}),
    ({"RUST_LOG": "off", "CAIRN_SIGNAL_LOG": "debug"}, {"DEBUG", "INFO"}),
], ids=lambda value: str(value) if isinstance(value, dict) else "")
def test_levels_are_filtered(env, levels):
    assert {level for level, _ in log_of_a_life(env)} == levels


def test_modules_are_filtered_apart():
    said = log_of_a_life({"RUST_LOG": "off,cairn_signal::edge=debug"})
    assert {module for _, module in said} == {"cairn_signal::edge"}
    assert {level for level, _ in said} == {"DEBUG", "INFO"}
    said = log_of_a_life({"RUST_LOG": "debug,cairn_signal::edge=off"})
    assert "cairn_signal::edge" not in {module for _, module in said}


def test_an_invalid_log_directive_is_reported_and_the_others_apply():
    said = log_of_a_life({"RUST_LOG": "cairn_signal=loud,debug"})
    assert {level for level, _ in said} == {"WARN", "INFO", "DEBUG"}


def test_a_misspelt_level_is_reported():
    assert ("WARN", "cairn_signal") in log_of_a_life({"RUST_LOG": "inof,info"})


# ---- the content of a line

JSON = {"CAIRN_SIGNAL_LOG_FORMAT": "json"}
TOPIC, PAYLOAD, TOKEN = "topic-not-to-be-logged", b"payload-not-to-be-logged", "token-not-to-be-logged"
ALLOWED = [("Authorization", f"Bearer {TOKEN}")]


def lines_of(process):
    """The JSON lines of a process that has ended."""
    process.finish()
    assert not process.stderr
    found = [json.loads(line) for line in process.log]
    for line in found:
        assert list(line)[:4] == ["ts", "level", "module", "event"], line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["ts"])
        assert line["level"] in ("trace", "debug", "info", "warn", "error")
        assert re.fullmatch(r"cairn_signal(::(edge|core|grpc))?", line["module"])
        assert re.fullmatch(r"[a-z_]+", line["event"])
    return found


def meet(shape):
    """Two clients of which one relays to the other."""
    subscriber, sender = (shape.raw(edge, request=upgrade_request(headers=ALLOWED)) for edge in (0, 1))
    subscriber.subscribe(TOPIC)
    while True:
        sender.relay(TOPIC, PAYLOAD)
        with contextlib.suppress(TimeoutError):
            subscriber.socket.settimeout(0.2)
            subscriber.read_message()
            break
    return [client.socket.getsockname() for client in (subscriber, sender)]


def free_of(texts, process):
    return not [line for line in process.log for text in texts if text in line]


@pytest.mark.parametrize("level", ["info", "trace"])
def test_each_line_is_a_json_object_if_asked_for(make_shape, level):
    shape = make_shape("--auth-token", TOKEN, env={**JSON, "CAIRN_SIGNAL_LOG": level, "GRPC_VERBOSITY": "debug"})
    meet(shape)
    close_all()
    processes = shape.processes()
    for process in processes:
        events = {line["event"]: line for line in lines_of(process)}
        assert {"listening", "draining", "stopped"} <= set(events)
        assert free_of([TOPIC, PAYLOAD.decode(), TOKEN], process)
    totals = {line["event"]: line for line in map(json.loads, processes[0].log)}["edge_totals"]
    assert totals["upgraded"] >= 1 and totals["module"] == "cairn_signal::edge"


def test_an_odd_name_cannot_break_a_line(start):
    name = 'quote " backslash \\ newline \n tab \t 🦀'
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", env=JSON)
    address = core.grpc_address()
    edge = start("--role", "edge", "--core", address, "--edge-name", name, "--threads", "1", env=JSON)
    edge.wait_for_log('"core_link_up"')
    edge.finish()
    opened = [line for line in lines_of(core) if line["event"] == "lane_opened"]
    assert [line["edge"] for line in opened] == [name]


def test_addresses_of_clients_are_logged_only_if_asked_for(make_shape):
    for flags, expected in (((), False), (("--log-peers",), True)):
        shape = make_shape("--auth-token", TOKEN, *flags, env=JSON)
        clients = [f"{host}:{port}" for host, port in meet(shape)]
        refused = shape.connection(0)
        refused.send(upgrade_request())
        assert refused.read_answer().status == 401
        clients.append("{}:{}".format(*refused.socket.getsockname()))
        close_all()
        said = [line for edge in shape.edges for line in lines_of(edge)]
        remotes = {event: {line["remote"] for line in said if line["event"] == event}
                   for event in ("peer_opened", "peer_closed", "peer_refused")}
        if expected:
            assert remotes == {"peer_opened": set(clients[:2]), "peer_closed": set(clients[:2]),
                               "peer_refused": {clients[2]}}
            assert {line["reason"] for line in said if line["event"] == "peer_refused"} == {"unauthorized"}
        else:
            assert not any(remotes.values())
            assert all(free_of(clients, edge) for edge in shape.edges)


def test_json_clients_are_named_and_counted_as_such(make_shape):
    shape = make_shape("--log-peers", env=JSON)
    native, v2 = shape.peer(0), shape.peer(0, subprotocols=["cairn.signal.v2"])
    asks, silent = shape.peer(0), shape.peer(0)
    native.subscribe("t")
    v2.subscribe("t")
    asks.send('{"type":"announce","topic":"j","addresses":[]}', '{"type":"query","topic":"k"}')
    assert json.loads(asks.receive())["type"] == "ack" and json.loads(asks.receive())["type"] == "result"
    for peer in (native, v2, asks, silent):
        peer.close()
    edge = shape.edges[0]
    edge.wait_for_log('"peer_closed"', count=4)
    edge.finish()
    said = list(lines_of(edge))
    dialects = {event: sorted(line["dialect"] for line in said if line["event"] == event)
                for event in ("peer_opened", "peer_closed")}
    assert dialects == {"peer_opened": ["cbor-v2", "unknown", "unknown", "unknown"],
                        "peer_closed": ["cbor", "cbor-v2", "json", "unknown"]}
    [totals] = [line for line in said if line["event"] == "edge_totals"]
    assert (totals["messages_in"], totals["json_messages_in"], totals["json_answers"]) == (4, 2, 2)


def test_warnings_that_clients_could_repeat_are_rate_limited(start):
    server = start("--auth-token", TOKEN, "--threads", "2", env=JSON)
    address = server.address()
    for _ in range(50):
        client = RawConnection(address)
        client.send(upgrade_request())
        assert client.read_answer().status == 401
    for _ in range(50):
        client = RawClient(address, request=upgrade_request(headers=ALLOWED))
        client.send(frame(0x3))
        assert client.read_close()[0] == 1002
    close_all()
    warnings = [line for line in lines_of(server) if line["level"] == "warn"]
    assert [(line["event"], line["reason"], line["suppressed"]) for line in warnings] == [
        ("handshake_failed", "unauthorized", 0), ("rules_broken", "protocol_error", 0)]


def test_messages_of_grpc_go_through_the_same_log_and_filter(start):
    verbose = {"GRPC_VERBOSITY": "debug"}
    flags = ["--role", "core", "--grpc-listen-addr", "127.0.0.1:0"]
    for level, expected in (("off,cairn_signal::grpc=trace", True), ("trace,cairn_signal::grpc=off", False)):
        core = start(*flags, env={**JSON, **verbose, "CAIRN_SIGNAL_LOG": f"{level},cairn_signal::core=info"})
        address = core.grpc_address()
        edge = start("--role", "edge", "--core", address, "--threads", "1")
        edge.wait_for_log("core_link_up")
        edge.finish()
        said = {line["event"] for line in lines_of(core) if line["module"] == "cairn_signal::grpc"}
        assert said == ({"grpc"} if expected else set())


def test_a_trace_of_grpc_shows_no_token(start, tmp_path):
    (tmp_path / "operators").write_text(TOKEN)
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", "--grpc-operator-token-file", str(tmp_path / "operators"),
                 env={"GRPC_VERBOSITY": "debug", "GRPC_TRACE": "all", "RUST_LOG": "trace"})
    assert admin_cli.run("status", env={"CAIRN_ADMIN_CORE": core.grpc_address(), "CAIRN_ADMIN_TOKEN": TOKEN}).code == 0
    core.finish()
    assert free_of([TOKEN], core)


def test_a_format_that_does_not_exist_is_refused():
    done = run("--log-format", "xml")
    assert done.returncode == 2 and "--log-format: 'xml' is not text or json" in done.stderr

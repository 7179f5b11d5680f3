"""Flags and environment variables, what refuses to start and how, and what can be changed while it runs."""
import re
import signal
import socket

import pytest
from support.peer import Peer, await_hearing
from support.process import ServerProcess, run, with_defaults
from support.raw_client import FIN, PING, PONG, RawClient, RawConnection, frame, upgrade_request

SECRET = "a-very-secret-token"


def bearer(token):
    return upgrade_request(headers=[("Authorization", f"Bearer {token}")])


def upgrade_status(address, token=None):
    connection = RawConnection(address)
    connection.send(bearer(token) if token else upgrade_request())
    status = connection.read_answer().status
    connection.close()
    return status


# ---- what ends by itself

@pytest.mark.parametrize("flag, what", [("--listen-addr", "listen"), ("--grpc-listen-addr", "listen for gRPC")])
def test_a_port_in_use_is_reported_in_one_line_with_a_hint(flag, what):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        done = run(*with_defaults([flag, address]))
    assert done.returncode == 1
    assert done.stderr == (f"error: cannot {what} on {address}: Address already in use; "
                           f"end the process that has it, or give another {flag}\n")
    assert "WARN" not in done.stdout


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version_is_printed_in_one_line(flag):
    done = run(flag)
    assert done.returncode == 0 and done.stderr == ""
    assert re.fullmatch(r"cairn-signal \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_names_options_and_variables_but_no_values_from_the_environment(flag):
    values = {"CAIRN_SIGNAL_AUTH_TOKEN": SECRET, "CAIRN_SIGNAL_LISTEN_ADDR": "192.0.2.1:4711",
              "CAIRN_SIGNAL_TLS_KEY": "/some/where/key.pem", "CAIRN_SIGNAL_MAX_TOPICS": "987654"}
    done = run(flag, env=values)
    assert done.returncode == 0 and done.stderr == ""
    for variable, value in values.items():
        assert variable in done.stdout and value not in done.stdout
        assert "--" + variable.removeprefix("CAIRN_SIGNAL_").lower().replace("_", "-") in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 200


BAD_USAGE = {
    "unknown flag": (["--no-such-flag"], "--no-such-flag"),
    "positional": (["0.0.0.0:8080"], "0.0.0.0:8080"),
    "flag without its value": (["--listen-addr"], "--listen-addr"),
    "address without a port": (["--listen-addr", "127.0.0.1"], "--listen-addr"),
    "address with a name": (["--listen-addr", "localhost:8080"], "--listen-addr"),
    "port without an address": (["--listen-addr", ":8080"], "--listen-addr"),
    "port too high": (["--listen-addr", "127.0.0.1:65536"], "--listen-addr"),
    "negative port": (["--listen-addr", "127.0.0.1:-1"], "--listen-addr"),
    "IPv6 without brackets": (["--listen-addr", "::1:8080"], "--listen-addr"),
    "empty address": (["--listen-addr", ""], "--listen-addr"),
    "unknown role": (["--role", "king"], "--role"),
    "edge without a core": (["--role", "edge"], "--core"),
    "core in role all": (["--core", "127.0.0.1:7443"], "--core"),
    "time without sense": (["--drain", "soon"], "--drain"),
    "negative time": (["--drain", "-1s"], "--drain"),
    "no handshake time": (["--handshake-timeout", "0s"], "--handshake-timeout"),
    "number without sense": (["--max-topics", "many"], "--max-topics"),
    "limit out of range": (["--max-topics", "0"], "--max-topics"),
    "queue too small for a message": (["--max-message-bytes", "1048576"], "--max-queued-bytes"),
    "too many threads": (["--threads", "1000"], "--threads"),
    "time above the longest": (["--drain", "26h"], "give 0s to 25h"),
    "pings without a pause": (["--ping-interval", "1ms"], "give at least 100ms"),
    "empty file of a token": (["--auth-token-file", ""], "--auth-token-file: it is empty"),
    "empty file of a certificate": (["--tls-cert", "", "--tls-key", ""], "--tls-"),
    "empty file of operators": (["--grpc-operator-token-file", ""], "--grpc-operator-token-file: it is empty"),
    "two tokens": (["--auth-token", SECRET, "--auth-token-file", "file"], "not both"),
    "gRPC address with a name": (["--grpc-listen-addr", "localhost:7443"], "--grpc-listen-addr"),
    "ops on the clients' address": (["--listen-addr", "127.0.0.1:8080", "--ops-listen-addr", "127.0.0.1:8080"],
                                    "--ops-listen-addr: 127.0.0.1:8080 is also that of --listen-addr"),
    "gRPC on the clients' address": (["--listen-addr", "127.0.0.1:8080", "--grpc-listen-addr", "127.0.0.1:8080"],
                                     "--grpc-listen-addr: 127.0.0.1:8080 is also that of --listen-addr"),
    "password for NATS": (["--role", "core", "--fleet", "f", "--mesh", f"nats://core:{SECRET}@nats:4222"], "--mesh-nkey-file"),
}


@pytest.mark.parametrize("flags, named", BAD_USAGE.values(), ids=BAD_USAGE)
def test_bad_usage_exits_with_2_and_the_usage_on_stderr(flags, named):
    done = run(*flags)
    assert done.returncode == 2 and done.stdout == ""
    assert named in done.stderr.splitlines()[0]
    assert "Usage: cairn-signal" in done.stderr and "--help" in done.stderr
    assert SECRET not in done.stderr


def assert_cannot_start(*flags, named, env=None):
    done = run(*with_defaults(flags), env=env)
    assert done.returncode == 1, done
    assert re.fullmatch(r"error: [^\n]+\n", done.stderr), done.stderr
    for text in named:
        assert str(text) in done.stderr
    assert SECRET not in done.stderr + done.stdout


@pytest.mark.parametrize("flags, env", [
    (["--auth-token", ""], {}), (["--auth-token", "  "], {}), ([], {"CAIRN_SIGNAL_AUTH_TOKEN": ""})],
    ids=["flag", "blanks", "variable"])
def test_an_empty_token_is_bad_usage(flags, env):
    done = run(*with_defaults(flags), env=env)
    assert done.returncode == 2
    assert re.match("error: (--auth-token: |CAIRN_SIGNAL_AUTH_TOKEN ).*empty", done.stderr), done.stderr


@pytest.mark.parametrize("after", [[], ["--threads", "1"], ["--threads=1"], ["--grpc-insecure"]], ids=" ".join)
def test_an_empty_token_does_not_take_the_next_flag_for_its_value(after):
    # What --auth-token="$TOKEN" becomes when the variable is empty.
    done = run(*with_defaults(["--auth-token=", *after]))
    assert done.returncode == 2, done
    assert "--auth-token" in done.stderr.splitlines()[0]


def test_a_token_file_without_a_token_refuses_to_start(tmp_path):
    file = tmp_path / "tokens"
    assert_cannot_start("--auth-token-file", str(file), named=["--auth-token-file", file, "No such file"])
    for text in ("", "\n  \n\t\n"):
        file.write_text(text)
        assert_cannot_start("--auth-token-file", str(file), named=["--auth-token-file", file])


def test_an_address_in_use_refuses_to_start():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "%s:%d" % taken.getsockname()
        assert_cannot_start("--listen-addr", address, named=[address, "in use"])
        assert_cannot_start("--role", "core", "--grpc-listen-addr", address, named=[address, "in use"])


@pytest.mark.parametrize("flag", ["--listen-addr", "--ops-listen-addr", "--grpc-listen-addr"])
def test_an_address_of_another_machine_refuses_to_start(flag):
    assert_cannot_start(flag, "192.0.2.1:8080", *["--grpc-insecure"][:flag == "--grpc-listen-addr"],
                        named=["192.0.2.1:8080", f"give another {flag}"])


def test_a_path_that_cannot_be_listened_on_refuses_to_start(tmp_path):
    for path, why in ((tmp_path / "missing" / "core", "No such file or directory"), (tmp_path, "File exists")):
        assert_cannot_start("--role", "core", "--grpc-listen-addr", f"unix:{path}",
                            named=[path, f"{why}; give another --grpc-listen-addr"])


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_a_core_that_others_can_reach_needs_an_explicit_flag(address, start):
    done = run("--role", "core", "--grpc-listen-addr", address)
    assert done.returncode == 2 and "--grpc-insecure" in done.stderr.splitlines()[0]
    core = start("--role", "core", "--grpc-listen-addr", address, "--grpc-insecure")
    assert not core.grpc_address().endswith(":0")


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:0"])
def test_a_core_on_loopback_needs_none_and_an_edge_finds_it_there(address, start):
    core = start("--role", "core", "--grpc-listen-addr", address)
    edge = start("--role", "edge", "--core", core.grpc_address(), "--threads", "1")
    edge.wait_for_log("core_link_up")


# ---- addresses

def assert_serves(address):
    client = RawClient(address)
    client.send(frame(PING, b"hello"))
    assert client.read_frame() == (FIN | PONG, b"hello")


@pytest.mark.parametrize("listen, host", [("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "::1")])
def test_port_0_is_chosen_by_the_kernel_and_logged(start, listen, host):
    address = start("--listen-addr", listen).address()
    assert address[0] == host and address[1] > 0
    assert_serves(address)


def test_an_open_port_without_a_token_is_warned_of_once(start):
    server = start("--listen-addr", "0.0.0.0:0")
    server.wait_for_log("WARN .* open_to_all .*--auth-token")
    assert_serves(("127.0.0.1", server.address()[1]))
    closed = start("--listen-addr", "0.0.0.0:0", env={"CAIRN_SIGNAL_AUTH_TOKEN": SECRET})
    closed.grpc_address()
    assert not closed.grep("WARN")


def test_variables_configure_what_flags_do_and_flags_win():
    env = {"CAIRN_SIGNAL_LISTEN_ADDR": "127.0.0.1:0", "CAIRN_SIGNAL_GRPC_LISTEN_ADDR": "127.0.0.1:0",
           "CAIRN_SIGNAL_DRAIN": "0s", "CAIRN_SIGNAL_THREADS": "3", "CAIRN_SIGNAL_MAX_TOPICS": "1",
           "CAIRN_SIGNAL_AUTH_TOKEN": "from-variable"}
    server = ServerProcess(env=env)
    assert upgrade_status(server.address(), "from-variable") == 101
    assert server.grep("listening url=.* threads=3 ")
    client = RawClient(server.address(), request=bearer("from-variable"))
    client.subscribe("one", "two")
    assert client.read_close() == (1008, "too_many_topics")
    client.close()
    server.finish()
    server = ServerProcess("--auth-token", "from-flag", "--threads", "2", env=env)
    assert upgrade_status(server.address(), "from-variable") == 401
    assert upgrade_status(server.address(), "from-flag") == 101
    assert server.grep("listening url=.* threads=2 ")
    server.finish()


# ---- tokens

@pytest.mark.parametrize("flags", [["--auth-token", SECRET], [f"--auth-token={SECRET}"]], ids=["two words", "one word"])
def test_a_token_given_as_a_flag_is_not_in_the_process_list_or_the_log(start, flags):
    server = start(*flags, env={"RUST_LOG": "trace"})
    assert upgrade_status(server.address(), SECRET) == 101
    assert SECRET.encode() not in server.command_line()
    assert b"--auth-token" in server.command_line()
    assert SECRET not in "\n".join(server.log)


def test_tokens_are_rotated_by_sighup_while_connections_stay(start, tmp_path):
    file = tmp_path / "tokens"
    file.write_text("old\n")
    server = start("--auth-token-file", str(file))
    address = server.address()
    url = "ws://%s:%d/" % address
    before = Peer(url, token="old")
    file.write_text("\n  new \r\nold")
    assert upgrade_status(address, "new") == 401
    server.signal(signal.SIGHUP)
    server.wait_for_log("INFO .* reloaded what=tokens")
    assert (upgrade_status(address, "new"), upgrade_status(address, "old")) == (101, 101)
    file.write_text("new\n")
    server.signal(signal.SIGHUP)
    server.wait_for_log("INFO .* reloaded what=tokens", count=2)
    assert [upgrade_status(address, token) for token in ("new", "old", None)] == [101, 401, 401]
    after = Peer(url, token="new")
    before.subscribe("topic")
    await_hearing(before, after, "topic")


@pytest.mark.parametrize("damage", ["missing", "empty", "control character"])
def test_a_token_file_that_does_not_load_leaves_the_old_tokens_in_use(start, tmp_path, damage):
    file = tmp_path / "tokens"
    file.write_text(SECRET)
    server = start("--auth-token-file", str(file))
    server.address()
    if damage == "missing":
        file.unlink()
    else:
        file.write_text("" if damage == "empty" else "new\nto\x07ken\n")
    server.signal(signal.SIGHUP)
    failure = server.wait_for_log("ERROR .* reload_failed what=tokens .*")
    assert str(file) in failure[0]
    assert (upgrade_status(server.address(), SECRET), upgrade_status(server.address(), "new")) == (101, 401)


@pytest.mark.parametrize("role", ["all", "core"])
def test_sighup_without_anything_to_reload_does_no_harm(start, role):
    server = start(*(["--role", "core", "--grpc-listen-addr", "127.0.0.1:0"] if role == "core" else []))
    server.grpc_address()
    server.signal(signal.SIGHUP)
    server.signal(signal.SIGHUP)
    if role == "all":
        assert_serves(server.address())
    assert server.is_running()

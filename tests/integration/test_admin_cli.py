"""cairn-admin without a core: probe against real edges and their proxies, and the commands that need no server."""
import contextlib
import datetime
import pathlib
import re
import socket
import threading
import time

import pytest
from support import admin_cli
from support.authority import Authority
from support.fake_server import read_head, serving
from support.ports import unused_port
from support.waiting import eventually

TOKEN = "clients-secret"
STEPS = ["dns", "tcp", "upgrade", "second client", "subscribe", "relay", "close"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def answering(answer):
    """Reads a request's head and answers with this, whatever it was."""
    def handle(connection):
        with connection, contextlib.suppress(OSError):
            if read_head(connection):
                connection.sendall(answer)
    return handle


def proxying(address, idle_seconds):
    """Forwards bytes, and cuts connections that have been idle for that long."""
    def handle(client):
        server = socket.create_connection(address)
        last = [time.monotonic()]

        def pump(source, sink):
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    last[0] = time.monotonic()
                    sink.sendall(data)
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

        threading.Thread(target=pump, args=(server, client), daemon=True).start()
        threading.Thread(target=pump, args=(client, server), daemon=True).start()
        while time.monotonic() - last[0] < idle_seconds:
            time.sleep(0.02)
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
    return handle


def url(address, scheme="ws", host=None):
    return f"{scheme}://{host or address[0]}:{address[1]}/"


# ---- probe: what works

def test_a_probe_of_a_server_that_works_passes_every_step(make_shape):
    outcome = admin_cli.run("probe", url(make_shape().address(0)))
    assert outcome.code == 0 and outcome.err == "", outcome
    for step in STEPS:
        assert outcome.step(step)[0] == "ok", outcome
    assert outcome.step("tls") is None


def test_a_probe_in_json_is_an_object_a_step(start):
    outcome = admin_cli.run("probe", url(start().address()), "-o", "json", "--count", "1")
    assert outcome.code == 0
    steps = outcome.json_lines()
    assert [step["step"] for step in steps] == STEPS
    assert all(step["state"] == "ok" and isinstance(step["took_us"], int) for step in steps)


def test_a_probe_over_tls_describes_the_certificate(start, authority):
    address = start(*authority.issue("good").flags()).address()
    outcome = admin_cli.run("probe", url(address, "wss", "localhost"), "--ca", authority.cert)
    assert outcome.code == 0, outcome
    state, text = outcome.step("tls")
    assert state == "ok" and "TLSv1.3" in text and "'good' of 'test authority' ends in 89d" in text


def test_a_probe_asks_the_urls_host_at_another_address(start, authority):
    address = start(*authority.issue("elsewhere", names="DNS:signal.test").flags()).address()
    outcome = admin_cli.run("probe", "wss://signal.test/", "--ca", authority.cert,
                            "--connect", f"127.0.0.1:{address[1]}")
    assert outcome.code == 0, outcome


def test_a_probe_with_the_clients_token_passes(start, tmp_path):
    address = start("--auth-token", TOKEN).address()
    token_file = tmp_path / "token"
    token_file.write_text(f"\n{TOKEN}\nanother\n")
    assert admin_cli.run("probe", url(address), "--auth-token", TOKEN).code == 0
    assert admin_cli.run("probe", url(address), "--auth-token-file", token_file).code == 0
    assert admin_cli.run("probe", url(address), env={"CAIRN_ADMIN_AUTH_TOKEN": TOKEN}).code == 0


def test_the_operators_token_is_not_sent_to_an_edge():
    received = []

    def handle(connection):
        with connection:
            received.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")

    with serving(handle) as port:
        outcome = admin_cli.run("probe", f"ws://127.0.0.1:{port}/", env={"CAIRN_ADMIN_TOKEN": "operators-secret"})
    assert outcome.code == 1
    assert received and b"operators-secret" not in b"".join(received) and b"Authorization" not in b"".join(received)


def test_tokens_are_not_in_the_process_list(start):
    address = start("--auth-token", TOKEN).address()
    running = admin_cli.start("probe", url(address), "--auth-token", TOKEN, "--idle", "60")
    try:
        command_line = pathlib.Path(f"/proc/{running.pid}/cmdline")
        eventually(lambda: b"****" in command_line.read_bytes(), "the token is blanked")
        assert TOKEN.encode() not in command_line.read_bytes()
    finally:
        running.kill()
        running.communicate()


# ---- probe: problems that it finds

@pytest.mark.parametrize("token, words", [(["--auth-token", "wrong"], "the token is wrong"),
                                          ([], "clients need a token")])
def test_a_probe_finds_a_token_that_is_wrong_or_missing(start, token, words):
    outcome = admin_cli.run("probe", url(start("--auth-token", TOKEN).address()), *token)
    assert outcome.code == 1
    assert outcome.step("tcp")[0] == "ok" and outcome.step("upgrade")[0] == "failed", outcome
    assert re.fullmatch(rf"cairn-admin: probe failed at upgrade: HTTP 401: {words}.*\n", outcome.err)


def days(count):
    return datetime.timedelta(days=count)


@pytest.mark.parametrize("name, dates, words", [
    ("expired", {"starts": days(-9), "ends": days(-2)}, "the certificate expired 2d"),
    ("early", {"starts": days(2)}, "is a clock wrong?"),
    ("misnamed", {"names": "DNS:a.test,DNS:b.test"}, "is for 'a.test, b.test', not for 'localhost'"),
])
def test_a_probe_reports_what_is_wrong_with_a_certificate(start, authority, name, dates, words):
    address = start(*authority.issue(name, **dates).flags()).address()
    outcome = admin_cli.run("probe", url(address, "wss", "localhost"), "--ca", authority.cert)
    assert outcome.code == 1
    assert outcome.step("tls")[0] == "failed" and words in outcome.err, outcome


def test_a_probe_finds_a_certificate_of_an_unknown_authority(start, authority):
    address = start(*authority.issue("unknown").flags()).address()
    outcome = admin_cli.run("probe", url(address, "wss"))
    assert outcome.code == 1
    assert "nobody trusted here vouches for the certificate (issuer 'test authority')" in outcome.err, outcome
    assert "give --ca" in outcome.err


def test_a_probe_warns_of_a_certificate_that_ends_soon_and_fails_if_asked_to(start, authority):
    address = start(*authority.issue("ending", ends=days(5)).flags()).address()
    arguments = ["probe", url(address, "wss"), "--ca", authority.cert]
    warning = admin_cli.run(*arguments)
    assert warning.code == 0 and warning.step("tls")[0] == "warning", warning
    assert "ends in 4d23h" in warning.step("tls")[1]
    failure = admin_cli.run(*arguments, "--min-validity", "7d")
    assert failure.code == 1 and "ends in 4d23h: renew it" in failure.err, failure


def test_a_probe_finds_a_proxy_that_cuts_idle_connections(start):
    with serving(proxying(start().address(), idle_seconds=0.5)) as port:
        outcome = admin_cli.run("probe", f"ws://127.0.0.1:{port}/", "--idle", "10s")
    assert outcome.code == 1
    assert outcome.step("relay")[0] == "ok" and outcome.step("idle")[0] == "failed", outcome
    assert re.search(r"lost after \d+m?s of silence, 0 pings from the server: .*--ping-interval", outcome.err), outcome


def test_a_server_that_pings_often_enough_survives_that_proxy(start):
    with serving(proxying(start("--ping-interval", "1s").address(), idle_seconds=2.5)) as port:
        outcome = admin_cli.run("probe", f"ws://127.0.0.1:{port}/", "--idle", "5s")
    assert outcome.code == 0, outcome
    assert re.search(r"5s of silence, [45] pings from the server; still relays", outcome.step("idle")[1]), outcome


@pytest.mark.parametrize("answer, words", [
    (b"HTTP/1.1 502 Bad Gateway\r\nServer: nginx/1.22.1\r\nContent-Length: 0\r\n\r\n",
     "HTTP 502 from nginx/1.22.1: a proxy answers, but cannot reach the edge"),
    (b"HTTP/1.1 301 Moved\r\nLocation: https://b.test/\r\nContent-Length: 0\r\n\r\n", "redirects to 'https://b.test/'"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "not a signaling server"),
    (b"HTTP/1.0 503 Unavailable\r\n\r\n", "HTTP 503"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "the answer is not HTTP"),
    (b"", "the answer is not HTTP"),
])
def test_a_probe_reports_what_answers_instead_of_the_server(answer, words):
    with serving(answering(answer)) as port:
        outcome = admin_cli.run("probe", f"ws://127.0.0.1:{port}/")
    assert outcome.code == 1 and outcome.step("upgrade")[0] == "failed", outcome
    assert words in outcome.err, outcome


def test_a_probe_tells_ws_from_wss(start, authority):
    plain = start().address()
    outcome = admin_cli.run("probe", url(plain, "wss"))
    assert outcome.code == 1 and "does not speak TLS: is it ws://" in outcome.err, outcome
    tls = start(*authority.issue("tls").flags()).address()
    outcome = admin_cli.run("probe", url(tls, "ws"))
    assert outcome.code == 1 and "does this port speak TLS (wss://)?" in outcome.err, outcome


def test_a_probe_of_a_closed_port_fails_at_tcp():
    outcome = admin_cli.run("probe", f"ws://127.0.0.1:{unused_port()}/")
    assert outcome.code == 1 and outcome.step("tcp")[0] == "failed" and "connection refused" in outcome.err, outcome


def test_a_probe_of_a_silent_server_ends_with_the_timeout():
    with serving(lambda connection: connection.recv(1) and time.sleep(60)) as port:
        outcome = admin_cli.run("probe", f"ws://127.0.0.1:{port}/", "--timeout", "300ms")
    assert outcome.code == 1 and "no answer in time" in outcome.err, outcome


def test_a_probe_finds_an_edge_that_has_lost_its_core(make_cluster):
    cluster = make_cluster()
    cluster.core.kill()
    outcome = admin_cli.run("probe", url(cluster.address(0)), "--timeout", "1s")
    assert outcome.code == 1 and outcome.step("second client")[0] == "ok", outcome
    assert "no relay arrives: does it have its core?" in outcome.err, outcome


# ---- no core, and none needed

@pytest.mark.parametrize("arguments", [["status"], ["peers", "list"], ["topics", "list"], ["edges", "list"], ["watch"],
                                       ["trace", "--topic", "t"], ["log-level", "info"], ["peers", "show", "00ff"],
                                       ["peers", "kick", "00ff"], ["edges", "drain", "e", "--yes"],
                                       ["status", "--watch"]])
def test_every_command_reports_an_unreachable_core_in_one_line(arguments, tmp_path):
    outcome = admin_cli.run(*arguments, "--core", f"unix:{tmp_path}/core")
    assert outcome.code == 3, outcome
    assert re.fullmatch(r"cairn-admin: cannot reach the core at unix:.*\n", outcome.err), outcome


def test_a_check_is_critical_without_a_core(tmp_path):
    outcome = admin_cli.run("check", "--core", f"unix:{tmp_path}/core")
    assert outcome.code == 2 and outcome.err == ""
    assert re.fullmatch(r"CAIRN CRITICAL - cannot reach the core at .*\n", outcome.out)


def test_bad_usage_is_one_line_and_exit_code_2():
    for arguments in ([], ["lsit"], ["peers", "list", "--sort", "x"], ["top"], ["probe", "http://a"],
                      ["probe", "ws://a", "--token", "t"], ["status", "--tls-ca", "/nonexistent"],
                      ["probe", "wss://a", "--ca", "/nonexistent"]):
        outcome = admin_cli.run(*arguments)
        assert outcome.code == 2 and outcome.out == "", outcome
        assert re.fullmatch(r"cairn-admin: .*\n", outcome.err), outcome


def test_version_and_help_work_without_anything():
    assert re.fullmatch(r"cairn-admin \d+\.\d+\.\d+\n", admin_cli.run("version").out)
    assert admin_cli.run("--version").out == admin_cli.run("version").out
    assert re.fullmatch(r'\{"version":"\d+\.\d+\.\d+"\}\n', admin_cli.run("version", "-o", "json").out)
    assert "Exit codes: 0 ok; 1" in admin_cli.run("--help", env={"CAIRN_ADMIN_TIMEOUT": "soon"}).out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(shell):
    outcome = admin_cli.run("completion", shell)
    assert outcome.code == 0 and "cairn-admin" in outcome.out.splitlines()[0]

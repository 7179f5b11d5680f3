"""cairn-admin against hostile servers and callers."""
import base64
import contextlib
import hashlib
import resource
import signal
import subprocess
import threading

import pytest
from support import admin_cli, fake_server
from support.authority import Authority
from support.raw_client import CLOSE, FIN, frame

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def serving(serve):
    """Port of a server that treats each connection with serve(connection, head of its request)."""
    def handle(connection):
        with connection, contextlib.suppress(OSError):
            serve(connection, fake_server.read_head(connection))
    return fake_server.serving(handle)


def opened(head, *extra):
    """The answer that opens a WebSocket."""
    key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    return b"\r\n".join([b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade",
                         b"Sec-WebSocket-Accept: " + accept, *extra, b"", b""])


def probe(port, *flags):
    return admin_cli.run("probe", f"ws://127.0.0.1:{port}/", *flags)


def test_endless_output_of_a_server_costs_a_probe_no_memory():
    def talk(connection, head):
        connection.sendall(opened(head))
        while True:
            connection.sendall(frame(2, bytes(60_000), key=None) * 10)

    with serving(talk) as port:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        outcome = probe(port)
    assert outcome.code == 1, outcome
    assert "more and more that nobody asked for" in outcome.err or "not what was sent" in outcome.err, outcome
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(before, 200 << 10)


@pytest.mark.parametrize("selected", [b"Sec-WebSocket-Protocol: chat", b"Sec-WebSocket-Extensions: permessage-deflate"])
def test_a_server_that_selects_what_was_not_offered_fails(selected):
    with serving(lambda connection, head: (connection.sendall(opened(head, selected)), connection.recv(1))) as port:
        outcome = probe(port)
    assert outcome.code == 1 and outcome.step("upgrade")[0] == "failed", outcome
    assert "which was not offered" in outcome.err, outcome


@pytest.mark.parametrize("rest", [b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", b"Content-Length: 1000\r\n\r\nshort",
                                  b"Content-Encoding: gzip\r\nContent-Length: 99999999999\r\n\r\n" + bytes(100_000)],
                         ids=["chunks", "cut", "endless"])
def test_the_status_and_retry_time_of_an_answer_with_a_broken_body_are_reported(rest):
    answer = b"HTTP/1.1 503 Service Unavailable\r\nServer: lb\r\nRetry-After: 120\r\n" + rest
    with serving(lambda connection, head: connection.sendall(answer)) as port:
        outcome = probe(port)
    assert outcome.code == 1 and "HTTP 503 from lb: a proxy answers" in outcome.err, outcome
    assert "Retry-After): 120" in outcome.err, outcome


def test_a_close_code_is_reported_even_if_the_server_keeps_the_connection_open():
    def refuse(connection, head):
        connection.sendall(opened(head) + frame(CLOSE, (1013).to_bytes(2, "big") + b"come back later", key=None))
        threading.Event().wait(20)

    with serving(refuse) as port:
        outcome = probe(port, "--timeout", "2s")
    assert outcome.code == 1 and "1013 come back later" in outcome.err, outcome


@pytest.mark.parametrize("flags, reason", [(["--max-connections", "1"], "1013 edge_full"),
                                           (["--max-connections-per-ip", "1"], "1013 address_full"),
                                           (["--max-topic-bytes", "1"], "1008 topic_too_long")])
def test_a_probe_of_a_full_edge_reports_the_edges_reason(start, flags, reason):
    host, port = start("--threads", "1", *flags).address()
    for _ in range(5):
        outcome = admin_cli.run("probe", f"ws://{host}:{port}/")
        assert outcome.code == 1 and reason in outcome.err, outcome


def test_a_server_that_changes_what_it_relays_fails():
    clients = []

    def relay(connection, head):
        connection.sendall(opened(head))
        clients.append(connection)
        data = b""
        while True:
            data += connection.recv(65536)
            while len(data) >= 8:
                size, at = data[1] & 127, 6
                if size == 126:
                    size, at = int.from_bytes(data[2:4], "big"), 8
                if len(data) < at + size:
                    break
                key, payload = data[at - 4:at], data[at:at + size]
                payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
                data = data[at + size:]
                if b"Relay" not in payload:
                    continue
                for other in clients:
                    if other is not connection:
                        other.sendall(frame(2, payload[:-1] + b"!", key=None, first_bits=FIN))

    with serving(relay) as port:
        outcome = probe(port, "--timeout", "3s")
    assert outcome.code == 1 and "not what was sent" in outcome.err, outcome


def test_a_url_may_be_in_capitals(start):
    host, port = start("--threads", "1").address()
    outcome = admin_cli.run("probe", f"WS://{host}:{port}/")
    assert outcome.code == 0, outcome


def test_an_encrypted_key_is_bad_usage_and_no_passphrase_is_asked_for(tmp_path):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("operator"), tmp_path / "encrypted.key"
    subprocess.run(["openssl", "pkcs8", "-topk8", "-in", certificate.key, "-out", key, "-passout", "pass:s3cret"], check=True)
    flags = ["--tls-ca", authority.cert, "--tls-cert", certificate.cert, "--tls-key", key]
    command = " ".join(map(str, [admin_cli.binary(), "--core", "127.0.0.1:1", *flags, "status"]))
    done = subprocess.run(["script", "-qec", command, "/dev/null"], env=admin_cli.clean_environment(), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2 and "--tls-key" in done.stdout and "is encrypted" in done.stdout, done
    assert "phrase:" not in done.stdout, done


def test_a_token_file_of_another_system_is_read(start, tmp_path):
    (tmp_path / "tokens").write_text("s3cret\n")
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", "--grpc-operator-token-file", str(tmp_path / "tokens"))
    ours = tmp_path / "ours"
    for content, code in ((b"\xef\xbb\xbfs3cret\r\n", 0), ("\ufeffs3cret".encode("utf-16-le"), 2)):
        ours.write_bytes(content)
        outcome = admin_cli.run("--core", core.grpc_address(), "--token-file", ours, "status")
        assert outcome.code == code and "s3cret" not in outcome.err, outcome


def test_an_argument_that_is_not_utf8_is_bad_usage(start):
    core = start().grpc_address()
    for arguments in (["topics", "show", b"\xff\xfe"], ["peers", "list", "--edge", b"a\xc3"], [b"\xff"]):
        done = subprocess.run([admin_cli.binary(), "--core", core, *arguments], env=admin_cli.clean_environment(),
                              capture_output=True, timeout=20, check=False)
        assert done.returncode == 2 and b"is not UTF-8" in done.stderr, done


@pytest.mark.parametrize("ignored", [False, True], ids=["SIGPIPE", "no SIGPIPE"])
def test_a_pipe_that_is_closed_early_is_no_full_disk(start, ignored):
    core = start().grpc_address()
    for arguments in (["--help"], ["completion", "bash"], ["--core", core, "status"], ["--core", core, "edges", "list"]):
        reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
        reader.wait()
        done = subprocess.run([admin_cli.binary(), *arguments], env=admin_cli.clean_environment(), stdout=reader.stdin,
                              stderr=subprocess.PIPE, timeout=20, check=False,
                              preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN if ignored else signal.SIG_DFL))
        reader.stdin.close()
        assert done.stderr == b"" and done.returncode in (0, -signal.SIGPIPE), (arguments, done)


def test_a_full_disk_is_still_reported(start):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([admin_cli.binary(), "--core", start().grpc_address(), "status"], stdout=full,
                              env=admin_cli.clean_environment(), stderr=subprocess.PIPE, timeout=20, check=False)
    assert done.returncode == 5 and b"is the disk full?" in done.stderr, done

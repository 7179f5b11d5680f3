"""Rough environments: odd files, invalid values, signals at odd times. One line says what is wrong."""
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import time

import pytest
from support import process
from support.authority import Authority
from support.messages import relay
from support.ops import ask
from support.process import clean_environment, run
from support.raw_client import FIN, PING, PONG, RawClient, RawConnection, frame, upgrade_request
from support.revocation import revocation_list
from support.waiting import PATIENCE, eventually

BOM = b"\xef\xbb\xbf"
CORE = ["--role", "core", "--grpc-listen-addr", "127.0.0.1:0"]
EDGE = ["--role", "edge", "--core", "127.0.0.1:1", "--listen-addr", "127.0.0.1:0", "--threads", "1"]
SERVE = ["--listen-addr", "127.0.0.1:0", "--grpc-listen-addr", "127.0.0.1:0", "--threads", "1"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def issued(authority):
    return {name: authority.issue(name) for name in ("core", "edge", "other")}


def refused(*flags, env=None, code=1):
    """The one line of stderr."""
    done = run(*flags, env=env)
    assert done.returncode == code, done
    lines = done.stderr.strip().splitlines()
    assert lines and lines[0].startswith("error: ") and (code == 2 or len(lines) == 1), done.stderr
    return lines[0]


# ---- tokens

BAD_TOKEN_FILES = {"UTF-16": "\ufeffs3cret\r\n".encode("utf-16-le"), "empty": b"", "blank": b"\n \r\n", "dash": "s3\u2013cret\n".encode(),
                   "no-break space": b"s3cret\xc2\xa0\n", "escape": b"s3cret\x1b\n", "NUL": b"s3cret\0\n"}
GOOD_TOKEN_FILES = {"CRLF": b"s3cret\r\n", "BOM": BOM + b"s3cret\r\n", "empty first line": b"\ns3cret\n", "no newline": b"s3cret"}
TOKEN_OPTIONS = [(SERVE, "--auth-token-file"), *((CORE, f"--grpc-{kind}-token-file") for kind in ("edge", "operator", "viewer")),
                 (EDGE, "--grpc-edge-token-file"), (CORE, "--grpc-allow-file")]


@pytest.mark.parametrize("role, option", TOKEN_OPTIONS, ids=[f"{role[1]} {option}" for role, option in TOKEN_OPTIONS])
def test_an_invalid_token_file_ends_the_start(tmp_path, role, option):
    for name, content in BAD_TOKEN_FILES.items():
        path = tmp_path / "tokens"
        path.write_bytes(content)
        line = refused(*role, option, str(path))
        assert option in line and str(path) in line and "cret" not in line, (name, line)
    assert "Is a directory" in refused(*role, option, str(tmp_path))
    assert "No such file" in refused(*role, option, "/nonexistent/tokens")


@pytest.mark.parametrize("content", GOOD_TOKEN_FILES.values(), ids=GOOD_TOKEN_FILES)
def test_a_token_file_of_another_system_is_read(start, tmp_path, content):
    path = tmp_path / "tokens"
    path.write_bytes(content)
    core = start(*CORE, "--grpc-edge-token-file", str(path))
    edge = start("--role", "edge", "--core", core.grpc_address(), "--grpc-edge-token-file", str(path), "--auth-token-file", str(path))
    edge.wait_for_log("core_link_up")
    RawClient(edge.address(), request=upgrade_request(headers=[("Authorization", "Bearer s3cret")]))


def test_a_variable_may_end_with_a_newline(start):
    server = start(env={"CAIRN_SIGNAL_AUTH_TOKEN": "s3cret\r\n"})
    RawClient(server.address(), request=upgrade_request(headers=[("Authorization", "Bearer s3cret")]))


# ---- PEM

def pem(certificate, authority):
    return {"cert": certificate.cert.read_bytes(), "key": certificate.key.read_bytes(), "ca": authority.cert.read_bytes()}


def encrypted(key):
    return subprocess.run(["openssl", "pkcs8", "-topk8", "-passout", "pass:s3cret"], input=key, capture_output=True, check=True).stdout


def grpc_flags(directory, parts):
    for name, content in parts.items():
        (directory / name).write_bytes(content)
    return [text for name in parts for text in (f"--grpc-tls-{name}", str(directory / name))]


def bad_pems(issued, authority):
    good = pem(issued["edge"], authority)
    return {"another's key": {**good, "key": issued["other"].key.read_bytes()}, "garbage": {**good, "cert": b"nothing\n"},
            "empty CA": {**good, "ca": b""}, "encrypted": {**good, "key": encrypted(good["key"])},
            "exchanged": {**good, "cert": good["key"], "key": good["cert"]}, "UTF-16": {**good, "ca": good["ca"].decode().encode("utf-16")},
            "cut": {**good, "cert": good["cert"][:300]}, "empty": {**good, "key": b""}}


@pytest.mark.parametrize("role", [CORE, EDGE], ids=["core", "edge"])
def test_pem_files_of_the_grpc_port_that_cannot_be_used_end_the_start(tmp_path, issued, authority, role):
    for name, parts in bad_pems(issued, authority).items():
        line = refused(*role, *grpc_flags(tmp_path, parts))
        assert "--grpc-tls-" in line and str(tmp_path) in line, (name, line)
    good = pem(issued["edge"], authority)
    for option in ("cert", "key", "ca"):
        flags = grpc_flags(tmp_path, good)
        flags[flags.index(f"--grpc-tls-{option}") + 1] = str(tmp_path)
        assert "Is a directory" in refused(*role, *flags)


def test_revocation_lists_that_cannot_be_used_end_the_start(tmp_path, issued, authority):
    good, list_ = grpc_flags(tmp_path, pem(issued["core"], authority)), tmp_path / "crl"
    text = revocation_list(authority)
    theirs = revocation_list(Authority(tmp_path, "theirs"))
    for content, why in {b"": "is not a PEM CRL", b"nothing\n": "is not a PEM CRL", text[:100]: "is not a PEM CRL", theirs: "signed by none",
                         text + theirs: "signed by none", text.decode().encode("utf-16"): "UTF-16"}.items():
        list_.write_bytes(content)
        line = refused(*CORE, *good, "--grpc-tls-crl", str(list_))
        assert "--grpc-tls-crl: " in line and why in line and str(tmp_path) in line, (content, line)
    assert "Is a directory" in refused(*CORE, *good, "--grpc-tls-crl", str(tmp_path))
    assert "without --grpc-tls-ca" in refused(*CORE, "--grpc-tls-crl", str(list_), code=2)
    assert "is for the core" in refused(*EDGE, *good, "--grpc-tls-crl", str(list_), code=2)


def test_pem_files_of_clients_that_cannot_be_used_end_the_start(tmp_path, issued, authority):
    for name, parts in bad_pems(issued, authority).items():
        if "CA" in name or "UTF" in name:
            continue
        grpc_flags(tmp_path, parts)
        line = refused(*SERVE, "--tls-cert", str(tmp_path / "cert"), "--tls-key", str(tmp_path / "key"))
        assert "--tls-cert, --tls-key: " in line and str(tmp_path) in line, (name, line)


def test_no_passphrase_is_asked_for(tmp_path, issued, authority):
    """With a terminal, where OpenSSL would."""
    good = pem(issued["edge"], authority)
    for flags in ([*CORE, *grpc_flags(tmp_path, {**good, "key": encrypted(good["key"])})],
                  [*SERVE, "--tls-cert", str(tmp_path / "cert"), "--tls-key", str(tmp_path / "key")]):
        done = subprocess.run(["script", "-qec", " ".join([str(process.binary()), *flags]), "/dev/null"], env=clean_environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 1 and "is encrypted" in done.stdout and "phrase:" not in done.stdout, done


def test_pem_files_of_other_systems_are_read(start, tmp_path, issued, authority):
    for change in (lambda text: text.replace(b"\n", b"\r\n"), lambda text: BOM + text):
        directories = {}
        for name in ("core", "edge"):
            directories[name] = tmp_path / f"{name}{change(b'')!r}".replace("'", "").replace("\\", "")
            directories[name].mkdir(exist_ok=True)
        parts = {name: {part: change(text) for part, text in pem(issued[name], authority).items()} for name in directories}
        core = start(*CORE, *grpc_flags(directories["core"], parts["core"]))
        edge = start("--role", "edge", "--core", core.grpc_address().replace("127.0.0.1", "localhost"),
                     *grpc_flags(directories["edge"], parts["edge"]))
        edge.wait_for_log("core_link_up")


def shown(address, authority, certificate):
    context = ssl.create_default_context(cafile=authority.cert)
    context.set_alpn_protocols(["h2"])
    context.load_cert_chain(certificate.cert, certificate.key)
    with socket.create_connection(address) as plain, context.wrap_socket(plain, server_hostname="localhost") as tls:
        return tls.getpeercert()["serialNumber"]


def test_sighup_replaces_the_certificate_of_the_grpc_port_and_counts_what_fails(start, tmp_path, issued, authority):
    flags = grpc_flags(tmp_path, pem(issued["core"], authority))
    core = start(*CORE, *flags, "--ops-listen-addr", "127.0.0.1:0")
    host, port = core.grpc_address().split(":")
    first = shown((host, int(port)), authority, issued["edge"])
    grpc_flags(tmp_path, pem(authority.issue("core-2"), authority))
    core.signal(signal.SIGHUP)
    core.wait_for_log("reloaded what=grpc_tls")
    second = shown((host, int(port)), authority, issued["edge"])
    assert first != second
    (tmp_path / "key").write_bytes(b"nothing\n")
    core.signal(signal.SIGHUP)
    core.wait_for_log("reload_failed what=grpc_tls")
    assert shown((host, int(port)), authority, issued["edge"]) == second
    assert re.search(r"^cairn_signal_reload_failures_total 1$", ask(core, "/metrics").text, re.M)


# ---- values

def test_an_empty_variable_for_a_file_does_not_mean_none():
    for name in ("TLS_CERT", "TLS_KEY", "AUTH_TOKEN_FILE", "GRPC_TLS_CA", "GRPC_TLS_CRL", "GRPC_OPERATOR_TOKEN_FILE", "TRUSTED_PROXIES"):
        assert f"CAIRN_SIGNAL_{name} is empty" in refused(*SERVE, env={f"CAIRN_SIGNAL_{name}": ""}, code=2)


@pytest.mark.parametrize("value", ["010", "-1", "+5", "0x10", "1e3", "5 ", " 5", "five", "1.5", "99999999999999999999"])
def test_a_number_is_digits(value):
    for flag in ("--max-topics", "--threads", "--rate-messages"):
        assert flag in refused(*SERVE[:4], f"{flag}={value}", code=2)
    assert "max-topics" in refused(*SERVE, env={"CAIRN_SIGNAL_MAX_TOPICS": value}, code=2)


@pytest.mark.parametrize("core", ["http://127.0.0.1:7443", ":7443", "7443", "127.0.0.1", "127.0.0.1:7443 ", "'127.0.0.1:7443'", "unix:",
                                  "127.0.0.1:99999", "127.0.0.1:7443/", "127.0.0.1:7443\n"])
def test_an_invalid_address_of_a_core_is_bad_usage(core):
    assert "--core: " in refused("--role", "edge", "--core", core, code=2)


@pytest.mark.parametrize("flags", [["--listen-addr", "127.0.0.1:010"], ["--listen-addr", "127.0.0.1:-1"],
                                   ["--listen-addr", "127.0.0.1:99999"], ["--ops-listen-addr", "127.0.0.1:00"],
                                   ["--core", "127.0.0.1:07443", "--role", "edge"]])
def test_an_invalid_port_is_bad_usage(flags):
    assert flags[0] in refused(*flags, code=2)


@pytest.mark.parametrize("address", ["unix:", "unix:/", "127.0.0.1:010", "127.0.0.1:99999", "http://127.0.0.1:1", "127.0.0.1"])
def test_an_invalid_grpc_address_is_bad_usage(address):
    assert "--grpc-listen-addr: " in refused("--role", "core", "--grpc-listen-addr", address, code=2)


def test_a_name_that_is_not_utf8_is_bad_usage():
    done = subprocess.run([process.binary(), *EDGE, "--edge-name", b"edge-\xff"], env=clean_environment(), capture_output=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode == 2 and done.stderr.startswith(b"error: --edge-name: 'edge-\\xff'"), done


def test_two_edges_of_one_host_have_names_of_their_own(start):
    core = start(*CORE)
    for _ in range(2):
        start("--role", "edge", "--core", core.grpc_address(), "--threads", "1").wait_for_log("core_link_up")
    core.wait_for_log("lane_opened edge=", count=2)
    names = {match[1] for match in core.grep(r'lane_opened edge="(\S+)"')}
    assert len(names) == 2 and all(name.startswith(socket.gethostname()) for name in names), names


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy", "grpc_proxy"])
def test_an_edge_does_not_ask_a_web_proxy_for_the_way_to_its_core(start, variable):
    core = start(*CORE)
    edge = start("--role", "edge", "--core", core.grpc_address(), "--threads", "1", env={variable: "http://127.0.0.1:1"})
    edge.wait_for_log("core_link_up")


# ---- processes

def test_a_second_process_on_the_port_is_warned_of(start):
    first = start()
    host, port = first.address()
    assert not first.grep("port_shared")
    second = start("--listen-addr", f"{host}:{port}", "--threads", "3")
    second.wait_for_log(rf"WARN cairn_signal::edge: port_shared listen={host}:{port} ")
    # Two cores that do not know each other: new connections reach the same one.
    second.address()
    for number in range(30):
        receiver, sender = RawClient((host, port)), RawClient((host, port))
        receiver.subscribe(f"t{number}")
        receiver.send(frame(PING, b"subscribed"))
        assert receiver.read_frame() == (FIN | PONG, b"subscribed")
        sender.relay(f"t{number}", b"hello")
        assert receiver.read_message() == relay(f"t{number}", b"hello")


def test_a_second_process_on_the_ops_port_is_warned_of(start):
    first = start("--ops-listen-addr", "127.0.0.1:0")
    host, port = first.ops_address()
    assert not first.grep("port_shared")
    second = start("--ops-listen-addr", f"{host}:{port}")
    second.wait_for_log(rf"WARN cairn_signal: port_shared listen={host}:{port} hint=.*--ops-listen-addr")


def test_an_ipv4_client_of_an_ipv6_port_shows_as_ipv4(start):
    server = start("--listen-addr", "[::]:0", "--log-peers", "--max-connections-per-ip", "1")
    _, port = server.address()
    client = RawClient(("127.0.0.1", port))
    server.wait_for_log(r"peer_opened .*remote=127\.0\.0\.1:")
    client.close()


def test_a_sighup_in_the_first_moments_does_not_end_it():
    for delay in (0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1):
        server = subprocess.Popen([process.binary(), *SERVE], env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        # As soon as the program's own beginning has run; before that, it is the kernel's and the linker's.
        status = pathlib.Path(f"/proc/{server.pid}/status")
        eventually(lambda: int(re.search(r"SigIgn:\t(\w+)", status.read_text())[1], 16) & 1
                   or int(re.search(r"SigCgt:\t(\w+)", status.read_text())[1], 16) & 1, "SIGHUP harmless", every=0)
        for _ in range(5):
            server.send_signal(signal.SIGHUP)
            time.sleep(delay / 5)
        assert any(b"listening url=" in line for line in server.stdout)
        server.kill()
        server.communicate()


def test_no_core_dumps(start):
    server = start()
    server.address()
    limits = pathlib.Path(f"/proc/{server.pid}/limits").read_text()
    assert re.search(r"Max core file size\s+0\s+0\s", limits)


def test_a_drain_with_a_socket_of_the_service_manager_does_not_spin(start):
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        server = start("--drain", "3s", "--threads", "1", sockets=[listening])
        clients = [RawClient(listening.getsockname()) for _ in range(20)]
        server.signal(signal.SIGTERM)
        server.wait_for_log("draining")
        waiting = RawConnection(listening.getsockname())
        before = server.cpu_seconds()
        time.sleep(1)
        assert server.is_running() and server.cpu_seconds() - before < 0.4
        for one in (*clients, waiting):
            one.close()

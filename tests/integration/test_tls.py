"""TLS on the clients' port: versions and ciphers, which files load, and how a certificate is replaced."""
import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess

import pytest
from support.certificates import HOST_NAME, Certificate, trusting
from support.messages import largest_payload, new_topic, relay
from support.peer import Peer, await_hearing
from support.process import run, with_defaults
from support.raw_client import FIN, PING, PONG, RawClient, RawConnection, binary, close_frame, frame, upgrade_request
from support.waiting import Stopwatch, eventually

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    directory = tmp_path_factory.mktemp("certificates")
    return {name: Certificate(directory, name, kind)
            for name, kind in (("ec", "ec"), ("rsa", "rsa"), ("other", "ec"))}


@pytest.fixture
def ec(certificates):
    return certificates["ec"]


def served_certificate(address):
    """The server's current certificate, as DER."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return RawConnection(address, tls=context).socket.getpeercert(binary_form=True)


# ---- versions and ciphers

@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_relays_pass_between_clients_of_tls_1_2_and_1_3(make_shape, certificates, kind):
    certificate = certificates[kind]
    shape = make_shape(*certificate.flags(), tls=trusting(certificate))
    topic = new_topic()
    old = shape.peer(0, ssl=trusting(certificate, version=TLS12))
    new = shape.peer(1, ssl=trusting(certificate, version=TLS13))
    for peer in (old, new):
        peer.subscribe(topic)
    shape.settle(old, new)
    largest = largest_payload(topic)
    for sender, receiver in ((old, new), (new, old)):
        sender.relay(topic, b"", b"hello", largest)
        assert receiver.receive_payloads(topic, 3) == [b"", b"hello", largest]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_tls_1_1_is_refused_with_an_alert(start, ec):
    address = start(*ec.flags()).address()
    with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
        RawConnection(address, tls=trusting(ec, version=ssl.TLSVersion.TLSv1_1), server_hostname=HOST_NAME)


@pytest.mark.parametrize("name", [HOST_NAME, "127.0.0.1", "elsewhere.example.com"])
def test_any_server_name_and_any_alpn_is_accepted(start, ec, name):
    address = start(*ec.flags()).address()
    context = trusting(ec)
    context.check_hostname = False
    context.set_alpn_protocols(["h2", "http/1.1"])
    client = RawClient(address, tls=context, server_hostname=name)
    assert client.socket.selected_alpn_protocol() is None
    client.send(frame(PING, b"hello"))
    assert client.read_frame() == (FIN | PONG, b"hello")


def test_many_frames_in_one_write_are_all_handled(make_shape, ec):
    shape = make_shape(*ec.flags(), tls=trusting(ec))
    topic = new_topic()
    listener, sender = shape.raw(), shape.raw()
    listener.subscribe(topic)
    shape.settle(listener)
    messages = [relay(topic, b"%d" % i * 50) for i in range(1000)]
    sender.send(*map(binary, messages))
    assert [listener.read_message() for _ in messages] == messages


def test_a_close_is_followed_by_the_end_of_the_tls_stream(start, ec):
    client = RawClient(start(*ec.flags()).address(), tls=trusting(ec), server_hostname=HOST_NAME)
    client.send(close_frame(1000))
    # Without a close_notify this would raise.
    assert client.read_close() == (1000, "")


SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]


@pytest.fixture
def s_client(start, ec):
    """OpenSSL's own client, connected: s_client(suite) returns what writes to it, and what reads until some bytes came."""
    address = start(*ec.flags()).address()
    with contextlib.ExitStack() as stack:
        def connect(suite):
            command = ["openssl", "s_client", "-connect", "%s:%d" % address, "-servername", HOST_NAME, "-CAfile", str(ec.cert),
                       "-verify_return_error", "-ciphersuites", suite]
            client = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                          stderr=subprocess.STDOUT, bufsize=0))
            stack.callback(client.kill)
            received = b""

            def read_until(wanted):
                nonlocal received
                while wanted not in received:
                    more = client.stdout.read(4096)
                    assert more, received
                    received += more
                before, received = received.split(wanted, 1)
                return before
            return client.stdin.write, read_until
        yield connect


@pytest.mark.parametrize("suite", SUITES)
def test_keys_may_be_updated_at_any_time(s_client, suite):
    write, read_until = s_client(suite)
    read_until(b"Verify return code: 0")
    write(upgrade_request())
    read_until(b"HTTP/1.1 101")
    for number in range(3):
        write(b"K\n")  # s_client's command: update my keys, and ask for yours
        read_until(b"KEYUPDATE\n")
        hello = b"hello %d" % number
        write(frame(PING, hello))
        read_until(frame(PONG, hello, key=None))


@pytest.mark.parametrize("version", [TLS12, TLS13], ids=["1.2", "1.3"])
@pytest.mark.parametrize("junk", [b"GET / HTTP/1.1\r\n\r\n", b"\x17\x03\x03\x00\x20" + b"junk" * 8, b"\x17\x03\x03\xff\xff",
                                  b"\x15\x03\x03\x00\x02\x02\x28"], ids=["http", "forged", "too long", "plain alert"])
def test_what_is_no_record_ends_only_its_own_connection(start, ec, version, junk):
    address = start(*ec.flags()).address()
    context = trusting(ec, version=version)
    client, other = (RawClient(address, tls=context, server_hostname=HOST_NAME) for _ in range(2))
    with socket.socket(fileno=os.dup(client.socket.fileno())) as below:
        below.sendall(junk)
    with pytest.raises(ssl.SSLError, match="ALERT"):
        client.read_frame()
    other.send(frame(PING, b"hello"))
    assert other.read_frame() == (FIN | PONG, b"hello")


def test_plain_http_on_the_tls_port_is_closed_without_an_answer_in_http(start, ec):
    connection = RawConnection(start(*ec.flags()).address())
    connection.send(upgrade_request())
    assert not connection.wait_end().startswith(b"HTTP")


@pytest.mark.parametrize("beginning", [b"", b"\x16\x03\x01\x02\x00\x01\x00"], ids=["silent", "unfinished"])
def test_a_tls_handshake_that_does_not_come_in_time_is_cut(start, ec, beginning):
    connection = RawConnection(start("--handshake-timeout", "500ms", *ec.flags()).address())
    watch = Stopwatch()
    connection.send(beginning)
    connection.expect_end()
    assert 0.4 < watch.seconds < 3


def test_a_handshake_without_an_upgrade_is_cut_too(start, ec):
    address = start("--handshake-timeout", "500ms", *ec.flags()).address()
    connection = RawConnection(address, tls=trusting(ec), server_hostname=HOST_NAME)
    assert connection.read_answer().status == 408


# ---- which files load

@pytest.mark.parametrize("kind, form, banner", [
    ("ec", "key", "BEGIN PRIVATE KEY"), ("ec", "traditional_key", "BEGIN EC PRIVATE KEY"),
    ("rsa", "key", "BEGIN PRIVATE KEY"), ("rsa", "traditional_key", "BEGIN RSA PRIVATE KEY")],
    ids=["EC PKCS#8", "SEC1", "RSA PKCS#8", "PKCS#1"])
def test_every_form_of_a_key_loads(start, certificates, kind, form, banner):
    certificate = certificates[kind]
    key = getattr(certificate, form)
    assert banner in key.read_text()
    address = start(*certificate.flags(key)).address()
    RawClient(address, tls=trusting(certificate), server_hostname=HOST_NAME)


def assert_refuses_to_start(flags, *named):
    done = run(*with_defaults(flags))
    assert done.returncode == 1, done
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, done.stderr
    for text in named:
        assert str(text) in done.stderr


def test_a_certificate_without_a_key_or_the_reverse_refuses_to_start(ec):
    assert_refuses_to_start(["--tls-cert", str(ec.cert)], "--tls-key", "CAIRN_SIGNAL_TLS_KEY")
    assert_refuses_to_start(["--tls-key", str(ec.key)], "--tls-cert", "CAIRN_SIGNAL_TLS_CERT")


def test_a_file_that_is_missing_refuses_to_start(ec, tmp_path):
    missing = tmp_path / "missing.pem"
    for flags in (["--tls-cert", str(missing), "--tls-key", str(ec.key)],
                  ["--tls-cert", str(ec.cert), "--tls-key", str(missing)]):
        assert_refuses_to_start(flags, flags[flags.index(str(missing)) - 1], missing, "No such file")


def test_a_file_that_is_not_pem_refuses_to_start(ec, tmp_path):
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("this is not PEM\n")
    assert_refuses_to_start(["--tls-cert", str(garbage), "--tls-key", str(ec.key)], "--tls-cert", garbage, "PEM")
    assert_refuses_to_start(["--tls-cert", str(ec.cert), "--tls-key", str(garbage)], "--tls-key", garbage, "PEM")


def test_a_key_of_another_certificate_refuses_to_start(certificates):
    for other in ("other", "rsa"):
        key = certificates[other].key
        assert_refuses_to_start(certificates["ec"].flags(key), key, certificates["ec"].cert, "does not belong")


# ---- replacing a certificate

@pytest.fixture
def live(tmp_path, start, ec):
    """A server whose certificate files may be overwritten, and its first certificate."""
    files = {"cert": tmp_path / "live.crt", "key": tmp_path / "live.key"}

    def install(certificate):
        shutil.copy(certificate.cert, files["cert"])
        shutil.copy(certificate.key, files["key"])

    install(ec)
    server = start("--tls-cert", str(files["cert"]), "--tls-key", str(files["key"]))
    assert served_certificate(server.address()) == ec.der
    return server, install, files


def test_sighup_replaces_the_certificate_and_leaves_connections_alone(live, certificates):
    server, install, _ = live
    address = server.address()
    before = Peer("wss://%s:%d/" % address, ssl=trusting(certificates["ec"]))
    for name in ("rsa", "other"):
        install(certificates[name])
        # Nothing happens until it is asked for.
        shown = served_certificate(address)
        assert shown != certificates[name].der
        server.signal(signal.SIGHUP)
        eventually(lambda: served_certificate(address) == certificates[name].der, "the new certificate")
    after = Peer("wss://%s:%d/" % address, ssl=trusting(certificates["other"]))
    topic = new_topic()
    before.subscribe(topic)
    await_hearing(before, after, topic)
    assert len(server.grep("INFO .* reloaded what=tls")) == 2


@pytest.mark.parametrize("damage", ["no certificate", "no key", "garbage", "other key"])
def test_files_that_do_not_load_leave_the_old_certificate_in_use(live, certificates, damage):
    server, install, files = live
    if damage == "no certificate":
        files["cert"].unlink()
    elif damage == "no key":
        files["key"].unlink()
    elif damage == "garbage":
        files["cert"].write_text("this is not PEM\n")
    else:
        shutil.copy(certificates["other"].key, files["key"])
    server.signal(signal.SIGHUP)
    server.wait_for_log("ERROR .* reload_failed what=tls ")
    assert served_certificate(server.address()) == certificates["ec"].der
    # And it can be mended.
    install(certificates["rsa"])
    server.signal(signal.SIGHUP)
    server.wait_for_log("INFO .* reloaded what=tls")
    assert served_certificate(server.address()) == certificates["rsa"].der


def test_a_reset_in_the_middle_of_a_handshake_does_not_affect_others(start, ec):
    server = start(*ec.flags())
    client = RawClient(server.address(), tls=trusting(ec), server_hostname=HOST_NAME)
    for _ in range(20):
        connection = RawConnection(server.address())
        connection.send(b"\x16\x03\x01\x00\x05\x01\x00")
        connection.reset()
        with socket.create_connection(server.address()) as other:
            other.sendall(b"\x80" * 50)
    client.send(frame(PING, b"hello"))
    assert client.read_frame() == (FIN | PONG, b"hello")

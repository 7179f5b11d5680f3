"""The HTTP request that opens a WebSocket: which requests are accepted, and which are refused with which status."""
import base64
import contextlib
import hashlib
import re

import pytest
from support.messages import new_topic, relay, subscribe
from support.peer import Peer
from support.process import ServerProcess, with_defaults
from support.raw_client import FIN, PING, PONG, RawClient, RawConnection, binary, frame, random_key, upgrade_request
from support.waiting import Stopwatch

ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MAX_HEAD_BYTES = 64 << 10
# What has a "-" and a "_" in base64url, and no padding where there would be some.
TOKEN = "s3cret?>~token.with/many+kinds=of~chars"


def bearer_subprotocol(token):
    return "cairn.bearer." + base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


def ask(address, request, early=b""):
    """The answer to a request, refused or not."""
    connection = RawConnection(address)
    connection.send(request, early)
    return connection.read_answer(), connection


def assert_refused(address, request, status):
    answer, connection = ask(address, request)
    assert answer.status == status, answer
    assert answer.headers["connection"].lower() in ("close", "upgrade, close")
    connection.expect_end()
    return answer


# ---- accepted

def headers(count, size=10):
    return [(f"X-Header-{i}", "v" * size) for i in range(count)]


ACCEPTED = {
    "path and query": {"target": "/some/where?and=what&token=x"},
    "no path": {"target": "*"},
    "absolute form": {"target": "http://signal.example.com:443/path"},
    "path of 8,000 bytes": {"target": "/" + "p" * 7999},
    "escaped path": {"target": "/%00%ff/../~"},
    "another Host": {"headers": [("Host", "signal.example.com:8443")]},
    "no Host": {"without": ["Host"]},
    "two Hosts": {"headers": [("Host", "a"), ("Host", "b")]},
    "an Origin": {"headers": [("Origin", "https://elsewhere.example.com")]},
    "subprotocols that are not ours": {"headers": [("Sec-WebSocket-Protocol", "chat, superchat")]},
    "compression": {"headers": [("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")]},
    "Upgrade in another case": {"headers": [("Upgrade", "WebSocket")]},
    "one of several upgrades": {"headers": [("Upgrade", "h2c, websocket")]},
    "keep-alive too": {"headers": [("Connection", "keep-alive, Upgrade")]},
    "Connection in another case": {"headers": [("Connection", "UPGRADE")]},
    "header names in another case": {"headers": [("sec-websocket-VERSION", "13"), ("UPGRADE", "websocket")]},
    "a header without a value": {"headers": [("X-Header", "")]},
    "124 headers": {"headers": headers(119)},
    "500 headers": {"headers": headers(500)},
    "60 KiB of headers": {"headers": headers(60, 1000)},
    "a cookie": {"headers": [("Cookie", "a=b; c=d")]},
    "an empty body": {"headers": [("Content-Length", "0")]},
}


@pytest.mark.parametrize("variant", ACCEPTED.values(), ids=ACCEPTED)
def test_an_unusual_upgrade_is_accepted_and_answered_with_nothing_that_was_not_asked(shape, variant):
    answer, connection = ask(shape.address(), upgrade_request(**variant), early=frame(PING, b"open"))
    assert answer.status == 101
    assert set(answer.headers) == {"connection", "upgrade", "sec-websocket-accept"}
    assert answer.headers["connection"].lower() == "upgrade"
    assert answer.headers["upgrade"].lower() == "websocket"
    assert connection.read(2 + 4) == bytes([FIN | PONG, 4]) + b"open"


def test_the_key_is_answered_as_rfc_6455_requires(shape):
    for key in ("dGhlIHNhbXBsZSBub25jZQ==", random_key()):
        answer, _ = ask(shape.address(), upgrade_request(headers=[("Sec-WebSocket-Key", key)]))
        digest = hashlib.sha1((key + ACCEPT_GUID).encode()).digest()
        assert answer.headers["sec-websocket-accept"] == base64.b64encode(digest).decode()


def test_frames_may_come_right_behind_the_request(shape):
    topic = new_topic()
    subscriber = shape.raw(0, early=binary(subscribe(topic)))
    shape.settle(subscriber)
    shape.raw(1, early=binary(relay(topic, b"early")) + binary(relay(topic, b"bird")))
    assert [subscriber.read_message() for _ in range(2)] == [relay(topic, b"early"), relay(topic, b"bird")]


def test_a_request_may_come_byte_by_byte_with_frames_behind_it(shape):
    connection = shape.connection()
    for byte in upgrade_request() + frame(PING, b"x"):
        connection.send(bytes([byte]))
    assert connection.read_answer().status == 101
    assert connection.read(3) == bytes([FIN | PONG, 1]) + b"x"


@pytest.mark.parametrize("colon", [b":", b":   ", b":\t"], ids=["none", "many", "tab"])
def test_blanks_after_a_colon_do_not_matter(shape, colon):
    answer, _ = ask(shape.address(), upgrade_request().replace(b": ", colon))
    assert answer.status == 101


def test_our_subprotocol_is_selected_if_it_is_offered(shape):
    for offer in ("cairn.signal.v1", "chat,cairn.signal.v1 , superchat"):
        answer, _ = ask(shape.address(), upgrade_request(headers=[("Sec-WebSocket-Protocol", offer)]))
        assert answer.headers["sec-websocket-protocol"] == "cairn.signal.v1"


# ---- refused

REFUSED = {
    "a plain GET, as of a browser": (426, {"without": ["Upgrade", "Connection"]}),
    "no Upgrade": (426, {"without": ["Upgrade"]}),
    "another Upgrade": (426, {"headers": [("Upgrade", "h2c")]}),
    "no Connection": (426, {"without": ["Connection"]}),
    "a Connection that is no upgrade": (426, {"headers": [("Connection", "keep-alive")]}),
    "version 8": (426, {"headers": [("Sec-WebSocket-Version", "8")]}),
    "no version": (426, {"without": ["Sec-WebSocket-Version"]}),
    "no key": (400, {"without": ["Sec-WebSocket-Key"]}),
    "POST": (405, {"method": "POST"}),
    "OPTIONS": (405, {"method": "OPTIONS"}),
    "HTTP/1.0": (505, {"version": "HTTP/1.0"}),
    "HTTP/2.0": (505, {"version": "HTTP/2.0"}),
    "a header without a colon": (400, {"headers": [("bad header\r\nX", "y")]}),
    "a blank before the colon": (400, {"headers": [("X-Header ", "y")]}),
    "a control character in a header": (400, {"headers": [("X-Header", "a\x00b")]}),
    "70 KiB of headers": (431, {"headers": headers(70, 1000)}),
    "a path of 70 KiB": (431, {"target": "/" + "p" * 70_000}),
}


@pytest.mark.parametrize("status, variant", REFUSED.values(), ids=REFUSED)
def test_other_requests_are_refused_with_a_status_and_a_line_of_text(shape, status, variant):
    answer = assert_refused(shape.address(), upgrade_request(**variant), status)
    assert re.fullmatch(rb"[ -~]+\n", answer.body), answer
    assert set(answer.headers) - {"connection", "content-length", "content-type"} <= {
        "allow", "upgrade", "sec-websocket-version"}
    if status == 405:
        assert answer.headers["allow"] == "GET"
    if status == 426:
        assert answer.headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00\x01", b"\x00" * 100, b"EHLO localhost\r\n\r\n", b"\r\n\r\n"],
                         ids=["TLS", "zeros", "SMTP", "blank"])
def test_input_that_is_not_http_is_refused(shape, data):
    assert_refused(shape.address(), data, 400)


def test_a_head_without_an_end_is_refused_when_it_is_too_long(shape):
    connection = shape.connection()
    connection.send(upgrade_request()[:-2])
    with contextlib.suppress(ConnectionError):
        for i in range(MAX_HEAD_BYTES // 1000 + 2):
            connection.send(b"X-Header: %s\r\n" % (b"v" * 1000))
    assert connection.read_answer().status == 431


# ---- tokens

def authorization(*values):
    return upgrade_request(headers=[("Authorization", value) for value in values])


def offering(*values):
    return upgrade_request(headers=[("Sec-WebSocket-Protocol", value) for value in values])


RIGHT = {
    "header": authorization(f"Bearer {TOKEN}"),
    "scheme in another case": authorization(f"bearer {TOKEN}"),
    "blanks around the value": authorization(f"  Bearer {TOKEN} \t"),
    "one of two headers": authorization("Basic dXNlcjpwYXNz", f"Bearer {TOKEN}"),
    "subprotocol": offering(f"cairn.signal.v1, {bearer_subprotocol(TOKEN)}"),
    "subprotocols in the other order": offering(f"{bearer_subprotocol(TOKEN)},cairn.signal.v1"),
    "subprotocols in two headers": offering("cairn.signal.v1", bearer_subprotocol(TOKEN)),
}
WRONG = {
    "nothing": upgrade_request(),
    "another token": authorization("Bearer something-else"),
    "a part of it": authorization(f"Bearer {TOKEN[:-1]}"),
    "more than it": authorization(f"Bearer {TOKEN}x"),
    "it in another case": authorization(f"Bearer {TOKEN.upper()}"),
    "two blanks": authorization(f"Bearer  {TOKEN}"),
    "no scheme": authorization(TOKEN),
    "no token": authorization("Bearer", "Bearer "),
    "Basic": authorization("Basic " + base64.b64encode(f"user:{TOKEN}".encode()).decode()),
    "in the query": upgrade_request(f"/?token={TOKEN}&access_token={TOKEN}&auth_token={TOKEN}"),
    "in a cookie": upgrade_request(headers=[("Cookie", f"token={TOKEN}")]),
    "subprotocol without a token": offering("cairn.signal.v1"),
    "another token as subprotocol": offering(f"cairn.signal.v1, {bearer_subprotocol('something-else')}"),
    "not base64": offering("cairn.signal.v1, cairn.bearer.!!!!"),
    "token as it is": offering(f"cairn.signal.v1, cairn.bearer.{TOKEN}"),
}


@pytest.fixture(scope="module")
def guarded():
    """An edge with a token; its log, at the finest level, is looked through for secrets when it has ended."""
    server = ServerProcess(*with_defaults([]), env={"CAIRN_SIGNAL_AUTH_TOKEN": TOKEN, "CAIRN_SIGNAL_LOG": "trace"})
    yield server.address()
    server.finish()
    said = "\n".join(server.log + server.stderr)
    assert "DEBUG" in said, "not the finest level"
    encoded = bearer_subprotocol(TOKEN).removeprefix("cairn.bearer.")
    for secret in (TOKEN, encoded, encoded[4:-4], "something-else", TOKEN[:-1], TOKEN.upper()):
        assert secret not in said


@pytest.mark.parametrize("request_bytes", RIGHT.values(), ids=RIGHT)
def test_the_right_token_opens_and_is_not_echoed(guarded, request_bytes):
    answer, _ = ask(guarded, request_bytes)
    assert answer.status == 101
    subprotocol = ["cairn.signal.v1"] if b"cairn.signal.v1" in request_bytes else []
    assert [value for name, value in answer.headers.items() if name == "sec-websocket-protocol"] == subprotocol


@pytest.mark.parametrize("request_bytes", WRONG.values(), ids=WRONG)
def test_anything_else_is_refused_with_an_empty_401(guarded, request_bytes):
    answer = assert_refused(guarded, request_bytes, 401)
    assert answer.body == b""
    assert set(answer.headers) == {"connection", "content-length", "www-authenticate"}


def test_a_browser_that_offers_the_token_as_a_subprotocol_gets_the_other_one(guarded):
    host, port = guarded
    peer = Peer(f"ws://{host}:{port}/", subprotocols=["cairn.signal.v1", bearer_subprotocol(TOKEN)])
    assert peer.subprotocol == "cairn.signal.v1"
    peer.ping()


# ---- slow clients, and port scanners

@pytest.mark.parametrize("beginning", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"], ids=["silent", "unfinished"])
def test_a_request_that_does_not_come_in_time_is_answered_with_408(start, beginning):
    address = start("--handshake-timeout", "500ms").address()
    connection = RawConnection(address)
    watch = Stopwatch()
    connection.send(beginning)
    assert connection.read_answer().status == 408
    connection.expect_end()
    assert 0.4 < watch.seconds < 3


def test_dribbling_a_request_gains_no_time(start):
    address = start("--handshake-timeout", "500ms").address()
    connection = RawConnection(address)
    connection.socket.settimeout(0.05)
    watch = Stopwatch()
    answer = b""
    for byte in upgrade_request(headers=headers(100)):
        connection.send(bytes([byte]))
        with contextlib.suppress(TimeoutError):
            answer = connection.socket.recv(100)
            break
        assert watch.seconds < 5
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_an_upgrade_in_time_is_not_held_against_the_timeout_afterwards(start):
    address = start("--handshake-timeout", "300ms").address()
    early, late = RawClient(address), RawConnection(address)
    assert late.read_answer().status == 408
    early.send(frame(PING, b"still here"))
    assert early.read_frame().payload == b"still here"


def test_a_connect_and_close_leaves_no_line_in_the_log(start):
    server = start()
    address = server.address()
    server.grpc_address()
    before = list(server.log)
    for i in range(20):
        connection = RawConnection(address)
        connection.close() if i % 2 else connection.reset()
    RawClient(address)
    assert server.log == before

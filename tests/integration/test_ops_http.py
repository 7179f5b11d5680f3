"""The ops endpoint as an HTTP server: what it accepts, and that a bad client of it has no effect."""
import contextlib
import threading

import pytest
from support import process as processes
from support.messages import new_topic, relay
from support.ops import ask, scrape
from support.ops_shape import ops_shape  # noqa: F401
from support.raw_client import FIN, PING, PONG, RawClient, RawConnection, frame
from support.waiting import eventually


# ---- HTTP


@pytest.fixture(scope="module")
def ops_server():
    server = processes.ServerProcess(*processes.with_defaults(["--ops-listen-addr", "127.0.0.1:0"]))
    server.address()
    yield server
    server.finish()


def talk(server, request):
    connection = RawConnection(server.ops_address())
    connection.send(request)
    return connection


def test_paths_and_methods_that_are_not_there_are_refused(ops_server):
    assert ask(ops_server, "/nothing").status == 404
    assert ask(ops_server, "/").status == 404
    assert ask(ops_server, "/metrics/").status == 404
    assert ask(ops_server, "/metrics?collect=all").status == 200
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        refused = ask(ops_server, "/metrics", method)
        assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert ask(ops_server, "/metrics", "POST", body=b"x" * 100_000).status == 405


def test_head_answers_like_get_without_the_body(ops_server):
    answer = ask(ops_server, "/healthz", "HEAD")
    assert (answer.status, answer.headers["Content-Length"], answer.text) == (200, "3", "")


@pytest.mark.parametrize("request_text, status", [
    (b"\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200), (b"GET http://x/healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    (b"GET /healthz HTTP/1.1\r\n\r\n", 400), (b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.0\r\n\r\n", 200), (b"GET /healthz HTTP/1.1\nHost: x\n\n", 400)])
def test_requests_are_parsed_as_rfc_9112_requires(ops_server, request_text, status):
    version = "1.0" if b"HTTP/1.0" in request_text else "1.1"
    assert talk(ops_server, request_text).read_answer(version).status == status


def test_a_connection_can_be_used_again_and_requests_can_be_sent_together(ops_server):
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    connection = talk(ops_server, request)
    for step in range(3):
        assert connection.read_answer()[::2] == (200, b"ok\n"), step
        connection.send(request)
    connection.send(request, request)
    assert [connection.read_answer().status for _ in range(3)] == [200] * 3
    last = talk(ops_server, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert last.read_answer().status == 200
    last.expect_end()


@pytest.mark.parametrize("request_bytes, status", [
    (b"\x16\x03\x01 not HTTP at all\r\n\r\n", 400),
    (b"GET\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nContent-Length: many\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", 413),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 413),
    (b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
    (b"GET /" + b"x" * 9000, 431),
], ids=lambda value: None if isinstance(value, int) else repr(value[:40]))
def test_an_invalid_request_is_answered_and_the_connection_ends(ops_server, request_bytes, status):
    connection = talk(ops_server, request_bytes)
    assert connection.read_answer().status == status
    connection.half_close()
    connection.wait_end()
    assert ask(ops_server, "/healthz").status == 200


def test_clients_that_send_or_read_nothing_keep_no_others_out(ops_server):
    address = ops_server.ops_address()
    hostile = [b"", b"GET /metr", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 300]
    held = []
    with contextlib.ExitStack() as stack:
        for step in range(300):
            held.append(RawConnection(address, receive_buffer=4096))
            stack.callback(held[-1].close)
            with contextlib.suppress(OSError):
                held[-1].send(hostile[step % 3])
        # Who would have to wait for 300 of those to time out, 64 at once, would not get an answer in time.
        client = RawClient(ops_server.address())
        client.send(frame(PING, b"hello"))
        assert client.read_frame() == (FIN | PONG, b"hello")
        for _ in range(10):
            assert ask(ops_server, "/healthz").status == 200
            assert scrape(ops_server).get("draining") == 0
        assert ops_server.open_files() < 250
    eventually(lambda: scrape(ops_server).get("process_open_fds") < 60, "their descriptors are free again")


def test_scrapes_do_not_hold_up_relays(ops_shape):
    topic, count = new_topic(), 300
    subscriber, sender = ops_shape.raw(0), ops_shape.raw(1)
    subscriber.subscribe(topic)
    ops_shape.settle(subscriber)
    done = threading.Event()
    failures = []

    def scrape_all():
        while not done.is_set():
            try:
                for process in ops_shape.processes():
                    scrape(process)
            except Exception as failure:  # in another thread, it would be lost
                failures.append(failure)
                return

    scraper = threading.Thread(target=scrape_all)
    scraper.start()
    try:
        for step in range(count):
            sender.relay(topic, b"%d" % step)
            assert subscriber.read_message() == relay(topic, b"%d" % step)
    finally:
        done.set()
        scraper.join()
    assert not failures

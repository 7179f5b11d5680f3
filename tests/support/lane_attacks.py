"""Attacks with an edge's credential on the core's LanePort: HTTP/2 frames written byte by byte on a lane's connection."""
import threading

from support.admin_api import lane_pb
from support.fake_lane import new_hello
from support.http2 import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENDLESS_FIELD, GOAWAY, HEADERS, LANE_CALL, LAST_INDEXED, PING,
                           PRIORITY, PUSH_PROMISE, RESET, SETTINGS, WINDOW_UPDATE, field, frame, indexed, request)

UNKNOWN = 0x77


def lane_request(token):
    """Headers with which an edge opens a connection that carries only a lane."""
    return request(token, path=LANE_CALL, extra=field(b"cairn-connection", b"one-call"))


def message(content):
    """A message with gRPC's length prefix."""
    return b"\0" + len(content).to_bytes(4, "big") + content


def open_lane(connection, token, edge="mallory"):
    hello = lane_pb.LaneToCore(hello=new_hello(edge)).SerializeToString()
    connection.send(frame(HEADERS, END_HEADERS, 1, lane_request(token)), frame(DATA, 0, 1, message(hello)))


def acknowledge_window(connection):
    """Waits for the core's SETTINGS, which say how large a stream's window is."""
    next(one for one in connection.frames() if one[0] == SETTINGS)
    connection.send(frame(SETTINGS, ACK))


def read_on(connection):
    """Reads and discards the core's data, so that the core can keep sending."""
    def read():
        try:
            while connection.socket.recv(1 << 20):
                pass
        except OSError:
            pass
    threading.Thread(target=read, daemon=True).start()


def _flood(piece, count=2_000_000):
    """Repeats that frame on an open lane."""
    def attack(connection, token):
        open_lane(connection, token)
        block = piece * max(1, 10_000 // len(piece))
        for _ in range(count * len(piece) // len(block)):
            connection.send(block)
    return attack


def _requests(extra_frames=None):
    def attack(connection, token, count=50_000):
        open_lane(connection, token)
        block = lane_request(token)
        for first in range(1, count, 200):
            connection.send(*(frame(HEADERS, END_HEADERS, 2 * number + 1, block) +
                              (extra_frames(2 * number + 1) if extra_frames else b"") for number in range(first, first + 200)))
    return attack


def _endless(stream, first):
    def attack(connection, token, megabytes=192):
        open_lane(connection, token)
        connection.send(frame(HEADERS, END_STREAM, stream, first(token) + ENDLESS_FIELD))
        piece = frame(CONTINUATION, 0, stream, b"a" * 16_000)
        for _ in range(megabytes * 64):
            connection.send(piece)
    return attack


def _many_fields(connection, token, megabytes=192):
    open_lane(connection, token)
    connection.send(frame(HEADERS, 0, 3, lane_request(token)))
    piece = frame(CONTINUATION, 0, 3, field(b"x", b"y" * 100) * 140)
    for _ in range(megabytes * 64):
        connection.send(piece)


def _header_bomb(connection, token, requests=2000):
    """Each request refers 16,000 times to an indexed field of 3,000 bytes, with one byte each."""
    open_lane(connection, token)
    connection.send(frame(HEADERS, END_HEADERS, 3, lane_request(token) + indexed(b"x", b"a" * 3000)))
    for number in range(2, requests):
        connection.send(frame(HEADERS, END_HEADERS, 2 * number + 1, LAST_INDEXED * 16_000))


def _never_ending(prefix):
    """A message that never ends, sent without regard to the window."""
    def attack(connection, token, megabytes=64):
        open_lane(connection, token)
        connection.send(frame(DATA, 0, 1, prefix))
        for _ in range(megabytes * 64):
            connection.send(frame(DATA, 0, 1, bytes(16_000)))
    return attack


def _long_frame(connection, token, megabytes=64):
    open_lane(connection, token)
    connection.send(b"\xff\xff\xff\0\0\0\0\0\1")
    for _ in range(megabytes * 64):
        connection.send(bytes(16_000))


def _many_priorities(connection, token, streams=200_000):
    open_lane(connection, token)
    for first in range(1, streams, 500):
        connection.send(*(frame(PRIORITY, 0, 2 * number + 1, b"\0\0\0\1\x10") for number in range(first, first + 500)))


def _number(value):
    return value.to_bytes(4, "big")


# Attacks that make the core close the connection.
BREAKS = {
    "endless trailers": _endless(1, lambda token: field(b"x", b"y")),
    "endless header block": _endless(3, lane_request),
    "many header fields": _many_fields,
    "pings without reading": _flood(frame(PING, 0, 0, bytes(8))),
    "settings without reading": _flood(frame(SETTINGS)),
    "rapid resets": _requests(lambda stream: frame(RESET, 0, stream, bytes(4))),
    "window of the connection overflows": _flood(frame(WINDOW_UPDATE, 0, 0, _number(0x7fffffff))),
    "window of the stream overflows": _flood(frame(WINDOW_UPDATE, 0, 1, _number(0x7fffffff))),
    "window of the connection grows by nothing": _flood(frame(WINDOW_UPDATE, 0, 0, _number(0))),
    "window of the stream grows by nothing": _flood(frame(WINDOW_UPDATE, 0, 1, _number(0))),
    "data beyond the window": _never_ending(b"\0" + _number(500_000)),
    "message of 4 GiB": _never_ending(b"\0\xff\xff\xff\xff"),
    "compressed message": _never_ending(b"\1" + _number(4096)),
    "headers again": _flood(frame(HEADERS, END_HEADERS, 1, field(b"x", b"y"))),
    "frame above the bound": _long_frame,
    "push promise": _flood(frame(PUSH_PROMISE, END_HEADERS, 1, _number(2))),
}
# Floods that HTTP/2 allows: the connection stays open.
ALLOWED = {
    "header bomb": _header_bomb,
    "many streams": _requests(),
    "pings": _flood(frame(PING, 0, 0, bytes(8))),
    "acknowledged pings": _flood(frame(PING, ACK, 0, bytes(8))),
    "settings": _flood(frame(SETTINGS)),
    "windows of changing size": _flood(frame(SETTINGS, 0, 0, (b"\0\4" + _number(0x7fffffff) + b"\0\4" + _number(0)) * 8)),
    "small window updates": _flood(frame(WINDOW_UPDATE, 0, 0, _number(1)), 1_000_000),
    "data of no bytes": _flood(frame(DATA, 0, 1)),
    "data of padding only": _flood(frame(DATA, 8, 1, b"\xff" + bytes(255))),
    "messages of no bytes": _flood(frame(DATA, 0, 1, bytes(5))),
    "many messages of no bytes": _flood(frame(DATA, 0, 1, bytes(16_000))),
    "frames of unknown types": _flood(frame(UNKNOWN, 0xff, 1, bytes(100))),
    "long frames of unknown types": _flood(frame(UNKNOWN, 0xff, 0, bytes(16_000)), 40_000),
    "priorities": _many_priorities,
    "goodbyes": _flood(frame(GOAWAY, 0, 0, bytes(8) + b"x" * 100)),
    "trailers": _flood(frame(HEADERS, END_HEADERS | END_STREAM, 1, field(b"x", b"y")), 1),
    "reset": _flood(frame(RESET, 0, 1, bytes(4))),
}

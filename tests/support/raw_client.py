"""RawClient: a WebSocket client on a plain socket, for input that no library sends, and to check the exact bytes received."""
import base64
import collections
import contextlib
import os
import re
import socket
import struct

from support import messages
from support.waiting import PATIENCE

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN = 0x80
MASK = b"\x37\xfa\x21\x3d"

Frame = collections.namedtuple("Frame", "first_byte payload")
Answer = collections.namedtuple("Answer", "status headers body")

# Clients that the running test has opened; they are closed after it.
opened = []


def mask(payload, key=MASK):
    size = len(payload)
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


def frame_header(opcode, size, *, first_bits=FIN, length_bytes=None, key=MASK):
    """length_bytes: 0, 2 or 8; None: the shortest form. key None: unmasked."""
    if length_bytes is None:
        length_bytes = 0 if size < 126 else 2 if size < 1 << 16 else 8
    short = size if length_bytes == 0 else 126 if length_bytes == 2 else 127
    head = bytes([first_bits | opcode, short | (0x80 if key else 0)])
    return head + (size.to_bytes(length_bytes, "big") if length_bytes else b"") + (key or b"")


def frame(opcode, payload=b"", *, first_bits=FIN, length_bytes=None, key=MASK):
    head = frame_header(opcode, len(payload), first_bits=first_bits, length_bytes=length_bytes, key=key)
    return head + (mask(payload, key) if key else payload)


def binary(payload):
    return frame(BINARY, payload)


def close_frame(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


def upgrade_request(target="/", headers=(), without=(), method="GET", version="HTTP/1.1"):
    """A WebSocket upgrade request; headers are (name, value) pairs that replace the defaults of the same name."""
    usual = [("Host", "localhost"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
             ("Sec-WebSocket-Key", base64.b64encode(bytes(16)).decode()), ("Sec-WebSocket-Version", "13")]
    given = {name.lower() for name, _ in headers} | {name.lower() for name in without}
    fields = [(name, value) for name, value in usual if name.lower() not in given] + list(headers)
    lines = [f"{method} {target} {version}", *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class EndOfStream(Exception):
    pass


class RawConnection:
    """A TCP or TLS connection on which nothing has been sent yet; input can be read as HTTP or as frames."""

    def __init__(self, address, *, tls=None, server_hostname=None, receive_buffer=None, source=None):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        opened.append(self)
        self.socket.settimeout(PATIENCE)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=server_hostname or address[0],
                                          suppress_ragged_eofs=False)
        self._unread = bytearray()

    def send(self, *parts):
        """Sends all in one write."""
        self.socket.sendall(b"".join(parts))

    def _fill(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise EndOfStream(f"end of stream after {bytes(self._unread[:200])!r}")
        self._unread += data

    def read(self, size):
        while len(self._unread) < size:
            self._fill()
        data = bytes(self._unread[:size])
        del self._unread[:size]
        return data

    def read_answer(self, version="1.1"):
        """The answer to an HTTP request, with its body if Content-Length declares one."""
        while b"\r\n\r\n" not in self._unread:
            self._fill()
        head = self.read(self._unread.index(b"\r\n\r\n") + 4).decode("latin-1")
        lines = head.split("\r\n")
        match = re.fullmatch(rf"HTTP/{re.escape(version)} (\d{{3}}) [ -~]+", lines[0])
        assert match, head
        pairs = [line.split(": ", 1) for line in lines[1:-2]]
        headers = {name.lower(): value for name, value in pairs}
        assert len(headers) == len(pairs), head
        return Answer(int(match[1]), headers, self.read(int(headers.get("content-length", 0))))

    def read_frame(self):
        """The next frame, which must be unmasked and in the shortest form."""
        first, second = self.read(2)
        length_bytes = {126: 2, 127: 8}.get(second, 0)
        size = int.from_bytes(self.read(length_bytes), "big") if length_bytes else second
        assert second < 128 and frame_header(first & 0xF, size, key=None)[1] == second, (first, second, size)
        return Frame(first, self.read(size))

    def read_frame_but_pings(self):
        """The next frame other than a PING; PINGs are answered. For tests that may take longer than --ping-interval."""
        while (received := self.read_frame()).first_byte == FIN | PING:
            self.send(frame(PONG, received.payload))
        return received

    def read_message(self):
        """The payload of the next frame other than a PING, which must be a complete binary message."""
        received = self.read_frame_but_pings()
        assert received.first_byte == FIN | BINARY, received
        return received.payload

    def read_close(self):
        """(code, reason) of the next frame, which must be a Close, followed by the end of the stream."""
        received = self.read_frame()
        assert received.first_byte == FIN | CLOSE, received
        self.expect_end()
        if not received.payload:
            return None, ""
        return int.from_bytes(received.payload[:2], "big"), received.payload[2:].decode()

    def expect_end(self):
        """Checks that the stream ends without further data."""
        assert not self._unread, bytes(self._unread)
        data = self.socket.recv(1 << 16)
        assert data == b"", data

    def wait_end(self):
        """All bytes until the end of the stream or a reset."""
        with contextlib.suppress(EndOfStream, ConnectionError):
            while True:
                self._fill()
        return bytes(self._unread)

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends the connection with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


class RawClient(RawConnection):
    def __init__(self, address, *, request=None, early=b"", **options):
        super().__init__(address, **options)
        self.send(request or upgrade_request(), early)
        self.answer = self.read_answer()
        assert self.answer.status == 101, self.answer

    def subscribe(self, *topics):
        self.send(*(binary(messages.subscribe(topic)) for topic in topics))

    def unsubscribe(self, *topics):
        self.send(*(binary(messages.unsubscribe(topic)) for topic in topics))

    def relay(self, topic, *payloads):
        self.send(*(binary(messages.relay(topic, payload)) for payload in payloads))


def close_all():
    for connection in opened:
        with contextlib.suppress(OSError):
            connection.close()
    opened.clear()


def random_key():
    return base64.b64encode(os.urandom(16)).decode()

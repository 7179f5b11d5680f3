"""A fake server: accepts one connection at a time, records its messages, and sends given answers."""
import base64
import hashlib
import socket
import threading

from support.raw_client import BINARY, CLOSE, TEXT, frame, mask

ACCEPT_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def upgraded(key, *more, connection="Upgrade"):
    accept = base64.b64encode(hashlib.sha1(key.encode() + ACCEPT_SUFFIX).digest()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", f"Connection: {connection}",
             f"Sec-WebSocket-Accept: {accept}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Recorder:
    """answer(key): the bytes that answer an upgrade. replies(text): the writes that answer a text message."""

    def __init__(self, answer=upgraded, replies=lambda text: []):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}"
        self._answer = answer
        self._replies = replies
        self.requests = []
        self.texts = []
        self.closes = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with connection, connection.makefile("rb") as reader:
                    self._serve_one(connection, reader)
            except OSError:
                pass

    def _serve_one(self, connection, reader):
        lines = []
        while (line := reader.readline()) not in (b"\r\n", b""):
            lines.append(line.decode().rstrip("\r\n"))
        self.requests.append(lines)
        key = next((line.split(": ")[1] for line in lines if line.lower().startswith("sec-websocket-key: ")), "")
        connection.sendall(self._answer(key))
        while head := reader.read(2):
            size = head[1] & 0x7F
            assert head[1] & 0x80, "a client's frame must be masked"
            if size == 126:
                size = int.from_bytes(reader.read(2), "big")
            key = reader.read(4)
            payload = mask(reader.read(size), key)
            assert head[0] in (0x80 | TEXT, 0x80 | CLOSE), f"{head[0]:#x}: not one whole frame"
            if head[0] & 0xF == CLOSE:
                self.closes.append(payload)
                connection.sendall(frame(CLOSE, payload, key=None))
                return
            self.texts.append(payload.decode())
            for write in self._replies(payload.decode()):
                connection.sendall(write)

    def close(self):
        self._listener.close()


def text_frame(text):
    return frame(TEXT, text.encode(), key=None)


def binary_frame(payload):
    return frame(BINARY, payload, key=None)

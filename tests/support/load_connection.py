"""LoadConnection: one WebSocket connection of a load, on asyncio, with as little work for each message as possible."""
import asyncio
import base64
import json
import struct

import cbor2

from support.messages import relay, subscribe
from support.raw_client import BINARY, CLOSE, PING, PONG, TEXT, frame_header, upgrade_request

# A mask of zeros is allowed, and leaves the bytes unchanged: nothing has to be masked.
_NO_MASK = bytes(4)
# The payload of a load's relay: stream id, number in the stream, and padding that shows corruption.
_HEAD = struct.Struct(">IQ")
_SUBPROTOCOLS = {"v2": "cairn.signal.v2"}
DIALECTS = ("native", "v2", "json")


def payload_of(stream_id, number, size):
    return _HEAD.pack(stream_id, number).ljust(size, bytes([stream_id % 251]))


def read_payload(payload):
    """(stream id, number), or None if no load has sent it."""
    if len(payload) < _HEAD.size:
        return None
    stream_id, number = _HEAD.unpack_from(payload)
    return (stream_id, number) if payload == payload_of(stream_id, number, len(payload)) else None


class LoadConnection(asyncio.Protocol):
    """Thread: its event loop's. Calls on_message(name, fields) for each message and on_end(why) once."""

    def __init__(self, dialect):
        self.dialect = dialect
        self.peer_id = None  # of cairn.signal.v2
        self.on_message = lambda name, fields: None
        self.on_end = lambda why: None
        self.upgraded = asyncio.get_running_loop().create_future()
        self._transport = None
        self._unread = bytearray()
        self._why = "ended without a Close frame"

    @classmethod
    async def open(cls, address, dialect):
        """A connection whose upgrade is done; with cairn.signal.v2, Welcome has not been received yet."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: cls(dialect), *address)
        await connection.upgraded
        return connection

    # ---- sends

    def subscribe(self, topic):
        self._send(BINARY, subscribe(topic))

    def say(self, topic, payload, number):
        """Sends a relay; with cairn.signal.v2 it asks for a receipt, whose id is the number; a JSON client publishes."""
        if self.dialect == "json":
            said = {"type": "publish", "topic": topic, "payload": base64.b64encode(payload).decode()}
            self._send(TEXT, json.dumps(said).encode())
        elif self.dialect == "v2":
            self._send(BINARY, cbor2.dumps({"Relay": {"topic": topic, "payload": payload, "id": number}}))
        else:
            self._send(BINARY, relay(topic, payload))

    def query(self, topic):
        self._send(TEXT, json.dumps({"type": "query", "topic": topic}).encode())

    def _send(self, opcode, payload):
        self._transport.write(frame_header(opcode, len(payload), key=_NO_MASK) + payload)

    def abort(self):
        self.on_message = lambda name, fields: None
        self.on_end = lambda why: None
        if self._transport:
            self._transport.abort()

    # ---- asyncio.Protocol

    def connection_made(self, transport):
        self._transport = transport
        wanted = _SUBPROTOCOLS.get(self.dialect)
        transport.write(upgrade_request(headers=[("Sec-WebSocket-Protocol", wanted)] if wanted else []))

    def data_received(self, data):
        self._unread += data
        if not self.upgraded.done() and not self._take_answer():
            return
        while (received := self._take_frame()) is not None:
            self._on_frame(*received)

    def connection_lost(self, exc):
        why = f"{self._why}: {exc}" if exc else self._why
        if not self.upgraded.done():
            self.upgraded.set_exception(ConnectionError(why))
        self.on_end(why)

    def _take_answer(self):
        head, end, rest = bytes(self._unread).partition(b"\r\n\r\n")
        if not end:
            return False
        self._unread = bytearray(rest)
        if b" 101 " in head.split(b"\r\n")[0]:
            self.upgraded.set_result(None)
            return True
        self.upgraded.set_exception(ConnectionError(head.decode("latin-1")))
        self._transport.abort()
        return False

    def _take_frame(self):
        """(opcode, payload) of the next complete frame. A server does not mask frames, and ours does not fragment them."""
        unread = self._unread
        if len(unread) < 2:
            return None
        length_bytes = {126: 2, 127: 8}.get(unread[1], 0)
        begin = 2 + length_bytes
        size = int.from_bytes(unread[2:begin], "big") if length_bytes else unread[1]
        if len(unread) < begin + size:
            return None
        opcode, payload = unread[0] & 0xF, bytes(unread[begin:begin + size])
        del unread[:begin + size]
        return opcode, payload

    def _on_frame(self, opcode, payload):
        if opcode == BINARY:
            name, fields = next(iter(cbor2.loads(payload).items()))
            if name == "Welcome":
                self.peer_id = fields["peer"]
            self.on_message(name, fields)
        elif opcode == TEXT:
            self.on_message("answer", json.loads(payload))
        elif opcode == PING:
            self._send(PONG, payload)
        elif opcode == CLOSE:
            self._why = f"closed with {int.from_bytes(payload[:2], 'big')} {payload[2:].decode()}"
            self._transport.close()

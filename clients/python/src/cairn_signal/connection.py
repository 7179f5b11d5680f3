"""One WebSocket to the server, from the upgrade to the close. It knows the form of messages and not what they mean."""
from __future__ import annotations

import asyncio
from typing import Any, AsyncIterator

import cbor2
from websockets.exceptions import ConnectionClosed, WebSocketException

from .errors import Close

try:  # websockets 13 and later
    from websockets.asyncio.client import connect as _dial
    _HEADERS = "additional_headers"
except ImportError:
    from websockets.client import connect as _dial  # type: ignore[no-redef,assignment,unused-ignore]
    _HEADERS = "extra_headers"

SUBPROTOCOL = "cairn.signal.v2"
_OPEN_TIMEOUT = 10.0
_LARGEST = 65 << 20  # what a server can be told to allow, and its frame

# Ends that another try would not change: a token that is not valid, a fault of this client, a limit it broke, or an
# operator's order.
_FINAL = {401, 1002, 1003, 1007, 1008, 1009}


def is_final(close: Close) -> bool:
    return close.code in _FINAL


class Failed(Exception):
    """The connection did not come about, or is over."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.close = Close(code, reason)


class Connection:
    """Use open()."""

    def __init__(self, url: str, socket: Any) -> None:
        self.url = url
        self._socket = socket

    @classmethod
    async def open(cls, url: str, token: str | None, **options: Any) -> Connection:
        """Raises Failed. options go to websockets.connect()."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            socket = await _dial(url, subprotocols=[SUBPROTOCOL], compression=None, max_size=_LARGEST,
                                 open_timeout=_OPEN_TIMEOUT, **{_HEADERS: headers}, **options)
        except (OSError, asyncio.TimeoutError, WebSocketException) as error:
            response = getattr(error, "response", None)
            status = getattr(response, "status_code", None) or getattr(error, "status_code", None)
            raise Failed(status or 1006, str(error) or type(error).__name__) from error
        if socket.subprotocol != SUBPROTOCOL:
            await socket.close()
            raise Failed(1002, f"the server does not speak {SUBPROTOCOL}")
        return cls(url, socket)

    async def send(self, name: str, fields: dict[str, Any]) -> None:
        """Waits while the network takes nothing more. Raises Failed."""
        try:
            await self._socket.send(encode(name, fields))
        except ConnectionClosed as error:
            raise _failed(error) from error

    async def messages(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """What the server says, until Failed."""
        while True:
            try:
                message = await self._socket.recv()
            except ConnectionClosed as error:
                raise _failed(error) from error
            try:
                [(name, fields)] = cbor2.loads(message).items()
            except Exception:  # Text, which is another dialect, or not ours: cbor2 raises many kinds.
                continue
            if isinstance(fields, dict):
                yield name, fields

    async def close(self) -> None:
        await self._socket.close()


def _failed(error: ConnectionClosed) -> Failed:
    close = error.rcvd
    return Failed(close.code, close.reason) if close else Failed(1006, "")


def encode(name: str, fields: dict[str, Any]) -> bytes:
    """A field that is None is left out: null for a missing field is an error to the server."""
    encoded: bytes = cbor2.dumps({name: {key: value for key, value in fields.items() if value is not None}})
    return encoded

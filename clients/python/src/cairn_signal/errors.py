"""What goes wrong."""
from __future__ import annotations

from typing import NamedTuple


class Close(NamedTuple):
    """Why a connection ended: a close code (RFC 6455), or the HTTP status of a refused upgrade, or 1006; and a text."""

    code: int
    reason: str

    def __str__(self) -> str:
        return f"{self.code} {self.reason}".rstrip()


class ConnectError(ConnectionError):
    """No server could be reached, or none let us in. `attempts` has each URL and why."""

    def __init__(self, attempts: list[tuple[str, Close]]) -> None:
        super().__init__("; ".join(f"{url}: {close}" for url, close in attempts))
        self.attempts = attempts


class ClosedError(ConnectionError):
    """The server ended the connection for good: the application has to change something, or an operator did it."""

    def __init__(self, close: Close) -> None:
        super().__init__(f"closed: {close}")
        self.code, self.reason = close


class NotConnectedError(ConnectionError):
    """There is no connection now, or it or the subscription ended before the answer came: whether the message arrived is
    unknown."""

"""Client of cairn-signal's protocol cairn.signal.v2: peers meet under a topic without polling."""
from .client import SignalClient, connect
from .errors import ClosedError, ConnectError, NotConnectedError
from .events import Connected, Disconnected, Draining, Event, Joined, Left, Missed, Relay, ServerError

__all__ = [
    "ClosedError", "ConnectError", "Connected", "Disconnected", "Draining", "Event", "Joined", "Left", "Missed",
    "NotConnectedError", "Relay", "ServerError", "SignalClient", "connect",
]

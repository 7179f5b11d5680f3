"""Clients of cairn.signal.v2 in a shape."""
from support.v2_client import SUBPROTOCOL, V2Client


def v2_client(shape, edge=None, offers=(SUBPROTOCOL,)):
    return V2Client(shape.peer(edge, subprotocols=list(offers)))

"""FakeLane: the edge's side of a lane on Python's grpcio; sends any message of proto/signaling/v1/lane.proto, and reads answers."""
import hashlib
import itertools
import os
import queue
import struct
import threading

import grpc

from support.admin_api import lane_pb
from support.waiting import PATIENCE, eventually

PROTOCOL_VERSION = 2
_BEAT_SECONDS = 0.25


def _hash(text):
    return struct.unpack(">Q", hashlib.sha256(text).digest()[:8])[0]


def lane_id_of(secret):
    """The hash of proto/link/identity.h."""
    return _hash(b"lane " + secret)


def peer_id_of(secret, proof):
    return _hash(b"peer " + secret + struct.pack(">Q", proof))


def new_hello(edge, /, *, secret=None, **fields):
    """The Hello of a lane of that edge. Two lanes with the same secret are the same lane."""
    secret = os.urandom(16) if secret is None else secret
    fields = {"protocol_version": PROTOCOL_VERSION, "lane_id": lane_id_of(secret), "secret": secret, "edge": edge, **fields}
    return lane_pb.Hello(**fields)


class FakeLane:
    """An open lane without peers. Threads: gRPC's, one that reads, and one that sends beats."""

    def __init__(self, admin, name="fake", *, acknowledges=True, beats=True, core_id=0, roster=(), snapshot_ends=True, secret=None,
                 next_seq=1, wait=True, hello=None):
        """admin: support.admin_api.Admin of the core, for its channel. beats: sends a message several times a second, like a
        live lane. core_id, roster: of an earlier core. wait: for Welcome. hello: further fields of Hello."""
        self.received = []
        self.end = None  # (code, text) of how it ended
        self.secret = os.urandom(16) if secret is None else secret
        self.lane_id = lane_id_of(self.secret)
        self._acknowledges = acknowledges
        self._handled = 0  # the highest number received from the core
        self._said = queue.Queue()
        self._mutex = threading.Lock()
        self._number = 0  # the highest number sent
        self._proofs = itertools.count(1)
        self._said.put(lane_pb.LaneToCore(hello=new_hello(
            name, **{"secret": self.secret, "core_id": core_id, "link": 1 if core_id else 0,
                     "roster": lane_pb.Roster(lanes=roster, complete=True), **(hello or {})})))
        self._call = admin.lanes.Open(iter(self._said.get, None), metadata=admin.metadata)
        threading.Thread(target=self._read, daemon=True).start()
        if not wait:
            return
        eventually(lambda: self.received or self.end, "a welcome")
        assert self.end is None, self.end
        self.welcome = self.received[0].welcome
        if snapshot_ends:
            self.say(lane_pb.LaneEvent(kind="KIND_SNAPSHOT_END", next_seq=next_seq))
        if beats:
            threading.Thread(target=self._beat, daemon=True).start()

    def _read(self):
        try:
            for message in self._call:
                if self._acknowledges:
                    self._handled = max(self._handled, message.number)
                self.received.append(message)
            self.end = (grpc.StatusCode.OK, "")
        except grpc.RpcError as error:
            self.end = (error.code(), error.details())

    def _beat(self):
        wait = threading.Event().wait
        while not self.end:
            self._said.put(lane_pb.LaneToCore(received=self._handled))
            wait(_BEAT_SECONDS)

    def deliveries(self):
        return [delivery for message in list(self.received) for delivery in message.deliveries]

    def say(self, *events):
        with self._mutex:
            self._number += 1
            self._said.put(lane_pb.LaneToCore(number=self._number, received=self._handled, events=events))

    def say_message(self, **fields):
        """Sends a message, also one that no real edge would send."""
        with self._mutex:
            self._number += 1
            self._said.put(lane_pb.LaneToCore(number=self._number, received=self._handled, **fields))

    # ---- peers of its own

    def new_peer(self):
        """(id, proof)."""
        proof = next(self._proofs)
        return peer_id_of(self.secret, proof), proof

    def open_peer(self, address="192.0.2.1:1", **info):
        """(id, proof)."""
        peer, proof = self.new_peer()
        self.say(lane_pb.LaneEvent(kind="KIND_PEER_OPENED", peer=peer, proof=proof,
                                   info=lane_pb.PeerInfo(remote_address=address, **info)))
        return peer, proof

    def subscribe(self, topic):
        """Opens a peer of this lane and subscribes it. Returns its id."""
        peer, _ = self.open_peer()
        self.say(lane_pb.LaneEvent(kind="KIND_SUBSCRIBED", peer=peer, topic=topic.encode(), is_new=True))
        return peer

    def relay(self, peer, topic, payload, seq, **fields):
        """peer: (id, proof)."""
        self.say(lane_pb.LaneEvent(kind="KIND_RELAYED", peer=peer[0], proof=peer[1], topic=topic.encode(), payload=payload, seq=seq,
                                   **fields))

    def await_end(self, within=PATIENCE):
        """(code, text)."""
        return eventually(lambda: self.end, "the end of the lane", within)

    def close(self):
        self._call.cancel()
        self._said.put(None)

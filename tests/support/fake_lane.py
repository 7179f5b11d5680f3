"""FakeLane: a lane of an edge that is not ours: says what a test wants of proto/signaling/v1/lane.proto, and reads on."""
import itertools
import queue
import threading

import grpc

from support.admin_api import lane_pb
from support.waiting import PATIENCE, eventually

PROTOCOL_VERSION = 2
_BEAT_SECONDS = 0.25
_ids = itertools.count(0xFA4E0001)


class FakeLane:
    """Opened, with nothing to tell. Threads: gRPC's, one that reads, and one that beats."""

    def __init__(self, admin, name="fake", *, acknowledges=True, beats=True, core_id=0, roster=(), snapshot_ends=True):
        """admin: support.admin_api.Admin of the core, for its channel. beats: says something several times a second, as a
        lane does that lives. core_id, roster: of a core that it knew before."""
        self.received = []
        self.end = None  # (code, text) of how it ended
        self.lane_id = next(_ids)
        self._acknowledges = acknowledges
        self._handled = 0  # of the core's numbers
        self._said = queue.Queue()
        self._mutex = threading.Lock()
        self._number = 0  # of what it has said itself
        self._seq = 0
        self._peers = itertools.count(self.lane_id << 16)
        self._said.put(lane_pb.LaneToCore(hello=lane_pb.Hello(
            protocol_version=PROTOCOL_VERSION, lane_id=self.lane_id, secret=bytes(16), edge=name, core_id=core_id,
            link=1 if core_id else 0, roster=lane_pb.Roster(lanes=roster, complete=True))))
        self._call = admin.lanes.Open(iter(self._said.get, None), metadata=admin.metadata)
        threading.Thread(target=self._read, daemon=True).start()
        eventually(lambda: self.received or self.end, "a welcome")
        assert self.end is None, self.end
        self.welcome = self.received[0].welcome
        if snapshot_ends:
            self.say(lane_pb.LaneEvent(kind="KIND_SNAPSHOT_END"))
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

    def subscribe(self, topic):
        """A peer of its own."""
        peer = next(self._peers)
        self.say(lane_pb.LaneEvent(kind="KIND_PEER_OPENED", peer=peer, info=lane_pb.PeerInfo(remote_address="192.0.2.1:1")),
                 lane_pb.LaneEvent(kind="KIND_SUBSCRIBED", peer=peer, topic=topic.encode(), is_new=True))

    def await_end(self, within=PATIENCE):
        """(code, text)."""
        return eventually(lambda: self.end, "the end of the lane", within)

    def close(self):
        self._call.cancel()
        self._said.put(None)

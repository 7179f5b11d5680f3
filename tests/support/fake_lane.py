"""FakeLane: a lane of an edge that is not ours: says what a test wants of proto/signaling/v1/lane.proto, and reads on."""
import itertools
import queue
import threading

import grpc

from support.admin_api import lane_pb
from support.waiting import PATIENCE, eventually

_ids = itertools.count(0xFA4E0001)


class FakeLane:
    """Opened, with nothing to tell. Threads: gRPC's, and one that reads."""

    def __init__(self, admin, name="fake"):
        """admin: support.admin_api.Admin of the core, for its channel."""
        self.received = []
        self.end = None  # (code, text) of how it ended
        self._said = queue.Queue()
        self._peers = itertools.count(next(_ids) << 16)
        hello = lane_pb.Hello(protocol_version=1, lane_id=next(_ids), edge=name)
        self._said.put(lane_pb.LaneToCore(hello=hello, events=[lane_pb.LaneEvent(kind="KIND_SNAPSHOT_END")]))
        self._call = admin.lanes.Open(iter(self._said.get, None), metadata=admin.metadata)
        threading.Thread(target=self._read, daemon=True).start()
        eventually(lambda: self.received or self.end, "a welcome")
        assert self.end is None, self.end

    def _read(self):
        try:
            for message in self._call:
                self.received.append(message)
            self.end = (grpc.StatusCode.OK, "")
        except grpc.RpcError as error:
            self.end = (error.code(), error.details())

    def deliveries(self):
        return [delivery for message in list(self.received) for delivery in message.deliveries]

    def say(self, *events):
        self._said.put(lane_pb.LaneToCore(events=events))

    def subscribe(self, topic):
        """A peer of its own."""
        peer = next(self._peers)
        self.say(lane_pb.LaneEvent(kind="KIND_PEER_OPENED", peer=peer, info=lane_pb.PeerInfo(remote_address="192.0.2.1:1")),
                 lane_pb.LaneEvent(kind="KIND_SUBSCRIBED", peer=peer, topic=topic.encode()))

    def await_end(self, within=PATIENCE):
        """(code, text)."""
        return eventually(lambda: self.end, "the end of the lane", within)

    def close(self):
        self._call.cancel()
        self._said.put(None)

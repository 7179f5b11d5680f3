"""FakeCore: the core's side of a lane on Python's grpcio, to test edges against another implementation of gRPC."""
import concurrent.futures
import contextlib
import queue
import threading
import time

import grpc
from support.admin_api import lane_pb, lane_pb2_grpc
from support.waiting import PATIENCE

CORE_ID = 77
_END = object()


class Lane:
    """One stream that an edge has opened: reads its messages, sends it messages, ends it."""

    def __init__(self, requests, context):
        self.metadata = dict(context.invocation_metadata())
        self._requests = requests
        self._answers = queue.SimpleQueue()
        self._number = 0
        self.received = 0
        self._said = queue.Queue()
        self.hello = next(requests).hello
        threading.Thread(target=self._read, daemon=True).start()

    def answers(self, context):
        while (answer := self._answers.get()) is not _END:
            if isinstance(answer, tuple):
                context.abort(*answer)
            yield answer

    def welcome(self, outcome=lane_pb.Welcome.OUTCOME_NEW):
        self._answers.put(lane_pb.CoreToLane(welcome=lane_pb.Welcome(
            protocol_version=2, core_id=CORE_ID, outcome=outcome, link=self.hello.link or 1, received=self.hello.received)))

    def tell(self, **fields):
        self._number += 1
        self._answers.put(lane_pb.CoreToLane(number=self._number, received=self.received, **fields))

    def tell_raw(self, message):
        self._answers.put(message)

    def end(self, code=None, details=""):
        self._answers.put((code, details) if code else _END)

    def _read(self):
        with contextlib.suppress(grpc.RpcError):
            for message in self._requests:
                self._said.put(message)

    def next(self):
        """The next numbered message."""
        deadline = time.monotonic() + PATIENCE
        while True:
            # Messages without a number (beats, acknowledgements) are skipped.
            message = self._said.get(timeout=max(0, deadline - time.monotonic()))
            self.received = max(self.received, message.number)
            if message.number:
                return message

    def events(self, kind):
        """The lane's events from now on, up to the first one of that kind, with that one."""
        said = []
        while not any(event.kind == kind for event in said):
            said += self.next().events
        return said


class FakeCore(lane_pb2_grpc.LanesServicer):
    def __init__(self, address="127.0.0.1:0", credentials=None):
        self._lanes = queue.Queue()
        self._opened = []
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
        lane_pb2_grpc.add_LanesServicer_to_server(self, self._server)
        add = self._server.add_insecure_port if credentials is None else (
            lambda where: self._server.add_secure_port(where, credentials))
        self.port = add(address)
        self._server.start()

    def Open(self, request_iterator, context):
        lane = Lane(request_iterator, context)
        self._opened.append(lane)
        self._lanes.put(lane)
        yield from lane.answers(context)

    def lane(self):
        """The next stream that an edge opens."""
        return self._lanes.get(timeout=PATIENCE)

    def stop(self):
        """Stops like a core that shuts down: GOAWAY, then the connections close."""
        for lane in self._opened:
            lane.end()
        self._server.stop(None).wait(PATIENCE)

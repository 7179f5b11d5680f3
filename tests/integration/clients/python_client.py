"""What the signaling backend of the Python library (cairn-p2p 0.4.0, src/cairn/discovery/mdns.py) does, acted out.

Facts:
  - a WebSocket (the websockets package with its defaults: permessage-deflate offered, a User-Agent that begins with
    "Python/", pings every 20 s whose pong is waited for 20 s, Close handshake) for each operation, with the token as
    `Authorization: Bearer …`;
  - announce says {"type": "announce", "topic": …, "peer_id": hex, "addresses": [text, …]} as json.dumps writes it, with
    blanks and everything beyond ASCII escaped, then waits up to 5 s for one frame of whatever content;
  - query says {"type": "query", "topic": …} and takes the first frame within 5 s: every peer's `peer_id` as hex and its
    `addresses` as they are; any mistake in it, such as one peer_id that is not hex, means "nobody";
  - it needs version 14 of the websockets package, and is silent with 12 and 13, which have no additional_headers;
  - it asks the server before it looks at what it has announced itself.
"""
import asyncio
import collections
import json
import threading

import websockets

WAIT_SECONDS = 5

# The content of an announce, and the result of a query.
PeerInfo = collections.namedtuple("PeerInfo", "peer_id addresses")


class PythonClient:
    def __init__(self, url, token=None):
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._kept = collections.defaultdict(list)
        self.timed_out = False
        self.errors = []
        self.said = threading.Event()

    def _run(self, operation):
        """Its result; None, as the library, for whatever goes wrong."""
        async def connect_and_run():
            # additional_headers from version 14 of the package on.
            async with websockets.connect(self._url, extra_headers=self._headers) as connection:
                return await operation(connection)

        self.said.clear()
        try:
            return asyncio.run(connect_and_run())
        except (OSError, websockets.WebSocketException) as error:
            self.errors.append(error)
            return None

    async def _exchange(self, connection, message):
        """The first frame that comes back, or None."""
        await connection.send(json.dumps(message))
        self.said.set()
        try:
            return await asyncio.wait_for(connection.recv(), WAIT_SECONDS)
        except asyncio.TimeoutError:
            self.timed_out = True
            return None

    def publish(self, topic, info):
        """What acknowledged it."""
        self._kept[topic].append(info)
        return self._run(lambda connection: self._exchange(connection, {
            "type": "announce", "topic": topic, "peer_id": info.peer_id.hex(), "addresses": info.addresses}))

    def query(self, topic):
        """A list of PeerInfo."""
        frame = self._run(lambda connection: self._exchange(connection, {"type": "query", "topic": topic}))
        return self._read(frame) or list(self._kept[topic])

    def _read(self, frame):
        try:
            return [PeerInfo(bytes.fromhex(peer["peer_id"]), peer["addresses"]) for peer in json.loads(frame)["peers"]]
        except (TypeError, ValueError, KeyError) as error:
            self.errors.append(error)
            return []

    def close(self):
        self._kept.clear()

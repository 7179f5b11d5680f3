"""Drives typescript.mjs, which imitates the TypeScript library: all of a test's backends live in one Node process."""
import itertools
import json
import os
import pathlib
import queue
import subprocess
import threading

from support.waiting import PATIENCE

SCRIPT = pathlib.Path(__file__).with_name("typescript.mjs")
# Where Debian's node-ws is; its own nodejs looks there by itself, others have to be told.
DEBIAN_MODULES = "/usr/share/nodejs"


class NodeProcess:
    def __init__(self):
        paths = [path for path in (os.environ.get("NODE_PATH"), DEBIAN_MODULES) if path]
        self._popen = subprocess.Popen(["node", str(SCRIPT)], env={**os.environ, "NODE_PATH": ":".join(paths)},
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ids = itertools.count(1)
        self._calls = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._popen.stdout:
            answer = json.loads(line)
            said, results = self._calls[answer["id"]]
            if answer.get("said"):
                said.set()
            else:
                results.put(answer["result"])

    def call(self, said=None, **command):
        """What the call returns. said: an event for when its message is on its way."""
        results = queue.Queue()
        with self._lock:
            number = next(self._ids)
            self._calls[number] = (said or threading.Event(), results)
            self._popen.stdin.write(json.dumps({"id": number, **command}) + "\n")
            self._popen.stdin.flush()
        return results.get(timeout=PATIENCE)

    def finish(self):
        self._popen.stdin.close()
        assert self._popen.wait(PATIENCE) == 0


class TypeScriptClient:
    _numbers = itertools.count(1)

    def __init__(self, node, url):
        self._node = node
        self._backend = next(self._numbers)
        self.said = threading.Event()
        node.call(backend=self._backend, do="new", url=url)

    def publish(self, topic, blob):
        """Returns when the message is on its way; False: there is no connection, and the library says nothing of it."""
        self.said.clear()
        if not self._node.call(self.said, backend=self._backend, do="publish", topic=topic, blob=blob.hex()):
            return False
        assert self.said.wait(PATIENCE)
        return True

    def query(self, topic):
        """The blob, or None."""
        self.said.clear()
        blob = self._node.call(self.said, backend=self._backend, do="query", topic=topic)
        return None if blob is None else bytes.fromhex(blob)

    def close(self):
        self._node.call(backend=self._backend, do="stop")

"""The lines of Python and JavaScript in docs/CLIENTS.md run, on imitations (clients/) with the published classes' interfaces."""
import ast
import asyncio
import os
import re
import subprocess
import sys
import types

import pytest
from clients.python_client import PeerInfo, PythonClient
from clients.typescript_client import DEBIAN_MODULES, SCRIPT
from support.process import ROOT

PAGE = (ROOT / "docs/CLIENTS.md").read_text()
SETTINGS = PAGE.split("\n## Settings\n")[1].split("\n## ")[0]
TOKEN = "a+token/of the tests"
TOPIC, OTHER_TOPIC = bytes(range(32)), bytes(range(32, 64))


def block(language, index=0):
    return re.findall(rf"^```{language}\n(.*?)^```$", SETTINGS, re.M | re.S)[index]


class SignalingBackend:
    """cairn-p2p 0.4.0's interface: topics are RendezvousId, all but the constructor is awaited."""

    def __init__(self, server_urls, auth_token):
        self._client = PythonClient(server_urls[0], auth_token)

    async def announce(self, rendezvous_id, peer_info):
        await asyncio.to_thread(self._client.publish, rendezvous_id.hex(), peer_info)

    async def query(self, rendezvous_id):
        return await asyncio.to_thread(self._client.query, rendezvous_id.hex())

    async def stop(self):
        self._client.close()


@pytest.fixture
def published_package(monkeypatch):
    """`cairn.discovery`, with the three names that the page imports."""
    module = types.ModuleType("cairn.discovery")
    module.SignalingBackend, module.RendezvousId, module.PeerInfo = SignalingBackend, bytes, PeerInfo
    monkeypatch.setitem(sys.modules, "cairn", types.ModuleType("cairn"))
    monkeypatch.setitem(sys.modules, "cairn.discovery", module)


def url_of(shape, edge=0):
    host, port = shape.address(edge)
    return f"ws://{host}:{port}"


def run_python(shape, my_id):
    code = compile(block("python"), "docs/CLIENTS.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names = {"url": url_of(shape), "token": TOKEN, "topic": TOPIC, "my_id": my_id}
    # Without an await at its top level, the block runs at once and there is nothing to wait for.
    asyncio.run(types.FunctionType(code, names)())


def test_the_lines_of_python_find_the_other_peer(make_shape, published_package, capsys):
    shape = make_shape("--auth-token", TOKEN)
    run_python(shape, b"\x01" * 4)
    assert capsys.readouterr().out == "", "it does not find itself"
    run_python(shape, b"\x02" * 4)
    assert capsys.readouterr().out == "01010101 ['tcp://192.0.2.7:4001']\n"


def run_javascript(shape, topic, other_topic, blob):
    """The result of the page's query, in hex."""
    program = "\n".join([
        f"import {{ SignalingBackend as Imitation, WebSocket }} from {str(SCRIPT.with_name('typescript_backend.mjs'))!r};",
        "globalThis.WebSocket = WebSocket;",
        "const hex = (bytes) => Buffer.from(bytes).toString('hex');",
        "class RendezvousId { constructor(bytes) { this.hex = hex(bytes); } }",
        "class SignalingBackend extends Imitation {",
        "  constructor({ urls }) { super(urls[0]); }",
        "  publish(id, blob) { return super.publish(id.hex, Buffer.from(blob)); }",
        "  query(id) { return super.query(id.hex); }",
        "}",
        f"const [url, token] = [{url_of(shape)!r}, {TOKEN!r}];",
        f"const [topic, otherTopic, blob] = [{topic!r}, {other_topic!r}, {blob!r}].map((text) => Buffer.from(text, 'hex'));",
        block("js", 1), block("js", 0),
        "console.log(found && hex(found));",
    ])
    paths = [path for path in (os.environ.get("NODE_PATH"), DEBIAN_MODULES) if path]
    done = subprocess.run(["node", "--input-type=module", "-e", program], capture_output=True, text=True, timeout=30,
                          env={**os.environ, "NODE_PATH": ":".join(paths)})
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_lines_of_typescript_find_the_other_peer(make_shape):
    shape = make_shape("--auth-token", TOKEN)
    assert run_javascript(shape, TOPIC.hex(), OTHER_TOPIC.hex(), "cafe") == "null"
    assert run_javascript(shape, OTHER_TOPIC.hex(), TOPIC.hex(), "beef") == "cafe"

"""The imitations of the published client libraries send what the libraries send."""
import json

from clients import recorder
from clients.go_client import GoClient
from clients.python_client import PeerInfo, PythonClient
from clients.rust_client import RustClient
from clients.typescript_client import TypeScriptClient
from support.library_clients import node  # noqa: F401
from support.waiting import eventually


# ---- the imitations themselves


def said_to_a_recorder(make_client, operation, replies=lambda text: []):
    """(lines of the upgrade request, text, payload of the Close) of one operation."""
    server = recorder.Recorder(replies=replies)
    client = make_client(server.url)
    operation(client)
    client.close()
    eventually(lambda: server.closes, "a close")
    server.close()
    assert len(server.requests) == len(server.texts) == 1
    return server.url, server.requests[0], server.texts[0], server.closes[0]


def without_key(lines):
    return ["Sec-WebSocket-Key: …" if line.startswith("Sec-WebSocket-Key: ") else line for line in lines]


def test_the_go_imitation_sends_what_the_library_sends():
    url, request, text, close = said_to_a_recorder(lambda url: GoClient(url, "secret"), lambda c: c.publish("70", b"\xca\xfe"))
    assert without_key(request) == [
        "GET / HTTP/1.1", f"Host: {url[5:]}", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: …",
        f"Origin: {url}", "Sec-WebSocket-Version: 13", "Authorization: Bearer secret"]
    assert text == '{"type":"announce","topic":"70","addresses":["cafe"]}'
    assert close == b"\x03\xe8"
    assert said_to_a_recorder(GoClient, lambda c: c.query("70"), lambda text: [recorder.text_frame('{"peers":[]}')])[2] == (
        '{"type":"query","topic":"70"}')


def test_the_rust_imitation_sends_what_the_library_sends():
    url, request, text, close = said_to_a_recorder(lambda url: RustClient(url, "secret"), lambda c: c.publish("70", b"\xca\xfe"))
    assert without_key(request) == [
        "GET / HTTP/1.1", f"Host: {url[5:]}", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: …", "authorization: Bearer secret"]
    assert text == '{"payload":"yv4=","topic":"70","type":"publish"}'
    assert close == b""
    assert said_to_a_recorder(RustClient, lambda c: c.query("70"))[2] == '{"topic":"70","type":"query"}'


def test_the_typescript_imitation_sends_what_the_library_sends(node):
    def make(url):
        return TypeScriptClient(node, url)

    _, request, text, close = said_to_a_recorder(make, lambda c: c.publish("70", b"\xca\xfe"))
    names = {line.split(": ")[0].lower() for line in request[1:]}
    assert request[0] == "GET / HTTP/1.1" and "sec-websocket-extensions" in names
    assert not names & {"authorization", "sec-websocket-protocol", "user-agent"}
    assert text == '{"type":"publish","topic":"70","payload":"yv4="}'
    assert close == b"\x03\xe8backend stopped"
    _, _, text, _ = said_to_a_recorder(make, lambda c: c.query("70"), lambda text: [
        recorder.text_frame('{"type":"result","topic":"70","payload":null}')])
    assert text == '{"type":"query","topic":"70"}'


def test_the_python_imitation_sends_what_the_library_sends():
    ack = [recorder.text_frame("whatever")]
    _, request, text, close = said_to_a_recorder(
        lambda url: PythonClient(url, "secret"), lambda c: c.publish("70", PeerInfo(b"\xca\xfe", ["a:1", "é"])), lambda _: ack)
    assert "Authorization: Bearer secret" in request
    assert any(line.startswith("User-Agent: Python/") for line in request)
    assert any(line.startswith("Sec-WebSocket-Extensions: permessage-deflate") for line in request)
    assert text == '{"type": "announce", "topic": "70", "peer_id": "cafe", "addresses": ["a:1", "\\u00e9"]}'
    assert close == b"\x03\xe8"


def test_a_go_client_reads_only_once():
    whole = recorder.text_frame('{"peers":[{"addresses":["cafe"]}]}')
    server = recorder.Recorder(replies=lambda text: [whole])
    assert GoClient(server.url).query("70") == [b"\xca\xfe"]
    server.close()
    too_long = recorder.text_frame(json.dumps({"peers": [{"addresses": ["ca" * 2048]}]}))
    server = recorder.Recorder(replies=lambda text: [too_long])
    client = GoClient(server.url, pause=lambda seconds: None)
    assert client.query("70") is None and client.attempts == 6
    server.close()

"""The bytes in docs/PROTOCOL.md, "Write a client in an hour", match their rows, and a server accepts and answers them like that."""
import re

import cbor2
import pytest
from support.process import ROOT
from support.v2_client import SUBPROTOCOL, V2Client

SECTION = (ROOT / "docs/PROTOCOL.md").read_text().split("\n## Write a client in an hour\n")[1].split("\n## ")[0]
ROWS = [(name, bytes.fromhex(row)) for name, row in re.findall(r'^\| `\{"(\w+)": [^|]*\| `([0-9a-f ]+)` \|', SECTION, re.M)]
# Of section 3: the server's messages.
ANSWERS = {"Subscribe": "Subscribed", "Unsubscribe": None, "Relay": None}


def test_each_row_of_bytes_is_the_canonical_message_of_its_name():
    assert [name for name, _ in ROWS] == ["Subscribe", "Unsubscribe", "Relay", "Relay", "Joined", "Relay", "Missed",
                                         "Draining"]
    for name, row in ROWS:
        decoded = cbor2.loads(row)
        assert list(decoded) == [name] and cbor2.dumps(decoded) == row


@pytest.mark.parametrize("index", range(4))
def test_the_server_answers_as_the_page_documents(shape, index):
    name, row = ROWS[index]
    client = V2Client(shape.peer(0, subprotocols=[SUBPROTOCOL]))
    client.send(row)
    answer = "Receipt" if "id" in cbor2.loads(row)[name] else ANSWERS[name]
    if answer:
        assert client.receive()[0] == answer
    client.assert_told_nothing_more()


@pytest.mark.parametrize("fields", [{"to": None}, {"id": None}, {"payload": "text"}, {"payload": None}, {"topic": None}])
def test_null_or_text_in_the_place_of_a_field_is_an_error(shape, fields):
    client = V2Client(shape.peer(0, subprotocols=[SUBPROTOCOL]))
    client.send(cbor2.dumps({"Relay": {"topic": "t", "payload": b"x", **fields}}))
    name, error = client.receive()
    assert (name, error["code"]) == ("Error", "not_a_message")


def test_a_cbor_record_is_not_understood(shape):
    client = V2Client(shape.peer(0, subprotocols=[SUBPROTOCOL]))
    # As cbor-x writes {"Subscribe": {"topic": "t"}} by default: definitions of records, tag 0xdfff, around it.
    client.send(bytes.fromhex("d9dfff83196800" "8169" + b"Subscribe".hex() + "d9dfff83196801" "8165" + b"topic".hex() + "6174"))
    assert client.receive()[0] == "Error"


def test_a_bearer_subprotocol_alone_lets_in_and_selects_nothing(make_shape):
    shape = make_shape("--auth-token", "a?>z")
    assert shape.peer(0, subprotocols=["cairn.bearer.YT8-eg"]).subprotocol is None
    assert V2Client(shape.peer(0, subprotocols=[SUBPROTOCOL, "cairn.bearer.YT8-eg"])).id

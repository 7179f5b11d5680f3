"""clients/conformance/check: our client passes, and each rule is broken by a client that it names."""
import re
import subprocess
import sys

import pytest
from support.process import ROOT
from support.waiting import PATIENCE

CHECK = ROOT / "clients/conformance/check"
RULES = 8
TOKEN = "a?>z"

# A small client without our library. `fault`: its mistake.
CLIENT = """
import asyncio, sys, cbor2, websockets
fault, url = sys.argv[1:3]
token = "cairn.bearer.YT8%2Beg" if fault == "token" else "cairn.bearer.YT8-eg"

def say(name, **fields):
    return cbor2.dumps({name: fields})

async def connection(number):
    wait, subscribed, offers = 0, fault == "eager", [token] if fault == "subprotocol" else ["cairn.signal.v2", token]
    async with websockets.connect(url, subprotocols=offers) as socket:
        subscribe = say("Subscribe", topic="room")
        if fault == "text":
            subscribe = '{"Subscribe":{"topic":"room"}}'
        elif fault == "array":
            subscribe = cbor2.dumps(["Subscribe", "room"])
        if not (fault == "subscribes once" and number):
            await socket.send(subscribe)
        while True:
            try:
                message = await socket.recv()
            except websockets.ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
                if code == 1008 and fault != "returns":
                    sys.exit(0)
                return 0 if fault == "hasty" else wait or 0.1
            if isinstance(message, str) and fault != "strict":
                continue
            [(name, fields)] = cbor2.loads(message).items()
            if name == "Subscribed":
                subscribed = True
            elif name == "Joined" and subscribed:
                more = {"null": {"to": None}, "to all": {}}.get(fault, {"to": fields["peer"]})
                payload = "text" if fault == "text payload" else b"hello"
                await socket.send(say("Relay", topic="room", payload=payload, **more))
            elif name == "Draining":
                wait = fields["wait"] / 1000

async def main():
    number = 0
    while True:
        await asyncio.sleep(await connection(number))
        number += 1
        if fault == "gives up" and number == 2:
            sys.exit(0)

asyncio.run(main())
"""


def check(*command, token=None, patience=PATIENCE):
    """(exit code, lines) of the program, pointed at that client."""
    flags = ["--token", token] if token else []
    done = subprocess.run([sys.executable, CHECK, *flags, "--patience", str(patience), "--", *map(str, command)], text=True,
                          capture_output=True, check=False, timeout=PATIENCE * 10)
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize("token", [None, TOKEN])
def test_the_first_example_of_the_python_library_passes(tmp_path, token):
    code = re.search(r"^```python\n(.*?)^```", (ROOT / "clients/python/README.md").read_text(), re.M | re.S)[1]
    script = tmp_path / "client.py"
    script.write_text(f"import sys\nsys.path.insert(0, {str(ROOT / 'clients/python/src')!r})\n" +
                      code.replace('"wss://signal.example.com"', "sys.argv[1], token=sys.argv[2] or None"))
    result, lines = check(sys.executable, script, "{url}", "{token}", token=token, patience=60)
    assert result == 0 and sum(line.startswith("ok ") for line in lines) == RULES, lines


FAULTS = {
    "": None, "subprotocol": "does not offer the subprotocol", "token": "it would be cairn.bearer.YT8-eg",
    "text": "a text message", "array": "not a map with one entry",
    "strict": "closed the connection", "null": "a field that is not used is left out", "text payload": "Relay.payload is 'text'",
    "to all": "to is None", "eager": "to is '00000000000000dd'", "hasty": "instead of 1500", "subscribes once": "not said within",
    "gives up": "after a connection that just breaks it comes back, and subscribes again: no connection", "returns": "it came back",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_rule_is_named(tmp_path, fault):
    script = tmp_path / "client.py"
    script.write_text(CLIENT)
    result, lines = check(sys.executable, script, fault, "{url}", token=TOKEN, patience=5)
    broken = [line for line in lines if line.startswith("BROKEN")]
    if FAULTS[fault] is None:
        assert result == 0 and not broken, lines
    else:
        assert result == 1 and len(broken) == 1 and FAULTS[fault] in broken[0], lines

"""The messages with which JSON clients publish and query, and the answers."""
import base64
import json

MAX_LARGE_ANSWER_BYTES = 65_536


def publish(topic, blob):
    return json.dumps({"type": "publish", "topic": topic, "payload": base64.b64encode(blob).decode()})


def announce(topic, addresses, **more):
    return json.dumps({"type": "announce", "topic": topic, "addresses": addresses, **more})


def query(topic):
    return json.dumps({"type": "query", "topic": topic})


def read_answer(client, topic, most=MAX_LARGE_ANSWER_BYTES):
    """The next message, which must be the answer to a query for the topic."""
    text = client.receive()
    assert isinstance(text, str) and len(text.encode()) <= most
    answer = json.loads(text)
    assert list(answer) == ["type", "topic", "payload", "peers"]
    assert answer["type"] == "result" and answer["topic"] == topic
    return answer


def ask(client, topic, **options):
    client.send(query(topic))
    return read_answer(client, topic, **options)


def blobs(answer):
    """The answer's blobs, newest first; its payload must be that of the first."""
    found = [bytes.fromhex(address) for peer in answer["peers"] for address in peer["addresses"]]
    assert answer["payload"] == (base64.b64encode(found[0]).decode() if found else None)
    return found


def say_in_turn(shape, *clients_and_texts):
    """Publishes one after the other; each is in effect before the next is sent."""
    for client, text in clients_and_texts:
        client.send(text)
        shape.settle(client)

"""clients/python against real servers, in both shapes: what its README promises."""
import asyncio
import signal
import sys

import cbor2
import pytest
import websockets
from support.admin_api import Admin
from support.messages import new_topic, numbered
from support.ports import unused_port
from support.process import ROOT
from support.waiting import PATIENCE

sys.path.insert(0, str(ROOT / "clients/python/src"))
import cairn_signal  # noqa: E402
from cairn_signal import (ClosedError, ConnectError, Connected, Disconnected, Draining, Joined, Left,  # noqa: E402
                          Missed, NotConnectedError, Relay, ServerError)

TOKEN = "correct horse/battery+staple?"


def url(server):
    return "ws://%s:%d/" % server.address()


def connect(shape, edge=0, **options):
    return cairn_signal.connect(url(shape.edges[edge % len(shape.edges)]), **{"min_wait": 0.05, **options})


def run(test):
    return asyncio.run(asyncio.wait_for(test, PATIENCE * 2))


async def hear(client, kind):
    """The next event of that kind; others are passed over."""
    async with asyncio.timeout(PATIENCE):
        async for event in client:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"ended without {kind}")


def in_thread(function, *arguments):
    """The support code blocks, and the client must go on meanwhile."""
    return asyncio.get_running_loop().run_in_executor(None, function, *arguments)


# ---- messages


def test_peers_learn_of_each_other_and_relay_with_receipts(shape):
    async def test():
        topic = new_topic()
        async with connect(shape, 0) as one, connect(shape, 1) as other:
            assert await one.subscribe(topic) == 0
            assert await other.subscribe(topic) == 1
            assert await hear(one, Joined) == Joined(topic, other.peer)
            assert await one.relay(topic, b"to all", receipt=True) == 1
            assert await hear(other, Relay) == Relay(topic, b"to all", one.peer)
            assert await other.relay(topic, b"to one", to=one.peer) is None
            assert await hear(one, Relay) == Relay(topic, b"to one", other.peer)
            assert await one.relay(topic, b"", to="00000000000000ff", receipt=True) == 0
            await other.unsubscribe(topic)
            assert await hear(one, Left) == Left(topic, other.peer)
            assert await one.relay(topic, b"to nobody", receipt=True) == 0
    run(test())


def test_of_two_simultaneous_subscribers_exactly_one_gets_joined(shape):
    async def test():
        for _ in range(40):
            topic = new_topic()
            clients = [await connect(shape, edge) for edge in range(4)]
            await asyncio.gather(*(client.subscribe(topic) for client in clients))
            ids = [client.peer for client in clients]
            # Relays sent before the client's own relay was answered have arrived.
            await asyncio.gather(*(client.relay(topic, b"", receipt=True) for client in clients))
            pairs = []
            for client, own in zip(clients, ids):
                await client.close()
                pairs += [frozenset((own, event.peer)) async for event in client if isinstance(event, Joined)]
            assert len(pairs) == len(set(pairs)) == 6
    run(test())


def test_receipts_and_subscribes_may_be_awaited_at_once(shape):
    async def test():
        topics = [new_topic() for _ in range(20)]
        async with connect(shape, 0) as one, connect(shape, 1) as other:
            assert await asyncio.gather(*map(one.subscribe, topics)) == [0] * 20
            assert await asyncio.gather(other.subscribe(topics[0]), other.subscribe(topics[0])) == [1, 1]
            assert await asyncio.gather(*(other.relay(topic, b"x", receipt=True) for topic in topics)) == [1] * 20
    run(test())


def test_a_subscribe_that_is_unsubscribed_before_its_answer_ends_and_the_next_one_is_answered(shape):
    async def test():
        topic = new_topic()
        async with connect(shape) as client:
            ended = asyncio.create_task(client.subscribe(topic))
            await asyncio.sleep(0)
            await client.unsubscribe(topic)
            with pytest.raises(NotConnectedError, match="unsubscribed"):
                await ended
            for _ in range(20):
                given_up = asyncio.create_task(client.subscribe(topic))
                await asyncio.sleep(0)
                await client.unsubscribe(topic)
                assert await client.subscribe(topic) == 0
                with pytest.raises(NotConnectedError):
                    await given_up
    run(test())


def test_messages_above_a_limit_are_refused_by_the_client(make_shape):
    shape = make_shape("--max-message-bytes", "4000", "--max-topic-bytes", "77", "--max-topics", "2")

    async def test():
        async with connect(shape) as client:
            assert client.limits == {"message": 4000, "topic": 77, "topics": 2}
            assert await client.subscribe("x" * 77) == 0
            await client.subscribe("y")
            await client.subscribe("y")
            for wrong in (client.subscribe("x" * 78), client.subscribe("z"), client.relay("y", bytes(4000)),
                          client.relay("y", b"", to="me")):
                with pytest.raises(ValueError):
                    await wrong
            await client.unsubscribe("y")
            await client.subscribe("z")
            assert await client.relay("z", bytes(3900), receipt=True) == 0
            assert client.peer, "still connected"
    run(test())


def test_text_messages_and_unknown_messages_are_ignored():
    """A server of a later version."""
    async def test():
        async def serve(socket, *_):
            await socket.send(cbor2.dumps({"Welcome": {
                "peer": "00000000000000aa", "time": 1, "new": None,
                "limits": {"message": 1000, "topic": 100, "topics": 9, "new": [1]}}}))
            await socket.recv()
            for message in ({"Novelty": {"topic": "t", "x": {"y": [1.5, -1, None, True]}}}, {"Novelty": 7}, 5,
                            {"Joined": {"topic": "t"}}, {"Missed": {"topic": "t", "why": 3}},
                            {"Subscribed": {"topic": "t", "others": 1 << 60, "new": b""}},
                            {"Joined": {"topic": "t", "peer": "00000000000000bb", "new": 1}}):
                await socket.send(cbor2.dumps(message))
            await socket.send("text")
            await socket.send(b"\xff\xff")
            await socket.send(cbor2.dumps({"Error": {"code": "last", "text": "x"}}))
            await socket.wait_closed()

        async with websockets.serve(serve, "127.0.0.1", 0, subprotocols=["cairn.signal.v2"]) as server:
            port = server.sockets[0].getsockname()[1]
            async with cairn_signal.connect(f"ws://127.0.0.1:{port}/") as client:
                assert await client.subscribe("t") == 1 << 60
                told = [await client.__anext__() for _ in range(4)]
        assert told[1:] == [Missed("t", "server"), Joined("t", "00000000000000bb"), ServerError("last", "x")]
    run(test())


def test_a_message_without_effect_is_reported(shape):
    async def test():
        async with connect(shape) as client:
            await client._connection._socket.send(b"\xff")
            assert (await hear(client, ServerError)).code == "cbor_malformed"
    run(test())


# ---- getting in


def test_a_token_lets_in_and_a_wrong_one_does_not(make_shape):
    shape = make_shape("--auth-token", TOKEN)

    async def test():
        async with connect(shape, token=TOKEN) as client:
            assert await client.subscribe(new_topic()) == 0
        for token in ("wrong", None):
            with pytest.raises(ConnectError, match="401") as refused:
                await connect(shape, token=token)
            assert [close.code for _, close in refused.value.attempts] == [401]
    run(test())


def test_the_first_server_that_answers_is_taken(shape):
    async def test():
        dead = f"ws://127.0.0.1:{unused_port()}/"
        async with cairn_signal.connect([dead, url(shape.edges[0])]) as client:
            assert (await hear(client, Connected)).url == url(shape.edges[0])
        with pytest.raises(ConnectError) as refused:
            await cairn_signal.connect([dead, dead])
        assert [close.code for _, close in refused.value.attempts] == [1006, 1006]
    run(test())


# ---- keeping a connection


def test_a_connect_that_is_cancelled_leaves_nothing_behind():
    async def test():
        connections = []
        # Whoever connects is not answered.
        silent = await asyncio.start_server(lambda _, writer: connections.append(writer), "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        before = asyncio.all_tasks()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(cairn_signal.connect(f"ws://127.0.0.1:{port}", min_wait=0.01, max_wait=0.01), 0.3)
        connections[0].close()
        await asyncio.sleep(0.5)
        assert asyncio.all_tasks() == before and len(connections) == 1
        silent.close()

    run(test())


def test_a_restart_of_the_core_is_not_noticed(make_cluster):
    cluster = make_cluster()

    async def test():
        topic = new_topic()
        async with connect(cluster, 0) as one, connect(cluster, 1) as other:
            await one.subscribe(topic)
            await other.subscribe(topic)
            peers = one.peer, other.peer
            await in_thread(cluster.core.kill)
            during = asyncio.create_task(other.relay(topic, b"during", receipt=True))
            subscribed = asyncio.create_task(other.subscribe(new_topic()))
            await in_thread(cluster.start_core)
            await in_thread(cluster.await_links, 2)
            assert await during == 1 and await subscribed == 0
            assert (await hear(one, Relay)).payload == b"during"
            assert (one.peer, other.peer) == peers
    run(test())


def test_subscribes_that_a_core_answers_once_after_its_restart_all_end(make_cluster):
    cluster = make_cluster()

    async def test():
        topic = new_topic()
        async with connect(cluster) as client:
            await in_thread(cluster.core.kill)
            subscribed = [asyncio.create_task(client.subscribe(topic)) for _ in range(3)]
            await asyncio.sleep(0)
            await in_thread(cluster.start_core)
            assert await asyncio.gather(*subscribed) == [0, 0, 0]
            await client.unsubscribe(topic)
            assert await client.subscribe(topic) == 0
    run(test())


def test_after_a_drain_it_waits_as_told_reconnects_and_reports_missed(shape, start):
    async def test():
        first = start("--drain", "2s")
        topic = new_topic()
        addresses = [url(first), url(shape.edges[0])]
        async with cairn_signal.connect(addresses) as client:
            await client.subscribe(topic)
            await in_thread(first.signal, signal.SIGTERM)
            draining = await hear(client, Draining)
            gone = await hear(client, Disconnected)
            assert (gone.code, gone.reason, gone.wait) == (1001, "draining", draining.wait)
            back = await hear(client, Connected)
            assert back.url == addresses[1] and back.peer == client.peer
            assert await hear(client, Missed) == Missed(topic, "reconnect", 0)
            async with connect(shape) as other:
                assert await other.subscribe(topic) == 1
    run(test())


def test_a_server_that_is_killed_is_awaited_and_nothing_is_sent_meanwhile(start):
    async def test():
        port = unused_port()
        server = start("--listen-addr", f"127.0.0.1:{port}")
        await in_thread(server.address)
        topic, ended, made = new_topic(), new_topic(), new_topic()
        async with cairn_signal.connect(f"ws://127.0.0.1:{port}/", min_wait=0.05, max_wait=0.2) as client:
            await client.subscribe(topic)
            await client.subscribe(ended)
            before = client.peer
            await in_thread(server.kill)
            assert (await hear(client, Disconnected)).code == 1006
            assert client.peer is None
            with pytest.raises(NotConnectedError):
                await client.relay(topic, b"lost")
            await client.unsubscribe(ended)
            subscribed = asyncio.create_task(client.subscribe(made))
            successor = start("--listen-addr", f"127.0.0.1:{port}")
            await in_thread(successor.address)
            assert await subscribed == 0
            assert await hear(client, Missed) == Missed(topic, "reconnect", 0)
            assert client.peer not in (None, before)
            async with cairn_signal.connect(f"ws://127.0.0.1:{port}/") as other:
                assert [await other.subscribe(one) for one in (topic, ended, made)] == [1, 0, 1]
    run(test())


def test_a_receipt_that_a_lost_connection_owes_is_an_error(make_cluster):
    cluster = make_cluster()

    async def test():
        async with connect(cluster, 0) as client:
            await in_thread(cluster.core.kill)
            owed = asyncio.create_task(client.relay("t", b"", receipt=True))
            await asyncio.sleep(0)
            edge = cluster.edges[0]
            cluster.remove_edge(edge)
            await in_thread(edge.kill)
            with pytest.raises(NotConnectedError):
                await owed
        await in_thread(cluster.start_core)
    run(test())


def test_reconnect_takes_a_new_connection_at_once(shape):
    async def test():
        topic = new_topic()
        async with connect(shape, min_wait=30) as client:
            await client.subscribe(topic)
            before = client.peer
            await client.reconnect()
            assert (await hear(client, Disconnected)).wait == 0
            assert (await hear(client, Missed)).topic == topic
            assert client.peer != before
    run(test())


def test_an_operators_disconnect_is_final(start):
    server = start()
    admin = Admin(server.grpc_address())

    async def test():
        async with cairn_signal.connect(url(server), min_wait=0) as client:
            waiting = asyncio.create_task(client.subscribe("t"))
            await waiting
            assert await in_thread(lambda: admin.disconnect(id=client.peer)) == 1
            with pytest.raises(ClosedError) as closed:
                await hear(client, Disconnected)
            assert closed.value.code == 1008
            with pytest.raises((NotConnectedError, ClosedError)):
                await client.relay("t", b"")
    run(test())


# ---- bounds


def test_a_loop_that_falls_behind_loses_the_oldest_events_and_gets_missed(shape):
    async def test():
        topic = new_topic()
        async with connect(shape, 0, max_queue_bytes=10_000) as slow, connect(shape, 1) as fast:
            await slow.subscribe(topic)
            payloads = numbered(50, 1000)
            for payload in payloads:
                await fast.relay(topic, payload)
            assert await fast.relay(topic, b"last", receipt=True) == 1
            # Its own answer comes after all of those: the connection keeps the order.
            await slow.subscribe(new_topic())
            assert await slow.__anext__() == Missed(topic, "queue")
            told = []
            while not told or told[-1] != b"last":
                told.append((await hear(slow, Relay)).payload)
            assert told == [*payloads[-len(told) + 1:], b"last"]
            assert 5 <= len(told) <= 10
    run(test())


def test_a_closed_client_ends_its_loops(shape):
    async def test():
        client = await connect(shape)
        loop = asyncio.create_task(hear(client, Missed))
        await client.subscribe(new_topic())
        await client.close()
        with pytest.raises(AssertionError, match="ended without"):
            await loop
        with pytest.raises(NotConnectedError):
            await client.subscribe("t")
    run(test())

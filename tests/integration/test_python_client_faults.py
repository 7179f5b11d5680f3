"""clients/python on an edge that was disconnected from its core for too long: it gets Missed, and continues."""
import asyncio

from support.breakable_cluster import BreakableCluster
from support.messages import new_topic
from support.ops import scrape
from support.raw_client import RawClient
from support.waiting import eventually
from test_python_client import Missed, Relay, cairn_signal, hear, in_thread, run, url


def test_missed_is_sent_by_the_server_on_the_same_connection():
    topic = new_topic()

    async def test(cluster):
        sender = RawClient(cluster.edges[0].address())
        async with cairn_signal.connect(url(cluster.edges[2])) as client:
            await client.subscribe(topic)
            before = client.peer
            cluster.links[2].cut()
            await in_thread(sender.relay, topic, b"lost")
            await in_thread(eventually, lambda: scrape(cluster.core).get("lanes_given_up_total", reason="lane_timeout") ==
                            cluster.loops, "an edge all of whose lanes are given up")
            cluster.links[2].restore()
            assert await hear(client, Missed) == Missed(topic, "server", None)
            await in_thread(cluster.await_links)
            await in_thread(sender.relay, topic, b"after it")
            assert (await hear(client, Relay)).payload == b"after it"
            assert client.peer == before

    with BreakableCluster(lane_timeout="2s") as cluster:
        run(test(cluster))

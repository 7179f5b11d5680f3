"""A lane that reads and answers pings but never acknowledges, like one with a stuck loop: others are not affected."""
import contextlib
import threading

import pytest
from support.admin_api import Admin
from support.breakable_cluster import BreakableCluster
from support.fake_lane import FakeLane
from support.messages import new_topic, relay
from support.ops import scrape
from support.raw_client import EndOfStream, RawClient, binary
from support.sequence_load import SequenceLoad
from support.waiting import Stopwatch, eventually

LANE_TIMEOUT = 2
# Well above --max-backlog-bytes.
PAYLOAD, RELAYS = 30_000, 1200


@pytest.fixture
def cluster():
    # The receiver's own queue must not be what overflows.
    with BreakableCluster(2, lane_timeout=f"{LANE_TIMEOUT}s", edge_flags=["--max-queued-bytes", str(256 << 20)]) as started:
        yield started


@pytest.fixture
def open_lane(cluster):
    """open_lane(…) opens one that ends with the test."""
    admin, lanes = Admin(cluster.core.grpc_address()), []

    def open_one(**options):
        lanes.append(FakeLane(admin, **options))
        return lanes[-1]

    yield open_one
    for lane in lanes:
        lane.close()
    admin.close()


# With beats: the loop that answers is stuck, and not all of the process.
SILENT = pytest.mark.parametrize("beats", [True, False], ids=["beats", "says nothing"])


def flood(cluster, topic):
    """A client of the first edge relays more to the topic than may wait for a core. Its thread, which ends with it."""
    sender = RawClient(cluster.edges[0].address())
    message = binary(relay(topic, bytes(PAYLOAD)))

    def send():
        try:
            for _ in range(RELAYS):
                sender.send(message)
        except OSError:
            pass

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


def count_frames(client):
    """A list that has one more for each frame that comes."""
    received = []

    def read():
        with contextlib.suppress(OSError, EndOfStream):
            while True:
                received.append(len(client.read_frame().payload))

    threading.Thread(target=read, daemon=True).start()
    return received


@SILENT
def test_clients_of_edges_that_send_to_it_go_on(cluster, open_lane, beats):
    topic = new_topic("busy")
    silent = open_lane(acknowledges=False, beats=beats)
    silent.subscribe(topic)
    receiver = RawClient(cluster.edges[1].address())
    receiver.subscribe(topic)
    with SequenceLoad(cluster.addresses()) as load:
        load.run(0.5)
        flood(cluster, topic)
        received = count_frames(receiver)
        load.run(LANE_TIMEOUT + 1)
        verdict = load.finish()
        verdict.assert_clean(expected=500)
        assert verdict.worst_delay < 1, verdict
        eventually(lambda: len(received) == RELAYS, "what was said to somebody else and to the silent lane")
    assert not any(scrape(edge).get("paused_connections") for edge in cluster.edges)


@SILENT
def test_it_is_closed_when_it_has_not_answered_for_so_long(cluster, open_lane, beats):
    topic = new_topic()
    silent = open_lane(acknowledges=False, beats=beats)
    silent.subscribe(topic)
    sender = RawClient(cluster.edges[0].address())

    def reaches_it():
        sender.relay(topic, b"hello")
        return silent.deliveries()

    eventually(reaches_it, "a delivery", every=0.1)
    watch = Stopwatch()
    code, text = silent.await_end(within=LANE_TIMEOUT + 5)
    assert LANE_TIMEOUT - 1 < watch.seconds < LANE_TIMEOUT + 3, (code, text)
    eventually(lambda: scrape(cluster.core).get("lanes") == 4, "a core without it")
    assert scrape(cluster.core).get("lanes_given_up_total", reason="lane_timeout") == 1
    assert scrape(cluster.core).get("deliveries_given_up_total", reason="lane_timeout") >= 1


def test_one_that_has_nothing_to_answer_is_kept(open_lane):
    lane = open_lane()
    threading.Event().wait(LANE_TIMEOUT + 1)
    assert lane.end is None, lane.end

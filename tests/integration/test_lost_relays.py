"""Relays that cannot be kept, because an edge was away for too long: they are counted, and those who missed some are told."""
import re
import threading
import time

import pytest
from support.breakable_cluster import BreakableCluster
from support.messages import new_topic, relay
from support.ops import scrape
from support.raw_client import RawClient
from support.sequence_load import SequenceLoad
from support.waiting import Stopwatch, eventually

LANE_TIMEOUT = 2
# What a new core keeps for an edge that it no longer waits for: so long, and so much.
KEPT_SECONDS, KEPT_BYTES = 10, 32 << 20
LARGE = 60_000


@pytest.fixture
def cluster():
    with BreakableCluster(lane_timeout=f"{LANE_TIMEOUT}s") as started:
        yield started


def given_up(cluster):
    """Relays, by reason."""
    metrics = scrape(cluster.core)
    families = [name for name in metrics.names() if re.search(r"(relays|deliveries)_(given_up|lost|missed)\w*_total$", name)]
    reasons = {(name, reason) for name in families for reason in metrics.label_values(
        name.removeprefix("cairn_signal_"), "reason")}
    return {reason: metrics.get(name, reason=reason) for name, reason in reasons if metrics.get(name, reason=reason)}


def assert_told(load):
    """Only those behind what was away have lost anything."""
    load.run(1)
    verdict = load.finish()
    assert not verdict.closed, verdict
    assert verdict.doubled == verdict.disordered == verdict.corrupt == 0, verdict
    assert set(+verdict.lost_on) <= {2}, f"others lost some too: {verdict}"
    assert verdict.lost > 0, f"nothing lost: this proves nothing: {verdict}"
    assert verdict.lost_untold == 0 < verdict.lost_and_told, f"not told: {verdict}"
    return verdict


def assert_counted(cluster, verdict, since):
    """As many as others said until the core gave the edge up: then it knew of nobody there. Clients of one loop never hear the
    same, so that what is lost is lost once for each loop. What had just come is counted too."""
    until = since + LANE_TIMEOUT - 0.3
    lost = sum(edge != 2 and said < until for edge, said in verdict.lost_from)
    assert sum(given_up(cluster).values()) >= max(lost, 1), f"lost {lost} until then, counted {given_up(cluster)}: {verdict}"


def test_an_edge_that_was_stopped_for_too_long(cluster):
    with SequenceLoad(cluster.addresses()) as load:
        load.run(1)
        cluster.stop(cluster.edges[2])
        since = time.monotonic()
        load.run(LANE_TIMEOUT + 3)
        cluster.go_on(cluster.edges[2])
        cluster.await_links_of_living()
        assert_counted(cluster, assert_told(load), since)


def test_a_link_that_passed_nothing_for_too_long(cluster):
    with SequenceLoad(cluster.addresses()) as load:
        load.run(1)
        cluster.links[2].silence()
        since = time.monotonic()
        load.run(LANE_TIMEOUT + 3)
        cluster.links[2].cut()
        cluster.links[2].restore()
        cluster.await_links_of_living()
        assert_counted(cluster, assert_told(load), since)


def test_a_link_that_was_away_for_too_long(cluster):
    with SequenceLoad(cluster.addresses()) as load:
        load.run(1)
        cluster.links[2].cut()
        since = time.monotonic()
        load.run(LANE_TIMEOUT + 3)
        cluster.links[2].restore()
        cluster.await_links_of_living()
        assert_counted(cluster, assert_told(load), since)


def test_an_edge_that_comes_back_when_a_new_core_no_longer_keeps_relays_for_it(cluster):
    with SequenceLoad(cluster.addresses(), rate=200) as load:
        load.run(1)
        cluster.links[2].cut()
        cluster.kill_core()
        cluster.start_core()
        cluster.core.wait_for_log("lane_opened")
        load.run(KEPT_SECONDS + 0.5)
        cluster.links[2].restore()
        cluster.await_links_of_living()
        assert_told(load)
    assert scrape(cluster.core).get("lanes_late_total") == cluster.loops


def test_an_edge_that_comes_back_when_a_new_core_has_more_for_it_than_it_keeps(cluster):
    """Sooner than that."""
    topic = new_topic()
    sender, receiver = RawClient(cluster.edges[0].address()), RawClient(cluster.edges[1].address())
    receiver.subscribe(topic)
    count = KEPT_BYTES // LARGE + 50
    with SequenceLoad(cluster.addresses(), rate=200) as load:
        load.run(0.5)
        cluster.links[2].cut()
        cluster.kill_core()
        cluster.start_core()
        cluster.core.wait_for_log("lane_opened")
        watch = Stopwatch()
        sending = threading.Thread(target=lambda: [sender.relay(topic, bytes(LARGE)) for _ in range(count)], daemon=True)
        sending.start()
        for _ in range(count):
            assert receiver.read_message() == relay(topic, bytes(LARGE))
        sending.join()
        load.run(0.5)
        assert watch.seconds < KEPT_SECONDS - 1, "too slow to prove anything"
        cluster.links[2].restore()
        cluster.await_links_of_living()
        assert_told(load)
    assert scrape(cluster.core).get("lanes_late_total") == cluster.loops


def test_what_others_say_to_each_other_is_not_late_meanwhile(cluster):
    with SequenceLoad(cluster.addresses()) as load:
        load.run(1)
        cluster.stop(cluster.edges[2])
        load.edge_ends(2, core_too=True)
        load.run(LANE_TIMEOUT + 3)
        verdict = load.finish()
        cluster.go_on(cluster.edges[2])
        assert not verdict.closed and not verdict.lost and not verdict.doubled, verdict
        assert verdict.worst_delay < 1, verdict
        eventually(lambda: scrape(cluster.core).get("lanes") == 6, "the edge that goes on")

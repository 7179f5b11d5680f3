"""cairn-admin with a core: what stays on the screen: watch, trace, top, and listings that are repeated."""
import json
import re
import signal
import time

import pytest
from support import admin_cli
from support.admin_cluster import Cluster, cluster, in_terminal  # noqa: F401
from support.messages import new_topic
from support.waiting import eventually

ALT_SCREEN_ON, ALT_SCREEN_OFF = "\x1b[?1049h", "\x1b[?1049l"


def await_begin(watch, cluster):
    """A watch has begun when it shows something."""
    peers = []
    watch.await_record(lambda event: event["kind"] == "KIND_SUBSCRIBED",
                       lambda: peers.append(cluster.connect("east", new_topic())[0]))
    assert all(peer.is_open() for peer in peers)


# ---- live


def test_watch_shows_peers_come_subscribe_and_go(cluster):
    watch = cluster.live("watch", "--edge", "east")
    await_begin(watch, cluster)
    cluster.connect("west", new_topic())
    topic = new_topic()
    peer, peer_id = cluster.connect("east", topic)
    peer.close()
    watch.await_record(lambda event: event["kind"] == "KIND_CLOSED")
    seen = watch.interrupt()
    mine = [event for event in seen if event["id"] == peer_id]
    assert [event["kind"] for event in mine] == ["KIND_CONNECTED", "KIND_SUBSCRIBED", "KIND_CLOSED"]
    assert mine[1]["topic"] == topic and mine[2]["close_code"] == 1000
    assert all(event["edge"] == "east" for event in seen)


def test_a_watch_goes_on_after_its_machine_was_stopped_for_seconds(cluster):
    watch = cluster.live("watch", "--edge", "east")
    await_begin(watch, cluster)
    watch.send_signal(signal.SIGSTOP)
    # Longer than it takes until the core asks whether it is still there, and has waited as long for the answer.
    time.sleep(11)
    watch.send_signal(signal.SIGCONT)
    topic = new_topic()
    cluster.connect("east", topic)
    watch.await_record(lambda event: event.get("topic") == topic)
    watch.interrupt()


def test_trace_shows_sizes_and_receivers_of_relays_and_no_contents(cluster):
    topic = new_topic()
    sender, sender_id = cluster.connect("east", topic)
    hearer, _ = cluster.connect("west", topic)
    trace = cluster.live("trace", "--topic", topic)

    def relay():
        sender.relay(topic, b"secret payload")
        hearer.receive_payloads(topic, 1)

    trace.await_record(lambda one: one["edge"] == "east", relay)
    records = trace.interrupt()
    assert all((one["id"], one["edge"], one["topic"], one["payload_bytes"], one["subscribers"])
               == (sender_id, "east", topic, 14, 1) for one in records)
    assert "secret" not in json.dumps(records)


def test_a_listing_is_repeated_until_it_is_interrupted(cluster):
    watch = cluster.live("status", "--watch", "0.1")
    eventually(lambda: len(watch.records) >= 3, "three times")
    assert all(one["edges"] == 2 for one in watch.interrupt())


@pytest.mark.parametrize("end", ["q", "\x03", signal.SIGTERM])
def test_top_gives_the_terminal_back(cluster, in_terminal, end):
    _, peer_id = cluster.connect("east", new_topic())
    top = in_terminal(cluster.terminal("top"))
    top.wait_for(r"q quit")
    assert ALT_SCREEN_ON in top.output and peer_id in top.output and "serving" in top.output
    assert top.modes() != top.modes_before
    if end == signal.SIGTERM:
        top.popen.send_signal(end)
    else:
        top.type(end)
    assert top.wait() == 0
    assert top.modes() == top.modes_before
    assert top.output.endswith(ALT_SCREEN_OFF)


def fits(picture, columns=admin_cli.COLUMNS, rows=admin_cli.ROWS):
    return len(picture) <= rows and all(admin_cli.cells(line) <= columns for line in picture)


def test_top_shows_what_changes_and_fits_the_terminal_whatever_its_size(cluster, in_terminal):
    topic = "x" * 200
    first, _ = cluster.connect("east", topic)
    top = in_terminal(cluster.terminal("top", "--every", "0.2"))
    assert fits(top.wait_for_picture(lambda picture: " peers 1 " in picture[0]))
    second, second_id = cluster.connect("west", topic, "\u7ac9" * 100)
    picture = top.wait_for_picture(lambda picture: " peers 2 " in picture[0])
    assert fits(picture) and any(line.startswith(second_id) for line in picture)
    for columns, rows in ((80, 12), (200, 50), (100, 3), (admin_cli.COLUMNS, admin_cli.ROWS)):
        top.resize(columns, rows)
        # Drawn again for the new size: the rows of a picture are those of the screen.
        assert fits(top.wait_for_picture(lambda picture, rows=rows: len(picture) == rows), columns, rows)
    second.close()
    top.wait_for_picture(lambda picture: " peers 1 " in picture[0])
    assert first.is_open()
    top.type("s")
    top.wait_for_picture(lambda picture: "peers by bytes out" in picture[-1])
    top.type(" ")
    top.wait_for(r"PAUSED")
    top.type("q")
    assert top.wait() == 0 and top.modes() == top.modes_before


@pytest.mark.parametrize("arguments", [["watch"], ["edges", "list", "--watch", "0.2"], ["peers", "list", "--watch", "0.2"]],
                         ids=" ".join)
def test_live_output_ends_with_ctrl_c_and_fits_the_terminal(cluster, in_terminal, arguments):
    terminal = in_terminal(cluster.terminal(*arguments, "--no-color"))
    topic, seen = new_topic("x" * 150), []

    def shown():
        # The watch has begun when it shows something.
        seen.append(cluster.connect("east", topic))
        terminal.read()
        return "east" in terminal.output

    eventually(shown, "peers on the screen")
    terminal.type("\x03")
    assert terminal.wait() == 0 and terminal.modes() == terminal.modes_before
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.output).splitlines()
    assert lines and all(len(line) <= admin_cli.COLUMNS for line in lines), lines


def test_top_continues_without_its_core_and_shows_that(start, tmp_path, in_terminal):
    cluster = Cluster(start, tmp_path)
    top = in_terminal(cluster.terminal("top", "--every", "0.2"))
    top.wait_for(r"q quit")
    cluster.core.kill()
    top.wait_for(r"cannot reach the core")
    top.type("q")
    assert top.wait() == 0

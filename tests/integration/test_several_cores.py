"""An edge that has several cores: it goes to the next when one dies or hangs, and loses nothing; cores that are no fleet."""
import signal

import pytest
from support.ports import unused_port
from support.process import ServerProcess, with_defaults
from support.sequence_load import SequenceLoad
from support.waiting import Stopwatch

# A PING after half a second of silence, and one and a half for its answer; the rest is a busy machine's.
LEAVES_A_HANGING_CORE_WITHIN = 5


@pytest.fixture
def addresses():
    return [f"127.0.0.1:{unused_port()}" for _ in range(3)]


@pytest.fixture
def start_core(start):
    def start_one(address):
        core = start("--role", "core", "--grpc-listen-addr", address)
        core.grpc_address()
        return core
    return start_one


@pytest.fixture
def edges():
    """edges(cores) starts two that prefer them in this order; they end before the cores do."""
    started = []

    def start_both(cores):
        for index in range(2):
            started.append(ServerProcess(*with_defaults(["--role", "edge", "--core", ",".join(cores), "--edge-name",
                                                         f"edge{index}", "--threads", "2"])))
        for edge in started:
            edge.wait_for_log("core_link_up", count=2)
        return started

    yield start_both
    for edge in started:
        edge.finish()


def test_the_first_that_can_be_reached_is_used_and_a_standby_takes_over(start_core, edges, addresses):
    core = start_core(addresses[1])
    both = edges(addresses)
    with SequenceLoad([edge.address() for edge in both]) as load:
        load.run(0.3)
        core.kill()
        start_core(addresses[2])
        watch = Stopwatch()
        for edge in both:
            edge.wait_for_log("core_link_up", count=4)
        assert watch.seconds < 2, "the next is tried at once"
        load.run(0.5)
        load.finish().assert_clean(expected=100)


def test_a_core_that_hangs_is_left(start_core, edges, addresses):
    core = start_core(addresses[0])
    both = edges(addresses)
    with SequenceLoad([edge.address() for edge in both]) as load:
        load.run(0.3)
        core.send_signal(signal.SIGSTOP)
        start_core(addresses[1])
        watch = Stopwatch()
        for edge in both:
            edge.wait_for_log("core_link_up", count=4)
        assert watch.seconds < LEAVES_A_HANGING_CORE_WITHIN
        core.send_signal(signal.SIGCONT)
        load.run(0.5)
        load.finish().assert_clean(expected=100)

"""The log on stdout: its form, and which lines RUST_LOG and CAIRN_SIGNAL_LOG ask for."""
import contextlib
import re
import socket

import pytest
from support.process import ServerProcess, with_defaults
from support.raw_client import PING, RawClient, frame

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (TRACE|DEBUG| INFO| WARN|ERROR) (cairn_signal[a-z_:]*): \S.*")


def log_of_a_life(env):
    """(level, module) of each line that a server logs from start to end, with one client that comes and goes."""
    port = free_port()
    server = ServerProcess(*with_defaults(["--listen-addr", f"127.0.0.1:{port}"]), env=env)
    client = None
    while client is None:
        with contextlib.suppress(ConnectionRefusedError):
            client = RawClient(("127.0.0.1", port))
    client.send(frame(PING))
    client.read_frame()
    client.close()
    server.finish()
    assert not server.stderr
    matches = [LINE.fullmatch(line) for line in server.log]
    assert all(matches), server.log
    return {(match[1].strip(), match[2]) for match in matches}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def test_by_default_the_log_has_info_and_no_client_in_it():
    said = log_of_a_life({})
    assert {level for level, _ in said} == {"INFO"}
    assert {module for _, module in said} >= {"cairn_signal", "cairn_signal::edge", "cairn_signal::core"}


@pytest.mark.parametrize("env, levels", [
    ({"RUST_LOG": "off"}, set()),
    ({"RUST_LOG": "error"}, set()),
    ({"RUST_LOG": "warn"}, set()),
    ({"RUST_LOG": "debug"}, {"DEBUG", "INFO"}),
    ({"RUST_LOG": "cairn_signal=debug"}, {"DEBUG", "INFO"}),
    ({"RUST_LOG": "CAIRN_SIGNAL=DEBUG,info"}, {"INFO"}),
    ({"RUST_LOG": "hyper=trace,cairn_signal=debug"}, {"DEBUG", "INFO"}),
    ({"RUST_LOG": "trace", "CAIRN_SIGNAL_LOG": "info"}, {"INFO"}),
    ({"RUST_LOG": "off", "CAIRN_SIGNAL_LOG": "debug"}, {"DEBUG", "INFO"}),
], ids=lambda value: str(value) if isinstance(value, dict) else "")
def test_levels_are_filtered(env, levels):
    assert {level for level, _ in log_of_a_life(env)} == levels


def test_modules_are_filtered_apart():
    said = log_of_a_life({"RUST_LOG": "off,cairn_signal::edge=debug"})
    assert {module for _, module in said} == {"cairn_signal::edge"}
    assert {level for level, _ in said} == {"DEBUG", "INFO"}
    said = log_of_a_life({"RUST_LOG": "debug,cairn_signal::edge=off"})
    assert "cairn_signal::edge" not in {module for _, module in said}


def test_a_directive_that_cannot_be_read_is_said_and_the_rest_counts():
    said = log_of_a_life({"RUST_LOG": "cairn_signal=loud,debug"})
    assert {level for level, _ in said} == {"WARN", "INFO", "DEBUG"}

"""--health-check: the command with which a container checks that its server is alive."""
import socket

from support.ops import OPS
from support.ports import unused_port
from support.process import run


def check(address):
    return run("--health-check", env={"CAIRN_SIGNAL_OPS_LISTEN_ADDR": address})


def test_a_server_that_answers_is_alive(start):
    server = start(env=OPS)
    done = check("%s:%d" % server.ops_address())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_server_on_every_address_is_asked_on_loopback(start):
    server = start(env={"CAIRN_SIGNAL_OPS_LISTEN_ADDR": "0.0.0.0:0"})
    assert check(f"0.0.0.0:{server.ops_address()[1]}").returncode == 0


def test_variables_of_the_server_that_stand_in_its_command_line_are_not_missed(start):
    server = start(env=OPS)
    done = run("--health-check", "--role", "edge", "--ops-listen-addr", "%s:%d" % server.ops_address())
    assert done.returncode == 0


def test_a_closed_port_is_not_alive():
    done = check(f"127.0.0.1:{unused_port()}")
    assert done.returncode == 1 and "no answer" in done.stderr


def test_a_server_that_accepts_and_stays_silent_is_not_alive():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        done = check("127.0.0.1:%d" % mute.getsockname()[1])
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


def test_somebody_else_on_the_port_is_not_alive(start):
    # The clients' port speaks HTTP too, and has no such path.
    done = check("%s:%d" % start().address())
    assert done.returncode == 1 and "does not say that it is alive" in done.stderr


def test_without_an_address_it_names_the_missing_option():
    done = run("--health-check")
    assert done.returncode == 1 and "--ops-listen-addr" in done.stderr

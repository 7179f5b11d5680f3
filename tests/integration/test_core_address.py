"""A core that comes back at another address of its DNS name, as a pod of Kubernetes does."""
import subprocess
import time

import pytest
from support.ports import unused_port
from support.process import ServerProcess, with_defaults
from support.sequence_load import SequenceLoad
from support.waiting import Stopwatch

NAME = "core-headless.test"


def _may_have_hosts_of_its_own():
    return subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not _may_have_hosts_of_its_own(), reason="needs root, for a mount namespace with a hosts file of its own")
def test_edges_reach_a_core_whose_name_has_another_address(start, tmp_path):
    hosts, port, edges = tmp_path / "hosts", unused_port(), []

    def name_is(address):
        # In place: it is the file that is mounted.
        hosts.write_text(f"127.0.0.1 localhost\n{address} {NAME}\n")

    def start_core(address):
        core = start("--role", "core", "--grpc-listen-addr", f"{address}:{port}", "--grpc-insecure")
        core.grpc_address()
        return core

    wrapper = ["unshare", "-m", "sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$0" "$@"']
    name_is("127.0.0.1")
    core = start_core("127.0.0.1")
    try:
        for index in range(2):
            edges.append(ServerProcess(*with_defaults(["--role", "edge", "--core", f"{NAME}:{port}", "--edge-name",
                                                       f"edge{index}", "--threads", "1"]), wrapper=wrapper))
            edges[-1].wait_for_log("core_link_up")
            # DNS is asked at different times.
            time.sleep(1)
        with SequenceLoad([edge.address() for edge in edges]) as load:
            load.run(1)
            core.kill()
            load.run(0.3)
            name_is("127.0.0.2")
            start_core("127.0.0.2")
            watch = Stopwatch()
            for edge in edges:
                edge.wait_for_log("core_link_up", count=2, within=60)
            seconds = watch.seconds
            load.run(1)
            load.finish().assert_clean(expected=100)
        assert seconds < 3, f"edges were back after {seconds:.1f} s"
    finally:
        for edge in edges:
            edge.finish()


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy", "grpc_proxy"])
def test_edges_reach_their_core_whatever_proxy_their_environment_has(start, variable):
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0")
    # A closed port.
    edge = start("--role", "edge", "--core", core.grpc_address(), "--threads", "1",
                 env={variable: f"http://127.0.0.1:{unused_port()}", "no_proxy": "", "no_grpc_proxy": ""})
    edge.wait_for_log("core_link_up", within=5)
    # Before its core, for which it would wait.
    edge.finish()

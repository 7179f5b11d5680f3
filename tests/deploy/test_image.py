"""The image: its metadata, and both roles started from it, without a Docker engine."""
import json
import os
import pathlib
import re
import signal

import pytest
from support import image, peer, raw_client
from support.certificates import HOST_NAME, Certificate, trusting
from support.messages import new_topic
from support.peer import Peer, await_hearing
from support.ports import unused_port
from support.process import ROOT
from support.tools import output
from support.waiting import eventually

# The size on disk; compressed layers are smaller.
MAX_BYTES = 200 << 20
NOBODY = "10001:10001"


@pytest.fixture(scope="module")
def name():
    return image.name()


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    directory = tmp_path_factory.mktemp("certs")
    directory.chmod(0o755)
    made = Certificate(directory, "cert")
    for path in directory.iterdir():
        path.chmod(0o644)
    made.directory = directory
    return made


@pytest.fixture
def container(name, secrets):
    one = image.Container(name, volumes=[f"{secrets.directory}:/certs:ro"])
    servers = []
    serve = one.serve

    def serve_and_end(*flags, **options):
        servers.append(serve(*flags, **options))
        return servers[-1]

    one.serve = serve_and_end
    yield one
    peer.close_all()
    raw_client.close_all()
    for server in reversed(servers):
        server.finish()
    one.remove()


def client(port, certificate, token=None):
    return Peer(f"wss://{HOST_NAME}:{port}/", ssl=trusting(certificate), server_hostname=HOST_NAME, host="127.0.0.1",
                token=token)


def meet(listener, sender):
    topic = new_topic()
    listener.subscribe(topic)
    await_hearing(listener, sender, topic)


# ---- metadata

def test_it_says_what_it_is(name):
    config = image.inspect(name)
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in config["Labels"].items()}
    version = re.search(r"project\(cairn-signal VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert labels["version"] == version and labels["licenses"] == "MIT" and labels["title"] == "cairn-signal"
    assert {"description", "source", "revision", "created"} <= labels.keys() and all(labels.values())
    assert config["Entrypoint"] == ["cairn-signal"] and config["StopSignal"] == "SIGTERM"
    assert config["ExposedPorts"].keys() == {"443/tcp", "8443/tcp", "7443/tcp", "9090/tcp"}


def test_it_runs_as_a_user_of_its_own(container):
    assert container.config["User"] == NOBODY
    root = pathlib.Path(container.root)
    assert re.search(r"^cairn-signal:x:10001:10001:.*nologin$", (root / "etc/passwd").read_text(), re.M)
    programs = [root / "usr/bin" / program for program in ("cairn-signal", "cairn-admin")]
    # A file capability would keep it from starting where all capabilities are dropped.
    assert not [path for path in programs if "security.capability" in os.listxattr(path)]
    assert container.run("id", "-u").stdout.strip() == "10001"
    # No path that it could write to except those that every user can write to.
    writable = container.run("find", "/", "-xdev", "-writable", "-not", "-type", "l", "-not", "-path", "/proc/*", "-not", "-path",
                             "/dev/*", "-not", "-path", "/sys/*").stdout.split()
    assert set(writable) <= {"/tmp", "/var/tmp", "/run/lock"}, writable


def test_nothing_that_only_builds_need_is_in_it_and_it_is_small(container):
    installed = image.packages(pathlib.Path(container.root))
    assert not {"gcc-12", "g++-12", "cmake", "git", "systemd", "libgrpc++-dev", "python3"} & installed.keys()
    size = sum(path.lstat().st_size for path in pathlib.Path(container.root).rglob("*") if path.is_file())
    print(f"{size / (1 << 20):.0f} MiB, {len(installed)} packages")
    assert size < MAX_BYTES


def test_the_bill_of_materials_lists_the_installed_packages(container):
    root = pathlib.Path(container.root)
    bill = json.loads((root / "usr/share/sbom/cairn-signal.spdx.json").read_text())
    assert bill["spdxVersion"] == "SPDX-2.3"
    listed = {one["name"]: one["versionInfo"] for one in bill["packages"]}
    assert listed == image.packages(root)
    assert {"cairn-signal", "libssl3", "libgrpc++1.51"} <= listed.keys()
    ids = {one["SPDXID"] for one in bill["packages"]} | {"SPDXRef-DOCUMENT"}
    assert len(ids) == len(bill["packages"]) + 1
    assert {end for one in bill["relationships"] for end in (one["spdxElementId"], one["relatedSpdxElement"])} == ids


def test_its_programs_are_those_of_the_package_that_was_built_outside_of_it_byte_for_byte(container, tmp_path):
    package = os.environ.get("CAIRN_TEST_PACKAGE")
    if not package:
        pytest.skip("CAIRN_TEST_PACKAGE names no package: ./dev test-deploy builds one")
    output("dpkg-deb", "--extract", package, tmp_path)
    for program in "cairn-signal", "cairn-admin":
        assert (pathlib.Path(container.root) / "usr/bin" / program).read_bytes() == \
            (tmp_path / "usr/bin" / program).read_bytes()


# ---- what runs from it

def test_the_production_form_serves_tls_on_the_port_below_1024(container, secrets):
    """docker run -p 443:443 -e …AUTH_TOKEN -e …TLS_CERT -e …TLS_KEY -v …:/certs:ro IMAGE"""
    if pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text().strip() != "0":
        listen = {"CAIRN_SIGNAL_LISTEN_ADDR": f"0.0.0.0:{unused_port()}"}  # what Docker sets is not set here
    else:
        listen = {}
    server = container.serve(env={"CAIRN_SIGNAL_AUTH_TOKEN": "secret", "CAIRN_SIGNAL_TLS_CERT": "/certs/cert.crt",
                                  "CAIRN_SIGNAL_TLS_KEY": "/certs/cert.key", **listen})
    port = server.address()[1]
    assert listen or port == 443
    meet(*(client(port, secrets, "secret") for _ in range(2)))


def test_the_development_form_serves_plain_websocket(container):
    """docker run -p 8080:8080 -e CAIRN_SIGNAL_LISTEN_ADDR=0.0.0.0:8080 IMAGE"""
    server = container.serve(env={"CAIRN_SIGNAL_LISTEN_ADDR": f"0.0.0.0:{unused_port()}"})
    meet(*(Peer("ws://127.0.0.1:%d/" % server.address()[1]) for _ in range(2)))


def test_peers_meet_across_two_edges_and_operators_see_them(container, secrets):
    (secrets.directory / "edge-token").write_text("edge secret\n")
    (secrets.directory / "operator-token").write_text("operator secret\n")
    grpc = f"127.0.0.1:{unused_port()}"
    ops = [f"127.0.0.1:{unused_port()}" for _ in range(3)]
    core = container.serve(env={
        "CAIRN_SIGNAL_ROLE": "core", "CAIRN_SIGNAL_GRPC_LISTEN_ADDR": grpc, "CAIRN_SIGNAL_OPS_LISTEN_ADDR": ops[0],
        "CAIRN_SIGNAL_GRPC_EDGE_TOKEN_FILE": "/certs/edge-token",
        "CAIRN_SIGNAL_GRPC_OPERATOR_TOKEN_FILE": "/certs/operator-token"})
    core.grpc_address()
    edges = [container.serve(env={
        "CAIRN_SIGNAL_ROLE": "edge", "CAIRN_SIGNAL_CORE": grpc, "CAIRN_SIGNAL_EDGE_NAME": f"edge{i}",
        "CAIRN_SIGNAL_GRPC_EDGE_TOKEN_FILE": "/certs/edge-token", "CAIRN_SIGNAL_OPS_LISTEN_ADDR": ops[i],
        "CAIRN_SIGNAL_LISTEN_ADDR": f"127.0.0.1:{unused_port()}", "CAIRN_SIGNAL_DRAIN": "0s"}) for i in (1, 2)]
    listener, sender = (Peer("ws://%s:%d/" % edge.address()) for edge in edges)
    meet(listener, sender)
    for address in ops:
        assert container.health({"CAIRN_SIGNAL_OPS_LISTEN_ADDR": address}).returncode == 0
    admin = ["cairn-admin", "--core", grpc, "--token-file", "/certs/operator-token"]
    listed = eventually(lambda: container.run(*admin, "peers", "list", "-o", "json").stdout.splitlines(), "peers")
    assert {json.loads(line)["edge"] for line in listed} == {"edge1", "edge2"}
    assert container.run(*admin[:3], "status").returncode == 4
    edges[0].signal(signal.SIGTERM)
    assert listener.wait_closed().code == 1001
    eventually(lambda: container.health({"CAIRN_SIGNAL_OPS_LISTEN_ADDR": ops[1]}).returncode == 1, "its end to be seen")

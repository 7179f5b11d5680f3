"""fleet.yaml is one that compose takes, and what it and make-fleet-secrets give the containers is a fleet."""
import pathlib
import re
import subprocess

import pytest
import yaml
from support import admin_cli
from support.messages import new_topic
from support.nats import MadeCredentials, NatsCluster
from support.peer import Peer, await_hearing
from support.ports import unused_port
from support.process import ROOT, run
from support.tools import need, output
from support.waiting import eventually

COMPOSE = ROOT / "deploy/compose"
NODES, SERVERS = ["node1", "node2", "node3"], ["nats1", "nats2", "nats3"]


@pytest.fixture(scope="module")
def services():
    program = [need("docker-compose", "docker-compose"), "-f", COMPOSE / "fleet.yaml", "config"]
    done = subprocess.run(program, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)["services"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Where the two scripts have made their files."""
    need("openssl", "openssl")
    directory = tmp_path_factory.mktemp("deploy")
    for script in ("compose/make-secrets", "compose/make-fleet-secrets", "link-certificates", "nats/make-credentials",
                   "nats/make-nkey"):
        (directory / script).parent.mkdir(exist_ok=True)
        (directory / script).write_text((ROOT / "deploy" / script).read_text())
        (directory / script).chmod(0o755)
    for script in "make-secrets", "make-fleet-secrets":
        output("bash", directory / "compose" / script)
    return directory / "compose/secrets"


def volumes_of(service):
    """{where: what is mounted there}"""
    return {where: source for source, where in (one.split(":")[:2] for one in service.get("volumes", []))}


def local(service, made):
    """{variable: value}, with paths of this machine."""
    changed = dict(service["environment"])
    for where, source in volumes_of(service).items():
        path = str(pathlib.PurePath(COMPOSE, source)).replace(f"{COMPOSE}/secrets", str(made))
        changed = {name: value.replace(f"{where}/", f"{path}/") for name, value in changed.items()}
    return changed


def test_the_services_are_three_nodes_three_nats_servers_and_a_proxy(services):
    assert services.keys() == {*NODES, *SERVERS, "proxy"}
    known = set(re.findall(r"\(Env:(CAIRN_\w+)\)", run("--help").stdout))
    for name in NODES:
        assert services[name]["environment"].keys() <= known
        assert services[name]["environment"]["CAIRN_SIGNAL_CORE_NAME"] == name


def test_each_part_is_given_what_it_needs_and_nothing_of_others(services, made):
    for name in NODES:
        for value in local(services[name], made).values():
            assert str(made) not in value or pathlib.Path(value).is_file(), value
        secrets = {source for source in volumes_of(services[name]).values() if "secrets" in source}
        assert {pathlib.PurePath(one).name for one in secrets} == {"clients", name}
    for name in SERVERS:
        assert services[name]["environment"]["NATS_NAME"] == name
        assert set(re.findall(r"\w+(?=:6222)", services[name]["environment"]["NATS_ROUTES"])) == set(SERVERS)
        assert {pathlib.PurePath(one).name for one in volumes_of(services[name]).values()} == {"nats.conf", "cores.conf",
                                                                                              "server"}
    # NATS is for cores: the proxy, and who is before it, are in no network with it.
    assert "mesh" not in services["proxy"]["networks"]
    assert all(set(services[name]["networks"]) == {"mesh"} for name in SERVERS)
    assert (made / "nats/ca/ca.key").stat().st_mode & 0o077 == 0


def test_what_is_there_stays(made):
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    output("bash", made.parent / "make-fleet-secrets")
    assert {path: path.read_bytes() for path in made.rglob("*") if path.is_file()} == before


def test_peers_of_different_nodes_meet_in_what_is_made_and_any_node_answers_for_all(services, made, start_bare):
    need("nats-server", "nats-server")
    with NatsCluster(made / "nats/server", 3, MadeCredentials(made / "nats")) as nats:
        changed = {"CAIRN_SIGNAL_MESH": nats.url, "CAIRN_SIGNAL_LISTEN_ADDR": "127.0.0.1:0", "CAIRN_SIGNAL_DRAIN": "0s",
                   "CAIRN_SIGNAL_PROXY_PROTOCOL": "false", "CAIRN_SIGNAL_TRUSTED_PROXIES": "127.0.0.0/8"}
        addresses = [f"127.0.0.1:{unused_port()}" for _ in NODES]
        nodes = [start_bare(env=local(services[name], made) | changed | {"CAIRN_SIGNAL_GRPC_LISTEN_ADDR": address})
                 for name, address in zip(NODES, addresses)]
        token = (made / "clients/token").read_text().strip()
        listener, *senders = (Peer(f"ws://127.0.0.1:{node.address()[1]}/", token=token) for node in nodes)
        topic = new_topic()
        listener.subscribe(topic)
        for sender in senders:
            await_hearing(listener, sender, topic)
        for address in addresses:
            listed = eventually(lambda address=address: (done := admin_cli.run("--core", address, "cores", "list")).code == 0
                                and all(name in done.out for name in NODES) and done, "three cores")
            assert "no answer" not in listed.out, listed
        for node in nodes:
            node.finish()


def test_haproxy_takes_its_configuration(services, made, tmp_path):
    program = need("haproxy", "haproxy")
    text = (COMPOSE / "fleet-haproxy.cfg").read_text()
    (tmp_path / "haproxy.cfg").write_text(text.replace("/secrets/", f"{made}/"))
    output(program, "-c", "-f", tmp_path / "haproxy.cfg")
    assert set(re.findall(r"^    server (\w+) \1:8443$", text, re.M)) == set(NODES) <= services.keys()

"""The manifests of a fleet render, hold together, and what they give the containers starts a fleet."""
import re
import shutil

import pytest
from support import admin_cli, manifests
from support.certificates import HOST_NAME, Certificate, trusting
from support.manifests import container_of, environment, find, pod_of
from support.messages import new_topic
from support.nats import MadeCredentials, NatsCluster
from support.ops import ask, scrape
from support.peer import Peer, await_hearing
from support.ports import unused_port
from support.process import ROOT
from support.tools import need, output
from support.waiting import eventually

FLEET = ROOT / "deploy/kubernetes-fleet"
SERVERS = [f"cairn-signal-nats-{index}.cairn-signal-nats" for index in range(3)]
PODS = [f"cairn-signal-core-{index}" for index in range(3)]


def make_credentials(directory):
    command = re.search(r"^deploy/nats/make-credentials (.*?)\n(?!  )", (FLEET / "README.md").read_text(), re.M | re.S)[1]
    _, *arguments = command.replace("\\\n", " ").split()
    output(ROOT / "deploy/nats/make-credentials", directory, *arguments)


def mount_keys(core, made, directory):
    """The cores' keys for NATS as a node mounts them, from the secrets that the README creates; {pod: what its container sees}."""
    sources = next(one["projected"]["sources"] for one in pod_of(core)["volumes"] if one["name"] == "nats")
    for secret in (source["secret"] for source in sources):
        assert secret["optional"], "a core that is revoked would keep the others from starting"
        for item in secret["items"]:
            path = directory / item["path"]
            path.parent.mkdir(exist_ok=True)
            shutil.copy(made / secret["name"].removeprefix("cairn-signal-nats-") / item["key"], path)
    [mount] = [one for one in container_of(core)["volumeMounts"] if one["name"] == "nats"]
    assert "subPath" not in mount and environment(core)["CAIRN_SIGNAL_CORE_NAME"] == "metadata.name"
    return {pod: directory / mount["subPathExpr"].replace("$(CAIRN_SIGNAL_CORE_NAME)", pod) for pod in PODS}


@pytest.fixture(scope="module")
def objects():
    return manifests.render(FLEET)


@pytest.fixture(scope="module")
def core(objects):
    return find(objects, "StatefulSet", "cairn-signal-core")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What the commands of the README make."""
    directory = tmp_path_factory.mktemp("fleet")
    make_credentials(directory / "nats")
    output(ROOT / "deploy/link-certificates", directory / "link", "cairn-signal-core")
    (directory / "clients").mkdir()
    (directory / "clients/tokens").write_text("client secret\n")
    return directory


def test_the_manifests_hold_together(objects, core):
    assert manifests.problems(objects) == []
    nats = find(objects, "StatefulSet", "cairn-signal-nats")
    assert core["spec"]["replicas"] == nats["spec"]["replicas"] == 3
    for name in "cairn-signal-core", "cairn-signal-nats":
        assert find(objects, "PodDisruptionBudget", name)["spec"]["maxUnavailable"] == 1
    assert environment(core)["CAIRN_SIGNAL_MESH"] == "tls://cairn-signal-nats"
    assert re.findall(r"nats://([\w.-]+):6222", environment(nats)["NATS_ROUTES"]) == SERVERS
    assert environment(find(objects, "Deployment", "cairn-signal-edge"))["CAIRN_SIGNAL_CORE_CHOICE"] == "spread"


def test_only_cores_reach_nats(objects):
    policy = find(objects, "NetworkPolicy", "cairn-signal-nats")["spec"]
    allowed = {(source["podSelector"]["matchLabels"]["role"], port["port"])
               for rule in policy["ingress"] for source in rule["from"] for port in rule["ports"]}
    assert allowed == {("core", "client"), ("nats", "route")}
    assert "cairn-signal-nats" not in str(find(objects, "Deployment", "cairn-signal-edge"))


def test_a_core_sees_its_own_key_only(core, made, tmp_path):
    keys = {pod: directory / "core.nk" for pod, directory in mount_keys(core, made / "nats", tmp_path).items()}
    assert len(keys) == core["spec"]["replicas"]
    assert len({key.read_text() for key in keys.values()}) == len(keys)
    assert all([*key.parent.rglob("core.nk")] == [key] for key in keys.values())


def test_the_configuration_of_nats_is_the_one_that_is_shipped(objects):
    assert (FLEET / "nats.conf").read_text() == (ROOT / "deploy/nats/nats.conf").read_text()
    [config] = manifests.of_kind(objects, "ConfigMap")
    projected = next(one["projected"]["sources"] for one in pod_of(find(objects, "StatefulSet", "cairn-signal-nats"))["volumes"]
                     if "projected" in one)
    assert projected[0]["configMap"]["name"] == config["metadata"]["name"]


def test_peers_of_different_cores_meet_in_what_the_manifests_start(objects, core, made, start_bare, tmp_path):
    need("nats-server", "nats-server")
    certificate = Certificate(tmp_path, "cluster")
    secrets = {"cairn-signal-link-core": made / "link/core", "cairn-signal-link-edge": made / "link/edge",
               "cairn-signal-link-operator": made / "link/operator", "cairn-signal-clients": made / "clients",
               "cairn-signal-tls": tmp_path / "tls"}
    (tmp_path / "tls").mkdir()
    (tmp_path / "keys").mkdir()
    keys = mount_keys(core, made / "nats", tmp_path / "keys")
    (tmp_path / "tls/tls.crt").write_bytes(certificate.cert.read_bytes())
    (tmp_path / "tls/tls.key").write_bytes(certificate.key.read_bytes())

    def local(workload, **changed):
        files = {one["name"]: secrets[one["secret"]["secretName"]] for one in pod_of(workload)["volumes"] if "secret" in one}
        files["nats"] = keys.get(changed.get("CAIRN_SIGNAL_CORE_NAME"))
        variables = environment(workload) | changed | {"CAIRN_SIGNAL_OPS_LISTEN_ADDR": "127.0.0.1:0"}
        for mount in container_of(workload)["volumeMounts"]:
            where = f"{mount['mountPath']}/"
            variables = {name: value.replace(where, f"{files[mount['name']]}/") if value.startswith(where) else value
                         for name, value in variables.items()}
        return variables

    with NatsCluster(made / "nats/server", 3, MadeCredentials(made / "nats")) as nats:
        addresses = [f"127.0.0.1:{unused_port()}" for _ in range(3)]
        cores = [start_bare(env=local(core, CAIRN_SIGNAL_MESH=nats.url, CAIRN_SIGNAL_CORE_NAME=pod,
                                      CAIRN_SIGNAL_GRPC_LISTEN_ADDR=address)) for pod, address in zip(PODS, addresses)]
        for one in cores:
            eventually(lambda one=one: ask(one, "/readyz")[::2] == (200, "ready\n"), "a core that has joined")
        # Edges that prefer different ones: in a cluster by their names, here by their order.
        edge = find(objects, "Deployment", "cairn-signal-edge")
        edges = [start_bare(env=local(edge, CAIRN_SIGNAL_CORE=f"{addresses[index]},{addresses[2]}", CAIRN_SIGNAL_DRAIN="0s",
                                      CAIRN_SIGNAL_CORE_CHOICE="ordered", CAIRN_SIGNAL_EDGE_NAME=f"edge-{index}",
                                      CAIRN_SIGNAL_LISTEN_ADDR="127.0.0.1:0")) for index in range(2)]
        for one in edges:
            eventually(lambda one=one: ask(one, "/readyz").status == 200, "an edge that has its core")
        listener, sender = (Peer(f"wss://{HOST_NAME}:{one.address()[1]}/", ssl=trusting(certificate),
                                 server_hostname=HOST_NAME, host="127.0.0.1", token="client secret") for one in edges)
        topic = new_topic()
        listener.subscribe(topic)
        await_hearing(listener, sender, topic)
        identity = made / "link/operator"
        done = admin_cli.run("--core", addresses[2], "--tls-ca", identity / "ca.crt", "--tls-cert", identity / "tls.crt",
                             "--tls-key", identity / "tls.key", "edges", "list")
        assert done.code == 0 and all(name in done.out for name in ("edge-0", "edge-1")), done
        for one in [*edges, *cores]:
            one.finish()


def test_one_core_is_revoked_and_the_others_stay(core, start_bare, tmp_path):
    need("nats-server", "nats-server")
    nats_files = tmp_path / "nats"
    make_credentials(nats_files)
    (tmp_path / "keys").mkdir()
    keys = mount_keys(core, nats_files, tmp_path / "keys")
    mesh = {name: value for name, value in environment(core).items() if name.startswith(("CAIRN_SIGNAL_MESH_", "CAIRN_SIGNAL_FLEET"))}

    def start_core(pod):
        files = {name: value.replace("/secrets/nats", str(keys[pod])) for name, value in mesh.items()}
        return start_bare(env=files | {"CAIRN_SIGNAL_ROLE": "core", "CAIRN_SIGNAL_MESH": nats.url, "CAIRN_SIGNAL_CORE_NAME": pod,
                                       "CAIRN_SIGNAL_GRPC_LISTEN_ADDR": "127.0.0.1:0", "CAIRN_SIGNAL_OPS_LISTEN_ADDR": "127.0.0.1:0"})

    with NatsCluster(nats_files / "server", 3, MadeCredentials(nats_files)) as nats:
        cores = [start_core(pod) for pod in PODS]
        eventually(lambda: all(scrape(one).get("mesh_cores") == 2 for one in cores), "three cores that know each other")
        # As the README says.
        shutil.rmtree(nats_files / "core-1")
        lines = (nats_files / "keys").read_text().splitlines(keepends=True)
        (nats_files / "keys").write_text("".join(line for line in lines if not line.startswith("core-1 ")))
        make_credentials(nats_files)
        for server in nats.servers:
            server.reload()
        eventually(lambda: scrape(cores[1]).get("mesh_up") == 0, "the end of what has the old key")
        assert [scrape(cores[index]).get("mesh_up") for index in (0, 2)] == [1, 1]
        assert [scrape(cores[index]).get("mesh_connects_total") for index in (0, 2)] == [1, 1]
        for one in cores:
            one.finish()

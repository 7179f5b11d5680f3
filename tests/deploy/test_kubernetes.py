"""The manifests render, are consistent, and a system started with their settings works."""
import copy

import pytest
from support import admin_cli, manifests
from support.certificates import HOST_NAME, Certificate, trusting
from support.manifests import container_of, environment, find, pod_of
from support.messages import new_topic
from support.ops import Metrics, ask
from support.peer import Peer, await_hearing
from support.ports import unused_port
from support.process import ROOT
from support.tools import output
from support.waiting import eventually


@pytest.fixture(scope="module")
def rendered():
    return manifests.render()


@pytest.fixture
def objects(rendered):
    return copy.deepcopy(rendered)


def test_the_manifests_hold_together(objects):
    assert manifests.problems(objects) == []
    kinds = {one["kind"] for one in objects}
    assert kinds == {"Namespace", "Service", "StatefulSet", "Deployment", "PodDisruptionBudget", "NetworkPolicy",
                     "HorizontalPodAutoscaler"}
    assert {one["metadata"].get("namespace") for one in objects if one["kind"] != "Namespace"} == {"cairn-signal"}


def edge(objects):
    return find(objects, "Deployment", "cairn-signal-edge")


def core(objects):
    return find(objects, "StatefulSet", "cairn-signal-core")


BREAKS = {
    "a Service that selects nothing":
        lambda all_: find(all_, "Service", "cairn-signal")["spec"]["selector"].update(role="egde"),
    "a Service's port": lambda all_: find(all_, "Service", "cairn-signal")["spec"]["ports"][0].update(targetPort="ws"),
    "a policy's port": lambda all_: find(all_, "NetworkPolicy", "cairn-signal-core")["spec"]["ingress"][0]["ports"][0]
        .update(port="grcp"),
    "a budget of nothing": lambda all_: find(all_, "PodDisruptionBudget", "cairn-signal-edge")["spec"]["selector"]
        ["matchLabels"].update(app="other"),
    "a scaler of nothing": lambda all_: find(all_, "HorizontalPodAutoscaler", "cairn-signal-edge")["spec"]
        ["scaleTargetRef"].update(name="edge"),
    "a probe": lambda all_: container_of(edge(all_))["readinessProbe"]["httpGet"].update(port="metrics"),
    "root": lambda all_: pod_of(core(all_))["securityContext"].update(runAsUser=0),
    "a capability": lambda all_: container_of(edge(all_))["securityContext"].pop("capabilities"),
    "too short a time to end": lambda all_: pod_of(edge(all_)).update(terminationGracePeriodSeconds=30),
    "a variable": lambda all_: container_of(edge(all_))["env"].append({"name": "CAIRN_SIGNAL_DRIAN", "value": "1s"}),
    "a file outside of volumes":
        lambda all_: container_of(core(all_))["env"][2].update(value="/secrets/edge-token"),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_a_mistake_would_be_found(objects, broken):
    BREAKS[broken](objects)
    assert len(manifests.problems(objects)) == 1


class Cluster:
    """The workloads' variables as a cluster would set them, on this machine: files, names and ports."""

    def __init__(self, directory, objects, certificate):
        self.core_address = f"127.0.0.1:{unused_port()}"
        self._ports = {7443: int(self.core_address.split(":")[1])}
        self._secrets = {"cairn-signal-clients": directory / "clients", "cairn-signal-tls": directory / "tls"}
        for path in self._secrets.values():
            path.mkdir()
        (directory / "clients/tokens").write_text("client secret\n")
        (directory / "tls/tls.crt").write_bytes(certificate.cert.read_bytes())
        (directory / "tls/tls.key").write_bytes(certificate.key.read_bytes())
        output(ROOT / "deploy/link-certificates", directory / "link", "cairn-signal-core")
        for who in "core", "edge", "operator":
            self._secrets[f"cairn-signal-link-{who}"] = directory / "link" / who
        self._objects = objects

    def secret(self, name):
        return self._secrets[name]

    def _mounted(self, workload):
        """{where: a directory of this machine}"""
        secrets = {one["name"]: one["secret"]["secretName"] for one in pod_of(workload)["volumes"]}
        return {one["mountPath"]: self._secrets[secrets[one["name"]]] for one in container_of(workload)["volumeMounts"]}

    def _local(self, value, mounted):
        for where, directory in mounted.items():
            if value.startswith(f"{where}/"):
                return value.replace(where, str(directory), 1)
        host, _, port = value.rpartition(":")
        # A Service of the manifests, and every address of a container, are this machine.
        services = {one["metadata"]["name"] for one in manifests.of_kind(self._objects, "Service")}
        if port.isdigit() and (host in services or host == "0.0.0.0"):
            return f"127.0.0.1:{self._ports.get(int(port), 0)}"
        return value

    def environment(self, workload):
        mounted = self._mounted(workload)
        return {name: self._local(value, mounted) for name, value in environment(workload).items()}


def test_peers_meet_in_the_processes_of_the_manifests(objects, start_bare, tmp_path):
    certificate = Certificate(tmp_path, "cluster")
    cluster = Cluster(tmp_path, objects, certificate)
    core_process = start_bare(env=cluster.environment(core(objects)))
    edges = [start_bare(env=cluster.environment(edge(objects)) | {"CAIRN_SIGNAL_EDGE_NAME": f"edge-{i}",
                                                                 "CAIRN_SIGNAL_DRAIN": "0s"}) for i in range(2)]
    for process in [core_process, *edges]:
        for workload in (core, edge):
            path = container_of(workload(objects))["readinessProbe"]["httpGet"]["path"]
            eventually(lambda process=process, path=path: ask(process, path).status == 200, "readiness")
    listener, sender = (Peer(f"wss://{HOST_NAME}:{one.address()[1]}/", ssl=trusting(certificate),
                             server_hostname=HOST_NAME, host="127.0.0.1", token="client secret") for one in edges)
    topic = new_topic()
    listener.subscribe(topic)
    await_hearing(listener, sender, topic)
    # Mutual TLS: an operator's certificate may inspect, an edge's may not, and a caller without one is refused.
    for who, allowed in ("operator", True), ("edge", False), (None, False):
        identity = cluster.secret(f"cairn-signal-link-{who or 'operator'}")
        own = ["--tls-cert", identity / "tls.crt", "--tls-key", identity / "tls.key"] if who else []
        done = admin_cli.run("--core", cluster.core_address, "--tls-ca", identity / "ca.crt", *own, "edges", "list")
        assert ("edge-0" in done.out) == allowed == (done.code == 0), (who, done)
    # The metric of the autoscaler exists.
    metric = find(objects, "HorizontalPodAutoscaler", "cairn-signal-edge")["spec"]["metrics"][0]["pods"]["metric"]["name"]
    eventually(lambda: Metrics(ask(edges[0], "/metrics").text).get(metric) == 1, "the connection to be counted")


def test_cert_manager_makes_the_secrets_that_are_mounted_with_names_that_the_core_knows(objects):
    made = manifests.render(ROOT / "deploy/kubernetes/cert-manager")
    certificates = {one["spec"]["secretName"]: one["spec"] for one in manifests.of_kind(made, "Certificate")}
    mounted = {volume["secret"]["secretName"] for workload in manifests.workloads(objects)
               for volume in pod_of(workload)["volumes"]}
    links = {name for name in mounted if "-link-" in name}
    assert links == {f"cairn-signal-link-{who}" for who in ("core", "edge", "operator")}
    assert links == certificates.keys() - {"cairn-signal-link-ca"}
    for who in "core", "edge", "operator":
        spec = certificates[f"cairn-signal-link-{who}"]
        assert spec["commonName"] == who and spec["issuerRef"]["name"] == "cairn-signal-link"
    target = environment(edge(objects))["CAIRN_SIGNAL_CORE"].split(":")[0]
    assert target in certificates["cairn-signal-link-core"]["dnsNames"]
    # Each is signed by an existing issuer, whose secret is created.
    issuers = {one["metadata"]["name"]: one["spec"] for one in manifests.of_kind(made, "Issuer")}
    assert {spec["issuerRef"]["name"] for spec in certificates.values()} == issuers.keys()
    assert issuers["cairn-signal-link"]["ca"]["secretName"] in certificates
    assert {one["metadata"]["namespace"] for one in made} == {"cairn-signal"}

"""The manifests render, hold together, and what they give the containers starts a system in which peers meet."""
import copy

import pytest
from support import manifests
from support.certificates import HOST_NAME, Certificate, trusting
from support.manifests import container_of, environment, find, pod_of
from support.messages import new_topic
from support.ops import Metrics, ask
from support.peer import Peer, await_hearing
from support.ports import unused_port
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
    """What a cluster would make of the workloads' variables, on this machine: files, names and ports."""

    def __init__(self, directory, objects, certificate):
        self._ports = {7443: unused_port()}
        contents = {"/secrets/grpc/edge-token": "edge secret\n", "/secrets/grpc/operator-token": "operator secret\n",
                    "/secrets/clients/tokens": "client secret\n",
                    "/secrets/tls/tls.crt": certificate.cert.read_text(),
                    "/secrets/tls/tls.key": certificate.key.read_text()}
        # Once: servers read them while the next one is started.
        self._files = {name: directory / name.strip("/").replace("/", "-") for name in contents}
        for name, path in self._files.items():
            path.write_text(contents[name])
        self._objects = objects

    def _local(self, value):
        if value in self._files:
            return str(self._files[value])
        host, _, port = value.rpartition(":")
        # A Service of the manifests, and every address of a container, are this machine.
        services = {one["metadata"]["name"] for one in manifests.of_kind(self._objects, "Service")}
        if port.isdigit() and (host in services or host == "0.0.0.0"):
            return f"127.0.0.1:{self._ports.get(int(port), 0)}"
        return value

    def environment(self, workload):
        return {name: self._local(value) for name, value in environment(workload).items()}


def test_peers_meet_in_what_the_manifests_start(objects, start_bare, tmp_path):
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
    # What the autoscaler goes by is there.
    metric = find(objects, "HorizontalPodAutoscaler", "cairn-signal-edge")["spec"]["metrics"][0]["pods"]["metric"]["name"]
    eventually(lambda: Metrics(ask(edges[0], "/metrics").text).get(metric) == 1, "the connection to be counted")

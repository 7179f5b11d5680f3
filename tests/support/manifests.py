"""Kubernetes objects as kustomize renders them: looked up by kind and name, and checked for mistakes."""
import re

import yaml
from support.process import ROOT, run
from support.tools import need, output


def render(directory=ROOT / "deploy/kubernetes"):
    program = need("kubectl", "kubernetes-client")
    return list(yaml.safe_load_all(output(program, "kustomize", directory)))


def find(objects, kind, name):
    return next(one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name))


def of_kind(objects, *kinds):
    return [one for one in objects if one["kind"] in kinds]


def workloads(objects):
    return of_kind(objects, "Deployment", "StatefulSet")


def pod_of(workload):
    return workload["spec"]["template"]["spec"]


def container_of(workload):
    return pod_of(workload)["containers"][0]


def environment(workload):
    """{variable: value}; the value of a field that only a cluster knows is the field's name."""
    return {one["name"]: one.get("value") or one["valueFrom"]["fieldRef"]["fieldPath"]
            for one in container_of(workload)["env"]}


def selected(objects, labels):
    """Workloads whose pods have all the labels."""
    return [one for one in workloads(objects)
            if labels.items() <= one["spec"]["template"]["metadata"]["labels"].items()]


def port_names(workload):
    return {one["name"] for one in container_of(workload)["ports"]}


def seconds(text):
    return float(text.removesuffix("s"))


def _services(objects):
    for service in of_kind(objects, "Service"):
        pods = selected(objects, service["spec"]["selector"])
        if not pods:
            yield f"Service {service['metadata']['name']} selects nothing"
        for port in service["spec"]["ports"]:
            if not all(port["targetPort"] in port_names(one) for one in pods):
                yield f"Service {service['metadata']['name']} leads to port {port['targetPort']}, which its pods lack"


def _policies(objects):
    for one in of_kind(objects, "NetworkPolicy"):
        pods = selected(objects, one["spec"]["podSelector"]["matchLabels"])
        if not pods:
            yield f"NetworkPolicy {one['metadata']['name']} selects nothing"
        named = {port["port"] for rule in one["spec"].get("ingress", []) for port in rule["ports"]}
        for name in named - set().union(*map(port_names, pods)):
            yield f"NetworkPolicy {one['metadata']['name']} lets through to port {name}, which its pods lack"
    for workload in workloads(objects):
        labels = workload["spec"]["template"]["metadata"]["labels"]
        if not any(one["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
                   for one in of_kind(objects, "NetworkPolicy")):
            yield f"{workload['metadata']['name']} has no NetworkPolicy"


def _references(objects):
    for one in of_kind(objects, "PodDisruptionBudget"):
        if not selected(objects, one["spec"]["selector"]["matchLabels"]):
            yield f"PodDisruptionBudget {one['metadata']['name']} selects nothing"
    for one in of_kind(objects, "HorizontalPodAutoscaler"):
        target = one["spec"]["scaleTargetRef"]
        if not [found for found in of_kind(objects, target["kind"]) if found["metadata"]["name"] == target["name"]]:
            yield f"HorizontalPodAutoscaler {one['metadata']['name']} scales nothing"
    for one in of_kind(objects, "StatefulSet"):
        if not [found for found in of_kind(objects, "Service") if found["metadata"]["name"] == one["spec"]["serviceName"]]:
            yield f"StatefulSet {one['metadata']['name']} has no Service"


def _probes(workload):
    name = workload["metadata"]["name"]
    for probe, path in ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz"):
        asked = container_of(workload).get(probe, {})
        # Another program's.
        if asked.get("tcpSocket", {}).get("port") in port_names(workload) - {"ops", "grpc", "wss"}:
            continue
        get = asked.get("httpGet", {})
        if get.get("path") != path or get.get("port") not in port_names(workload):
            yield f"{name}: {probe} does not ask {path} of a port of its own"


def _restricted(workload):
    """Checks the restricted profile of the Pod Security Standards, and a read-only root file system."""
    pod, container = pod_of(workload)["securityContext"], container_of(workload)["securityContext"]
    held = {
        "runs as root": pod.get("runAsNonRoot") is True and pod.get("runAsUser", 0) > 0,
        "has no seccomp profile": pod.get("seccompProfile", {}).get("type") == "RuntimeDefault",
        "may gain privileges": container.get("allowPrivilegeEscalation") is False,
        "has capabilities": container.get("capabilities", {}).get("drop") == ["ALL"],
        "may write to its image": container.get("readOnlyRootFilesystem") is True,
        "gets the cluster's token": pod_of(workload).get("automountServiceAccountToken") is False,
    }
    yield from (f"{workload['metadata']['name']} {what}" for what, right in held.items() if not right)


def _time_to_end(workload):
    pre_stop = container_of(workload).get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["", "0"])
    needed = seconds(pre_stop[-1]) + seconds(environment(workload).get("CAIRN_SIGNAL_DRAIN", "2s"))
    granted = pod_of(workload)["terminationGracePeriodSeconds"]
    if granted < needed + 5:
        yield f"{workload['metadata']['name']} is killed after {granted} s, and needs {needed:g} s to end"


def _mounts(workload):
    """Checks that every file that a variable names is in a mounted volume."""
    mounts = [one["mountPath"] for one in container_of(workload)["volumeMounts"]]
    for name, value in environment(workload).items():
        if value.startswith("/") and not any(value.startswith(f"{mount}/") for mount in mounts):
            yield f"{workload['metadata']['name']}: {name} is in no volume"
    volumes = {one["name"] for one in pod_of(workload)["volumes"]}
    if {one["name"] for one in container_of(workload)["volumeMounts"]} != volumes:
        yield f"{workload['metadata']['name']}: volumes and mounts differ"


def problems(objects):
    known = set(re.findall(r"\(Env:(CAIRN_\w+)\)", run("--help").stdout))
    found = [*_services(objects), *_policies(objects), *_references(objects)]
    for workload in workloads(objects):
        found += [*_probes(workload), *_restricted(workload), *_time_to_end(workload), *_mounts(workload)]
        found += [f"{workload['metadata']['name']}: no such variable: {name}"
                  for name in environment(workload).keys() - known if not name.startswith("NATS_")]
    return found

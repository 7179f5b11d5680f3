"""compose.yaml is accepted by compose, and the files that it mounts and names exist."""
import json
import pathlib
import re
import subprocess

import pytest
import yaml
from support import admin_cli
from support.ports import unused_port
from support.process import ROOT, run
from support.tools import need, output

COMPOSE = ROOT / "deploy/compose"
GRAFANA = ROOT / "deploy/grafana"


def config(text, directory):
    """A file as compose would run it, or compose's error about it."""
    (directory / "compose.yaml").write_text(text)
    program = [need("docker-compose", "docker-compose"), "--project-directory", COMPOSE]
    return subprocess.run([*program, "-f", directory / "compose.yaml", "config"], text=True, capture_output=True,
                          check=False)


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    done = config((COMPOSE / "compose.yaml").read_text(), tmp_path_factory.mktemp("compose"))
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)["services"]


def test_compose_would_find_a_mistake(tmp_path):
    mistaken = (COMPOSE / "compose.yaml").read_text().replace("stop_grace_period", "stop_grace_time", 1)
    done = config(mistaken, tmp_path)
    assert done.returncode != 0 and "stop_grace_time" in done.stderr


def test_the_services_are_a_core_two_edges_a_proxy_and_monitoring(services):
    assert services.keys() == {"core", "edge1", "edge2", "proxy", "prometheus", "grafana"}
    roles = {name: service["environment"].get("CAIRN_SIGNAL_ROLE") for name, service in services.items()
             if "cairn-signal" in service["image"]}
    assert roles == {"core": "core", "edge1": "edge", "edge2": "edge"}


def test_the_server_knows_every_variable(services):
    known = set(re.findall(r"\(Env:(CAIRN_\w+)\)", run("--help").stdout))
    for name, service in services.items():
        given = {variable for variable in service.get("environment", {}) if variable.startswith("CAIRN_")}
        assert given <= known, name


def test_the_server_accepts_the_settings_of_every_service(services):
    # Its files do not exist here, which compose reports only when the rest is valid.
    for name in "core", "edge1":
        done = run(env=services[name]["environment"])
        assert (done.returncode, "/secrets/" in done.stderr) == (1, True), done.stderr


def test_an_edge_has_the_time_that_its_drain_takes(services):
    for name in "edge1", "edge2":
        drain = services[name]["environment"]["CAIRN_SIGNAL_DRAIN"]
        assert int(services[name]["stop_grace_period"].removesuffix("s")) >= int(drain.removesuffix("s")) + 5


def volumes_of(service):
    """[(mounted file, path in the container)]"""
    return [volume.split(":")[:2] for volume in service.get("volumes", [])]


def secrets_of(service):
    """What of secrets/ is mounted: where, by its path in there."""
    return {where: pathlib.PurePath(source).relative_to(COMPOSE / "secrets")
            for source, where in ((str(pathlib.PurePath(COMPOSE, one)), where) for one, where in volumes_of(service))
            if source.startswith(f"{COMPOSE}/secrets")}


def test_mounted_files_exist(services):
    mounted = [source for service in services.values() for source, _ in volumes_of(service)]
    missing = [path for path in mounted if "/secrets/" not in path and not (COMPOSE / path).exists()]
    assert mounted and not missing


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Where make-secrets has made its files."""
    need("openssl", "openssl")
    directory = tmp_path_factory.mktemp("deploy")
    (directory / "compose").mkdir()
    for script in "compose/make-secrets", "link-certificates":
        (directory / script).write_text((ROOT / "deploy" / script).read_text())
        (directory / script).chmod(0o755)
    output("bash", directory / "compose/make-secrets")
    return directory / "compose/secrets"


def files_below(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_every_file_that_a_service_is_given_is_made_and_mounted(services, made):
    given = {name: [value for value in service.get("environment", {}).values() if value.startswith("/secrets/")]
             for name, service in services.items()}
    given["proxy"] = re.findall(r"/secrets/[\w./-]+", (COMPOSE / "haproxy.cfg").read_text())
    for name, paths in given.items():
        mounted = secrets_of(services[name])
        for path in map(pathlib.PurePath, paths):
            [inside] = [source / path.relative_to(where) for where, source in mounted.items() if path.is_relative_to(where)]
            assert (made / inside).is_file(), (name, path)
    assert len(given["core"]) == 4 and len(given["edge1"]) == 4 and given["proxy"]


def test_each_gets_only_its_own_key_and_never_the_authoritys(services, made):
    assert (made / "link/ca/ca.key").stat().st_mode & 0o077 == 0
    shown = {name: {str(path) for path in secrets_of(service).values()} for name, service in services.items()}
    assert shown["core"] == {"link/core", "link/operator"}
    assert shown["edge1"] == {"clients", "link/edge.edge1"} and shown["edge2"] == {"clients", "link/edge.edge2"}
    assert shown["proxy"] == {"proxy"} and not shown["prometheus"] and not shown["grafana"]


def test_existing_files_are_kept(made):
    before = files_below(made)
    output("bash", made.parent / "make-secrets")
    assert files_below(made) == before


def test_edge_core_and_operator_connect_with_the_generated_certificates(services, made, start_bare, tmp_path):
    address = f"127.0.0.1:{unused_port()}"

    def local(name):
        mounted = secrets_of(services[name])
        changed = {"CAIRN_SIGNAL_GRPC_LISTEN_ADDR": address, "CAIRN_SIGNAL_CORE": address,
                   "CAIRN_SIGNAL_LISTEN_ADDR": "127.0.0.1:0", "CAIRN_SIGNAL_DRAIN": "0s"}
        for variable, value in services[name]["environment"].items():
            for where, source in mounted.items():
                value = value.replace(f"{where}/", f"{made}/{source}/")
            if variable.startswith("CAIRN_") and variable != "CAIRN_SIGNAL_OPS_LISTEN_ADDR":
                yield variable, changed.get(variable, value)

    core = start_bare(env=dict(local("core")))
    core.grpc_address()
    start_bare(env=dict(local("edge1"))).wait_for_log("core_link_up")
    # Its certificate is good for that edge only.
    posing = dict(local("edge1")) | {"CAIRN_SIGNAL_EDGE_NAME": "edge2"}
    assert not start_bare(env=posing).wait_for_log("core_link_(up|lost)")[1] == "up"
    assert "/secrets/operator" in secrets_of(services["core"])
    # The command for it is at the top of the file.
    assert "--tls-key /secrets/operator/tls.key" in (COMPOSE / "compose.yaml").read_text().split("services:")[0]
    identity = made / "link/operator"
    done = admin_cli.run("--core", address, "--tls-ca", identity / "ca.crt", "--tls-cert", identity / "tls.crt", "--tls-key",
                     identity / "tls.key", "edges", "list")
    assert done.code == 0 and "edge1" in done.out, done
    wrong = made / "link/edge.edge1"
    done = admin_cli.run("--core", address, "--tls-ca", wrong / "ca.crt", "--tls-cert", wrong / "tls.crt", "--tls-key",
                     wrong / "tls.key", "edges", "list")
    assert done.code != 0 and "edge1" not in done.out, done


def test_haproxy_accepts_its_configuration(services, made, tmp_path):
    program = need("haproxy", "haproxy")
    text = (COMPOSE / "haproxy.cfg").read_text()
    (tmp_path / "haproxy.cfg").write_text(text.replace("/secrets/", f"{made}/"))
    output(program, "-c", "-f", tmp_path / "haproxy.cfg")
    # Every edge is balanced, and by the name that compose gives it.
    assert set(re.findall(r"^    server (\w+) \1:8443$", text, re.M)) == {"edge1", "edge2"} <= services.keys()


def test_prometheus_scrapes_every_process(services):
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"][0]
    targets = {target for group in scraped["static_configs"] for target in group["targets"]}
    assert targets == {f"{name}:9090" for name in ("core", "edge1", "edge2")}


def test_grafana_finds_its_dashboard_and_its_data(services):
    provider = yaml.safe_load((GRAFANA / "provisioning/dashboards/cairn-signal.yml").read_text())["providers"][0]
    source = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"][0]
    dashboard = json.loads((GRAFANA / "dashboards/cairn-signal.json").read_text())
    assert any(volume.split(":")[1] == provider["options"]["path"] for volume in services["grafana"]["volumes"])
    assert source["url"] == "http://prometheus:9090" and "prometheus" in services
    used = {target["datasource"]["uid"] for panel in dashboard["panels"] for target in panel["targets"]}
    assert used == {source["uid"]}

"""compose.yaml is one that compose takes, and what it mounts and names is there."""
import json
import re
import subprocess

import pytest
import yaml
from support.process import ROOT, run
from support.tools import need, output

COMPOSE = ROOT / "deploy/compose"
GRAFANA = ROOT / "deploy/grafana"


def config(text, directory):
    """What compose makes of a file: as it would run it, or what it has to say against it."""
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


def test_the_services_are_a_core_two_edges_a_proxy_and_who_watches_them(services):
    assert services.keys() == {"core", "edge1", "edge2", "proxy", "prometheus", "grafana"}
    roles = {name: service["environment"].get("CAIRN_SIGNAL_ROLE") for name, service in services.items()
             if "cairn-signal" in service["image"]}
    assert roles == {"core": "core", "edge1": "edge", "edge2": "edge"}


def test_the_server_knows_every_variable(services):
    known = set(re.findall(r"\(Env:(CAIRN_\w+)\)", run("--help").stdout))
    for name, service in services.items():
        given = {variable for variable in service.get("environment", {}) if variable.startswith("CAIRN_")}
        assert given <= known, name


def test_the_server_takes_the_settings_of_every_service(services):
    # Its files are not here, which it says only when it has nothing against the rest.
    for name in "core", "edge1":
        done = run(env=services[name]["environment"])
        assert (done.returncode, "/secrets/" in done.stderr) == (1, True), done.stderr


def test_an_edge_has_the_time_that_its_drain_takes(services):
    for name in "edge1", "edge2":
        drain = services[name]["environment"]["CAIRN_SIGNAL_DRAIN"]
        assert int(services[name]["stop_grace_period"].removesuffix("s")) >= int(drain.removesuffix("s")) + 5


def test_what_is_mounted_is_there(services):
    mounted = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])]
    missing = [path for path in mounted if "/secrets/" not in path and not (COMPOSE / path).exists()]
    assert mounted and not missing


def test_a_service_sees_the_secrets_that_it_names_and_no_others(services):
    for name, service in services.items():
        text = str(service.get("environment", "")) + ((COMPOSE / "haproxy.cfg").read_text() if name == "proxy" else "")
        named = set(re.findall(r"/secrets/([\w.-]+)", text))
        seen = {volume.split(":")[1].removeprefix("/secrets/") for volume in service.get("volumes", []) if "/secrets" in volume}
        assert seen == named, name
    for name in ("edge1", "edge2"):
        own, = (volume for volume in services[name]["volumes"] if "own-token" in volume)
        assert own.endswith(f"/secrets/{name}-token:/secrets/own-token:ro"), own


def test_make_secrets_makes_every_file_that_is_named(services, tmp_path):
    need("openssl", "openssl")
    script = tmp_path / "make-secrets"
    script.write_text((COMPOSE / "make-secrets").read_text())
    output("bash", script)
    named = set(re.findall(r"\./secrets/([\w.-]+)", (COMPOSE / "compose.yaml").read_text()))
    made = {path.name for path in (tmp_path / "secrets").iterdir()}
    assert named and named <= made
    lines = (tmp_path / "secrets/edge-tokens").read_text().splitlines()
    assert [line.split(": ")[0] for line in lines] == ["edge1", "edge2"] and len(set(lines)) == 2
    before = {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()}
    output("bash", script)
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()}


def test_haproxy_takes_its_configuration(services, tmp_path):
    program = need("haproxy", "haproxy")
    (tmp_path / "make-secrets").write_text((COMPOSE / "make-secrets").read_text())
    output("bash", tmp_path / "make-secrets")
    text = (COMPOSE / "haproxy.cfg").read_text()
    (tmp_path / "haproxy.cfg").write_text(text.replace("/secrets/", f"{tmp_path}/secrets/"))
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

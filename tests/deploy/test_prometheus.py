"""Every query of the dashboard, the rules and the alerts, on a real Prometheus that scrapes a system under load."""
import json
import math
import re

import pytest
import yaml
from support.loaded_system import LoadedSystem
from support.process import ROOT
from support.prometheus import RULES
from support.tools import need, output
from support.waiting import PATIENCE, eventually

DASHBOARD = ROOT / "deploy/grafana/dashboards/cairn-signal.json"


def panels():
    return json.loads(DASHBOARD.read_text())["panels"]


def dashboard_queries():
    """With what Grafana puts in place of its variables."""
    return [target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".+")
            for panel in panels() for target in panel["targets"]]


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def measured(alert):
    """What an alert compares with its bound: nothing would come of the comparison while all is well."""
    expression, comparison = re.fullmatch(r"(.*?) ((?:==|<|>) [\d.* ]+)", alert["expr"], re.S).groups()
    assert comparison
    return expression


def queries():
    return [*dashboard_queries(), *(rule["expr"] for rule in rules() if "record" in rule),
            *(rule["record"] for rule in rules() if "record" in rule),
            *(measured(rule) for rule in rules() if "alert" in rule)]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """It has scraped a system under load for long enough that every rate has a value."""
    need("prometheus", "prometheus")
    with LoadedSystem(tmp_path_factory.mktemp("prometheus")) as system:
        one = system.prometheus
        eventually(lambda: len(one.query("up == 1")) == 4 and one.query("rate(cairn_signal_relays_total[1m]) > 0")
                   and one.query("cairn_signal:relay_latency_seconds:p99 > 0"), "rates in Prometheus",
                   within=3 * PATIENCE)
        yield one


@pytest.mark.parametrize("query", queries())
def test_the_query_returns_data(prometheus, query):
    samples = eventually(lambda: prometheus.query(query), f"data for {query}")
    assert not all(math.isnan(value) for _, value in samples), samples


def test_no_alert_fires_while_all_is_well(prometheus):
    assert prometheus.query('ALERTS{alertstate="firing", alertname!="CairnSignalCertificateExpires"}') == []


def test_an_alert_would_fire(prometheus):
    # The certificate of a test is good for two days.
    assert eventually(lambda: prometheus.query('ALERTS{alertname="CairnSignalCertificateExpires"}'), "an alert")


def test_each_panel_has_a_place_of_its_own_and_a_title():
    taken = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
    assert len({panel["title"] for panel in panels()}) == len(panels()) == len({panel["id"] for panel in panels()})


def test_the_rules_pass_their_unit_tests():
    promtool = need("promtool", "prometheus")
    directory = ROOT / "deploy/prometheus"
    output(promtool, "check", "config", "--lint-fatal", "prometheus.yml", cwd=directory)
    output(promtool, "test", "rules", "rules_test.yml", cwd=directory)


def test_every_alert_has_a_unit_test_in_which_it_fires_and_one_in_which_it_does_not():
    tests = yaml.safe_load((ROOT / "deploy/prometheus/rules_test.yml").read_text())["tests"]
    cases = [case for one in tests for case in one["alert_rule_test"]]
    firing = {case["alertname"] for case in cases if case["exp_alerts"]}
    assert firing == {rule["alert"] for rule in rules() if "alert" in rule}
    # That of the certificate does not fire for a second one of the same test.
    assert firing - {case["alertname"] for case in cases if not case["exp_alerts"]} == {"CairnSignalCertificateExpires"}


def test_every_alert_is_in_the_runbook():
    runbook = (ROOT / "docs/OPERATIONS.md").read_text()
    assert [rule["alert"] for rule in rules() if "alert" in rule and rule["alert"] not in runbook] == []

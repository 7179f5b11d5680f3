"""A real Prometheus that scrapes what a test has started, with the rules of deploy/prometheus."""
import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import yaml
from support.ports import unused_port
from support.process import ROOT
from support.tools import need
from support.waiting import eventually

RULES = ROOT / "deploy/prometheus/rules.yml"
SCRAPE_INTERVAL = "500ms"


class Prometheus:
    def __init__(self, directory, targets):
        """targets: {name in the shipped configuration, such as "edge1:9090": (host, port) in this test}. Names that are not in
        the configuration are added to it."""
        program = need("prometheus", "prometheus")
        self._url = f"http://127.0.0.1:{unused_port()}"
        config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
        config["global"] = {"scrape_interval": SCRAPE_INTERVAL, "evaluation_interval": SCRAPE_INTERVAL}
        config["rule_files"] = [str(RULES)]
        shipped = config["scrape_configs"][0]["static_configs"]
        others = sorted(targets.keys() - {name for group in shipped for name in group["targets"]})
        if others:
            shipped.append({"targets": others})
        for group in shipped:
            group["targets"] = ["%s:%d" % targets[name] for name in group["targets"]]
        path = directory / "prometheus.yml"
        path.write_text(yaml.safe_dump(config))
        self._log = open(directory / "log", "w+")
        self._popen = subprocess.Popen(
            [program, f"--config.file={path}", f"--storage.tsdb.path={directory / 'data'}",
             f"--web.listen-address={self._url.removeprefix('http://')}"], stdout=self._log, stderr=self._log)
        eventually(self._is_ready, "Prometheus")

    def _is_ready(self):
        assert self._popen.poll() is None, self.log()
        try:
            return urllib.request.urlopen(f"{self._url}/-/ready").status == 200
        except OSError:
            return False

    def log(self):
        self._log.seek(0)
        return self._log.read()

    def query(self, expression):
        """The samples of an instant query: [({label: value}, value)]."""
        query = urllib.parse.urlencode({"query": expression})
        try:
            answer = json.load(urllib.request.urlopen(f"{self._url}/api/v1/query?{query}"))
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}: {error.read().decode()}") from None
        return [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]

    def series(self, expression, start, end, step):
        """The samples between two times: [({label: value}, [(time, value)])]."""
        query = urllib.parse.urlencode({"query": expression, "start": start, "end": end, "step": step})
        answer = json.load(urllib.request.urlopen(f"{self._url}/api/v1/query_range?{query}"))
        return [(one["metric"], [(time, float(value)) for time, value in one["values"]])
                for one in answer["data"]["result"]]

    def stop(self):
        self._popen.terminate()
        self._popen.wait(20)
        self._log.close()

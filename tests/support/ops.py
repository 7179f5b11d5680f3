"""The ops endpoint of a process: health checks and metrics."""
import collections
import contextlib
import http.client
import re

from prometheus_client.parser import text_string_to_metric_families
from support.waiting import PATIENCE

# The environment of a process that serves the ops endpoint.
OPS = {"CAIRN_SIGNAL_OPS_LISTEN_ADDR": "127.0.0.1:0"}

Answer = collections.namedtuple("Answer", "status headers text")


def ask(process, path, method="GET", **options):
    with contextlib.closing(http.client.HTTPConnection(*process.ops_address(), timeout=PATIENCE)) as connection:
        connection.request(method, path, **options)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read().decode())


class Metrics:
    """One scrape."""

    def __init__(self, text):
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._values = {}
        for family in self.families.values():
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self._values, f"twice: {sample}"
                self._values[key] = sample.value

    def get(self, name, **labels):
        """The value of one series, which must exist. The prefix cairn_signal_ may be left out."""
        if not re.match("cairn_signal_|process_", name):
            name = f"cairn_signal_{name}"
        return self._values[name, frozenset(labels.items())]

    def names(self):
        return {name for name, _ in self._values}

    def label_values(self, name, label):
        return {dict(labels)[label] for series, labels in self._values if series == f"cairn_signal_{name}"}


def scrape(process):
    answer = ask(process, "/metrics")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return Metrics(answer.text)


def total(processes, name, **labels):
    """The sum over those processes."""
    return sum(scrape(process).get(name, **labels) for process in processes)

"""A core and two named edges, inspected and changed with cairn-admin."""
import pytest
from support import admin_cli
from support.peer import Peer
from support.process import with_defaults
from support.waiting import eventually


class Cluster:
    """A core and two edges with names."""

    def __init__(self, start, directory, core_flags=(), edge_flags=()):
        self.core_address = f"unix:{directory}/core"
        self.core = start("--role", "core", "--grpc-listen-addr", self.core_address, *core_flags)
        self.core.grpc_address()
        self.edges = {name: start(*with_defaults(["--role", "edge", "--core", self.core_address, "--edge-name", name,
                                                  *edge_flags])) for name in ("east", "west")}
        for edge in self.edges.values():
            edge.wait_for_log("core_link_up")

    def admin(self, *arguments, env=None):
        return admin_cli.run(*arguments, env={"CAIRN_ADMIN_CORE": self.core_address, **(env or {})})

    def json(self, *arguments):
        outcome = self.admin(*arguments, "-o", "json")
        assert outcome.code == 0, outcome
        return outcome.json_lines()

    def live(self, *arguments):
        return admin_cli.LiveCommand(*arguments, env={"CAIRN_ADMIN_CORE": self.core_address})

    def terminal(self, *arguments, env=None):
        return admin_cli.Terminal(*arguments, env={"CAIRN_ADMIN_CORE": self.core_address, **(env or {})})

    def connect(self, edge, *topics):
        """A new peer and its id; returns when the core knows its subscriptions."""
        host, port = self.edges[edge].address()
        before = {peer["id"] for peer in self.json("peers", "list")}
        peer = Peer(f"ws://{host}:{port}/")
        peer.subscribe(*topics)

        def known():
            return [one for one in self.json("peers", "list", "--edge", edge)
                    if one["id"] not in before and one["topic_count"] == len(topics)]

        return peer, eventually(known, "the core knows the peer")[0]["id"]


@pytest.fixture
def cluster(start, tmp_path):
    return Cluster(start, tmp_path)


@pytest.fixture
def in_terminal():
    """in_terminal(terminal) closes it with the test."""
    terminals = []
    yield lambda terminal: terminals.append(terminal) or terminal
    for terminal in terminals:
        terminal.close()

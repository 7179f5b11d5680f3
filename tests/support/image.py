"""The image that ./dev image has built, run by buildah without a Docker engine: files, user, environment and command are the
image's own; the network is this machine's."""
import json
import os
import pathlib
import re
import subprocess

import pytest
from support.process import ServerProcess
from support.tools import need, output

ENVIRONMENT = {**os.environ, "STORAGE_DRIVER": os.environ.get("STORAGE_DRIVER", "vfs"), "BUILDAH_ISOLATION": "chroot"}


def name():
    """Of the image under test; without one the test is skipped."""
    image = os.environ.get("CAIRN_TEST_IMAGE")
    if not image:
        pytest.skip("CAIRN_TEST_IMAGE names no image: ./dev test-deploy builds one and tests it")
    need("buildah", "buildah")
    return image


def buildah(*arguments):
    return output("buildah", *arguments, env=ENVIRONMENT).strip()


def inspect(image):
    return json.loads(buildah("inspect", "--type", "image", image))["Docker"]["config"]


def innermost(pid):
    """The process at the end of the line of children that begins here."""
    while True:
        lists = [path.read_text() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children")]
        children = " ".join(lists).split()
        if not children:
            return int(pid)
        pid = children[0]


class ContainedServer(ServerProcess):
    """buildah ends what it runs with SIGKILL when it is told to end: a signal goes past it, to the server, as Docker's would."""

    def send_signal(self, number):
        os.kill(innermost(self.pid), number)


class Container:
    def __init__(self, image, volumes=()):
        self.config = inspect(image)
        self._volumes = [word for volume in volumes for word in ("--volume", volume)]
        self._name = buildah("from", image)
        self.root = buildah("mount", self._name)

    def _run(self, env):
        return ["buildah", "run", *self._volumes, *(word for pair in (env or {}).items() for word in ("--env", "%s=%s" % pair)),
                self._name, "--"]

    def run(self, *command, env=None):
        """What it prints; what it ends with is in returncode. No shell is needed."""
        return subprocess.run([*self._run(env), *map(str, command)], env=ENVIRONMENT, text=True, capture_output=True,
                              timeout=60, check=False)

    def serve(self, *flags, env=None):
        """The entry point, as `docker run` would start it."""
        return ContainedServer(*flags, command=[*self._run(env), *self.config["Entrypoint"]], env=ENVIRONMENT)

    def health(self, env):
        kind, *command = self.config["Healthcheck"]["Test"]
        assert kind == "CMD", "a health check that needs a shell"
        return self.run(*command, env=env)

    def remove(self):
        buildah("rm", self._name)


def packages(root):
    """{package: version} that dpkg knows in a file system."""
    paragraphs = (root / "var/lib/dpkg/status").read_text().split("\n\n")
    return {re.search(r"^Package: (.+)$", one, re.M)[1]: re.search(r"^Version: (.+)$", one, re.M)[1]
            for one in paragraphs if "\nStatus: install ok installed\n" in one}

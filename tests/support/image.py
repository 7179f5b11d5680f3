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
    """The directory of the image under test; skips the test if there is none."""
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
    """Follows the only child of each process, and returns the last one."""
    while True:
        lists = [path.read_text() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children")]
        children = " ".join(lists).split()
        if not children:
            return int(pid)
        pid = children[0]


class ContainedServer(ServerProcess):
    """Sends the signal to the server itself, as Docker does: buildah would end it with SIGKILL."""

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
        """Runs a command without a shell. Returns its output; sets returncode."""
        return subprocess.run([*self._run(env), *map(str, command)], env=ENVIRONMENT, text=True, capture_output=True,
                              timeout=60, check=False)

    def serve(self, *flags, env=None):
        """Starts the entry point, as `docker run` does."""
        return ContainedServer(*flags, command=[*self._run(env), *self.config["Entrypoint"]], env=ENVIRONMENT)

    def health(self, env):
        kind, *command = self.config["Healthcheck"]["Test"]
        assert kind == "CMD", "a health check that needs a shell"
        return self.run(*command, env=env)

    def remove(self):
        buildah("rm", self._name)


def packages(root):
    """{package: version} of the packages that dpkg lists in a root file system."""
    paragraphs = (root / "var/lib/dpkg/status").read_text().split("\n\n")
    return {re.search(r"^Package: (.+)$", one, re.M)[1]: re.search(r"^Version: (.+)$", one, re.M)[1]
            for one in paragraphs if "\nStatus: install ok installed\n" in one}

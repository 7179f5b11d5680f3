"""The wheel of clients/python: built and installed by pip as a stranger would, its README's example run from it."""
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from support.process import ROOT
from support.waiting import PATIENCE, eventually

LIBRARY = ROOT / "clients/python"


def pip(*words):
    done = subprocess.run([sys.executable, "-m", "pip", *map(str, words)], text=True, capture_output=True, check=False,
                          timeout=PATIENCE * 6)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    # A copy: the build leaves its own files beside the sources.
    directory = tmp_path_factory.mktemp("wheel")
    shutil.copytree(LIBRARY, directory / "source", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    pip("wheel", "--no-build-isolation", "--no-index", "--no-deps", "--wheel-dir", directory, directory / "source")
    [path] = directory.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    target = tmp_path_factory.mktemp("installed")
    pip("install", "--no-index", "--no-deps", "--target", target, wheel)
    return target


def test_the_wheel_has_the_library_its_types_and_its_requirements(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        [metadata] = [archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA")]
    sources = {f"cairn_signal/{path.name}" for path in (LIBRARY / "src/cairn_signal").iterdir() if path.is_file()}
    assert names == sources and "cairn_signal/py.typed" in names
    assert sorted(re.findall(r"^Requires-Dist: (\w+)", metadata, re.M)) == ["cbor2", "websockets"]
    version = re.search(r"^Version: (.+)$", metadata, re.M)[1]
    assert f"\n## {version}\n" in (LIBRARY / "CHANGELOG.md").read_text()


def test_the_first_example_of_the_readme_works_from_the_installed_wheel(installed, shape, tmp_path):
    code = re.search(r"^```python\n(.*?)^```", (LIBRARY / "README.md").read_text(), re.M | re.S)[1]
    assert len(code.splitlines()) <= 15, "short"
    host, port = shape.edges[0].address()
    script = tmp_path / "first.py"
    script.write_text(code.replace("wss://signal.example.com", f"ws://{host}:{port}/"))
    running = []

    def start_and_await(*words):
        log = open(tmp_path / f"log{len(running)}", "w+b")
        child = subprocess.Popen([sys.executable, script], stdout=log, stderr=log,
                                 env={**os.environ, "PYTHONPATH": str(installed)})
        running.append((child, log))

        def said():
            text = (tmp_path / log.name).read_text()
            assert child.poll() is None, text
            return all(word in text for word in words)

        eventually(said, f"{words}", within=PATIENCE)

    try:
        start_and_await("0 others")
        start_and_await("1 others", "b'hello'")
    finally:
        for child, log in running:
            child.kill()
            child.wait()
            log.close()

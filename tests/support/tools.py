"""Programs of other packages that a test needs: found, or the test is skipped with the reason."""
import os
import shutil
import subprocess

import pytest


def need(program, package):
    """Its path. Also where only root's PATH leads."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if not path:
        pytest.skip(f"no {program}: apt install {package}")
    return path


def output(*command, **options):
    """What it prints on both streams; it must end with 0."""
    done = subprocess.run([str(one) for one in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout

"""Finds programs of other packages that a test needs, or skips the test and names the missing one."""
import os
import shutil
import subprocess

import pytest


def need(program, package):
    """The path of the program, searched also in the directories of root's PATH."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if not path:
        pytest.skip(f"no {program}: apt install {package}")
    return path


def output(*command, **options):
    """Runs the program, which must exit with 0. Returns the output of both streams."""
    done = subprocess.run([str(one) for one in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout

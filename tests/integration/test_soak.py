"""`./dev soak` itself: a short run with cheap faults, and its errors for invalid options."""
import subprocess
import sys

from support.process import ROOT
from support.waiting import PATIENCE


def soak(*arguments):
    return subprocess.run([sys.executable, ROOT / "tests/soak/run", *arguments], text=True, capture_output=True,
                          timeout=3 * PATIENCE, check=False)


def test_a_short_soak_reports_its_faults_and_no_loss():
    done = soak("0.05", "--seed", "7", "--edges", "2", "--copies", "1", "--only", "edge_killed")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 7" in done.stdout and " edge killed " in done.stdout and "received" in done.stdout
    assert "nothing lost, doubled, out of order or closed" in done.stdout


def test_a_fault_that_is_not_known_is_refused():
    done = soak("0.1", "--only", "flood")
    assert done.returncode != 0 and "no such fault: flood" in done.stderr

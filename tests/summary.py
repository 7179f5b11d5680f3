#!/usr/bin/python3
"""What CTest's last run came to, in one line: summary.py BUILD_DIR. CTest counts programs; this counts the tests in them.

Reads Testing/Temporary/LastTest.log: GoogleTest's, pytest's and Node's own counts, and one test for a program that gives none.
"""
import collections
import pathlib
import re
import sys

# The result lines of GoogleTest, pytest and Node's test runner.
COUNTS = {
    "passed": r"\[  PASSED  \] (\d+) tests?|\b(\d+) passed\b.* in [\d.:]+s|^(?:#|ℹ) pass (\d+)$",
    "failed": r"\[  FAILED  \] (\d+) tests?|\b(\d+) (?:failed|errors?)\b.* in [\d.:]+s|^(?:#|ℹ) fail (\d+)$",
    "skipped": r"\[  SKIPPED \] (\d+) tests?|\b(\d+) skipped\b.* in [\d.:]+s|^(?:#|ℹ) skipped (\d+)$",
}
# A reason and how many tests have it: pytest's short summary, GTEST_SKIP's message, and what tests/browser/run says.
PYTEST_REASON = re.compile(r"^SKIPPED \[(\d+)\] \S+?: (.*)$", re.M)
GTEST_REASON = re.compile(r"^\S+:\d+: Skipped\n(.+)$", re.M)
WHOLE_REASON = re.compile(r"^.*tests skipped: (.*)$", re.M)


def entries(log):
    """(name, output, result) of each program: result is Passed, Failed, or what CTest made of it."""
    for block in re.split(r"^\d+/\d+ Testing: ", log, flags=re.M)[1:]:
        output = re.search(r"^Output:\n-+\n(.*?)^<end of output>$", block, re.M | re.S)
        result = re.search(r"^Test (Passed|Failed|Skipped|Timeout|Not Run)\b", block.split("<end of output>")[-1], re.M)
        yield block.split("\n", 1)[0], output[1] if output else "", result[1] if result else "Failed"


def counted(output):
    """{"passed": …} from the program's output; empty if it has none."""
    found = {}
    for what, pattern in COUNTS.items():
        numbers = [int(next(filter(None, groups))) for groups in re.findall(pattern, output, re.M)]
        if numbers:
            found[what] = sum(numbers)
    return found


def reasons(output):
    """How many tests were skipped for each reason that is given."""
    found = collections.Counter()
    for count, reason in PYTEST_REASON.findall(output):
        found[reason] += int(count)
    found.update(reason.strip() for reason in GTEST_REASON.findall(output) + WHOLE_REASON.findall(output))
    return found


def summary(log):
    """The line, and whether all is well."""
    total, why, failed_programs = collections.Counter(), collections.Counter(), []
    for name, output, result in entries(log):
        counts, given = counted(output), reasons(output)
        if given and not counts:
            counts = {"skipped": sum(given.values())}
        well = result in ("Passed", "Skipped")
        if not well:
            failed_programs.append(name)
            counts = {**counts, "failed": counts.get("failed") or 1}
        elif not counts:
            counts = {"passed": 1}
        total.update(counts)
        why.update(given)
        why["no reason given"] += max(0, counts.get("skipped", 0) - sum(given.values()))
    line = f"{total['passed']:,} tests passed, {total['failed'] or 'none'} failed"
    if failed_programs:
        line += f" ({', '.join(failed_programs)})"
    line += f", {total['skipped'] or 'none'} skipped"
    listed = [f"{count} {reason}" for reason, count in why.most_common() if count]
    return line + (f": {'; '.join(listed)}" if listed else ""), not failed_programs


def main():
    path = pathlib.Path(sys.argv[1]) / "Testing/Temporary/LastTest.log"
    if not path.exists():
        print(f"no {path}: no test has run")
        return 1
    line, well = summary(path.read_text(errors="replace"))
    print(line)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())

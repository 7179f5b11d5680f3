"""The last line of `./dev test` counts what passed, failed and was skipped: summary_test.py SOURCE_DIR."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(sys.argv[1]) / "tests"))

import summary  # noqa: E402

BLOCK = """{number}/9 Testing: {name}
{number}/9 Test: {name}
Command: "x"
Output:
----------------------------------------------------------
{output}
<end of output>
Test time =   0.10 sec
----------------------------------------------------------
Test {result}.
----------------------------------------------------------

"""
GOOGLE_TEST = """[ RUN      ] A.B
/x/a_test.cc:117: Skipped
TLS only
[  SKIPPED ] A.B (0 ms)
[  PASSED  ] 300 tests.
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] A.B"""
PYTEST_SKIPPED = """sss
SKIPPED [2] ../a.py:13: no nginx: apt install nginx-light
SKIPPED [1] ../b.py:36: no caddy: apt install caddy
3 skipped in 0.02s"""
PYTEST_FAILED = """FAILED a.py::test_x - assert 1 == 2
2 failed, 1,000 passed in 61.00s (0:01:01)""".replace("1,000", "1000")


def log(*programs):
    """LastTest.log of programs, each (name, output, result)."""
    blocks = [BLOCK.format(number=number, name=name, output=output, result=result)
              for number, (name, output, result) in enumerate(programs, 1)]
    return "Start testing: now\n" + "-" * 58 + "\n" + "".join(blocks) + "End testing: now\n"


CASES = {
    "a program without a count is one test": (
        [("layering", "139 sources keep to the layers", "Passed")], "1 tests passed, none failed, none skipped", True),
    "GoogleTest's count, and why a test was skipped": (
        [("edge", GOOGLE_TEST, "Passed")], "300 tests passed, none failed, 1 skipped: 1 TLS only", True),
    "pytest's count, by reason": (
        [("deploy", PYTEST_SKIPPED, "Skipped")],
        "0 tests passed, none failed, 3 skipped: 2 no nginx: apt install nginx-light; 1 no caddy: apt install caddy", True),
    "what failed is named": (
        [("records", PYTEST_FAILED, "Failed"), ("docs", "ok", "Passed")],
        "1,001 tests passed, 2 failed (records), none skipped", False),
    "a program that was ended is one failure": (
        [("sim", "", "Timeout")], "0 tests passed, 1 failed (sim), none skipped", False),
    "a program that passed its tests and then crashed has failed": (
        [("edge", "[  PASSED  ] 3 tests.", "Failed")], "3 tests passed, 1 failed (edge), none skipped", False),
    "tests that are skipped without a reason": (
        [("a", "1 passed, 2 skipped in 0.10s", "Passed")], "1 tests passed, none failed, 2 skipped: 2 no reason given", True),
}


def main():
    problems = [f"{name}:\n  expected {(line, well)}\n  got      {summary.summary(log(*programs))}"
                for name, (programs, line, well) in CASES.items() if summary.summary(log(*programs)) != (line, well)]
    print("\n".join(problems) or f"{len(CASES)} cases")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

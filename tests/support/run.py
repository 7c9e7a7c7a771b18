#!/usr/bin/env python3
"""run: every test program, three at a time, one line each, and the sum in the last line.

    tests/support/run.py                 unit programs, golden tests, system tests
    tests/support/run.py PATH...         only these (a unit program, a tests/system/*.py)

A test program is one of: a Check program in BUILD/unit, an executable tests/conf/*.sh, a
tests/system/test_*.py (slow_*.py only where named). The last line is `N passed, N failed`; the
exit status is 0 only where something passed and nothing failed.
"""

import concurrent.futures
import glob
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("BUILD", "build")
LIMIT_S = int(os.environ.get("TEST_LIMIT_S", "600"))
AT_ONCE = int(os.environ.get("TEST_AT_ONCE", "3"))

CHECK_SUM = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", re.M)
PYTHON_SUM = re.compile(r"^Ran (\d+) tests? in", re.M)
FIGURE = re.compile(r"^figure: (.*)", re.M)  # shown though all went well
PYTHON_BAD = re.compile(r"\b(failures|errors|skipped)=(\d+)")


def discover():
    units = [p for p in glob.glob(os.path.join(BUILD, "unit", "*")) if executable(p)]
    golden = [p for p in glob.glob("tests/conf/*.sh") if executable(p)]
    system = glob.glob("tests/system/test_*.py")
    # The longest first: the end is then not one test running alone.
    return sorted(system, key=os.path.getsize, reverse=True) + sorted(golden) + sorted(units)


def executable(path):
    """No link: that is a program a test looks for beside itself."""
    return (os.path.isfile(path) and os.access(path, os.X_OK) and not path.endswith(".d")
            and not os.path.islink(path))


def count(path, code, output):
    """(passed, failed, skipped) as the program told them; a bad end is a failure in any case."""
    passed = failed = skipped = 0
    if path.endswith(".py"):
        ran = PYTHON_SUM.search(output)
        bad = {kind: int(number) for kind, number in PYTHON_BAD.findall(output[-400:])}
        skipped = bad.get("skipped", 0)
        failed = bad.get("failures", 0) + bad.get("errors", 0)
        passed = max(int(ran.group(1)) - failed - skipped, 0) if ran else 0
    else:
        sums = CHECK_SUM.findall(output)
        failed = sum(int(f) + int(e) for _, f, e in sums)
        passed = sum(int(c) for c, _, _ in sums) - failed
        if not sums and code == 0:
            passed = 1
    if code != 0 and failed == 0:
        failed = 1
    if passed + failed == 0:
        failed = 1  # a test file without a test is a mistake
    return passed, failed, skipped


def run(path):
    """Runs one program in a session of its own, so that its whole group can be ended."""
    argv = [sys.executable, path] if path.endswith(".py") else [os.path.abspath(path)]
    env = dict(os.environ, BUILD=BUILD, CK_VERBOSITY="normal", PYTHONDONTWRITEBYTECODE="1")
    started = time.monotonic()
    if not path.endswith(".py") and not executable(path):
        return path, -1, "not a program", 0
    with tempfile.TemporaryFile("w+", errors="replace") as out:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                   env=env, start_new_session=True)
        try:
            code = process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = None
        out.seek(0)
        output = out.read()
    if code is None:
        output += "\nnot done after %d s: killed\n" % LIMIT_S
        code = -1
    return path, code, output, time.monotonic() - started


def tell(path, code, output, seconds):
    passed, failed, skipped = count(path, code, output)
    words = "%d passed" % passed
    if failed:
        words += ", %d FAILED" % failed
    if skipped:
        words += ", %d SKIPPED" % skipped
    print("%-44s %6.1f s  %s" % (os.path.relpath(path), seconds, words), flush=True)
    if failed or skipped:
        print("".join("    " + line + "\n" for line in output.strip().split("\n")), flush=True)
    else:
        for figure in FIGURE.findall(output):
            print("    " + figure, flush=True)
    return passed, failed


def main():
    os.chdir(ROOT)
    paths = sys.argv[1:] or discover()
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run, path) for path in paths]):
            more_passed, more_failed = tell(*done.result())
            passed, failed = passed + more_passed, failed + more_failed
    print("%d passed, %d failed" % (passed, failed))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())

"""Limits: what goes too far is ended as a tree, named in the record, and harms nobody else."""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import processes  # noqa: E402
from rig import SLOW, SystemTest, main, python, sh  # noqa: E402

# Doubles its memory use until somebody stops it, then stays alive so that only a kill ends it.
EATER = "import time\nb=[]\nwhile len(b) < 400: b.append(b'x' * (1 << 20)); time.sleep(0.001)\n" \
        "time.sleep(300)"


class Limits(SystemTest):
    def run_beside_twenty(self, job, cls="Victim"):
        """One job that goes too far, twenty that must not notice; its failure record."""
        job.setdefault("directory", self.folder)
        drover = self.drover({cls: job, "Noop": {"command": ["/bin/true"]}})
        self.enqueue("critical", cls)
        for _ in range(10):
            self.enqueue("default", "Noop")
        record = self.until_failed(1)[0]
        for _ in range(10):
            self.enqueue("default", "Noop")
        self.until_processed(21)
        self.assertEqual(len(self.failed()), 1)
        self.assert_pids_gone()
        self.assert_no_child_left(drover)
        return record

    def assert_no_child_left(self, drover):
        """Zombies count: who is not reaped still stands in the process table."""
        def left():
            return [processes.describe(pid) for pid in drover.children()
                    if pid not in drover.nurseries()]
        try:
            self.until(lambda: not left(), "droverd to have no child but nurseries", 10 * SLOW)
        except AssertionError:
            self.fail("children left: " + "; ".join(left()))

    def assert_pids_gone(self):
        """Every process that wrote its id into the file `pids` is no more."""
        for pid in map(int, (self.read("pids") or "").split()):
            self.until_gone(pid)

    def assert_record(self, record, exception, *figures):
        self.assertEqual(record["exception"], exception, record)
        for figure in figures:
            self.assertRegex(record["error"], re.compile(figure, re.I))

    def test_timeout_with_a_job_that_ignores_term(self):
        record = self.run_beside_twenty(sh(
            "trap '' TERM; echo $$ >> pids; sleep 300 & echo $! >> pids; echo last words;"
            "while :; do wait; done", timeout="1s"))
        self.assert_record(record, "Drover::Timeout", r"\b1s\b|1000 ?ms|1\.0 s")
        self.assertIn("last words", record["backtrace"])

    def test_timeout_ends_a_polite_job_by_term(self):
        record = self.run_beside_twenty(sh(
            "trap 'echo told; exit 0' TERM; echo $$ >> pids; sleep 300 & wait", timeout="300ms"))
        self.assert_record(record, "Drover::Timeout")
        self.assertIn("told", record["backtrace"])

    def test_timeout_finds_what_left_the_session(self):
        record = self.run_beside_twenty(sh(
            "setsid sh -c 'echo $$ >> pids; trap \"\" TERM; exec sleep 300' & echo $$ >> pids;"
            "setsid sh -c 'setsid sleep 300 & echo $! >> pids; exit 0'; wait", timeout="1s"))
        self.assert_record(record, "Drover::Timeout")
        self.assertEqual(len(self.read("pids").split()), 3)

    def test_memory_of_a_grandchild(self):
        record = self.run_beside_twenty(sh(
            "echo $$ >> pids; setsid %s -c \"$EATER\" & echo $! >> pids; wait" % sys.executable,
            memory="64M", env={"EATER": EATER}))
        self.assert_record(record, "Drover::MemoryLimit", "64")

    def test_memory_of_the_job_itself(self):
        record = self.run_beside_twenty(python(EATER, memory="64M"))
        self.assert_record(record, "Drover::MemoryLimit", "64")

    def test_cpu_of_a_spinning_loop(self):
        record = self.run_beside_twenty(sh("echo $$ >> pids; while :; do :; done", cpu="1s"))
        self.assert_record(record, "Drover::CpuLimit", "1")

    def test_number_of_processes(self):
        record = self.run_beside_twenty(sh(
            "n=0; while [ $n -lt 40 ]; do sleep 300 & echo $! >> pids; n=$((n + 1)); done; wait",
            processes=10))
        self.assert_record(record, "Drover::ProcessLimit", "10")

    def test_open_files_core_and_nice_are_set_before_the_job(self):
        self.drover({"Show": sh("{ ulimit -n; ulimit -c; nice; } > limits", open_files=77, nice=5,
                                directory=self.folder)})
        self.enqueue("default", "Show")
        self.until_processed(1)
        self.assertEqual(self.read("limits"), "77\n0\n5\n")

    def test_descendants_of_a_finished_job_end_with_it(self):
        self.drover({"Leave": sh("setsid sleep 300 & echo $! >> pids; exit 0",
                                 directory=self.folder)})
        for _ in range(3):
            self.enqueue("default", "Leave")
        self.until_processed(3)
        self.assertEqual(self.failed(), [])
        self.assertEqual(len(self.read("pids").split()), 3)
        self.assert_pids_gone()

    def test_a_chatty_job_costs_only_its_tail(self):
        drover = self.drover({"Chatty": sh(
            "i=0; while [ $i -lt 20000 ]; do echo line $i of much; i=$((i + 1)); done; exit 9",
            keep_output="4K")})
        self.enqueue("default", "Chatty")
        record = self.until_failed(1, 60)[0]
        self.assertEqual(record["backtrace"][-1], "line 19999 of much")
        self.assertLess(sum(map(len, record["backtrace"])), 5000)
        self.assertTrue(processes.alive(drover.pid))


def cgroup2_mount():
    """Where a cgroup v2 tree is mounted that we may make folders in; None: nowhere."""
    with open("/proc/self/mounts") as mounts:
        for line in mounts:
            _, place, kind = line.split()[:3]
            if kind == "cgroup2" and os.access(place, os.W_OK):
                return place
    return None


@unittest.skipUnless(cgroup2_mount(), "no cgroup v2 tree that we may write to")
class LimitsInCgroup(Limits):
    """The same with a leaf a worker: what is left of a job is ended by cgroup.kill."""

    def setUp(self):
        super().setUp()
        self.group = os.path.join(cgroup2_mount(), os.path.basename(self.folder))
        os.mkdir(self.group)
        self.addCleanup(os.rmdir, self.group)

    def new_drover(self, jobs=None, arguments=(), **sections):
        return super().new_drover(jobs, list(arguments) + ["--cgroup", self.group], **sections)

    def test_the_log_says_so(self):
        drover = self.drover({"Noop": {"command": ["/bin/true"]}})
        self.assertIn("cgroup v2", drover.events("supervisor.ready")[0]["limits"])


if __name__ == "__main__":
    main()

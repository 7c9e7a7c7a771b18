"""The fault driver in short, and drover torture against a Redis that is somebody else's."""

import os
import signal
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "torture")]
from driver import torture  # noqa: E402
from rig import SystemTest, command, main, program  # noqa: E402

SEED = int(os.environ.get("SEED", "0")) or int.from_bytes(os.urandom(4), "big")


class Driver(unittest.TestCase):
    def test_short(self):
        self.assertEqual(torture(SEED, jobs=800, kills=24, runs=5, lease_s=1,
                                 say=lambda words: print("\nfigure: " + words)), [])


class Verb(SystemTest):
    """The user's own droverd and keys stay as they are."""

    def setUp(self):
        super().setUp()
        self.with_lease = self.path("mine.yml")
        with open(self.with_lease, "w") as file:
            file.write('redis: {url: "%s"}\nsupervisor: {lease: 1s}\n' % self.redis.url)

    def test_it_counts_and_leaves_nothing(self):
        drover = self.drover({"Note": self.note()})
        self.enqueue("default", "Note", "mine")
        self.until_processed(1)
        before = [key for key in self.redis.keys() if "heartbeat" not in key]
        code, out, err = command("drover", "torture", "-c", self.with_lease, "--jobs", 200,
                                 "--runs", 5, "--kills", 10, "--seed", SEED % (1 << 32), timeout=180)
        self.assertEqual((code, err), (0, ""), out)
        self.assertRegex(out, r"^seed %d: killed " % (SEED % (1 << 32)))
        self.assertRegex(out, r"(?m)^200 jobs: 200 done, 0 failed, 0 lost; ")
        self.assertRegex(out, r"(?m)^5 runs of 200 items: 0 ended wrong; 0 items lost, ")
        self.assertEqual([key for key in self.redis.keys() if "heartbeat" not in key], before)
        self.assertTrue(drover.running)

    def test_interrupted_it_leaves_nothing(self):
        process = subprocess.Popen(
            [program("drover"), "torture", "-c", self.with_lease, "--jobs", "100000"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.until(lambda: self.redis.keys("drover-torture-*:stat:processed"), "a job to be done")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 1, out)
        self.assertEqual(self.redis.keys("drover-torture-*"), [])

    def test_bad_words(self):
        for words in (["--jobs", "x"], ["more"], ["--namespace", "resque"]):
            code, _, err = command("drover", "torture", "--redis", self.redis.url, *words)
            self.assertEqual(code, 64, err)


if __name__ == "__main__":
    main()

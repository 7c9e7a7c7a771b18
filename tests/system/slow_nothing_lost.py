"""The fault driver at length, every crash point, and a schedule by the minute. (.ci/run)"""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "torture")]
from driver import torture  # noqa: E402

SEED = int(os.environ.get("SEED", "0")) or int.from_bytes(os.urandom(4), "big")


def say(words):
    print("\nfigure: " + words)


class Driver(unittest.TestCase):
    def test_two_hundred_kills_over_ten_thousand_jobs(self):
        self.assertEqual(torture(SEED, jobs=10000, kills=200, say=say), [])

    def test_supervisors_nurseries_and_children_one_after_another(self):
        self.assertEqual(torture(SEED + 1, jobs=3000, kills=60, work_ms=20, say=say,
                                 only=("child", "nursery", "supervisor")), [])


if __name__ == "__main__":
    unittest.main()

"""A process kills itself at some crash points; all of them in turn: make torture."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "torture"))
from points import all_points, meet_points  # noqa: E402

SAME_HOST = ["fetch.answer", "job.given", "verdict.kept", "finish.answer", "nursery.cloned"]
OTHER_HOST = ["fetch.answer", "finish.send"]
EACH_SAME = ["child.performed", "child.mark", "child.marked", "plan.seen", "checkpoint.answer",
             "takeover.told"]
EACH_OTHER = ["checkpoint.send", "aside.kept", "share.send"]


class CrashPoints(unittest.TestCase):
    def meet(self, points, variant):
        self.assertEqual(meet_points(points, lambda _: None, [variant]), [])

    def test_started_again_on_the_same_host(self):
        self.meet(SAME_HOST, "same")

    def test_taken_over_by_another_host(self):
        self.meet(OTHER_HOST, "other")

    def test_iterating_jobs_go_on_on_the_same_host(self):
        self.meet(EACH_SAME, "same")

    def test_iterating_jobs_go_on_on_another_host(self):
        self.meet(EACH_OTHER, "other")

    def test_each_has_one_name(self):
        self.assertEqual(len(all_points()), len(set(all_points())))


if __name__ == "__main__":
    unittest.main()

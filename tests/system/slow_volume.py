"""A hundred thousand jobs through eight workers: the count is exact, nothing grows. (.ci/run)"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import processes  # noqa: E402
from rig import SLOW, SystemTest, main, payload, sample_module  # noqa: E402

JOBS = int(os.environ.get("SLOW_JOBS", "100000"))
WARM = JOBS // 10
PSS_LIMIT_KB = 8 * 1024
GROWTH_KB = 512


class Volume(SystemTest):
    redis_options = {"appendfsync": "no"}

    def push_many(self, cls, count):
        for first in range(0, count, 5000):
            self.push("default", *[payload(cls, number)
                                   for number in range(first, min(first + 5000, count))])

    def measure(self, drover):
        """What must not grow, looked at while nothing runs."""
        self.until(lambda: len(drover.children()) == len(drover.nurseries()) == 1,
                   "no child but the nursery")
        return len(drover.descriptors()), processes.anonymous_kb(drover.pid)

    def run_volume(self, job, count, **sections):
        drover = self.drover({"Job": job}, pools={"main": {"workers": 8, "queues": ["default"]}},
                             supervisor={"log": {"level": "warn"}}, **sections)
        self.push_many("Job", WARM)
        self.until_processed(WARM)
        descriptors, memory_kb = self.measure(drover)
        self.push_many("Job", count - WARM)
        self.until_processed(count)
        after, memory_after_kb = self.measure(drover)
        print("figure: %d jobs: %d KiB of its own, then %d KiB; PSS %d KiB; %d descriptors, then %d"
              % (count, memory_kb, memory_after_kb, drover.pss_kb(), descriptors, after))
        self.assertEqual(self.failed(), [])
        self.assertEqual(after, descriptors)
        if SLOW == 1:  # a sanitizer's memory is its own
            self.assertLess(drover.pss_kb(), PSS_LIMIT_KB)
            self.assertLess(memory_after_kb - memory_kb, GROWTH_KB)

    def drover(self, *arguments, **sections):
        """Without info lines there is no `supervisor.ready`: ready is who has worker ids."""
        drover = self.new_drover(*arguments, **sections).start(wait=False)
        self.until(lambda: len(self.workers()) == 8, "eight workers")
        return drover

    def test_functions(self):
        self.run_volume({"function": "noop"}, JOBS, modules=[sample_module()])

    def test_reused_children(self):
        self.run_volume({"function": "noop", "reuse": 100}, JOBS, modules=[sample_module()])

    def test_commands(self):
        self.run_volume({"command": ["/bin/true"]}, JOBS // 5)


if __name__ == "__main__":
    main()

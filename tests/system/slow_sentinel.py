"""Failovers under load, by three Sentinels: what had reached the replica is never lost.

Replication is asynchronous, so a verdict or a fetch of the last moment may be lost: then its job
runs again, and the log says so. The figures show how many did.
"""

import os
import sys
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import SystemTest, main, payload, sh  # noqa: E402
from sentinel import Watched  # noqa: E402

JOBS, WORKERS = 1500, 4


class Failovers(SystemTest):
    conserves = False  # the counters of the last moment may be lost with the old master
    holds = False  # and so may its last writes of any kind

    def setUp(self):
        super().setUp()
        self.redis.stop()
        self.watch = Watched(self.folder, sentinels=3)
        self.addCleanup(self.watch.end)
        self.redis = self.watch.master

    def tearDown(self):
        self.watch.end(but=self.redis)
        super().tearDown()

    def ran(self):
        return Counter((self.read("ran") or "").split())

    def until_ran(self, count):
        self.until(lambda: len(self.ran()) >= count, "%d jobs to have run" % count)

    def under_load(self, fail_over):
        drover = self.drover(
            {"Each": sh("read x; echo $x >> %s" % self.path("ran"))},
            redis={"url": self.watch.url(), "command_timeout": "1s"},
            supervisor={"lease": "3s"}, pools={"main": {"workers": WORKERS, "queues": ["default"]}})
        self.push("default", *[payload("Each", number) for number in range(JOBS)])
        self.watch.until_replicated()
        self.until_ran(JOBS // 3)
        fail_over()
        drover.until_event("redis.up")
        self.watch.replica.hang_up()
        self.redis = self.watch.replica
        self.until_ran(JOBS)
        self.until(lambda: not self.waiting() and not self.lease_entries(), "all to be over")
        again = sum(times - 1 for times in self.ran().values())
        said = {name: len(drover.events(name))
                for name in ("job.orphan", "job.missing", "verdict.stale")}
        print("\nfigure: %s: of %d jobs 0 lost, %d ran again, %r"
              % (self._testMethodName, JOBS, again, said))
        self.assertEqual(len(self.ran()), JOBS, "each ran")

    def test_the_master_is_killed(self):
        self.under_load(self.watch.master.kill)

    def test_the_master_is_stopped(self):
        self.under_load(self.watch.master.pause)

    def test_an_operator_asks_for_it(self):
        self.under_load(lambda: self.watch.sentinel.call("SENTINEL", "FAILOVER", "main"))

    def test_one_sentinel_is_gone_too(self):
        def both():
            self.watch.sentinel.kill()
            self.watch.master.kill()
        self.under_load(both)


if __name__ == "__main__":
    main()

"""Nurseries and redis killed at odd moments under load: every job runs, none is blamed. (.ci/run)"""

import contextlib
import os
import random
import signal
import sys
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import SystemTest, main, payload, sh  # noqa: E402

JOBS, KILLS = 2000, 20


class Kills(SystemTest):
    redis_options = {"appendonly": "yes", "appendfsync": "always"}

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
        self.random = random.Random(self.seed)
        print("figure: SEED=%d" % self.seed)

    def ran(self):
        return Counter((self.read("ran") or "").split())

    def load(self):
        job = sh("read x; echo $x >> %s" % self.path("ran"))
        drover = self.drover({"Each": job}, pools={"main": {"workers": 4, "queues": ["default"]}})
        self.push("default", *[payload("Each", number) for number in range(JOBS)])
        return drover

    def moments(self):
        """Numbers of jobs done at which something is killed, in order."""
        return sorted(self.random.sample(range(JOBS * 9 // 10), KILLS))

    def judge(self):
        self.until_processed(JOBS)
        ran = self.ran()
        self.assertEqual(len(ran), JOBS, "every job ran")
        self.assertEqual(self.failed(), [])
        return [job for job, times in ran.items() if times > 1]

    def test_nurseries(self):
        drover = self.load()
        for moment in self.moments():
            self.until(lambda: self.stat("processed") >= moment, "job %d" % moment, 120)
            for pid in drover.nurseries():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.assertEqual(self.judge(), [], "none ran twice: droverd lived")

    def test_redis(self):
        drover = self.load()
        for moment in self.moments()[::2]:
            self.until(lambda: sum(self.ran().values()) >= moment, "job %d" % moment, 120)
            self.redis.kill()
            self.redis.start()
        self.assertEqual(self.judge(), [], "none ran twice: droverd lived")
        self.assertTrue(drover.running)


if __name__ == "__main__":
    main()

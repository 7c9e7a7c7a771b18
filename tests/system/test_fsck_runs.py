"""fsck: runs that are paused, and runs in parts, whose jobs are not under their own id."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cli import RunsTest  # noqa: E402
from rig import main, payload  # noqa: E402


class Runs(RunsTest):
    def kinds(self, *words):
        return sorted((f["kind"], f["where"]) for f in self.fsck(*words))

    def test_nothing_is_wrong(self):
        self.plant("r", "paused")
        self.put_by("low", self.job_of("r"))
        self.redis.call("HSET", "resque:drover:pause", "r", "1 x")
        self.divided("s", p1="paused")
        self.redis.call("HSET", self.key("s"), "state", "queued")
        self.put_by("low", self.part_of("s", 1))
        self.push("low", self.part_of("s", 3))
        self.plant("e", "queued", parts=1)
        self.push("low", self.job_of("e.end", parent="e", part=-1))
        for end, kind in ((":errors", "HSET"), (":log", "XADD")):
            self.redis.call(kind, self.key("r", end), *(["*"] if kind == "XADD" else []), "1", "{}")
        self.assertEqual(self.kinds(), [])

    def test_a_lock_of_a_divided_run_is_not_idle(self):
        self.divided("r", p1="queued")
        self.redis.call("HSET", self.key("r"), "state", "queued")
        self.push("low", self.part_of("r", 3))
        self.redis.call("SET", "resque:drover:unique:" + "0" * 40, "r", "PX", 100000)
        self.assertEqual(self.kinds(), [])

    def test_paused_and_nowhere(self):
        self.plant("r", "paused")
        self.divided("s")
        self.assertEqual(self.kinds(), [("run.lost", "drover:run:r"), ("run.lost", "drover:run:s")])

    def test_paused_and_says_something_else(self):
        self.plant("r", "running")
        self.put_by("low", self.job_of("r"))
        self.divided("s")
        self.put_by("low", self.part_of("s", 1))
        found = [("run.state", "drover:run:r"), ("run.state", "drover:run:s")]
        self.assertEqual(self.kinds("--repair"), found)
        self.assertEqual(self.record("r")["state"], "paused")
        self.assertEqual(self.kinds(), found[1:])  # what its parts make of it is not for fsck to say

    def test_twice(self):
        self.put_by("low", self.job_of("r"))
        self.push("low", self.job_of("r"))
        self.assertEqual(self.kinds(), [("job.twice", "queue:low")])
        self.assertEqual(self.fsck()[0]["text"], "the job r stands here and in drover:paused:jobs")

    def test_what_nobody_could_resume(self):
        self.redis.call("HSET", "resque:drover:paused:jobs", "a", "junk", "b", "3 low " + payload("A", jid="c"))
        self.assertEqual(self.kinds(), [("paused.item", "drover:paused:jobs")] * 2)

    def test_wrong_types(self):
        self.redis.call("SET", "resque:drover:paused:jobs", "x")
        self.redis.call("SET", "resque:drover:pause", "x")
        self.assertEqual(self.kinds(), [("key.type", "drover:pause"), ("key.type", "drover:paused:jobs")])


if __name__ == "__main__":
    main()

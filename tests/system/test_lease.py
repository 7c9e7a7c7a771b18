"""The lease: what Redis thinks a supervisor holds against what it holds."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from embedded import script  # noqa: E402
from rig import SystemTest, main, payload, sh  # noqa: E402

SHORT = {"supervisor": {"lease": "1s"}}


class Lease(SystemTest):
    def lease_of(self, drover):
        return drover.events("supervisor.ready")[-1]["lease"]

    def lease_key(self, drover):
        return "resque:drover:lease:" + self.lease_of(drover)

    def test_an_orphan_goes_back_and_runs_as_recovered(self):
        drover = self.drover({"Note": self.note(), "Origin": sh(
            'echo "$DROVER_ORIGIN $DROVER_RECOVERIES $DROVER_JID" >> %s' % self.path("origin"))}, **SHORT)
        self.enqueue("default", "Note")
        self.until_processed(1)
        mark = self.pool_mark(drover)
        worker, queue = self.workers()[0], "default"
        item = payload("Origin", 1, jid="abc")
        entry = "taken 1 none %d %s %d %s %s" % (len(worker), worker, len(queue), queue, item)
        self.enqueued += 1  # a job whose answer never reached its supervisor
        self.redis.call("HSET", self.lease_key(drover), "%s.1.7" % mark, entry)
        self.assertEqual(self.until_file("origin"), "recovered 1 abc\n")
        self.until_processed(2)
        drover.until_event("job.orphan", jid="abc")

    def pool_mark(self, drover):
        fields = self.redis.call("HKEYS", self.lease_key(drover))
        return next(field[1:] for field in fields if field.startswith("#"))

    def test_a_job_redis_lost_runs_on_and_its_verdict_is_stale(self):
        self.conserves = False  # the lost job is in no count of Redis any more
        drover = self.drover({"Gate": self.gate(), "Note": self.note()}, **SHORT)
        self.enqueue("default", "Gate", jid="lost")
        self.until_begun()
        token = next(iter(self.lease_entries()))
        self.redis.call("HDEL", self.lease_key(drover), token)
        drover.until_event("job.missing", jid="lost")
        self.open_gate()
        drover.until_event("job.done", jid="lost")
        drover.until_event("verdict.stale")
        self.enqueue("default", "Note", "after")
        self.until_processed(1)
        self.assertEqual(self.noted(), [["after"]])

    def test_all_data_lost_while_a_job_runs(self):
        drover = self.drover({"Gate": self.gate(), "Note": self.note()}, **SHORT)
        self.enqueue("default", "Gate", jid="held")
        self.until_begun()
        self.redis.call("FLUSHALL")
        drover.until_event("redis.data_lost")
        self.until(lambda: len(self.lease_entries()) == 1, "the job to be entered again")
        self.until(lambda: len(self.workers()) == 2, "both workers to be known again")
        self.open_gate()
        self.until_processed(1)
        self.enqueue("default", "Note", "after")
        self.until_processed(2)
        self.assertEqual(drover.events("job.done", jid="held")[0]["worker"], self.workers()[0])

    def test_a_lease_taken_over_ends_what_runs_and_begins_anew(self):
        self.conserves = False  # the test is the other supervisor, and keeps the job
        drover = self.drover({"Gate": self.gate(), "Note": self.note()}, **SHORT)
        self.enqueue("default", "Gate", jid="theirs")
        pid = self.until_begun()[0]
        old = self.lease_of(drover)
        self.redis.call("MULTI")
        self.redis.call("ZADD", "resque:drover:taken", 1, old)
        self.redis.call("ZREM", "resque:drover:supervisors", old)
        self.redis.call("DEL", self.lease_key(drover), "resque:drover:supervisor:" + old)
        self.redis.call("EXEC")
        drover.until_event("lease.taken")
        self.until_gone(pid)
        drover.until_event("job.dropped", jid="theirs")
        self.until(lambda: self.redis.call("ZCARD", "resque:drover:supervisors") == 1, "a new lease")
        self.assertNotEqual(self.redis.call("ZRANGE", "resque:drover:supervisors", 0, -1), [old])
        self.assertEqual(self.redis.call("LLEN", "resque:failed"), 0)
        self.enqueue("default", "Note", "after")
        self.until(lambda: self.noted() == [["after"]], "the next job under the new lease")

    def test_beside_each_other(self):
        first = self.drover({"Note": self.note()}, **SHORT)
        second = self.drover({"Note": self.note()}, **SHORT)
        for number in range(100):
            self.enqueue("default", "Note", number)
        self.until_processed(100)
        self.assertEqual(sorted(self.noted()), [[number] for number in range(100)])
        self.assertEqual(len(self.workers()), 4)
        for drover in (first, second):
            self.assertEqual(drover.term(), 0)


class Scripts(SystemTest):
    """What comes twice, or late, told to the scripts themselves."""

    conserves = holds = False  # there is no supervisor

    LEASE = "test:1:0123456789abcdef"

    def script(self, name, keys, *arguments):
        return self.redis.call("EVAL", script(name), len(keys), *keys, *arguments)

    def setUp(self):
        super().setUp()
        self.redis.call("ZADD", "resque:drover:supervisors", 9e15, self.LEASE)

    def keys(self, *more):
        return ["resque:drover:supervisors", "resque:drover:lease:" + self.LEASE] + list(more)

    def fetch(self, number):
        return self.script("fetch", self.keys("resque:pause-all-workers", "resque:drover:paused",
                                              "resque:queue:default"),
                           self.LEASE, "p", number, 1000000, "resque:", "now", "now", "w", "j%d" % number)

    def test_a_mark_is_never_lowered(self):
        self.push("default", payload("A"), payload("B"))
        self.script("reenter", self.keys(), self.LEASE, "resque:", "#p", 0, "#~adopt", 0)
        first = self.fetch(1)
        self.redis.call("HSET", "resque:drover:lease:" + self.LEASE, "#~adopt", "3 1 dead:1:0123456789abcdef")
        self.script("reenter", self.keys(), self.LEASE, "resque:", "#p", 0, "#~adopt", 2)
        self.assertEqual(self.fetch(1), first)  # the same again, and not another over it
        self.assertEqual(self.size("default"), 1)
        self.assertEqual(self.redis.call("HGET", "resque:drover:lease:" + self.LEASE, "#~adopt"),
                         "3 1 dead:1:0123456789abcdef")
        self.script("reenter", self.keys(), self.LEASE, "resque:", "#p", 7)
        self.assertEqual(self.fetch(1), ["OLD"])
        self.redis.call("FLUSHALL")


class AtMostOnce(SystemTest):
    def test_it_is_marked_before_it_begins(self):
        self.drover({"Once": dict(self.gate(), delivery="at-most-once")})
        self.enqueue("default", "Once")
        self.until_begun()
        self.assertTrue(next(iter(self.lease_entries().values())).startswith("started "))
        self.open_gate()
        self.until_processed(1)

    def test_cut_off_by_a_stop_it_is_not_run_again(self):
        drover = self.drover({"Once": dict(self.gate(), delivery="at-most-once")},
                             supervisor={"shutdown_grace": "100ms"})
        self.enqueue("default", "Once")
        self.until_begun()
        self.assertEqual(drover.term(), 0)
        self.assertEqual([r["exception"] for r in self.failed()], ["Drover::Interrupted"])
        self.assertEqual(self.waiting(), 0)


if __name__ == "__main__":
    main()

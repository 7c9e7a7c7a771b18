"""The main job: strict priority with one worker, what fails and how, and what is left."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import SystemTest, main, sh  # noqa: E402

ONE_WORKER = {"main": {"workers": 1, "queues": ["critical", "default", "low"]}}


class Priority(SystemTest):
    def jobs(self):
        return {"Note": self.note(), "Fail": sh("echo no luck >&2; exit 3"),
                "Crash": sh("kill -SEGV $$")}

    def test_fifteen_jobs_run_in_strict_priority(self):
        for queue in ("low", "default", "critical"):
            for number in range(5):
                self.enqueue(queue, "Note", queue, number)
        self.drover(self.jobs(), pools=ONE_WORKER)
        self.until_processed(15)
        expected = [[queue, number] for queue in ("critical", "default", "low")
                    for number in range(5)]
        self.assertEqual(self.noted(), expected)

    def test_a_job_that_comes_later_in_an_earlier_queue_goes_first(self):
        self.drover(dict(self.jobs(), Wait=self.gate()), pools=ONE_WORKER)
        self.enqueue("default", "Wait")
        self.until_begun()
        self.enqueue("low", "Note", "low")
        self.enqueue("default", "Note", "default")
        self.enqueue("critical", "Note", "critical")
        self.open_gate()
        self.until_processed(4)
        self.assertEqual(self.noted(), [["critical"], ["default"], ["low"]])

    def test_what_fails_is_recorded_and_the_rest_goes_on(self):
        self.enqueue("critical", "Fail", 1)
        self.enqueue("critical", "Note", 2)
        self.enqueue("critical", "Crash", 3)
        self.enqueue("default", "Nobody", 4)
        self.push("default", "this is not json", '["an","array"]', '{"args":[1]}')
        for number in range(8):
            self.enqueue("low", "Note", number)
        drover = self.drover(self.jobs(), pools=ONE_WORKER)
        self.until_processed(15)
        records = self.failed()
        self.assertEqual([record["exception"] for record in records], [
            "Drover::ExitStatus", "Resque::DirtyExit", "Drover::UnknownClass",
            "Drover::BadPayload", "Drover::BadPayload", "Drover::BadPayload"])
        self.assertEqual(records[0]["backtrace"], ["no luck"])
        self.assertEqual([record["queue"] for record in records], ["critical"] * 2 + ["default"] * 4)
        self.assertEqual(self.stat("failed"), 6)
        self.assertEqual(len(self.noted()), 9)
        worker = self.workers()[0]
        self.assertEqual(self.stat("processed:" + worker), 15)
        self.assertEqual(self.stat("failed:" + worker), 6)
        self.assertEqual(drover.term(), 0)
        self.assert_only_results_are_left()

    def assert_only_results_are_left(self):
        left = [key for key in self.redis.keys() if self.redis.call("TTL", key) < 0]
        self.assertEqual(left, ["resque:failed", "resque:queues", "resque:stat:failed",
                                "resque:stat:processed"])

    def test_an_idle_supervisor_leaves_nothing(self):
        drover = self.drover(self.jobs())
        self.assertEqual(drover.term(), 0)
        self.assertEqual([k for k in self.redis.keys() if self.redis.call("TTL", k) < 0], [])

    def test_weights_starve_nobody(self):
        for number in range(40):
            self.enqueue("urgent", "Note", "urgent")
            self.enqueue("bulk", "Note", "bulk")
        pool = {"workers": 1, "order": "weighted", "queues": {"urgent": 3, "bulk": 1}}
        self.drover(self.jobs(), pools={"fair": pool})
        self.until_processed(80)
        first = self.noted()[:40]
        self.assertEqual((first.count(["urgent"]), first.count(["bulk"])), (30, 10))

    def test_every_job_that_is_done_did_run(self):
        """Pushed one by one, so that idle workers and their children come and go all the time."""
        self.drover(self.jobs(), pools={"main": {"workers": 4, "queues": ["default"]}})
        for number in range(600):
            self.enqueue("default", "Note", number)
        self.until_processed(600)
        self.assertEqual(sorted(self.noted()), [[number] for number in range(600)])

    def test_two_pools_do_not_wait_for_each_other(self):
        self.drover(dict(self.jobs(), Wait=self.gate()),
                    pools={"a": {"workers": 1, "queues": ["one"]},
                           "b": {"workers": 1, "queues": ["two"]}})
        self.enqueue("one", "Wait")
        for number in range(5):
            self.enqueue("two", "Note", number)
        self.until_processed(5)
        self.open_gate()
        self.until_processed(6)


if __name__ == "__main__":
    main()

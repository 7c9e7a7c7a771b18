"""Keys of a wrong type, and nonsense in a key: what is wrong with one keeps nothing else from being done."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import SystemTest, main, payload, sh  # noqa: E402

FOUR = {"main": {"workers": 4, "queues": ["default", "other"]}}
CONSTANT = {"kind": "constant", "first": "10ms", "jitter": "none"}


class Verdicts(SystemTest):
    def test_a_refused_one_holds_no_other_up(self):
        drover = self.drover({"Bad": sh("exit 1"), "Note": self.note()}, pools=FOUR)
        self.redis.call("SET", "resque:failed", "no list")
        self.enqueue("default", "Bad")
        drover.until_event("verdict.refused")
        begun = time.monotonic()
        self.push("default", *[payload("Note", number) for number in range(40)])
        self.until_processed(40)
        self.assertLess(time.monotonic() - begun, 4)  # one batch a second would take eleven
        self.assertEqual(drover.events("verdict.accepted"), [])
        self.redis.call("DEL", "resque:failed")
        drover.until_event("verdict.accepted")
        self.until_processed(41)

    def test_a_retry_that_is_refused_leaves_one_job(self):
        drover = self.drover({"Bad": sh("exit 1", retries=1, backoff=CONSTANT)})
        self.redis.call("SET", "resque:drover:delayed", "no zset")
        self.enqueue("default", "Bad", jid="bad")
        drover.until_event("verdict.refused")
        self.assertEqual(self.redis.keys("resque:drover:delayed:jobs"), [])
        self.redis.call("DEL", "resque:drover:delayed")
        self.until_processed(1)

    def test_locks_that_cannot_be_freed(self):
        drover = self.drover({"Gate": self.gate(max_running=5), "Note": self.note()}, pools=FOUR)
        for number in range(3):
            self.enqueue("default", "Gate", number)
        self.until_begun(3)
        self.redis.call("SET", "resque:drover:running:Gate", "no set")
        self.open_gate()
        self.until_processed(3)
        self.assertEqual(drover.events("verdict.stale"), [])
        self.redis.call("DEL", "resque:drover:running:Gate")

    def test_a_parked_job_whose_queue_is_no_list_stays_parked(self):
        self.drover({"Gate": self.gate(max_running=1)}, pools=FOUR)
        self.enqueue("default", "Gate", 1)
        self.until_begun(1)
        self.enqueue("other", "Gate", 2)
        self.until(lambda: self.parked() == 1, "the second to be parked")
        self.redis.call("SET", "resque:queue:other", "no list")
        self.open_gate()
        self.until_processed(1)
        self.assertEqual(self.parked(), 1)
        self.redis.call("DEL", "resque:queue:other")
        self.until_processed(2)

    def test_a_cancelling_that_came_too_late_is_forgotten(self):
        self.drover({"Stubborn": sh('trap "exit 0" TERM; echo >> %s; while :; do sleep 0.02; done' % self.path("begun"))})
        self.enqueue("default", "Stubborn", jid="done")
        self.until_begun(1)
        self.redis.call("HSET", "resque:drover:cancel", "done", int(time.time() * 1000))
        self.redis.call("INCR", "resque:drover:control")
        self.until_processed(1)
        self.assertEqual(self.redis.keys("resque:drover:cancel"), [])

    def test_a_cancelling_that_nobody_heard_of_is_forgotten_too(self):
        self.drover({"Gate": self.gate()})
        self.enqueue("default", "Gate", jid="done")
        self.until_begun(1)
        self.redis.call("HSET", "resque:drover:cancel", "done", int(time.time() * 1000))
        self.open_gate()
        self.until_processed(1)
        self.assertEqual(self.redis.keys("resque:drover:cancel"), [])


class Adoption(SystemTest):
    def kill_and_adopt(self, keys, spoil=None):
        short = {"lease": "1s", "state_dir": self.path("one")}
        first = self.drover({"Gate": self.gate(**keys)}, pools=FOUR, supervisor=short)
        for number in range(3):
            self.enqueue("default", "Gate", number)
        self.until_begun(3)
        first.kill()
        if spoil:
            self.redis.call("SET", spoil, "nothing of ours")
        self.drover({"Gate": self.note()}, pools=FOUR, supervisor=dict(short, state_dir=self.path("two")))
        self.until_processed(3)

    def test_a_lock_of_a_wrong_type_loses_no_job(self):
        self.kill_and_adopt({"max_running": 5}, "resque:drover:running:Gate")
        self.assertEqual(len(self.noted()), 3)
        self.redis.call("DEL", "resque:drover:running:Gate")

    def test_a_worker_that_is_gone_is_not_counted_for(self):
        self.kill_and_adopt({"delivery": "at-most-once"})
        self.assertEqual(self.stat("failed"), 3)
        self.assertNotIn("resque:stat:failed:", self.redis.keys("resque:stat:*"))


class Start(SystemTest):
    def test_a_run_record_of_a_wrong_type(self):
        self.drover({"Note": self.note(track=True)}, pools=FOUR)
        self.redis.call("SET", "resque:drover:run:j1", "no hash")
        self.push("default", *[payload("Note", number, jid="j%d" % number) for number in range(3)])
        self.until_processed(3)
        self.redis.call("DEL", "resque:drover:run:j1")

    def test_places_of_a_wrong_type_hold_only_their_class_up(self):
        drover = self.drover({"Note": self.note(track=True), "One": self.note(max_running=1)}, pools=FOUR)
        self.redis.call("SET", "resque:drover:running:One", "no set")
        self.push("default", payload("One", "later"), payload("Note", 1))
        drover.until_event("start.refused")
        self.until(lambda: self.noted() == [[1]], "the other to be done")
        self.redis.call("DEL", "resque:drover:running:One")
        self.until_processed(2)


class Tick(SystemTest):
    def delay(self, due, member, text):
        self.redis.call("HSET", "resque:drover:delayed:jobs", member, text)
        self.redis.call("ZADD", "resque:drover:delayed", due, member)

    def test_nonsense_stands_in_nobodys_way(self):
        self.redis.call("RPUSH", "resque:drover:parked:X", "nonsense")
        self.redis.call("SADD", "resque:drover:parked", "X")
        self.delay(1, "nonsense", "nonsense")
        self.delay(2, "good", "delayed 7 default " + payload("Note", 1))
        self.enqueued += 1
        self.drover({"Note": self.note()})
        self.until_processed(1)
        self.redis.call("DEL", "resque:drover:parked:X", "resque:drover:parked",
                        "resque:drover:delayed", "resque:drover:delayed:jobs")

    def test_delayed_of_a_wrong_type_stops_only_delayed_jobs(self):
        self.conserves = False  # what a clock enqueues is not counted by the rig
        self.redis.call("SET", "resque:drover:delayed", "no zset")
        drover = self.drover({"Note": self.note()}, schedule={"s": {"cron": "* * * * * *", "class": "Note"}})
        drover.until_event("tick.refused")
        drover.until_event("schedule.fired")
        self.redis.call("DEL", "resque:drover:delayed")


class Scheduler(SystemTest):
    def item(self, timestamp, item, score=None):
        self.redis.call("RPUSH", "resque:delayed:%s" % timestamp, item)
        self.redis.call("SADD", "resque:timestamps:" + item, "delayed:%s" % timestamp)
        self.redis.call("ZADD", "resque:delayed_queue_schedule", timestamp if score is None else score, timestamp)
        self.enqueued += 1

    def due(self, number, timestamp, queue="default", score=None):
        self.item(timestamp, '{"class":"Note","args":[%d],"queue":"%s"}' % (number, queue), score)

    def test_timestamps_that_are_no_numbers(self):
        self.due(1, "abc", score=5)
        self.due(2, "-7")
        self.due(3, "1700000000")
        self.drover({"Note": self.note()})
        self.until_processed(3)
        self.assertEqual(self.redis.keys("resque:delayed*") + self.redis.keys("resque:timestamps*"), [])

    def test_a_timestamp_that_is_no_list(self):
        self.redis.call("SET", "resque:delayed:77", "no list")
        self.redis.call("ZADD", "resque:delayed_queue_schedule", 77, 77)
        self.due(1, "1700000000")
        self.drover({"Note": self.note()})
        self.until_processed(1)
        self.redis.call("DEL", "resque:delayed:77", "resque:delayed_queue_schedule")

    def test_a_queue_that_is_no_list(self):
        self.redis.call("SET", "resque:queue:other", "no list")
        self.due(1, "1600000000", queue="other")
        self.due(2, "1700000000")
        self.drover({"Note": self.note()})
        self.until_processed(2)
        self.assertIn("its queue refuses it", self.failed()[0]["error"])
        self.assertEqual(self.noted(), [[2]])
        self.redis.call("DEL", "resque:queue:other")
        self.redis.call("SREM", "resque:queues", "other")

    def test_the_same_item_twice_and_a_queue_named_twice(self):
        for _ in range(2):
            self.due(1, "1600000000")
        self.item("1600000000", '{"class":"Note","args":[2],"queue":"nobody","queue":"default"}')
        self.drover({"Note": self.note()})
        self.until_processed(3)


if __name__ == "__main__":
    main()

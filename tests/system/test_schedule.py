"""The clock enqueues: once a nominal time, whoever comes and goes."""

import calendar
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import SystemTest, main, sh  # noqa: E402


class Schedule(SystemTest):
    conserves = False  # what a clock enqueues is not counted by the rig

    def ticks(self):
        return (self.read("ticks") or "").split()

    def job(self, **keys):
        return sh('echo "$DROVER_TICK" >> %s' % self.path("ticks"), **keys)

    def every_second(self, **keys):
        return {"tick": dict({"cron": "* * * * * *", "class": "Tick", "args": [1]}, **keys)}

    def test_once_a_second_over_two_supervisors_of_which_one_restarts(self):
        config = dict(jobs={"Tick": self.job()}, schedule=self.every_second())
        self.drover(supervisor={"state_dir": self.path("one")}, **config)
        for last in (False, False, False, True):
            second = self.drover(supervisor={"state_dir": self.path("two")}, **config)
            time.sleep(1.2)  # lives that are short; nothing is waited for
            if not last:
                second.kill()
        self.until(lambda: len(self.ticks()) >= 5, "five firings")
        ticks = self.ticks()
        self.assertEqual(len(ticks), len(set(ticks)))
        seconds = sorted(calendar.timegm(time.strptime(t, "%Y-%m-%dT%H:%M:%SZ")) for t in ticks)
        self.assertEqual(seconds, list(range(seconds[0], seconds[-1] + 1)))

    def test_origin_and_arguments(self):
        self.drover({"Tick": sh('echo "$DROVER_ORIGIN $(cat) $DROVER_QUEUE" >> %s' % self.path("ticks"))},
                    schedule=self.every_second(queue="low", args=["a", 7]))
        self.until(self.ticks, "a firing")
        self.assertEqual(self.read("ticks").split("\n")[0], 'scheduled ["a", 7] low')

    def last_fired(self, seconds_ago):
        now = int(self.redis.call("TIME")[0])
        self.redis.call("HSET", "resque:drover:schedule", "tick", now - seconds_ago)
        return now

    def minutely(self, catch_up):
        schedule = {"tick": {"cron": "* * * * *", "class": "Tick", "catch_up": catch_up}}
        return self.drover({"Tick": self.job()}, schedule=schedule)

    def test_what_was_missed_is_made_up_each(self):
        self.last_fired(300)
        self.minutely("all")
        self.until(lambda: len(self.ticks()) >= 5, "five firings")
        self.assertEqual(len(set(self.ticks())), len(self.ticks()))

    def test_thousands_that_were_missed_are_made_up_at_once(self):
        self.last_fired(86400)
        schedule = {"tick": {"cron": "* * * * *", "class": "Tick", "catch_up": "all", "queue": "nobody"}}
        self.drover({"Tick": self.job()}, schedule=schedule, supervisor={"poll": "1s"})
        self.until(lambda: self.size("nobody") >= 1440, "a day's firings")
        items = self.redis.call("LRANGE", "resque:queue:nobody", 0, -1)
        ticks = [json.loads(item)["drover"]["tick"] for item in items]
        self.assertEqual(ticks, sorted(set(ticks)))

    def test_a_last_time_that_is_nonsense(self):
        self.redis.call("HSET", "resque:drover:schedule", "tick", "nonsense")
        drover = self.drover({"Tick": self.job()}, schedule=self.every_second())
        drover.until_event("schedule.fired", 2)

    def test_what_was_missed_is_made_up_once(self):
        now = self.last_fired(86400 * 30)
        drover = self.minutely("last")
        self.until(self.ticks, "a firing")
        first = calendar.timegm(time.strptime(self.ticks()[0], "%Y-%m-%dT%H:%M:%SZ"))
        self.assertIn(first - now // 60 * 60, (0, 60))  # a minute may have begun meanwhile
        self.assertLessEqual(len(drover.events("schedule.fired")), 2)

    def test_a_new_name_catches_nothing_up(self):
        drover = self.minutely("all")
        self.until(lambda: self.redis.call("HGET", "resque:drover:schedule", "tick"), "the name to be known")
        self.assertLessEqual(len(drover.events("schedule.fired")), 1)

    def overlapping(self, overlap):
        return self.drover({"Tick": dict(self.gate(), overlap=overlap)}, schedule=self.every_second(),
                           pools={"main": {"workers": 4, "queues": ["default"]}})

    def test_skip(self):
        drover = self.overlapping("skip")
        self.until_begun()
        drover.until_event("schedule.skipped", 2)
        self.assertEqual(len(drover.events("schedule.fired")), 1)
        self.open_gate()
        drover.until_event("schedule.fired", 2)

    def test_queue_one(self):
        drover = self.overlapping("queue-one")
        self.until_begun()
        drover.until_event("schedule.skipped", 2)
        self.assertEqual(len(drover.events("schedule.fired")), 2)
        self.assertEqual(len(drover.events("job.start")), 1)
        self.open_gate()
        drover.until_event("job.start", 2)

    def test_replace(self):
        drover = self.overlapping("replace")
        self.until_begun(2)
        first = drover.events("job.start")[0]["jid"]
        drover.until_event("job.cancelled", jid=first)
        drover.until_event("schedule.replaced", jid=first)
        self.open_gate()

    def test_the_payload(self):
        self.drover({"Other": sh("true")}, schedule=self.every_second(queue="nobody"))
        self.until(lambda: self.size("nobody") > 0, "a firing")
        item = json.loads(self.redis.call("LINDEX", "resque:queue:nobody", 0))
        self.assertEqual((item["class"], item["args"], item["drover"]["origin"]), ("Tick", [1], "scheduled"))
        self.assertRegex(item["drover"]["tick"], r"^20..-..-..T..:..:..Z$")


if __name__ == "__main__":
    main()

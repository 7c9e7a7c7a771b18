"""Waking up: with a poll of one minute, whatever can be done is done at once all the same."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import SLOW, SystemTest, main  # noqa: E402

AT_ONCE = 10 * SLOW  # seconds; far from the minute that polling takes


class Wakeup(SystemTest):
    def sleepy(self, queues=("critical", "default", "low"), workers=2):
        """A supervisor that polls once a minute and has found nothing to do by now."""
        drover = self.drover({"Note": self.note(), "Gate": self.gate()},
                             supervisor={"poll": "1m"},
                             pools={"main": {"workers": workers, "queues": list(queues)}})
        self.until(lambda: "tracking" in self.clients(), "a tracking connection", AT_ONCE)
        return drover

    def clients(self):
        """Names of what Redis's clients are: `tracking` once one has asked to be woken."""
        lines = self.redis.call("CLIENT", "LIST").splitlines()
        flags = [field[6:] for line in lines for field in line.split() if field[:6] == "flags="]
        return ["tracking" for flag in flags if "t" in flag]

    def until_done(self, count):
        self.until_processed(count, AT_ONCE)

    def test_a_push_wakes(self):
        self.sleepy()
        for number in range(20):
            self.enqueue("default", "Note", number)
            self.until_done(number + 1)

    def test_a_push_to_every_queue_wakes(self):
        self.sleepy()
        for number, queue in enumerate(("low", "critical", "default", "low", "critical")):
            self.enqueue(queue, "Note", number)
            self.until_done(number + 1)

    def test_a_burst_is_worked_off(self):
        self.sleepy()
        for number in range(50):
            self.enqueue(("low", "default")[number % 2], "Note", number)
        self.until_done(50)

    def test_a_busy_worker_does_not_keep_the_other_asleep(self):
        self.sleepy()
        self.enqueue("default", "Gate")
        self.until_begun()
        for number in range(5):
            self.enqueue("low", "Note", number)
            self.until_done(number + 1)
        self.open_gate()
        self.until_done(6)

    def test_a_queue_that_is_new_wakes_a_glob(self):
        self.sleepy(queues=["mail_*"])
        for number, queue in enumerate(("mail_a", "mail_b", "mail_a")):
            self.enqueue(queue, "Note", number)
            self.until_done(number + 1)

    def test_an_excluded_queue_is_left_alone(self):
        self.sleepy(queues=["*", "!skip_*"])
        self.enqueue("skip_me", "Note", 1)
        self.enqueue("take_me", "Note", 2)
        self.until_done(1)
        self.assertEqual((self.size("skip_me"), self.noted()), (1, [[2]]))

    def test_resques_pause_key(self):
        self.redis.call("SET", "resque:pause-all-workers", "true")
        self.sleepy()
        self.enqueue("default", "Note", 1)
        self.redis.call("DEL", "resque:pause-all-workers")
        self.until_done(1)

    def test_our_pause_of_one_queue(self):
        self.redis.call("HSET", "resque:drover:paused", "default", "maintenance")
        self.sleepy()
        self.enqueue("default", "Note", "paused")
        self.enqueue("low", "Note", "free")
        self.until_done(1)
        self.assertEqual(self.noted(), [["free"]])
        self.redis.call("HDEL", "resque:drover:paused", "default")
        self.until_done(2)

    def test_our_pause_of_everything(self):
        self.redis.call("HSET", "resque:drover:paused", "*", "maintenance")
        self.sleepy()
        self.enqueue("default", "Note", 1)
        self.redis.call("DEL", "resque:drover:paused")
        self.until_done(1)

    def test_the_waker_is_set_up_again_when_its_connection_is_killed(self):
        drover = self.sleepy()
        self.redis.call("CLIENT", "KILL", "TYPE", "pubsub")
        self.redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        for number in range(3):
            self.enqueue("default", "Note", number)
            self.until_done(number + 1)
        self.assertTrue(drover.running)


if __name__ == "__main__":
    main()

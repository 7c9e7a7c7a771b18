"""A supervisor that is gone: its jobs come back by any other, by the clock in Redis."""

import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import SystemTest, main, payload, sh  # noqa: E402

SHORT = {"lease": "1s"}


def folders(test, name, **more):
    """A state folder of its own: another machine, as far as anybody can tell."""
    return dict(SHORT, state_dir=test.path(name), **more)


class Adoption(SystemTest):
    def run_and_kill(self, jobs, count=1, **members):
        """A supervisor is killed with all its processes while `count` jobs of a gate run."""
        first = self.drover(jobs, supervisor=folders(self, "one"))
        for number in range(count):
            self.enqueue("default", "Gate", jid="j%d" % number, **members)
        self.until_begun(count)
        first.kill()
        return first

    def test_jobs_of_a_dead_supervisor_run_elsewhere(self):
        first = self.run_and_kill({"Gate": self.gate()}, 2)
        second = self.drover({"Gate": sh('echo "$DROVER_ORIGIN $DROVER_RECOVERIES $DROVER_ATTEMPT" >> %s'
                                         % self.path("origin"))},
                             supervisor=folders(self, "two"))
        second.until_event("lease.adopted", lease=first.events("supervisor.ready")[0]["lease"], jobs=2)
        self.until_processed(2)
        self.assertEqual(self.read("origin"), "recovered 1 1\n" * 2)
        self.until(lambda: len(self.workers()) == 2, "the dead one's workers to be gone")

    def test_the_order_stays(self):
        jobs = {"Gate": self.gate(), "Note": self.note()}
        self.drover(jobs, supervisor=folders(self, "one"),
                    pools={"main": {"workers": 3, "queues": ["default"]}})
        for number in range(3):
            self.enqueue("default", "Gate", number)
        self.until_begun(3)
        self.enqueue("default", "Gate", 3)
        self.supervisors[0].kill()
        self.drover({"Gate": self.note()}, supervisor=folders(self, "two"),
                    pools={"main": {"workers": 1, "queues": ["default"]}})
        self.until_processed(4)
        self.assertEqual(self.noted(), [[3], [0], [1], [2]])  # the fourth had never been taken

    def test_the_order_of_many_stays(self):
        """More than go out in one call, by number and by bytes."""
        self.redis.call("ZADD", "resque:drover:supervisors", 1, "gone")
        for number in range(300):
            entry = "taken 1 j%d 4 gone 7 default %s" % (number, payload("Note", number, x="x" * 20000))
            self.redis.call("HSET", "resque:drover:lease:gone", "main.1.%d" % (number + 1), entry)
        self.redis.call("SADD", "resque:queues", "default")
        self.enqueued = 300
        self.drover({"Note": self.note()}, supervisor=SHORT,
                    pools={"main": {"workers": 1, "queues": ["default"]}})
        self.until_processed(300)
        self.assertEqual(self.noted(), [[number] for number in range(300)])

    def test_at_most_once_is_not_begun_again(self):
        first = self.run_and_kill({"Gate": dict(self.gate(), delivery="at-most-once")})
        self.assertTrue(first)
        # The adopter does not even know the class: the mark in the lease decides.
        self.drover({"Other": sh("true")}, supervisor=folders(self, "two"))
        self.until_processed(1)
        record = self.failed()[0]
        self.assertEqual(record["exception"], "Drover::SupervisorLost")
        self.assertEqual(record["payload"]["jid"], "j0")

    def test_too_many_recoveries(self):
        self.run_and_kill({"Gate": dict(self.gate(), max_recoveries=1)}, drover={"recoveries": 1})
        self.drover({"Gate": dict(self.gate(), max_recoveries=1)}, supervisor=folders(self, "two"))
        self.until_processed(1)
        record = self.failed()[0]
        self.assertEqual(record["exception"], "Drover::TooManyRecoveries")
        self.assertIn("rig.", record["payload"]["drover"]["lost_by"])

    def test_the_adopter_is_killed_too(self):
        self.run_and_kill({"Gate": self.gate()})
        lease = self.redis.call("ZRANGE", "resque:drover:supervisors", 0, -1)[0]
        # An adopter that died between adoption and verdict: its lease holds the adopted entry.
        entries = self.redis.call("HGETALL", "resque:drover:lease:" + lease)
        entry = next(e for e in entries if e.startswith("taken "))
        dead = "gone:1:0123456789abcdef"
        self.redis.call("MULTI")
        self.redis.call("ZREM", "resque:drover:supervisors", lease)
        self.redis.call("DEL", "resque:drover:lease:" + lease)
        self.redis.call("ZADD", "resque:drover:supervisors", 1, dead)
        self.redis.call("HSET", "resque:drover:lease:" + dead, "#~adopt", "1 1 " + lease, "~adopt.1.1", entry)
        self.redis.call("RENAME", "resque:drover:supervisor:" + lease, "resque:drover:supervisor:" + dead)
        self.redis.call("EXEC")
        self.drover({"Gate": self.note()}, supervisor=folders(self, "two"))
        self.until_processed(1)
        self.assertEqual(len(self.noted()), 1)

    def test_a_stopped_supervisor_finds_its_lease_taken(self):
        jobs = {"Gate": self.gate(), "Note": self.note()}
        first = self.drover(jobs, supervisor=folders(self, "one"))
        self.enqueue("default", "Gate", jid="once")
        pid = self.until_begun()[0]
        first.signal(signal.SIGSTOP)
        self.drover({"Gate": self.note()}, supervisor=folders(self, "two"))
        self.until_processed(1)
        first.signal(signal.SIGCONT)
        first.until_event("lease.taken")
        self.until_gone(pid)
        first.until_event("job.dropped", jid="once")
        self.assertEqual(self.stat("processed"), 1)
        self.assertEqual(len(self.noted()), 1)

    def test_what_had_not_begun_does_not_begin_after_a_pause(self):
        jobs = {"Gate": self.gate(), "Note": self.note()}
        first = self.drover(jobs, supervisor=folders(self, "one"),
                            pools={"main": {"workers": 1, "queues": ["default"]}})
        nursery = first.nurseries()[0]
        os.kill(nursery, signal.SIGSTOP)  # it makes no process: the job waits in its worker
        self.enqueue("default", "Note", "waits")
        self.until(lambda: len(self.lease_entries()) == 1, "the job to be taken")
        first.signal(signal.SIGSTOP)
        self.drover(jobs, supervisor=folders(self, "two"))
        self.until_processed(1)
        os.kill(nursery, signal.SIGCONT)
        first.signal(signal.SIGCONT)
        first.until_event("lease.taken")
        self.enqueue("default", "Note", "after")
        self.until_processed(2)
        self.assertEqual(self.noted(), [["waits"], ["after"]])

    def test_a_fleet_that_lives_shorter_than_a_lease_recovers_all_the_same(self):
        self.run_and_kill({"Gate": self.gate()})
        begun = time.monotonic()
        for _ in range(8):
            drover = self.drover({"Gate": self.note()}, supervisor=dict(folders(self, "two"), lease="2s"))
            time.sleep(0.7)  # what is tried is short lives; nothing is waited for
            if self.noted():
                break
            drover.kill()
        self.until_processed(1)
        self.assertLess(time.monotonic() - begun, 20)
        last = self.drover({}, supervisor=folders(self, "three"))
        self.until(lambda: self.redis.call("ZCARD", "resque:drover:supervisors") == sum(
            d.running for d in self.supervisors), "the dead ones' leases to be adopted")
        self.assertTrue(last.running)


class Retries(SystemTest):
    def test_three_attempts_and_the_failed_list(self):
        drover = self.drover({"Bad": sh('echo "$DROVER_ATTEMPT $DROVER_ORIGIN" >> %s; exit 3' % self.path("tries"),
                                        retries=2, backoff={"kind": "constant", "first": "50ms", "jitter": "none"})})
        self.enqueue("default", "Bad", 7, jid="bad")
        self.until_processed(1)
        self.assertEqual(self.read("tries"), "1 enqueued\n2 retry\n3 retry\n")
        drover.until_event("job.retry", 2, jid="bad")
        self.assertEqual(len(self.failed()), 1)
        self.assertEqual(self.failed()[0]["payload"]["drover"]["attempt"], 3)
        self.assertEqual((self.stat("processed"), self.stat("failed")), (1, 1))

    def test_exit_75_says_when(self):
        self.drover({"Later": sh('[ $DROVER_ATTEMPT = 2 ] && exit 0; printf "delay 100ms\\n" >&$DROVER_FD; exit 75',
                                 retries=1, backoff={"kind": "constant", "first": "1h", "max": "1h", "jitter": "none"})})
        self.enqueue("default", "Later")
        self.until_processed(1)
        self.assertEqual(self.failed(), [])

    def test_told_to_stop_it_says_when_it_wants_to_go_on(self):
        script = ('[ $DROVER_INTERRUPTIONS = 1 ] && exec echo "$DROVER_ORIGIN $DROVER_ATTEMPT" > %s; echo >> %s; '
                  'trap \'printf "delay 1h\\n" >&$DROVER_FD; exit 75\' TERM; while :; do sleep 0.02; done'
                  % (self.path("again"), self.path("begun")))
        drover = self.drover({"Slow": sh(script, track=True)}, supervisor={"shutdown_grace": "100ms"})
        self.enqueue("default", "Slow", jid="s")
        self.until_begun(1)
        self.assertEqual(drover.term(), 0)
        self.assertEqual((self.delayed(), self.waiting()), (1, 0))
        self.assertEqual(self.redis.call("HGET", "resque:drover:run:s", "state"), "interrupted")
        self.redis.call("ZADD", "resque:drover:delayed", 1, "s")
        drover.start()
        self.until_processed(1)
        self.assertEqual(self.read("again"), "resumed 1\n")

    def test_what_was_added_to_a_payload_does_not_count_against_max_payload(self):
        self.drover({"Twice": sh("cat > /dev/null; [ $DROVER_ATTEMPT = 2 ]", retries=1,
                                 backoff={"kind": "constant", "first": "10ms", "jitter": "none"})},
                    supervisor={"max_payload": "64K"})
        empty = len(payload("Twice", ""))
        self.push("default", payload("Twice", "x" * (65536 - empty)))
        self.until_processed(1)
        self.assertEqual(self.failed(), [])
        self.push("default", payload("Twice", "x" * (65537 - empty)))
        self.until_processed(2)
        self.assertEqual(len(self.failed()), 1)

    def test_exit_100_is_for_good(self):
        self.drover({"Bad": sh("exit 100", retries=5)})
        self.enqueue("default", "Bad")
        self.until_processed(1)
        self.assertEqual(len(self.failed()), 1)

    def test_what_waits_survives_its_supervisor(self):
        first = self.drover({"Bad": sh("exit 1", retries=1, backoff={"kind": "constant", "first": "1s", "jitter": "none"})},
                            supervisor=folders(self, "one"))
        self.enqueue("default", "Bad", 5, jid="x")
        self.until(lambda: self.redis.call("ZCARD", "resque:drover:delayed") == 1, "the retry to wait")
        first.kill()
        self.assertEqual(self.redis.call("HGET", "resque:drover:delayed:jobs", "x").split(" ")[:3], ["retry", "7", "default"])
        self.drover({"Bad": self.note()}, supervisor=folders(self, "two"))
        self.until_processed(1)
        self.assertEqual(self.noted(), [[5]])


class Delayed(SystemTest):
    def delay(self, member, due_ms, item, queue="default", why="delayed"):
        self.redis.call("HSET", "resque:drover:delayed:jobs", member, "%s %d %s %s" % (why, len(queue), queue, item))
        self.redis.call("ZADD", "resque:drover:delayed", due_ms, member)
        self.enqueued += 1

    def now_ms(self):
        seconds, micros = self.redis.call("TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    def test_never_early_and_within_a_second(self):
        self.drover({"When": sh("date +%%s%%3N >> %s" % self.path("when"))})
        self.drover({"When": sh("date +%%s%%3N >> %s" % self.path("when"))})
        due = self.now_ms() + 700
        for number in range(50):
            self.delay("d%d" % number, due, payload("When", jid="d%d" % number))
        self.until_processed(50)
        when = [int(line) for line in self.read("when").split()]
        self.assertEqual(len(when), 50)
        self.assertGreaterEqual(min(when), due)

    def test_more_than_one_batch_once_each(self):
        self.drover({"Note": self.note()})
        for number in range(350):
            self.delay("n%d" % number, 1, payload("Note", number))
        self.until_processed(350)
        self.assertEqual(sorted(self.noted()), [[n] for n in range(350)])

    def test_items_of_resque_scheduler(self):
        now = int(self.redis.call("TIME")[0])
        items = [json.dumps({"class": "Note", "args": [n], "queue": "low"}, separators=(",", ":")) for n in range(250)]
        for item in items:
            self.redis.call("RPUSH", "resque:delayed:%d" % (now - 5), item)
            self.redis.call("SADD", "resque:timestamps:" + item, "delayed:%d" % (now - 5))
        self.redis.call("ZADD", "resque:delayed_queue_schedule", now - 5, now - 5)
        bad = '{"class":"Note","args":[1]}'
        self.redis.call("RPUSH", "resque:delayed:%d" % (now - 4), bad)
        self.redis.call("ZADD", "resque:delayed_queue_schedule", now - 4, now - 4)
        self.redis.call("SET", "resque:resque:resque_scheduler_master_lock", "elsewhere:1", "EX", 180)
        self.drover({"Note": self.note()})
        self.enqueue("default", "Note", "first")
        self.until_processed(1)
        self.assertEqual(self.redis.call("LLEN", "resque:delayed:%d" % (now - 5)), 250)
        self.redis.call("DEL", "resque:resque:resque_scheduler_master_lock")
        self.enqueued += 251
        self.until_processed(252)
        self.assertEqual(sorted(self.noted()[1:]), [[n] for n in range(250)])
        self.assertEqual(self.failed()[0]["payload"], bad)
        self.assertEqual(self.redis.keys("resque:delayed*") + self.redis.keys("resque:timestamps*"), [])


if __name__ == "__main__":
    main()

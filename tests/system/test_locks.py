"""Jobs that must not run beside each other, and jobs that somebody wants no more."""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from proxy import Proxy  # noqa: E402
from rig import SystemTest, main, payload, sh  # noqa: E402

FOUR = {"main": {"workers": 4, "queues": ["default"]}}


class MaxRunning(SystemTest):
    def test_others_go_past_those_that_wait(self):
        jobs = {"Gate": dict(self.gate(), max_running=1), "Note": self.note()}
        drover = self.drover(jobs, pools=FOUR)
        for number in range(3):
            self.enqueue("default", "Gate", number)
        self.enqueue("default", "Note", "past")
        self.until(lambda: self.noted() == [["past"]], "the other job to go past them")
        self.until_begun(1)
        self.until(lambda: self.parked() == 2, "two to be parked")
        self.until(lambda: len(self.lease_entries()) == 1, "no worker to be held")
        self.open_gate()
        self.until_processed(4)
        drover.until_event("job.start", 4)

    def test_an_answer_that_is_lost_is_no_lost_job(self):
        proxy = Proxy(self.redis.address, listen=self.path("proxy.sock"))
        self.addCleanup(proxy.close)
        drover = self.drover({"Gate": self.gate(max_running=1)}, pools=FOUR,
                             redis={"url": proxy.url})
        self.enqueue("default", "Gate")
        self.until_begun(1)
        proxy.cut_answer(b"\r\nask\r\n", after=0)  # only the script `start` is asked with this word
        self.enqueue("default", "Gate")
        drover.until_event("redis.up")
        self.until(lambda: self.parked() == 1 and len(self.lease_entries()) == 1, "it to be parked")
        self.open_gate()
        self.until_processed(2)
        self.assertEqual(proxy.cuts, 1)
        self.assertEqual(drover.events("job.missing"), [])

    def test_never_more_at_once_over_two_supervisors(self):
        script = 'set -C; for n in 1 2; do if true > %s.$n; then mkdir -p ok; sleep 0.02; rm %s.$n; exit 0; fi; done 2>/dev/null; echo crowd >> %s' % (
            self.path("place"), self.path("place"), self.path("crowd"))
        for name in ("one", "two"):
            self.drover({"Two": sh(script, max_running=2, directory=self.folder)}, pools=FOUR,
                        supervisor={"state_dir": self.path(name)})
        for number in range(60):
            self.enqueue("default", "Two", number)
        self.until_processed(60)
        self.assertIsNone(self.read("crowd"))
        self.assertEqual(self.failed(), [])
        self.assertEqual(self.redis.keys("resque:drover:running:*") + self.redis.keys("resque:drover:parked*"), [])

    def test_they_go_on_in_the_order_they_came_though_the_queue_is_paused(self):
        drover = self.drover({"One": self.gate("go1", max_running=1), "Note": self.note()}, pools=FOUR,
                             supervisor={"lease": "1s"})
        for number in range(7):
            self.enqueue("default", "One", jid="o%d" % number)
        self.until(lambda: self.parked() == 6, "all but one to be parked")
        self.redis.call("HSET", "resque:drover:paused", "default", "a test")
        self.open_gate("go1")
        drover.until_event("job.done", jid="o0")
        self.until(lambda: self.size("default") == 1, "the next one to wait in its queue")
        for _ in range(5):  # ticks pass, and bring no other before it
            self.redis.call("DEL", "resque:drover:clock")
            self.until(lambda: self.redis.call("EXISTS", "resque:drover:clock") == 1, "a beat", every=0.05)
        self.assertEqual((self.size("default"), self.parked()), (1, 5))
        self.redis.call("DEL", "resque:drover:paused")
        self.until_processed(7)
        starts = [event["jid"] for event in drover.until_event("job.start", 7)]
        self.assertEqual(starts, ["o%d" % number for number in range(7)])

    def test_a_limit_that_rises_reaches_those_that_are_parked(self):
        drover = self.drover({"Gate": self.gate(max_running=1)}, pools=FOUR)
        for number in range(5):
            self.enqueue("default", "Gate", number)
        self.until(lambda: self.parked() == 4, "all but one to be parked")
        drover.write_config(self.config({"Gate": self.gate(max_running=3)}, pools=FOUR))
        drover.signal(signal.SIGHUP)
        drover.until_event("reload.done")
        self.enqueue("default", "Gate", 5)  # whose start tells of the new limit
        self.until_begun(3)
        self.open_gate()
        self.until_processed(6)

    def test_an_unparked_job_that_is_cancelled_leaves_its_place(self):
        drover = self.drover({"Gate": self.gate(max_running=1), "Note": self.note()}, pools=FOUR)
        for number in range(3):
            self.enqueue("default", "Gate", jid="g%d" % number)
        self.until(lambda: self.parked() == 2, "two to be parked")
        self.redis.call("HSET", "resque:drover:cancel", "g1", int(self.redis.call("TIME")[0]) * 1000)
        self.redis.call("INCR", "resque:drover:control")
        self.open_gate()
        drover.until_event("job.cancelled", jid="g1")
        self.redis.call("ZADD", "resque:drover:unparked:Gate", "XX", 1, *self.redis.call(
            "ZRANGE", "resque:drover:unparked:Gate", 0, 0) or ["none"])  # its minute is over
        self.until_processed(3)

    def test_the_history_tells_of_the_waiting(self):
        self.drover({"Gate": self.gate(max_running=1, track=True)}, pools=FOUR)
        self.enqueue("default", "Gate", jid="g0")
        self.until_begun()
        self.enqueue("default", "Gate", 7, jid="g1")
        self.until(lambda: self.redis.call("HGET", "resque:drover:run:g1", "state") == "parked", "it to be parked")
        self.assertEqual(self.redis.call("HGET", "resque:drover:run:g1", "args"), "[7]")
        self.open_gate()
        self.until_processed(2)
        audit = [json.loads(line)["what"] for line in self.redis.call("LRANGE", "resque:drover:run:g1:audit", 0, -1)]
        self.assertEqual(audit, ["parked", "started", "done"])

    def test_a_holder_that_dies_with_its_supervisor_leaves_its_place(self):
        jobs = {"Gate": dict(self.gate(), max_running=1)}
        first = self.drover(jobs, supervisor={"lease": "1s", "state_dir": self.path("one")})
        self.enqueue("default", "Gate", 1)
        self.until_begun()
        self.enqueue("default", "Gate", 2)
        self.until(lambda: self.parked() == 1, "the second to be parked")
        first.kill()
        self.open_gate()
        self.drover(jobs, supervisor={"lease": "1s", "state_dir": self.path("two")})
        self.until_processed(2)

    def test_places_whose_holders_are_lost_with_data(self):
        jobs = {"Gate": dict(self.gate(), max_running=1)}
        self.redis.call("SADD", "resque:drover:running:Gate", "gone:1:0123456789abcdef main~1.1.1")
        self.redis.call("RPUSH", "resque:drover:parked:Gate", "7 default " + payload("Gate", 1))
        self.redis.call("SADD", "resque:drover:parked", "Gate")
        self.enqueued += 1
        self.open_gate()
        self.drover(jobs)
        self.until_processed(1)


class WrongTypes(SystemTest):
    holds = False  # the key of another type is the test's

    def test_a_key_in_the_way_holds_up_nobody_else(self):
        self.redis.call("SET", "resque:drover:running:Stuck", "no set")
        self.redis.call("SET", "resque:drover:run:shown", "no hash")
        drover = self.drover({"Stuck": sh("true", max_running=1), "Shown": sh("true", track=True)})
        self.enqueue("default", "Stuck")
        self.enqueue("default", "Shown", jid="shown")
        drover.until_event("job.done", jid="shown")
        drover.until_event("start.refused")
        self.redis.call("DEL", "resque:drover:running:Stuck", "resque:drover:run:shown")
        self.until_processed(2)


class Unique(SystemTest):
    def test_a_second_one_ends_as_a_duplicate(self):
        jobs = {"Gate": dict(self.gate(), unique=True)}
        drover = self.drover(jobs, pools=FOUR)
        self.enqueue("default", "Gate", {"b": 1, "a": [2]}, jid="first")
        self.until_begun()
        self.enqueue("default", "Gate", {"a": [2], "b": 1}, jid="second")
        drover.until_event("job.duplicate", jid="second", of="first")
        self.enqueue("default", "Gate", {"a": [3]}, jid="other")
        self.until_begun(2)
        self.open_gate()
        self.until_processed(3)
        self.enqueue("default", "Gate", {"a": [2], "b": 1}, jid="third")
        self.until_processed(4)
        self.assertEqual(len(drover.until_event("job.start", 3)), 3)
        self.assertEqual(self.redis.keys("resque:drover:unique:*"), [])

    def test_held_over_retries_until_the_end(self):
        drover = self.drover({"Twice": sh('[ $DROVER_ATTEMPT = 2 ]', unique=True, retries=1,
                                          backoff={"kind": "constant", "first": "700ms", "jitter": "none"})})
        self.enqueue("default", "Twice", jid="first")
        drover.until_event("job.retry", jid="first")
        self.enqueue("default", "Twice", jid="second")
        drover.until_event("job.duplicate", jid="second", of="first")
        drover.until_event("job.done", jid="first")
        self.until_processed(2)
        self.assertEqual(self.redis.keys("resque:drover:unique:*"), [])

    def test_given_back_before_it_began_it_is_no_duplicate_of_itself(self):
        jobs = {"Note": self.note(unique=True, track=True)}
        drover = self.drover(jobs, supervisor={"shutdown_grace": "100ms"})
        nurseries = drover.nurseries()
        for pid in nurseries:
            os.kill(pid, signal.SIGSTOP)
        self.enqueue("default", "Note", 7)  # as Resque's own clients do it: without a jid
        self.until(lambda: self.redis.keys("resque:drover:unique:*"), "the lock to be taken")
        drover.signal(signal.SIGTERM)
        self.until(lambda: self.size("default") == 1, "the job to go back")
        for pid in nurseries:
            os.kill(pid, signal.SIGCONT)
        self.assertEqual(drover.wait(), 0)
        self.drover(jobs)
        self.until_processed(1)
        self.assertEqual(self.noted(), [[7]])

    def test_tracked_by_one_and_not_by_the_next(self):
        first = self.drover({"Gate": self.gate(track=True, max_running=1)}, pools=FOUR)
        self.enqueue("default", "Gate", 1, jid="runs")
        self.until_begun(1)
        self.enqueue("default", "Gate", 2, jid="waits", drover={"origin": 'a"b'})
        self.until(lambda: self.parked() == 1, "the second to be parked")
        self.open_gate()
        first.write_config(self.config({"Gate": sh("true")}, pools=FOUR))
        first.signal(signal.SIGHUP)
        self.until_processed(2)
        self.assertEqual(self.redis.call("HGET", "resque:drover:run:waits", "state"), "done")

    def test_the_lock_of_a_dead_supervisor_moves_with_its_job(self):
        jobs = {"Gate": dict(self.gate(), unique=True)}
        first = self.drover(jobs, supervisor={"lease": "1s", "state_dir": self.path("one")})
        self.enqueue("default", "Gate", jid="first")
        self.until_begun()
        first.kill()
        second = self.drover(jobs, supervisor={"lease": "1s", "state_dir": self.path("two")})
        second.until_event("job.start", jid="first")
        self.enqueue("default", "Gate", jid="second")
        second.until_event("job.duplicate", jid="second", of="first")
        self.open_gate()
        self.until_processed(2)


class Cancelling(SystemTest):
    def cancel(self, jid):
        self.redis.call("HSET", "resque:drover:cancel", jid, int(self.redis.call("TIME")[0]) * 1000)
        self.redis.call("INCR", "resque:drover:control")

    def test_a_running_job_is_ended(self):
        drover = self.drover({"Gate": self.gate(track=True)})
        self.enqueue("default", "Gate", jid="unwanted")
        pid = self.until_begun()[0]
        self.cancel("unwanted")
        self.until_gone(pid)
        drover.until_event("job.cancelled", jid="unwanted")
        self.until_processed(1)
        self.assertEqual(self.failed(), [])
        self.assertEqual(self.redis.call("HGET", "resque:drover:run:unwanted", "state"), "cancelled")
        self.assertEqual(self.redis.keys("resque:drover:cancel"), [])

    def test_the_wish_goes_with_a_job_that_ends_otherwise(self):
        drover = self.drover({"Deaf": sh("trap 'exit 0' TERM; echo >> %s; while :; do sleep 0.01; done"
                                         % self.path("begun"))})
        self.enqueue("default", "Deaf", jid="unwanted")
        self.until_begun_lines(1)
        self.cancel("unwanted")
        drover.until_event("job.done", jid="unwanted")
        self.until_processed(1)
        self.assertEqual(self.redis.keys("resque:drover:cancel"), [])

    def until_begun_lines(self, count):
        self.until(lambda: (self.read("begun") or "").count("\n") >= count, "%d to begin" % count)

    def test_a_waiting_job_does_not_begin(self):
        drover = self.drover({"Gate": self.gate(), "Note": self.note()},
                             pools={"main": {"workers": 1, "queues": ["default"]}})
        self.enqueue("default", "Gate")
        self.until_begun()
        self.enqueue("default", "Note", jid="unwanted")
        self.cancel("unwanted")
        self.open_gate()
        drover.until_event("job.cancelled", jid="unwanted")
        self.until_processed(2)
        self.assertEqual(self.noted(), [])


class Records(SystemTest):
    def audit(self, jid):
        return [json.loads(line) for line in self.redis.call("LRANGE", "resque:drover:run:%s:audit" % jid, 0, -1)]

    def test_a_way_with_a_retry(self):
        self.drover({"Twice": sh('printf "note try $DROVER_ATTEMPT\\n" >&$DROVER_FD; [ $DROVER_ATTEMPT = 2 ]', track=True, retries=1,
                                 backoff={"kind": "constant", "first": "20ms", "jitter": "none"})})
        self.enqueue("default", "Twice", 1, jid="way")
        self.until_processed(1)
        self.assertEqual([(line["what"], line["attempt"]) for line in self.audit("way")],
                         [("started", 1), ("retry", 1), ("started", 2), ("done", 2)])
        run = self.redis.call("HGETALL", "resque:drover:run:way")
        record = dict(zip(run[::2], run[1::2]))
        self.assertEqual((record["state"], record["attempt"], record["origin"], record["note"]),
                         ("done", "2", "retry", "try 2"))
        self.assertLess(record["started_at"], record["ended_at"])
        self.assertNotIn("next_at", record)

    def test_the_audit_is_bounded(self):
        self.drover({"Many": sh("exit 1", track=True, retries=70,
                                backoff={"kind": "constant", "first": "0ms", "max": "1ms", "jitter": "none"})})
        self.enqueue("default", "Many", jid="many")
        self.until_processed(1)
        audit = self.audit("many")
        self.assertEqual(len(audit), 100)
        self.assertEqual(audit[-1]["what"], "failed")


if __name__ == "__main__":
    main()

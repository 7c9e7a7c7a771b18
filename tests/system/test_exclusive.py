"""Exclusive classes: such a job is over before anybody else may start it, whoever is stopped."""

import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import processes  # noqa: E402
from rig import SLOW, SystemTest, main, sample_module, sh  # noqa: E402

LEASE_S = 2 * SLOW
SHORT = {"supervisor": {"lease": "%ds" % LEASE_S}}


class Exclusive(SystemTest):
    def runs(self, script="", **keys):
        """
        Says who it is in `starts`, and in `beside` whom of those before it it finds alive; then it
        waits for the gate. The script comes before that.
        """
        begun, beside, gate = self.path("starts"), self.path("beside"), self.path("go")
        return sh("""
            for p in $(cut -d' ' -f1 %s); do
                grep -q 'State:.[^ZX] ' /proc/$p/status && echo $p >> %s
            done 2>/dev/null
            %s
            echo $$ $DROVER_ORIGIN $DROVER_RECOVERIES $DROVER_INTERRUPTIONS $DROVER_ATTEMPT >> %s
            until [ -e %s ]; do sleep 0.01; done
        """ % (begun, beside, script, begun, gate), exclusive=True, **keys)

    def until_starts(self, count):
        """Of each start: pid, origin, recoveries, interruptions, attempt."""
        self.until(lambda: (self.read("starts") or "").count("\n") >= count,
                   "%d start(s) of the exclusive job" % count)
        return [line.split() for line in self.read("starts").splitlines()]

    def stop(self, drover):
        """Returns when it was stopped; it goes on at the end of the test at the latest."""
        self.addCleanup(lambda: drover.running and drover.signal(signal.SIGCONT))
        drover.signal(signal.SIGSTOP)
        return time.monotonic()

    def assert_gone_in_time(self, pid, since):
        self.until_gone(pid)
        self.assertLess(time.monotonic() - since, LEASE_S, "it ended before its lease")

    def assert_alone(self):
        self.assertIsNone(self.read("beside"), "nobody ran beside another")


class Stopped(Exclusive):
    def test_the_nursery_ends_it_and_nobody_else(self):
        drover = self.drover({"Alone": self.runs(), "Gate": self.gate()}, **SHORT)
        self.enqueue("default", "Alone", jid="alone")
        self.enqueue("default", "Gate", jid="gate")
        pid, gate = int(self.until_starts(1)[0][0]), self.until_begun()[0]
        since = self.stop(drover)
        self.assert_gone_in_time(pid, since)
        self.assertTrue(processes.alive(gate), "an ordinary job goes on")
        drover.signal(signal.SIGCONT)
        drover.until_event("job.cut_off", jid="alone")
        starts = self.until_starts(2)
        self.assertEqual(starts[1][1:], ["recovered", "0", "0", "1"], "and no counter changed")
        self.open_gate()
        self.until_processed(2)
        self.assertEqual(self.failed(), [])
        self.assert_alone()

    def test_whatever_it_has_started_is_over_too(self):
        family = "(setsid sleep 1000 &); (env -i setsid /bin/sleep 1001 &); sleep 1002 &"
        drover = self.drover({"Alone": self.runs(family)}, **SHORT)
        self.enqueue("default", "Alone")
        pid = int(self.until_starts(1)[0][0])
        family = self.until(lambda: len(processes.descendants(pid)) >= 3
                            and processes.descendants(pid), "its three sleepers")
        since = self.stop(drover)
        for one in [pid] + family:
            self.assert_gone_in_time(one, since)
        drover.signal(signal.SIGCONT)
        self.until_starts(2)
        self.open_gate()
        self.until_processed(1)

    def test_a_function_of_a_module(self):
        drover = self.drover({"Sleep": {"function": "sleep_forever", "exclusive": True}},
                             modules=[sample_module()],
                             supervisor=dict(SHORT["supervisor"], shutdown_grace="100ms"))
        self.enqueue("default", "Sleep", jid="alone")
        pid = drover.until_event("job.start", jid="alone")[0]["pid"]
        self.assert_gone_in_time(pid, self.stop(drover))
        drover.signal(signal.SIGCONT)
        drover.until_event("job.cut_off", jid="alone")
        drover.until_event("job.start", count=2, jid="alone")
        self.assertEqual(drover.term(), 0)

    def test_a_nursery_that_is_made_anew_watches_on(self):
        drover = self.drover({"Alone": self.runs()}, **SHORT)
        self.enqueue("default", "Alone")
        pid = int(self.until_starts(1)[0][0])
        os.kill(drover.nurseries()[0], signal.SIGKILL)
        drover.until_event("nursery.ready", count=2)
        self.assert_gone_in_time(pid, self.stop(drover))
        drover.signal(signal.SIGCONT)
        self.until_starts(2)
        self.open_gate()
        self.until_processed(1)
        self.assert_alone()

    def test_a_nursery_of_a_reload_watches_on(self):
        drover = self.drover({"Alone": self.runs()}, **SHORT)
        self.enqueue("default", "Alone")
        pid = int(self.until_starts(1)[0][0])
        drover.signal(signal.SIGHUP)
        drover.until_event("reload.done")
        self.assert_gone_in_time(pid, self.stop(drover))
        drover.signal(signal.SIGCONT)
        self.until_starts(2)
        self.open_gate()
        self.until_processed(1)


class TakenOver(Exclusive):
    """Another supervisor starts what a stopped one had: the exclusive job is over by then."""

    def both(self):
        first = self.drover({"Alone": self.runs(), "Gate": self.gate()}, **SHORT)
        self.enqueue("default", "Alone", jid="alone")
        self.enqueue("default", "Gate", jid="gate")
        pid, gate = int(self.until_starts(1)[0][0]), self.until_begun()[0]
        second = self.drover({"Alone": self.runs(), "Gate": self.gate()}, **SHORT)
        return first, second, pid, gate

    def test_a_stopped_droverd(self):
        first, second, pid, gate = self.both()
        self.assert_gone_in_time(pid, self.stop(first))
        second.until_event("job.start", jid="alone")
        self.assertEqual(self.until_starts(2)[1][1:3], ["recovered", "1"])
        self.until_begun(2)
        self.assertTrue(processes.alive(gate), "an ordinary job runs twice until it is heard")
        first.signal(signal.SIGCONT)
        first.until_event("lease.taken")
        self.until_gone(gate)
        first.until_event("job.dropped", jid="gate")
        self.open_gate()
        self.until_processed(2)
        self.assertEqual(self.failed(), [])
        self.assertEqual(len(self.until_starts(2)), 2)
        self.assert_alone()

    def test_a_stopped_droverd_that_runs_another_by_then(self):
        """Stopped and continued again and again, under two supervisors: never two at once."""
        first, second, pid, gate = self.both()
        for number in range(2, 5):
            holder = first if first.events("job.start", jid="alone", pid=pid) else second
            taken = len(holder.events("lease.taken"))
            self.assert_gone_in_time(pid, self.stop(holder))
            pid = int(self.until_starts(number)[-1][0])
            holder.signal(signal.SIGCONT)
            holder.until_event("lease.taken", count=taken + 1)
        self.open_gate()
        self.until_processed(2)
        self.assertEqual(self.failed(), [])
        self.assert_alone()


class RedisAway(Exclusive):
    def test_it_ends_and_an_ordinary_job_goes_on(self):
        drover = self.drover({"Alone": self.runs(), "Gate": self.gate("ordinary")}, **SHORT)
        self.enqueue("default", "Alone", jid="alone")
        self.enqueue("default", "Gate", jid="gate")
        pid, gate = int(self.until_starts(1)[0][0]), self.until_begun()[0]
        self.redis.pause()
        self.addCleanup(self.redis.go_on)
        self.assert_gone_in_time(pid, time.monotonic())
        drover.until_event("exclusive.ended", jobs=1)
        drover.until_event("job.cut_off", jid="alone")
        self.assertTrue(processes.alive(gate))
        self.open_gate("ordinary")
        drover.until_event("job.done", jid="gate")
        self.redis.go_on()
        self.assertEqual(self.until_starts(2)[1][1:], ["recovered", "0", "0", "1"])
        self.open_gate()
        self.until_processed(2)
        self.assertEqual(self.failed(), [])
        self.assertEqual(self.read("begun").count("\n"), 1, "the ordinary one ran once")

    def test_its_record_tells(self):
        drover = self.drover({"Alone": self.runs(track=True)}, **SHORT)
        self.enqueue("default", "Alone", jid="alone")
        self.until_starts(1)
        self.redis.pause()
        self.addCleanup(self.redis.go_on)
        drover.until_event("job.cut_off", jid="alone")
        self.redis.go_on()
        self.until_starts(2)
        self.open_gate()
        self.until_processed(1)
        audit = [json.loads(line) for line in
                 self.redis.call("LRANGE", "resque:drover:run:alone:audit", 0, -1)]
        cut_off = next(line for line in audit if line["what"] == "interrupted")
        self.assertIn("its class is exclusive", cut_off["detail"])
        record = self.redis.call("HGETALL", "resque:drover:run:alone")
        record = dict(zip(record[::2], record[1::2]))
        self.assertEqual((record["state"], record["recoveries"], record["interruptions"]),
                         ("done", "0", "0"))

    def test_at_most_once_it_fails(self):
        drover = self.drover({"Once": self.runs(delivery="at-most-once")}, **SHORT)
        self.enqueue("default", "Once")
        self.until_starts(1)
        self.redis.pause()
        self.addCleanup(self.redis.go_on)
        drover.until_event("job.failed", exception="Drover::Interrupted")
        self.redis.go_on()
        self.assertIn("at-most-once", self.until_failed(1)[0]["error"])
        self.assertEqual(self.waiting(), 0)

    def test_many_beats_move_the_deadline(self):
        drover = self.drover({"Alone": self.runs()}, supervisor={"lease": "1s"})
        self.enqueue("default", "Alone")
        self.until_starts(1)
        self.until_beats(drover, 8)
        self.open_gate()
        self.until_processed(1)
        self.assertEqual(len(self.until_starts(1)), 1)
        self.assertEqual(drover.events("exclusive.ended"), [])

    def until_beats(self, drover, count):
        """Until so many of its beats were answered."""
        key = "resque:drover:supervisor:" + drover.events("supervisor.ready")[0]["lease"]
        seen = set()

        def beat():
            seen.add(self.redis.call("HGET", key, "beat_ms"))
            return len(seen) > count
        self.until(beat, "%d beats" % count)

    def test_the_nursery_sleeps_where_nothing_is_exclusive(self):
        drover = self.drover({"Gate": self.gate(), "Alone": self.runs()},
                             supervisor={"lease": "1s"})
        self.enqueue("default", "Gate")
        self.until_begun()
        nursery = drover.nurseries()[0]
        before = self.wakings(nursery)
        self.until_beats(drover, 6)
        self.assertEqual(self.wakings(nursery), before)
        self.assertNotIn(b"scoreboard", processes.read_proc(nursery, "maps"))
        self.open_gate()
        self.until_processed(1)

    def wakings(self, pid):
        status = processes.read_proc(pid, "status").decode()
        return next(line for line in status.splitlines() if line.startswith("voluntary"))


class ShortOutage(Exclusive):
    redis_options = {"appendonly": "yes", "appendfsync": "always"}

    def test_it_runs_on(self):
        drover = self.drover({"Alone": self.runs()}, supervisor={"lease": "10m"})
        self.enqueue("default", "Alone")
        self.until_starts(1)
        self.redis.restart()
        drover.until_event("redis.up")
        self.open_gate()
        self.until_processed(1)
        self.assertEqual(len(self.until_starts(1)), 1)


class RedisLoses(Exclusive):
    def test_a_job_it_has_lost_ends(self):
        self.conserves = False  # the lost job is in no count of Redis any more
        drover = self.drover({"Alone": self.runs(), "Gate": self.gate()}, **SHORT)
        self.enqueue("default", "Alone", jid="alone")
        pid = int(self.until_starts(1)[0][0])
        lease = drover.events("supervisor.ready")[0]["lease"]
        self.redis.call("HDEL", "resque:drover:lease:" + lease, *self.lease_entries())
        drover.until_event("job.missing", jid="alone")
        self.until_gone(pid)
        drover.until_event("verdict.stale")
        self.assertEqual(self.waiting(), 0)

    def test_data_lost_ends_it_and_it_comes_back(self):
        drover = self.drover({"Alone": self.runs()}, **SHORT)
        self.enqueue("default", "Alone", jid="alone")
        pid = int(self.until_starts(1)[0][0])
        self.redis.call("FLUSHALL")
        drover.until_event("redis.data_lost")
        self.until_gone(pid)
        self.assertEqual(self.until_starts(2)[1][1], "recovered")
        self.open_gate()
        self.until_processed(1)
        self.assert_alone()


if __name__ == "__main__":
    main()

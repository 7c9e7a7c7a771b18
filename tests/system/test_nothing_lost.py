"""Nothing is lost: a machine dies, Redis goes away, a supervisor stands still past its lease."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import processes  # noqa: E402
from ledger import Ledger  # noqa: E402
from rig import SLOW, SystemTest, main, payload, program, sh  # noqa: E402

LEASE_S = 1 * SLOW
SHORT = {"lease": "%ds" % LEASE_S}


class NothingLost(SystemTest):
    redis_options = {"appendonly": "yes", "appendfsync": "always"}

    def setUp(self):
        super().setUp()
        self.ledger = Ledger(self.path("ledger"))

    def job(self, ms, **keys):
        """Says in the ledger that it began and ended."""
        return dict({"command": [program("torture/job"), self.ledger.path, str(ms)]}, **keys)

    def supervisor_of_its_own(self, name, jobs):
        """On another machine, as far as it can know: its own state_dir."""
        return self.drover(jobs, supervisor=dict(
            SHORT, name=name, state_dir=self.path("state-" + name)))

    def push_jobs(self, count, cls="Each"):
        jids = ["t%d" % n for n in range(count)]
        self.push("default", *[payload(cls, n, jid=jid) for n, jid in enumerate(jids)])
        return jids

    def marks(self):
        """Jobs of supervisors that were killed carry their lease's name."""
        return super().marks() + [b"DROVER_LEASE=%s:" % name for name in (b"here", b"there")]

    def until_begun_by(self, name, count):
        def begun():
            return [run for runs in self.ledger.runs().values() for run, _ in runs
                    if run.lease.startswith(name + ":")]
        self.until(lambda: len(begun()) >= count, "%d jobs to begin on %s" % (count, name))
        return begun()

    def ended_once(self, jids):
        runs = self.ledger.runs()
        self.assertEqual(sorted(runs), sorted(jids), "every job ran")
        for jid in jids:
            self.assertEqual(len([end for _, end in runs[jid] if end]), 1, jid)
        return runs

    # -- a machine -------------------------------------------------------------------------------
    def test_a_machine_dies_and_its_jobs_start_elsewhere(self):
        here = self.supervisor_of_its_own("here", {"Each": self.job(60000)})
        jids = self.push_jobs(2)
        self.until_begun_by("here", 2)
        there = self.supervisor_of_its_own("there", {"Each": self.job(100)})
        died = time.monotonic()
        here.signal(signal.SIGSTOP)
        for pid in [here.pid] + processes.descendants(here.pid):
            os.kill(pid, signal.SIGKILL)
        here.wait()
        begun = self.until_begun_by("there", 2)
        last = max(run.begin for run in begun) / 1000 - died
        print("figure: the last of its jobs began elsewhere after %.2f s, the lease is %d s"
              % (last, LEASE_S))
        self.assertLess(last, LEASE_S + 2 * SLOW)
        self.until_processed(2)
        runs = self.ended_once(jids)
        self.assertTrue(all(len(runs[jid]) == 2 for jid in jids), "begun here, ended there")
        self.assertTrue(there.running)

    # -- redis -----------------------------------------------------------------------------------
    def test_redis_is_away_for_two_leases(self):
        jobs = {"Each": self.job(int(1000 * LEASE_S))}
        both = [self.supervisor_of_its_own(name, jobs) for name in ("here", "there")]
        jids = self.push_jobs(4)
        self.until(lambda: len(self.ledger.runs()) == 4, "all jobs to begin")
        away = time.monotonic()
        self.redis.kill()
        self.until(lambda: self.ledger.ended() == 4, "the jobs to end by themselves")
        self.until(lambda: time.monotonic() - away > 2 * LEASE_S, "two leases to pass")
        self.redis.start()
        self.until_processed(4)
        runs = self.ended_once(jids)
        self.assertEqual([len(runs[jid]) for jid in jids], [1] * 4, "nothing ran twice")
        self.assertEqual(self.failed(), [])
        self.assertTrue(all(drover.running for drover in both))
        self.assertEqual([d.events("lease.taken") for d in both], [[], []], "nobody was taken over")

    # -- standing still --------------------------------------------------------------------------
    def test_a_supervisor_stands_still_past_its_lease(self):
        work_ms = int(3000 * LEASE_S)
        here = self.supervisor_of_its_own("here", {"Each": self.job(work_ms)})
        jids = self.push_jobs(1)
        first = self.until_begun_by("here", 1)[0]
        there = self.supervisor_of_its_own("there", {"Each": self.job(200)})
        here.signal(signal.SIGSTOP)
        self.until_begun_by("there", 1)
        here.signal(signal.SIGCONT)
        here.until_event("lease.taken")
        self.until_gone(first.pid)
        self.until_processed(1)
        runs = self.ended_once(jids)
        self.assertEqual([run.lease.split(":")[0] for run, end in runs["t0"] if end], ["there"])
        self.push_jobs(1)
        self.until_processed(2)
        self.assertTrue(here.running and there.running)

    def test_its_verdict_is_refused_where_the_child_was_quicker(self):
        """The child ends while its supervisor stands still; the other one has the job by then."""
        here = self.supervisor_of_its_own("here", {"Each": self.job(int(2500 * LEASE_S))})
        self.push_jobs(1)
        self.until_begun_by("here", 1)
        self.supervisor_of_its_own("there", {"Each": self.job(int(2000 * LEASE_S))})
        here.signal(signal.SIGSTOP)
        self.until_begun_by("there", 1)
        self.until(lambda: self.ledger.ended() == 1, "the stopped one's child to end")
        here.signal(signal.SIGCONT)
        here.until_event("lease.taken")
        self.until_processed(1)
        self.push_jobs(1)
        self.until_processed(2)  # and not 3: what it says of a job it lost is not counted


class Schedule(SystemTest):
    """Every second here, where people have every minute."""

    def test_one_firing_a_tick_though_one_is_restarted(self):
        self.conserves = False  # the schedule enqueues, not the test
        tick = sh('echo "$DROVER_TICK $DROVER_JID" >> %s' % self.path("ticks"))
        schedule = {"beat": {"cron": "* * * * * *", "class": "Tick", "queue": "default"}}
        steady = self.drover({"Tick": tick}, schedule=schedule,
                             supervisor=dict(SHORT, name="steady", state_dir=self.path("s1")))
        restless = self.drover({"Tick": tick}, schedule=schedule,
                               supervisor=dict(SHORT, name="restless", state_dir=self.path("s2")))
        for count in (2, 4, 6):
            self.until(lambda: len(self.ticks()) >= count, "%d ticks" % count)
            restless.kill()
            restless.start(wait=False)
        self.until(lambda: len(self.ticks()) >= 8, "8 ticks")
        self.assertEqual(steady.term(), 0)
        restless.until_event("supervisor.ready", count=4)
        self.assertEqual(restless.term(), 0)
        ticks = self.ticks()
        self.assertEqual(sorted(set(ticks)), sorted(ticks), "one firing a tick")
        self.assertEqual(len(self.seconds_left_out(ticks)), 0, "none left out: %r" % ticks)

    def ticks(self):
        """One a firing: a job that was in hand when its supervisor was killed ran twice, as one firing."""
        lines = (self.read("ticks") or "").split("\n")[:-1]
        return [line.split()[0] for line in sorted(set(lines))]

    def seconds_left_out(self, ticks):
        seen = {int(time.mktime(time.strptime(tick[:19], "%Y-%m-%dT%H:%M:%S"))) for tick in ticks}
        return set(range(min(seen), max(seen) + 1)) - seen


if __name__ == "__main__":
    main()

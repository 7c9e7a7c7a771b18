"""Redis that errs, stalls, refuses or is cut off: jobs go on, verdicts arrive in order, once.

Each fault is between break_it and mend; endure() runs the same story through all of them: jobs
that began before end one by one while it lasts, their verdicts arrive in that order afterwards,
nothing ran twice, and the next job runs as if nothing had been.
"""

import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import processes  # noqa: E402
from proxy import BOTH, TO_CLIENT, TO_SERVER, Proxy  # noqa: E402
from resp import RespClient  # noqa: E402
from embedded import script  # noqa: E402
from rig import RedisError, SystemTest, main, payload, sh  # noqa: E402

BUSY_FOR_MS = 2500
SPIN = """
local t = redis.call('TIME')
local ends = t[1] * 1000 + t[2] / 1000 + ARGV[1]
repeat t = redis.call('TIME') until t[1] * 1000 + t[2] / 1000 > ends
"""


KINDS = ("redis.down", "beat.refused", "fetch.refused", "verdict.refused", "tick.refused")


class Faults(SystemTest):
    redis_options = {"appendonly": "yes", "appendfsync": "always"}
    jobs = 3

    # -- the story -------------------------------------------------------------------------------
    def waits(self):
        """Notes its argument and pid, ends with 1 once the file of its number is there."""
        return sh('read x; echo "$x $$" >> %s; until [ -e "%s$x" ]; do sleep 0.01; done; exit 1'
                  % (self.path("begun"), self.path("go")))

    def begin(self, url=None, **supervisor):
        """The pids of the jobs, which run now."""
        keys = dict({"lease": "15s"}, **supervisor)
        self.supervisor = self.drover(
            {"Waits": self.waits(), "Note": self.note()},
            redis={"url": url or self.redis.url, "command_timeout": "1s"}, supervisor=keys,
            pools={"main": {"workers": self.jobs, "queues": ["default"]}})
        self.push("default", *[payload("Waits", n) for n in range(self.jobs)])
        self.until(lambda: len(self.begun()) == self.jobs, "all jobs to begin")
        return [pid for _, pid in sorted(self.begun())]

    def begun(self):
        lines = (line.split() for line in (self.read("begun") or "").splitlines())
        return [(argument, int(pid)) for argument, pid in lines]

    def end_all(self, pids):
        for number, pid in enumerate(pids):
            self.assertTrue(processes.alive(pid), "job %d goes on" % number)
        for number, pid in enumerate(pids):
            self.open_gate("go[%d]" % number)
            self.until_gone(pid)

    def all_is_well(self):
        failed = self.until_failed(self.jobs)
        self.assertEqual([record["payload"]["args"] for record in failed],
                         [[n] for n in range(self.jobs)], "verdicts arrive in order")
        before = self.stat("processed")
        self.enqueue("default", "Note", "after")
        self.until_processed(before + 1)
        self.assertEqual(len(self.begun()), self.jobs, "nothing ran twice")
        self.assertEqual(self.supervisor.events("lease.taken"), [])

    def endure(self, break_it, mend, url=None, **supervisor):
        pids = self.begin(url, **supervisor)
        break_it()
        self.end_all(pids)
        mend()
        self.all_is_well()

    def said(self, *must, may=(), times=1):
        """These were said so often, and as often that it is over; those in `may` once or never."""
        for bad in KINDS:
            good = bad.replace("refused", "accepted").replace("down", "up")
            count = times if bad in must else min(len(self.supervisor.events(bad)), bad in may)
            if count:
                self.supervisor.until_event(good, count=count)
            seen = [len(self.supervisor.events(name)) for name in (bad, good)]
            self.assertEqual(seen, [count, count], bad)


class AnswersThatRefuse(Faults):
    def config_set(self, name, value):
        self.redis.call("CONFIG", "SET", name, value)

    def test_a_replica_now(self):
        """READONLY, or MASTERDOWN where it refuses to be read too."""
        for stale in ("yes", "no"):
            with self.subTest(serve_stale_data=stale):
                self.config_set("replica-serve-stale-data", stale)
                self.endure(lambda: self.redis.call("REPLICAOF", "127.0.0.1", "1"),
                            lambda: self.redis.call("REPLICAOF", "NO", "ONE"))
                self.said("redis.down", may=KINDS[1:])
                self.assertIn("replica", self.supervisor.events("redis.down")[0]["error"])
                self.forget()

    def forget(self):
        """For the same story once more."""
        self.until_exit_of_all()
        self.redis.call("FLUSHALL")
        self.enqueued = 0
        for name in os.listdir(self.folder):
            if name.startswith(("go", "begun", "seen")):
                os.unlink(self.path(name))

    def until_exit_of_all(self):
        for drover in self.supervisors:
            if drover.running:
                self.assertEqual(drover.term(), 0)

    def test_too_few_replicas(self):
        self.endure(lambda: self.config_set("min-replicas-to-write", "1"),
                    lambda: self.config_set("min-replicas-to-write", "0"), poll="1m")
        self.said("verdict.refused", may=KINDS[1:])

    def test_out_of_memory(self):
        """Verdicts and beats pass, new work is refused."""
        pids = self.begin(lease="3s")
        self.enqueue("default", "Note", "waits")
        self.config_set("maxmemory", "1")
        self.end_all(pids)
        self.until_failed(self.jobs)
        self.supervisor.until_event("fetch.refused")
        before = self.expiry()
        self.until(lambda: self.expiry() > before, "a beat to pass")
        self.assertEqual(self.size("default"), 1)
        self.config_set("maxmemory", "0")
        self.until_processed(self.jobs + 1)
        self.all_is_well()
        self.said("fetch.refused")

    def expiry(self):
        return float(self.redis.call("ZRANGE", "resque:drover:supervisors", 0, -1, "WITHSCORES")[1])

    def test_misconf(self):
        """A snapshot failed: Redis takes no writes until one succeeds."""
        in_the_way = self.path("dump.rdb")

        def fail_to_save():
            os.mkdir(in_the_way)
            self.config_set("save", "3600 1000000")
            self.config_set("stop-writes-on-bgsave-error", "yes")
            self.redis.call("BGSAVE")
            self.until(lambda: "rdb_last_bgsave_status:err" in
                       self.redis.call("INFO", "persistence"), "the snapshot to fail")

        def save():
            self.supervisor.until_event("beat.refused")
            calls = self.refused_calls()
            self.until(lambda: self.refused_calls() > calls + self.jobs, "more to be refused")
            os.rmdir(in_the_way)
            self.redis.call("BGSAVE")

        self.endure(fail_to_save, save, lease="3s")
        self.said("verdict.refused", "beat.refused", "tick.refused")

    def refused_calls(self):
        stats = self.redis.call("INFO", "errorstats")
        return sum(int(line.split("count=")[1]) for line in stats.splitlines() if "MISCONF" in line)

    def test_busy(self):
        """Another's script runs for longer than Redis waits before it says so."""
        def keep_busy():
            self.config_set("lua-time-limit", "20")
            other = RespClient(self.redis.address)
            self.addCleanup(other.close)
            self.spin = threading.Thread(target=lambda: other.call("EVAL", SPIN, 0, BUSY_FOR_MS))
            self.spin.start()
            self.until(self.is_busy, "Redis to say BUSY")

        self.endure(keep_busy, lambda: self.spin.join())
        self.said(may=KINDS[1:])

    def is_busy(self):
        try:
            self.redis.call("GET", "any")
        except RedisError as error:
            return str(error).startswith("BUSY")
        return False

    def test_loading(self):
        """A restart whose data takes its time."""
        def restart():
            self.redis.pipeline([("SET", "filler:%d" % n, n) for n in range(300)])
            self.redis.kill()
            self.redis.options.update(key_load_delay=5000)
            self.loading = threading.Thread(target=self.redis.start)
            self.loading.start()
            self.addCleanup(self.loading.join)

        self.endure(restart, lambda: self.loading.join())
        self.said("redis.down")


class ServersThatGo(Faults):
    def test_restarted(self):
        self.endure(self.redis.stop, self.redis.start)
        self.said("redis.down")

    def test_scripts_flushed_while_jobs_run(self):
        self.endure(lambda: self.redis.call("SCRIPT", "FLUSH"),
                    lambda: self.redis.call("SCRIPT", "FLUSH"))
        self.said()


class BadWays(Faults):
    def setUp(self):
        super().setUp()
        self.proxy = Proxy(self.redis.address, listen=self.path("proxy.sock"))
        self.addCleanup(self.proxy.close)

    def test_half_open(self):
        """Nothing comes and nothing breaks: the deadline of a command ends it, or the beat's."""
        self.endure(lambda: self.proxy.drop(BOTH, new=False),
                    lambda: self.supervisor.until_event("redis.up"), self.proxy.url, lease="3s")
        self.said("redis.down")
        self.assertIn("not answered within", self.supervisor.events("redis.down")[0]["error"])

    def test_half_open_while_idle(self):
        """Only the beat finds out; polling is far away."""
        pids = self.begin(self.proxy.url, lease="3s", poll="1m")
        self.proxy.drop(BOTH, new=False)
        self.supervisor.until_event("redis.up")
        self.end_all(pids)
        self.all_is_well()

    def test_answers_swallowed(self):
        """What was done and never confirmed is asked again, and is not done again."""
        self.endure(lambda: self.proxy.drop(TO_CLIENT, new=False),
                    lambda: self.supervisor.until_event("redis.up"), self.proxy.url, lease="3s")
        self.said("redis.down")

    def test_half_closed(self):
        """Redis hears that we said all; then we hear it of Redis."""
        pids = self.begin(self.proxy.url)
        for count, way in enumerate((TO_SERVER, TO_CLIENT), 1):
            self.proxy.half_close(way)
            self.supervisor.until_event("redis.up", count=count)
        self.end_all(pids)
        self.all_is_well()
        self.said("redis.down", times=2)

    def test_refused_and_slow(self):
        def away():
            self.proxy.refuse()
            self.proxy.close_all()
            self.supervisor.until_event("redis.down")

        def back():
            self.proxy.delay(30, spread_ms=30)
            self.proxy.accept()

        self.endure(away, back, self.proxy.url)
        self.said("redis.down")


class CutAnswers(Faults):
    """The connection ends in the middle of the answer of a script, earlier and later in it."""

    jobs = 4

    def setUp(self):
        super().setUp()
        self.proxy = Proxy(self.redis.address, listen=self.path("proxy.sock"))
        self.addCleanup(self.proxy.close)

    def digest(self, name):
        """Of a script as it is embedded."""
        return self.redis.call("SCRIPT", "LOAD", script(name)).encode()

    def cut_each(self, name):
        drover = self.drover({"Note": self.note()}, redis={"url": self.proxy.url},
                             supervisor={"lease": "3s"})
        digest, done, cuts = self.digest(name), 0, (0, 1, 4, 7, 20, 60)
        for after in cuts:
            ups = len(drover.events("redis.up"))
            self.proxy.cut_answer(digest, after)
            self.push("default", *[payload("Note", done + n) for n in range(self.jobs)])
            drover.until_event("redis.up", count=ups + 1)
            done += self.jobs
            self.until_processed(done)
        self.assertEqual(sorted(self.noted()), [[n] for n in range(done)], "each ran, once")
        self.assertEqual(self.proxy.cuts, len(cuts))

    def test_fetch(self):
        self.cut_each("fetch")

    def test_finish(self):
        self.cut_each("finish")

    def test_beat(self):
        self.cut_each("beat")

    def test_anywhere(self):
        """Cuts by chance, many of them."""
        seed = int.from_bytes(os.urandom(4), "big")
        self.proxy.random.seed(seed)
        drover = self.drover({"Note": self.note()}, redis={"url": self.proxy.url})
        with self.subTest(seed=seed):
            for number in range(0, 400, 4):
                self.push("default", *[payload("Note", number + n) for n in range(4)])
                if number % 20 == 0:
                    cuts = self.proxy.cuts
                    self.proxy.cut(self.proxy.random.randrange(1, 3000),
                                   self.proxy.random.choice((TO_SERVER, TO_CLIENT)))
                    self.until(lambda: self.proxy.cuts > cuts, "the cut")  # noqa: B023
            self.proxy.heal()
            self.until_processed(400)
            self.assertEqual(sorted(self.noted()), [[n] for n in range(400)], "each ran, once")
        self.assertEqual(len(drover.events("redis.down")), len(drover.events("redis.up")))


if __name__ == "__main__":
    main()

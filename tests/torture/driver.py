#!/usr/bin/env python3
"""driver: kills what can be killed while jobs run, and counts what came of every job.

    tests/torture/driver.py [--seed N] [--jobs N] [--runs N] [--kills N] [--lease S] [--keep]
        [--only KIND,..]

Three supervisors, each behind a proxy of its own, on one Redis with appendfsync always. The plan
of faults comes from the seed alone: the same seed is the same plan (what it meets is the
scheduler's). Kills: child, nursery, supervisor (started again), host (a supervisor with all its
processes; started again after others took its jobs), Redis (started again); of iterating jobs, of
which there are some among the others (driver_runs.py), the filter or the child that asks it. Beside
them, as many again in tenths: supervisors stopped past their lease, cut off for longer than it,
connections spoiled, runs paused and resumed. The last lines are the count; the exit status is 0 only where nothing was lost, nothing ran
twice without a reason, and Redis counted each job once.
"""

import argparse
import collections
import contextlib
import heapq
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import processes  # noqa: E402
from driver_runs import FLUSH_S, Runs  # noqa: E402
from ledger import MAX_RUNNING, Fault, Ledger, judge  # noqa: E402
from proxy import Proxy  # noqa: E402
from rig import Droverd, RedisServer, command, payload, program, sample_module  # noqa: E402

SUPERVISORS, WORKERS = 3, 4
KILLS = {"child": 8, "nursery": 5, "supervisor": 8, "host": 2, "redis": 2, "item": 6}  # weights
OTHERS = {"stop": 2, "cut off": 2, "spoil": 6, "pause": 6}
KINDS_OF_JOBS = "ttxtmtot"  # see ledger.py
CLASSES = {"t": "Plain", "x": "Exclusive", "o": "Once", "m": "Few"}
DYING_MS = 100
STALLED_S = 3  # without a job ending, the next fault comes all the same
STUCK_S = 60  # without a job ending at the end, it is given up

Step = collections.namedtuple("Step", "moment kind which pause_ms")


def now_ms():
    return int(time.monotonic() * 1000)


def make_plan(rng, jobs, kills, only=None):
    """Steps in order: after how many jobs, what, to whom, how long."""
    def draw(weights, count):
        weights = {k: w for k, w in weights.items() if not only or k in only}
        return rng.choices(list(weights), list(weights.values()), k=count) if weights else []
    kinds = draw(KILLS, kills) + draw(OTHERS, kills // 5)
    rng.shuffle(kinds)
    moments = sorted(rng.randrange(jobs * 9 // 10) for _ in kinds)
    return [Step(moment, kind, rng.randrange(1 << 16), rng.randrange(0, 400))
            for moment, kind in zip(moments, kinds)]


class Torture:
    workers = WORKERS

    def __init__(self, seed, jobs, kills, lease_s=2, work_ms=15, only=None, runs=0, say=print):
        self.seed, self.jobs, self.lease_s, self.work_ms = seed, jobs, lease_s, work_ms
        self.random = random.Random(seed)
        self.plan = make_plan(self.random, jobs, kills, only)
        self.folder = tempfile.mkdtemp(prefix="drover-torture-")
        self.ledger = Ledger(os.path.join(self.folder, "ledger"))
        self.redis = RedisServer(self.folder, appendonly="yes", appendfsync="always")
        self.jids = ["%s%06d" % (KINDS_OF_JOBS[n % len(KINDS_OF_JOBS)], n) for n in range(jobs)]
        self.runs = Runs(self, runs)
        self.total = 2 * runs + jobs  # what follows a run is a job, too
        self.faults, self.counts = [], collections.Counter()
        self.later, self.serial = [], itertools.count()  # a heap of (when, serial, action)
        self.hands_off = set()  # supervisors that are stopped or dead just now
        self.supervisors, self.proxies = [], []
        self.complaints, self.say = [], say

    # -- the scene -------------------------------------------------------------------------------
    def config(self, number, proxy):
        job = {"command": [program("torture/job"), self.ledger.path, str(self.work_ms)],
               "max_recoveries": 1000, "retries": 1000,
               "backoff": {"kind": "constant", "first": "20ms", "max": "20ms", "jitter": "none"}}
        return {
            "redis": {"url": proxy.url},
            "supervisor": {
                "name": "s%d" % number, "lease": "%ds" % self.lease_s, "poll": "200ms",
                # the first two share a folder: neighbours clean up after each other
                "state_dir": os.path.join(self.folder, "state%d" % (number // 2)),
                "kill_grace": "1s", "log": {"level": "info", "format": "json"},
                "flush": "%dms" % (1000 * FLUSH_S),
            },
            "pools": {"main": {"workers": WORKERS, "queues": ["default"]}},
            "modules": [sample_module()],
            "jobs": {**self.runs.config(), "Plain": job, "Exclusive": dict(job, exclusive=True),
                     "Once": dict(job, delivery="at-most-once"),
                     "Few": dict(job, max_running=MAX_RUNNING, track=True)}}

    def start(self):
        self.redis.start()
        self.runs.prepare()
        for number in range(SUPERVISORS):
            proxy = Proxy(self.redis.address, os.path.join(self.folder, "p%d.sock" % number),
                          seed=self.seed + number)
            drover = Droverd(self.folder, self.config(number, proxy), "s%d" % number, ["--wait"])
            self.proxies.append(proxy)
            self.supervisors.append(drover.start())
        commands = [("SADD", "resque:queues", "default")]
        jobs = [payload(CLASSES[jid[0]], n, jid=jid) for n, jid in enumerate(self.jids)]
        for n, run in enumerate(self.runs.payloads()):  # spread over the first half
            jobs.insert(n * (self.jobs // 2 // len(self.runs.jids) + 1), run)
        commands += [("RPUSH", "resque:queue:default", job) for job in jobs]
        for k in range(0, len(commands), 1000):
            self.redis.pipeline(commands[k:k + 1000])

    def end(self, keep=False):
        for drover in self.supervisors:
            if drover.running:
                drover.signal(signal.SIGCONT)
                drover.kill()
        for proxy in self.proxies:
            proxy.close()
        self.redis.end(signal.SIGKILL)
        for pid in processes.carrying(self.folder.encode()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    # -- faults: each is one method, and says what it struck ---------------------------------------
    def strike(self, step):
        while len(self.hands_off) == SUPERVISORS:  # one will be back soon
            self.serve_later()
            time.sleep(0.005)
        number = step.which % SUPERVISORS
        if number in self.hands_off:
            number = next(n for n in range(SUPERVISORS) if n not in self.hands_off)
        self.counts[step.kind] += 1
        getattr(self, "do_" + step.kind.replace(" ", "_"))(step, number)

    def note(self, kind, pids, begin, end=None):
        """Until now, where no end is told; what was forked before that may still say it begins."""
        self.faults.append(Fault(kind, set(pids), begin, now_ms() + DYING_MS if end is None else end))

    def at(self, delay_s, action):
        heapq.heappush(self.later, (time.monotonic() + delay_s, next(self.serial), action))

    def kill(self, pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def nurseries_of(self, drover):
        """A child looks like its nursery until it gives itself a name, a moment later."""
        def look(pids):
            return [pid for pid in pids if processes.name(pid).startswith("drover-nursery")]
        found = look(processes.children(drover.pid))
        time.sleep(0.02)
        return look(found)

    def jobs_of(self, numbers):
        return sorted(pid for number in numbers
                      for pid in processes.children(self.supervisors[number].pid)
                      if self.ledger.path.encode() in processes.read_proc(pid, "cmdline"))

    def do_child(self, step, number):
        """Of that supervisor, or, where none runs there just now, of any."""
        others = [n for n in range(SUPERVISORS) if n not in self.hands_off]
        for _ in range(100):
            jobs = self.jobs_of([number]) or self.jobs_of(others)
            if jobs:
                break
            time.sleep(0.01)
        else:
            self.counts["child"] -= 1
            return
        begin, pid = now_ms(), jobs[step.which % len(jobs)]
        self.kill(pid)
        self.note("child", [pid], begin)

    def do_item(self, step, number):
        """The filter of an iterating job, or the child that asks it."""
        begin = now_ms()
        if self.runs.strike(step.which, step.which % 2):
            self.note("item", [], begin)
        else:
            self.counts["item"] -= 1

    def do_pause(self, step, number):
        jid = self.runs.pause(step.which)
        if jid:
            self.at(0.2 + step.pause_ms / 1000, lambda: self.runs.cli("resume", jid))

    def do_nursery(self, step, number):
        for pid in self.nurseries_of(self.supervisors[number]):
            self.kill(pid)

    def do_supervisor(self, step, number):
        drover = self.supervisors[number]
        begin = now_ms()
        drover.kill()
        self.note("supervisor", [drover.pid], begin)
        self.gone(number, step.pause_ms / 1000)

    def do_host(self, step, number):
        """All at once, as when the power fails; back after others may have taken its jobs."""
        drover = self.supervisors[number]
        begin = now_ms()
        drover.signal(signal.SIGSTOP)
        for pid in [drover.pid] + processes.descendants(drover.pid):
            self.kill(pid)
        drover.wait()
        self.note("host", [drover.pid], begin)
        self.gone(number, self.lease_s + 2 * step.pause_ms / 1000)

    def gone(self, number, back_in_s):
        self.hands_off.add(number)

        def back():
            self.supervisors[number].start(wait=False)
            self.hands_off.discard(number)
        self.at(back_in_s, back)

    def do_redis(self, step, number):
        self.redis.kill()
        time.sleep(step.pause_ms / 4000)
        self.redis.start()

    def do_stop(self, step, number):
        drover = self.supervisors[number]
        begin = now_ms()
        drover.signal(signal.SIGSTOP)
        self.hands_off.add(number)

        def go_on():
            drover.signal(signal.SIGCONT)
            self.hands_off.discard(number)
        self.lose_lease("stop", drover.pid, begin, step, go_on)

    def do_cut_off(self, step, number):
        proxy, begin = self.proxies[number], now_ms()
        if step.which % 3:
            proxy.refuse()
            proxy.close_all()
        else:
            proxy.drop()

        def heal():
            proxy.accept()
            proxy.heal()
            proxy.close_all()
        self.lose_lease("cut off", self.supervisors[number].pid, begin, step, heal)

    def lose_lease(self, kind, pid, begin, step, afterwards):
        """What it holds is excused until its children are surely gone after its return."""
        seconds = 1.5 * self.lease_s + 2 * step.pause_ms / 1000
        self.note(kind, [pid], begin, begin + int(seconds * 1000) + 2000)
        self.at(seconds, afterwards)

    def do_spoil(self, step, number):
        proxy = self.proxies[number]
        self.counts["spoil: " + proxy.mischief().split("(")[0]] += 1
        self.at(0.2 + step.pause_ms / 1000, proxy.heal)

    # -- the run ---------------------------------------------------------------------------------
    def serve_later(self, all_of_it=False):
        while self.later and (all_of_it or self.later[0][0] <= time.monotonic()):
            if all_of_it:
                time.sleep(max(0, self.later[0][0] - time.monotonic()))
            heapq.heappop(self.later)[2]()

    def watch_over(self):
        """A supervisor that ended by itself is our bug; it is started again, and told of."""
        for number, drover in enumerate(self.supervisors):
            if number not in self.hands_off and not drover.running:
                self.complaints.append("supervisor s%d ended by itself with %r"
                                       % (number, drover.process.returncode))
                drover.start(wait=False)

    def run(self):
        stalled = time.monotonic() + STALLED_S
        last = -1
        for step in self.plan:
            while self.ledger.ended() < step.moment and time.monotonic() < stalled:
                self.serve_later()
                self.watch_over()
                time.sleep(0.005)
            if self.ledger.ended() != last:
                last = self.ledger.ended()
                stalled = time.monotonic() + STALLED_S
            self.strike(step)
        self.serve_later(all_of_it=True)
        for proxy in self.proxies:
            proxy.heal()
        self.runs.resume_all()
        self.until_settled()

    def stat(self, name):
        return int(self.redis.call("GET", "resque:stat:" + name) or 0)

    def until_settled(self):
        """Until Redis counts as many as were enqueued, or nothing moves any more."""
        seen, deadline = None, 0
        while self.stat("processed") < self.total:
            state = (self.stat("processed"), self.ledger.ended(), self.runs.ledger.count())
            if state != seen:
                seen, deadline = state, time.monotonic() + STUCK_S
            if time.monotonic() > deadline:
                self.complaints.append("stuck: Redis counts %d, the ledger %d and %d items, of %d"
                                       % (state + (self.total,)))
                return
            self.watch_over()
            time.sleep(0.02)

    # -- the count -------------------------------------------------------------------------------
    def failed(self):
        records = [json.loads(r) for r in self.redis.call("LRANGE", "resque:failed", 0, -1)]
        return collections.Counter(r["payload"].get("jid") for r in records)

    def check(self, what, is_true):
        if not is_true:
            self.complaints.append(what)

    def look_at_redis(self):
        for drover in self.supervisors:
            code = drover.term()
            self.check("exit %r after TERM of %s" % (code, drover.log_path), code == 0)
        self.check("Redis counts %d jobs" % self.stat("processed"),
                   self.stat("processed") == self.total)
        for key in self.redis.keys("resque:drover:lease:*"):
            fields = self.redis.call("HKEYS", key)
            self.check("left in %s: %r" % (key, fields), all(f.startswith("#") for f in fields))
        for key in self.redis.keys("resque:queue:*"):
            self.check("left in %s" % key, self.redis.call("LLEN", key) == 0)
        self.check("left delayed", not self.redis.call("ZCARD", "resque:drover:delayed"))
        _, out, err = command("drover", "--redis", self.redis.url, "fsck", "--json")
        found = [f for f in json.loads(out)["findings"] if f["level"] == "finding"] if out else err
        self.check("drover fsck: %r" % found, not found)
        left = [p for p in processes.carrying(self.folder.encode())
                if p != self.redis.process.pid]
        self.check("processes left: %s" % "; ".join(map(processes.describe, left)), not left)

    def judge(self):
        result = judge(self.ledger.runs(), self.jids, self.failed(), self.faults)
        self.look_at_redis()
        self.complaints += self.runs.judge()
        self.bound(result)
        return result

    def bound(self, result):
        """No more were begun again than could have been in hand at the faults that excuse it."""
        hand = {"child": 1, "item": 0}
        most = sum(hand.get(fault.kind, WORKERS) for fault in self.faults)
        self.check("%d begun again, at most %d were in flight" % (result.begun_again, most),
                   result.begun_again <= most)

    def report(self, result, seconds):
        kills = sum(self.counts[kind] for kind in KILLS)
        self.say("seed %d: %d kills (%s) in %.0f s" % (
            self.seed, kills, ", ".join("%s %d" % c for c in sorted(self.counts.items())), seconds))
        self.say(result.table())
        for words in result.faults + self.complaints:
            self.say("  WRONG: " + words)


def torture(seed, jobs, kills, keep=False, say=print, **how):
    """Runs it all; the sentences of what went wrong, an empty list where nothing did."""
    run, began = Torture(seed, jobs, kills, say=say, **how), time.monotonic()
    try:
        run.start()
        run.run()
        result = run.judge()
        run.report(result, time.monotonic() - began)
        return result.faults + run.complaints
    finally:
        if keep:
            say("kept: " + run.folder)
        run.end(keep)


def main():
    options = argparse.ArgumentParser(description="the fault driver")
    options.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options.add_argument("--jobs", type=int, default=10000)
    options.add_argument("--runs", type=int, help="iterating jobs (one of 250 jobs)")
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--lease", type=int, default=2)
    options.add_argument("--work", type=int, default=15, help="ms a job takes")
    options.add_argument("--only", help="kinds, with commas")
    options.add_argument("--keep", action="store_true", help="keep the folder with logs and ledger")
    o = options.parse_args()
    print("seed %d" % o.seed, flush=True)
    runs = o.jobs // 250 if o.runs is None else o.runs
    wrong = torture(o.seed, o.jobs, o.kills, o.keep, lease_s=o.lease, work_ms=o.work, runs=runs,
                    only=o.only and o.only.split(","))
    print("%d passed, %d failed" % (not wrong, len(wrong)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""scene: one crash point, met once, under a small load of plain jobs (points.py)."""

import contextlib
import json
import os
import re
import signal
import tempfile
import time

os.environ["BUILD"] = "build-crash"
import processes  # noqa: E402
from ledger import Fault, Ledger, judge  # noqa: E402
from rig import ROOT, Droverd, command, payload, sh, until  # noqa: E402

LEASE_S, JOBS, WORKERS, WORK_MS = 2, 24, 2, 40
# Far more than it takes, for a machine may be slow; a test with a long lease shows that none is waited for.
AT_ONCE_MS, ELSEWHERE_MS = 10000, 5 * (LEASE_S + 2) * 1000
JOB = os.path.join(ROOT, "build", "torture", "job")
NOT_DROVERD = ("nursery.", "child.")  # who dies there is not the supervisor
# Redis had lost these jobs; the only copy dies with the supervisor.
NOT_OURS = {"reenter.send": "Redis lost its data, then the only copy was killed"}
NTH = {"beat": 2, "enlist": 1, "watch": 1, "start": 2, "fetch": 2, "nursery": 5, "child": 5,
       "hello": 5, "spawn": 5, "job": 5, "exit": 5, "verdict": 5, "finish": 2, "journal": 5}


def now_ms():
    return int(time.monotonic() * 1000)


class Scene:
    """One point, met once."""

    workers, count = WORKERS, JOBS

    def __init__(self, redis, point, variant):
        self.redis, self.point, self.variant = redis, point, variant
        self.family = point.split(".")[0]
        self.nth = NTH.get(self.family, 1)
        self.folder = tempfile.mkdtemp(dir=redis.folder)
        self.ledger = Ledger(os.path.join(self.folder, "ledger"))
        self.counter = os.path.join(self.folder, "passed")
        self.ticks_path = os.path.join(self.folder, "ticks")
        self.jids = ["t%d" % n for n in range(JOBS)]
        self.all, self.faults = [], []
        self.a = self.droverd("a", env={"DROVER_CRASH": "%s:%d:%s" % (
            point, self.nth, self.counter)})
        self.b = self.droverd("b")

    def droverd(self, name, env=None):
        self.supervisor = {
            "name": name, "lease": "%ds" % LEASE_S, "poll": "100ms",
            "state_dir": os.path.join(self.folder, "state-" + name),
            "kill_grace": "1s", "log": {"level": "info", "format": "json"}}
        config = {
            "redis": {"url": self.redis.url}, "supervisor": self.supervisor,
            "pools": {"main": {"workers": self.workers, "queues": ["default"]}}}
        config.update(self.work())
        drover = Droverd(self.folder, config, name, ["--wait"], env)
        self.all.append(drover)
        return drover

    def work(self):
        """The jobs, and what else belongs to them in the configuration."""
        job = {"command": [JOB, self.ledger.path, str(WORK_MS)], "max_recoveries": 100,
               "retries": 100, "backoff": {"kind": "constant", "first": "20ms", "max": "20ms",
                                           "jitter": "none"}}
        jobs = {"Plain": job, "Tracked": dict(job, track=True)}
        if self.family != "fire":
            return {"jobs": jobs}
        jobs["Tick"] = sh('echo "$DROVER_TICK" >> %s' % self.ticks_path)
        return {"jobs": jobs, "schedule": {"beat": {"cron": "* * * * * *", "class": "Tick"}}}

    # -- the play --------------------------------------------------------------------------------
    def push(self, jids, cls=None):
        self.redis.call("SADD", "resque:queues", "default")
        self.redis.pipeline([
            ("RPUSH", "resque:queue:default",
             payload(cls or ("Tracked" if n % 2 else "Plain"), n, jid=jid))
            for n, jid in enumerate(jids)])

    def push_delayed(self, jids):
        """As resque-scheduler's client does, due at once."""
        due = int(time.time())
        for jid in jids:
            item = '{"class":"Plain","args":[],"queue":"default","jid":"%s"}' % jid
            self.redis.pipeline([
                ("RPUSH", "resque:delayed:%d" % due, item),
                ("SADD", "resque:timestamps:" + item, "delayed:%d" % due),
                ("ZADD", "resque:delayed_queue_schedule", due, due)])

    def set_the_scene(self):
        if self.family == "adopt":  # somebody must have died before
            self.push(self.jids)
            dead = self.droverd("dead").start()
            until(self.any_begun, "a job to begin")
            self.kill_host(dead)
        elif self.family == "takeover":  # and left its folder behind
            self.push(self.jids)
            dead = self.droverd("a").start()
            until(self.any_begun, "a job to begin")
            self.kill_host(dead)
        elif self.family == "promote":
            self.push(self.jids[:-4])
            self.push_delayed(self.jids[-4:])
        else:
            self.push(self.jids)

    def any_begun(self):
        return self.ledger.lines()

    def kill_host(self, drover):
        begin = now_ms()
        drover.signal(signal.SIGSTOP)
        for pid in [drover.pid] + processes.descendants(drover.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        drover.wait()
        self.faults.append(Fault("host", {drover.pid}, begin, now_ms()))

    def lose_lease(self):
        """Redis forgets what it holds while everything is in hand."""
        until(lambda: self.redis.call("LLEN", "resque:queue:default") == 0, "an empty queue")
        for lease in self.redis.call("ZRANGE", "resque:drover:supervisors", 0, -1):
            if lease.startswith("a:"):
                self.redis.pipeline([("ZREM", "resque:drover:supervisors", lease),
                                     ("DEL", "resque:drover:lease:" + lease)])

    def passed(self):
        try:
            return os.path.getsize(self.counter)
        except FileNotFoundError:
            return 0

    def in_hand(self):
        """The jids in A's lease."""
        found = set()
        for key in self.redis.keys("resque:drover:lease:a:*"):
            for entry in self.redis.call("HVALS", key):
                found.update(re.findall(r'"jid":"(t\d+)"', entry))
        return found

    def meet(self):
        """Until the point was passed by who dies there; False where it never was."""
        dies = not self.point.startswith(NOT_DROVERD)
        if self.family == "reenter":
            self.lose_lease()
        if self.family == "leave":
            until(self.all_counted, "all jobs", 60)
            self.a.signal(signal.SIGTERM)
        try:
            until(lambda: (not self.a.running) if dies else self.passed() >= self.nth,
                  "point " + self.point, 30)
        except AssertionError:
            return False
        return self.passed() >= self.nth

    def afterwards(self):
        """What is done once somebody has been killed."""

    def all_counted(self):
        processed = int(self.redis.call("GET", "resque:stat:processed") or 0)
        return processed >= JOBS if self.family != "fire" else (
            self.ledger.ended() >= JOBS and len(self.ticks()) >= 4)

    def ticks(self):
        with contextlib.suppress(FileNotFoundError), open(self.ticks_path) as file:
            return file.read().split()
        return []

    def is_alone(self):
        """Else the other one may do it first."""
        return self.family in ("adopt", "promote", "fire")

    def play(self):
        """What went wrong, or None; .line is the row of the table."""
        self.set_the_scene()
        alone = self.is_alone()
        if self.variant == "other" and not alone:
            self.b.start()
        self.a.start(wait=False)
        first = self.a.pid
        met = self.meet()
        at, hand = now_ms(), self.in_hand()
        self.faults.append(Fault("supervisor", {first}, at, at))
        if not self.point.startswith(NOT_DROVERD) and met:
            if self.variant == "same":
                self.a.start(wait=False)
            elif alone:
                self.b.start(wait=False)
        elif self.point.startswith("child."):  # whoever it was
            self.faults.append(Fault("child", {run.pid for runs in self.ledger.runs().values()
                                               for run, _ in runs}, 0, at))
        try:
            self.afterwards()
            until(self.all_counted, "all jobs to be counted", 60, every=0.02)
            stuck = None
        except AssertionError as error:
            stuck = str(error)
        return self.judge(met, at, hand, stuck)

    def judge(self, met, at, hand, stuck):
        runs = self.ledger.runs()
        result = judge(runs, self.jids, {}, self.faults)
        again = [run.begin - at for jid in hand for run, _ in runs.get(jid, [])
                 if run.begin >= at]
        after = max(again) if again else None
        limit = ELSEWHERE_MS if self.variant == "other" else AT_ONCE_MS
        wrong = list(result.faults)
        ticks = self.ticks()
        if len(ticks) != len(set(ticks)):
            wrong.append("a tick was fired twice: %r" % ticks)
        if not met:
            wrong.append("the point was never passed")
        if stuck:
            wrong.append(stuck)
        if after is not None and after > limit:
            wrong.append("%d ms is more than %d" % (after, limit))
        self.row = (result.lost, result.begun_again, after, len(hand))
        wrong += self.fsck()
        if self.point in NOT_OURS:
            wrong = []
        return wrong

    def fsck(self):
        for drover in self.all:
            if drover.process is not None and drover.running:
                drover.term()
        _, out, err = command("drover", "--redis", self.redis.url, "fsck", "--json")
        return ["drover fsck: %r" % f for f in json.loads(out)["findings"]
                if f["level"] == "finding"] if out else [err]

    def end(self):
        for drover in self.all:
            if drover.process is not None and drover.running:
                drover.term()
        self.redis.call("FLUSHALL")

#!/usr/bin/env python3
"""points: has a process kill itself at every crash point in turn, and prints what came of the jobs.

    tests/torture/points.py [POINT ...]      default: all of src/base/crash.c

Each point is met twice, under a small load. "same": the supervisor is started again at once on its
state_dir, nobody else is there. "other": it stays away, as if its machine had died, and a second
one, on another state_dir, takes over. `again` counts jobs that were begun twice, `after` is when the
last job that was in hand began again. The exit status is 0 only where nothing was lost, nothing ran
beside itself, and all came back in time: at once on the same host, within lease + 2 s elsewhere.
"""

import contextlib
import json
import os
import re
import signal
import sys
import tempfile
import time

os.environ["BUILD"] = "build-crash"
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import processes  # noqa: E402
from ledger import Fault, Ledger, judge  # noqa: E402
from rig import ROOT, Droverd, RedisServer, command, payload, sh, until  # noqa: E402

LEASE_S, JOBS, WORKERS, WORK_MS = 2, 24, 2, 40
AT_ONCE_MS = 2000
JOB = os.path.join(ROOT, "build", "torture", "job")
NOT_DROVERD = ("nursery.", "child.")  # who dies there is not the supervisor
# Redis had lost these jobs; the only copy dies with the supervisor.
NOT_OURS = {"reenter.send": "Redis lost its data, then the only copy was killed"}
NTH = {"beat": 2, "enlist": 1, "watch": 1, "start": 2, "fetch": 2, "nursery": 5, "child": 5,
       "hello": 5, "spawn": 5, "job": 5, "exit": 5, "verdict": 5, "finish": 2, "journal": 5}


def all_points():
    with open(os.path.join(ROOT, "src", "base", "crash.c")) as file:
        table = file.read().split("crash_points[] = {")[1].split("};")[0]
    return re.findall(r'"([a-z.]+)"', table)


def now_ms():
    return int(time.monotonic() * 1000)


class Scene:
    """One point, met once."""

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
        job = {"command": [JOB, self.ledger.path, str(WORK_MS)], "max_recoveries": 100,
               "retries": 100, "backoff": {"kind": "constant", "first": "20ms", "max": "20ms",
                                           "jitter": "none"}}
        config = {
            "redis": {"url": self.redis.url},
            "supervisor": {"name": name, "lease": "%ds" % LEASE_S, "poll": "100ms",
                           "state_dir": os.path.join(self.folder, "state-" + name),
                           "kill_grace": "1s", "log": {"level": "info", "format": "json"}},
            "pools": {"main": {"workers": WORKERS, "queues": ["default"]}},
            "jobs": {"Plain": job, "Tracked": dict(job, track=True)}}
        if self.family == "fire":
            config["jobs"]["Tick"] = sh('echo "$DROVER_TICK" >> %s' % self.ticks_path)
            config["schedule"] = {"beat": {"cron": "* * * * * *", "class": "Tick"}}
        drover = Droverd(self.folder, config, name, ["--wait"], env)
        self.all.append(drover)
        return drover

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
            until(lambda: self.ledger.lines(), "a job to begin")
            self.kill_host(dead)
        elif self.family == "takeover":  # and left its folder behind
            self.push(self.jids)
            dead = self.droverd("a").start()
            until(lambda: self.ledger.lines(), "a job to begin")
            self.kill_host(dead)
        elif self.family == "promote":
            self.push(self.jids[:-4])
            self.push_delayed(self.jids[-4:])
        else:
            self.push(self.jids)

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
            until(self.all_counted, "all jobs", 30)
            self.a.signal(signal.SIGTERM)
        try:
            until(lambda: (not self.a.running) if dies else self.passed() >= self.nth,
                  "point " + self.point, 12)
        except AssertionError:
            return False
        return self.passed() >= self.nth

    def all_counted(self):
        processed = int(self.redis.call("GET", "resque:stat:processed") or 0)
        return processed >= JOBS if self.family != "fire" else (
            self.ledger.ended() >= JOBS and len(self.ticks()) >= 4)

    def ticks(self):
        with contextlib.suppress(FileNotFoundError), open(self.ticks_path) as file:
            return file.read().split()
        return []

    def play(self):
        """What went wrong, or None; .line is the row of the table."""
        self.set_the_scene()
        alone = self.family in ("adopt", "promote", "fire")  # else the other one may do it first
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
            until(self.all_counted, "all jobs to be counted", 20, every=0.02)
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
        limit = (LEASE_S + 2) * 1000 if self.variant == "other" else AT_ONCE_MS
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


def show(row):
    lost, again, after, _ = row
    return "%4d %5d %8s" % (lost, again, "-" if after is None else "%d ms" % after)


def meet_points(points, say=print, variants=("same", "other")):
    """Meets each; the sentences of what went wrong."""
    wrong = []
    with tempfile.TemporaryDirectory(prefix="drover-points-") as folder:
        redis = RedisServer(folder, appendonly="yes", appendfsync="always").start()
        try:
            say("%-16s %4s   %s" % ("point", "jobs", "   ".join(
                "%s: lost again    after" % v for v in variants)))
            for point in points:
                rows = []
                for variant in variants:
                    scene = Scene(redis, point, variant)
                    try:
                        found = scene.play()
                    finally:
                        scene.end()
                    wrong += ["%s, %s host: %s" % (point, variant, words) for words in found]
                    rows.append(show(scene.row))
                say("%-16s %4d   %s%s" % (point, JOBS, "         ".join(rows),
                                          "  " + NOT_OURS.get(point, "")))
        finally:
            redis.kill()
    return wrong


def main():
    wrong = meet_points(sys.argv[1:] or all_points(), lambda words: print(words, flush=True))
    for words in wrong:
        print("WRONG: " + words)
    print("%d passed, %d failed" % (not wrong, len(wrong)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

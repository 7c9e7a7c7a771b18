"""each_scene: one crash point, met once, while iterating jobs go through their items (points.py).

Four runs: the rows of a CSV file through a filter, some of which fail; numbers by a C function in two
parts; a list of Redis through a filter; and a C function that says cursors. Each item is begun at
least once. One that was killed in it is begun once more: on the same host at most one of a running
part, on another at most those that Redis had not heard of. The runs end once, with exact counts.
"""

import collections
import os
import time

from scene import AT_ONCE_MS, ELSEWHERE_MS, NOT_DROVERD, Scene, now_ms  # first: it says which build
from each_rig import ItemLedger, rows
from rig import ROOT, command, payload, sh, until

EACH_POINTS = [
    "stream.started", "child.plan", "plan.seen", "verdict.divided", "child.item", "child.performed",
    "child.mark", "child.marked", "cursor.kept", "child.aside", "aside.seen", "aside.kept",
    "child.healed", "grant.send", "grant.answer", "checkpoint.send", "checkpoint.answer",
    "share.offered", "share.send", "share.answer", "verdict.paused", "takeover.read",
    "takeover.told"]
NTH = {"child.healed": 2, "verdict.paused": 1, "verdict.divided": 1, "child.plan": 2, "plan.seen": 2, "child.item": 150, "child.performed": 150,
       "child.mark": 150, "child.marked": 150, "cursor.kept": 40, "child.aside": 2,
       "aside.seen": 2, "aside.kept": 2, "grant.send": 4, "grant.answer": 4,
       "checkpoint.send": 4, "checkpoint.answer": 4}
PARTS = collections.defaultdict(lambda: 1, func=2)
SIZES = {"rows": 200, "func": 200, "list": 100, "cursor": 100}
BAD = 3  # of the rows
MS = 4
FILTER = os.path.join(ROOT, "build", "torture", "filter")
MODULE = os.path.join(ROOT, "build", "tests", "sample_module.so")


class EachScene(Scene):
    workers, count = 6, len(SIZES)

    def __init__(self, redis, point, variant):
        self.may_heal = point in ("child.aside", "aside.seen", "aside.kept")
        self.healing, self.sharing = point == "child.healed", point.startswith("share.")
        super().__init__(redis, point, variant)
        self.nth = NTH.get(point, self.nth)
        self.items = ItemLedger(self.path("items"))
        self.begun, self.woken = collections.Counter(), {}
        self.runs = {"child.healed": ["rows"]}.get(point, list(SIZES))
        self.a = self.droverd("a", env={"DROVER_CRASH": "%s:%d:%s" % (
            point, self.nth, self.counter)})

    def path(self, name):
        return os.path.join(self.folder, name)

    # -- the scene -------------------------------------------------------------------------------
    def work(self):
        items = self.path("items")
        again = {"retries": 3, "backoff": {"first": "20ms", "max": "20ms"}}  # dead before an item
        through = dict(again, filter=[FILTER, items, str(MS)], on_item_error="skip")
        then = {"then": {"class": "Then"}}
        config = {"supervisor": dict(self.supervisor, flush="200ms"), "modules": [MODULE], "jobs": {
            "rows": dict(through, **then, each={"csv": self.path("rows.csv")}),
            "func": dict(again, **then, function="item_record", each={"range": "1..200"},
                         parallel=2),
            "list": dict(through, each={"redis": {"list": "members", "url": self.redis.url}}),
            "cursor": {"function": "cursor_record"},
            "Then": sh('echo "$DROVER_JID" >> ' + self.path("then"))}}
        if self.family == "grant":
            config["jobs"]["func"]["rate"] = "300/s"
        return config

    def push(self, jids, cls=None):
        names = rows(self.path("rows.csv"), SIZES["rows"] - BAD)
        with open(self.path("rows.csv"), "a") as file:
            file.write("".join("%d,bad %d\n" % (n, n) for n in range(BAD)))
        bad = ['{"n":"%d","text":"bad %d"}' % (n, n) for n in range(BAD)]
        members = ["m%d" % n for n in range(SIZES["list"])]
        numbers = [str(n) for n in range(1, 201)]
        self.wanted = {"rows": names + bad * (2 if self.healing else 1), "func": numbers,
                       "list": members, "cursor": numbers[:SIZES["cursor"]]}
        self.redis.pipeline([("RPUSH", "members", *members),
                             ("SADD", "resque:queues", "default")])
        late = [100, 40] if self.sharing else []
        arguments = {"func": [self.path("items"), MS] + late, "cursor": [self.path("items"), MS, 100]}
        for run in self.runs:
            self.redis.call("RPUSH", "resque:queue:default",
                            payload(run, *arguments.get(run, []), jid=run))

    def any_begun(self):
        return self.items.count()

    def in_hand(self):
        """Runs with something in a lease."""
        entries = "".join(entry for key in self.redis.keys("resque:drover:lease:*")
                          for entry in self.redis.call("HVALS", key))
        return {run for run in self.runs if '"jid":"%s' % run in entries}

    # -- the play --------------------------------------------------------------------------------
    def cli(self, *words):
        code, out, err = command("drover", "--redis", self.redis.url, *words)
        assert code == 0, (words, out, err)

    def state(self, run):
        return self.redis.call("HGET", "resque:drover:run:" + run, "state")

    def meet(self):
        if self.healing:
            until(lambda: self.state("rows") == "done", "the first pass")
            with open(self.path("items.healed"), "w"):
                pass
            self.cli("retry-errors", "rows")
        if self.point == "verdict.paused":
            until(lambda: self.items.count("func") > 20, "items")
            self.cli("pause", "func")
        met = super().meet()
        self.note_positions()
        return met

    def note_positions(self):
        """What was begun by now, and what of it Redis knows."""
        seen = -1
        while seen != self.items.count():  # its children have a moment left
            seen = self.items.count()
            time.sleep(0.02)
        self.begun = {run: self.items.count(run) for run in self.runs}
        self.unknown = {run: self.begun[run] - self.known(run) for run in self.runs}
        self.woken = {}

    def expected(self):
        """Jobs that Redis counts at the end: runs, what follows two of them, the pass over errors."""
        return len(self.runs) + len(self.followed()) + self.healing

    def followed(self):
        return {"rows", "func"} & set(self.runs)

    def known(self, run):
        key = "resque:drover:run:" + run
        if run == "cursor":
            return int(self.redis.call("HGET", key + ":parts", "0:number") or 0)
        counts = self.redis.call("HMGET", key, "done", "errors")
        return sum(int(count or 0) for count in counts) + (BAD if self.healing else 0)

    def is_alone(self):
        return True

    def afterwards(self):
        if self.may_heal:  # what was told and not passed is no error any more
            with open(self.path("items.healed"), "w"):
                pass
        if self.point == "verdict.paused":
            until(lambda: self.state("func") == "paused", "it to be paused after all")
            self.cli("resume", "func")

    def all_counted(self):
        for run in self.runs:
            if run not in self.woken and self.items.count(run) > self.begun[run]:
                self.woken[run] = now_ms()
        processed = int(self.redis.call("GET", "resque:stat:processed") or 0)
        return processed >= self.expected()

    # -- the count -------------------------------------------------------------------------------
    def allowed(self, run):
        if self.point.startswith(NOT_DROVERD):
            return 1
        most = PARTS[run] + self.sharing
        elsewhere = self.variant == "other" or self.family == "adopt"
        return max(most, self.unknown[run]) if elsewhere else most

    def judge(self, met, at, hand, stuck):
        wrong, lost, again = [] if met else ["the point was never passed"], 0, 0
        for run in self.runs:
            wanted, begun = collections.Counter(self.wanted[run]), self.items.of(run)
            missing, more = sum((wanted - begun).values()), sum((begun - wanted).values())
            lost, again = lost + missing, again + more
            if missing or more > self.allowed(run):
                wrong.append("%s: %d items missing, %d begun again, at most %d" % (
                    run, missing, more, self.allowed(run)))
            wrong += self.judge_record(run)
        again_at = [self.woken[run] - at for run in hand if run in self.woken]
        after = max(again_at) if again_at else None
        if after is not None and after > (AT_ONCE_MS if self.variant == "same" else ELSEWHERE_MS):
            wrong.append("%d ms until it went on" % after)
        self.row = (lost, again, after, len(hand))
        return wrong + ([stuck] if stuck else []) + self.judge_end() + self.fsck()

    def judge_record(self, run):
        key = "resque:drover:run:" + run
        fields = self.redis.call("HMGET", key, "state", "done", "errors", "total")
        errors = BAD if run == "rows" and not self.healing else 0
        if self.may_heal:
            errors = int(fields[2] or 0)
        if run == "cursor":
            return [] if fields[0] == "done" else ["%s is %s" % (run, fields[0])]
        want = ["done", str(SIZES[run] - errors), str(errors), str(SIZES[run])]
        fields[2] = fields[2] or "0"
        wrong = [] if fields == want else ["%s: %r, and not %r" % (run, fields, want)]
        listed = self.redis.call("HLEN", key + ":errors")
        return wrong + (["%s: %d errors listed" % (run, listed)] if listed != errors else [])

    def judge_end(self):
        """Whoever dies while `Then` runs has it begun again, under the same id."""
        with open(self.path("then")) as file:
            followed = len(set(file.read().split()))
        processed = int(self.redis.call("GET", "resque:stat:processed"))
        wrong = [] if followed == len(self.followed()) else ["%d jobs followed" % followed]
        if processed != self.expected():
            wrong.append("Redis counts %d jobs" % processed)
        return wrong

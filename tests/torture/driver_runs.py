"""driver_runs: the iterating jobs of the fault driver, and what is counted of their items.

Every class is another way through a collection; together they are divided, have items that fail, and
give way after so many items. What performs an item says so in a ledger outside Redis: each is begun at
least once, and how often more is bounded by what was struck. Each run ends once, with exact counts,
and what follows it is begun once.
"""

import collections
import contextlib
import os

import processes
from each_rig import ItemLedger, rows
from rig import command, payload, program, sh

ITEMS, MS, BAD = 300, 4, 3
FLUSH_S = 0.3
KINDS = ["Rows", "RowsInParts", "Numbers", "NumbersInParts", "Members"]
PARTS = 3


class Runs:
    """Those of one torture: t has folder, redis, faults, random, say; see driver.py."""

    def __init__(self, t, count):
        self.t = t
        self.jids = ["r%04d" % n for n in range(count)]
        self.kind = {jid: KINDS[n % len(KINDS)] for n, jid in enumerate(self.jids)}
        self.ledger = ItemLedger(self.path("items"))

    def path(self, name):
        return os.path.join(self.t.folder, name)

    # -- the scene -------------------------------------------------------------------------------
    def config(self):
        again = {"item_retries": 1000, "item_backoff": {"first": "1ms", "max": "5ms"},
                 "retries": 1000, "backoff": {"first": "20ms", "max": "20ms"}, "max_recoveries": 1000,
                 "max_items": 100, "on_item_error": "skip", "then": {"class": "Then"}}
        through = dict(again, filter=[program("torture/filter"), self.ledger.path, str(MS)])
        called = dict(again, function="item_record")
        file, numbers = {"csv": self.path("rows.csv")}, {"range": "1..%d" % ITEMS}
        return {
            "Rows": dict(through, each=file), "RowsInParts": dict(through, each=file, parallel=PARTS),
            "Numbers": dict(called, each=numbers),
            "NumbersInParts": dict(called, each=numbers, parallel=PARTS),
            "Members": dict(through, each={"redis": {"zset": "members", "url": self.t.redis.url}}),
            "Then": sh('echo "$DROVER_JID" >> ' + self.path("then"), **{
                name: again[name] for name in ("retries", "backoff", "max_recoveries")})}

    def prepare(self):
        good = rows(self.path("rows.csv"), ITEMS - BAD)
        with open(self.path("rows.csv"), "a") as file:
            file.write("".join("%d,bad\n" % n for n in range(BAD)))
        members = ["m%d" % n for n in range(ITEMS - BAD)] + ["bad%d" % n for n in range(BAD)]
        self.t.redis.call("ZADD", "members", *[w for n, m in enumerate(members) for w in (n, m)])
        numbers = [str(n) for n in range(1, ITEMS + 1)]
        bad = ['{"n":"%d","text":"bad"}' % n for n in range(BAD)]
        self.items = {"Rows": good + bad, "Numbers": numbers, "Members": members}

    def payloads(self):
        return [payload(self.kind[jid], self.ledger.path, MS, jid=jid) for jid in self.jids]

    def items_of(self, jid):
        return self.items[self.kind[jid].replace("InParts", "")]

    # -- what is done to them --------------------------------------------------------------------
    def filters(self):
        mark = program("torture/filter").encode()
        return sorted(pid for pid in processes.carrying(mark)
                      if mark in processes.read_proc(pid, "cmdline"))

    def strike(self, which, child):
        """A filter, or the child that asks it."""
        found = self.filters()
        if not found:
            return False
        pid = found[which % len(found)]
        self.t.kill(processes.parent(pid) if child else pid)
        return True

    def field(self, jid, name):
        return self.t.redis.call("HGET", "resque:drover:run:" + jid, name)

    def going(self):
        return [jid for jid in self.jids if self.field(jid, "state") not in (
            None, "done", "failed", "cancelled")]

    def cli(self, verb, jid):
        command("drover", "--redis", self.t.redis.url, verb, jid)

    def pause(self, which):
        going = self.going()
        if not going:
            return None
        jid = going[which % len(going)]
        self.cli("pause", jid)
        return jid

    def resume_all(self):
        for jid in self.going():
            self.cli("resume", jid)

    # -- the count -------------------------------------------------------------------------------
    def most_again(self):
        """A child or filter: the item in hand. A supervisor: one of each part. A machine: what was
        not flushed. A lost lease: whatever its children did until they were ended."""
        most, workers = 0, self.t.workers
        for fault in self.t.faults:
            if fault.kind in ("item", "supervisor"):
                most += 1 if fault.kind == "item" else workers
            elif fault.kind in ("host", "stop", "cut off"):
                lost_s = FLUSH_S + 1 + (fault.end - fault.begin) / 1000 * (fault.kind != "host")
                most += workers * int(lost_s * 1000 / MS)
        return most

    def judge_run(self, jid):
        wanted, begun = collections.Counter(self.items_of(jid)), self.ledger.of(jid)
        missing, strange = sum((wanted - begun).values()), set(begun) - set(wanted)
        errors = 0 if self.kind[jid].startswith("Numbers") else BAD
        names = ("state", "done", "errors", "total")
        record = [self.field(jid, name) or "0" for name in names]
        want = ["done", str(ITEMS - errors), str(errors), str(ITEMS)]
        if missing or strange:
            yield "%s (%s): %d items missing, %d strange" % (
                jid, self.kind[jid], missing, len(strange))
        if record != want:
            yield "%s (%s): %r and not %r" % (jid, self.kind[jid], record, want)

    def again(self):
        return sum(sum((self.ledger.of(jid) - collections.Counter(self.items_of(jid))).values())
                   for jid in self.jids)

    def judge(self):
        """Sentences of what went wrong."""
        if not self.jids:
            return []
        wrong = [words for jid in self.jids for words in self.judge_run(jid)]
        again, most = self.again(), self.most_again()
        if again > most:
            wrong.append("%d items begun again, at most %d" % (again, most))
        followed = collections.Counter()
        with contextlib.suppress(FileNotFoundError), open(self.path("then")) as file:
            followed.update(file.read().split())
        if len(followed) != len(self.jids):
            wrong.append("%d jobs followed %d runs" % (len(followed), len(self.jids)))
        self.t.say("%d runs of %d items: %d items begun again, at most %d could be" % (
            len(self.jids), ITEMS, again, most))
        return wrong

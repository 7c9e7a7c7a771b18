"""each_rig: iterating jobs for the tests: what performs items says so in a ledger outside Redis.

A line of the ledger is "JID ITEM": the item was begun, by this job or part. What is counted is how often
each item was begun: it is at least once, and once more for each kill that met it.
"""

import collections
import contextlib
import json
import os
import signal
import time

import processes
from rig import SystemTest, payload, program, sample_module, until

ENDS = {"done", "failed", "cancelled"}


class ItemLedger:
    """Reads on from where it was; .begun counts by run and item."""

    def __init__(self, path):
        self.path, self.at = path, 0
        self.begun = collections.defaultdict(collections.Counter)

    def read(self):
        with contextlib.suppress(FileNotFoundError), open(self.path, "rb") as file:
            file.seek(self.at)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self.at += len(line)
                jid, item = line[:-1].decode(errors="surrogateescape").split(" ", 1)
                self.begun[jid.split(".")[0]][item] += 1
        return self

    def of(self, run):
        return self.read().begun[run]

    def count(self, run=None):
        """How often an item was begun."""
        self.read()
        runs = self.begun.values() if run is None else [self.begun[run]]
        return sum(sum(items.values()) for items in runs)

    def repeated(self, run):
        return {item: n - 1 for item, n in self.of(run).items() if n > 1}


def filter_of(ledger, ms, **keys):
    """A job entry whose filter is a program that begins at once and is bound to die."""
    return dict({"filter": [program("torture/filter"), ledger.path, str(ms)]}, **keys)


def function_of(**keys):
    """The same as a C function; the job's arguments are the ledger and the milliseconds."""
    return dict({"function": "item_record"}, **keys)


class EachTest(SystemTest):
    def setUp(self):
        super().setUp()
        self.ledger = ItemLedger(self.path("items"))
        self.kills = 0

    # -- runs ------------------------------------------------------------------------------------
    def run_job(self, jid, cls, *args, queue="default", **drover):
        more = {"drover": drover} if drover else {}
        self.push(queue, payload(cls, *args, jid=jid, **more))
        return jid

    def record(self, jid):
        return self.hash("resque:drover:run:" + jid)

    def parts(self, jid):
        return self.hash("resque:drover:run:%s:parts" % jid)

    def hash(self, key):
        fields = self.redis.call("HGETALL", key)
        return dict(zip(fields[::2], fields[1::2]))

    def state(self, jid):
        return self.redis.call("HGET", "resque:drover:run:" + jid, "state")

    def until_state(self, jid, *states, timeout=60):
        def reached():
            record = self.record(jid)
            if record.get("state") in ENDS - set(states):
                raise AssertionError("%s is %s" % (jid, record["state"]))
            return record if record.get("state") in states else None
        with self.told(jid):
            return until(reached, "%s to be %s" % (jid, " or ".join(states)), timeout)

    @contextlib.contextmanager
    def told(self, jid):
        """What goes wrong here is told with the record."""
        try:
            yield
        except AssertionError as error:
            raise AssertionError("%s\nrecord: %r\nparts: %r\nbegun: %d" % (
                error, self.record(jid), self.parts(jid), self.ledger.count(jid))) from None

    def until_items(self, jid, count, timeout=60):
        """Until so many items of it were begun, counted each time."""
        with self.told(jid):
            until(lambda: self.ledger.count(jid) >= count, "%d items of %s" % (count, jid), timeout,
                  every=0.002)

    # -- what is killed --------------------------------------------------------------------------
    def filters(self, drover):
        return [pid for pid in processes.descendants(drover.pid)
                if program("torture/filter").encode() in processes.read_proc(pid, "cmdline")]

    def items_children(self, drover):
        """Children that go through a collection: neither nurseries nor spares nor drover-items."""
        with_filter = {processes.parent(pid) for pid in self.filters(drover)}
        nurseries = set(drover.nurseries())
        return [pid for pid in drover.children() if pid in with_filter or (
            pid not in nurseries and b"DROVER_JID" in processes.read_proc(pid, "environ"))]

    def kill(self, pids):
        killed = 0
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        return killed

    def kill_host(self, drover):
        """All at once, as when the power fails."""
        drover.signal(signal.SIGSTOP)
        self.kill([drover.pid] + processes.descendants(drover.pid))
        drover.wait()

    def until_ready(self, drover):
        mark = ":%d:" % drover.pid
        until(lambda: any(mark in event["lease"] for event in drover.events("supervisor.ready")),
              "process %d to be ready" % drover.pid)

    def deploy(self, drover):
        """TERM, and a new one; how long it took to stop."""
        self.until_ready(drover)
        began = time.monotonic()
        self.assertEqual(drover.term(), 0)
        took = time.monotonic() - began
        drover.start(wait=False)
        return took

    # -- the count -------------------------------------------------------------------------------
    def assert_each_once(self, jid, items, repeats=0):
        """None is missing, none strange, and at most so many begun once more."""
        begun = self.ledger.of(jid)
        wanted = collections.Counter(items)
        missing, strange = list(wanted - begun), [item for item in begun if item not in wanted]
        self.assertEqual((missing[:5], strange[:5]), ([], []), "%d missing of %s: %r %r" % (
            len(missing), jid, self.record(jid), self.parts(jid)))
        again = sum((begun - wanted).values())
        self.assertLessEqual(again, repeats, "begun again: %r" % (begun - wanted))
        return again

    def assert_ended(self, jid, items, errors=0, **fields):
        """The record and its parts say what was done."""
        record = self.record(jid)
        want = dict({"state": "done", "done": str(items - errors), "errors": str(errors)}, **fields)
        self.assertEqual({name: record.get(name, "0") for name in want}, want, record)
        return record


def rows(path, count, ragged=True):
    """A CSV file of that many rows, some over several lines; the items as a filter is given them."""
    items = []
    with open(path, "w") as file:
        file.write("n,text\r\n")
        for n in range(1, count + 1):
            text = "row %d\nof %d, \"so\"" % (n, count) if ragged and n % 7 == 0 else "row %d" % n
            file.write('%d,"%s"\n' % (n, text.replace('"', '""')))
            items.append(json.dumps({"n": str(n), "text": text}, separators=(",", ":")))
    return items


__all__ = ["EachTest", "ItemLedger", "filter_of", "function_of", "rows", "sample_module"]

"""drover: the verbs of runs beside a supervisor that does what they say."""

import json
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cli import RunsTest  # noqa: E402
from rig import main, program  # noqa: E402


class Live(RunsTest):
    holds = empties = True

    def filter(self, answer="ok", note="seen"):
        """Notes each item, and answers once the gate is open for it: file `go` holds how many may pass."""
        script = ('n=0; while read -r x; do echo "$x" >> %s; n=$((n+1));'
                  ' until [ -e %s ]; do sleep 0.01; done; %s; done')
        said = answer if answer != "ok" else "echo ok"
        return ["/bin/sh", "-c", script % (self.path(note), self.path("go"), said)]

    def rows(self, **keys):
        return dict({"each": {"range": "1..40"}, "filter": self.filter()}, **keys)

    def items(self):
        return [int(line) for line in (self.read("seen") or "").split()]

    def state(self, jid):
        return self.ask("run-show", jid)["state"]

    def until_state(self, jid, *states):
        return self.until(lambda: self.state(jid) in states and self.state(jid), "state %r" % (states,))

    def start(self, *words, **keys):
        self.drover({"Rows": self.rows(**keys)}, defaults={"timeout": "30s"})
        return self.ok("run", "Rows", *words).strip()

    def until_told(self, count=1):
        """Until so many children know that they are to stop: from here on no item more is begun."""
        self.supervisors[-1].until_event("job.stopping", count)

    def test_pause_holds_no_worker_and_resumes_where_it_was(self):
        jid = self.start()
        self.until(self.items, "the first item")
        self.assertEqual(self.ask("pause", jid, "--reason", "lunch")["state"], "running")
        self.until_told()
        self.open_gate()
        self.until_state(jid, "paused")
        run = self.ask("run-show", jid)
        self.assertEqual((run["place"], run["reason"], run["interruptions"]), ("paused", "lunch", 1))
        self.until(lambda: self.lease_entries() == {}, "the lease to be empty")
        done = run["done"]
        self.assertEqual(self.items(), list(range(1, done + 1)))
        self.ok("resume", jid)
        self.until_state(jid, "done")
        self.assertEqual(self.items(), list(range(1, 41)))
        run = self.ask("run-show", jid)
        self.assertEqual((run["done"], run["total"], run["errors"], run["attempt"]), (40, 40, 0, 1))
        told = [entry["what"] for entry in run["audit"]]
        self.assertEqual(told, ["enqueued", "started", "pause", "paused", "resume", "started", "done"])

    def test_a_wish_meets_one_that_waits(self):
        jid = self.ok("run", "Rows", "--queue", "low").strip()
        self.ok("pause", jid)
        self.drover({"Rows": self.rows()})
        self.until_state(jid, "paused")
        self.assertEqual(self.items(), [])
        self.open_gate()
        self.ok("resume", jid)
        self.until_state(jid, "done")

    def test_wait_and_exit_codes(self):
        self.open_gate()
        jid = self.start("--limit", "3")
        self.until_state(jid, "done")
        code, out, err = self.cli("run", "Rows", "--from", "5", "--to", "7", "--wait=60s")
        self.assertEqual((code, len(out.split())), (0, 1), err)
        self.assertEqual(self.items(), [1, 2, 3, 5, 6, 7])

    def test_cancel_in_parts(self):
        jid = self.start("--parallel", "4")
        self.until(lambda: len(self.items()) == 2, "both workers to be at it")
        said = []
        waiter = threading.Thread(target=lambda: said.append(self.cli("cancel", jid, "--wait=60s")))
        waiter.start()
        self.until(lambda: self.state(jid) in ("cancelling", "cancelled"), "the wish")
        self.until_told(2)
        self.open_gate()
        waiter.join()
        self.assertEqual(said[0][0], 0, said)
        run = self.ask("run-show", jid)
        self.assertEqual(run["state"], "cancelled")
        self.assertEqual({part["state"] for part in run["parts"]}, {"cancelled"})
        self.assertLess(run["done"], 40)
        self.until(lambda: self.redis.call("HLEN", "resque:drover:cancel") == 0, "no wish to be left")

    def test_pause_in_parts(self):
        jid = self.start("--parallel", "4")
        self.until(lambda: len(self.items()) == 2, "both workers to be at it")
        self.ok("pause", jid)
        self.until_told(2)
        self.open_gate()
        self.until_state(jid, "paused")
        self.ok("resume", jid)
        self.until_state(jid, "done")
        self.assertEqual(sorted(self.items()), list(range(1, 41)))
        self.assertEqual(self.stat("processed"), 1)

    def test_errors_and_retry_errors(self):
        answer = "[ -e %s -o $((x %% 10)) -ne 0 ] && echo ok || echo fail bad row $x" % self.path("healed")
        self.open_gate()
        self.drover({"Rows": dict(self.rows(), filter=self.filter(answer), on_item_error="skip")})
        jid = self.ok("run", "Rows").strip()
        self.until_state(jid, "done")
        errors = self.ask("errors", jid)
        self.assertEqual([error["error"] for error in errors], ["bad row %d" % n for n in (10, 20, 30, 40)])
        self.open_gate("healed")
        self.assertEqual(self.ask("retry-errors", jid)["items"], 4)
        self.until(lambda: self.ask("errors", jid) == [], "the list to be empty")
        self.until_state(jid, "done")
        self.assertEqual(self.items()[40:], [10, 20, 30, 40])
        run = self.ask("run-show", jid)
        self.assertEqual((run["done"], run["errors"], run["round"]), (40, 0, 1))

    def test_csv_reaches_the_supervisor(self):
        with open(self.path("rows.csv"), "w") as file:
            file.write("a,b\n" + "".join("%d,x\n" % n for n in range(1, 6)))
        script = 'while read -r x; do echo "$x" >> %s; echo ok; done' % self.path("rows")
        self.drover({"Rows": {"each": {"csv": "/nowhere/at/all.csv"}, "filter": ["/bin/sh", "-c", script]}})
        code, out, err = self.cli("run", "Rows", "--csv", self.path("rows.csv"), "--wait=60s")
        self.assertEqual(code, 0, (out, err))
        rows = [json.loads(line) for line in self.read("rows").splitlines()]
        self.assertEqual(rows, [{"a": str(n), "b": "x"} for n in range(1, 6)])

    def test_a_range_within_a_range(self):
        script = "while read -r x; do echo $x >> %s; echo ok; done" % self.path("seen")
        each = {"range": "1..2", "inner": {"range": "30..10", "step": -10}}
        self.drover({"Rows": {"each": each, "filter": ["/bin/sh", "-c", script]}})
        self.assertEqual(self.cli("run", "Rows", "--wait=60s")[0], 0)
        self.assertEqual(self.read("seen").split(), ["[%d,%d]" % (a, b) for a in (1, 2) for b in (30, 20, 10)])

    def test_log_follows(self):
        answer = "echo line $x >&2; echo ok"
        self.drover({"Rows": dict(self.rows(), filter=self.filter(answer))})
        jid = self.ok("run", "Rows", "--limit", "5").strip()
        follower = subprocess.Popen([program("drover"), "--redis", self.redis.url, "log", jid, "-f"],
                                    stdout=subprocess.PIPE, encoding="utf-8")
        self.until(self.items, "the first item")
        self.open_gate()
        out, _ = follower.communicate(timeout=60)
        self.assertEqual([line.split("  ", 1)[1] for line in out.splitlines()],
                         ["line %d" % n for n in range(1, 6)])

    def test_everything_stops_and_goes_on(self):
        jid = self.start()
        self.until(self.items, "the first item")
        self.ok("pause", "--all", "--reason", "fire")
        self.until_told()
        self.open_gate()
        self.until(lambda: self.ask("run-show", jid)["place"] == "queue", "the run to be in its queue")
        self.assertLess(len(self.items()), 40)
        self.ok("resume", "--all")
        self.until_state(jid, "done")
        self.assertEqual(self.items(), list(range(1, 41)))


if __name__ == "__main__":
    main()

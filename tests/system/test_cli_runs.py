"""drover: run with --wait and --csv, runs, run-show; with runs that only stand in Redis."""

import json
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cli import RunsTest  # noqa: E402
from rig import main, payload, program, sh  # noqa: E402

EACH = {"each": {"csv": "/srv/rows.csv"}, "filter": ["cat"]}


class Run(RunsTest):
    def test_payload_and_record(self):
        jid = self.ok("run", "Rows", "a", "--from", 2, "--to", "9", "--limit", "5", "--parallel", "3")
        jid = jid.strip()
        [item] = self.queue("default")
        job = json.loads(item)
        self.assertEqual((job["class"], job["args"], job["jid"]), ("Rows", ["a"], jid))
        self.assertEqual(job["drover"], {"track": True, "from": 2, "to": 9, "limit": 5, "parallel": 3})
        record = self.record(jid)
        self.assertEqual((record["state"], record["each"], record["queue"]), ("queued", "1", "default"))
        self.ok("run", "Rows", "--queue", "low", "--args", "[1]")
        self.assertEqual(json.loads(self.queue("low")[0])["drover"], {"track": True})

    def test_later_and_once(self):
        jid = self.ok("run", "Rows", "--in", "1h").strip()
        self.assertEqual(self.record(jid)["state"], "delayed")
        first = self.ok("run", "Rows", "--id", "k", "--limit", "1")
        self.assertEqual(self.cli("run", "Rows", "--id", "k", "--limit", "1")[1], first)
        self.refused(1, "stands for job", "run", "Rows", "--id", "k", "--limit", "2")
        self.refused(1, "stands for job", "enqueue", "default", "Rows", "--id", "k")

    def test_wrong_words(self):
        for words, sentence in [(["--from", "x"], "--from needs a number, 0 or more, not x"),
                                (["--limit", "0"], "--limit needs a number, 1 or more, not 0"),
                                (["--parallel", "-1"], "--parallel needs a number"),
                                (["--parallel", "1001"], "--parallel is at most 1000"),
                                (["--from", "3", "--to", "2"], "nothing is from 3 to 2"),
                                (["--in", "1h", "--at", "1"], "not both"),
                                (["--wait=x"], "no duration")]:
            self.refused(64, sentence, "run", "Rows", *words)
        self.assertEqual(self.redis.keys(), [])

    def test_the_class_must_iterate(self):
        self.config_path = self.file_with({"Rows": EACH, "Plain": sh("true"), "Range": {
            "each": {"range": "1..9"}, "filter": ["cat"]}, "Set": {
            "each": {"command": ["true"]}, "filter": ["cat"]}})
        self.assertEqual(self.with_config("run", "Rows")[0], 0)
        for words, sentence in [(["Plain"], "Plain does not iterate: there is no `each` in"),
                                (["Other"], "drover.yml has no class Other"),
                                (["Range", "--csv", "/dev/null"], "does not go over a CSV file"),
                                (["Set", "--parallel", "2"], "cannot be divided")]:
            code, _, err = self.with_config("run", *words)
            self.assertEqual(code, 64, err)
            self.assertIn(sentence, err)

    def uploads(self):
        return [key for key in self.redis.keys("resque:drover:csv:*") if key.count(":") == 3]

    def test_csv_is_uploaded(self):
        with open(self.path("rows.csv"), "w") as file:
            file.write("a,b\n1,2\n")
        jid = self.ok("run", "Rows", "--csv", self.path("rows.csv")).strip()
        [key] = self.uploads()
        upload = key.split(":")[-1]
        self.assertEqual(json.loads(self.queue("default")[0])["drover"]["csv"], upload)
        self.assertEqual(self.record(jid)["csv"], upload)
        self.assertEqual(self.ask("run-show", jid)["csv"], upload)
        self.refused(64, "nofile", "run", "Rows", "--csv", self.path("nofile"))

    def test_a_file_nobody_will_read_goes(self):
        with open(self.path("rows.csv"), "w") as file:
            file.write("a\n")
        words = ["run", "Rows", "--id", "k", "--csv", self.path("rows.csv")]
        self.ok(*words)
        self.assertEqual(self.cli(*words)[0], 0)
        self.refused(1, "stands for job", *words, "--limit", "1")
        self.assertEqual(len(self.uploads()), 1)

    def test_csv_from_a_pipe(self):
        done = subprocess.run([program("drover"), "--redis", self.redis.url, "run", "Rows", "--csv", "-"],
                              input=b"a\n1\n", stdout=subprocess.PIPE, check=True, timeout=60)
        self.assertEqual(self.record(done.stdout.decode().strip())["state"], "queued")
        self.assertEqual(len(self.uploads()), 1)


class Wait(RunsTest):
    def wait_for(self, state, *words, **fields):
        """`run --wait` of a job that a supervisor ends as `state`."""
        def wait():
            said.append(self.cli("run", "Rows", "--wait=60s", *words))
        said = []
        waiter = threading.Thread(target=wait)
        waiter.start()
        [item] = self.until(lambda: self.queue("default"), "the job")
        self.redis.call("DEL", "resque:queue:default")
        jid = json.loads(item)["jid"]
        self.redis.call("HSET", self.key(jid), *self.flat(dict(fields, state=state)))
        waiter.join()
        return said[0]

    def test_exit_codes(self):
        self.assertEqual(self.wait_for("done")[0], 0)
        code, _, err = self.wait_for("failed", exception="Drover::ItemErrors", error="3 items failed")
        self.assertEqual(code, 1)
        self.assertIn("failed: Drover::ItemErrors: 3 items failed", err)
        self.assertEqual(self.wait_for("cancelled")[0], 1)
        code, out, err = self.cli("run", "Rows", "--wait=100ms")
        self.assertEqual((code, out.count("\n")), (75, 1), err)

    def test_json_is_the_run(self):
        code, out, _ = self.wait_for("done", "--json", done="9", total="9", errors="0")
        run = json.loads(out)
        self.assertEqual((code, run["state"], run["done"], run["total"]), (0, "done", 9, 9))


class Look(RunsTest):
    OF_A_RUN = ["errors", "rate", "rate_limit", "eta_ms", "cursor", "reason", "pause_at", "csv", "round",
                "parts"]

    def test_runs(self):
        for n, state in enumerate(["done", "running", "queued"]):
            self.plant("r%d" % n, state, done=n, total=10, **{"class": "C%d" % (n % 2)})
            self.redis.call("ZADD", "resque:drover:runs", n, "r%d" % n)
        self.redis.call("ZADD", "resque:drover:runs", 9, "gone", 10, "r1.p1")
        self.assertEqual([run["jid"] for run in self.ask("runs")], ["r2", "r1", "r0"])
        self.assertEqual([run["jid"] for run in self.ask("runs", "--limit", "1")], ["r2"])
        self.assertEqual([run["jid"] for run in self.ask("runs", "--state", "done")], ["r0"])
        self.assertEqual([run["jid"] for run in self.ask("runs", "--class", "C0")], ["r2", "r0"])
        self.refused(64, "donne is no state of a run", "runs", "--state", "donne")
        self.assertRegex(self.ok("runs"), r"r1 +running +C1 +- +1 of 10 \(10 %\)")

    def test_many_runs(self):
        for n in range(450):
            self.plant("r%03d" % n, "queued")
            self.redis.call("ZADD", "resque:drover:runs", n, "r%03d" % n)
        listed = [run["jid"] for run in self.ask("runs", "--limit", "1000")]
        self.assertEqual(listed, ["r%03d" % n for n in range(449, -1, -1)])

    def test_an_undivided_run(self):
        self.plant("r", "running", done=40, errors=10, total=100, speed="12.5", rate="50 1000", attempt=1,
                   interruptions=2, recoveries=3, note="at it", started_at="2026-11-21T19:26:23.000Z",
                   at={0: {"state": "running", "cursor": b"\xffc", "number": 50}})
        run = self.ask("run-show", "r")
        self.assertEqual([name for name in run if name in self.OF_A_RUN], self.OF_A_RUN)
        self.assertEqual((run["done"], run["total"], run["errors"], run["rate"], run["rate_limit"]),
                         (40, 100, 10, 12.5, "50/s"))
        self.assertEqual((run["eta_ms"], run["cursor"]), (4000, "\ufffdc"))
        self.assertEqual((run["attempt"], run["interruptions"], run["recoveries"]), (1, 2, 3))
        self.assertEqual([part["part"] for part in run["parts"]], [0])
        text = self.ok("run-show", "r")
        for line in (r"done +40 of 100 \(50 %\)", r"rate +12\.5/s, at most 50/s", r"left +4s",
                     r"items failed +10", r"interruptions +2", "cursor +\ufffdc"):
            self.assertRegex(text, line)
        self.assertNotIn("PART", text)

    def test_a_divided_run(self):
        self.divided()
        self.redis.call("HSET", self.key("r"), "done", 84, "errors", 6, "total", 300, "speed", "20.0")
        run = self.ask("run-show", "r")
        self.assertIsNone(run["cursor"])
        self.assertEqual(run["parts"][1], dict(run["parts"][1], part=2, state="done", first=101, last=200,
                                               number=130, done=28, errors=2, rate=10.0, cursor="c2"))
        self.assertRegex(self.ok("run-show", "r"), r"(?m)^ +3 +queued +201\.\.300 +230 +28 +2 +10\.0/s +c3$")
        self.assertEqual(len(self.ask("runs")[0]["parts"]), 3)

    def test_nothing_is_known_yet(self):
        self.plant("r", "queued")
        run = self.ask("run-show", "r")
        self.assertEqual((run["done"], run["total"], run["errors"], run["parts"], run["eta_ms"]),
                         (0, None, 0, [], None))
        self.plant("odd", "running", total="x", done="-1", speed="nan", rate="1", round="?")
        run = self.ask("run-show", "odd")
        self.assertEqual((run["total"], run["done"], run["rate"], run["rate_limit"]), (None, 0, None, None))

    def test_a_part_is_a_job(self):
        self.divided()
        self.push("low", self.part_of("r", 3))
        job = self.ask("job", "r.p3")
        self.assertEqual((job["parent"], job["part"], job["place"]), ("r", 3, "queue"))
        self.assertRegex(self.ok("job", "r.p3"), r"part of +r\n")

    def test_paused_jobs_have_a_place(self):
        self.plant("r", "paused")
        self.put_by("low", self.job_of("r"))
        job = self.ask("job", "r")
        self.assertEqual((job["state"], job["place"]), ("paused", "paused"))
        self.assertIn("put by until it is resumed", self.ok("job", "r"))
        [listed] = self.ask("jobs")
        self.assertEqual((listed["jid"], listed["state"], listed["place"]), ("r", "paused", "paused"))
        self.assertEqual(self.ask("jobs", "--queue", "other"), [])
        self.assertEqual([(q["name"], q["paused_jobs"]) for q in self.ask("queues")], [("low", 1)])
        self.assertEqual(self.ask("queue", "low")["paused_jobs"], 1)
        self.assertEqual(self.ask("stats")["paused_jobs"], 1)

    def test_many_paused_jobs(self):
        for n in range(700):
            self.put_by("low", payload("Rows", jid="r%d" % n))
        self.assertEqual(self.ask("stats")["paused_jobs"], 700)
        self.assertEqual(self.ask("queue", "low")["paused_jobs"], 700)
        listed = self.ask("jobs", "--limit", "1000")
        self.assertEqual({job["jid"] for job in listed}, {"r%d" % n for n in range(700)})


if __name__ == "__main__":
    main()

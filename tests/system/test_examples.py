"""contrib/examples: each of them runs as its README says, is stopped in the middle by TERM, goes on
under the next droverd, and has then done everything once."""

import hashlib
import json
import os
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import BUILD, ROOT, Droverd, SystemTest, command, main  # noqa: E402

EXAMPLES = os.path.join(ROOT, "contrib", "examples")
HERE = "/tmp/drover-examples"  # as the files have it; a test's own folder takes its place


class Example(SystemTest):
    name = None

    def start(self):
        """A droverd on the example's own file, with another folder, Redis and log."""
        with open(os.path.join(EXAMPLES, self.name, "drover.yml")) as file:
            config = file.read()
        for old, new in ((HERE + "}", self.path("state") + ", name: rig, poll: 100ms, flush: 50ms, "
                          "log: {format: json}}"),
                         (HERE, self.folder), ("build/examples/", BUILD + "/examples/")):
            config = config.replace(old, new)
        path = ":".join([os.path.join(EXAMPLES, self.name), BUILD, os.environ["PATH"]])
        drover = Droverd(self.folder, config, "droverd%d" % len(self.supervisors),
                         env={"PATH": path, "DROVER_REDIS_URL": self.redis.url})
        self.supervisors.append(drover)
        return drover.start()

    def ask(self, *words):
        code, out, err = command("drover", "--redis", self.redis.url, *words)
        self.assertEqual((code, err), (0, ""), out)
        return out

    def begin(self, verb, *words):
        self.enqueued += 1
        return self.ask(verb, *words).strip()

    def job(self, jid):
        return json.loads(self.ask("job", jid, "--json"))

    def until_over(self, jid):
        self.until(lambda: self.job(jid)["state"] in ("done", "failed"), "the job to end", every=0.1)
        job = self.job(jid)
        self.assertEqual(job["state"], "done", job)
        return job

    def interrupted(self, first, seen, count):
        """Told to end once `seen` says that so many items are done; another one takes its place."""
        self.until(lambda: seen() >= count, "%d items" % count)
        self.assertEqual(first.term(), 0)
        stopped = [e["event"] for e in first.lines() if e.get("event", "").startswith("job.")]
        self.assertIn("job.interrupted", stopped, "it was stopped in the middle")
        return self.start()

    def lines(self, name):
        return (self.read(name) or "").splitlines()


class Shell(Example):
    name = "shell"

    def test_a_loop_with_checkpoints(self):
        with open(self.path("numbers"), "w") as file:
            file.write("".join("%d\n" % n for n in range(1, 41)))
        first = self.start()
        jid = self.begin("enqueue", "default", "SumLines", self.path("numbers"))
        self.interrupted(first, lambda: self.job(jid).get("done") or 0, 5)
        job = self.until_over(jid)
        self.assertEqual(job["result"], {"lines": 40, "sum": 820})
        self.assertEqual((job["done"], job["total"], job["interruptions"]), (40, 40, 1))
        self.assertRegex(job["note"], "adding up .* from line [0-9]+ on")

    def test_a_filter(self):
        with open(self.path("names"), "w") as file:
            file.write("Ada\n\nGrace\nR2D2\nAlan\n")
        self.start()
        jid = self.begin("run", "Greet", self.path("names"))
        job = self.until_over(jid)
        self.assertEqual((job["done"], job["errors"], job["total"]), (4, 1, 5))
        self.assertEqual(self.lines("greetings"), ["dear Ada", "dear Grace", "dear Alan"])
        self.assertIn("R2D2 is no name", self.ask("errors", jid))


class Python(Example):
    name = "python"

    def test_a_command_that_speaks_the_job_socket(self):
        os.mkdir(self.path("files"))
        want = []
        for i in range(300):
            with open(self.path("files/f%03d" % i), "w") as file:
                file.write("text %d" % i)
            want.append("%s f%03d" % (hashlib.sha256(b"text %d" % i).hexdigest(), i))
        first = self.start()
        jid = self.begin("enqueue", "default", "ChecksumFiles", self.path("files"),
                         self.path("list"))
        self.interrupted(first, lambda: len(self.lines("list")), 10)
        self.assertEqual(self.until_over(jid)["result"], {"files": 300})
        self.assertEqual(self.lines("list"), want)

    def test_a_filter(self):
        with open(self.path("people.csv"), "w") as file:
            file.write("mail,consent\n" + "".join("p%d@example.org,yes\n" % i for i in range(2000))
                       + "x@example.org,no\nnobody,yes\n")
        first = self.start()
        jid = self.begin("run", "Subscribe", self.path("people.csv"))
        self.interrupted(first, lambda: len(self.lines("subscribers")), 10)
        job = self.until_over(jid)
        self.assertEqual((job["done"], job["errors"], job["total"]), (2001, 1, 2002))
        self.assertEqual(self.lines("subscribers"), ["p%d@example.org" % i for i in range(2000)])


class C(Example):
    name = "c"

    def outputs(self):
        return [e["line"] for d in self.supervisors for e in d.events("job.output")]

    def test_a_function_for_items(self):
        with open(self.path("mails"), "w") as file:
            file.write('{"to": "ada@example.org"}\n{"to": null}\n{"to": "nobody"}\n')
        self.start()
        jid = self.begin("run", "WriteMails", self.path("mails"))
        job = self.until_over(jid)
        self.assertEqual((job["done"], job["errors"]), (2, 1))
        self.assertEqual(self.outputs(), ["mail 1 to ada@example.org"])

    def test_a_collection_of_its_own(self):
        first = self.start()
        jid = self.begin("enqueue", "default", "CloseYear", "--args", "[2028]")
        self.until_over(jid)
        first.until_event("job.done")
        days, more = self.outputs(), first.events("job.output_suppressed")
        self.assertEqual((days[:2], len(set(days)) + more[0]["lines"]),
                         (["closed 2028-01-01", "closed 2028-01-02"], 366))
        self.assertEqual(self.job(jid)["note"], "2028-12-31")

    def test_checkpoints_of_its_own(self):
        first = self.start()
        jid = self.begin("enqueue", "default", "SumUp", "--args", "[100000]")
        self.interrupted(first, lambda: self.job(jid).get("done") or 0, 5)
        job = self.until_over(jid)
        self.assertEqual((job["result"], job["interruptions"]), ({"sum": 5000050000}, 1))


class Sqlite(Example):
    name = "sqlite"

    def test_a_collection_by_a_compound_key(self):
        database = sqlite3.connect(self.path("shop.db"), isolation_level=None)
        self.addCleanup(database.close)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE orders (shop TEXT, number INTEGER, cents INTEGER, "
                         "PRIMARY KEY (shop, number))")
        database.execute("CREATE TABLE charges (shop TEXT, number INTEGER, cents INTEGER, "
                         "PRIMARY KEY (shop, number))")
        orders = [(shop, number, number * 7) for shop in ("oslo", "aarhus", "berlin\tmitte")
                  for number in range(1, 301)]
        database.executemany("INSERT INTO orders VALUES (?, ?, ?)", orders)

        def charges():
            return database.execute("SELECT * FROM charges ORDER BY rowid").fetchall()
        first = self.start()
        jid = self.begin("run", "ChargeOrders")
        self.interrupted(first, lambda: len(charges()), 350)  # within the second shop
        job = self.until_over(jid)
        self.assertEqual((job["done"], job["total"], job["errors"]), (900, None, 0))
        self.assertEqual(charges(), sorted(orders), "each once, in the order of the key")
        skipped = [e for d in self.supervisors for e in d.events("job.output")]
        self.assertEqual(skipped, [], "none was given twice")


if __name__ == "__main__":
    main()

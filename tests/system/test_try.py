"""drover try: jobs that keep their place, and jobs that do not, each in a Redis of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import processes  # noqa: E402
from rig import BUILD, SLOW, RedisServer, main, program, sample_module, until, yaml  # noqa: E402

OK = "while read -r line; do echo ok; done"
COUNTS = "i=$DROVER_CURSOR; while [ ${i:-0} -lt 35 ]; do i=$((i + 1)); %s; done"

# A collection of 30 items, and what can be wrong with going on in one.
PRINTS = """
import os, random, sys
way, cursor, items = sys.argv[1], int(os.environ.get("DROVER_CURSOR", 0)), list(range(1, 31))
if way == "shuffles":
    random.Random(cursor).shuffle(items)
start = {"good": cursor, "from": max(cursor - 1, 0), "behind": cursor + (cursor > 0)}
for place in range(start.get(way, cursor), 30):
    print("%d\\titem %d" % (place + 1, items[place]))
"""


def sh(script, **keys):
    return dict({"command": ["sh", "-c", script]}, **keys)


class Try(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="drover-rig-")
        self.addCleanup(subprocess.run, ["rm", "-rf", self.folder], check=True)
        self.environment = {
            "PATH": BUILD + ":" + os.environ["PATH"], "HOME": "/", "LANG": "C.UTF-8",
            "TMPDIR": self.folder,
            **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}}

    def tearDown(self):
        until(lambda: not processes.carrying((self.folder + "/drover-try").encode()),
              "no process to be left", 5 * SLOW)
        self.assertEqual([n for n in os.listdir(self.folder) if n.startswith("drover-try")], [])

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def start(self, job, *words):
        """`job`: the entry of the class Job. Its queues are in a Redis that is not there."""
        config = {"redis": {"url": "unix:///nowhere"}, "modules": [sample_module()],
                  "defaults": {"timeout": "20s"}, "jobs": {"Job": job, "Other": sh("exit 1")}}
        path = self.write("drover.yml", yaml(config) + "\n")
        return subprocess.Popen([program("drover"), "try", "-c", path, "Job"] + list(words),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=self.environment, encoding="utf-8")

    def attempt(self, job, *words, code=0):
        process = self.start(job, *words, "--json")
        out, err = process.communicate(timeout=60 * SLOW)
        self.assertEqual(process.returncode, code, out + err)
        self.said = err
        return json.loads(out)

    def say(self, job, *words):
        process = self.start(job, *words)
        out, self.said = process.communicate(timeout=60 * SLOW)
        return process.returncode, out

    def each(self, each, script=OK, **keys):
        return dict({"each": each, "filter": ["sh", "-c", script]}, **keys)

    def lines(self, count=35):
        return self.write("lines", "".join("%d\n" % i for i in range(1, count + 1)))


class Items(Try):
    def test_a_good_one(self):
        note = "while read -r line; do echo $line >> %s; echo ok; done" % self.path("seen")
        code, out = self.say(self.each({"lines": "{args.0}"}, note), self.lines())
        self.assertEqual((code, out), (0, "Job: done\nstopped 3 times, killed 0 times\n"
                                          "35 items: 35 done, 0 set aside, 0 repeated, 0 skipped\n"))
        with open(self.path("seen")) as file:
            self.assertEqual(file.read().split(), [str(i) for i in range(1, 36)])

    def test_what_would_be_started_or_waited_for_is_not(self):
        job = self.each({"lines": "{args.0}"}, parallel=3, rate="1/h", throttle=["false"], unique=True,
                        then={"class": "Other"}, on_resume=["touch", self.path("resumed")])
        found = self.attempt(job, self.lines(12), "--interrupt-every", "5", "--from", "2", "--limit", "8")
        self.assertEqual((found["total"], found["done"], found["stops"]), (8, 8, 1))
        self.assertTrue(os.path.exists(self.path("resumed")))

    def test_a_csv_file(self):
        path = self.write("a{b}.csv", 'id,name\n1,"x\ny"\n2,b\n3,c\n')
        found = self.attempt(self.each({"csv": "{args.0}"}), "--csv", os.path.relpath(path),
                             "--interrupt-every", "1")
        self.assertEqual((found["done"], found["stops"], found["good"]), (3, 2, True))

    def test_items_that_are_alike(self):
        path = self.write("lines", "a\n" * 7)
        found = self.attempt(self.each({"lines": path}), "--interrupt-every", "2")
        self.assertEqual((found["done"], found["repeated"], found["skipped"]), (7, 0, 0))

    def test_a_function_for_items_and_kills(self):
        found = self.attempt({"each": {"range": "1..300"}, "function": "item_noop"},
                             "--interrupt-every", "50", "--kill-every", "2")
        self.assertEqual((found["state"], found["skipped"]), ("done", 0))
        self.assertGreater(found["kills"], 0)
        self.assertLessEqual(found["repeated"], found["kills"])

    def test_kills_of_a_filter(self):
        job = self.each({"lines": "{args.0}"}, "while read -r line; do sleep 0.01; echo ok; done")
        found = self.attempt(job, self.lines(), "--interrupt-every", "0", "--kill-every", "9")
        self.assertEqual((found["stops"], found["skipped"], found["good"]), (0, 0, True))
        self.assertIn(found["kills"], (3, 4))
        self.assertLessEqual(found["begun_again"] + found["repeated"], found["kills"])

    def test_a_command_as_collection(self):
        self.write("items.py", PRINTS)
        job = self.each({"command": [sys.executable, self.path("items.py"), "{args.0}"]})
        self.assertTrue(self.attempt(job, "good")["good"])
        found = self.attempt(job, "from", code=1)
        self.assertEqual([i["item"] for i in found["repeated_items"]],
                         ["item 10", "item 19", "item 28"])
        found = self.attempt(job, "behind", code=1)
        self.assertEqual([i["item"] for i in found["skipped_items"]], ["item 11", "item 22"])
        found = self.attempt(job, "shuffles", code=1)
        self.assertEqual(found["repeated"], found["skipped"])
        self.assertGreater(found["repeated"], 0)

    def test_a_command_that_ignores_its_cursor(self):
        job = self.each({"command": ["sh", "-c", "seq 30 | sed 's/.*/&\\t&/'"]})
        found = self.attempt(job, code=1)
        self.assertEqual((found["state"], found["repeated"], found["not_reached"]), ("stuck", 30, 20))

    def test_a_filter_that_buffers(self):
        job = {"each": {"lines": self.lines()},
               "filter": [sys.executable, "-c", "import sys\nfor line in sys.stdin: print('ok')"]}
        found = self.attempt(job, code=1)
        self.assertEqual((found["state"], found["buffers"], found["done"]), ("stuck", True, 0))
        self.assertIn("may be buffering its output", self.said)

    def test_answers_that_are_none(self):
        script = "while read -r l; do [ $l = 7 ] && echo nope || echo ok; done"
        job = self.each({"lines": "{args.0}"}, script, on_item_error="skip")
        code, out = self.say(job, self.lines())
        self.assertEqual(code, 1)
        self.assertIn('item 7, malformed: "nope"', out)
        self.assertIn("35 items: 34 done, 1 set aside, 0 repeated, 0 skipped", out)

    def test_one_that_fails(self):
        script = "while read -r l; do [ $l = 27 ] && echo fail seven || echo ok; done"
        found = self.attempt(self.each({"lines": "{args.0}"}, script), self.lines(), code=1)
        self.assertEqual((found["state"], found["done"], found["not_reached"]), ("failed", 26, 9))
        self.assertEqual(found["error"], "item 27: seven (attempts 1)")

    def test_one_that_cannot_begin(self):
        job = self.each({"lines": "/no/such"})
        process = self.start(job)
        self.assertEqual(process.communicate(),
                         ("", "drover: /no/such: No such file or directory\n"))
        self.assertEqual(process.returncode, 1)
        job = {"each": {"lines": self.lines()}, "filter": ["/no/such/filter"]}
        found = self.attempt(job, code=1)
        self.assertEqual(found["state"], "failed")
        self.assertIn("/no/such/filter", found["error"])


class Cursors(Try):
    def test_a_good_one(self):
        code, out = self.say(sh(COUNTS % "drover checkpoint $i || exit"))
        self.assertEqual((code, out), (0, "Job: done\nstopped 3 times, killed 0 times\n"
                                          "35 cursors: 0 repeated, 0 skipped\n"))

    def test_a_good_one_that_is_killed(self):
        found = self.attempt(sh(COUNTS % "drover checkpoint $i || exit"), "--kill-every", "7")
        self.assertEqual((found["done"], found["good"]), (35, True))
        self.assertGreater(found["kills"], 0)

    def test_one_that_ignores_its_cursor(self):
        found = self.attempt(sh("unset DROVER_CURSOR;" + COUNTS % "drover checkpoint $i || exit"),
                             code=1)
        self.assertEqual((found["state"], found["done"], found["repeated"]), ("stuck", 10, 30))
        self.assertEqual(found["repeated_items"][0]["cursor"], "1")
        self.assertEqual(found["backwards"], 27)

    def test_one_that_skips(self):
        script = "DROVER_CURSOR=${DROVER_CURSOR:+$((DROVER_CURSOR + 2))};"
        found = self.attempt(sh(script + COUNTS % "drover checkpoint $i || exit"), code=1)
        self.assertEqual((found["state"], found["repeated"], found["skipped"]), ("done", 0, 4))

    def test_one_that_does_not_stop(self):
        found = self.attempt(sh(COUNTS % "drover checkpoint $i"), code=1)
        self.assertEqual((found["done"], found["after_stop"]), (35, 25))

    def test_one_that_never_says_where_it_is(self):
        code, out = self.say(sh("exit 0"))
        self.assertEqual(code, 1)
        self.assertIn("it never said where it is", out)

    def test_nonsense_on_the_socket(self):
        found = self.attempt(sh('echo frob >&$DROVER_FD; drover checkpoint 1'), code=1)
        self.assertEqual((found["state"], found["lines_ignored"]), ("done", 1))
        self.assertIn("an unknown word", self.said)

    def test_its_own_failures_count(self):
        job = sh("drover checkpoint ${DROVER_CURSOR}x; exit 3", retries=2)
        found = self.attempt(job, "--kill-every", "1000", code=1)
        self.assertEqual((found["state"], found["done"]), ("failed", 3))


class Around(Try):
    def test_interrupted_by_a_key(self):
        process = self.start(sh("touch %s; sleep 60" % self.path("begun")))
        until(lambda: os.path.exists(self.path("begun")), "the job to begin")
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.communicate(timeout=20 * SLOW), ("", "drover: interrupted\n"))
        self.assertEqual(process.returncode, 1)
        self.assertLess(time.monotonic() - begun, 10 * SLOW)

    def test_a_collection_in_the_redis_of_the_user(self):
        redis = RedisServer(self.folder).start()
        self.addCleanup(redis.stop)
        redis.call("RPUSH", "todo", *range(7))
        before = redis.keys()
        job = self.each({"redis": {"list": "todo", "url": redis.url}})
        found = self.attempt(job, "--interrupt-every", "2")
        self.assertEqual((found["done"], found["stops"], found["good"]), (7, 3, True))
        self.assertEqual(redis.keys(), before)

    def test_what_cannot_be_tried(self):
        process = self.start(sh("true"), "--kill-every", "1")
        self.assertEqual(process.communicate()[1],
                         "drover: --kill-every needs a number, 2 or more, not 1\n")
        self.assertEqual(process.returncode, 64)
        process = self.start(sh("true"), "--csv", "/dev/null")
        self.assertIn("--csv is not for it", process.communicate()[1])
        self.environment["PATH"] = "/nowhere"
        process = self.start(sh("true"))
        self.assertEqual(process.communicate(), ("", "drover: there is no redis-server in PATH\n"))


if __name__ == "__main__":
    main()

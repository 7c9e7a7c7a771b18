"""Handlers: what a command and a C function are given, and what their answers mean."""

import json
import os
import signal
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import SystemTest, main, python, sample_module, sh  # noqa: E402

JID = r"^[0-9a-f]{24}$"
# The block the kernel was given at exec: a shell or an interpreter would have changed its copy.
SAVE_ENVIRON = "open('environ', 'wb').write(open('/proc/self/environ', 'rb').read())"
LIBC_OWN = 3 << 31  # signals 32 and 33, which no program may use
SHOW_DESCRIPTORS = """
import json, os
it = {}
for number in range(256):
    try:
        it[number] = os.readlink("/proc/self/fd/%d" % number)
    except OSError:
        pass
"""


class Commands(SystemTest):
    def run_one(self, job, *args, **members):
        job.setdefault("directory", self.folder)
        drover = self.drover({"Job": job})
        self.enqueue("default", "Job", *args, **members)
        self.until_processed(1)
        return drover

    def test_argv_is_taken_as_written(self):
        job = {"command": [sys.executable, "-c", "import sys; open('argv', 'w').write("
                           "repr(sys.argv[1:]))", "two words", "$HOME", "*", "", "ü;|&"]}
        self.run_one(job)
        self.assertEqual(self.read("argv"), repr(["two words", "$HOME", "*", "", "ü;|&"]))

    def test_arguments_are_the_payloads_bytes_on_standard_input(self):
        args = '[ 1, 1.0e+100,7.10 , "\\u003c\u2028", {"b":1,"a":[]}, 1180591620717411303424]'
        self.drover({"Job": sh("cat > stdin", directory=self.folder)})
        self.push("default", '{"args":%s,"class":"Job"}' % args)
        self.until_processed(1)
        self.assertEqual(self.read("stdin"), args)

    def test_arguments_larger_than_any_pipe(self):
        self.run_one(sh("cat > stdin"), "x" * 3_000_000)
        self.assertEqual(self.read("stdin"), '["%s"]' % ("x" * 3_000_000))

    def test_arguments_that_nobody_reads(self):
        self.run_one(sh("exit 0"), "x" * 300_000)
        self.assertEqual(self.failed(), [])

    def test_environment_is_built_from_nothing(self):
        drover = self.new_drover(
            {"Job": python(SAVE_ENVIRON, directory=self.folder, pass_env=["PATH", "KEPT", "CHANGED", "ABSENT"],
                           env={"COLOUR": "blå", "EMPTY": "", "CHANGED": "ours"})},
            env={"KEPT": "yes", "CHANGED": "theirs", "SECRET": "never"})
        drover.start()
        self.enqueue("default", "Job", 1, jid="my-own:jid.1")
        self.until_processed(1)
        items = self.read("environ").split("\0")[:-1]
        given = dict(item.split("=", 1) for item in items)
        self.assertEqual(len(items), len(given), "no name twice")
        own = {name: given.pop(name) for name in list(given) if name.startswith("DROVER_")}
        self.assertEqual(given, {"PATH": os.environ["PATH"], "KEPT": "yes", "COLOUR": "blå",
                                 "EMPTY": "", "CHANGED": "ours"})
        self.assertEqual({name: own.pop(name) for name in (
            "DROVER_JID", "DROVER_CLASS", "DROVER_QUEUE", "DROVER_ATTEMPT",
            "DROVER_INTERRUPTIONS", "DROVER_RECOVERIES", "DROVER_ORIGIN")},
            {"DROVER_JID": "my-own:jid.1", "DROVER_CLASS": "Job", "DROVER_QUEUE": "default",
             "DROVER_ATTEMPT": "1", "DROVER_INTERRUPTIONS": "0", "DROVER_RECOVERIES": "0",
             "DROVER_ORIGIN": "enqueued"})
        self.assertRegex(own.pop("DROVER_FD"), r"^\d+$")
        self.assertRegex(own.pop("DROVER_TOKEN"), r"^rig:\d+:[0-9a-f]{16}/main[^.]*\.\d+\.\d+$")
        self.assertRegex(own.pop("DROVER_LEASE"), r"^rig:%d:" % drover.pid)
        self.assertEqual(own, {}, "and nothing else of ours")

    def test_a_payload_without_jid_is_given_one(self):
        drover = self.run_one(sh("echo $DROVER_JID > jid"))
        jid = self.read("jid").strip()
        self.assertRegex(jid, JID)
        self.assertEqual(drover.until_event("job.start")[0]["jid"], jid)
        self.assertEqual(drover.until_event("job.done")[0]["jid"], jid)

    def test_descriptors(self):
        self.run_one(python(SHOW_DESCRIPTORS + "open('fds', 'w').write(json.dumps(it))"))
        fds = json.loads(self.read("fds"))
        kinds = {int(number): what.split(":")[0] for number, what in fds.items()}
        # Standard input is a file in memory, sealed; 1 and 2 are one pipe; the last is DROVER_FD.
        self.assertEqual(kinds, {0: "/memfd", 1: "pipe", 2: "pipe", 3: "socket"})
        self.assertEqual(fds["1"], fds["2"])

    def test_directory_and_group(self):
        self.run_one(sh("pwd > cwd; echo $$ > pid; cut -d' ' -f5 /proc/$$/stat > group"))
        self.assertEqual(self.read("cwd").strip(), os.path.realpath(self.folder))
        self.assertEqual(self.read("group"), self.read("pid"))

    def test_no_signal_is_ignored_or_blocked(self):
        # A program that changes no signal by itself, unlike an interpreter.
        self.run_one({"command": ["/bin/sh", "-c",
                                  "exec grep -E '^Sig(Blk|Ign)' /proc/self/status > signals"]})
        for line in self.read("signals").splitlines():
            self.assertEqual(int(line.split()[1], 16) & ~LIBC_OWN, 0, line)

    def test_program_is_looked_up_in_the_jobs_path(self):
        os.mkdir(self.path("bin"))
        with open(self.path("bin/mine"), "w", opener=lambda p, f: os.open(p, f, 0o755)) as file:
            file.write("#!/bin/sh\necho $0 > %s\n" % self.path("who"))
        self.run_one({"command": ["mine"], "env": {"PATH": self.path("bin") + ":/usr/bin:/bin"}})
        self.assertEqual(self.read("who").strip(), self.path("bin/mine"))

    def test_output_is_logged_with_the_jobs_id(self):
        drover = self.run_one(sh("echo to output; echo to error >&2; printf unfinished"))
        lines = [line["line"] for line in drover.until_event("job.output", count=3)]
        self.assertEqual(sorted(lines), ["to error", "to output", "unfinished"])
        jid = drover.events("job.start")[0]["jid"]
        self.assertEqual({line["jid"] for line in drover.events("job.output")}, {jid})

    def test_events_of_a_job(self):
        drover = self.run_one(sh("exit 0"))
        start, done = drover.until_event("job.start")[0], drover.until_event("job.done")[0]
        for member in ("jid", "class", "queue", "worker", "pid", "attempt", "origin"):
            self.assertIn(member, start)
        for member in ("wall_ms", "cpu_ms", "maxrss_kb"):
            self.assertGreaterEqual(done[member], 0)
        self.assertRegex(start["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(list(start)[:3], ["time", "level", "event"])

    def test_no_argument_is_logged(self):
        drover = self.run_one(sh("exit 1"), "a-very-secret-argument")
        drover.until_event("job.failed")
        self.assertNotIn("a-very-secret-argument", drover.log())

    def test_exit_75_not_asked_for_is_an_attempt(self):
        self.run_one(sh("exit 75"))
        self.assertEqual([r["exception"] for r in self.failed()], ["Drover::ExitStatus"])

    def test_class_by_glob_first_match_wins(self):
        self.drover({"Mail*": self.note("mail"), "*": self.note("rest")})
        self.enqueue("default", "MailSend", 1)
        self.enqueue("default", "Other", 2)
        self.until_processed(2)
        self.assertEqual((self.noted("mail"), self.noted("rest")), ([[1]], [[2]]))

    def test_a_line_that_is_none_of_the_words(self):
        drover = self.run_one(sh("echo nonsense >&$DROVER_FD; echo nonsense >&$DROVER_FD; exit 0"))
        drover.until_event("job.done")
        warnings = [line for line in drover.lines() if line["level"] == "warn"
                    and line.get("jid") == drover.events("job.done")[0]["jid"]]
        self.assertEqual(len(warnings), 1, "said once a job")

    def test_a_job_that_closes_its_socket(self):
        self.run_one(sh("eval \"exec $DROVER_FD>&-\"; exit 0"))
        self.assertEqual(self.failed(), [])

    def test_neighbours_see_nothing_of_each_other(self):
        self.drover({"Job": python(SHOW_DESCRIPTORS + "print(len(it), file=open(%r, 'a'))"
                                   % self.path("counts"))})
        for _ in range(20):
            self.enqueue("default", "Job")
        self.until_processed(20)
        self.assertEqual(self.read("counts").split(), ["4"] * 20)


class Functions(SystemTest):
    def setUp(self):
        super().setUp()
        self.assertTrue(os.path.exists(sample_module()), "make build/tests/sample_module.so")

    def function(self, name, **keys):
        return dict({"function": name}, **keys)

    def with_module(self, jobs, **sections):
        return self.drover(jobs, modules=[sample_module()], **sections)

    def test_done(self):
        self.with_module({"Noop": self.function("noop"), "Note": self.note()})
        for number in range(20):
            self.enqueue("default", "Noop", number)
        self.enqueue("default", "Note", 1)
        self.until_processed(21)
        self.assertEqual((self.failed(), self.noted()), ([], [[1]]))

    def test_what_it_prints_is_output(self):
        drover = self.with_module({"Echo": self.function("echo_args")})
        self.enqueue("default", "Echo", 1, "zwei", {"k": None})
        self.until_processed(1)
        line = drover.until_event("job.output")[0]["line"]
        self.assertIn("zwei", line)

    def test_its_error(self):
        self.with_module({"Fail": self.function("fail_with_error")})
        self.enqueue("default", "Fail")
        record = self.until_failed(1)[0]
        self.assertFalse(record["exception"].startswith("Drover::"), record)
        self.assertTrue(record["error"])

    def test_a_crash_is_that_jobs_alone(self):
        drover = self.with_module({"Crash": self.function("crash"), "Noop": self.function("noop")})
        nurseries = drover.nurseries()
        self.enqueue("default", "Crash")
        for _ in range(10):
            self.enqueue("default", "Noop")
        self.until_processed(11)
        self.assertEqual([r["exception"] for r in self.failed()], ["Resque::DirtyExit"])
        self.until(lambda: drover.nurseries() == nurseries, "the same nurseries as before")

    def test_limits_hold_for_functions(self):
        self.with_module({"Spin": self.function("spin", cpu="1s"),
                          "Leak": self.function("leak", memory="64M"),
                          "Sleep": self.function("sleep_forever", timeout="300ms")})
        for name in ("Spin", "Leak", "Sleep"):
            self.enqueue("default", name)
        records = {r["payload"]["class"]: r["exception"] for r in self.until_failed(3)}
        self.assertEqual(records["Spin"], "Drover::CpuLimit")
        self.assertEqual(records["Sleep"], "Drover::Timeout")
        # RLIMIT_AS may stop it first: then malloc fails, and the function says so or dies of it.
        self.assertIn("Leak", records)

    def test_reuse(self):
        drover = self.with_module({"Noop": self.function("noop", reuse=5)},
                                  pools={"main": {"workers": 1, "queues": ["default"]}})
        for number in range(20):
            self.enqueue("default", "Noop", number)
        self.until_processed(20)
        pids = [line["pid"] for line in drover.until_event("job.start", count=20)]
        self.assertEqual(len(drover.until_event("job.done", count=20)), 20)
        self.assertLessEqual(len(set(pids)), 8, "five jobs a child, some fewer at an empty queue")
        self.assertLessEqual(max(map(pids.count, pids)), 5)

    def test_reuse_blames_only_the_job_in_hand(self):
        self.with_module({"Noop": self.function("noop", reuse=10),
                          "Crash": self.function("crash", reuse=10)},
                         pools={"main": {"workers": 1, "queues": ["default"]}})
        for number in range(5):
            self.enqueue("default", "Noop", number)
        self.enqueue("default", "Crash")
        for number in range(5):
            self.enqueue("default", "Noop", number)
        self.until_processed(11)
        self.assertEqual([r["payload"]["class"] for r in self.failed()], ["Crash"])

    def test_descendants_of_a_function(self):
        drover = self.with_module({"Fork": self.function("fork_daemon")})
        for _ in range(3):
            self.enqueue("default", "Fork")
        self.until_processed(3)
        self.until(lambda: set(drover.children()) == set(drover.nurseries()),
                   "every daemon to be gone")

    def assert_refused(self, words, **sections):
        drover = self.new_drover({"Job": self.function("noop")}, **sections)
        drover.start(wait=False)
        self.assertNotEqual(drover.wait(), 0)
        for word in words:
            self.assertIn(word, drover.log())

    def test_a_module_that_is_not_there(self):
        self.assert_refused(["/nowhere/x.so"], modules=["/nowhere/x.so"])

    def test_reloads_while_a_reused_child_works(self):
        drover = self.with_module({"Gate": self.gate(), "Noop": self.function("noop", reuse=50)})
        for round_number in range(3):
            self.enqueue("default", "Gate")
            for _ in range(50):
                self.enqueue("default", "Noop")
            drover.signal(signal.SIGHUP)
            drover.signal(signal.SIGHUP)
            drover.until_event("reload.done", count=round_number + 1)
        self.open_gate()
        self.until_processed(153)
        self.assertEqual(self.failed(), [])

    def test_a_reload_with_a_module_that_is_none(self):
        drover = self.with_module({"Noop": self.function("noop"), "Note": self.note()})
        with open(self.path("text.so"), "w") as file:
            file.write("no module\n")
        drover.write_config(self.config({"Noop": self.function("noop"), "Note": self.note()},
                                        modules=[self.path("text.so")]))
        drover.signal(signal.SIGHUP)
        drover.until_event("reload.refused")
        self.assertIn(self.path("text.so"), drover.events("reload.fault")[-1]["error"])
        self.enqueue("default", "Noop")
        self.enqueue("default", "Note", 1)
        self.until_processed(2)
        self.assertEqual(self.failed(), [])

    def test_a_module_that_is_none(self):
        with open(self.path("text.so"), "w") as file:
            file.write("no module\n")
        self.assert_refused([self.path("text.so")], modules=[self.path("text.so")])


class Origins(SystemTest):
    def test_counters_of_the_payload_are_told(self):
        self.drover({"Job": sh("echo $DROVER_ORIGIN $DROVER_ATTEMPT $DROVER_INTERRUPTIONS "
                               "$DROVER_RECOVERIES $DROVER_JID > %s" % self.path("told"))})
        members = {"attempt": 3, "interruptions": 2, "recoveries": 1, "origin": "retry"}
        self.enqueue("default", "Job", jid="abc", drover=members)
        self.until_processed(1)
        self.assertEqual(self.read("told").split(), ["retry", "3", "2", "1", "abc"])

    def test_run_record_of_a_tracked_class(self):
        job = sh("for w in 'progress 1 4' 'note half way' 'result {\"sum\":3}' 'progress 4 4'; do "
                 "echo \"$w\" >&$DROVER_FD; done", track=True)
        self.drover({"Job": job})
        self.enqueue("default", "Job", 1, jid="tracked-1")
        self.until_processed(1)
        flat = self.redis.call("HGETALL", "resque:drover:run:tracked-1")
        run = dict(zip(flat[::2], flat[1::2]))
        self.assertEqual((run["class"], run["queue"], run["state"]), ("Job", "default", "done"))
        self.assertEqual(json.loads(run["args"]), [1])
        self.assertEqual((run["progress_done"], run["progress_total"]), ("4", "4"))
        self.assertEqual((run["note"], run["result"]), ("half way", '{"sum":3}'))
        for member in ("started_at", "ended_at"):
            self.assertTrue(re.match(r"^\d{4}-\d\d-\d\dT", run[member]), member)
        self.assertGreater(self.redis.call("TTL", "resque:drover:run:tracked-1"), 0)


if __name__ == "__main__":
    main()

"""Signals and ends: the table of signals, what becomes of running jobs, exit codes."""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import processes  # noqa: E402
from rig import SystemTest, command, main, sh  # noqa: E402

QUICK = {"shutdown_grace": "300ms", "kill_grace": "300ms"}
PATIENT = {"shutdown_grace": "1m"}


class Stopping(SystemTest):
    """TERM, INT, QUIT, and again."""

    def busy(self, jobs=1, supervisor=None, **keys):
        """A supervisor with this many gate jobs begun in its two workers; one more waits."""
        drover = self.drover({"Gate": self.gate(**keys)}, supervisor=supervisor or {})
        for number in range(jobs + 1 if jobs > 1 else 1):
            self.enqueue("default", "Gate", number)
        self.pids = self.until_begun(jobs)
        return drover

    def waiting_args(self):
        items = self.redis.call("LRANGE", "resque:queue:default", 0, -1)
        return [json.loads(item)["args"] for item in items]

    def test_term_lets_a_plain_job_finish(self):
        drover = self.busy(supervisor=PATIENT)
        drover.signal(signal.SIGTERM)
        self.enqueue("default", "Gate", "late")
        self.open_gate()
        self.until_exit(drover, 0)
        self.assertEqual((self.stat("processed"), self.waiting_args()), (1, [["late"]]))

    def test_int_is_like_term(self):
        drover = self.busy(supervisor=QUICK)
        drover.signal(signal.SIGINT)
        self.until_exit(drover, 0)
        self.assertEqual(self.waiting_args(), [[0]])

    def test_interrupted_plain_jobs_return_to_the_head_in_order(self):
        drover = self.busy(jobs=2, supervisor=QUICK)
        self.assertEqual(drover.term(), 0)
        self.assertEqual(self.waiting_args(), [[0], [1], [2]])
        self.assertEqual(self.failed(), [])
        for pid in self.pids:
            self.until_gone(pid)
        drover.start()
        self.open_gate()
        self.until_processed(3)

    def test_an_interrupted_job_is_told_so_when_it_runs_again(self):
        show = sh("echo $DROVER_ORIGIN $DROVER_ATTEMPT $DROVER_INTERRUPTIONS $DROVER_JID >> %s;"
                  "until [ -e %s ]; do sleep 0.01; done" % (self.path("told"), self.path("go")))
        drover = self.drover({"Show": show}, supervisor=QUICK)
        self.enqueue("default", "Show")
        self.until_file("told")
        drover.term()
        drover.start()
        self.open_gate()
        self.until_processed(1)
        first, second = [line.split() for line in self.read("told").splitlines()]
        self.assertEqual(first[:3], ["enqueued", "1", "0"])
        self.assertEqual(second[:3], ["resumed", "1", "1"])
        self.assertEqual(first[3], second[3])

    def test_a_job_that_ignores_term_is_killed_after_both_graces(self):
        stubborn = sh("trap '' TERM; echo $$ > %s; while :; do sleep 0.1; done" % self.path("pid"))
        drover = self.drover({"Stubborn": stubborn}, supervisor=QUICK)
        self.enqueue("default", "Stubborn")
        pid = int(self.until_file("pid"))
        self.assertEqual(drover.term(), 0)
        self.until_gone(pid)
        self.assertEqual(self.size("default"), 1)

    def ends_at_the_stop(self, code):
        """A job that answers SIGTERM with this exit code."""
        job = sh("trap 'exit %d' TERM; touch %s; while :; do sleep 0.01; done"
                 % (code, self.path("pid")))
        drover = self.drover({"Job": job}, supervisor=QUICK)
        self.enqueue("default", "Job")
        self.until(lambda: self.read("pid") is not None, "the job to begin")
        self.assertEqual(drover.term(), 0)
        return self.size("default"), [record["exception"] for record in self.failed()]

    def test_a_stopped_job_that_exits_0_is_done(self):
        self.assertEqual(self.ends_at_the_stop(0), (0, []))

    def test_a_stopped_job_that_exits_75_is_given_back(self):
        self.assertEqual(self.ends_at_the_stop(75), (1, []))

    def test_a_stopped_job_that_exits_1_is_given_back(self):
        self.assertEqual(self.ends_at_the_stop(1), (1, []))

    def test_a_stopped_job_that_exits_100_has_failed(self):
        self.assertEqual(self.ends_at_the_stop(100), (0, ["Drover::ExitStatus"]))

    def test_at_most_once_is_failed_and_never_given_back(self):
        drover = self.busy(supervisor=QUICK, delivery="at-most-once")
        self.assertEqual(drover.term(), 0)
        self.assertEqual(self.size("default"), 0)
        self.assertEqual([r["exception"] for r in self.failed()], ["Drover::Interrupted"])

    def test_second_term_ends_the_grace(self):
        drover = self.busy(supervisor=PATIENT)
        drover.signal(signal.SIGTERM)
        drover.until_event("supervisor.drain")
        drover.signal(signal.SIGTERM)
        self.until_exit(drover, 0)
        self.assertEqual(self.waiting_args(), [[0]])

    def test_quit_waits_without_a_deadline_and_term_shortens_it(self):
        drover = self.busy(supervisor=QUICK)
        drover.signal(signal.SIGQUIT)
        drover.until_event("supervisor.drain")
        self.assertTrue(processes.alive(self.pids[0]))
        drover.signal(signal.SIGTERM)
        self.until_exit(drover, 0)
        self.assertEqual(self.waiting_args(), [[0]])

    def test_quit_lets_the_job_finish(self):
        drover = self.busy(supervisor=QUICK)
        drover.signal(signal.SIGQUIT)
        drover.until_event("supervisor.drain")
        self.open_gate()
        self.until_exit(drover, 0)
        self.assertEqual(self.stat("processed"), 1)

    def test_a_third_term_kills_at_once(self):
        stubborn = sh("trap '' TERM; echo $$ > %s; while :; do sleep 0.1; done" % self.path("pid"))
        drover = self.drover({"Stubborn": stubborn},
                             supervisor={"shutdown_grace": "1m", "kill_grace": "1m"})
        self.enqueue("default", "Stubborn")
        self.until_file("pid")
        drover.signal(signal.SIGTERM)
        drover.until_event("supervisor.drain")
        drover.signal(signal.SIGTERM)
        drover.until_event("supervisor.grace_over")
        drover.signal(signal.SIGTERM)
        self.until_exit(drover, 0)
        self.assertEqual(self.size("default"), 1)

    def test_a_hail_of_terms_changes_no_exit_code(self):
        drover = self.busy(supervisor=PATIENT)

        def again():
            drover.signal(signal.SIGTERM)
            return not drover.running
        self.until(again, "droverd to end", every=0)
        self.until_exit(drover, 0)
        self.assertEqual(self.waiting_args(), [[0]])


class Running(SystemTest):
    """USR1, USR2, CONT, HUP, TTIN, TTOU, WINCH."""

    def test_usr1_ends_what_runs_and_goes_on(self):
        drover = self.drover({"Gate": self.gate(), "Note": self.note()})
        self.enqueue("default", "Gate")
        pid = self.until_begun()[0]
        drover.signal(signal.SIGUSR1)
        record = self.until_failed(1)[0]
        self.assertEqual(record["exception"], "Resque::DirtyExit")
        self.until_gone(pid)
        self.enqueue("default", "Note", 1)
        self.until_processed(2)

    def test_usr2_takes_nothing_new_until_cont(self):
        drover = self.drover({"Gate": self.gate(), "Note": self.note()})
        self.enqueue("default", "Gate")
        self.until_begun()
        drover.signal(signal.SIGUSR2)
        drover.until_event("supervisor.quiet")
        self.enqueue("default", "Note", 1)
        self.open_gate()
        self.until_processed(1)  # what runs goes on
        self.assertEqual(self.size("default"), 1)
        drover.signal(signal.SIGCONT)
        self.until_processed(2)

    def test_hup_takes_the_new_file(self):
        drover = self.drover({"Old": self.note("old")})
        drover.write_config(self.config({"New": self.note("new")},
                                        pools={"more": {"workers": 3, "queues": ["other"]}}))
        drover.signal(signal.SIGHUP)
        drover.until_event("reload.done")
        self.until(lambda: len(self.workers()) == 3, "three workers")
        self.assertEqual({worker.split(":", 2)[2] for worker in self.workers()}, {"other"})
        self.enqueue("other", "New", 1)
        self.until_processed(1)
        self.assertEqual(self.noted("new"), [[1]])

    def test_hup_refuses_a_bad_file_and_goes_on(self):
        drover = self.drover({"Old": self.note()})
        drover.write_config("pools: [what\n")
        drover.signal(signal.SIGHUP)
        drover.until_event("reload.refused")
        self.enqueue("default", "Old", 1)
        self.until_processed(1)

    def test_hup_names_what_cannot_change(self):
        drover = self.drover({"Old": self.note()})
        drover.write_config(self.config({"Old": self.note()}, supervisor={"lease": "20s"}))
        drover.signal(signal.SIGHUP)
        drover.until_event("reload.done")
        self.assertIn("supervisor.lease", drover.log())

    def test_ttin_and_ttou_change_the_number_of_workers(self):
        drover = self.drover({"Gate": self.gate()})
        drover.signal(signal.SIGTTIN)
        self.until(lambda: len(self.workers()) == 3, "a third worker")
        for number in range(3):
            self.enqueue("default", "Gate", number)
        self.until_begun(3)
        drover.signal(signal.SIGTTOU)
        self.open_gate()
        self.until_processed(3)
        self.until(lambda: len(self.workers()) == 2, "two workers")
        drover.signal(signal.SIGTTIN)
        self.until(lambda: len(self.workers()) == 3, "three again")
        drover.signal(signal.SIGHUP)
        self.until(lambda: len(self.workers()) == 2, "the number of the file")

    def test_winch_goes_to_zero_and_ttin_brings_one_back(self):
        drover = self.drover({"Note": self.note()})
        drover.signal(signal.SIGWINCH)
        self.until(lambda: not self.workers(), "no worker")
        self.enqueue("default", "Note", 1)
        drover.signal(signal.SIGTTIN)
        self.until_processed(1)
        self.assertEqual(len(self.workers()), 1)
        drover.signal(signal.SIGHUP)
        self.until(lambda: len(self.workers()) == 2, "the number of the file")

    def test_pipe_is_ignored(self):
        drover = self.drover({"Note": self.note()})
        drover.signal(signal.SIGPIPE)
        self.enqueue("default", "Note", 1)
        self.until_processed(1)

    def test_a_nursery_that_dies_is_started_again(self):
        drover = self.drover({"Note": self.note()})
        nursery = drover.nurseries()[0]
        os.kill(nursery, signal.SIGKILL)
        self.until_gone(nursery)
        for number in range(5):
            self.enqueue("default", "Note", number)
        self.until_processed(5)
        self.assertEqual(self.failed(), [])
        self.assertEqual(sorted(self.noted()), [[number] for number in range(5)])

    def test_sigkill_of_the_supervisor_leaves_no_process(self):
        self.conserves = False  # the job is in the lease of a dead supervisor, until one adopts it
        job = sh("setsid sleep 300 & echo $! >> %s; sleep 300 & echo $! >> %s; echo $$ >> %s; wait"
                 % ((self.path("pids"),) * 3))
        drover = self.drover({"Job": job})
        self.enqueue("default", "Job")
        self.until(lambda: (self.read("pids") or "").count("\n") == 3, "the job to begin")
        nurseries = drover.nurseries()
        drover.kill()
        for pid in [int(p) for p in self.read("pids").split()] + nurseries:
            self.until_gone(pid)
        self.redis.call("FLUSHALL")


class ExitCodes(SystemTest):
    def config_file(self, text):
        with open(self.path("x.yml"), "w") as file:
            file.write(text)
        return self.path("x.yml")

    def test_usage(self):
        for arguments in (["--what"], ["-c"], ["one", "two"]):
            code, _, words = command("droverd", *arguments)
            self.assertEqual(code, 64, arguments)
            self.assertTrue(words.strip(), "a sentence on standard error")

    def test_bad_configuration(self):
        code, _, words = command("droverd", "-c", self.config_file("supervisor: {leese: 1s}\n"))
        self.assertEqual(code, 78)
        self.assertIn("x.yml:1", words)

    def test_no_configuration_file(self):
        code, _, words = command("droverd", "-c", self.path("missing.yml"))
        self.assertEqual(code, 78)
        self.assertIn("missing.yml", words)

    def test_redis_not_there(self):
        drover = self.new_drover({"Note": self.note()}, redis={
            "url": "unix://%s" % self.path("nobody.sock"), "connect_timeout": "200ms"})
        drover.start(wait=False)
        self.until_exit(drover, 69)
        self.assertIn("nobody.sock", drover.log())

    def test_password_refused(self):
        with open(self.path("password"), "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write("wrong-secret\n")
        self.redis.call("CONFIG", "SET", "requirepass", "right-secret")
        drover = self.new_drover({"Note": self.note()}, redis={
            "password_file": self.path("password"), "connect_timeout": "2s"})
        drover.start(wait=False)
        self.until_exit(drover, 1)
        self.assertRegex(drover.log(), "WRONGPASS|invalid")
        self.assertNotIn("wrong-secret", drover.log())
        self.redis.call("CONFIG", "SET", "requirepass", "")  # for what looks at the end


if __name__ == "__main__":
    main()

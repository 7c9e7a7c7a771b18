"""The state folder: what a start of droverd leaves behind, and who sees to it.

Leases are so long here that nothing can come back by their end: what comes back was taken over.
"""

import contextlib
import os
import signal
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import processes  # noqa: E402
from rig import SystemTest, main, python, sh  # noqa: E402

LONG = {"supervisor": {"lease": "60s", "shutdown_grace": "1s"}}


class Takeover(SystemTest):
    redis_options = {"appendonly": "yes"}  # killed, it comes back with all it had

    # -- helpers ---------------------------------------------------------------------------------
    def state(self, *names):
        return os.path.join(self.folder, "state", *names)

    def folders(self):
        return sorted(name for name in os.listdir(self.state()) if not name.startswith("."))

    def lease_of(self, drover):
        return drover.events("supervisor.ready")[-1]["lease"]

    def about(self, folder):
        with open(self.state(folder, "about")) as file:
            return dict(line.rstrip("\n").split(" ", 1) for line in file)

    def write_about(self, folder, **values):
        with open(self.state(folder, "about"), "w") as file:
            file.writelines("%s %s\n" % pair for pair in values.items())

    def end_all_at_once(self, drover):
        """droverd and its nursery: nobody is left who could bury its jobs."""
        drover.signal(signal.SIGSTOP)
        for pid in drover.nurseries():
            os.kill(pid, signal.SIGKILL)
        return drover.kill()

    def start_sleeper(self, **env):
        """A living process that is nobody's job."""
        sleeper = subprocess.Popen(["sleep", "1000"], env=dict(env, PATH=os.environ["PATH"]))
        self.addCleanup(sleeper.wait)
        self.addCleanup(sleeper.kill)
        return sleeper

    def start_boot_ms(self, pid):
        ticks = int(processes.stat_fields(pid)[19])
        return ticks * 1000 // os.sysconf("SC_CLK_TCK")

    def stubborn(self):
        """Until it is a recovery it runs on, in a session and a group of its own."""
        return sh('echo "$DROVER_RECOVERIES $DROVER_ORIGIN" >> %s; '
                  '[ "$DROVER_RECOVERIES" = 0 ] || exit 0; '
                  'setsid sh -c \'echo $$ >> %s; exec sleep 1000\' & wait'
                  % (self.path("runs"), self.path("begun")))

    # -- starts that ended without a word ---------------------------------------------------------
    def test_the_next_start_takes_over_at_once(self):
        jobs = {"Stubborn": self.stubborn()}
        first = self.drover(jobs, **LONG)
        self.enqueue("default", "Stubborn", jid="a")
        self.enqueue("default", "Stubborn", jid="b")
        pids = self.until_begun(2)
        self.end_all_at_once(first)
        self.assertEqual(self.folders(), [self.lease_of(first)])
        second = self.drover(jobs, **LONG)
        self.until_processed(2)
        for pid in pids:
            self.assertFalse(processes.alive(pid), "what the first start left behind")
        self.assertEqual(sorted(self.read("runs").split("\n")[:-1]),
                         ["0 enqueued"] * 2 + ["1 recovered"] * 2)
        second.until_event("takeover.done", lease=self.lease_of(first))
        self.assertEqual(self.folders(), [self.lease_of(second)])

    def test_a_neighbour_takes_over(self):
        jobs = {"Stubborn": self.stubborn()}
        first = self.drover(jobs, **LONG)
        self.enqueue("default", "Stubborn")
        (pid,) = self.until_begun()
        second = self.drover(jobs, **LONG)
        self.assertEqual(len(self.folders()), 2)
        self.end_all_at_once(first)
        second.until_event("takeover.done", lease=self.lease_of(first))
        self.until_processed(1)
        self.assertFalse(processes.alive(pid))
        self.assertEqual(self.folders(), [self.lease_of(second)])
        self.assertEqual(second.term(), 0)
        self.assertEqual(self.folders(), [])

    def test_living_neighbours_are_left_alone(self):
        jobs = {"Gate": self.gate()}
        first = self.drover(jobs, **LONG)
        self.enqueue("default", "Gate")
        self.until_begun()
        second = self.drover(jobs, **LONG)
        third = self.drover(jobs, **LONG)
        self.assertEqual(third.term(), 0)
        self.assertEqual(self.folders(), sorted([self.lease_of(first), self.lease_of(second)]))
        self.open_gate()
        self.until_processed(1)
        for drover in (first, second, third):
            self.assertEqual(drover.events("takeover.begin"), [])

    def test_a_start_that_is_stopped_is_not_gone(self):
        jobs = {"Gate": self.gate()}
        first = self.drover(jobs, **LONG)
        self.enqueue("default", "Gate")
        self.until_begun()
        first.signal(signal.SIGSTOP)
        second = self.drover(jobs, **LONG)
        self.assertEqual(second.term(), 0)
        self.assertEqual(second.events("takeover.begin"), [])
        first.signal(signal.SIGCONT)
        self.open_gate()
        self.until_processed(1)

    def test_redis_refuses_for_a_while(self):
        jobs = {"Stubborn": self.stubborn()}
        first = self.drover(jobs, **LONG)
        second = self.drover(jobs, pools={"main": {"workers": 1, "queues": ["other"]}}, **LONG)
        self.enqueue("default", "Stubborn")
        self.until_begun()
        self.redis.call("SET", "resque:drover:taken", "of a wrong type")
        self.end_all_at_once(first)
        second.until_event("adopt.refused")
        self.redis.call("DEL", "resque:drover:taken")
        second.until_event("takeover.done", lease=self.lease_of(first))
        self.assertEqual(self.size("default"), 1)
        self.assertEqual(len(second.events("adopt.refused")), 1)
        second.until_event("adopt.accepted")

    # -- what it had to say -----------------------------------------------------------------------
    def done_while_redis_is_away(self, count=1):
        """A start that is killed with so many verdicts in its journal. Returns it and its folder."""
        self.jobs = {"Gate": self.gate()}
        first = self.drover(self.jobs, **LONG)
        for i in range(count):
            self.enqueue("default", "Gate", i)
        self.until_begun(count)
        self.redis.kill()  # a paused one would find the verdict in its socket later
        self.open_gate()
        first.until_event("job.done", count)
        journal = self.state(self.lease_of(first), "verdicts")
        self.until(lambda: os.path.getsize(journal) > 0, "the verdicts to be written down")
        return first, journal

    def test_verdicts_outlive_their_droverd(self):
        first, _ = self.done_while_redis_is_away(2)
        first.kill()
        self.redis.start()
        second = self.drover(self.jobs, **LONG)
        self.until_processed(2)
        taken = second.until_event("takeover.done")[0]
        self.assertEqual(taken["verdicts"], 2)
        self.assertEqual(self.read("begun").count("\n"), 2, "none has run again")

    def test_a_torn_journal(self):
        first, journal = self.done_while_redis_is_away(2)
        first.kill()
        os.truncate(journal, os.path.getsize(journal) - 5)
        self.redis.start()
        second = self.drover(self.jobs, **LONG)
        self.until_processed(2)
        self.assertEqual(second.until_event("takeover.done")[0]["verdicts"], 1)
        self.assertEqual(self.read("begun").count("\n"), 3, "the one whose verdict was torn")

    def test_redis_is_still_away(self):
        first, _ = self.done_while_redis_is_away()
        first.kill()
        second = self.new_drover(self.jobs, ["--wait"], **LONG).start(wait=False)
        second.until_event("takeover.begin")
        second.until_event("redis.down")
        self.assertIn(self.lease_of(first), self.folders(), "it waits")
        self.redis.start()
        second.until_event("takeover.done")
        second.until_event("supervisor.ready")
        self.assertEqual(self.folders(), [self.lease_of(second)])
        self.until_processed(1)

    def test_an_end_without_redis_leaves_its_verdicts(self):
        first, journal = self.done_while_redis_is_away()
        first.process.send_signal(signal.SIGTERM)
        said = first.until_event("supervisor.gave_up")[0]
        self.assertEqual(said["verdicts"], 1)
        self.assertEqual(said["folder"], os.path.dirname(journal))
        self.until_exit(first, 1)
        self.redis.start()
        second = self.drover(self.jobs, **LONG)
        self.until_processed(1)
        self.assertEqual(second.until_event("takeover.done")[0]["verdicts"], 1)

    # -- identity ---------------------------------------------------------------------------------
    def forge(self, sleeper, **changes):
        """A folder that looks left behind, whose scoreboard names a living process as a job's."""
        model = self.drover({}, **LONG)
        about = dict(self.about(self.lease_of(model)), **changes)
        name = about["lease"]
        self.assertEqual(model.term(), 0)
        os.mkdir(self.state(name), 0o700)
        self.write_about(name, **about)
        with open(self.state(name, "lock"), "w"):
            pass
        page = os.sysconf("SC_PAGESIZE")
        begin = self.start_boot_ms(sleeper.pid)
        header = struct.pack("IIIIIiqqq", 0x44534231, 1, page, 1, 0, 1, 0, 0, 60000)
        record = struct.pack("IIIIiIqqq", 2, 1, 1, 1, sleeper.pid, 0, begin + 60000, begin + 60001, 0)
        with open(self.state(name, "scoreboard"), "wb") as file:
            file.write(header.ljust(page, b"\0") + record.ljust(3 * page, b"\0"))
        return name

    def test_a_number_that_is_another_process_by_now(self):
        sleeper = self.start_sleeper()
        name = self.forge(sleeper, lease="forged:%d:1" % sleeper.pid, pid=sleeper.pid,
                          start_boot_ms=self.start_boot_ms(sleeper.pid) - 60000)
        drover = self.drover({}, **LONG)
        done = drover.until_event("takeover.done", lease=name)[0]
        self.assertEqual(done["killed"], 0)
        self.assertIsNone(sleeper.poll())
        self.assertNotIn(name, self.folders())

    def test_a_lock_that_is_free_under_a_living_process(self):
        sleeper = self.start_sleeper()
        name = self.forge(sleeper, lease="forged:%d:2" % sleeper.pid, pid=sleeper.pid,
                          start_boot_ms=self.start_boot_ms(sleeper.pid))
        drover = self.drover({}, **LONG)
        drover.until_event("takeover.alive", folder=name)
        self.assertIsNone(sleeper.poll())
        self.assertIn(name, self.folders())

    def test_the_mark_is_what_ends_a_process(self):
        lease = "forged:1:3"
        marked = self.start_sleeper(DROVER_LEASE=lease)
        near = self.start_sleeper(DROVER_LEASE=lease + "0", NOT_DROVER_LEASE=lease)
        self.forge(marked, lease=lease)
        drover = self.drover({}, **LONG)
        self.assertEqual(drover.until_event("takeover.done", lease=lease)[0]["killed"], 1)
        self.assertEqual(marked.wait(), -signal.SIGKILL)
        self.assertIsNone(near.poll())

    def test_a_job_without_its_mark_is_known_by_the_scoreboard(self):
        """It has another environment by now, and would not die with droverd."""
        bare = python("import ctypes, os; ctypes.CDLL(None).prctl(1, 0); "
                      "again = os.environ['DROVER_RECOVERIES'] != '0'; "
                      "print(os.getpid(), file=open(%r, 'a')); "
                      "again or os.execve('/bin/sleep', ['sleep', '1000'], {})"
                      % self.path("begun"))
        first = self.drover({"Bare": bare}, **LONG)
        self.enqueue("default", "Bare")
        (pid,) = self.until_begun()
        self.until(lambda: processes.name(pid) == "sleep", "the job to shed its environment")
        self.end_all_at_once(first)
        self.assertTrue(processes.alive(pid))
        self.drover({"Bare": bare}, **LONG)
        self.until_processed(1)
        self.assertFalse(processes.alive(pid))

    def test_of_another_boot_only_files_are_read(self):
        first, _ = self.done_while_redis_is_away()
        name = self.lease_of(first)
        self.end_all_at_once(first)
        self.redis.start()
        marked = self.start_sleeper(DROVER_LEASE=name)
        self.write_about(name, **dict(self.about(name), boot_id="another"))
        second = self.drover(self.jobs, **LONG)
        self.until_processed(1)
        second.until_event("takeover.done", lease=name)
        self.assertIsNone(marked.poll(), "a process of this boot has nothing to do with it")
        marked.kill()
        self.assertEqual(self.read("begun").count("\n"), 1)

    def test_a_lease_in_another_redis_waits_for_its_own(self):
        first, _ = self.done_while_redis_is_away()
        name = self.lease_of(first)
        first.kill()
        self.redis.start()
        other = self.drover(self.jobs, redis={"namespace": "other"}, **LONG)
        other.until_event("takeover.foreign")
        self.assertIn(name, self.folders())
        second = self.drover(self.jobs, **LONG)
        second.until_event("takeover.done", lease=name)
        self.until_processed(1)
        self.assertEqual(other.term(), 0)

    def test_one_of_several_neighbours_does_it(self):
        jobs = {"Stubborn": self.stubborn()}
        first = self.drover(jobs, pools={"main": {"workers": 8, "queues": ["default"]}}, **LONG)
        for _ in range(8):
            self.enqueue("default", "Stubborn")
        self.until_begun(8)
        others = [self.drover(jobs, **LONG) for _ in range(3)]
        self.end_all_at_once(first)
        self.until_processed(8)
        self.until(lambda: sum(len(d.events("takeover.done")) for d in others), "a take-over")
        self.assertEqual(sum(len(d.events("takeover.begin")) for d in others), 1)
        self.assertEqual(self.read("runs").count("\n"), 16)

    def test_one_after_the_other_dies(self):
        jobs = {"Stubborn": self.stubborn()}
        drover = self.drover(jobs, **LONG)
        self.enqueue("default", "Stubborn")
        self.until_begun()
        for _ in range(3):  # killed while it takes over, before or after Redis was told
            self.end_all_at_once(drover)
            drover = self.new_drover(jobs, **LONG).start(wait=False)
            drover.until_event("takeover.begin")
        drover.until_event("supervisor.ready")
        self.until_processed(1)
        self.until(lambda: self.folders() == [self.lease_of(drover)], "one folder to be left")
        self.assertEqual(self.read("runs").count("\n"), 2)

    # -- its own folder ----------------------------------------------------------------------------
    def test_a_lease_that_was_taken_leaves_no_folder(self):
        drover = self.drover({"Note": self.note()}, supervisor={"lease": "1s"})
        old = self.lease_of(drover)
        self.redis.call("ZADD", "resque:drover:taken", 1, old)
        self.redis.call("ZREM", "resque:drover:supervisors", old)
        drover.until_event("lease.taken", lease=old)
        self.until(lambda: self.folders() and old not in self.folders(), "a folder of the new id")
        self.enqueue("default", "Note", 1)
        self.until_processed(1)
        with contextlib.suppress(FileNotFoundError):
            self.assertEqual(self.about(self.folders()[0])["pid"], str(drover.pid))
        self.redis.call("DEL", "resque:drover:taken", "resque:drover:supervisor:" + old)

    def test_a_state_dir_that_cannot_be_used(self):
        os.mkdir(self.state())
        with open(self.path("plain"), "w"):
            pass
        drover = self.new_drover({}, supervisor={"state_dir": self.path("plain")})
        drover.start(wait=False)
        self.until_exit(drover, 1)
        self.assertIn("plain", drover.events("supervisor.failed")[0]["error"])

    def test_a_state_dir_others_may_write_in_is_refused(self):
        for spoil, word in ((lambda path: os.chmod(path, 0o777), "chmod 700"),
                            (lambda path: os.chown(path, 12345, -1), "another user")):
            path = self.path("theirs%d" % len(self.supervisors))
            os.mkdir(path, 0o700)
            if word == "another user" and os.geteuid() != 0:
                continue
            spoil(path)
            drover = self.new_drover({}, supervisor={"state_dir": path})
            drover.start(wait=False)
            self.until_exit(drover, 1)
            self.assertIn(word, drover.events("supervisor.failed")[0]["error"])

    def test_a_journal_of_absurd_size_ends_nobody(self):
        first = self.drover({"Gate": self.gate()}, **LONG)
        self.enqueue("default", "Gate", jid="j")
        self.until_begun()
        folder = self.state(self.lease_of(first))
        first.kill()
        os.truncate(os.path.join(folder, "verdicts"), 1 << 40)
        second = self.drover({"Gate": self.note()}, **LONG)
        second.until_event("takeover.no_verdicts")
        self.until_processed(1)

    def test_workers_that_come_and_go_are_in_the_scoreboard(self):
        drover = self.drover({"Gate": self.gate()}, **LONG)
        drover.signal(signal.SIGTTIN)
        drover.until_event("supervisor.workers", workers=3)
        for i in range(3):
            self.enqueue("default", "Gate", i, jid="j%d" % i)
        begun = self.until_begun(3)
        with open(self.state(self.lease_of(drover), "scoreboard"), "rb") as file:
            board = file.read()
        page = os.sysconf("SC_PAGESIZE")
        self.assertEqual(struct.unpack_from("III", board, 4), (2, page, 3))
        pids = [struct.unpack_from("i", board, page * (1 + 3 * i) + 16)[0] for i in range(3)]
        jids = {board[at:at + 2] for at in (page * (1 + 3 * i) + 368 for i in range(3))}
        self.assertEqual(sorted(pids), sorted(begun))
        self.assertEqual(jids, {b"j0", b"j1", b"j2"})
        self.open_gate()
        self.until_processed(3)


if __name__ == "__main__":
    main()

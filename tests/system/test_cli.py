"""drover: its words, its exit codes, enqueue, and what it is beside a supervisor."""

import json
import os
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cli import CliTest, Cutting  # noqa: E402
from rig import command, free_port, main, program, sh  # noqa: E402


class Usage(CliTest):
    def test_wrong_words(self):
        for words, sentence in [
                ((), "which verb"), (("frob",), "no verb frob"), (("top",), "not built yet"),
                (("queues", "x"), "usage"), (("enqueue", "q"), "usage"),
                (("queues", "--frob"), "unknown option --frob"),
                (("enqueue", "q", "C", "--in", "5"), "--in 5 is no duration"),
                (("enqueue", "q", "C", "--in", "none"), "no duration"),
                (("enqueue", "q", "C", "--at", "noon"), "--at noon is no time"),
                (("enqueue", "q", "C", "--in", "1s", "--at", "5"), "not both"),
                (("enqueue", "q", "C", "--id", ""), "a request id cannot be empty"),
                (("cancel",), "usage"), (("cancel", "x", "--wait=5"), "no duration"),
                (("delayed", "frob"), "usage"), (("delayed", "remove"), "usage"),
                (("delayed", "--limit", "x"), "needs a number"),
                (("enqueue", "q", "C", "--args", "{}"), "must be a JSON array"),
                (("enqueue", "q", "C", "--args", "[1]", "x"), "not both"),
                (("enqueue", "q", "C", "--wait=5"), "no duration"),
                (("enqueue", "", "C"), "cannot be empty"),
                (("jobs", "--limit", "x"), "needs a number"), (("retry",), "usage"),
                (("retry", "1", "--all"), "usage"), (("failed", "remove"), "usage"),
                (("queue", "q", "frob"), "paused, resumed or cleared"),
                (("queue", "*", "pause"), "is no queue")]:
            with self.subTest(words=words):
                self.refused(64, sentence, *words)

    def test_help_and_version(self):
        self.assertIn("enqueue", self.ok("--help"))
        self.assertIn("--wait[=DURATION]", self.ok("enqueue", "--help"))
        self.assertRegex(self.ok("--version"), r"^drover \d")

    def test_redis_away(self):
        url = "redis://127.0.0.1:%d/0" % free_port()
        config = self.path("drover.yml")
        with open(config, "w") as file:
            file.write("redis: {url: \"%s\", connect_timeout: 200ms}\n" % url)
        code, _, err = command("drover", "-c", config, "queues")
        self.assertEqual(code, 69)
        self.assertIn(url, err)

    def test_bad_configuration(self):
        config = self.path("drover.yml")
        with open(config, "w") as file:
            file.write("redis: {ulr: x}\npools: 7\n")
        for verb in ("queues", "check"):
            code, out, err = command("drover", "-c", config, verb)
            self.assertEqual(code, 78)
            self.assertEqual((out + err).count(config + ":"), 2, out + err)

    def test_password_file_of_the_file(self):
        self.redis.call("CONFIG", "SET", "requirepass", "open sesame")
        config, password = self.path("drover.yml"), self.path("password")
        with open(config, "w") as file:
            file.write("redis: {url: \"%s\", password_file: %s}\n" % (self.redis.url, password))
        with open(password, "w") as file:
            file.write("open sesame\n")
        os.chmod(password, 0o600)
        code, _, err = command("drover", "-c", config, "queues")
        self.assertEqual((code, err), (0, ""))
        os.chmod(password, 0o644)
        self.assertEqual(command("drover", "-c", config, "queues")[0], 78)
        code, _, err = self.cli("queues")
        self.assertEqual(code, 69)
        self.assertNotIn("sesame", err)
        self.redis.call("CONFIG", "SET", "requirepass", "")

    def test_option_beats_environment_beats_file(self):
        away = "redis://127.0.0.1:%d/0" % free_port()
        config = self.path("drover.yml")
        with open(config, "w") as file:
            file.write("redis: {url: \"%s\", namespace: other, connect_timeout: 200ms}\n" % away)
        env = {"DROVER_REDIS_URL": self.redis.url}
        code, _, err = command("drover", "-c", config, "enqueue", "q", "C", env=env)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(self.redis.keys(), ["other:queue:q", "other:queues"])
        env = {"DROVER_REDIS_URL": away}
        code, _, err = command("drover", "--namespace", "", "--redis", self.redis.url, "enqueue",
                               "q", "C", env=env)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(self.redis.keys("q*"), ["queue:q", "queues"])


class Enqueue(CliTest):
    def test_as_resques_client_does(self):
        jid = self.ok("enqueue", "low", "Mail", "a", "b c").strip()
        self.assertRegex(jid, "^[0-9a-f]{24}$")
        self.assertEqual(self.redis.keys(), ["resque:queue:low", "resque:queues"])
        self.assertEqual(self.redis.call("SMEMBERS", "resque:queues"), ["low"])
        [item] = self.queue("low")
        self.assertTrue(item.startswith('{"class":"Mail","args":["a","b c"],"jid":"%s","at":' % jid))

    def test_arguments_keep_their_bytes(self):
        args = '[1.10,{"a":12345678901234567890},[],"\\u00e9"]'
        self.ok("enqueue", "low", "Mail", "--args", args)
        self.assertIn(args, self.queue("low")[0])

    def test_words_behind_two_dashes(self):
        self.ok("enqueue", "low", "Mail", "--", "--json", "-5")
        self.assertEqual(json.loads(self.queue("low")[0])["args"], ["--json", "-5"])

    def test_in_order(self):
        jids = [self.ask("enqueue", "low", "Mail", str(n))["jid"] for n in range(3)]
        self.assertEqual([json.loads(item)["jid"] for item in self.queue("low")], jids)
        self.assertEqual([job["jid"] for job in self.ask("jobs")], jids)

    def test_wait_is_over(self):
        code, out, err = self.cli("enqueue", "low", "Slow", "--wait=100ms")
        self.assertEqual(code, 75)
        self.assertIn("has not ended in time", err)
        self.assertEqual(self.ask("job", out.strip())["state"], "queued")

    def test_wait_ends_with_the_record(self):
        for state, code in (("done", 0), ("failed", 1), ("cancelled", 1)):
            with self.subTest(state=state):
                jid = self.until_enqueued_then(state)
                self.assertEqual(self.waiter.result[0], code, self.waiter.result)
                self.assertEqual(self.waiter.result[1].strip(), jid)

    def run_keys(self):
        return [k for k in self.redis.keys("resque:drover:run:*") if not k.endswith(":audit")]

    def until_enqueued_then(self, state):
        """Somebody waits; the record is made to say `state`; the waiter's jid."""
        def wait():
            self.waiter.result = self.cli("enqueue", "low", "Slow", "--wait=60s")
        self.redis.call("FLUSHALL")
        self.waiter = threading.Thread(target=wait)
        self.waiter.start()
        key = self.until(self.run_keys, "the run record")[0]
        self.redis.call("HSET", key, "state", state)
        self.waiter.join()
        return key.split(":")[-1]

    def test_record_gone_while_waited_for(self):
        def wait():
            waiter.result = self.cli("enqueue", "low", "Slow", "--wait=60s")
        waiter = threading.Thread(target=wait)
        waiter.start()
        key = self.until(self.run_keys, "the run record")[0]
        self.redis.call("DEL", key)
        waiter.join()
        self.assertEqual(waiter.result[0], 2, waiter.result)

    def test_answer_lost_is_said_and_never_sent_again(self):
        way = Cutting(self.path("cut.sock"), self.redis.path, b"Lost")
        self.addCleanup(way.close)
        code, _, err = command("drover", "--redis", way.url, "enqueue", "low", "Lost")
        self.assertEqual(code, 69, err)
        self.assertIn("unknown whether it was enqueued", err)
        self.until(lambda: len(self.queue("low")) == 1, "the job that went through")
        self.assertEqual(way.seen, 1)

    def test_refused_under_maxmemory_leaves_nothing(self):
        self.redis.call("CONFIG", "SET", "maxmemory", "1")
        for words, code in ((("C",), 1), (("C", "--wait"), 2)):
            self.refused(code, "OOM", "enqueue", "low", *words)
        self.redis.call("CONFIG", "SET", "maxmemory", "0")
        self.assertEqual(self.redis.keys(), [])


class InsideAJob(CliTest):
    """The other end of the job socket is held by the test."""

    def say(self, *words, answer=b""):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            os.set_inheritable(theirs.fileno(), True)
            ours.sendall(answer)
            done = self.run_with(theirs.fileno(), *words)
            theirs.close()
            said = b""
            while data := ours.recv(65536):
                said += data
        return done, said.decode()

    def run_with(self, fd, *words):
        return subprocess.run([program("drover")] + list(words), pass_fds=[fd], check=False,
                              env=dict(os.environ, DROVER_FD=str(fd)), capture_output=True).returncode

    def test_lines(self):
        self.assertEqual(self.say("progress", "5", "10"), (0, "progress 5 10\n"))
        self.assertEqual(self.say("progress", "5"), (0, "progress 5\n"))
        self.assertEqual(self.say("note", "half way"), (0, "note half way\n"))
        self.assertEqual(self.say("result", '{"n": 1}'), (0, 'result {"n": 1}\n'))

    def test_checkpoint(self):
        self.assertEqual(self.say("checkpoint", "row 7", answer=b"go\n"), (0, "cursor row 7\n"))
        self.assertEqual(self.say("checkpoint", "row 7", answer=b"stop\n"), (75, "cursor row 7\n"))

    def test_refused(self):
        self.assertEqual(self.say("progress", "x"), (64, ""))
        self.assertEqual(self.say("result", "{"), (64, ""))
        self.assertEqual(self.say("note", "a\nb"), (64, ""))
        self.refused(1, "inside a job", "note", "x")


class WithSupervisor(CliTest):
    holds = empties = True

    def test_wait_for_done_and_failed(self):
        self.drover({"Good": sh("exit 0"), "Bad": sh("echo why >&2; exit 3")})
        code, out, err = self.cli("enqueue", "default", "Good", "--wait=60s")
        self.assertEqual((code, err), (0, ""))
        job = self.ask("job", out.strip())
        self.assertEqual((job["state"], job["class"], job["attempt"]), ("done", "Good", 1))
        self.assertTrue(job["enqueued_at"] <= job["started_at"] <= job["ended_at"])
        code, out, err = self.cli("enqueue", "default", "Bad", "--wait=60s", "--json")
        self.assertEqual(code, 1)
        self.assertIn("Drover::ExitStatus", err)
        self.assertEqual(json.loads(out)["exception"], "Drover::ExitStatus")

    def test_who_works_on_what(self):
        self.drover({"Hang": sh("echo $$ > %s; until test -e %s; do sleep 0.05; done"
                                % (self.path("pid"), self.path("go")))},
                    supervisor={"lease": "2s"})
        jid = self.ask("enqueue", "default", "Hang", "1")["jid"]
        pid = int(self.until_file("pid"))
        job = self.ask("job", jid)
        self.assertEqual((job["state"], job["class"], job["queue"]), ("running", "Hang", "default"))
        self.until(lambda: self.ask("job", jid)["pid"] == pid, "the pid, which is told with a beat")
        busy = [w for w in self.ask("workers") if w["state"] == "running"]
        self.assertEqual([(w["pool"], w["jid"], w["id"]) for w in busy],
                         [("main", jid, job["worker"])])
        self.assertEqual({w["pool"] for w in self.ask("workers")}, {"main"})
        self.until(lambda: self.ask("supervisors")[0]["busy"] == 1, "the record of the supervisor")
        [supervisor] = self.ask("supervisors")
        self.assertEqual((supervisor["workers"], supervisor["state"]), (2, "running"))
        self.assertEqual(supervisor["pools"][0]["name"], "main")
        self.assertLess(supervisor["beat_ms"], 2000)
        self.ok("supervisors")
        with open(self.path("go"), "w"):
            self.until_processed(1)

    def test_paused_queue_waits(self):
        self.ok("queue", "default", "pause")
        self.drover({"Good": sh("exit 0")})
        self.ok("enqueue", "default", "Good")
        self.ok("enqueue", "low", "Good")
        self.until_processed(1)
        self.assertEqual(self.size("default"), 1)
        self.ok("queue", "default", "resume")
        self.until_processed(2)

    def test_retry_after_failure(self):
        self.drover({"Once": sh("test -e " + self.path("mended"))})
        jid = self.ask("enqueue", "default", "Once")["jid"]
        self.until_failed(1)
        with open(self.path("mended"), "w"):
            pass
        self.ok("retry", jid)
        self.until_processed(2)
        self.assertEqual(self.ask("failed"), [])

    def test_inside_a_job(self):
        self.drover({"Talk": sh("d=%s; $d progress 5 10 && $d note 'half way' && $d result '[1]'"
                                " && $d checkpoint 5" % program("drover"))})
        code, out, err = self.cli("enqueue", "default", "Talk", "--wait=60s", "--json")
        self.assertEqual(code, 0, err)
        job = json.loads(out)
        self.assertEqual(job["result"], [1])
        self.assertEqual((job["done"], job["total"], job["note"]), (5, 10, "half way"))


if __name__ == "__main__":
    main()

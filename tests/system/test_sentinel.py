"""Sentinel: droverd and drover find the master by it, and again after every kind of failover."""

import os
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import processes  # noqa: E402
from rig import SystemTest, command, free_port, main  # noqa: E402
from sentinel import Watched  # noqa: E402


class SentinelTest(SystemTest):
    tls = False

    def setUp(self):
        super().setUp()
        self.redis.stop()
        self.watch = Watched(self.folder, tls=self.tls)
        self.addCleanup(self.watch.end)
        self.redis = self.watch.master

    def tearDown(self):
        self.watch.end(but=self.redis)
        super().tearDown()

    def watching(self, jobs, url=None, **sections):
        redis = {"url": url or self.watch.url(), "command_timeout": "1s"}
        if self.tls:
            redis["ca_file"] = self.watch.ca_file
        supervisor = dict({"poll": "1m"}, **sections.pop("supervisor", {}))  # woken, or never
        return self.drover(jobs, redis=redis, supervisor=supervisor, **sections)

    def cli(self, url, *words):
        return command("drover", "--redis", url, *words)

    def until_over(self, drover, count=1):
        """Said once each way, and the jobs of the new master are seen."""
        server = drover.until_event("redis.up", count=count)[-1]["server"]
        self.assertIn(":%d/0" % self.watch.watched_port(self.watch.replica), server)
        self.watch.replica.hang_up()
        self.redis = self.watch.replica
        self.assertEqual(len(drover.events("redis.down")), count)

    def run_one(self, number):
        before = self.stat("processed")
        self.enqueue("default", "Note", number)
        self.until_processed(before + 1)


class Failover(SentinelTest):
    def test_the_master_is_killed(self):
        drover = self.watching({"Gate": self.gate(), "Note": self.note()})
        self.run_one(1)
        self.enqueue("default", "Gate")
        pid = self.until_begun()[0]
        self.watch.until_replicated()
        self.watch.master.kill()
        drover.until_event("redis.down")
        self.assertTrue(processes.alive(pid))
        self.open_gate()
        self.until_over(drover)
        self.until_processed(2)
        self.run_one(2)
        self.assertEqual(self.noted(), [[1], [2]])
        self.assertEqual(self.read("begun").count("\n"), 1)

    def failover_without(self, drover):
        """What was written since the replica was cut off is lost."""
        self.watch.master.kill()
        self.until_over(drover)

    def test_a_lost_fetch_is_said(self):
        """Redis does not know that the job was ever enqueued: it runs on, its verdict is stale."""
        self.conserves = False  # the replica never heard of the job
        drover = self.watching({"Gate": self.gate(), "Note": self.note()},
                               supervisor={"lease": "3s"})
        self.run_one(1)
        self.watch.until_replicated()
        self.watch.cut_replication()
        self.enqueue("default", "Gate")
        self.until_begun()
        self.failover_without(drover)
        drover.until_event("job.missing")
        self.open_gate()
        drover.until_event("verdict.stale")
        self.run_one(2)
        self.assertEqual(self.read("begun").count("\n"), 1)

    def test_a_lost_verdict_is_said(self):
        """Redis holds a job that has long been done: it goes back, and runs again."""
        drover = self.watching({"Gate": self.gate()}, supervisor={"lease": "3s"})
        self.enqueue("default", "Gate")
        self.until_begun()
        self.watch.until_replicated()
        self.watch.cut_replication()
        self.open_gate()
        self.until_processed(1)
        self.failover_without(drover)
        drover.until_event("job.orphan")
        self.until_processed(1)
        self.assertEqual(self.read("begun").count("\n"), 2)

    def test_a_lost_supervisor_is_said(self):
        """Redis never heard of us: what is in hand is written again, and its verdict counts."""
        self.watch.cut_replication()
        drover = self.watching({"Gate": self.gate()}, self.watch.url(login="drover:sesame@"),
                               supervisor={"lease": "3s"})
        self.enqueue("default", "Gate")
        self.until_begun()
        self.failover_without(drover)
        drover.until_event("redis.data_lost")
        self.open_gate()
        self.until_processed(1)
        self.assertEqual(self.read("begun").count("\n"), 1)

    def test_the_master_stands_still_and_comes_back(self):
        drover = self.watching({"Note": self.note()}, supervisor={"lease": "3s"})
        self.run_one(1)
        self.watch.until_replicated()
        self.watch.master.pause()
        self.until_over(drover)
        self.run_one(2)
        self.watch.master.go_on()
        self.watch.until_demoted()
        self.run_one(3)
        self.assertEqual(self.noted(), [[1], [2], [3]])
        self.assertEqual(len(drover.events("redis.down")), 1)


class SecuredFailover(SentinelTest):
    tls = True

    def silent(self):
        """A Sentinel that takes connections and never says a word."""
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        return "127.0.0.1:%d" % listener.getsockname()[1]

    def users(self):
        return [line.split(" user=")[1].split()[0]
                for line in self.redis.call("CLIENT", "LIST", "TYPE", "normal").splitlines()]

    def test_an_orderly_one_with_passwords_and_sentinels_that_are_none(self):
        url = self.watch.url(self.silent(), "127.0.0.1:%d" % free_port(),
                             login="drover:sesame@",
                             query="?sentinel_username=watcher&sentinel_password=peep")
        drover = self.watching({"Note": self.note()}, url)
        self.run_one(1)
        self.assertIn("drover", self.users())
        self.watch.until_replicated()
        self.watch.fail_over()
        self.until_over(drover)
        self.run_one(2)
        self.assertIn("drover", self.users())
        self.assertEqual(self.noted(), [[1], [2]])


class CommandLine(SentinelTest):
    def test_drover_asks_too(self):
        refused = "127.0.0.1:%d" % free_port()
        code, out, err = self.cli(self.watch.url(refused), "enqueue", "default", "Nobody")
        self.assertEqual((code, err), (0, ""), out)
        self.assertEqual(self.size("default"), 1)
        self.watch.until_replicated()
        self.watch.fail_over()
        self.watch.replica.hang_up()
        self.redis = self.watch.replica
        code, out, err = self.cli(self.watch.url(refused), "queues", "--json")
        self.assertEqual((code, err), (0, ""))
        self.assertIn('"default"', out)
        self.enqueued = 1

    def test_what_is_wrong_is_said_at_once(self):
        cases = {
            self.watch.url().replace("/main/", "/other/"): 'it knows no master "other"',
            self.watch.url(query="?sentinel_password=guess"): "login refused",
            self.watch.url(login=":guess@"): "login refused",
        }
        for url, sentence in cases.items():
            code, _, err = self.cli(url, "stats")
            self.assertEqual(code, 69, err)
            self.assertIn(sentence, err)
            self.assertNotIn("guess", err)


if __name__ == "__main__":
    main()

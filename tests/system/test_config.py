"""Configuration as droverd reads it: check, dump, every fault at once, no secret anywhere."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import processes  # noqa: E402
from rig import ROOT, RedisServer, SystemTest, command, free_port, main, python, yaml  # noqa: E402

FAULTY = """\
redis:
  url: redis://127.0.0.1:6379/0
  colour: blue
supervisor:
  lease: 15
  poll: 3h
pools:
  main: {workers: many, queues: [default]}
  main: {workers: 1, queues: [default]}
jobs:
  A: {command: /bin/true}
  B: {command: [/bin/true], function: both}
  C: {command: [/bin/true], batch: 5}
schedule:
  x: {cron: "60 * * * *", class: A}
"""
FAULTY_LINES = {3: "colour", 5: "lease", 6: "poll", 8: "workers", 9: "main", 11: "command",
                12: "B", 13: "batch", 15: "cron"}


class Files(SystemTest):
    def write(self, text, name="x.yml"):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def check(self, text, *options):
        return command("droverd", "-n", *options, "-c", self.write(text))

    def test_a_good_file(self):
        self.assertEqual(self.check(yaml(self.config({"A": self.note()})))[0], 0)

    def test_the_shipped_file(self):
        code, _, words = command("droverd", "-n", "-c", os.path.join(ROOT, "etc", "drover.yml"))
        self.assertEqual((code, words), (0, ""))

    def test_the_dump_loads_again_to_the_same(self):
        config = self.config({"A": self.note(env={"X": "a: b # c\n\"ü"}), "B*": self.note()},
                             defaults={"memory": "1G", "cpu": "none"})
        code, first, _ = self.check(yaml(config), "-v")
        self.assertEqual(code, 0)
        code, second, _ = self.check(first, "-v")
        self.assertEqual((code, second), (0, first))

    def test_every_fault_in_one_go_with_its_line(self):
        code, _, words = self.check(FAULTY)
        self.assertEqual(code, 78)
        for line, key in FAULTY_LINES.items():
            said = [w for w in words.splitlines() if "x.yml:%d:" % line in w]
            self.assertTrue(said, "line %d in:\n%s" % (line, words))
            self.assertIn(key, said[0])
        self.assertIn("is for iterating jobs", words)

    def test_each_fault_alone(self):
        for text in ("", "[]\n", "just text\n", "pools: {a: {queues: []}}\n", "a: &x 1\nb: *x\n",
                     "pools: {a: {queues: ['!x']}}\n", "redis:\n\turl: x\n", "supervisor: 3\n",
                     "[" * 200, "jobs: {A: {}}\n", "---\n{}\n---\n{}\n", "\xff: 1\n",
                     "jobs: {A: {command: []}}\n", "jobs: {A: {function: f}}\n"):
            code, _, words = self.check(text)
            self.assertEqual(code, 78, text)
            self.assertTrue(words.strip(), text)

    def test_a_file_of_bytes(self):
        path = self.path("bytes.yml")
        with open(path, "wb") as file:
            file.write(bytes(range(256)) * 10)
        self.assertEqual(command("droverd", "-n", "-c", path)[0], 78)

    def test_include(self):
        os.mkdir(self.path("conf.d"))
        self.write("jobs: {Included: {command: [/bin/true]}}\n", "conf.d/a.yml")
        config = self.config({"Own": self.note()}, include=[self.path("conf.d/*.yml")])
        code, dump, words = self.check(yaml(config), "-v")
        self.assertEqual(code, 0, words)
        self.assertIn("Included", dump)
        self.write("jobs: {Included: {command: [/bin/true]}}\n", "conf.d/b.yml")
        code, _, words = self.check(yaml(config))
        self.assertEqual(code, 78)
        self.assertIn("a.yml:1", words)
        self.assertIn("b.yml:1", words)

    def test_help_and_version(self):
        for option in ("--help", "--version"):
            code, out, _ = command("droverd", option)
            self.assertEqual((code, "drover" in out), (0, True), option)


class Secrets(SystemTest):
    def setUp(self):
        super().setUp()
        self.secret = "s3cr3t-pass"
        folder = self.path("tcp")
        os.mkdir(folder)
        self.tcp = RedisServer(folder, port=free_port(), requirepass=self.secret)
        self.tcp.answers = lambda: self.tcp_answers()
        self.addCleanup(self.tcp.kill)

    def tcp_answers(self):
        try:
            return self.tcp.call("AUTH", self.secret) == "OK"
        except OSError:
            return False

    def judge(self, drover):
        for pid in [drover.pid] + drover.nurseries():
            self.assertNotIn(self.secret, processes.command_line(pid))
        for pid in drover.nurseries():
            self.assertNotIn(self.secret, repr(processes.environment(pid)))
        self.tcp.call("SADD", "resque:queues", "default")
        self.tcp.call("RPUSH", "resque:queue:default", '{"class":"Show","args":[]}')
        self.assertNotIn(self.secret, self.until_file("env"))
        self.assertEqual(drover.term(), 0)
        self.assertNotIn(self.secret, drover.log())

    def start(self, url, env=None):
        self.tcp.start()
        job = python("import os; open('env', 'w').write(repr(dict(os.environ)))",
                     directory=self.folder, pass_env=["PATH"])
        drover = self.new_drover({"Show": job}, env=env, redis=url,
                                 supervisor={"log": {"level": "debug"}})
        return drover.start()

    def test_password_in_the_url(self):
        url = "redis://:%s@127.0.0.1:%d/0" % (self.secret, self.tcp.port)
        drover = self.start({"url": url})
        self.judge(drover)
        code, dump, _ = command("droverd", "-n", "-v", "-c", drover.config_path)
        self.assertEqual(code, 0)
        self.assertNotIn(self.secret, dump)
        self.assertIn("***", dump)

    def test_password_in_the_environment(self):
        url = "redis://:%s@127.0.0.1:%d/0" % (self.secret, self.tcp.port)
        self.judge(self.start({}, env={"DROVER_REDIS_URL": url}))

    def test_password_in_a_file(self):
        with open(self.path("pw"), "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(self.secret + "\n")
        url = "redis://127.0.0.1:%d/0" % self.tcp.port
        self.judge(self.start({"url": url, "password_file": self.path("pw")}))

    def test_password_file_that_others_can_read(self):
        with open(self.path("pw"), "w", opener=lambda p, f: os.open(p, f, 0o644)) as file:
            file.write(self.secret + "\n")
        drover = self.new_drover({"Show": self.note()}, redis={"password_file": self.path("pw")})
        drover.start(wait=False)
        self.assertNotEqual(drover.wait(), 0)
        self.assertIn(self.path("pw"), drover.log())


if __name__ == "__main__":
    main()

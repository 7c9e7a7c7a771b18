"""cli: what the tests of drover share: running it, and a way to Redis that loses an answer."""

import json
import socket
import threading

from rig import SystemTest, command, payload


def record(job, error="no way", queue="low", **members):
    """A failed record as Resque writes it; `job` is JSON text."""
    rest = {"exception": "Boom::Error", "error": error, "backtrace": ["a:1", "b:2"],
            "worker": "h:1:low", "queue": queue}
    rest.update(members)
    head = '{"failed_at":"2026/11/21 14:28:10 UTC","payload":%s,' % job
    return head + json.dumps(rest)[1:]


class Cutting:
    """A way to Redis that lets the words of some commands through and their answers not back."""

    def __init__(self, path, behind, word, times=1000):
        self.behind, self.word, self.times = behind, word, times
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.url = "unix://%s?db=0" % path
        self.seen = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near):
        far = socket.socket(socket.AF_UNIX)
        far.connect(self.behind)
        answers = threading.Thread(target=self.answer, args=(far, near), daemon=True)
        answers.start()
        while data := near.recv(65536):
            if self.word in data and self.seen < self.times:
                self.seen += 1
                near.shutdown(socket.SHUT_RDWR)
                far.sendall(data)
                far.shutdown(socket.SHUT_WR)
                break
            far.sendall(data)
        answers.join()
        near.close()
        far.close()

    def answer(self, far, near):
        while data := far.recv(65536):
            try:
                near.sendall(data)
            except OSError:
                pass

    def close(self):
        self.listener.close()


class CliTest(SystemTest):
    conserves = False  # jobs are enqueued by the program under test, which the rig does not count
    holds = empties = False  # what is looked at is planted by hand, and stands there at the end

    def cli(self, *words, env=None):
        return command("drover", "--redis", self.redis.url, *words, env=env)

    def ok(self, *words):
        code, out, err = self.cli(*words)
        self.assertEqual((code, err), (0, ""), words)
        return out

    def ask(self, *words):
        return json.loads(self.ok(*words, "--json"))

    def refused(self, code, sentence, *words):
        got, _, err = self.cli(*words)
        self.assertEqual(got, code, (words, err))
        self.assertRegex(err, sentence)

    def queue(self, name):
        return self.redis.call("LRANGE", "resque:queue:" + name, 0, -1)

    def add_failed(self, *records):
        self.redis.call("RPUSH", "resque:failed", *records)


class LaterTest(CliTest):
    """With what jobs for later leave in Redis, and with what supervisors do."""

    def file_with(self, jobs, **more):
        path = self.path("drover.yml")
        with open(path, "w") as file:
            json.dump(dict({"redis": {"url": self.redis.url}, "jobs": jobs}, **more), file)
        return path

    def with_config(self, *words):
        return command("drover", "-c", self.config_path, *words)

    def due(self, jid):
        return int(self.redis.call("ZSCORE", "resque:drover:delayed", jid))

    def now(self):
        seconds, micros = self.redis.call("TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    def record(self, jid):
        pairs = self.redis.call("HGETALL", "resque:drover:run:" + jid)
        return dict(zip(pairs[::2], pairs[1::2]))

    def audit(self, jid):
        return [entry["what"] for entry in self.ask("job", jid)["audit"]]

    def park(self, queue, cls, jid, *args):
        job = payload(cls, *args, jid=jid)
        self.redis.call("RPUSH", "resque:drover:parked:" + cls, "%d %s %s" % (len(queue), queue, job))
        self.redis.call("SADD", "resque:drover:parked", cls)

    LEASE = "h:1:0123456789abcdef"

    def hold(self, jid, lease=LEASE, token="main.1.1", expires=None):
        """A job in the hands of a supervisor that only stands in Redis."""
        job = payload("Hold", jid=jid)
        entry = "taken %d %s 7 h:1:low 3 low %s" % (self.now(), jid, job)
        self.redis.call("HSET", "resque:drover:lease:" + lease, token, entry, "#main", 1,
                        "!" + token, "running 4 Hold %s 0\n" % jid)
        self.redis.call("ZADD", "resque:drover:supervisors", expires or self.now() + 60000, lease)


class RunsTest(LaterTest):
    """With runs that only stand in Redis, as supervisors leave them."""

    def key(self, jid, end=""):
        return "resque:drover:run:" + jid + end

    def plant(self, jid, state, at=None, **fields):
        """A record of an iterating run; `at`: {part: fields}."""
        known = {"class": "Rows", "queue": "low", "args": "[1]", "state": state, "each": "1"}
        known.update(fields)
        self.redis.call("HSET", self.key(jid), *self.flat(known))
        self.redis.call("ZADD", "resque:drover:runs", self.now(), jid)
        if state in ("done", "failed", "cancelled"):
            self.redis.call("PEXPIRE", self.key(jid), 1000000)
        for number, more in (at or {}).items():
            self.redis.call("HSET", self.key(jid, ":parts"),
                            *self.flat({"%s:%s" % (number, k): v for k, v in more.items()}))

    @staticmethod
    def flat(fields):
        return [word for pair in fields.items() for word in pair]

    def job_of(self, jid, **own):
        return payload("Rows", 1, jid=jid, drover=dict({"track": True}, **own))

    def part_of(self, jid, part):
        return self.job_of("%s.p%d" % (jid, part), parent=jid, part=part)

    def put_by(self, queue, *jobs):
        for job in jobs:
            self.redis.call("HSET", "resque:drover:paused:jobs", json.loads(job)["jid"],
                            "%d %s %s" % (len(queue), queue, job))

    def hash(self, key):
        pairs = self.redis.call("HGETALL", key)
        return dict(zip(pairs[::2], pairs[1::2]))

    def parts(self, jid):
        return self.hash(self.key(jid, ":parts"))

    def history(self, jid):
        return [json.loads(entry)
                for entry in self.redis.call("LRANGE", self.key(jid, ":audit"), 0, -1)]

    def control(self):
        return int(self.redis.call("GET", "resque:drover:control") or 0)

    def divided(self, jid="r", **states):
        """A run in three parts: 1 runs, 2 is done, 3 waits."""
        parts = {number: {"state": state, "first": 100 * (number - 1), "end": 100 * number,
                          "number": 100 * (number - 1) + 30, "done": 28, "errors": 2, "speed": "10.0",
                          "cursor": "c%d" % number, "at": self.now()}
                 for number, state in {1: "running", 2: "done", 3: "queued"}.items()}
        for name, state in states.items():
            parts[int(name[1:])]["state"] = state
        self.plant(jid, "running", at=dict(parts, **{"0": {"state": "divided"}}), parts=3, parts_left=2)

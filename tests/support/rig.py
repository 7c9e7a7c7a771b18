"""rig: a real redis-server and a real droverd for the system tests, in a folder of their own.

A test derives from SystemTest and reads like a conversation:

    class Greeting(SystemTest):
        def test_says_hello(self):
            self.drover({"Hello": sh("echo hello")})
            self.enqueue("default", "Hello", 1)
            self.until_done(1)

Nothing here waits for time to pass: until() waits for a condition and says what it saw last. At
tear-down droverd is ended by TERM, and what must be conserved is counted: every job enqueued was
done, failed or is waiting (in a queue, delayed, parked or paused); no lease entry, no worker id, no
process is left; and `drover fsck` finds nothing.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import processes
from resp import RedisError, RespClient  # noqa: F401  (tests catch RedisError)

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
SLOW = 3 if "san" in os.path.basename(BUILD) else 1  # sanitizers take their time
PATIENCE_S = 60 * SLOW  # long: it only tells how soon a failure is told


def until(condition, what, timeout=PATIENCE_S, every=0.01):
    """Waits until condition() is true and returns what it returned."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("waited %d s for %s; last seen: %r" % (timeout, what, value))
        time.sleep(every)


def program(name):
    return os.path.join(BUILD, name)


def sample_module():
    return os.path.join(BUILD, "tests", "sample_module.so")


def sh(script, **keys):
    """A job entry whose command is this shell script."""
    return dict({"command": ["/bin/sh", "-c", script]}, **keys)


def python(script, **keys):
    return dict({"command": [sys.executable, "-c", script]}, **keys)


def payload(cls, *args, **members):
    """The very bytes that Resque's own client pushes; more members stand behind them."""
    job = dict({"class": cls, "args": list(args)}, **members)
    return json.dumps(job, separators=(",", ":"), ensure_ascii=False)


def yaml(value, indent=0):
    """A Python value as YAML: nested mappings in block form, so that every key has a line."""
    if not isinstance(value, dict):
        return scalar(value)
    if not value:
        return "{}"
    lines = []
    for key, item in value.items():
        nested = isinstance(item, dict) and item
        text = "\n" + yaml(item, indent + 2) if nested else " " + yaml(item)
        lines.append("%s%s:%s" % (" " * indent, scalar(str(key)), text))
    return "\n".join(lines)


def scalar(value):
    """Plain where nothing can be mistaken, else JSON, which is YAML too."""
    plain = isinstance(value, str) and value.replace("_", "a").replace("/", "a").isalnum()
    if plain and value[0].isalnum() and value not in ("true", "false", "null"):
        return value
    return json.dumps(value, ensure_ascii=False)


def merge(base, more):
    """`base` with the keys of `more` laid over it, section by section."""
    out = dict(base)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = merge(out[key], value) if both else value
    return out


class RedisServer:
    """A redis-server on a unix socket (or a loopback port) with its data in `folder`."""

    def __init__(self, folder, port=None, **options):
        self.folder = folder
        self.port = port
        self.path = os.path.join(folder, "redis.sock")
        self.options = dict({"save": "", "appendonly": "no", "appendfsync": "always"}, **options)
        self.process = None
        self.client = None

    @property
    def address(self):
        return ("127.0.0.1", self.port) if self.port else self.path

    @property
    def url(self):
        if self.port:
            return "redis://127.0.0.1:%d/0" % self.port
        return "unix://%s?db=0" % self.path

    def start(self):
        where = ["--port", str(self.port or 0), "--bind", "127.0.0.1"]
        if not self.port:
            where += ["--unixsocket", self.path]
        options = [w for k, v in self.options.items() for w in ("--" + k.replace("_", "-"), str(v))]
        with open(os.path.join(self.folder, "redis.log"), "ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--dir", self.folder, "--daemonize", "no"] + where + options,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self.answers, "redis-server to answer PING")
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError("redis-server ended:\n" + self.log())
        try:
            return self.call("PING") == "PONG"
        except (OSError, RedisError):
            return False

    def log(self):
        with open(os.path.join(self.folder, "redis.log"), errors="replace") as file:
            return "".join(file.readlines()[-20:])

    def call(self, *words):
        """One command over a connection that is kept, made anew after a restart."""
        if self.client is None:
            self.client = RespClient(self.address)
        try:
            return self.client.call(*words)
        except OSError:
            self.hang_up()
            raise

    def pipeline(self, commands):
        self.call("PING")
        return self.client.pipeline(commands)

    def hang_up(self):
        if self.client is not None:
            self.client.close()
            self.client = None

    def stop(self):
        self.end(signal.SIGTERM)

    def kill(self):
        self.end(signal.SIGKILL)

    def end(self, signum):
        self.hang_up()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signum)
            self.process.wait(PATIENCE_S)

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def restart(self):
        self.stop()
        return self.start()

    def keys(self, pattern="*"):
        return sorted(self.call("KEYS", pattern))


class Droverd:
    """A droverd with its configuration and log in `folder`; the log is read as JSON lines."""

    def __init__(self, folder, config, name="droverd", arguments=(), env=None):
        self.folder = folder
        self.config_path = os.path.join(folder, name + ".yml")
        self.log_path = os.path.join(folder, name + ".log")
        self.arguments = list(arguments)
        self.env = dict({"PATH": os.environ["PATH"], "HOME": "/", "LANG": "C.UTF-8",
                         "DROVER_RIG": folder}, **(env or {}))
        for key in os.environ:
            if key.endswith("SAN_OPTIONS"):
                self.env[key] = os.environ[key]
        self.process = None
        self.said, self.read_bytes = [], 0
        self.write_config(config)

    def write_config(self, config):
        with open(self.config_path, "w") as file:
            file.write(config if isinstance(config, str) else yaml(config) + "\n")

    def start(self, wait=True):
        before = len(self.events("supervisor.ready")) if os.path.exists(self.log_path) else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [program("droverd"), "-c", self.config_path] + self.arguments,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, cwd="/")
        if wait:
            self.until_event("supervisor.ready", before + 1)  # not that of an earlier start
        return self

    @property
    def pid(self):
        return self.process.pid

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    # -- what it says ----------------------------------------------------------------------------
    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def lines(self):
        """Every whole JSON line said until now; only what is new is read."""
        with open(self.log_path, "rb") as file:
            file.seek(self.read_bytes)
            new = file.read()
        whole = new[:new.rfind(b"\n") + 1]
        self.read_bytes += len(whole)
        for line in whole.decode(errors="replace").split("\n")[:-1]:
            with contextlib.suppress(ValueError):
                self.said.append(json.loads(line))
        return list(self.said)

    def events(self, name, **fields):
        """The lines of an event whose fields have these values."""
        return [line for line in self.lines() if line.get("event") == name
                and all(line.get(key) == value for key, value in fields.items())]

    def until_event(self, name, count=1, timeout=PATIENCE_S, **fields):
        def seen():
            found = self.events(name, **fields)
            if len(found) < count and not self.running and not self.events(name, **fields):
                raise AssertionError("droverd ended with %r before %s" % (self.process.poll(), name))
            return found if len(found) >= count else None
        return until(seen, "%d event(s) %s %r" % (count, name, fields), timeout)

    # -- what it is ------------------------------------------------------------------------------
    def children(self):
        return processes.children(self.pid)

    def nurseries(self):
        """A child looks like its nursery until it becomes its job; what the log says tells them apart."""
        ready = {event["pid"] for event in self.events("nursery.ready")}
        return [pid for pid in self.children() if (not ready or pid in ready)
                and processes.name(pid).startswith("drover-nursery")
                and b"--lease" in processes.read_proc(pid, "cmdline").split(b"\0")]

    def pss_kb(self):
        return processes.pss_kb(self.pid)

    def descriptors(self):
        return processes.descriptors(self.pid)

    # -- how it ends -----------------------------------------------------------------------------
    def signal(self, signum):
        self.process.send_signal(signum)

    def wait(self, timeout=PATIENCE_S):
        """Its exit code; of a signal the negative number."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError("droverd did not end within %d s" % timeout) from None

    def term(self, timeout=PATIENCE_S):
        """Not before it listens: it would die of it, as any program does in its first moments."""
        until(lambda: not self.running or processes.handles(self.pid, signal.SIGTERM),
              "droverd to listen to signals")
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait()


class SystemTest(unittest.TestCase):
    """One redis-server a test; any number of supervisors; the count at the end."""

    maxDiff = None
    redis_options = {}
    conserves = True  # False where a test loses or doubles on purpose, and says why
    holds = True      # False where a test leaves on purpose what fsck finds, and says why
    empties = True    # False where leases and workers are planted by hand

    def __init_subclass__(cls, **rest):
        """A method of ours in the place of one of unittest's would make its assertions say nothing."""
        super().__init_subclass__(**rest)
        taken = [name for name in vars(cls) if name.startswith(("assert", "fail"))
                 and hasattr(unittest.TestCase, name)]
        assert not taken, "%s has a %s of its own" % (cls.__name__, taken)

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="drover-rig-")
        self.addCleanup(self.remove_folder)
        self.addCleanup(self.stop_everything)
        self.enqueued = 0
        self.supervisors = []
        self.redis = RedisServer(self.folder, **self.redis_options)
        self.redis.start()

    # -- setting the scene -----------------------------------------------------------------------
    def base_config(self):
        return {
            "redis": {"url": self.redis.url},
            "supervisor": {
                "name": "rig", "state_dir": os.path.join(self.folder, "state"), "poll": "100ms",
                "kill_grace": "1s", "log": {"level": "info", "format": "json"},
            },
            "pools": {"main": {"workers": 2, "queues": ["critical", "default", "low"]}},
            "defaults": {"timeout": "120s"},
        }

    def config(self, jobs=None, **sections):
        config = merge(self.base_config(), sections)
        if "pools" in sections:
            config["pools"] = sections["pools"]
        if jobs:
            config["jobs"] = jobs
        return config

    def new_drover(self, jobs=None, arguments=(), env=None, **sections):
        """A supervisor that is not started yet."""
        name = "droverd%s" % (len(self.supervisors) or "")
        drover = Droverd(self.folder, self.config(jobs, **sections), name, arguments, env)
        self.supervisors.append(drover)
        return drover

    def drover(self, jobs=None, **sections):
        """A supervisor that is ready. One pool, two workers, queues critical, default, low."""
        return self.new_drover(jobs, **sections).start()

    def enqueue(self, queue, cls, *args, **members):
        self.push(queue, payload(cls, *args, **members))

    def push(self, queue, *items):
        """What Resque's client does: SADD, then RPUSH."""
        self.redis.call("SADD", "resque:queues", queue)
        self.redis.call("RPUSH", "resque:queue:" + queue, *items)
        self.enqueued += len(items)

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        """A file in our folder that a job writes; None while it is not there."""
        try:
            with open(self.path(name), errors="surrogateescape") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def note(self, name="seen", **keys):
        """A job entry that appends its arguments as one line to a file in our folder."""
        return sh('printf "%%s\\n" "$(cat)" >> %s' % self.path(name), **keys)

    def noted(self, name="seen"):
        """What the jobs of note() were given, decoded, in the order of their running."""
        return [json.loads(line) for line in (self.read(name) or "").split("\n")[:-1]]

    def gate(self, name="go", **keys):
        """A job entry that runs until open_gate(); it adds one line to `begun` first."""
        return sh("echo $$ >> %s; until [ -e %s ]; do sleep 0.01; done"
                  % (self.path("begun"), self.path(name)), **keys)

    def open_gate(self, name="go"):
        with open(self.path(name), "w"):
            pass

    def until_begun(self, count=1):
        """The pids of the gate's jobs that have begun."""
        until(lambda: (self.read("begun") or "").count("\n") >= count,
              "%d job(s) to begin" % count)
        return [int(pid) for pid in self.read("begun").split()]

    # -- looking ---------------------------------------------------------------------------------
    def stat(self, name):
        return int(self.redis.call("GET", "resque:stat:" + name) or 0)

    def size(self, queue):
        return self.redis.call("LLEN", "resque:queue:" + queue)

    def waiting(self):
        return self.in_lists("resque:queue:*")

    def in_lists(self, pattern):
        keys = [k for k in self.redis.keys(pattern) if self.redis.call("TYPE", k) == "list"]
        return sum(self.redis.call("LLEN", key) for key in keys)

    def delayed(self):
        """Ours, and those of resque-scheduler's clients."""
        return (self.redis.call("HLEN", "resque:drover:delayed:jobs")
                + self.in_lists("resque:delayed:[0-9]*"))

    def parked(self):
        return self.in_lists("resque:drover:parked:*")

    def paused(self):
        """Runs whose jobs were put by; of a divided one there are several."""
        jids = self.redis.call("HKEYS", "resque:drover:paused:jobs")
        return len({jid.partition(".")[0] for jid in jids})

    def failed(self):
        return [json.loads(item) for item in self.redis.call("LRANGE", "resque:failed", 0, -1)]

    def workers(self):
        return sorted(self.redis.call("SMEMBERS", "resque:workers"))

    def lease_entries(self):
        entries = {}
        for key in self.redis.keys("resque:drover:lease:*"):
            fields = self.redis.call("HGETALL", key)
            pairs = zip(fields[::2], fields[1::2])
            entries.update((token, entry) for token, entry in pairs if token[:1] not in "#!")
        return entries

    def fsck(self, *words):
        """What `drover fsck` tells, notices too."""
        code, out, err = command("drover", "--redis", self.redis.url, "fsck", "--json", *words)
        self.assertIn((code, err), [(0, ""), (1, "")], out)
        return json.loads(out)["findings"]

    # -- waiting ---------------------------------------------------------------------------------
    def until(self, condition, what, timeout=PATIENCE_S, every=0.01):
        return until(condition, what, timeout, every)

    def until_processed(self, count, timeout=PATIENCE_S):
        """Until so many jobs have left for good, done or failed; patience is for the next of them."""
        seen = self.stat("processed")
        while seen < count:
            before = seen
            until(lambda: self.stat("processed") > before,  # noqa: B023
                  "more than %d of %d jobs to be processed" % (seen, count), timeout)
            seen = self.stat("processed")
        self.assertEqual(self.stat("processed"), count)

    def until_failed(self, count, timeout=PATIENCE_S):
        until(lambda: self.redis.call("LLEN", "resque:failed") >= count,
              "%d records in failed" % count, timeout)
        return self.failed()

    def until_file(self, name, timeout=PATIENCE_S):
        return until(lambda: self.read(name), "the job to write " + name, timeout)

    def until_gone(self, pid, timeout=PATIENCE_S):
        until(lambda: not processes.alive(pid), "process %d to be gone" % pid, timeout)

    def until_exit(self, drover, code, timeout=PATIENCE_S):
        self.assertEqual(drover.wait(timeout), code)

    # -- tear-down -------------------------------------------------------------------------------
    def until_taken_over(self):
        """Until one that stays has adopted those that were killed: its end does not wait for that."""
        living = {str(drover.pid) for drover in self.supervisors if drover.running}
        if living and self.empties and self.redis.process.poll() is None:
            until(lambda: {worker.split(":")[1] for worker in self.workers()} <= living,
                  "the worker ids of killed supervisors to be gone")

    def tearDown(self):
        self.until_taken_over()
        for drover in self.supervisors:
            if drover.running:
                self.assertEqual(drover.term(), 0, "droverd's exit after TERM")
        if self.redis.process.poll() is None:
            self.assert_nothing_lost()
            self.assert_nothing_left()
            self.assert_it_holds()
        self.assert_no_process_left()

    def assert_nothing_lost(self):
        if not self.conserves:
            return
        places = {"waiting": self.waiting(), "delayed": self.delayed(), "parked": self.parked(),
                  "paused": self.paused(), "failed": self.stat("failed")}
        places["done"] = self.stat("processed") - places["failed"]
        failed = places["failed"]
        self.assertEqual(self.enqueued, sum(places.values()), "enqueued = %r" % places)
        self.assertEqual(self.redis.call("LLEN", "resque:failed"), failed, "records = stat:failed")

    def assert_nothing_left(self):
        if not self.empties:
            return
        self.assertEqual(self.lease_entries(), {}, "no lease entry is left")
        self.assertEqual(self.workers(), [], "no worker id is left")
        self.assertEqual(self.redis.keys("resque:worker:*"), [], "no worker record is left")

    def assert_it_holds(self):
        if not self.holds:
            return
        findings = [f for f in self.fsck() if f["level"] == "finding"]
        self.assertEqual(findings, [], "drover fsck finds nothing")

    def assert_no_process_left(self):
        def left():
            return [p for p in processes.carrying(*self.marks()) if p != self.redis.process.pid]
        try:
            until(lambda: not left(), "every process of the test to be gone", 5 * SLOW)
        except AssertionError:
            self.fail("processes left: " + "; ".join(map(processes.describe, left())))

    def marks(self):
        """What only our own processes carry: the folder's name, the lease in a job's environment."""
        pids = [d.pid for d in self.supervisors if d.process is not None]
        return [self.folder.encode()] + [b"DROVER_LEASE=rig:%d:" % pid for pid in pids]

    def stop_everything(self):
        """Whatever happened before, nothing of the test outlives it."""
        for drover in self.supervisors:
            if drover.running:
                drover.kill()
        self.redis.end(signal.SIGKILL)
        for pid in processes.carrying(*self.marks()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def remove_folder(self):
        self.last_words = {drover.log_path: drover.log().split("\n")[-25:]
                           for drover in self.supervisors if drover.process is not None}
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, result=None):
        """A failure is told with the last lines of every log."""
        def wrong():
            return len(result.failures) + len(result.errors)
        before, self.last_words = wrong(), {}
        super().run(result)
        if wrong() > before:
            for path, lines in self.last_words.items():
                print("\n-- %s: %s\n%s" % (self.id(), os.path.basename(path), "\n".join(lines)),
                      file=sys.stderr)
        return result


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def command(*arguments, input=None, env=None, timeout=PATIENCE_S):
    """Runs one of our programs to its end: code, standard output, standard error."""
    full = dict({"PATH": os.environ["PATH"], "HOME": "/", "LANG": "C.UTF-8"}, **(env or {}))
    full.update((k, v) for k, v in os.environ.items() if k.endswith("SAN_OPTIONS"))
    done = subprocess.run([program(arguments[0])] + [str(a) for a in arguments[1:]], input=input,
                          stdin=subprocess.DEVNULL if input is None else None,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=full,
                          timeout=timeout, encoding="utf-8", errors="replace", check=False)
    return done.returncode, done.stdout, done.stderr


def main():
    unittest.main()

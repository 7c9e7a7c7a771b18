"""stage: where a row is measured: a redis-server, a droverd, the cores they stand on, their clocks.

Everything started here is ended by its process id when the stage is left.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

import processes
from rig import Droverd, RedisServer, payload, program, until

TICK = os.sysconf("SC_CLK_TCK")
QUEUE = "resque:queue:bench"
PAUSE = "resque:pause-all-workers"
PUSH_AT_ONCE = 1000

# Where droverd's state_dir stands, as its log advises. None: wherever temporary files do.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


# -- cores -------------------------------------------------------------------------------------

def all_cores():
    return sorted(os.sched_getaffinity(0))


class Placement:
    """Which cores drover (and the floor) and redis-server may use."""

    def __init__(self, name, ours, redis):
        self.name, self.ours, self.redis = name, set(ours), set(redis)


def placements():
    """The same two cores; and redis-server elsewhere where there is an elsewhere."""
    cores = all_cores()
    found = [Placement("same", cores[:2], cores[:2])]
    if len(cores) > 2:
        found.append(Placement("apart", cores[:2], cores[2:]))
    return found


@contextlib.contextmanager
def standing_on(cores):
    """What is started inside inherits these cores; ourselves get the old ones back."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


# -- clocks ------------------------------------------------------------------------------------

def cpu_us(pid):
    """Time on a core of the process's main thread; to the nanosecond where the kernel tells it."""
    words = processes.read_proc(pid, "schedstat").split()
    if words and int(words[0]) > 0:
        return int(words[0]) / 1000
    fields = processes.stat_fields(pid)
    return (int(fields[11]) + int(fields[12])) * 1e6 / TICK


def reaped_us(pid):
    """Time on a core of the children that the process has waited for."""
    fields = processes.stat_fields(pid)
    return (int(fields[13]) + int(fields[14])) * 1e6 / TICK


def machine_us():
    """(busy, stolen) of all cores together."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq) * 1e6 / TICK, steal * 1e6 / TICK


def share_of_others(busy_us, ours_us, took_us):
    """What part of the machine worked for somebody else (and for the kernel) in that time."""
    return max(0, busy_us - ours_us) / (took_us * len(all_cores()))


class Reading:
    """The clocks of everybody at one moment, and how many jobs were done by then."""

    def __init__(self, stage, done):
        self.done = done
        self.at_us = time.monotonic() * 1e6
        drover = stage.drover.pid
        self.cpu = {"droverd": cpu_us(drover), "children": reaped_us(drover),
                    "nursery": sum(map(cpu_us, stage.nurseries)),
                    "redis": cpu_us(stage.redis.process.pid)}
        self.busy, self.stolen = machine_us()


class Span:
    """What happened between two readings."""

    def __init__(self, first, last):
        self.jobs = last.done - first.done
        self.took_us = last.at_us - first.at_us
        self.rate = self.jobs * 1e6 / self.took_us
        self.cpu = {who: last.cpu[who] - first.cpu[who] for who in first.cpu}
        self.us_a_job = {who: us / self.jobs for who, us in self.cpu.items()}
        self.total_us_a_job = sum(self.us_a_job.values())
        stolen = last.stolen - first.stolen
        self.foreign = share_of_others(
            last.busy - first.busy + stolen, sum(self.cpu.values()), self.took_us)


class Watch:
    """A process whose end is waited for."""

    def __init__(self, pid):
        self.fd = os.pidfd_open(pid)

    def await_end(self, timeout):
        if not select.select([self.fd], [], [], timeout)[0]:
            raise AssertionError("a process did not end for %d s" % timeout)

    def close(self):
        os.close(self.fd)


# -- the stage ---------------------------------------------------------------------------------

class Stage:
    """with Stage(options, placement, jobs, workers) as stage: a redis-server and a droverd."""

    def __init__(self, options, placement, jobs, workers, durable=False, **supervisor):
        self.options, self.placement, self.jobs, self.workers = options, placement, jobs, workers
        self.redis_options = {"appendonly": "yes", "appendfsync": "always"} if durable else {}
        self.supervisor = supervisor
        self.log_path = None
        self.nurseries = []

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            self.folder = tempfile.mkdtemp(prefix="drover-bench-")
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.state = tempfile.mkdtemp(prefix="drover-bench-", dir=MEMORY)
            stack.callback(shutil.rmtree, self.state, ignore_errors=True)
            with standing_on(self.placement.redis):
                self.redis = RedisServer(self.folder, **self.redis_options)
                stack.callback(self.redis.stop)
                self.redis.start()
            self.start_drover()
            stack.callback(self.end_drover)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def config(self, name="bench"):
        return {
            "redis": {"url": self.redis.url},
            "supervisor": dict({
                "name": name, "state_dir": os.path.join(self.state, name),
                "log": {"level": self.options.log, "format": "logfmt"}}, **self.supervisor),
            "pools": {"main": {"workers": self.workers, "queues": ["bench"]}},
            "modules": [program("bench/bench_module.so")],
            "jobs": self.jobs,
        }

    def start_drover(self):
        """It is ready when its workers stand in Redis and its nurseries beside it."""
        self.drover = Droverd(self.folder, self.config())
        if self.log_path:
            self.drover.log_path = self.log_path
        with standing_on(self.placement.ours):
            self.drover.start(wait=False)
        until(lambda: self.redis.call("SCARD", "resque:workers") == self.workers
              and len(self.drover.nurseries()) == len(self.kinds()), "droverd to be ready")
        self.nurseries = self.drover.nurseries()

    def start_another(self, name):
        """A further droverd, with as many workers of its own."""
        drover = Droverd(self.folder, self.config(name), name)
        self.stack.callback(lambda: drover.running and drover.term(60))
        before = self.redis.call("SCARD", "resque:workers")
        with standing_on(self.placement.ours):
            drover.start(wait=False)
        until(lambda: self.redis.call("SCARD", "resque:workers") == before + self.workers
              and len(drover.nurseries()) == len(self.kinds()), "%s to be ready" % name)
        return drover

    def kinds(self):
        """The nurseries that these jobs need."""
        return {"function" in job for job in self.jobs.values()}

    def at_work(self, drover=None):
        """Its processes that perform jobs."""
        drover = drover or self.drover
        nurseries = drover.nurseries()
        return [pid for pid in drover.children() if pid not in nurseries]

    def end_drover(self):
        if self.drover.running:
            self.drover.term(60)

    def stop_drover(self):
        """TERM to its exit, in ms. Its end is waited for, not looked for now and then."""
        with contextlib.closing(Watch(self.drover.pid)) as watch:
            started = time.monotonic()
            self.drover.signal(signal.SIGTERM)
            watch.await_end(60)
            took_ms = (time.monotonic() - started) * 1000
        self.drover.wait()
        return took_ms

    # -- jobs -----------------------------------------------------------------------------------
    def done(self):
        return int(self.redis.call("GET", "resque:stat:processed") or 0)

    def push(self, cls, count):
        words = [payload(cls, 42)] * PUSH_AT_ONCE
        self.redis.call("SADD", "resque:queues", "bench")
        while count > 0:
            self.redis.call("RPUSH", QUEUE, *words[:count])
            count -= PUSH_AT_ONCE

    def fill(self, cls, count):
        """A full queue that nobody takes from until go()."""
        self.redis.call("SET", PAUSE, "true")
        self.push(cls, count)

    def go(self):
        self.redis.call("DEL", PAUSE)

    def until_done(self, count, timeout=120, every=0.02):
        until(lambda: self.done() >= count, "%d jobs" % count, timeout, every)

    def warm_up(self, cls, count=200):
        target = self.done() + count
        self.push(cls, count)
        self.until_done(target)

    def read_at(self, count):
        """The clocks at the first look at which so many jobs were done."""
        self.until_done(count)
        return Reading(self, self.done())

    def perform(self, cls, count):
        """The middle of a run from a full queue: neither its start nor its last stragglers."""
        before = self.done()
        self.fill(cls, count)
        self.go()
        first = self.read_at(before + count // 10)
        last = self.read_at(before + count * 95 // 100)
        self.until_done(before + count)
        return Span(first, last)


# -- the floors that a nursery measures --------------------------------------------------------

class Floor:
    """One run of `NURSERY --floor... `: processes a second, and core time each."""

    def __init__(self, placement, words):
        started, before = time.monotonic(), sum(machine_us())
        with standing_on(placement.ours):
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       text=True)
        with process.stdout:
            line = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError("%s: exit status %d" % (" ".join(words), process.returncode))
        said = dict(word.split("=") for word in line.split()[1:])
        ours_us = (usage.ru_utime + usage.ru_stime) * 1e6
        took_us = (time.monotonic() - started) * 1e6
        self.foreign = share_of_others(sum(machine_us()) - before, ours_us, took_us)
        self.rate = float(said["per_second"])
        self.us_each = ours_us / int(said["N"])


def fork_floor(placement, count, outstanding):
    """The bare loop in the very binary that forks, with the same module loaded."""
    return Floor(placement, [program("drover-nursery-module"), "--floor", str(count),
                             str(outstanding), program("bench/bench_module.so")])


def spawn_floor(placement, count, outstanding):
    return Floor(placement, [program("drover-nursery"), "--floor-spawn", str(count),
                             str(outstanding), program("bench/nothing")])

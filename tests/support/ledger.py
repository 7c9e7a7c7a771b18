"""ledger: what the jobs themselves say of their beginning and end, outside Redis, and its judge.

The job (src/cli/torture/torture_job.c) appends one line at its beginning and one at its end. Whether two
run the same job at once is not reckoned from times: each holds a lock that its process's end frees,
and who cannot have it says so.

A job's id says what was promised for it: t.. is an ordinary one, x.. exclusive (never beside itself,
whatever happened), o.. at most once (begun once; failed where a fault struck it), m.. of a class
with max_running (no more at once but after a lost lease).

    ledger = Ledger(path)
    ledger.ended()                     how many jobs have ended at least once, until now
    judge(ledger.runs(), jids, failed, faults) -> Judgement

Faults are what the driver did: a run is only excused for a second one by a fault that struck it.
"""

import collections
import contextlib

Run = collections.namedtuple("Run", "jid token lease pid begin beside")
# kind: what was done; pids: the supervisors or the one child it struck; from when until when (ms)
Fault = collections.namedtuple("Fault", "kind pids begin end")

AGAIN = {"child", "supervisor", "host", "stop", "cut off"}  # a job struck so may run once more
NEVER, MAX_RUNNING = 1 << 62, 2
BESIDE = {"stop", "cut off"}  # only a lost lease may have it run beside itself


class Ledger:
    def __init__(self, path):
        self.path, self.at, self.seen = path, 0, set()

    def lines(self):
        with contextlib.suppress(FileNotFoundError), open(self.path) as file:
            return [line.split() for line in file]
        return []

    def ended(self):
        """Reads on from where it was."""
        with contextlib.suppress(FileNotFoundError), open(self.path) as file:
            file.seek(self.at)
            for line in file:
                if not line.endswith("\n"):
                    break
                self.at += len(line)
                if line.startswith("end "):
                    self.seen.add(line.split(None, 2)[1])
        return len(self.seen)

    def runs(self):
        """jid -> its runs in order; a run is [Run, time of its end or None]."""
        found, open_runs = collections.defaultdict(list), {}
        for word, jid, token, lease, pid, ms, other in self.lines():
            if word == "end":
                open_runs[jid, pid][1] = int(ms)
                continue
            run = [Run(jid, token, lease, int(pid), int(ms), int(other) if word == "beside" else 0),
                   None]
            open_runs[jid, pid] = run
            found[jid].append(run)
        return found


def supervisor_of(run):
    """A lease is NAME:PID:RANDOM."""
    parts = run.lease.split(":")
    return int(parts[-2]) if len(parts) >= 3 else 0


class Judgement:
    """The count; .faults are sentences, none where all is well."""

    def __init__(self):
        self.jobs = self.done = self.failed = self.lost = 0
        self.begun_again = self.done_twice = self.beside = self.unexcused = 0
        self.faults = []

    def complain(self, kind, words):
        if sum(fault.startswith(kind) for fault in self.faults) < 10:
            self.faults.append("%s: %s" % (kind, words))

    def table(self):
        return ("%d jobs: %d done, %d failed, %d lost; %d begun again, %d done twice, %d beside "
                "themselves, %d of these without a reason" % (
                    self.jobs, self.done, self.failed, self.lost, self.begun_again,
                    self.done_twice, self.beside, self.unexcused))


def excuse(faults, kinds, run, until):
    """A fault of these kinds that struck this run before `until` (ms)."""
    who = (supervisor_of(run), run.pid)
    return next((f for f in faults if f.kind in kinds and f.end >= run.begin and f.begin <= until
                 and any(pid in f.pids for pid in who)), None)


def lost_lease(faults, run):
    """Its supervisor had lost the job when it began it, and did not know that yet."""
    return excuse(faults, BESIDE, run, run.begin)


def judge(runs, jids, failed, faults):
    """`jids`: all that were enqueued. `failed`: jid -> how often it stands in the failed list."""
    result = Judgement()
    result.jobs = len(jids)
    for jid in jids:
        judge_job(result, jid, runs.get(jid, []), failed.get(jid, 0), faults)
    judge_crowd(result, runs, faults)
    for jid in set(runs) - set(jids):
        result.complain("stranger", "%s ran and was never enqueued" % jid)
    return result


def judge_job(result, jid, runs, failed, faults):
    ends = [run for run, end in runs if end is not None]
    result.done += bool(ends)
    result.failed += bool(failed and not ends)
    if not ends and not failed:
        result.lost += 1
        result.complain("lost", "%s, begun %d times" % (jid, len(runs)))
    result.done_twice += len(ends) > 1
    result.begun_again += len(runs) > 1
    judge_failure(result, jid, runs, failed, faults)
    for (before, _), (run, _) in zip(runs, runs[1:]):
        judge_again(result, before, run, faults)
    for run, _ in runs:
        if run.beside:
            other = next((r for r, _ in runs if r.pid == run.beside), None)
            judge_beside(result, run, other, faults)


def judge_crowd(result, runs, faults):
    """Of those that ended it is known how long they ran."""
    whole = sorted((run.begin, end, run) for jid, several in runs.items() if jid.startswith("m")
                   for run, end in several if end is not None)
    running = []
    for begin, end, run in whole:
        running = [(e, r) for e, r in running if e > begin] + [(end, run)]
        late = [r for _, r in running if lost_lease(faults, r) or excuse(faults, BESIDE, r, begin)]
        if len(running) - len(late) > MAX_RUNNING:
            result.unexcused += 1
            result.complain("crowd", "%d at once: %s" % (
                len(running), ", ".join("%s (pid %d, %d ms)" % (r.jid, r.pid, r.begin)
                                        for _, r in running)))


def judge_failure(result, jid, runs, failed, faults):
    """Only who was killed may fail, and what must not begin again, also before it said that it did."""
    kinds = AGAIN if jid.startswith("o") else {"child"}
    struck = any(excuse(faults, kinds, run, NEVER) for run, _ in runs)
    if failed and not struck and not (jid.startswith("o") and not runs):
        result.unexcused += 1
        result.complain("failed", "%s, and nobody killed it" % jid)


def judge_again(result, before, run, faults):
    once = run.jid.startswith("o")
    late = not run.jid.startswith("x") and lost_lease(faults, run)
    if once or not (late or excuse(faults, AGAIN, before, run.begin)):
        result.unexcused += 1
        result.complain("again", "%s as %s (pid %d, %d ms) after %s (pid %d, %d ms)" % (
            run.jid, run.token, run.pid, run.begin, before.token, before.pid, before.begin))


def judge_beside(result, run, other, faults):
    result.beside += 1
    excused = lost_lease(faults, run) or (other and excuse(faults, BESIDE, other, run.begin))
    if run.jid.startswith("x") or not excused:
        result.unexcused += 1
        result.complain("beside", "%s as %s (pid %d, %d ms) while process %d ran it" % (
            run.jid, run.token, run.pid, run.begin, run.beside))

"""processes: what /proc says: children, memory, descriptors, who carries a mark."""

import os
import re


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def read_proc(pid, name):
    """The bytes of /proc/PID/NAME; empty where the process is gone or not ours to read."""
    try:
        with open("/proc/%d/%s" % (pid, name), "rb") as file:
            return file.read()
    except OSError:
        return b""


def stat_fields(pid):
    """The fields of /proc/PID/stat behind the name; None where the process is gone."""
    text = read_proc(pid, "stat")
    return text[text.rindex(b")") + 2:].split() if b")" in text else None


def alive(pid):
    """There and no zombie."""
    fields = stat_fields(pid)
    return fields is not None and fields[0] not in (b"Z", b"X")


def children(pid):
    """The direct children of a process, zombies too."""
    found = []
    for other in pids():
        fields = stat_fields(other)
        if fields is not None and int(fields[1]) == pid:
            found.append(other)
    return found


def descendants(pid):
    found = []
    for child in children(pid):
        found.append(child)
        found.extend(descendants(child))
    return found


def name(pid):
    return read_proc(pid, "comm").decode(errors="replace").strip()


def command_line(pid):
    return read_proc(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def environment(pid):
    items = read_proc(pid, "environ").decode(errors="replace").split("\0")
    return dict(item.split("=", 1) for item in items if "=" in item)


def carrying(*marks):
    """Living processes with one of the marks (bytes) in their environment or command line."""
    found = []
    for pid in pids():
        if pid == os.getpid() or not alive(pid):
            continue
        text = read_proc(pid, "environ") + b"\0" + read_proc(pid, "cmdline")
        if any(mark in text for mark in marks):
            found.append(pid)
    return found


def describe(pid):
    fields = stat_fields(pid) or [b"gone"]
    return "%d %s %s %r" % (pid, name(pid), fields[0].decode(), command_line(pid)[:120])


def rollup_kb(pid, name):
    match = re.search(rb"^%s:\s+(\d+)" % name, read_proc(pid, "smaps_rollup"), re.M)
    return int(match.group(1)) if match else 0


def pss_kb(pid):
    """Memory of the process in KiB, shared pages counted in parts."""
    return rollup_kb(pid, b"Pss")


def anonymous_kb(pid):
    """What it has written to: whoever else runs the same program has no part in it."""
    return rollup_kb(pid, b"Pss_Anon")


def handles(pid, signum):
    """Whether it catches a signal."""
    mask = re.search(rb"^SigCgt:\s+([0-9a-f]+)", read_proc(pid, "status"), re.M)
    return bool(mask and int(mask.group(1), 16) >> (signum - 1) & 1)


def descriptors(pid):
    """Open descriptors: number -> what it is."""
    folder = "/proc/%d/fd" % pid
    found = {}
    for number in os.listdir(folder):
        try:
            found[int(number)] = os.readlink(os.path.join(folder, number))
        except OSError:
            continue
    return found


def parent(pid):
    """0 where it is gone."""
    fields = stat_fields(pid)
    return int(fields[1]) if fields else 0

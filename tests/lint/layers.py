#!/usr/bin/env python3
"""layers: who may include whom, and where foreign headers may stand. No output: all is well.

The table is the one of the design; a file may always include its own folder.
"""

import glob
import os
import re
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))

MAY_INCLUDE = {
    "base": set(),
    "conf": {"base"},
    "wire": {"base"},
    "message": {"base", "conf", "wire"},
    "redis": {"base"},
    "queue": {"base", "redis"},
    "nursery": {"base", "wire"},
    "items": {"base", "wire", "redis", "queue"},
    "client": {"base", "redis", "queue"},
    "cli": {"base", "conf", "wire", "message", "client"},
    "web": {"base", "conf", "wire", "client"},
    "supervisor": {"base", "conf", "wire", "message", "redis", "queue"},
}

# Public headers: who may include them from src. (Others include them from outside.)
PUBLIC = {"drover/job.h": {"nursery"}, "drover/client.h": {"client", "cli", "web"}}

# Foreign headers that are fenced in: pattern -> folders, and in how many files at most.
FENCED = [
    (r"yaml\.h$", {"conf"}, 1),
    (r"dlfcn\.h$", {"nursery"}, 1),
    (r"hiredis/", {"redis"}, None),
    (r"openssl/evp\.h$", {"redis", "queue"}, None),
    (r"openssl/", {"redis"}, None),
    (r"zlib\.h$", {"queue"}, 1),
    (r"event2/(bufferevent|buffer|dns|listener|util)", {"redis"}, None),
    (r"event2/", {"redis", "supervisor"}, None),
    (r"microhttpd", {"web"}, None),
    (r"jansson\.h$", {"base", "conf", "message", "queue", "nursery", "items", "client", "cli",
                      "supervisor", "wire", "redis", "web"}, None),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def includes(path):
    """(line, angle bracket or quote, name) of every include in a file."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match.group(1), match.group(2)


def judge_own(folder, name):
    """A quoted include: why it may not be here, or None."""
    if name in PUBLIC:
        return None if folder in PUBLIC[name] else "public header, not for " + folder
    other = name.split("/")[0]
    if "/" not in name:
        return "own headers are named from src/: \"%s/%s\"" % (folder, name)
    if other == folder or other in MAY_INCLUDE[folder]:
        return None
    return "%s may not include %s" % (folder, other)


def judge_foreign(folder, name, path, users):
    for pattern, folders, at_most in FENCED:
        if not re.match(pattern, name):
            continue
        if folder not in folders:
            return "%s belongs into %s alone" % (name, " and ".join(sorted(folders)))
        users.setdefault(pattern, set()).add(path)
        if at_most is not None and len(users[pattern]) > at_most:
            return "%s is included in %d files: %s" % (
                name, len(users[pattern]), " ".join(sorted(users[pattern])))
        return None
    return None


def main():
    os.chdir(ROOT)
    faults, users = [], {}
    for path in sorted(glob.glob("src/**/*.[ch]", recursive=True)):
        folder = path.split("/")[1]
        if folder not in MAY_INCLUDE:
            faults.append("%s:1: folder %s is not in the table" % (path, folder))
            continue
        for line, kind, name in includes(path):
            own = kind == '"' or name in PUBLIC
            why = judge_own(folder, name) if own else judge_foreign(folder, name, path, users)
            if why:
                faults.append("%s:%d: %s" % (path, line, why))
    for path in sorted(glob.glob("include/drover/*.h")):
        for line, kind, name in includes(path):
            if kind == '"' or name.split("/")[0] in MAY_INCLUDE:
                faults.append("%s:%d: a public header includes nothing of ours" % (path, line))
    print("".join(fault + "\n" for fault in faults), end="")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""A job in Python: arguments on standard input; DROVER_FD is where it tells about itself."""

import json
import os
import sys

first, last = json.load(sys.stdin)
with os.fdopen(int(os.environ["DROVER_FD"]), "w") as drover:
    print("note adding up", file=drover)
    total = sum(range(first, last + 1))
    print("progress", last - first + 1, last - first + 1, file=drover)
print("the sum of %d to %d is %d" % (first, last, total))

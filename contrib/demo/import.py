#!/usr/bin/env python3
"""A filter: one item a line, one answer a line. It knows nothing of drover and keeps no place; one of
the items makes it crash, as some item always does."""

import os
import signal
import sys
import time

for line in sys.stdin:
    name = line.strip()
    if name == "customer 47":
        os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(0.02)
    with open(os.environ["IMPORTED"], "a") as file:
        file.write(name + "\n")
    print("ok", flush=True)

#!/usr/bin/env python3
"""A job that takes memory without end."""

import time

eaten = []
while True:
    eaten.append(b"x" * (1 << 20))
    if len(eaten) % 16 == 0:
        print("%d MiB eaten" % len(eaten), flush=True)
    time.sleep(0.002)

"""delayed.py CONTROL COMMAND...: becomes COMMAND, after as many seconds as the file CONTROL says; "fail" ends at once.

A host that is slow to start its server, or cannot. The process is the same one before and after.
"""
import os
import sys
import time

try:
    with open(sys.argv[1]) as control:
        text = control.read().strip()
except FileNotFoundError:
    text = ""
if text == "fail":
    sys.exit("as told: it does not start")
time.sleep(float(text or 0))
os.execv(sys.argv[2], sys.argv[2:])

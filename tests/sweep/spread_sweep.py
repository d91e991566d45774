"""Run the program and kill what runs its trials, in the middle of a sweep over several processes.

``python spread_sweep.py N TIMES WORD...``: when N chunks came back, kill a process of joblib's; as
often as TIMES says, after as many chunks more. Where the variable NODES holds the process of each
Ray node by its id, kill that node instead on which this program is not.
"""

import json
import os
import signal
import sys
from pathlib import Path

from framework.sweep import chunks
from framework.sweep.batch_launcher import BatchLauncher

every, times = int(sys.argv.pop(1)), int(sys.argv.pop(1))
nodes = json.loads(os.environ.get("NODES", "{}"))
count = 0
chunks._MOST = 4
keep = BatchLauncher.keep


def children(pid):
    """Return the processes that a process has started."""
    return [
        int(child)
        for file in Path(f"/proc/{pid}/task").glob("*/children")
        for child in file.read_text().split()
    ]


def victims():
    if not nodes:
        workers = [p for p in children(os.getpid()) if "popen_loky" in command(p)]
        return workers[:1]
    import ray

    here = ray.get_runtime_context().get_node_id()
    (raylet,) = (pid for node, pid in nodes.items() if node != here)
    return [raylet, *children(raylet)]


def command(pid):
    return Path(f"/proc/{pid}/cmdline").read_text()


def keep_and_kill(launcher, results, certificate):
    global count, times
    keep(launcher, results, certificate)
    count += 1
    if times and count % every == 0:
        times -= 1
        for pid in victims():
            print(f"killed {pid}", flush=True)
            os.kill(pid, signal.SIGKILL)


BatchLauncher.keep = keep_and_kill

if __name__ == "__main__":
    from framework.__main__ import end_cleanly, main

    end_cleanly(main)

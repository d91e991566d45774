"""Run the program and kill it, as kill -9 does, at the n-th step that touches disk or database.

Read after a line that sets ``wanted`` to N; the steps are counted before and after each. With N = 0
it runs to its end and prints how many steps there are.
"""

import os
import signal
import sys

STEPS = {"execute", "executemany", "commit", "write", "write_csv", "write_bytes", "replace"}
STEPS |= {"mkdir", "fsync", "open", "close", "connect", "rename", "unlink"}
count = 0


def watch(frame, event, arg):
    if event not in ("c_call", "c_return") or getattr(arg, "__name__", "") not in STEPS:
        return
    global count
    count += 1
    if count == wanted:  # noqa: F821
        os.kill(os.getpid(), signal.SIGKILL)


def at_first_touch(event, arguments):
    if event == "sqlite3.connect" and sys.getprofile() is None and wanted >= 0:  # noqa: F821
        sys.setprofile(watch)


sys.addaudithook(at_first_touch)

from framework.__main__ import main  # noqa: E402

main()
sys.setprofile(None)
print(count)

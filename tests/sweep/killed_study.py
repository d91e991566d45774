"""Run the program and end it as ``kill -9`` does, while a sampler is at work.

``python killed_study.py N SECONDS WORD...``: so long after the N-th trial was asked for.
"""

import os
import signal
import sys
import threading

import optuna

from framework.sweep import record

wanted, seconds = int(sys.argv.pop(1)), float(sys.argv.pop(1))
count = 0
ask = optuna.Study.ask
record._SECONDS = 0.1


def ask_and_count(study, *arguments):
    global count
    count += 1
    if count == wanted:
        threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
    return ask(study, *arguments)


optuna.Study.ask = ask_and_count

if __name__ == "__main__":
    from framework.__main__ import end_cleanly, main

    end_cleanly(main)

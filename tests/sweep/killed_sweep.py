"""Run the program and end it in the middle of a sweep, as ``kill -9`` or Ctrl-C does.

``python killed_sweep.py after|between|told N WORD...``: when N stretches of a few trials are
written; between the writing of their table and of their rows; or by SIGINT.
"""

import os
import signal
import sys

from framework.results.trial_ledger import TrialLedger
from framework.sweep import batch
from framework.sweep.record import SweepRecord

moment, wanted = sys.argv.pop(1), int(sys.argv.pop(1))
count = 0
batch._FIRST_TRIALS = 3
batch._SECONDS = 0.0
take, add_trials = SweepRecord.take, TrialLedger.add


def end(number):
    os.kill(os.getpid(), number)


def take_and_write(record, results, certificate):
    global count
    take(record, results, certificate)
    record.write()
    count += 1
    if count == wanted and moment != "between":
        end(signal.SIGKILL if moment == "after" else signal.SIGINT)


def add_or_die(ledger, *arguments, **named):
    if moment == "between" and count + 1 == wanted:
        end(signal.SIGKILL)
    add_trials(ledger, *arguments, **named)


SweepRecord.take = take_and_write
TrialLedger.add = add_or_die

if __name__ == "__main__":
    from framework.__main__ import end_cleanly, main

    end_cleanly(main)

"""A fault in a plug-in is its author's; a fault of ours is a failed run."""

from crash_runs import directories, is_complete, require_one_line, rows, run

HALVES = """
from framework.strategy.function import function
from framework.types import FloatArray

@function()
def halves(x: FloatArray) -> FloatArray:
    '''Half of it.'''
    parts = 0
    return x / divide(1, parts)

def divide(one, two):
    return one // two
"""


def test_plugin_that_raises_is_named_with_its_line(tmp_path):
    (tmp_path / "halves.py").write_text(HALVES)
    code, said = run(tmp_path, "report=false", "plugins=[halves]", "+features.half='halves(close)'")
    assert code == 2, said
    line = require_one_line(said, "plugins: divide() failed at ")
    assert line.endswith("halves.py:12: ZeroDivisionError: integer division or modulo by zero.")
    (row,) = rows(tmp_path)
    assert (row["status"], row["exit_code"], row["error"]) == ("failed", 2, line)
    (directory,) = directories(tmp_path)
    assert not is_complete(directory)
    assert line in (directory / "run.log").read_text()


DEFECT = """
import framework.backtest.pipeline as pipeline

def defect(self, candles, first, books):
    return 1 // 0

pipeline.Pipeline.trade = defect
from framework.__main__ import main
main()
"""


def test_defect_of_ours_marks_the_run_failed(tmp_path):
    code, said = run(tmp_path, "report=false", script=DEFECT)
    assert code == 1, said
    assert "ZeroDivisionError" in said
    (row,) = rows(tmp_path)
    assert (row["status"], row["exit_code"]) == ("failed", 1)
    assert "ZeroDivisionError" in row["error"]
    assert not any(is_complete(path) for path in directories(tmp_path))


def test_memory_that_is_not_there_is_a_fault_outside(tmp_path):
    program = DEFECT.replace("1 // 0", "__import__('numpy').zeros(10**15)")
    code, said = run(tmp_path, "report=false", script=program)
    assert code == 3, said
    require_one_line(said, "memory: not enough (Unable to allocate ")
    (row,) = rows(tmp_path)
    assert (row["status"], row["exit_code"]) == ("failed", 3)

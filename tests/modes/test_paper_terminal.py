"""A session on a terminal: lines above a table that is gone at the end."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

from terminal import Terminal

ROOT = Path(__file__).parents[2]
WIDTH = 110


def seen(folder: Path, *words: str) -> tuple[str, int]:
    """Run the program on a terminal; return all that it wrote there, and its exit code."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, WIDTH, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-m", "framework", *words],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"},
        stdin=its,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    written = b""
    with suppress(OSError):  # how a terminal says that its last program has gone
        while part := os.read(ours, 65_536):
            written += part
    os.close(ours)
    return written.decode(), process.wait()


def test_lines_stay_whole_above_a_table_that_changes_and_goes(tmp_path: Path) -> None:
    written, code = seen(
        tmp_path, "mode=paper", "mode.speed=18000", "mode.bars=100", "pairs=btc_aud",
        "report=false", "run_dir=runs/one",
    )  # fmt: skip
    assert code == 0, written
    terminal = Terminal(WIDTH)
    shown = []
    for part in re.split(r"(?=\r\x1b\[2K)", written):  # before each time the table is drawn anew
        terminal.feed(part)
        shown.append(terminal.shown)
    assert terminal.cursor_shown
    last = terminal.shown
    assert any("Next close" in screen and "Balance" in screen for screen in shown)
    assert any("Last trades" in screen for screen in shown)
    assert all(screen.count("Next close") <= 1 for screen in shown)
    assert "Next close" not in last
    log = (tmp_path / "runs" / "one" / "run.log").read_text()
    told = re.findall(r"DEBUG (2025\S+ (?:decided|bought|sold|balance).*)", log)
    assert len(told) > 3
    in_one_line = " ".join(last.split())
    for line in told:
        assert in_one_line.count(line) == 1
    assert "after 100 bars" in last

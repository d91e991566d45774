"""A process beside the session, which ends when it does, in time or by force."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class Apart:
    """Runs a module of Python until it ends, or has had its time.

    Its standard input is a pipe that ends when the session does, even by SIGKILL: the module is to
    watch it and end, too.

    Parameters
    ----------
    module : str
        Run as ``python -m``.
    words : sequence of str
        Its arguments.
    said : Path
        File for all that it prints.
    timeout_s : float
        Seconds that it has.

    Raises
    ------
    OSError
        It cannot be started.
    """

    def __init__(self, module: str, words: Sequence[str], said: Path, timeout_s: float) -> None:
        self._said, self._timeout_s = said, timeout_s
        with said.open("wb") as file:
            self._process = subprocess.Popen(  # noqa: S603 - of this interpreter and project
                [sys.executable, "-m", module, *words],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,  # a Ctrl-C is for the session, which ends this
            )

    def wait(self) -> str | None:
        """Wait until it has ended; return why it failed, None where it did not."""
        try:
            code = self._process.wait(self._timeout_s)
        except subprocess.TimeoutExpired:
            self.end()
            return f"was not done after {self._timeout_s:g} s"
        self.end()
        if code < 0:
            return f"was killed by signal {-code}"
        return (self._last_line() or f"ended with exit code {code}") if code else None

    def end(self) -> None:
        """Make an end of it, if it has not ended."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        self._process.stdin.close()

    def _last_line(self) -> str:
        lines = self._said.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

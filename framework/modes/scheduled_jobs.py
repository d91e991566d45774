"""Commands of this program as processes of their own, each with a log, told to stop together."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from time import monotonic, time_ns

from framework.disk import disk_fault
from framework.errors import OutsideFault
from framework.modes.context import Context
from framework.types import SECOND_NS, format_time


class Commands:
    """Runs commands, from several threads at once, until it is told to stop.

    Parameters
    ----------
    context : Context
        Of the schedule; its log and its notifier tell how each ended.
    folder : str
        Of the logs; made if it is missing.
    log_bytes : int
        From which on a log is set aside.

    Raises
    ------
    OutsideFault
        The folder cannot be made.
    """

    def __init__(self, context: Context, folder: str, log_bytes: int) -> None:
        self._context = context
        self._folder = Path(folder)
        self._log_bytes = log_bytes
        self._lock = Lock()
        self._stopped = False
        self._under_way: dict[str, subprocess.Popen[bytes]] = {}
        with disk_fault(folder):
            self._folder.mkdir(parents=True, exist_ok=True)

    def run(self, name: str, words: Sequence[str]) -> None:
        """Run a command to its end, and say how it ended."""
        begun = monotonic()
        try:
            code, last = self._run(name, words)
        except (OSError, OutsideFault) as fault:
            self._failed(name, f"could not be run ({fault})")
            return
        if self._stopped:
            self._context.logger.info(f"{name} was told to stop: exit code {code}")
        elif code:
            self._failed(name, f"ended with exit code {code}: {last}")
        else:
            self._context.logger.info(f"{name} done in {monotonic() - begun:.1f} s")

    def stop(self, patience_s: float) -> None:
        """Tell what is under way to stop, wait for it, and kill what does not."""
        with self._lock:
            self._stopped = True
            left = dict(self._under_way)
        for process in left.values():
            process.terminate()
        until = monotonic() + patience_s
        for name, process in left.items():
            try:
                process.wait(max(until - monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                self._context.logger.info(f"{name} did not stop within {patience_s:g} s: killed")
                process.kill()
                process.wait()

    def _run(self, name: str, words: Sequence[str]) -> tuple[int, str]:
        """Return exit code and last line of a command."""
        path = self._log_of(name)
        with path.open("ab") as log:
            now = format_time(time_ns() // SECOND_NS * SECOND_NS)
            log.write(f"== {now} python -m framework {shlex.join(words)}\n".encode())
            log.flush()
            with self._lock:
                if self._stopped:
                    return 0, ""
                process = subprocess.Popen(  # noqa: S603 - of this interpreter and program
                    [sys.executable, "-m", "framework", *words],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                    start_new_session=True,  # a Ctrl-C is for the schedule, which tells this
                )
                self._under_way[name] = process
        code = process.wait()
        with self._lock:
            del self._under_way[name]
        return code, _last_line(path)

    def _log_of(self, name: str) -> Path:
        path = self._folder / f"{name}.log"
        if path.exists() and path.stat().st_size >= self._log_bytes:
            path.replace(path.with_name(f"{path.name}.1"))
        return path

    def _failed(self, name: str, how: str) -> None:
        self._context.settings.notify.send(
            f"schedule: {name} {how} (see {self._folder / name}.log)"
        )


def _last_line(path: Path) -> str:
    """Return the last line of a log that says anything."""
    with path.open("rb") as log:
        log.seek(max(path.stat().st_size - 4_096, 0))
        lines = log.read().decode(errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")

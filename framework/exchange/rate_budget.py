"""A budget of requests that all processes of a user share on one machine.

An exchange counts what comes from one address, whatever the number of programs there. Turns are
given in the order of asking, over all processes.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock

from framework.exchange.budget_file import Spent, budget_folder, change_file
from framework.interfaces import Clock

_FAR_S = 3_600.0

_own: dict[Path, Spent] = {}
"""Of the budgets whose files cannot be kept: what this process spent."""
_own_lock = Lock()


class RateBudget:
    """So much a second, and so much at once after a rest, over all processes together.

    In any stretch of time no more than ``per_second * seconds + burst`` is handed out. Where the
    file cannot be kept, the budget is this process's alone, which is said once. A loop whose time
    is not the machine's, as in accelerated tests, has a budget to itself.

    Parameters
    ----------
    name : str
        Of what is shared: the same in every process that draws on it.
    per_second : float
        Cost handed out a second, above 0.
    burst : float
        Cost handed out at once after a rest, no less than that of the dearest request.
    folder : path, optional
        Of the file; None: in the user's runtime directory, else in the cache.
    """

    def __init__(
        self,
        name: str,
        per_second: float,
        burst: float,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        self._per_second = per_second
        self._tolerance = burst / per_second
        file = f"{re.sub('[^A-Za-z0-9._-]', '_', name)}.budget"
        self._file = Path(folder or budget_folder(), file)
        self._elsewhen = Spent()  # of a loop with a time of its own

    async def take(self, clock: Clock, cost: float = 1.0) -> None:
        """Wait until `cost` may be spent; a turn that is not waited for is lost."""
        now = asyncio.get_running_loop().time
        while True:
            spent = self._change(now(), lambda spent: self._taken(spent, now(), cost))
            turn = max(spent.whole_at - self._tolerance, spent.closed_until)
            if turn <= now():
                return
            while (wait := turn - now()) > 0:
                await clock.sleep(wait)
            # A pause that began meanwhile voids the turn.
            if self._change(now(), lambda spent: spent).closed_until <= now():
                return

    def pause(self, seconds: float) -> None:
        """Hand out nothing for so long, to any process, and after that without a burst."""
        now = asyncio.get_running_loop().time()
        until = now + min(seconds, _FAR_S)
        self._change(
            now,
            lambda spent: Spent(
                max(spent.whole_at, until + self._tolerance), max(spent.closed_until, until)
            ),
        )

    def _taken(self, spent: Spent, now: float, cost: float) -> Spent:
        return replace(spent, whole_at=max(spent.whole_at, now) + cost / self._per_second)

    def _change(self, now: float, change: Callable[[Spent], Spent]) -> Spent:
        """Apply `change` to what is spent, nobody else doing so meanwhile, and return it."""
        if abs(now - time.monotonic()) > 1.0:
            self._elsewhen = change(self._elsewhen)
            return self._elsewhen
        if self._file not in _own:
            try:
                return change_file(self._file, lambda spent: change(self._believed(spent, now)))
            except OSError as fault:
                self._warn(fault)
        with _own_lock:
            _own[self._file] = change(_own.get(self._file, Spent()))
            return _own[self._file]

    def _believed(self, spent: Spent, now: float) -> Spent:
        """Return `spent`, or nothing where it cannot be meant: the clock has begun anew."""
        far = now + _FAR_S + self._tolerance
        return spent if max(spent.whole_at, spent.closed_until) <= far else Spent()

    def _warn(self, fault: OSError) -> None:
        from loguru import logger

        with _own_lock:
            known = self._file in _own
            _own.setdefault(self._file, Spent())
        if not known:
            logger.warning(
                f"{self._file}: cannot be kept ({fault.strerror or fault}); requests of other "
                "processes to the same exchange are not counted."
            )

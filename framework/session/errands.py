"""A thread that does slow things one after another, so that nobody waits for them."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, Full, Queue
from threading import Thread

Work = Callable[[], None]


class Errands:
    """Runs what it is given, in order.

    Parameters
    ----------
    name : str
        Of the thread.
    room : int
        Things that may wait; more are refused.
    """

    def __init__(self, name: str, room: int) -> None:
        self._queue: Queue[Work | None] = Queue(room)
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def give(self, work: Work) -> bool:
        """Let `work`, which must not raise, be done; return False where there is no room for it."""
        try:
            self._queue.put_nowait(work)
        except Full:
            return False
        return True

    def close(self, within_s: float) -> bool:
        """Wait for what was given, so long at most; return whether all of it is done."""
        while not self._end():
            try:
                self._queue.get_nowait()  # what waited longest makes room for the end
            except Empty:
                continue
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def _end(self) -> bool:
        try:
            self._queue.put_nowait(None)
        except Full:
            return False
        return True

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            work()

"""An event loop whose time jumps to the next thing due instead of waiting for it.

Clients and servers that live in one such loop talk over real sockets of this machine: the kernel
hands over what is sent before the sending call returns, so that a poll that finds nothing means
that nothing is under way. Minutes pass in the time that the work takes.
"""

from __future__ import annotations

import asyncio
import os
import selectors
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

T = TypeVar("T")

_POLLS = 3
_STUCK_S = 5.0


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop that starts at 0 seconds; nothing in it may wait for a thread."""

    def __init__(self) -> None:
        self._passed_s = 0.0
        super().__init__(_JumpingSelector(self._jump))

    def time(self) -> float:
        """Return the seconds that have passed, waited for or not."""
        return self._passed_s

    def _jump(self, seconds: float) -> None:
        self._passed_s += seconds


class _JumpingSelector(selectors.BaseSelector):
    """A selector that moves time on where it would have waited."""

    def __init__(self, jump: Any) -> None:
        self._selector = selectors.DefaultSelector()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; where nothing is, let `timeout` pass at once."""
        for _ in range(_POLLS):
            ready = self._selector.select(0)
            if ready or (timeout is not None and timeout <= 0):
                return ready
            os.sched_yield()
        if timeout is None:
            ready = self._selector.select(_STUCK_S)
            if not ready:
                raise RuntimeError("everything waits, and nothing is left that could happen")
            return ready
        self._jump(timeout)
        return []

    def register(
        self, fileobj: FileDescriptorLike, events: int, data: Any = None
    ) -> selectors.SelectorKey:
        """Watch a file."""
        return self._selector.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        """Watch a file no longer."""
        return self._selector.unregister(fileobj)

    def modify(
        self, fileobj: FileDescriptorLike, events: int, data: Any = None
    ) -> selectors.SelectorKey:
        """Watch a file for other events."""
        return self._selector.modify(fileobj, events, data)

    def get_map(self) -> Any:
        """Return what is watched."""
        return self._selector.get_map()

    def close(self) -> None:
        """Give the selector back."""
        self._selector.close()


def run_virtual(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run `coroutine` to its end in a `VirtualTimeLoop` and return its result.

    Raises
    ------
    RuntimeError
        Everything waits for something that cannot happen.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)

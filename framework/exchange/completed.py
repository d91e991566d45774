"""Asynchronous work done from code that waits for it."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, TypeVar

from framework.config.signals import ToldGently, was_told

T = TypeVar("T")


def completed(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return what `work` comes to, in an event loop of its own, whether or not one runs here.

    Raises
    ------
    KeyboardInterrupt
        A signal came; the work was cancelled and has closed what it held.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_run, work).result()


def _run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    heard = _hears_signals()

    async def gently() -> T:
        task = asyncio.ensure_future(work())
        loop = asyncio.get_running_loop()
        gentle = ToldGently(lambda: loop.call_soon_threadsafe(task.cancel))
        with gentle if heard else nullcontext():
            return await task

    try:
        return asyncio.run(gently())
    except asyncio.CancelledError:
        if was_told():
            # Raised in the loop, it would be an exception of a task that nobody asks for.
            raise KeyboardInterrupt from None
        raise


def _hears_signals() -> bool:
    """Tell whether signals arrive here, and not where asyncio itself sees to them."""
    here = threading.current_thread() is threading.main_thread()
    return here and signal.getsignal(signal.SIGINT) is not signal.default_int_handler

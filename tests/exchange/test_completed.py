"""Asynchronous work done from plain code: its result, its fault, and what a signal does to it."""

import asyncio
import os
import signal

import pytest

from framework.exchange.completed import completed


async def answer():
    await asyncio.sleep(0)
    return 42


def test_result_and_fault_come_back_with_and_without_a_running_loop():
    async def fail():
        raise LookupError("of the work")

    async def within(work):
        return completed(work)

    assert completed(answer) == asyncio.run(within(answer)) == 42
    for call in (lambda: completed(fail), lambda: asyncio.run(within(fail))):
        with pytest.raises(LookupError, match="of the work"):
            call()


def test_a_signal_of_a_caller_without_handlers_cancels_the_work_and_leaves_the_handlers():
    closed = []

    async def work():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            closed.append(True)

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        completed(work)
    assert closed == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert completed(answer) == 42

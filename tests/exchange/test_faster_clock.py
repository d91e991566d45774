"""A clock that gains on another one, whoever asks and whenever it is made again."""

import asyncio

import pytest

from framework.exchange.faster_clock import FasterClock
from framework.loopback.virtual_time import run_virtual
from framework.session.clock import LoopClock
from framework.types import SECOND_NS, parse_time

START = parse_time("2026-05-01T12:00")
SINCE = parse_time("2026-05-01")


def test_it_runs_as_fast_as_it_says():
    async def run():
        wall = LoopClock(START)
        clock = FasterClock(wall, SINCE, 60.0)
        assert clock.now_ns() == SINCE + 60 * (START - SINCE)
        began = clock.now_ns()
        await clock.sleep(90.0)
        assert clock.now_ns() - began == 90 * SECOND_NS
        assert wall.now_ns() - START == round(1.5 * SECOND_NS)

    run_virtual(run())


def test_made_again_later_it_goes_on():
    async def run():
        wall = LoopClock(START)
        before = FasterClock(wall, SINCE, 60.0).now_ns()
        await asyncio.sleep(10.0)
        assert FasterClock(wall, SINCE, 60.0).now_ns() - before == 600 * SECOND_NS

    run_virtual(run())


def test_a_timeout_is_in_its_own_seconds():
    async def run():
        wall = LoopClock(START)
        clock = FasterClock(wall, SINCE, 60.0)
        with pytest.raises(TimeoutError):
            async with clock.timeout(30.0):
                await asyncio.sleep(10.0)
        assert wall.now_ns() - START == SECOND_NS // 2

    run_virtual(run())

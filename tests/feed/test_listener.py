"""When a socket is given up, and how long nobody listens then."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from fake_connection import OFFERS

from framework.errors import UserError
from framework.exchange.backoff import Backoff
from framework.exchange.connection import HeardBeat
from framework.exchange.faults import TooOften, Unreachable
from framework.feed.events import State, StateChanged
from framework.feed.listener import Listener
from framework.feed.outbox import Outbox
from framework.loopback.virtual_time import run_virtual
from framework.session.clock import LoopClock

CLOCK = LoopClock(0)
BEAT = HeardBeat()


def now_s() -> float:
    return CLOCK.now_ns() / 1e9


def listener_of(listen, offers=OFFERS, outbox=None):
    backoff = Backoff(np.random.default_rng(7))
    return Listener(listen, lambda heard: None, offers, CLOCK, backoff, outbox or Outbox())


def listen(seconds, *sockets, offers=OFFERS):
    """Listen for so long to one socket after the other, the last again and again.

    Returns when each was opened, and what was said when each was lost.
    """
    opened, lost = [], []

    async def next_socket(hear):
        opened.append(now_s())
        await sockets[min(len(opened), len(sockets)) - 1](hear)

    async def run():
        listener = listener_of(next_socket, offers)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(listener.run(lambda reason: lost.append(reason)), seconds)

    run_virtual(run())
    return opened, lost


async def beats(hear):
    while True:
        hear(BEAT)
        await asyncio.sleep(0.4)


async def silent(hear):
    await asyncio.Event().wait()


def failing(fault, after_s=0.0):
    async def socket(hear):
        for _ in range(round(after_s / 0.4)):
            hear(BEAT)
            await asyncio.sleep(0.4)
        raise fault

    return socket


def test_a_socket_is_renewed_before_the_exchange_closes_it():
    opened, lost = listen(350.0, beats, offers=replace(OFFERS, lifetime_s=100.0))
    assert lost == ["renewed after 100 s"] * 3
    apart = np.diff(opened)
    assert np.all((apart >= 100.25) & (apart <= 100.5))  # the first wait, since it proved itself


def test_a_socket_without_an_end_is_kept():
    opened, lost = listen(7_200.0, beats, offers=replace(OFFERS, lifetime_s=None))
    assert (opened, lost) == ([0.0], [])


def test_a_limit_is_waited_for_as_long_as_the_exchange_asks():
    told = failing(TooOften("x", "too many", 42.0))
    opened, lost = listen(60.0, told, failing(TooOften("x", "again")), beats)
    assert lost == ["too many", "again"]
    assert opened[1] == pytest.approx(42.0)
    assert 0.5 <= opened[2] - opened[1] <= 1.0  # the second wait: nothing was asked for


def test_waits_double_up_to_half_a_minute():
    opened, _ = listen(200.0, failing(Unreachable("x", "away")))
    whole = np.minimum(0.5 * 2.0 ** np.arange(len(opened) - 1), 30.0)
    waits = np.diff(opened)
    assert len(waits) > 8
    assert np.all((waits >= whole / 2 - 1e-9) & (waits <= whole + 1e-9))


def test_only_a_socket_that_lived_a_minute_has_proven_itself():
    short = failing(Unreachable("x", "away"), after_s=50.0)
    opened, _ = listen(320.0, short)
    assert 8.0 / 2 <= opened[5] - opened[4] - 50.0 <= 8.0 + 0.5
    steady = failing(Unreachable("x", "away"), after_s=70.0)
    opened, _ = listen(440.0, steady)
    assert np.all(np.diff(opened) - 70.0 <= 1.0)


def test_silence_ends_a_socket():
    opened, lost = listen(25.0, silent, beats, offers=replace(OFFERS, silence_s=10.0))
    assert lost == ["nothing was heard for 10 s"]
    assert 10.25 <= opened[1] <= 10.5


def test_nobody_listens_while_events_are_not_taken():
    outbox, opened = Outbox(), []
    for _ in range(20_000):
        outbox.put(StateChanged(State.LIVE, ""))

    async def taking(hear):
        opened.append(now_s())
        await beats(hear)

    async def run():
        listener = listener_of(taking, outbox=outbox)
        running = asyncio.create_task(listener.run(lambda reason: None))
        await asyncio.sleep(30.0)
        for _ in range(18_999):
            await outbox.get()
        await asyncio.sleep(30.0)
        assert opened == []
        await outbox.get()
        await asyncio.sleep(30.0)
        assert opened == [60.0]
        running.cancel()

    run_virtual(run())


def test_an_unknown_pair_ends_it():
    async def unknown(hear):
        raise UserError("pairs: X-AUD is not on the exchange.")

    async def run():
        with pytest.raises(UserError, match="X-AUD"):
            await listener_of(unknown).run(lambda reason: None)

    run_virtual(run())

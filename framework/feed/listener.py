"""A socket that is opened again whenever it ends, falls silent, or has grown old."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from framework.exchange.backoff import Backoff
from framework.exchange.connection import Channel, Heard, Offers
from framework.exchange.faults import TooOften, Unreachable
from framework.feed.outbox import Outbox
from framework.interfaces import Clock

_LOOK_S = 0.5
_STEADY_S = 60.0  # a socket heard so long has proven itself

Listen = Callable[[Callable[[Heard], None]], Coroutine[Any, Any, None]]


def listened(told: frozenset[Channel], offers: Offers) -> frozenset[Channel]:
    """Return what a socket is asked for: besides what is told, what proves candles."""
    channels = set(told)
    if channels & {Channel.CANDLES, Channel.TRADES}:
        if offers.candle_stream:
            channels.add(Channel.CANDLES)
        if not offers.says_closed:
            channels.add(Channel.TRADES)
    return frozenset(channels)


class _Ended(Exception):
    """The socket has to be opened anew; the message says why."""


class Listener:
    """Listens for as long as it runs, waiting longer from failure to failure.

    Parameters
    ----------
    listen : callable
        Listens once, handing what is heard to its argument.
    hear : callable
        Called for every frame.
    offers : Offers
    clock : Clock
    backoff : Backoff
    outbox : Outbox
        While it is crowded there is no socket.
    """

    def __init__(
        self,
        listen: Listen,
        hear: Callable[[Heard], None],
        offers: Offers,
        clock: Clock,
        backoff: Backoff,
        outbox: Outbox,
    ) -> None:
        self._listen = listen
        self._hear = hear
        self._offers = offers
        self._clock = clock
        self._backoff = backoff
        self._outbox = outbox
        self._heard = False

    async def run(self, lost: Callable[[str], None]) -> None:
        """Listen until cancelled, or until a subscription is declined.

        Parameters
        ----------
        lost : callable
            Called with the reason whenever a socket ends.

        Raises
        ------
        UserError
            A pair is not known.
        Refused
            A subscription was declined.
        """
        while True:
            await self._outbox.room()
            wait_s = 0.0
            try:
                await self._once()
            except Unreachable as fault:
                lost(fault.what)
                wait_s = fault.retry_after_s or 0.0 if isinstance(fault, TooOften) else 0.0
            except _Ended as end:
                lost(str(end))
            await self._clock.sleep(max(wait_s, self._backoff.next_s()))

    async def _once(self) -> None:
        """Listen until the socket ends or must not be used any longer."""
        self._heard = False
        tasks = [asyncio.create_task(self._listen(self._take)), asyncio.create_task(self._watch())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in ended:
            if outcome is not None and not isinstance(outcome, asyncio.CancelledError):
                raise outcome
        raise _Ended("the connection ended")

    def _take(self, heard: Heard) -> None:
        self._heard = True
        self._hear(heard)

    async def _watch(self) -> None:
        """Raise when the socket is silent, old, or says more than is taken."""
        silent_s = age_s = 0.0
        while True:
            await self._clock.sleep(_LOOK_S)
            age_s += _LOOK_S
            silent_s = 0.0 if self._heard else silent_s + _LOOK_S
            self._heard = False
            if silent_s >= self._offers.silence_s:
                raise _Ended(f"nothing was heard for {self._offers.silence_s:g} s")
            if self._offers.lifetime_s is not None and age_s >= self._offers.lifetime_s:
                raise _Ended(f"renewed after {self._offers.lifetime_s:g} s")
            if self._outbox.crowded:
                raise _Ended("events are taken too slowly")
            if age_s >= _STEADY_S and silent_s == 0.0:
                self._backoff.reset()

"""Download from an exchange on the network: what is missing, what was revised, what went wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from framework.errors import OutsideFault
from framework.exchange.candle_history import oldest_served
from framework.exchange.completed import completed
from framework.exchange.connection import Connection
from framework.exchange.exchange_clock import ExchangeClock
from framework.exchange.faults import ExchangeFault, TooOften, Unreachable
from framework.exchange.not_offered import unknown_pairs
from framework.market.quality import Quality
from framework.market.store import CandleStore
from framework.modes.live_parts import Fetched, Part, fetch_parts, parts_of
from framework.modes.market_rules import keep_rules
from framework.modes.markets import Span
from framework.session.clock import WallClock
from framework.types import format_time

if TYPE_CHECKING:
    from framework.modes.context import Context

_MANY_FILES = 8
_TOLD_S = 60.0


def download_live(
    context: Context, store: CandleStore, markets: Sequence[Span], chunk_bars: int
) -> list[Quality]:
    """Fetch what is missing of `markets`, and the newest day stored again; refresh order rules.

    Parameters
    ----------
    context : Context
        Of a run on a live exchange.
    store : CandleStore
    markets : sequence of Span
    chunk_bars : int
        Candles stored at a time, at most.

    Returns
    -------
    list of Quality
        What was found in each part fetched.

    Raises
    ------
    UserError
        The exchange has no such pair, or a fault in the candles is refused.
    OutsideFault
        The exchange does not answer or declines; the line says what is stored and what to try.
    """
    exchange = context.settings.exchange
    fetched = Fetched()
    parts: list[list[Part]] = []

    async def work() -> None:
        connection = exchange.connect(exchange.clock_of(WallClock()))
        try:
            clock = ExchangeClock(await connection.time())
            now_ns = clock.now_ns()
            known = await connection.markets()
            if unknown := [market.pair for market in markets if market.pair not in known]:
                raise unknown_pairs(exchange.name, unknown, known)
            keep_rules(context, known, [market.pair for market in markets], now_ns)
            for market in markets:
                own = parts_of(connection, exchange, store, market, now_ns, chunk_bars)
                _say_limit(context, connection, own, now_ns)
                parts.append(own)
            with _shown(context, _missing(parts)) as show:
                await fetch_parts(connection, clock, exchange, store, parts, fetched, show)
        finally:
            await connection.close()

    try:
        with advised(lambda: f"{_kept(fetched, parts)} " if parts else ""):
            completed(work)
    except KeyboardInterrupt:
        context.logger.info(f"{_kept(fetched, parts)} The same command goes on from there.")
        raise
    for interval in {market.interval for market in markets}:
        store.compact(exchange.name, interval, above_files=_MANY_FILES)
    context.logger.info(
        f"{fetched.bars:,} candles were missing in {store.url}"
        + (f", {fetched.revised:,} were revised" if fetched.revised else "")
    )
    return fetched.qualities


@contextmanager
def advised(kept: Callable[[], str] = lambda: "") -> Iterator[None]:
    """Add to a fault of an exchange what was kept and what to try."""
    try:
        yield
    except ExchangeFault as fault:
        raise OutsideFault(f"{fault} {kept()}{_advice(fault)}") from fault


def _advice(fault: ExchangeFault) -> str:
    again = "run the same command again: it goes on where it stopped."
    if isinstance(fault, TooOften):
        wait = "some minutes" if fault.retry_after_s is None else f"{fault.retry_after_s:.0f} s"
        return f"Wait {wait}, then {again}"
    if isinstance(fault, Unreachable):
        return f"Check the network, then {again}"
    return "Asking again will not help; exchange.from_store=true uses what is stored."


def _kept(fetched: Fetched, parts: Sequence[Sequence[Part]]) -> str:
    return f"{fetched.bars:,} of {_missing(parts):,} missing candles are stored."


def _missing(parts: Sequence[Sequence[Part]]) -> int:
    return sum(part.span.bars for market in parts for part in market if not part.known)


def _say_limit(
    context: Context, connection: Connection, parts: Sequence[Part], now_ns: int
) -> None:
    """Say, before the work begins, that an exchange does not serve candles as old as wanted."""
    if not parts:
        return
    span = parts[0].span
    served_ns = oldest_served(connection.offers, span.interval, now_ns)
    if min(part.span.start_ns for part in parts) < served_ns:
        context.logger.info(
            f"{context.settings.exchange.name} serves the newest "
            f"{connection.offers.oldest_candles} candles of {span.interval} only; those of "
            f"{span.pair} before {format_time(served_ns)} are made of its trades, which takes many "
            "requests"
        )


@contextmanager
def _shown(context: Context, bars: int) -> Iterator[Callable[[int], None]]:
    """Show how far it is, on a terminal all the time, else in the log once a minute."""
    with context.progress() as progress:
        task = progress.add_task("candles", total=bars)
        done, told = 0, time.monotonic()

        def show(more: int) -> None:
            nonlocal done, told
            done += more
            progress.advance(task, more)
            if progress.disable and time.monotonic() - told > _TOLD_S:
                told = time.monotonic()
                context.logger.info(f"{done:,} of {bars:,} missing candles are stored")

        yield show

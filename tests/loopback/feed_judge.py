"""Runs a live feed against the loopback exchange under faults, and judges all that was told."""

import asyncio
import gc
import math
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from framework.exchange.connection import Channel
from framework.feed.events import BookSeen, CandleClosed, CandleRevised, StateChanged, Traded
from framework.feed.live_feed import LiveFeed
from framework.loopback.order_book import BookView, TrueBook
from framework.loopback.script import DRAWN, Fault, Kind, Script, draw, lulls_of
from framework.loopback.server import LoopbackServer
from framework.loopback.spoken import component_of, wire_of
from framework.loopback.true_rows import TrueMarket
from framework.loopback.truth import Truth
from framework.loopback.virtual_time import run_virtual
from framework.market.candles import Standing
from framework.session.clock import LoopClock
from framework.types import SECOND_NS, Interval, format_time, parse_time

MINUTE = Interval.parse("1m")
TAIL_S = 180.0  # without faults, in which all that was missed has to be found
DEPTH = 10
_SETTLED_S = 60.0  # a candle must be told so long after its end
_HELD_S = 10.0  # a trade, a book
_BUCKET = Interval.parse("5s")
_UNSTAMPED = {"bitvavo"}  # whose books say of no change when it was
_ABOUT_NS = 12 * SECOND_NS  # a clock that is set by 10 s is noticed at its next reading


@dataclass(repr=False)  # which asyncio would write out, all events of it, as it ends
class Heard:
    """What a feed told, and the truth that it is judged by."""

    speaks: str
    end_ns: int
    first_ns: int
    truth: Truth
    book_start_ns: int
    events: list = field(default_factory=list)
    troubles: list = field(default_factory=list)


def judged(speaks: str, seed: int, kinds=DRAWN, faulty_s: float = 240.0) -> list[str]:
    """Return what was wrong in one seeded schedule of faults on one exchange."""
    rng = np.random.default_rng([seed, *speaks.encode()])
    pairs = wire_of(speaks).pairs[:2]
    script = draw(rng, faulty_s, pairs, kinds)
    return run_and_judge(speaks, seed, script, faulty_s + TAIL_S)


def judged_kind(speaks: str, seed: int, kind: Kind) -> list[str]:
    """Return what was wrong under a fault of one kind, twice, and long enough to be met."""
    value = {Kind.SKEW: -10.0 + 20.0 * (seed % 2)}.get(kind, 0.0)
    script = tuple(Fault(kind, at_s, 30.0, None, value) for at_s in (35.0, 110.0))
    if kind is Kind.SKEW:
        script = script[:1]
    return run_and_judge(speaks, seed, script, 140.0 + TAIL_S)


def run_and_judge(
    speaks: str, seed: int, script: Script, seconds: float, closed: str | None = None
) -> list[str]:
    """Return what was wrong under `script`, in which one market may be closed."""
    gc.freeze()  # what was there before need not be looked through
    heard = run_virtual(_run(speaks, seed, script, seconds))
    gc.collect()  # a task that failed unseen is told when it is collected
    gc.unfreeze()
    wrong = [f"trouble: {trouble}" for trouble in heard.troubles]
    if closed is not None:
        states = [event for event in heard.events if isinstance(event, StateChanged)]
        notices = [event.reason for event in states if closed in event.reason]
        if notices != [f"{closed}: not on the exchange any more; the other pairs go on"]:
            wrong.append(f"said of {closed}: {notices}")
    for pair in heard.truth.markets.keys() - {closed}:
        wrong += [f"{pair} candles: {line}" for line in _wrong_candles(heard, pair)]
        wrong += [f"{pair} trades: {line}" for line in _wrong_trades(heard, pair)]
        wrong += [f"{pair} books: {line}" for line in _wrong_books(heard, pair)]
    return wrong


async def _run(speaks: str, seed: int, script: Script, seconds: float) -> Heard:
    loop = asyncio.get_running_loop()
    rng = np.random.default_rng(seed)
    local_ns = parse_time("2026-03-01T10:00:00") + int(rng.integers(60_000)) * 1_000_000
    skew_s = sum(fault.value for fault in script if fault.kind is Kind.SKEW)
    start_ns = local_ns + round(skew_s * SECOND_NS)
    wire = wire_of(speaks)
    pairs = wire.pairs[:2]
    truth = Truth(seed, pairs, _BUCKET, lulls=lulls_of(script, start_ns))
    clock = LoopClock(local_ns)
    first_ns = MINUTE.floor(start_ns) - int(rng.integers(1, 4)) * MINUTE.ns
    async with LoopbackServer(wire, truth, clock, script, seed) as server:
        heard = Heard(speaks, 0, first_ns, truth, server.venue.book_start_ns)
        loop.set_exception_handler(lambda _, context: heard.troubles.append(_words(context)))
        exchange = component_of(speaks)(
            url=server.url, socket_url=server.socket_url + wire.socket_home, symbols=pairs
        )
        feed = LiveFeed(
            exchange.connect(clock),
            clock,
            pairs,
            MINUTE,
            dict.fromkeys(pairs, first_ns),
            frozenset(Channel),
            rng,
            book_depth=DEPTH,
        )
        listening = asyncio.create_task(_listen(feed, heard))
        await asyncio.sleep(seconds)
        heard.end_ns = server.venue.now_ns()
        await feed.stop()
        await listening
    await asyncio.sleep(1)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    heard.troubles += [f"left: {task.get_coro()}" for task in left]
    return heard


async def _listen(feed: LiveFeed, heard: Heard) -> None:
    try:
        async with feed:
            async for event in feed:
                heard.events.append(event)
    except Exception as fault:
        heard.troubles.append(f"the feed ended: {fault!r}")


def _words(context: dict) -> str:
    return f"{context.get('message')}: {context.get('exception')!r}"


def _wrong_candles(heard: Heard, pair: str) -> list[str]:
    wrong = []
    closed = [e for e in heard.events if isinstance(e, CandleClosed) and e.candle.pair == pair]
    times = [event.candle.time for event in closed]
    due_ns = MINUTE.floor(heard.end_ns - round(_SETTLED_S * SECOND_NS))
    expected = list(range(heard.first_ns, due_ns, MINUTE.ns))
    if times[: len(expected)] != expected or any(np.diff(times) != MINUTE.ns):
        told = [format_time(time) for time in times]
        wrong.append(f"told {told}, expected from {format_time(heard.first_ns)} to {due_ns}")
    last = {event.candle.time: event.candle for event in closed}
    for event in heard.events:
        if isinstance(event, CandleRevised) and event.candle.pair == pair:
            if event.before != last.get(event.candle.time):
                wrong.append(f"revised what was not told: {event}")
            last[event.candle.time] = event.candle
    true = _true_candles(heard, pair)
    for event in closed:
        time = event.candle.time
        if time >= due_ns or time not in true:
            continue
        if not _same(last[time], true[time]):
            wrong.append(f"{event.standing.name} {last[time]}, true {true[time]}")
        elif event.standing is not Standing.PROVISIONAL and not _same(event.candle, true[time]):
            wrong.append(f"{event.standing.name} at first {event.candle}, true {true[time]}")
        flat = event.standing is Standing.FLAT
        if event.standing is not Standing.PROVISIONAL and flat != (true[time][4] == 0):
            wrong.append(f"{event.standing.name}, true {true[time]}")
    return wrong


def _true_candles(heard: Heard, pair: str) -> dict[int, tuple[float, ...]]:
    """Return open, high, low, close and volume by open time, flat where nobody traded."""
    rows = heard.truth.rows(pair, MINUTE, heard.first_ns - 200 * MINUTE.ns, heard.end_ns)
    columns = (rows.open, rows.high, rows.low, rows.close, rows.volume)
    traded = dict(
        zip(rows.time.tolist(), zip(*(c.tolist() for c in columns), strict=True), strict=True)
    )
    true, close = {}, math.nan
    for time in range(int(rows.time[0]), heard.end_ns, MINUTE.ns):
        true[time] = traded.get(time, (close, close, close, close, 0.0))
        close = true[time][3]
    return true


def _same(candle, true: tuple[float, ...]) -> bool:
    prices = (candle.open, candle.high, candle.low, candle.close)
    return prices == true[:4] and math.isclose(candle.volume, true[4], rel_tol=1e-9)


def _wrong_trades(heard: Heard, pair: str) -> list[str]:
    wrong = []
    told = [e for e in heard.events if isinstance(e, Traded) and e.trade.pair == pair]
    twice = [id for id, count in Counter(e.trade.id for e in told).items() if count > 1]
    if twice:
        wrong.append(f"told twice: {twice}")
    in_time = [event.trade.time for event in told if not event.late]
    if in_time != sorted(in_time):
        wrong.append("not ascending")
    market = heard.truth.markets[pair]
    known_ns = heard.end_ns - round(_HELD_S * SECOND_NS)
    true = Counter(
        (t.time, float(market.price_text(t.price)), float(market.units_text(t.units)), t.side)
        for t in heard.truth.trades(pair, heard.first_ns, known_ns)
    )
    found = Counter(
        (t.time, t.price, t.units, t.side)
        for t in (event.trade for event in told)
        if t.time < known_ns
    )
    if true - found:
        wrong.append(f"never told: {_some(true - found)}")
    if found - true:
        wrong.append(f"told, but untrue: {_some(found - true)}")
    return wrong


def _some(trades: Counter) -> str:
    shown = [(format_time(time), *rest) for time, *rest in sorted(trades)[:3]]
    return f"{trades.total()}, such as {shown}"


def _wrong_books(heard: Heard, pair: str) -> list[str]:
    told = [e.state for e in heard.events if isinstance(e, BookSeen) and e.state.pair == pair]
    if not told:
        return ["none was told"]
    true = _true_books(heard, pair)
    moments = list(true)
    unstamped = heard.speaks in _UNSTAMPED
    wrong = []
    for state in told:
        if unstamped:  # as of about when it came
            found = [levels for time, levels in true.items() if abs(state.time - time) < _ABOUT_NS]
        else:
            index = bisect_right(moments, state.time)
            found = [true[moments[index - 1]]] if index else []
        if not any(np.array_equal(levels, state.levels, equal_nan=True) for levels in found):
            last = " (the last)" if state is told[-1] else ""
            wrong.append(f"at {format_time(state.time)}{last} not as it was")
    if told[-1].time < heard.end_ns - round(_HELD_S * SECOND_NS):
        wrong.append(f"the last one is of {format_time(told[-1].time)}")
    return wrong[:5]


def _true_books(heard: Heard, pair: str) -> dict[int, np.ndarray]:
    """Return the best levels after each change, by its moment."""
    book = TrueBook(heard.truth, pair, heard.book_start_ns)
    true = {heard.book_start_ns: _levels(heard.truth.markets[pair], book.view(DEPTH))}
    while book.next_ns <= heard.end_ns:
        (delta,) = book.move(book.next_ns)
        true[delta.time] = _levels(heard.truth.markets[pair], book.view(DEPTH))
    return true


def _levels(market: TrueMarket, view: BookView) -> np.ndarray:
    levels = np.full((2, DEPTH, 2), np.nan)
    for side, rows in enumerate((view.bids, view.asks)):
        for level, (price, units) in enumerate(rows):
            text = market.price_text(price), market.units_text(units)
            levels[side, level] = float(text[0]), float(text[1])
    return levels

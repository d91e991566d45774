"""Sessions of the project's strategies on the loopback exchange, under faults and restarts."""

from __future__ import annotations

import asyncio
import contextlib
import io
import math
import sys
from collections import Counter
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import numpy as np
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from framework.__main__ import main
from framework.config.build import build, plain_tree
from framework.config.search_path import project_root, register
from framework.exchange.connection import Channel
from framework.feed.events import FeedEvent
from framework.feed.live_feed import LiveFeed
from framework.learning.library import load_schedule
from framework.learning.model import Model
from framework.loopback.script import DRAWN, Kind, draw, lulls_of
from framework.loopback.server import LoopbackServer
from framework.loopback.spoken import component_of, wire_of
from framework.loopback.truth import Truth
from framework.loopback.virtual_time import run_virtual
from framework.market.candles import COLUMNS, Candles, Standing
from framework.market.regularise import regularise
from framework.modes.predicting import fit_of
from framework.modes.reading import compile_plan
from framework.modes.session_files import begin_session, pipeline_of, read_begun
from framework.modes.settings import Settings
from framework.session.clock import LoopClock
from framework.session.folding import inputs_of
from framework.session.journal import FILE, read_journal
from framework.session.replay import Replayed, replay
from framework.session.session import Session, Terms
from framework.session.state import FOLDER, SessionState
from framework.session.voice import Voice
from framework.types import DAY_NS, SECOND_NS, Interval, format_time, parse_time

PAIRS = ("BTC-AUD", "ADA-AUD")
MINUTE = Interval.parse("1m")
MIDNIGHT = parse_time("2026-03-02")  # sessions cross it: some rules act once a day
BEFORE_S = 360.0
_BUCKET = Interval.parse("5s")
_TAIL_S = 240.0
_MODEL = ("model.validation=0.2", "evaluation=holdout", "sanity.run=false", "report=false")
_NETWORK = (*_MODEL, "model.window=8", "model.label.horizon=4", "model.label.neutral=0.0")
_QUICK = "training.epochs=1"

STRATEGIES: dict[str, tuple[str, ...]] = {
    "bollinger_squeeze": ("period=5", "width=1.0", "memory=30", "quiet=0.5", "recent=10"),
    "breakout": ("entry=5", "leave=3"),
    "buy_and_hold": (),
    "cross_momentum": ("days=1", "top=0.4"),
    "gru_direction": ("threshold=0.5",),
    "ma_cross": ("fast=2", "slow=5"),
    "macd_momentum": ("fast=2", "slow=5", "smooth=2", "trend=10"),
    "multi_trend": ("fast=2", "slow=5", "days=2", "memory=12"),
    "pullback_limit": ("period=5", "trend=20", "oversold=60", "recovered=65", "depth=0.1"),
    "regime_switch": (),
    "rsi_reversion": ("period=3", "trend=20", "oversold=50"),
    "transformer_direction": ("threshold=0.5",),
    "trend_both": ("days=2",),
    "trend_ml": ("fast=3", "slow=8", "threshold=0.0"),
    "volatility_switch": ("memory=6", "history=24", "trend=6"),
}
"""Every strategy, made so quick that minutes are enough for it to trade."""

MORE = {
    "gru_direction": (*_NETWORK, _QUICK, "model.units=4", "model.layers=1"),
    "transformer_direction": (*_NETWORK, _QUICK, "model.layers=1"),
    "trend_ml": (*_MODEL, "model.rounds=20", "model.min_data_in_leaf=20", "model.label.horizon=8"),
    "regime_switch": ("evaluation=holdout", "sanity.run=false", "report=false", "model.starts=1"),
    "trend_both": ("exchange.spot_only=false",),
}
"""What else each is changed in; of those with a model, that its training is short."""

MODELS = ("gru_direction", "regime_switch", "transformer_direction", "trend_ml")


def words_of(strategy: str) -> list[str]:
    """Return the overrides of a strategy."""
    return [
        f"strategy={strategy}",
        "strategy.interval=1m",
        f"pairs.symbols=[{','.join(PAIRS)}]",
        *(f"strategy.params.{word}" for word in STRATEGIES[strategy]),
        *MORE.get(strategy, ()),
    ]


def trained(strategy: str, folder: Path) -> Path:
    """Return where a model of a strategy was trained on two days of the simulated market."""
    argv = [
        *words_of(strategy),
        *("mode=train", "exchange=simulated", "start=2025-03-01", "end=2025-03-03"),
        *("mode.keep_data=false", f"run_dir={strategy}"),
    ]
    said = io.StringIO()
    GlobalHydra.instance().clear()
    with (
        chdir(folder),
        patch.object(sys, "argv", ["framework", *argv]),
        redirect_stdout(io.StringIO()),
        redirect_stderr(said),
    ):
        try:
            main()
        except SystemExit as ended:
            if ended.code:
                raise RuntimeError(f"{' '.join(argv)}: {said.getvalue()}") from ended
    return folder / strategy / "models"


@dataclass
class Lived:
    """A session that is over."""

    replayed: Replayed
    candles: Candles  # of its bars
    truth: Truth
    bars: int
    lives: int
    standings: Counter = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)
    events: list[FeedEvent] = field(default_factory=list)


class _Ear(Voice):
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.events: list[FeedEvent] = []

    def said(self, line: str) -> None:
        self.lines.append(line)

    def heard(self, event: FeedEvent) -> None:
        self.events.append(event)


def live(
    strategy: str,
    speaks: str,
    seed: int,
    directory: Path,
    models: Path | None = None,
    *,
    bars: int = 12,
    deaths: int = 2,
    kinds: frozenset[Kind] = DRAWN,
    more: tuple[str, ...] = (),
) -> Lived:
    """Run a session to its last bar, killing it now and then, and replay it.

    Parameters
    ----------
    strategy : str
    speaks : str
        The protocol.
    seed : int
        Of market, faults and deaths.
    directory : Path
        Of the run; it exists.
    models : Path, optional
        Where its models are.
    bars : int
        Of a minute each.
    deaths : int
        How often the process ends at a random moment, to begin again from the disk a little later.
    kinds : frozenset of Kind
        Of faults that are drawn.
    more : tuple of str
        Further overrides.
    """
    rng = np.random.default_rng([seed, *f"{strategy} {speaks}".encode()])
    script = draw(rng, 60.0 * bars, PAIRS, kinds) if kinds else ()
    skew_s = sum(fault.value for fault in script if fault.kind is Kind.SKEW)
    local_ns = MIDNIGHT - round(BEFORE_S * SECOND_NS)
    truth = Truth(
        seed, PAIRS, _BUCKET, lulls=lulls_of(script, local_ns + round(skew_s * SECOND_NS))
    )
    open_session = _opener(_settings(strategy, more), directory, truth, local_ns, models)
    ear = _Ear()
    lives = run_virtual(
        _lives(open_session, speaks, seed, script, truth, local_ns, ear, rng, bars, deaths)
    )
    state = open_session()
    state.close()
    history = state.trader.history
    inputs = inputs_of(read_journal(directory / FILE), PAIRS, MINUTE)
    warmup = read_begun(directory / FOLDER).warmup
    replayed = replay(directory, state.pipeline, warmup, inputs)
    candles = history.candles[history.first :]
    found = Lived(replayed, candles, truth, state.bars, lives)
    found.standings.update(candles.standing.ravel().tolist())
    found.lines, found.events = ear.lines, ear.events
    return found


def wrong(lived: Lived) -> list[str]:
    """Return what a session acted on that was not so, unless it was marked."""
    lines = []
    start, end = int(lived.candles.time[0]), int(lived.candles.time[-1]) + MINUTE.ns
    if len(lived.candles) != lived.bars:
        lines.append(f"{lived.bars} bars, {len(lived.candles)} in the history")
    true = regularise(_rows(lived.truth, start - DAY_NS // 24, end), MINUTE, start, end, DAY_NS)
    for n, pair in enumerate(PAIRS):
        for t, time in enumerate(true.time.tolist()):
            standing = Standing(int(lived.candles.standing[t, n]))
            if standing in (Standing.MISSING, Standing.PROVISIONAL):
                continue
            mine = [float(getattr(lived.candles, name)[t, n]) for name in COLUMNS]
            theirs = [float(getattr(true, name)[t, n]) for name in COLUMNS]
            traded = theirs[-1] > 0
            if traded != (standing is Standing.CONFIRMED):
                lines.append(f"{pair} {format_time(time)}: {standing.name}, true {theirs}")
            elif mine[:4] != theirs[:4] and (traded or t):
                lines.append(f"{pair} {format_time(time)}: {mine}, true {theirs}")
            elif not math.isclose(mine[4], theirs[4], rel_tol=1e-9):
                lines.append(f"{pair} {format_time(time)}: {mine}, true {theirs}")
    return lines


def _settings(strategy: str, more: tuple[str, ...]) -> Settings:
    GlobalHydra.instance().clear()
    register()
    with initialize_config_dir(version_base="1.3", config_dir=str(project_root() / "conf")):
        config = compose(
            "config",
            overrides=[
                *("mode=paper", "exchange=loopback", "run_dir=runs/test"),
                *words_of(strategy),
                *more,
            ],
        )
    return build(plain_tree(config), Settings)


def _rows(truth: Truth, start_ns: int, end_ns: int):
    return [truth.rows(pair, MINUTE, start_ns, end_ns) for pair in PAIRS]


def _opener(settings: Settings, directory: Path, truth: Truth, now_ns: int, models: Path | None):
    """Write what a session begins with; return what opens it."""
    plan = compile_plan(settings)
    first_ns = MINUTE.floor(now_ns) - 2 * MINUTE.ns  # some bars are past when it begins
    start_ns = first_ns - max(plan.warmup, 30) * MINUTE.ns
    warmup = regularise(
        _rows(truth, start_ns - DAY_NS // 24, first_ns), MINUTE, start_ns, first_ns, DAY_NS
    )
    if plan.records:
        from dataclasses import replace

        from framework.session.record_history import nothing_recorded

        max_age_ns = settings.execution.book_max_age.ns
        warmup = replace(warmup, recorded=nothing_recorded(PAIRS, plan.records, max_age_ns))
    (directory / FOLDER).mkdir()
    begin_session(directory / FOLDER, warmup, "loopback", settings.exchange, now_ns)
    begun = read_begun(directory / FOLDER)
    schedule = None
    if isinstance(settings.model, Model):
        schedule = load_schedule(models, settings.model, fit_of(settings.model, plan, PAIRS))
    pipeline = pipeline_of(settings, plan, begun, schedule)

    def no_stage(values):
        raise AssertionError(values)

    return lambda: SessionState(directory, pipeline, begun.warmup, no_stage, 5)


async def _lives(open_session, speaks, seed, script, truth, local_ns, ear, rng, bars, deaths):
    """Live until there are so many bars; return how many lives it took."""
    troubles = []
    asyncio.get_running_loop().set_exception_handler(lambda _, said: troubles.append(said))
    wire, clock = wire_of(speaks), LoopClock(local_ns)
    moments = sorted(rng.uniform(60.0, 50.0 * bars, deaths).tolist())
    lives = 0
    async with LoopbackServer(wire, truth, clock, script, seed) as server:
        exchange = component_of(speaks)(
            url=server.url, socket_url=server.socket_url + wire.socket_home, symbols=PAIRS
        )
        ended = False
        while not ended:
            lives += 1
            until_s = moments.pop(0) if moments else 60.0 * bars + _TAIL_S
            state = open_session()
            try:
                ended = await _one_life(state, exchange, clock, ear, rng, bars, until_s)
            finally:
                state.close()
            if not ended and clock.now_ns() - local_ns > (60.0 * bars + _TAIL_S) * SECOND_NS:
                raise AssertionError(f"after {state.bars} bars nothing more comes: {ear.lines}")
            await clock.sleep(float(rng.uniform(0.0, 90.0)))
    assert not troubles, troubles
    return lives


async def _one_life(state, exchange, clock, ear, rng, bars, until_s):
    """Run until the bars are there, or until killed; tell which."""
    channels = {Channel.CANDLES, *map(Channel, state.pipeline.plan.records)}
    if state.pipeline.rules.scalars["book_max_age"][0]:
        channels.add(Channel.BOOKS)
    feed = LiveFeed(
        exchange.connect(clock),
        clock,
        PAIRS,
        MINUTE,
        dict.fromkeys(PAIRS, state.next_ns),
        frozenset(channels),
        rng,
        book_every_s=5.0,
    )
    async with feed:
        session = Session(state, feed, clock, Terms(wait_s=10.0, late_s=10.0, bars=bars), [ear])
        living = asyncio.create_task(session.run())
        dying = asyncio.get_running_loop().time()
        done, _ = await asyncio.wait([living], timeout=max(until_s - dying, 1.0))
        if done:
            living.result()
            return True
        living.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await living
    return False

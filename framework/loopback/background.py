"""Loopback exchanges that run beside the program, one for each way of being set up."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass

import numpy as np

from framework.errors import OutsideFault
from framework.exchange.exchange_clock import ExchangeClock
from framework.exchange.faster_clock import FasterClock
from framework.loopback.script import Kind, Script, draw
from framework.loopback.server import LoopbackServer
from framework.loopback.spoken import wire_of
from framework.loopback.truth import Truth
from framework.types import DAY_NS, Interval

_BUCKET = Interval.parse("20s")
_START_S = 20.0
_ROUGH = 1.0  # faults a minute
_CALM_KINDS = frozenset(
    {Kind.CLOSE, Kind.CLOSE_AT_BOUNDARY, Kind.DUPLICATE_TRADES, Kind.SWAP_TRADES}
    | {Kind.LATE_CANDLES, Kind.PAGE_ORDER, Kind.EARLY_DELTAS}
)

_running: dict[Setting, Running] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Setting:
    """What a loopback exchange is like.

    Parameters
    ----------
    speaks : str
        Whose protocol.
    seed : int
    pairs : tuple of str
    trouble : str
        none, calm or rough.
    start_ns : int
        When trading began, UTC ns.
    speed : float
        Of its time against the wall's.
    since_ns : int, optional
        When both were the same; None: the last midnight.
    """

    speaks: str
    seed: int
    pairs: tuple[str, ...]
    trouble: str
    start_ns: int
    speed: float = 1.0
    since_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """Where a loopback exchange is found, and when its time was the wall's."""

    url: str
    socket_url: str
    since_ns: int


def running(setting: Setting) -> Running:
    """Return the exchange of `setting`, started in a thread of its own when first asked for."""
    with _lock:
        if setting not in _running:
            _running[setting] = _start(setting)
        return _running[setting]


def script_of(trouble: str, seed: int) -> Script:
    """Return the faults of a day: none, a few harmless ones, or one a minute of all kinds."""
    if trouble == "none":
        return ()
    rough = trouble == "rough"
    kinds = frozenset(Kind) - {Kind.UNKNOWN_MARKET, Kind.SKEW, Kind.EMPTY_BUCKETS}
    return draw(
        np.random.default_rng(seed),
        DAY_NS / 1e9,
        ("",),
        kinds if rough else _CALM_KINDS,
        _ROUGH if rough else _ROUGH / 5,
    )


def _start(setting: Setting) -> Running:
    found: list[Running] = []
    failed: list[BaseException] = []
    ready = threading.Event()

    async def serve() -> None:
        now_ns = time.time_ns()
        since_ns = now_ns - now_ns % DAY_NS if setting.since_ns is None else setting.since_ns
        clock = FasterClock(ExchangeClock(now_ns), since_ns, setting.speed)
        truth = Truth(setting.seed, setting.pairs, _BUCKET, first_ns=setting.start_ns)
        script = script_of(setting.trouble, setting.seed)
        wire = wire_of(setting.speaks)
        async with LoopbackServer(wire, truth, clock, script, setting.seed) as server:
            found.append(Running(server.url, server.socket_url + wire.socket_home, since_ns))
            ready.set()
            await asyncio.get_running_loop().create_future()

    def work() -> None:
        try:
            asyncio.run(serve())
        except BaseException as fault:
            failed.append(fault)
            ready.set()

    threading.Thread(target=work, name="loopback exchange", daemon=True).start()
    ready.wait(_START_S)
    if not found:
        reason = failed[0] if failed else f"no answer in {_START_S:g} s"
        raise OutsideFault(f"exchange loopback: its server did not start ({reason}).")
    return found[0]

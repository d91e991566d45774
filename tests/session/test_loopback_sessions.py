"""Every strategy on the loopback exchange, under faults, killed and gone on with: replays alike."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from loopback_sessions import (
    MINUTE,
    MODELS,
    PAIRS,
    STRATEGIES,
    Lived,
    live,
    trained,
    wrong,
)

from framework.config.search_path import project_root
from framework.exchange.load import load_candles
from framework.exchange.simulated import Simulated
from framework.feed.events import BookSeen, Traded
from framework.feed.recorder import Recorder
from framework.loopback.script import Kind
from framework.loopback.spoken import SPOKEN
from framework.market.candles import Standing
from framework.market.recorded import BOOKS, TRADES
from framework.market.store import CandleStore
from framework.session.journal import FILE, read_journal

RECORDS = (
    "+features.flow=signed_volume",
    "+features.trades=trade_count",
    "+features.asked=ask",
    "+features.gap=spread",
    'strategy.enter="flow > 0"',
    'strategy.exit="flow < 0"',
)
SPEAKS = dict(zip(STRATEGIES, sorted(SPOKEN) * 3, strict=True))
HARMLESS = frozenset({Kind.DUPLICATE_TRADES, Kind.SWAP_TRADES, Kind.PAGE_ORDER})


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory):
    """Where the models of a strategy are, trained when first asked for."""
    folder = tmp_path_factory.mktemp("models")
    found: dict[str, Path | None] = {}

    def of(strategy: str) -> Path | None:
        if strategy not in found:
            found[strategy] = trained(strategy, folder) if strategy in MODELS else None
        return found[strategy]

    return of


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    place = tmp_path / "run"
    place.mkdir()
    return place


def test_no_strategy_is_left_out():
    assert set(STRATEGIES) == {file.stem for file in (project_root() / "strategies").glob("*.yaml")}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_under_faults_and_kills_it_replays_alike(strategy: str, directory: Path, models):
    lived = live(strategy, SPEAKS[strategy], 2, directory, models(strategy))
    assert lived.replayed.line.startswith("identical: 12 bars, ")
    assert (lived.bars, lived.lives) == (12, 3)
    assert wrong(lived) == []
    assert lived.standings[Standing.CONFIRMED] + lived.standings[Standing.FLAT] > 4


def test_a_lie_about_a_candle_is_found(directory: Path):
    lived = live("buy_and_hold", "kraken", 2, directory, kinds=frozenset(), deaths=0)
    assert wrong(lived) == []
    close = lived.candles.close.copy()
    t = int(np.flatnonzero(lived.candles.standing[:, 1] == Standing.CONFIRMED)[0])
    close[t, 1] *= 1.0001
    (line,) = wrong(replace(lived, candles=replace(lived.candles, close=close)))
    assert line.startswith("ADA-AUD 2026-03-0")


@pytest.mark.parametrize("speaks", ["coinbase", "kraken"])
def test_columns_of_books_and_trades_replay_alike(speaks: str, directory: Path):
    lived = live("buy_and_hold", speaks, 5, directory, more=RECORDS)
    assert lived.replayed.line.startswith("identical: 12 bars, ")
    assert wrong(lived) == []
    features = lived.replayed.traded.evaluated.features
    for name in ("flow", "asked"):
        assert np.isfinite(features[name][-12:]).sum() > 6, name


def test_a_backtest_on_what_was_collected_meanwhile_sees_the_same_columns(
    directory: Path, tmp_path: Path
):
    lived = live("buy_and_hold", "btcmarkets", 6, directory, kinds=HARMLESS, deaths=0, more=RECORDS)
    stored = collected(lived, str(tmp_path / "market"))
    plan = lived.replayed.traded
    assert stored.pairs == PAIRS
    last = int(lived.candles.time[-1]) + MINUTE.ns
    live_records = lived.replayed.candles.recorded.until(last)
    own = stored.recorded.until(last)
    time = lived.candles.time
    seen = 0
    for n in range(len(PAIRS)):
        mine, theirs = (r.bar_trades(n, time, MINUTE) for r in (live_records, own))
        known = mine.recorded
        assert known.sum() >= 10  # what came after its bar was acted on is in the store alone
        assert np.array_equal(mine.total(mine.units)[known], theirs.total(theirs.units)[known])
        flows = (r.total(r.side * r.units)[known] for r in (mine, theirs))
        assert np.array_equal(*flows)
        seen += len(mine.units)
        mine, theirs = (r.bar_books(n, time, MINUTE) for r in (live_records, own))
        assert np.array_equal(mine.price(1), theirs.price(1), equal_nan=True)
        assert np.isfinite(mine.price(1)).sum() >= 10
    assert seen > 50
    assert set(plan.evaluated.features) == {"flow", "trades", "asked", "gap"}


def collected(lived: Lived, url: str):
    """Return the session's bars as a store gives them that heard the same."""
    recorder = Recorder(
        url, {}, "simulated", PAIRS, MINUTE, frozenset(("candles", "trades", "books"))
    )
    for event in lived.events:
        recorder.hear(event)
    recorder.store(recorder.take())
    start, end = int(lived.candles.time[0]), int(lived.candles.time[-1]) + MINUTE.ns
    for pair in PAIRS:
        CandleStore(url).mark_covered("simulated", pair, MINUTE, start, end)
    return load_candles(
        Simulated(from_store=True),
        PAIRS,
        MINUTE,
        start,
        end,
        0,
        url,
        seen=(BOOKS, TRADES),
    ).candles


def test_books_are_walked_live(directory: Path):
    lived = live("buy_and_hold", "binance", 3, directory, more=("execution.book=true",))
    assert lived.replayed.line.startswith("identical: 12 bars, ")
    bars = [entry.values for entry in read_journal(directory / FILE) if entry.kind == "bar"]
    assert sum("books" in bar for bar in bars) >= 3
    for bar in bars:
        assert all(time <= bar["time"] for time, _ in bar.get("books", {}).values())


def test_what_no_rule_reads_is_not_in_the_journal(directory: Path):
    lived = live("buy_and_hold", "kraken", 2, directory, kinds=frozenset(), deaths=0)
    assert not any(isinstance(event, BookSeen | Traded) for event in lived.events)
    bars = [entry.values for entry in read_journal(directory / FILE) if entry.kind == "bar"]
    assert all(set(bar) == {"at", "time", "candles", "standing"} for bar in bars)


def test_the_benchmark_counts_what_went_wrong(monkeypatch, capsys):
    monkeypatch.syspath_prepend(project_root() / "benchmarks")
    import session_replays

    words = ["--strategy", "buy_and_hold", "--exchange", "kraken", "--bars", "4", "--jobs", "0"]
    with pytest.raises(SystemExit) as ended:
        session_replays.main(words)
    assert ended.value.code == 0
    cell, total = map(json.loads, capsys.readouterr().out.splitlines())
    assert (cell["bars"], cell["wrong"], total["sessions"], total["wrong"]) == (4, [], 1, 0)

    def broken(*given, **named):
        raise AssertionError("it stands still")

    monkeypatch.setattr(session_replays, "live", broken)
    with pytest.raises(SystemExit) as ended:
        session_replays.main(words)
    assert ended.value.code == 1
    cell, total = map(json.loads, capsys.readouterr().out.splitlines())
    assert "it stands still" in cell["wrong"][0]
    assert (total["sessions"], total["wrong"], total["bars"]) == (1, 1, 0)

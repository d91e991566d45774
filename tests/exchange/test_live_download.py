"""Download from a live exchange: only what is settled, once, revised where it grew, and resumed."""

import asyncio
import io
import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from loguru import logger
from made_live import MINUTE, OFFERS, MadeConnection, MadeLive, World, market
from rich.console import Console
from rich.progress import Progress

from framework.errors import OutsideFault, UserError
from framework.exchange import candle_history
from framework.exchange.faults import Refused, TooOften, Unreachable
from framework.market.store import CandleStore
from framework.modes.download import Download
from framework.results.database import open_database
from framework.results.market_rules import SaidRules
from framework.types import Interval, format_time, parse_time

START, SETTLED = parse_time("2026-01-10T00:00"), parse_time("2026-01-10T11:58")
DAY = 1440


@pytest.fixture
def waits(monkeypatch):
    """Waits between tries, which take no time."""
    slept = []

    async def sleep(self, seconds):
        if threading.current_thread().name == "loopback exchange":  # of another test, it lives on
            await asyncio.sleep(seconds)
            return
        slept.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr("framework.exchange.exchange_clock.ExchangeClock.sleep", sleep)
    monkeypatch.setattr(candle_history, "_WAIT_S", 0.0)
    return slept


@pytest.fixture
def lines():
    told = []
    sink = logger.add(told.append, format="{message}")
    yield told
    logger.remove(sink)


class Place:
    """A folder with a store and a database, and the world beside it."""

    def __init__(self, folder, world):
        self.world = world
        self.folder = folder
        self.store = CandleStore(str(folder / "market"))
        self.database = f"sqlite:///{folder}/framework.db"

    def download(self, pairs=("BTC-AUD",), interval="1m", start=START, end=None, **fields):
        exchange = MadeLive(world=self.world, **fields)
        output = io.StringIO()
        console = Console(file=output, width=200)
        context = SimpleNamespace(
            settings=SimpleNamespace(
                exchange=exchange,
                pairs=SimpleNamespace(symbols=pairs),
                interval=MINUTE,
                execution=SimpleNamespace(interval=None),
                start=start,
                end=end,
                store=str(self.folder / "market"),
                store_secrets={},
                database=self.database,
            ),
            progress=lambda: Progress(console=console, disable=True),
            print=console.print,
            logger=logger,
        )
        self.world.asked.clear()
        mode = Download(interval=Interval.parse(interval))
        try:
            mode.prepare(context)
            mode.run(context)
        finally:
            assert self.world.opened == 0
        return output.getvalue()

    def covered(self, pair="BTC-AUD", interval=MINUTE):
        return self.store.covered("made", pair, interval)

    def stored(self, pair="BTC-AUD", interval=MINUTE):
        return self.store.read("made", pair, interval, 0, 2**62)

    def revisions(self):
        return self.store.revisions("made", "BTC-AUD", MINUTE, 0, 2**62)


@pytest.fixture
def place(tmp_path, waits):
    return Place(tmp_path, World())


def require_equal(rows, expected):
    for name in ("time", "open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(rows, name), getattr(expected, name)), name


def test_everything_settled_is_stored_in_parts_of_four_pages(place, lines):
    said = place.download()
    ranges = place.world.ranges()
    assert ranges[0] == (START, START + 400 * MINUTE.ns)
    assert ranges[-1] == (START + 400 * MINUTE.ns, SETTLED)
    assert place.covered() == [(START, SETTLED)]
    require_equal(place.stored(), market("BTC-AUD", MINUTE, START, SETTLED))
    assert "718 candles were missing" in lines[-1]
    assert "718" in said


def test_a_second_download_looks_at_the_newest_day_again_and_no_further(place, lines):
    start = parse_time("2026-01-07")
    place.download(start=start)
    place.download(start=start)
    assert place.world.ranges() == [(SETTLED - DAY * MINUTE.ns, SETTLED)]
    assert "0 candles were missing" in lines[-1]
    assert "revised" not in lines[-1]
    assert place.revisions() == 0


def test_a_later_download_fetches_what_has_been_settled_since(place):
    place.download()
    place.world.now_ns += 60 * MINUTE.ns
    place.download()
    assert place.world.ranges() == [(START, SETTLED), (SETTLED, SETTLED + 60 * MINUTE.ns)]
    assert place.covered() == [(START, SETTLED + 60 * MINUTE.ns)]
    assert place.revisions() == 0


def test_a_candle_that_grew_is_revised_and_one_that_shrank_is_not(place, lines):
    place.download()

    def bent(rows):
        volume, close = rows.volume.copy(), rows.close.copy()
        volume[5] += 1
        volume[9] -= 0.5
        close[[5, 9]] = rows.low[[5, 9]]
        return replace(rows, volume=volume, close=close)

    place.world.always = bent
    place.download()
    rows, before = place.stored(), market("BTC-AUD", MINUTE, START, SETTLED)
    assert (rows.volume[5], rows.close[5]) == (before.volume[5] + 1, before.low[5])
    assert (rows.volume[9], rows.close[9]) == (before.volume[9], before.close[9])
    assert place.revisions() == 1
    assert lines[-1].strip().endswith(", 1 were revised")


def test_candles_that_were_left_out_before_are_found_again(place):
    place.world.always = lambda rows: rows.take(np.flatnonzero(np.arange(len(rows)) != 7))
    place.download()
    place.world.always = lambda rows: rows
    place.download()
    require_equal(place.stored(), market("BTC-AUD", MINUTE, START, SETTLED))


def test_several_pairs_are_fetched_at_a_time_but_no_more_than_four(tmp_path, waits):
    pairs = tuple(f"{base}-AUD" for base in "ABCDEF")
    place = Place(tmp_path, World(pairs=pairs))
    place.download(pairs)
    assert place.world.most_at_once == 4
    for pair in pairs:
        assert place.covered(pair) == [(START, SETTLED)]
        require_equal(place.stored(pair), market(pair, MINUTE, START, SETTLED))


def failing(fault, times):
    def bend(rows):
        raise fault

    return [bend] * times


def test_a_failure_that_passes_is_waited_for(place, waits):
    place.world.answers = failing(Unreachable("made", "candles: no answer"), 3)
    place.world.answers += failing(TooOften("made", "candles: asked too often", 60.0), 1)
    place.download()
    assert waits == [5.0, 10.0, 20.0, 60.0]
    assert place.covered() == [(START, SETTLED)]


def test_a_failure_that_stays_ends_in_one_line_and_keeps_what_is_stored(place, waits):
    place.world.answers = [lambda rows: rows]
    place.world.answers += failing(Unreachable("made", "candles of BTC-AUD: no answer"), 5)
    with pytest.raises(OutsideFault) as raised:
        place.download()
    assert str(raised.value) == (
        "exchange made: candles of BTC-AUD: no answer. 400 of 718 missing candles are stored. "
        "Check the network, then run the same command again: it goes on where it stopped."
    )
    assert waits == [5.0, 10.0, 20.0, 40.0]
    place.download()
    middle = START + 400 * MINUTE.ns
    assert place.world.ranges() == [(START, middle), (middle, SETTLED)]
    require_equal(place.stored(), market("BTC-AUD", MINUTE, START, SETTLED))
    assert place.revisions() == 0


def test_a_refusal_is_not_repeated(place, waits):
    place.world.answers = failing(Refused("made", "candles: HTTP 451"), 1)
    with pytest.raises(OutsideFault, match=r"HTTP 451\. 0 of 718 .*Asking again will not help"):
        place.download()
    assert waits == []


def test_no_network_is_one_line_before_anything_is_begun(place, monkeypatch):
    async def unreachable(self):
        raise Unreachable("made", "time: cannot be reached (Name or service not known)")

    monkeypatch.setattr(MadeConnection, "time", unreachable)
    with pytest.raises(OutsideFault) as raised:
        place.download()
    assert raised.value.exit_code == 3
    assert str(raised.value) == (
        "exchange made: time: cannot be reached (Name or service not known). Check the network, "
        "then run the same command again: it goes on where it stopped."
    )


def test_pairs_that_the_exchange_does_not_list_are_refused_at_once(place):
    with pytest.raises(UserError) as raised:
        place.download(("BTC-AUE", "BTC-AUD", "ETH-AUC"))
    assert raised.value.faults == (
        "pairs: exchange 'made' has no market 'BTC-AUE'. Did you mean 'BTC-AUD'?",
        "pairs: exchange 'made' has no market 'ETH-AUC'. Did you mean 'ETH-AUD'?",
    )
    assert place.world.asked == []


def test_a_range_before_the_exchanges_history_is_refused(place):
    with pytest.raises(UserError, match=r"nothing from 2001-01-01.*'made' has 2010-01-01"):
        place.download(start=parse_time("2001-01-01"), end=parse_time("2002-01-01"))


def test_candles_older_than_the_exchange_serves_are_made_of_trades_day_by_day(
    tmp_path, waits, lines
):
    limited = replace(OFFERS, oldest_candles=20, trade_history=True)
    place = Place(tmp_path, World(offers=limited))
    start = parse_time("2026-01-08T12:00")
    place.download(start=start)
    require_equal(place.stored(), market("BTC-AUD", MINUTE, start, SETTLED))
    asked = [(what, format_time(first)) for what, _, first, _ in place.world.asked]
    assert asked == [
        ("t", "2026-01-08T12:00:00Z"),
        ("t", "2026-01-09T12:00:00Z"),
        ("c", "2026-01-10T11:42:00Z"),
    ]
    assert lines[0].strip() == (
        "made serves the newest 20 candles of 1m only; those of BTC-AUD before "
        "2026-01-10T11:42:00Z are made of its trades, which takes many requests"
    )
    lines.clear()
    place.download(start=start)
    assert [what for what, *_ in place.world.asked] == ["c"]
    assert not any("serves the newest" in line for line in lines)


def test_order_rules_are_kept_with_their_date(place, lines):
    place.download()
    rules = open_database(place.database).market_rules
    said = SaidRules(1e-8, 0.01, 10.0)
    assert rules.newest("made").keys() == {"BTC-AUD"}
    assert rules.newest("made")["BTC-AUD"][0] == said
    assert abs(rules.newest("made")["BTC-AUD"][1] - place.world.now_ns) < 60 * 10**9
    place.world.tick_size = 0.5
    place.download()
    assert rules.newest("made")["BTC-AUD"][0] == said._replace(tick_size=0.5)
    assert any("made has changed the order rules of BTC-AUD" in line for line in lines)


def test_parts_never_reach_beyond_what_is_asked(place):
    place.download(start=START, end=START + 30 * MINUTE.ns)
    assert place.covered() == [(START, START + 30 * MINUTE.ns)]

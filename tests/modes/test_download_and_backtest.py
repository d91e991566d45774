"""From an exchange into the store and the database, and from there into a backtest."""

import json

import pytest

from framework.loopback.background import Setting, running
from framework.loopback.true_rows import TrueMarket
from framework.results.database import open_database
from framework.types import parse_time

RANGE = ("start=2025-03-01", "end=2025-03-15", "pairs=btc_aud")
STORED = ("exchange=btcmarkets", "exchange.from_store=true", *RANGE, "mode.causality_cuts=0")


@pytest.fixture
def exchange():
    """Words that point the program at an exchange on this machine."""
    found = running(Setting("btcmarkets", 7, ("BTC-AUD",), "none", parse_time("2025-01-01")))
    return ("exchange=btcmarkets", f"exchange.url={found.url}")


def test_what_was_downloaded_is_traded_offline_by_the_rules_that_the_exchange_said(
    program, exchange
):
    ended = program("mode=download", *exchange, *RANGE)
    assert ended.code == 0, ended.err
    assert "1,344 candles were missing" in ended.err
    rules, _ = open_database("sqlite:///runs/framework.db").market_rules.newest("btcmarkets")[
        "BTC-AUD"
    ]
    market = TrueMarket.of("BTC-AUD")
    assert rules.tick_size == 10.0**-market.price_decimals
    assert rules.lot_step == 10.0**-market.unit_decimals
    ended = program(*STORED, "exchange.rules=recorded")
    assert ended.code == 0, ended.err
    (line,) = [
        line
        for line in json.loads((ended.run / "run.json").read_text())["assumptions"]
        if "btcmarkets said last" in line
    ]
    assert line.startswith("Lot steps, ticks and smallest orders are those that btcmarkets")


def test_recorded_rules_that_are_not_there_are_asked_for_in_one_line(program, exchange):
    assert program("mode=download", *exchange, *RANGE, "database=sqlite:///other.db").code == 0
    ended = program(*STORED, "exchange.rules=recorded")
    assert ended.code == 2
    assert ended.err.splitlines()[-1] == (
        "exchange.rules: of BTC-AUD no rules are recorded (was recorded); run mode=download "
        "exchange=btcmarkets 'pairs.symbols=[BTC-AUD]', or choose configured."
    )


def test_no_network_is_one_line_and_exit_code_3(program):
    ended = program(
        "mode=download", "exchange=btcmarkets", "exchange.url=http://127.0.0.1:9", *RANGE,
        "exchange.retries=1",
    )  # fmt: skip
    assert ended.code == 3
    assert ended.err.splitlines() == [
        "exchange btcmarkets: 127.0.0.1:9/v3/time: Connection refused; asked 2 times. Check the "
        "network, then run the same command again: it goes on where it stopped."
    ]


def test_an_interval_and_a_pair_that_are_not_offered_name_the_nearest(program, exchange):
    ended = program("mode=download", *exchange, *RANGE, "mode.interval=10m")
    assert ended.code == 2
    assert ended.err.splitlines() == [
        "strategy.interval, execution.interval, mode.interval: exchange 'btcmarkets' has no "
        "candles of 10m. Nearest: 15m."
    ]
    ended = program("mode=download", *exchange, *RANGE[:2], "pairs.symbols=[BTC-AUX]")
    assert ended.code == 2
    assert ended.err.splitlines() == [
        "pairs: exchange 'btcmarkets' has no market 'BTC-AUX'. Did you mean 'BTC-AUD'?"
    ]

"""Which order rules a run uses: the configured ones, or those that the exchange last said."""

import pytest
from made_live import MadeLive

from framework.errors import UserError
from framework.exchange.simulated import Simulated
from framework.market.rules import MarketRules
from framework.modes.market_rules import ruled, rules_line
from framework.results.database import open_database
from framework.results.market_rules import SaidRules
from framework.types import parse_time

PAIRS = ("BTC-AUD", "ETH-AUD")


@pytest.fixture
def url(tmp_path):
    open_database(f"sqlite:///{tmp_path}/framework.db")
    return f"sqlite:///{tmp_path}/framework.db"


def test_configured_rules_count_unless_others_are_asked_for(url):
    made = MadeLive(market={"tick_size": 0.25})
    open_database(url).market_rules.keep("made", {"BTC-AUD": SaidRules(1, 2, 3)}, 5)
    assert ruled(made, url, PAIRS) is made
    assert rules_line(made, url, PAIRS) is None


def test_recorded_rules_take_the_place_of_the_configured_ones(url):
    made = MadeLive(rules="recorded", market={"tick_size": 0.25})
    rules = open_database(url).market_rules
    rules.keep("made", {"BTC-AUD": SaidRules(1.0, 2.0, 3.0)}, parse_time("2026-03-05T10:00"))
    rules.keep("made", {"ETH-AUD": SaidRules(4.0, 5.0, 6.0)}, parse_time("2026-03-04"))
    rules.keep("made", {"SOL-AUD": SaidRules(7.0, 8.0, 9.0)}, parse_time("2025-01-01"))
    exchange = ruled(made, url, PAIRS)
    assert exchange.rules_of("BTC-AUD") == MarketRules(lot_step=1, tick_size=2, min_notional=3)
    assert exchange.rules_of("ETH-AUD") == MarketRules(lot_step=4, tick_size=5, min_notional=6)
    assert rules_line(made, url, PAIRS) == (
        "Lot steps, ticks and smallest orders are those that made said last, on 2026-03-04 or "
        "later; earlier ones may have differed."
    )


def test_pairs_without_recorded_rules_are_refused_with_the_command_that_records_them(url):
    made = MadeLive(rules="recorded")
    open_database(url).market_rules.keep("made", {"BTC-AUD": SaidRules(1, 2, 3)}, 5)
    with pytest.raises(UserError) as raised:
        ruled(made, url, (*PAIRS, "SOL-AUD"))
    assert str(raised.value) == (
        "exchange.rules: of ETH-AUD,SOL-AUD no rules are recorded (was recorded); run "
        "mode=download exchange=made 'pairs.symbols=[ETH-AUD,SOL-AUD]', or choose configured."
    )


def test_an_exchange_that_is_not_live_has_its_configured_rules():
    exchange = Simulated()
    assert ruled(exchange, "sqlite:///nowhere.db", PAIRS) is exchange
    assert rules_line(exchange, "sqlite:///nowhere.db", PAIRS) is None

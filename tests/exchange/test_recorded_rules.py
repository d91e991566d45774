"""Which order rules a run uses: the configured ones, or those that the exchange last said."""

from types import SimpleNamespace

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
def context(tmp_path):
    url = f"sqlite:///{tmp_path}/framework.db"
    open_database(url)

    def made(**fields):
        return SimpleNamespace(
            settings=SimpleNamespace(exchange=MadeLive(**fields), database=url), url=url
        )

    return made


def test_configured_rules_count_unless_others_are_asked_for(context):
    made = context(market={"tick_size": 0.25})
    open_database(made.url).market_rules.keep("made", {"BTC-AUD": SaidRules(1, 2, 3)}, 5)
    assert ruled(made, PAIRS) is made.settings.exchange
    assert rules_line(made, PAIRS) is None


def test_recorded_rules_take_the_place_of_the_configured_ones(context):
    made = context(rules="recorded", market={"tick_size": 0.25})
    rules = open_database(made.url).market_rules
    rules.keep("made", {"BTC-AUD": SaidRules(1.0, 2.0, 3.0)}, parse_time("2026-03-05T10:00"))
    rules.keep("made", {"ETH-AUD": SaidRules(4.0, 5.0, 6.0)}, parse_time("2026-03-04"))
    rules.keep("made", {"SOL-AUD": SaidRules(7.0, 8.0, 9.0)}, parse_time("2025-01-01"))
    exchange = ruled(made, PAIRS)
    assert exchange.rules_of("BTC-AUD") == MarketRules(lot_step=1, tick_size=2, min_notional=3)
    assert exchange.rules_of("ETH-AUD") == MarketRules(lot_step=4, tick_size=5, min_notional=6)
    assert rules_line(made, PAIRS) == (
        "Lot steps, ticks and smallest orders are those that made said last, on 2026-03-04 or "
        "later; earlier ones may have differed."
    )


def test_pairs_without_recorded_rules_are_refused_with_the_command_that_records_them(context):
    made = context(rules="recorded")
    open_database(made.url).market_rules.keep("made", {"BTC-AUD": SaidRules(1, 2, 3)}, 5)
    with pytest.raises(UserError) as raised:
        ruled(made, (*PAIRS, "SOL-AUD"))
    assert str(raised.value) == (
        "exchange.rules: of ETH-AUD,SOL-AUD no rules are recorded (was recorded); run "
        "mode=download exchange=made 'pairs.symbols=[ETH-AUD,SOL-AUD]', or choose configured."
    )


def test_an_exchange_that_is_not_live_has_its_configured_rules():
    exchange = Simulated()
    made = SimpleNamespace(settings=SimpleNamespace(exchange=exchange))
    assert ruled(made, PAIRS) is exchange
    assert rules_line(made, PAIRS) is None

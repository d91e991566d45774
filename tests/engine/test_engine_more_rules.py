"""Break-even and time stop, sizes, halts and the circuit breaker worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from engine_markets import Venue, candles_of, market_of, rules_of, signals_of
from pydantic import ValidationError
from test_engine_rules import costs, of, run, two_pairs

from framework.engine.account import account_from_bytes, account_to_bytes
from framework.engine.assumptions import assumptions
from framework.engine.execution import Execution
from framework.engine.risk import Risk
from framework.engine.simulate import simulate, step_once
from framework.errors import UserError
from framework.market.rules import MarketRules
from framework.records import Kind, OrderType, Reason, Signals


def reasons(simulation, kind):
    return [Reason(r) for r in of(simulation, kind)["reason"]]


# break-even


def test_after_the_gain_the_stop_lies_where_both_fees_are_earned_back():
    candles = market_of(100, (100, 102, 99, 101), (101, 104, 101, 103), (103, 103, 98, 99), 99)
    result = run(candles, signals_of(candles, [0]), risk=Risk(break_even=0.04), fee_bps=100)
    decided, fill = of(result, Kind.DECIDED)[1], of(result, Kind.FILLED)[1]
    # the high of 104 is the gain of 4 %; 100 * 1.01 / 0.99 = 102.0202...; the open of 103 is above
    assert decided["price"] == fill["price"] == 100 * (1.01 / 0.99)
    assert (fill["reason"], fill["type"]) == (Reason.BREAK_EVEN, OrderType.STOP)
    assert fill["time"] == candles.time[3]
    assert result.cash[-1] == pytest.approx(1000.0, rel=1e-12)


def test_break_even_takes_effect_only_in_the_next_bar():
    candles = market_of(100, 100, (100, 105, 95, 101), (101, 102, 101, 101), 101)
    result = run(candles, signals_of(candles, [0]), risk=Risk(break_even=0.05))
    assert len(of(result, Kind.FILLED)) == 1  # 95 comes in the bar of the gain, 101 after it


def test_short_of_the_gain_the_stop_stays_at_the_stop_loss():
    candles = market_of(100, 100, (100, 104.9, 100, 101), (101, 101, 90, 95), 95)
    result = run(candles, signals_of(candles, [0]), risk=Risk(break_even=0.05, stop_loss=0.04))
    fill = of(result, Kind.FILLED)[1]
    assert (fill["price"], fill["reason"]) == (96.0, Reason.STOP_LOSS)


def test_of_break_even_and_trailing_stop_the_higher_counts():
    candles = market_of(100, 100, (100, 110, 100, 110), (110, 110, 90, 95), 95)
    for trailing, price, reason in (
        (0.05, 110 * 0.95, Reason.TRAILING_STOP),
        (0.2, 100.0, Reason.BREAK_EVEN),
    ):
        risk = Risk(break_even=0.05, trailing_stop=trailing)
        fill = of(run(candles, signals_of(candles, [0]), risk=risk), Kind.FILLED)[1]
        assert (fill["price"], fill["reason"]) == (price, reason)


def test_gap_through_the_break_even_stop_fills_at_the_open():
    candles = market_of(100, 100, (100, 106, 100, 106), (97, 99, 96, 98), 98)
    result = run(candles, signals_of(candles, [0]), risk=Risk(break_even=0.05))
    assert of(result, Kind.FILLED)[1]["price"] == 97.0


def test_break_even_stop_starts_the_cool_down():
    candles = market_of(100, 100, (100, 106, 100, 106), (97, 99, 96, 98), 98, 98, 98)
    signals = signals_of(candles, [0, 3, 4])
    result = run(candles, signals, risk=Risk(break_even=0.05, cool_down=2))
    assert reasons(result, Kind.VETOED) == [Reason.COOL_DOWN]


def test_break_even_below_the_fees_is_refused():
    text = r"risk.break_even: must be greater than 0.020202, .* \(was 0.02\)"
    with pytest.raises(UserError, match=text):
        rules_of(Risk(break_even=0.02), fee_bps=100)
    rules_of(Risk(break_even=0.021), fee_bps=100)


# time stop


@pytest.mark.parametrize("bars", [1, 2, 5, 300])
def test_position_is_sold_at_the_open_after_so_many_bars(bars):
    candles = market_of(*[100.0 + t for t in range(310)])
    result = run(candles, signals_of(candles, [2]), risk=Risk(time_stop=bars))
    bought, sold = of(result, Kind.FILLED)
    assert bought["time"] == candles.time[3]  # held in bars 3 to 3 + bars - 1
    assert sold["time"] == candles.time[3 + bars] and sold["price"] == 103.0 + bars
    assert (sold["reason"], sold["type"]) == (Reason.TIME_STOP, OrderType.MARKET)


def test_time_stop_waits_for_a_bar_with_trades():
    candles = market_of(100, 100, 100, 101, 102, flat=[2, 3])
    result = run(candles, signals_of(candles, [0]), risk=Risk(time_stop=1))
    assert of(result, Kind.FILLED)["time"].tolist() == candles.time[[1, 4]].tolist()


def test_stop_before_the_time_stop_counts_as_stop():
    candles = market_of(100, 100, (100, 100, 90, 92), 92, 92)
    result = run(candles, signals_of(candles, [0]), risk=Risk(time_stop=3, stop_loss=0.05))
    assert reasons(result, Kind.FILLED) == [Reason.SIGNAL, Reason.STOP_LOSS]


def test_time_stop_cancels_what_is_still_being_bought():
    candles = market_of(100, *[(100, 100, 100, 100, 40.0)] * 4)
    risk, execution = Risk(time_stop=2), costs(max_participation=0.1)
    result = run(candles, signals_of(candles, [0]), risk=risk, execution=execution)
    # 4 of 10 units in each of bars 1 and 2; the rest is cancelled and 4 a bar are sold from bar 3
    assert reasons(result, Kind.CANCELLED) == [Reason.TIME_STOP]
    fills = of(result, Kind.FILLED)
    assert (fills["side"] * fills["units"]) == pytest.approx([4, 4, -4, -4])


# sizing


def test_quote_amount_buys_for_so_much_fee_included_times_confidence():
    candles = market_of(100, 100, 100)
    signals = signals_of(candles, [0], confidence=np.full((3, 1), 0.5))
    result = run(candles, signals, risk=Risk(quote_amount=404), fee_bps=100)
    (fill,) = of(result, Kind.FILLED)
    assert fill["units"] == pytest.approx(2.0) and fill["fee"] == pytest.approx(2.0)  # of 202


def test_quote_amount_is_no_more_than_free_cash():
    candles = market_of(100, 100, 100)
    result = run(candles, signals_of(candles, [0]), risk=Risk(quote_amount=5_000))
    assert of(result, Kind.DECIDED)["quote"].tolist() == [1000.0]


def test_two_entries_by_quote_amount_shrink_alike_to_the_cash():
    candles = two_pairs((10, 20), (10, 20), (10, 20))
    risk = Risk(quote_amount=800)
    result = run(candles, signals_of(candles, [(0, 0), (0, 1)]), risk=risk)
    assert of(result, Kind.DECIDED)["quote"].tolist() == [500.0, 500.0]


def test_risk_per_trade_loses_that_share_at_the_stop_without_costs():
    candles = market_of(100, 100, (100, 100, 90, 95), 95)
    risk = Risk(risk_per_trade=0.01, stop_loss=0.05)
    result = run(candles, signals_of(candles, [0]), risk=risk)
    # 1 % of 1000 is 10, and 5 % are lost: 200 are bought
    assert of(result, Kind.DECIDED)["quote"][0] == pytest.approx(200.0)
    assert result.cash[-1] == pytest.approx(990.0)


def test_risk_per_trade_counts_fees_spread_slippage_and_impact():
    candles = market_of(100, 100, (100, 100, 90, 95), 95, volume=40.0)
    execution = costs(half_spread_bps=60, slippage_bps=40, impact_bps=100, max_participation=0.5)
    risk = Risk(risk_per_trade=0.02, stop_loss=0.1)
    result = run(candles, signals_of(candles, [0]), risk=risk, execution=execution, fee_bps=100)
    # kept: 0.9 * (1 - 0.006 - 0.004 - 0.01 * 0.5) * 0.99 / 1.01 = 0.8689...
    kept = 0.9 * 0.985 * 0.99 / 1.01
    assert of(result, Kind.DECIDED)["quote"][0] == pytest.approx(20 / (1 - kept))
    assert 980.0 <= result.cash[-1] < 981.0  # a sale of less than half the volume loses less


def test_risk_per_trade_counts_the_tick_the_stop_is_rounded_by():
    candles = market_of(100, 100, (100, 100, 80, 95), 95)
    execution, market = Execution(rounding=True), MarketRules(tick_size=4)
    risk = Risk(risk_per_trade=0.01, stop_loss=0.05)
    result = run(candles, signals_of(candles, [0]), risk=risk, execution=execution, market=market)
    assert of(result, Kind.DECIDED)["price"][1] == 92.0  # 95.0285 rounded down
    # 1 - 0.05 - 0.04, less 3 bps, and 10 % of the impact of 10 bps
    assert of(result, Kind.DECIDED)["quote"][0] == pytest.approx(10 / (1 - 0.91 * 0.9996))
    assert result.cash[-1] >= 990.0


# halts


def test_halt_ends_after_its_bars_and_the_peak_begins_anew():
    candles = market_of(100, 100, 79, 78, 78, 78, 78, 70, 70)
    signals = signals_of(candles, [0, 2, 3, 4, 5])
    result = run(candles, signals, risk=Risk(max_drawdown=0.2, halt_bars=3))
    # halted in bar 2 with 790; bars 3 and 4 are vetoed (one event); bar 5 enters with 780
    assert of(result, Kind.VETOED)["time"].tolist() == [candles.time[3]]
    assert of(result, Kind.FILLED)["time"].tolist() == candles.time[[1, 3, 6]].tolist()
    wallet = result.account["wallet"][0]
    # 70 / 78 is a drawdown of 10 % from the new peak, although of 30 % from the old
    assert (wallet["halted"], wallet["peak_equity"]) == (0, 780.0)


def test_halt_that_ends_in_a_quiet_stretch_resets_the_peak_then():
    candles = market_of(100, 100, 79, 78, *[78.0] * 400)
    whole = run(candles, signals_of(candles, [0]), risk=Risk(max_drawdown=0.2, halt_bars=200))
    assert whole.account["wallet"]["halted"][0] == 0
    assert whole.account["wallet"]["peak_equity"][0] == 780.0


def test_without_halt_bars_trading_stays_halted():
    candles = market_of(100, 100, 79, 78, *[78.0] * 400)
    signals = signals_of(candles, [0, 300])
    result = run(candles, signals, risk=Risk(max_drawdown=0.2))
    assert reasons(result, Kind.VETOED) == [Reason.MAX_DRAWDOWN]


# circuit breaker


def walk(bars, seed=3, scale=0.01):
    moves = np.random.default_rng(seed).normal(0, scale, bars)
    return market_of(*(100 * np.exp(np.cumsum(moves))).tolist())


def test_entries_are_refused_while_returns_scatter_too_much():
    candles = market_of(100, 100, 110, 110, 110, 110)
    always = Signals(enter=np.ones((6, 1), bool))
    result = run(candles, always, risk=Risk(volatility_halt=0.05, volatility_bars=2))
    # two log-returns (0, 0.0953): a sample deviation of 0.0674 in bars 2 and 3, 0 in bar 4; in
    # bars 0 and 1 too few are known
    veto, fill = of(result, Kind.VETOED), of(result, Kind.FILLED)
    assert veto["time"].tolist() == [candles.time[0]] and veto["reason"][0] == Reason.VOLATILITY
    assert fill["time"].tolist() == [candles.time[5]]


def test_volatility_is_that_of_numpy_over_any_window():
    candles = walk(700)
    returns = np.diff(np.log(candles.close[:, 0]))
    for bars in (2, 96, 288):
        for t in (bars - 1, bars, 299, 650):  # asked once, after a long stretch without a signal
            seen = np.std(returns[t - bars : t], ddof=1) if t >= bars else np.inf
            for bound in (seen * (1 - 1e-9), seen * (1 + 1e-9)):
                bound = min(bound, 10.0)
                risk = Risk(volatility_halt=bound, volatility_bars=bars)
                result = run(candles, signals_of(candles, [t]), risk=risk)
                refused = [Reason.VOLATILITY] if not seen <= bound else []
                assert reasons(result, Kind.VETOED) == refused


def test_each_pair_has_its_own_circuit_breaker():
    rows = [(100, 100), (100, 100), (120, 100), (100, 100), (100, 100)]
    candles = two_pairs(*rows)
    signals = signals_of(candles, [(3, 0), (3, 1)])
    risk = Risk(volatility_halt=0.05, volatility_bars=3, fraction=0.5)
    result = run(candles, signals, risk=risk)
    assert of(result, Kind.VETOED)["pair"].tolist() == [0]
    assert of(result, Kind.FILLED)["pair"].tolist() == [1]


def test_closes_before_the_first_are_not_known():
    prices = np.array([np.nan, np.nan, 100, 100, 100, 100])[:, None]
    rows = np.repeat(prices[:, None, :], 5, axis=1)
    candles = candles_of(rows, np.array([[2], [2], [0], [0], [0], [0]], np.uint8))
    always = Signals(enter=np.ones((6, 1), bool))
    result = run(candles, always, risk=Risk(volatility_halt=0.1, volatility_bars=2))
    assert reasons(result, Kind.VETOED) == [Reason.NOT_TRADABLE, Reason.VOLATILITY]
    assert of(result, Kind.FILLED)["time"].tolist() == [candles.time[5]]


def test_account_carries_closes_and_halts_from_bar_to_bar():
    candles = walk(320, scale=0.02)
    rng = np.random.default_rng(1)
    signals = Signals(enter=rng.random((320, 1)) < 0.2, exit=rng.random((320, 1)) < 0.05)
    risk = Risk(
        volatility_halt=0.02, volatility_bars=100, time_stop=9, break_even=0.03,
        max_drawdown=0.05, halt_bars=20,
    )  # fmt: skip
    rules = rules_of(risk)
    whole = simulate(candles, signals, rules, 1_000.0)
    assert {Reason.VOLATILITY, Reason.TIME_STOP, Reason.HALT} <= set(whole.events["reason"])
    part = simulate(candles[:1], Signals(enter=signals.enter[:1]), rules, 1_000.0)
    events = [part.events]
    for t in range(1, 320):
        account = account_from_bytes(account_to_bytes(part.account), candles.pairs)
        row = Signals(enter=signals.enter[: t + 1], exit=signals.exit[: t + 1])
        part = step_once(account, candles[: t + 1], row, rules)
        events.append(part.events)
    np.testing.assert_array_equal(np.concatenate(events), whole.events)
    assert account_to_bytes(part.account) == account_to_bytes(whole.account)


def test_closes_are_known_anew_after_bars_without_the_rule():
    candles = market_of(*[100.0] * 20)
    off = rules_of()
    on = rules_of(Risk(volatility_halt=0.1, volatility_bars=2))
    account = simulate(candles[:5], signals_of(candles[:5]), on, 1_000.0).account
    account = simulate(
        candles[:10], signals_of(candles[:10]), off, account=account, first=5
    ).account
    always = Signals(enter=np.ones((20, 1), bool))
    result = simulate(candles, always, on, account=account, first=10)
    assert of(result, Kind.VETOED)["time"].tolist() == [candles.time[10]]
    assert of(result, Kind.FILLED)["time"].tolist() == [candles.time[13]]  # decided in bar 12


# as configured


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"fraction": 0.1, "quote_amount": 100}, "fraction and quote_amount both size an entry"),
        (
            {"quote_amount": 9, "risk_per_trade": 0.1, "stop_loss": 0.1},
            "quote_amount and risk_per_trade both size an entry",
        ),
        ({"risk_per_trade": 0.01}, "risk_per_trade needs a stop_loss"),
        ({"halt_bars": 10}, "halt_bars needs a max_drawdown"),
        ({"time_stop": 0}, "greater than or equal to 1"),
        ({"volatility_halt": 0.1, "volatility_bars": 289}, "less than or equal to 288"),
        ({"quote_amount": 0}, "greater than 0"),
    ],
)
def test_rules_that_contradict_each_other_are_refused(values, words):
    with pytest.raises(ValidationError, match=words):
        Risk(**values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"break_even": 0.03}, "break-even stop from a gain of 0.03"),
        ({"time_stop": 12}, "held for 12 bars is sold at the next open"),
        ({"quote_amount": 250}, "gets 250 of quote currency"),
        ({"risk_per_trade": 0.01, "stop_loss": 0.05}, "loses 0.01 of equity at its stop-loss"),
        ({"max_drawdown": 0.2, "halt_bars": 96}, "trading rests for 96 bars 0.2"),
        ({"volatility_halt": 0.02}, "a pair's 96 last log-returns 0.02"),
    ],
)
def test_assumptions_name_each_rule(values, words):
    lines = " ".join(assumptions(Risk(**values), Execution(), Venue(name="v")))
    assert words in lines

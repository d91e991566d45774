"""What holds for any market, signals and rules."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from engine_cases import random_case, rules_of_case, simulate_case
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.engine.simulate import simulate
from framework.records import Kind, OrderTerms, OrderType, Reason, Signals
from framework.types import YEAR_NS

LEVELS = (Reason.STOP_LOSS, Reason.TRAILING_STOP, Reason.BREAK_EVEN, Reason.TAKE_PROFIT)

COLUMNS = ("open", "high", "low", "close", "volume", "standing")

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=40, deadline=None)


def traded(seed):
    case = random_case(seed)
    candles, signals, risk, execution, _, cash, _, _ = case
    return candles, signals, risk, execution, cash, simulate_case(case)


def holdings(candles, events):
    """Units held and cash flows per bar, added up from fills and charges."""
    charges = events[events["kind"] == Kind.CHARGED]
    fills = events[events["kind"] == Kind.FILLED]
    bars = np.searchsorted(candles.time, fills["time"])
    units = np.zeros(candles.close.shape)
    np.add.at(units, (bars, fills["pair"]), fills["side"] * fills["units"])
    flow = np.zeros(len(candles))
    np.add.at(flow, bars, -(fills["side"] * fills["quote"]) - fills["fee"])
    np.add.at(flow, np.searchsorted(candles.time, charges["time"]), -charges["quote"])
    return np.cumsum(units, axis=0), np.cumsum(flow)


def owed(candles, events, rate):
    """What shorts owe at every close: accrued there, and paid with what they give back."""
    held, debt, total = np.zeros(candles.close.shape[1]), np.zeros(candles.close.shape[1]), []
    for time, close in zip(candles.time, candles.close, strict=True):
        for event in events[events["time"] == time]:
            if event["kind"] == Kind.FILLED:
                held[event["pair"]] += event["side"] * event["units"]
            elif event["kind"] == Kind.CHARGED:
                debt[event["pair"]] -= event["quote"]
        debt += np.where(held < -1e-9, -held * close * rate, 0.0)
        total.append(debt.sum())
    return np.array(total)


@few
@given(seeds)
def test_cash_plus_positions_minus_what_is_owed_is_equity_at_every_bar(seed):
    case = random_case(seed)
    candles, _, _, execution, venue, cash, terms, _ = case
    result = simulate_case(case)
    units, flow = holdings(candles, result.events)
    a_bar = (execution.interval or terms.interval).ns / YEAR_NS
    debt = owed(candles, result.events, venue.borrow_rate * a_bar)
    value = cash + flow + (units * candles.close).sum(1) - debt
    np.testing.assert_allclose(value, result.equity, rtol=1e-9, atol=1e-9 * cash)
    np.testing.assert_allclose(result.cash, cash + flow, rtol=1e-9, atol=1e-9 * cash)
    assert result.cash[-1] == result.account["wallet"]["cash"][0]  # to the last bit
    np.testing.assert_allclose(result.account["positions"]["units"][0], units[-1], atol=1e-9)
    assert result.account["wallet"]["bars"][0] == len(candles)


@few
@given(seeds)
def test_without_shorts_cash_and_positions_are_never_negative(seed):
    case = random_case(seed)
    candles, result = case[0], simulate_case(case)
    if case[-2].direction == "both":
        return
    assert (result.cash >= 0).all()
    assert (holdings(candles, result.events)[0] >= -1e-9).all()


@few
@given(seeds)
def test_no_fill_outside_the_bar_or_above_its_volume_share(seed):
    """But for a limit within the spread at the open, which its own bar fills at that limit."""
    candles, _, _, execution, _, result = traded(seed)
    fills = result.events[result.events["kind"] == Kind.FILLED]
    bars = np.searchsorted(candles.time, fills["time"])
    at = (bars, fills["pair"])
    base = fills["price"] - fills["side"] * fills["slippage"] / fills["units"]
    half_spread = np.where(fills["type"] == OrderType.LIMIT, execution.half_spread_bps * 1e-4, 0.0)
    assert (base >= candles.low[at] * (1 - half_spread - 1e-9)).all()
    assert (base <= candles.high[at] * (1 + half_spread + 1e-9)).all()
    assert np.isin(candles.standing[at], (0, 3)).all()
    if execution.max_participation:
        taken = np.zeros(candles.close.shape)
        np.add.at(taken, at, fills["units"])
        assert (taken <= execution.max_participation * candles.volume * (1 + 1e-9) + 1e-9).all()


@few
@given(seeds)
def test_every_fill_follows_its_decision_in_an_earlier_bar_or_a_level(seed):
    _, _, _, _, _, result = traded(seed)
    decided = {}
    for event in result.events:
        if event["kind"] == Kind.DECIDED:
            assert event["order"] not in decided
            decided[event["order"]] = event
        elif event["kind"] == Kind.FILLED:
            order = decided[event["order"]]
            assert (order["pair"], order["side"]) == (event["pair"], event["side"])
            at_level = order["reason"] in LEVELS and order["type"] != OrderType.MARKET
            assert order["time"] < event["time"] or (at_level and order["time"] == event["time"])
    assert list(decided) == list(range(1, len(decided) + 1))
    assert (np.diff(result.events["time"]) >= 0).all()


@few
@given(seeds)
def test_nothing_is_held_beyond_the_time_stop_where_it_can_be_sold(seed):
    candles, signals, risk, execution, venue, cash, terms, _ = random_case(seed)
    risk = replace(risk, time_stop=risk.time_stop or 3)
    execution = replace(execution, max_participation=None, impact_bps=0, book=False)
    terms = replace(terms, exit_order=OrderTerms())  # no sale under way expires as it falls due
    result = simulate_case((candles, signals, risk, execution, venue, cash, terms, None))
    units = holdings(candles, result.events)[0]
    longest = risk.time_stop * (terms.interval.ns // candles.interval.ns)
    bars, before = np.zeros(units.shape[1]), np.zeros(units.shape[1])
    for now, standing in zip(
        np.where(np.abs(units) > 1e-9, np.sign(units), 0), candles.standing, strict=True
    ):
        bars = np.where(now == 0, 0, np.where(now == before, bars + 1, 1))
        before = now
        assert (bars[np.isin(standing, (0, 3))] <= longest).all()


@few
@given(seeds)
def test_the_order_of_pairs_changes_nothing_where_nothing_is_scarce(seed):
    """Cash, exposure, positions and correlation are shared out in the order of pairs."""
    candles, signals, risk, execution, venue, _, terms, _ = random_case(seed)
    execution = replace(execution, book=False)
    plenty = dict.fromkeys(
        ("max_exposure", "max_positions", "max_correlated_exposure", "risk_per_trade", "fraction")
    )
    plenty |= dict(kelly=None, volatility_target=None, inverse_volatility=False)
    risk = replace(risk, **(plenty | dict(quote_amount=100.0)))
    if signals.target is not None:
        signals = replace(signals, target=signals.target / (4 * candles.close.shape[1]))
    order = np.random.default_rng(seed).permutation(len(candles.pairs))
    other = replace(
        candles,
        pairs=tuple(candles.pairs[n] for n in order),
        **{name: getattr(candles, name)[:, order] for name in COLUMNS},
    )
    arrays = {f.name: getattr(signals, f.name) for f in fields(signals)}
    shuffled = Signals(**{k: None if v is None else v[:, order] for k, v in arrays.items()})
    terms_of_trade = (risk, execution, venue, 1e7, terms, None)
    one = simulate_case((candles, signals, *terms_of_trade))
    two = simulate_case((other, shuffled, *terms_of_trade))
    np.testing.assert_allclose(two.equity, one.equity, rtol=1e-9)
    for n, there in enumerate(np.argsort(order)):
        fills = [
            run.events[(run.events["kind"] == Kind.FILLED) & (run.events["pair"] == pair)]
            for run, pair in ((one, n), (two, there))
        ]
        for name in ("time", "side", "type", "reason"):
            np.testing.assert_array_equal(fills[0][name], fills[1][name])
        for name in ("units", "price", "fee"):
            np.testing.assert_allclose(fills[0][name], fills[1][name], rtol=1e-9, atol=1e-12)


@few
@given(seeds)
def test_inputs_are_left_as_they_were_and_a_second_run_is_equal(seed):
    case = random_case(seed)
    candles, signals, _, _, _, cash, _, books = case
    rules = rules_of_case(case)
    arrays = [a for a in vars_of(signals) if a is not None]
    before = candles.digest, [a.copy() for a in arrays], rules.scalars.copy(), rules.pairs.copy()
    one, two = (simulate(candles, signals, rules, cash, books=books) for _ in range(2))
    assert one.orders_hash == two.orders_hash
    vars(candles).pop("digest")
    assert candles.digest == before[0]
    for array, copy in zip(arrays, before[1], strict=True):
        np.testing.assert_array_equal(array, copy)
    assert rules.scalars == before[2] and (rules.pairs == before[3]).all()


def vars_of(signals):
    return [getattr(signals, field.name) for field in fields(signals)]

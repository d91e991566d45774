"""No limit is exceeded, whatever the market, signals and rules, and whichever way is traded."""

from __future__ import annotations

from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
from engine_cases import random_case, rules_of_case, simulate_case
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.engine.account import ENTRY, EXIT, new_account
from framework.engine.simulate import step_once
from framework.records import Kind, OrderType, Reason, Signals
from framework.types import DAY_NS

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=40, deadline=None)


def bars_of(case):
    """Step a case bar by bar: what each leads to, pair by pair, and the entries decided in it."""
    candles, signals, _, _, _, cash, _, books = case
    rules, account = rules_of_case(case), new_account(candles.pairs, cash)
    arrays = {f.name: getattr(signals, f.name) for f in fields(signals)}
    for t in range(len(candles)):
        row = {name: None if a is None else a[t : t + 1] for name, a in arrays.items()}
        result = step_once(account, candles[t : t + 1], Signals(**row), rules, books)
        account, events = result.account, result.events
        orders, units = account["orders"][0], np.abs(account["positions"]["units"][0])
        leaves = (orders["id"][:, EXIT] != 0) & (orders["type"][:, EXIT] == OrderType.MARKET)
        leaving = np.where(orders["closes"][:, EXIT] == 1, units, orders["units"][:, EXIT])
        waits = orders["id"][:, ENTRY] != 0
        stays = units - np.where(leaves, leaving, 0.0)
        decided = events[(events["kind"] == Kind.DECIDED) & (events["units"] == 0)]
        yield SimpleNamespace(
            t=t, equity=result.equity[0] * (1 + 1e-6), events=events, entries=decided["pair"],
            stays=stays * candles.close[t], enters=np.where(waits, orders["quote"][:, ENTRY], 0.0),
            occupied=waits | ((units > 0) & ~(leaves & (orders["closes"][:, EXIT] == 1))),
        )  # fmt: skip


@few
@given(seeds)
def test_entries_stay_within_the_exposure_allowed(seed):
    case = random_case(seed)
    risk = case[2]
    for bar in bars_of(case):
        if len(bar.entries):
            value = bar.stays + bar.enters
            most = (risk.max_pair_exposure or 1.0) * bar.equity
            assert (value[bar.entries] <= most).all()
            assert value.sum() <= (risk.max_exposure or 1.0) * bar.equity


@few
@given(seeds)
def test_no_more_pairs_are_held_or_entered_than_allowed(seed):
    """Only a close that expired, for which another pair has entered, makes them more."""
    candles, signals, risk, *others = random_case(seed)
    risk = replace(risk, max_positions=risk.max_positions or 2)
    for bar in bars_of((candles, signals, risk, *others)):
        expired = bar.events[bar.events["kind"] == Kind.EXPIRED]
        if ((expired["units"] > 0) & (expired["type"] == OrderType.MARKET)).any():
            return
        assert bar.occupied.sum() <= risk.max_positions


@few
@given(seeds)
def test_entries_stay_within_the_exposure_allowed_to_pairs_that_move_together(seed):
    candles, signals, risk, *others = random_case(seed)
    risk = replace(risk, max_correlated_exposure=risk.max_correlated_exposure or 0.2)
    case = candles, signals, risk, *others
    ratio = others[-2].interval.ns // candles.interval.ns
    ends = candles.time + candles.interval.ns
    for bar in bars_of(case):
        closes = candles.close[: bar.t + 1][ends[: bar.t + 1] % (ratio * candles.interval.ns) == 0]
        known = len(closes) > risk.correlation_bars
        moves = np.diff(np.log(closes[-risk.correlation_bars - 1 :]), axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            alike = np.corrcoef(moves.T).reshape(moves.shape[1], -1) if known else np.nan
        together = ~(alike * np.ones((len(bar.stays),) * 2) <= risk.correlation)
        for n in bar.entries:
            before = np.array([m <= n or m not in bar.entries for m in range(len(bar.stays))])
            value = bar.stays + np.where(before, bar.enters, 0.0)
            assert value[together[n]].sum() <= risk.max_correlated_exposure * bar.equity


def halts(equity, risk, ratio):
    """Bars in which trading rests, from and to before, from equity alone."""
    found, peak, t = [], -np.inf, 0
    while t < len(equity):
        peak = max(peak, equity[t])
        if equity[t] <= peak * (1 - risk.max_drawdown):
            found.append((t, t + risk.halt_bars * ratio if risk.halt_bars else len(equity)))
            t = found[-1][1]
            peak = equity[t] if t < len(equity) else peak
        t += 1
    return found


def lost_days(time, equity, cash, risk):
    """Bars of a UTC day from that on in which it has lost too much."""
    lost, days = np.zeros(len(time), bool), time // DAY_NS
    for day in np.unique(days):
        rows = np.flatnonzero(days == day)
        opened = equity[rows[0] - 1] if rows[0] else cash
        lost[rows] = np.maximum.accumulate(equity[rows] <= opened * (1 - risk.daily_loss))
    return lost


@few
@given(seeds)
def test_no_entry_is_decided_where_it_is_forbidden(seed):
    case = random_case(seed)
    candles, signals, risk, _, _, cash, terms, _ = case
    result, ratio = simulate_case(case), terms.interval.ns // candles.interval.ns
    events = result.events
    decided = events[events["kind"] == Kind.DECIDED]
    entries = decided[decided["units"] == 0]
    bars = np.searchsorted(candles.time, entries["time"])
    at, traded = (bars, entries["pair"]), signals.traded
    assert (np.isin(candles.standing, (0, 3)) if traded is None else traded)[at].all()
    if risk.max_anomaly is not None:
        assert (signals.anomaly[at] <= risk.max_anomaly).all()
    if risk.daily_loss:
        assert not lost_days(candles.time, result.equity, cash, risk)[bars].any()
    if risk.max_drawdown:
        for start, stop in halts(result.equity, risk, ratio):
            assert not ((bars >= start) & (bars < stop)).any()
    stops = (Reason.STOP_LOSS, Reason.TRAILING_STOP, Reason.BREAK_EVEN)
    for stop in decided[np.isin(decided["reason"], stops)]:
        since = bars[entries["pair"] == stop["pair"]] - np.searchsorted(candles.time, stop["time"])
        assert not ((since >= 0) & (since < risk.cool_down * ratio)).any()

"""Correlations kept close by close, against NumPy; what they let an entry have, by hand."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from engine_markets import candles_of, rules_of, signals_of
from test_engine_rules import of, run, two_pairs

from framework.engine.account import account_arrays, account_from_bytes, account_to_bytes
from framework.engine.correlation import correlation
from framework.engine.risk import Risk
from framework.engine.simulate import simulate, step_once
from framework.engine.state import Book
from framework.market.candles import Standing
from framework.records import Kind, Reason, Signals


def walk(bars, pairs, seed=1, scale=0.01):
    """Closes of pairs that share a part of their returns, more with each pair."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, scale, (bars, 1))
    weight = np.linspace(-0.9, 0.9, pairs)
    moves = weight * shared + np.sqrt(1 - weight**2) * rng.normal(0, scale, (bars, pairs))
    return 100 * np.exp(moves.cumsum(axis=0))


def market(close, standing=None):
    rows = np.repeat(close[:, None, :], 5, axis=1)
    rows[:, 4] = 1e9
    if standing is None:
        standing = np.zeros(close.shape, np.uint8)
    return candles_of(rows, standing)


def watch(bars, candles, **rules):
    return rules_of(
        Risk(max_correlated_exposure=1.0, correlation_bars=bars, **rules), pairs=candles.pairs
    )


def matrix(account):
    book = Book(*account_arrays(account))
    pairs = len(book.positions_N)
    return np.array([[from_python(book, n, m) for m in range(pairs)] for n in range(pairs)])


@numba.njit
def from_python(book, n, m):
    """Call a function that compiled code only can call."""
    return correlation(book, n, m)


def judged(close, bars):
    """The same by NumPy, from the last closes alone."""
    return np.corrcoef(np.diff(np.log(close[-bars - 1 :]), axis=0).T)


def quotes(simulation):
    return of(simulation, Kind.DECIDED)["quote"].tolist()


def vetoes(simulation):
    return [Reason(r) for r in of(simulation, Kind.VETOED)["reason"]]


# the matrix


@pytest.mark.parametrize("bars", [3, 96, 288])
def test_correlations_are_those_of_numpy_over_thousands_of_bars(bars):
    close = walk(5_000, 4)
    candles = market(close)
    rules, account = watch(bars, candles), None
    ends = [bars + 1, 700, 1_023, 1_024, 1_025, 1_026, 1_300, 2_048, 2_049, 4_999, 5_000]
    first = 0
    for end in ends:
        part = candles[:end]
        account = simulate(
            part, signals_of(part), rules, 1_000.0, account=account, first=first
        ).account
        np.testing.assert_allclose(matrix(account), judged(close[:end], bars), atol=1e-9)
        first = end


def test_rounding_of_a_crash_does_not_stay_when_it_has_left_the_window():
    close = walk(3_000, 3, scale=1e-4)
    close[1_100:1_102] *= 1e-3  # a bad print: log-returns of -6.9 and back, 70,000 deviations
    for end, near in ((1_150, 1e-9), (1_300, 1e-6), (2_049, 1e-12)):  # in it, gone, made anew
        candles = market(close[:end])
        account = simulate(candles, signals_of(candles), watch(96, candles), 1_000.0).account
        np.testing.assert_allclose(matrix(account), judged(close[:end], 96), atol=near)


def test_too_few_closes_say_nothing():
    close = walk(97, 2)
    for end, known in ((96, False), (97, True)):
        candles = market(close[:end])
        account = simulate(candles, signals_of(candles), watch(96, candles), 1_000.0).account
        assert np.isfinite(matrix(account)).all() == known


def test_pair_says_nothing_until_its_first_close_has_left_the_window():
    close = walk(60, 3)
    close[:20, 1] = np.nan
    standing = np.zeros(close.shape, np.uint8)
    standing[:20, 1] = Standing.MISSING
    for end, known in ((30, False), (31, True)):
        candles = market(close[:end], standing[:end])
        account = simulate(candles, signals_of(candles), watch(10, candles), 1_000.0).account
        found = matrix(account)
        assert np.isfinite(found[1]).all() == known
        rest = np.ix_([0, 2], [0, 2])
        np.testing.assert_allclose(found[rest], judged(close[:end, [0, 2]], 10), atol=1e-12)
    np.testing.assert_allclose(found, judged(close[:31], 10), atol=1e-12)


def test_pair_that_did_not_move_in_the_window_says_nothing():
    close = walk(60, 2)
    close[40:, 1] = close[39, 1]
    for end, known in ((49, True), (50, False)):  # the move of bar 39 leaves with bar 49
        candles = market(close[:end])
        account = simulate(candles, signals_of(candles), watch(10, candles), 1_000.0).account
        assert np.isfinite(matrix(account)[0, 1]) == known
        assert np.isfinite(matrix(account)[0, 0])


# the account carried over


def test_account_carries_the_sums_from_part_to_part_and_bar_to_bar():
    close = walk(1_200, 3)
    candles = market(close)
    rng = np.random.default_rng(2)
    enter, leave = rng.random(close.shape) < 0.02, rng.random(close.shape) < 0.01
    rules = rules_of(
        Risk(max_correlated_exposure=0.4, correlation=0.1, correlation_bars=50, fraction=0.4),
        pairs=candles.pairs,
    )
    whole = simulate(candles, Signals(enter=enter, exit=leave), rules, 1_000.0)
    assert Reason.CORRELATION in vetoes(whole)
    account, events, first = None, [], 0
    for end in (3, 400, 1_000, *range(1_001, 1_060), 1_200):
        seen = Signals(enter=enter[:end], exit=leave[:end])
        if end - first == 1:
            part = step_once(account, candles[:end], seen, rules)
        else:
            part = simulate(candles[:end], seen, rules, 1_000.0, account=account, first=first)
        account = account_from_bytes(account_to_bytes(part.account), candles.pairs)
        events.append(part.events)
        first = end
    np.testing.assert_array_equal(np.concatenate(events), whole.events)
    assert account_to_bytes(account) == account_to_bytes(whole.account)


def test_rule_switched_on_or_with_another_window_reads_the_closes_it_finds():
    close = walk(900, 3)
    candles = market(close)
    off = rules_of(Risk(volatility_halt=1.0), pairs=candles.pairs)
    account = simulate(candles[:500], signals_of(candles[:500]), off, 1_000.0).account
    first = 500
    for bars, end in ((96, 501), (96, 600), (30, 601), (288, 900)):
        part = candles[:end]
        account = simulate(
            part, signals_of(part), watch(bars, candles), account=account, first=first
        ).account
        np.testing.assert_allclose(matrix(account), judged(close[:end], bars), atol=1e-9)
        first = end


def test_bars_without_the_rule_make_the_correlation_unknown():
    close = walk(100, 2)
    candles = market(close)
    on, account, first = watch(10, candles), None, 0
    for end, rules in ((50, on), (51, rules_of(pairs=candles.pairs)), (61, on)):
        part = candles[:end]
        account = simulate(
            part, signals_of(part), rules, 1_000.0, account=account, first=first
        ).account
        first = end
    assert np.isnan(matrix(account)[0, 1])  # ten closes, nine returns
    account = simulate(
        candles[:62], signals_of(candles[:62]), on, account=account, first=61
    ).account
    np.testing.assert_allclose(matrix(account), judged(close[:62], 10), atol=1e-12)


# what an entry may have

ALIKE = [(100, 50), (110, 55), (100, 50), (105, 52.5), (100, 50), (100, 50), (100, 50)]
APART = [(100, 50), (110, 45), (100, 50), (105, 47), (100, 50), (100, 50), (100, 50)]


def limited(rows, entries, share, **values):
    candles = two_pairs(*rows)
    risk = Risk(max_correlated_exposure=share, correlation_bars=3, **values)
    return run(candles, signals_of(candles, entries), risk=risk)


def test_entries_of_pairs_that_move_together_share_one_room():
    result = limited(ALIKE, [(4, 0), (4, 1)], 0.5, fraction=0.4)
    assert quotes(result) == pytest.approx([400.0, 100.0])  # 500 in all, the first pair first


def test_entries_of_pairs_that_move_apart_have_a_room_each():
    result = limited(APART, [(4, 0), (4, 1)], 0.5, fraction=0.4)
    assert quotes(result) == [400.0, 400.0]


def test_pair_alone_may_not_have_more_than_the_room_either():
    assert quotes(limited(APART, [(4, 0)], 0.5, fraction=0.8)) == [500.0]


def test_without_room_the_entry_is_refused():
    result = limited(ALIKE, [(4, 0), (4, 1)], 0.4, fraction=0.4)
    assert quotes(result) == [400.0]
    assert vetoes(result) == [Reason.CORRELATION]


def test_positions_held_and_orders_waiting_take_of_the_room():
    waiting = limited(ALIKE, [(4, 1), (5, 0)], 0.5, fraction=0.3)
    assert quotes(waiting) == pytest.approx([300.0, 200.0])
    rows = [*ALIKE[:4], (100, 50), (100, 50), (110, 55), (110, 55)]
    held = limited(rows, [(4, 1), (6, 0)], 0.5, fraction=0.3)
    # 6 units at 55 are 330, equity is 1030: 515 - 330 = 185
    assert quotes(held) == pytest.approx([300.0, 185.0])


def test_unknown_correlation_counts_as_one():
    assert quotes(limited(APART, [(2, 0), (2, 1)], 0.5, fraction=0.4)) == [400.0, 100.0]
    assert quotes(limited(APART, [(3, 0), (3, 1)], 0.5, fraction=0.4)) == [400.0, 400.0]


def test_correlation_on_the_bound_is_not_above_it():
    close = walk(60, 2, seed=9)
    candles = market(close)
    seen = judged(close[:51], 20)[0, 1]
    for bound, expected in ((seen - 1e-9, [400.0, 100.0]), (seen + 1e-9, [400.0, 400.0])):
        risk = Risk(
            max_correlated_exposure=0.5, correlation=bound, correlation_bars=20, fraction=0.4
        )
        result = run(candles, signals_of(candles, [(50, 0), (50, 1)]), risk=risk)
        assert quotes(result) == pytest.approx(expected)


def test_target_weights_shrink_alike():
    candles = two_pairs(*ALIKE)
    target = np.full(candles.close.shape, np.nan)
    target[4] = 0.4
    risk = Risk(max_correlated_exposure=0.5, correlation_bars=3)
    assert quotes(run(candles, Signals(target=target), risk=risk)) == pytest.approx([400.0, 100.0])

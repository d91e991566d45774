"""One bar at a time, or in two parts with the account carried over as bytes: the same trading."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from engine_cases import random_case, rules_of_case
from engine_markets import market_of, rules_of

from framework.engine.account import (
    account_digest,
    account_from_bytes,
    account_to_bytes,
    new_account,
)
from framework.engine.orders_hash import OrdersHash
from framework.engine.simulate import simulate, step_once
from framework.records import Signals

NAMES = [field.name for field in fields(Signals)]


def cut(signals, bars):
    arrays = {name: getattr(signals, name) for name in NAMES}
    return Signals(**{k: None if v is None else v[bars] for k, v in arrays.items()})


def case(seed):
    case = random_case(seed)
    candles, signals, _, _, _, cash, _, books = case
    return candles, signals, rules_of_case(case), cash, books


@pytest.mark.parametrize("seed", range(100, 112))
def test_stepping_bar_by_bar_equals_simulate_bit_for_bit(seed):
    candles, signals, rules, cash, books = case(seed)
    whole = simulate(candles, signals, rules, cash, books=books)
    account, parts = new_account(candles.pairs, cash), []
    for t in range(len(candles)):
        seen = slice(0, t + 1)
        parts.append(step_once(account, candles[seen], cut(signals, seen), rules, books))
        account = parts[-1].account
    np.testing.assert_array_equal(np.concatenate([p.events for p in parts]), whole.events)
    np.testing.assert_array_equal(np.concatenate([p.equity for p in parts]), whole.equity)
    assert account_digest(account) == account_digest(whole.account)


@pytest.mark.parametrize("seed", range(200, 212))
def test_splitting_a_run_and_carrying_the_account_over_changes_nothing(seed):
    candles, signals, rules, cash, books = case(seed)
    whole = simulate(candles, signals, rules, cash, books=books)
    hasher = OrdersHash(candles.pairs, candles.interval)
    half = len(candles) // 2
    first = simulate(candles[:half], cut(signals, slice(0, half)), rules, cash, books=books)
    carried = account_from_bytes(account_to_bytes(first.account), candles.pairs)
    before = account_digest(carried)
    second = simulate(candles, signals, rules, account=carried, first=half, books=books)
    assert account_digest(carried) == before
    for part in (first, second):
        hasher.update(part.events)
    assert hasher.hexdigest() == whole.orders_hash
    np.testing.assert_array_equal(np.concatenate([first.equity, second.equity]), whole.equity)
    np.testing.assert_array_equal(np.concatenate([first.events, second.events]), whole.events)
    assert account_to_bytes(second.account) == account_to_bytes(whole.account)


def test_ledger_larger_than_its_first_room_grows():
    bars = 40_000
    candles = market_of(*[100.0] * bars)
    on = np.arange(bars)[:, None] % 2 == 0
    result = simulate(candles, Signals(enter=on, exit=~on), rules_of(), 1_000.0)
    assert len(result.events) == 2 * (bars - 1) + 1
    assert result.events["order"].max() == bars


def test_account_of_other_pairs_is_refused():
    data = account_to_bytes(new_account(["A-Q", "B-Q"], 1.0))
    with pytest.raises(ValueError, match="an account of 1 pairs has"):
        account_from_bytes(data, ["A-Q"])


def test_account_record_has_no_padding():
    account = new_account(["A-Q", "B-Q"], 5.0)
    assert account.dtype.itemsize == sum(account[name].nbytes for name in account.dtype.names)
    for part in account.dtype.names:
        dtype = account.dtype[part].base
        if dtype.names is not None:
            assert dtype.itemsize == sum(dtype[name].itemsize for name in dtype.names)


def test_vetoes_do_not_change_the_orders_hash_and_fills_do():
    candles, signals, rules, cash, books = case(4)
    events = simulate(candles, signals, rules, cash, books=books).events

    def digest(ledger):
        hasher = OrdersHash(candles.pairs, candles.interval)
        hasher.update(ledger)
        return hasher.hexdigest()

    kinds = events["kind"]
    assert digest(events) == digest(events[(kinds == 1) | (kinds == 2)])
    changed = events.copy()
    changed["price"][np.flatnonzero(kinds == 2)[0]] *= 1 + 1e-15
    assert digest(changed) != digest(events)
    other = OrdersHash([*candles.pairs[:-1], "X-Q"], candles.interval)
    other.update(events)
    assert other.hexdigest() != digest(events)

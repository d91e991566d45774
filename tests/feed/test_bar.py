import itertools
from fractions import Fraction

import numpy as np

from framework.feed.bar import Bar
from framework.market.live import Trade

UNITS = (0.1, 0.2, 0.3, 1e6, 0.0000001)


def bar_of(units):
    trades = [Trade("A-B", str(n), n, 5.0, amount, 1) for n, amount in enumerate(units)]
    bar = Bar(trades[0])
    for trade in trades[1:]:
        bar.add(trade)
    return bar


def test_the_volume_is_the_exact_sum_rounded_once_whatever_the_order():
    exact = float(sum(map(Fraction, UNITS)))
    assert {bar_of(order).volume for order in itertools.permutations(UNITS)} == {exact}
    assert {sum(order) for order in itertools.permutations(UNITS)} != {exact}


def test_many_trades_add_up_to_the_exact_sum():
    units = np.random.default_rng(3).lognormal(-4, 3, 5_000).round(8).clip(1e-8).tolist()
    assert bar_of(units).volume == float(sum(map(Fraction, units)))
    assert sum(units) != bar_of(units).volume

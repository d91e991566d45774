"""Trials whose expressions read recorded books or trades are run one by one."""

import pytest

from framework.sweep.batch import can_batch


def tree(enter="imbalance > 0.2", plugins=(), **exchange):
    return {
        "mode": {"name": "backtest"},
        "verify": None,
        "model": {"name": "none"},
        "execution": {},
        "strategy": {"name": "any", "interval": "1m", "enter": enter},
        "features": {},
        "risk": {},
        "exchange": exchange,
        "plugins": list(plugins),
    }


@pytest.mark.parametrize(
    ("configuration", "batched"),
    [
        (tree(from_store=True), False),
        (tree(books="books.csv"), False),
        (tree("trade_count(x) > 1", from_store=True), False),
        (tree("close > open", from_store=True), True),
        (tree("close > open", ["mine"], from_store=True), False),  # whose functions may read them
        (tree("close > open", ["mine"]), True),
        (tree(), True),  # and is refused, with what is wrong
    ],
)
def test_what_reads_the_record_is_not_batched(configuration, batched):
    assert can_batch(configuration) is batched

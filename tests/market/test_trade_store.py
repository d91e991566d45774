"""Trades in the store: each once by its id, in one order, beside the spans that are known."""

import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.errors import OutsideFault, UserError
from framework.market.live import Trade
from framework.market.trade_store import TradeStore

SECOND = 1_000_000_000
EVER = (-(2**62), 2**62)


def trade(name, second, price=100.0, units=1.0, side=1, pair="A-B"):
    return Trade(pair, str(name), round(second * SECOND), price, units, side)


def rows_of(store, pair="A-B"):
    read = store.read("x", [pair], *EVER)
    return list(
        zip(
            store.ids("x", pair),
            (read.time / SECOND).tolist(),
            read.price.tolist(),
            read.units.tolist(),
            read.side.tolist(),
            strict=True,
        )
    )


def test_a_trade_is_stored_once_whatever_comes_again(tmp_path):
    store = TradeStore(str(tmp_path))
    assert store.add("x", "A-B", [trade(3, 3), trade(1, 1), trade(2, 2), trade(2, 2)]) == 3
    assert store.add("x", "A-B", [trade(2, 2), trade(4, 4, 101.5, 0.5, -1)]) == 1
    assert store.add("x", "A-B", [trade(4, 4)]) == 0
    assert rows_of(TradeStore(str(tmp_path))) == [
        ("1", 1.0, 100.0, 1.0, 1),
        ("2", 2.0, 100.0, 1.0, 1),
        ("3", 3.0, 100.0, 1.0, 1),
        ("4", 4.0, 101.5, 0.5, -1),
    ]


def test_a_trade_that_is_stamped_otherwise_by_the_socket_is_the_same(tmp_path):
    store = TradeStore(str(tmp_path))
    store.add("x", "A-B", [trade("8c0b-uuid", 10.123)])
    assert store.add("x", "A-B", [trade("8c0b-uuid", 10.123456)]) == 0
    assert store.add("x", "A-B", [trade("8c0b-uuid-2", 10.123)]) == 1


def test_trades_of_one_moment_have_one_order_whoever_stored_them_first(tmp_path):
    orders = []
    for number, names in enumerate(([9, 10, 8], [8, 9, 10], [10, 9, 8])):
        store = TradeStore(str(tmp_path / str(number)))
        for name in names:
            store.add("x", "A-B", [trade(name, 1, units=float(name))])
        orders.append(rows_of(store))
        store.compact("x")
        assert rows_of(store) == orders[-1]
    assert [name for name, *_ in orders[0]] == ["8", "9", "10"]
    assert orders[0] == orders[1] == orders[2]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.just("compact"),
            st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 30)), max_size=8),
        ),
        max_size=8,
    )
)
def test_any_sequence_of_batches_equals_a_dictionary(steps):
    model = {"A-Q": {}, "B-Q": {}}
    with tempfile.TemporaryDirectory() as folder:
        store = TradeStore(folder)
        for step in steps:
            if step == "compact":
                store.compact("x")
                continue
            for pair, known in model.items():
                batch = [trade(n, n % 7, 1.0 + n, pair=pair) for p, n in step if p == pair[0]]
                fresh = {item.id: item for item in batch if item.id not in known}
                assert store.add("x", pair, batch) == len(fresh)
                known |= fresh
        for pair, known in model.items():
            rows = rows_of(TradeStore(folder), pair)
            expected = sorted(known.values(), key=lambda item: (item.time, int(item.id)))
            assert [row[0] for row in rows] == [item.id for item in expected]
            assert [row[2] for row in rows] == [item.price for item in expected]


def test_many_batches_are_joined_into_few_files_by_themselves(tmp_path):
    store = TradeStore(str(tmp_path))
    for second in range(80):
        store.add("x", "A-B", [trade(second, second)])
        store.mark_covered("x", "A-B", [(second * SECOND, (second + 1) * SECOND)])
    table = store._trades("x")
    table.refresh()
    assert table.files("A-B") <= 33
    assert [int(row[0]) for row in rows_of(store)] == list(range(80))
    assert store.covered("x", "A-B") == [(0, 80 * SECOND)]
    before = len(list((tmp_path / "x" / "trades").rglob("*.parquet")))
    store.vacuum("x", 0)
    assert len(list((tmp_path / "x" / "trades").rglob("*.parquet"))) < before
    assert len(rows_of(store)) == 80


def test_writers_at_once_store_each_trade_once(tmp_path):
    def write(number):
        store = TradeStore(str(tmp_path))
        names = np.random.default_rng(number).permutation(12).tolist()
        return sum(store.add("x", "A-B", [trade(name, name)]) for name in names)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(write, range(4))) == 12
    assert [int(row[0]) for row in rows_of(TradeStore(str(tmp_path)))] == list(range(12))


def test_reading_cuts_trades_and_spans_and_knows_pairs_without_any(tmp_path):
    store = TradeStore(str(tmp_path))
    store.add("x", "A-B", [trade(n, n) for n in range(10)])
    store.mark_covered("x", "A-B", [(0, 4 * SECOND), (6 * SECOND, 20 * SECOND)])
    read = store.read("x", ["C-D", "A-B"], 2 * SECOND, 8 * SECOND)
    assert read.pairs == ("C-D", "A-B")
    assert read.first.tolist() == [0, 0, 6]
    assert (read.time // SECOND).tolist() == [2, 3, 4, 5, 6, 7]
    assert read.spans == ((), ((2 * SECOND, 4 * SECOND), (6 * SECOND, 8 * SECOND)))
    known = read.recorded(1, np.arange(2, 8) * SECOND, SECOND)
    assert known.tolist() == [True, True, False, False, True, True]
    assert not read.recorded(0, np.arange(2, 8) * SECOND, SECOND).any()
    assert store.bounds("x", "A-B") == (0, 9 * SECOND + 1)
    assert store.bounds("x", "C-D") is None


def test_digests_tell_trades_and_spans_apart(tmp_path):
    store = TradeStore(str(tmp_path))
    store.add("x", "A-B", [trade(n, n) for n in range(5)])
    first = store.read("x", ["A-B"], *EVER).digest
    store.mark_covered("x", "A-B", [(0, SECOND)])
    second = store.read("x", ["A-B"], *EVER).digest
    store.add("x", "A-B", [trade(9, 9)])
    third = store.read("x", ["A-B"], *EVER).digest
    assert len({first, second, third}) == 3
    assert store.read("x", ["A-B"], *EVER).digest == third


def test_a_name_that_is_no_path_and_a_folder_that_cannot_be_written_are_told(tmp_path):
    with pytest.raises(UserError, match="pair: letters, digits"):
        TradeStore(str(tmp_path)).add("x", "../A", [trade(1, 1)])
    (tmp_path / "file").write_text("")
    with pytest.raises(OutsideFault, match=r"store .*file"):
        TradeStore(str(tmp_path / "file")).add("x", "A-B", [trade(1, 1)])

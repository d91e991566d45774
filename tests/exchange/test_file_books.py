"""Recorded order books in files: what is read, and how what is not is named."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from framework.errors import UserError
from framework.exchange.files import Files
from framework.types import parse_time

START, END = parse_time("2025-01-01"), parse_time("2025-01-02")

CSV = """\
time,side,level,price,units
2025-01-01T00:00:00Z,bid,0,99,1
2025-01-01T00:00:00Z,ask,0,101,2
2025-01-01T00:00:00Z,ask,1,102,3
2025-01-01T00:00:30.5Z,ask,0,101.5,4
"""


def read(path, pairs=("BTC-AUD",), start=START, end=END, **given):
    exchange = Files(path=".", books=str(path), **given)
    assert exchange.has_books
    return exchange.recorded_books(pairs, start, end)


def refusal(*args, **given):
    with pytest.raises(UserError) as refused:
        read(*args, **given)
    return str(refused.value)


@pytest.fixture
def csv(tmp_path):
    file = tmp_path / "BTC-AUD.csv"
    file.write_text(CSV)
    return file


def test_a_file_of_text_is_read(csv):
    books = read(csv)
    assert books.pairs == ("BTC-AUD",)
    assert (books.time - START).tolist() == [0, 30_500_000_000]
    nan = np.nan
    np.testing.assert_array_equal(books.levels[0], [[[99, 1], [nan, nan]], [[101, 2], [102, 3]]])
    assert books.levels[1, 1, 0].tolist() == [101.5, 4]


def test_times_outside_the_range_are_left_out(csv):
    assert len(read(csv, start=START + 1)) == 1
    assert len(read(csv, end=START + 30_500_000_000)) == 1


def test_parquet_with_integer_nanoseconds_is_the_same_book(csv, tmp_path):
    rows = [line.split(",") for line in CSV.splitlines()[1:]]
    time, side, level, price, units = zip(*rows, strict=True)
    table = pa.table(
        {
            "time": pa.array([parse_time(text.replace("30.5Z", "30.500Z")) for text in time]),
            "side": pa.array(side),
            "level": pa.array([int(text) for text in level]),
            "price": pa.array([float(text) for text in price]),
            "units": pa.array([float(text) for text in units]),
        }
    )
    parquet.write_table(table, tmp_path / "btc_aud.parquet")
    assert read(tmp_path / "btc_aud.parquet").digest == read(csv).digest


def test_a_folder_gives_each_pair_its_file_and_reads_no_other(csv):
    (csv.parent / "ETH-AUD.csv").write_text(CSV.replace("ask,0,101", "ask,0,100"))
    (csv.parent / "SOL-AUD.csv").write_text("this is no book")
    books = read(csv.parent, ("ETH-AUD", "BTC-AUD"))
    assert books.pairs == ("ETH-AUD", "BTC-AUD")
    assert books.first.tolist() == [0, 2, 4]
    assert books.levels[:, 1, 0, 0].tolist() == [100, 100.5, 101, 101.5]


def test_one_file_may_hold_several_pairs(tmp_path):
    file = tmp_path / "books.csv"
    file.write_text(
        "pair,time,side,level,price,units\n"
        "BTC-AUD,2025-01-01T00:00:00Z,bid,0,99,1\n"
        "ETH-AUD,2025-01-01T00:00:00Z,bid,0,9,5\n"
    )
    books = read(file, ("ETH-AUD", "BTC-AUD"))
    assert books.levels[:, 0, 0].tolist() == [[9, 5], [99, 1]]


def test_a_file_that_no_name_tells_is_that_of_the_one_pair(tmp_path):
    file = tmp_path / "depth.csv"
    file.write_text(CSV)
    assert len(read(file, pair="BTC-AUD")) == 2
    assert refusal(file) == (
        "exchange.books: cannot tell the pair from the name 'depth.csv'; name the file by its "
        "pair, such as BTC-USDT.parquet."
    )


def test_a_pair_without_a_file_is_named(csv):
    assert refusal(csv, ("BTC-AUD", "BTC-USD")) == (
        f"exchange.books: {csv} has no order books of 'BTC-USD'. Did you mean 'BTC-AUD'?"
    )


def test_two_files_of_one_pair_are_refused(csv):
    (csv.parent / "btc_aud_2.csv").write_text(CSV)
    assert refusal(csv.parent) == (
        "exchange.books: BTC-AUD.csv and btc_aud_2.csv both hold BTC-AUD; keep one of them, or "
        "give a pattern."
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("level,", "depth,", "is not order books: no column for level (its columns: time, side, "),
        ("ask,1", "offer,1", "column 'side' must hold bid or ask (was 'offer')."),
        ("ask,1", ",1", "column 'side' must hold bid or ask (was '')."),
        (
            "ask,1",
            "ask,1.5",
            "column 'level' holds no level, a whole number from 0, in row 3: 1.5.",
        ),
        ("ask,1", "ask,", "column 'level' holds no level, a whole number from 0, in row 3: nan."),
        ("102,3", "many,3", "column 'price' for price holds no number in row 3: 'many'."),
        ("2025-01-01T00:00:30.5Z", "noon", "column 'time', row 4 holds no time: 'noon'."),
        ("bid,0,99", "bid,0,103", "BTC-AUD at 2025-01-01T00:00:00Z: the best bid must be below "),
        ("102,3", "100,3", "BTC-AUD at 2025-01-01T00:00:00Z: ask level 1: prices must get worse "),
    ],
)
def test_a_fault_is_named_by_file_and_place(csv, old, new, said):
    csv.write_text(CSV.replace(old, new))
    message = refusal(csv)
    assert message.startswith("exchange.books: BTC-AUD.csv")
    assert said in message
    assert "\n" not in message


def test_candles_are_no_order_books(csv):
    csv.write_text("time,open,high,low,close,volume\n2025-01-01,1,1,1,1,1\n")
    assert refusal(csv) == (
        "exchange.books: BTC-AUD.csv is not order books: no column for side, level, price, units "
        "(its columns: time, open, high, low, close, volume)."
    )


def test_an_empty_file_and_a_missing_one_are_named_by_the_key_of_books(csv):
    assert refusal(csv.with_name("BTC-AUS.csv")).startswith("exchange.books: there is no '")
    csv.write_text("")
    assert refusal(csv) == "exchange.books: BTC-AUD.csv is empty."


def test_without_books_an_exchange_has_none():
    assert not Files(path=".").has_books

"""Kraken's books against the checksums of its documentation and a slow twin."""

from __future__ import annotations

import zlib

import numpy as np

from framework.exchange.kraken_book import KrakenBook
from framework.exchange.kraken_frames import books_in
from framework.exchange.live_book import LiveBook
from framework.exchange.written_values import read_written

# https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2
GUIDE = """{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD",
"bids":[{"price":45283.5,"qty":0.10000000},{"price":45283.4,"qty":1.54582015},
{"price":45282.1,"qty":0.10000000},{"price":45281.0,"qty":0.10000000},
{"price":45280.3,"qty":1.54592586},{"price":45279.0,"qty":0.07990000},
{"price":45277.6,"qty":0.03310103},{"price":45277.5,"qty":0.30000000},
{"price":45277.3,"qty":1.54602737},{"price":45276.6,"qty":0.15445238}],
"asks":[{"price":45285.2,"qty":0.00100000},{"price":45286.4,"qty":1.54571953},
{"price":45286.6,"qty":1.54571109},{"price":45289.6,"qty":1.54560911},
{"price":45290.2,"qty":0.15890660},{"price":45291.8,"qty":1.54553491},
{"price":45294.7,"qty":0.04454749},{"price":45296.1,"qty":0.35380000},
{"price":45297.5,"qty":0.09945542},{"price":45299.5,"qty":0.18772827}],
"checksum":3310070434}]}"""
# https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/book, which leaves zeros out
REFERENCE = """{"channel":"book","type":"snapshot","data":[{"symbol":"MATIC/USD",
"bids":[{"price":0.5666,"qty":4831.75496356},{"price":0.5665,"qty":6658.22734739},
{"price":0.5664,"qty":18724.91513344},{"price":0.5663,"qty":11563.92544914},
{"price":0.5662,"qty":14006.65365711},{"price":0.5661,"qty":17454.85679807},
{"price":0.566,"qty":18097.1547},{"price":0.5659,"qty":33644.89175666},
{"price":0.5658,"qty":148.3464},{"price":0.5657,"qty":606.70854372}],
"asks":[{"price":0.5668,"qty":4410.79769741},{"price":0.5669,"qty":4655.40412487},
{"price":0.567,"qty":49844.89424998},{"price":0.5671,"qty":24306.41678},
{"price":0.5672,"qty":29783.25223475},{"price":0.5673,"qty":57234.71239278},
{"price":0.5674,"qty":45065.04744},{"price":0.5675,"qty":5912.76380354},
{"price":0.5676,"qty":42514.92434778},{"price":0.5677,"qty":36304.0847022}],
"checksum":2439117997}]}"""


def filled(text: str, price_decimals: int, unit_decimals: int) -> tuple[KrakenBook, bool]:
    (change,) = books_in(read_written(text))
    book = KrakenBook(LiveBook(change.pair), 10, price_decimals, unit_decimals)
    return book, book.snapshot(change.bids, change.asks, change.checksum, 7)


def test_the_checksum_of_the_guide_is_right() -> None:
    book, right = filled(GUIDE, 1, 8)
    assert right and book.book.valid and book.book.time == 7
    assert book.book.best(True, 1) == [("45283.5", "0.10000000")]
    assert book.book.best(False, 2)[1] == ("45286.4", "1.54571953")


def test_zeros_that_were_left_out_are_put_back() -> None:
    _, right = filled(REFERENCE, 4, 8)
    assert right


def test_other_decimals_make_the_book_wrong_and_empty() -> None:
    book, right = filled(REFERENCE, 4, 7)
    assert not right and not book.book.valid and not book.book.best(True, 1)


def test_changes_without_a_snapshot_are_passed_over() -> None:
    book = KrakenBook(LiveBook("BTC-USD"), 10, 1, 8)
    assert book.update([("1.0", "1.00000000")], [], 1, 7)
    assert not book.book.valid and not book.book.best(True, 1)


def test_after_a_wrong_checksum_only_a_snapshot_helps() -> None:
    book, _ = filled(GUIDE, 1, 8)
    assert not book.update([("45283.5", "9.00000000")], [], 1, 8)
    assert book.update([("45283.5", "0.10000000")], [], 3310070434, 9)
    assert not book.book.valid
    (change,) = books_in(read_written(GUIDE))
    assert book.snapshot(change.bids, change.asks, change.checksum, 10) and book.book.valid


def slow_checksum(bids: dict[int, int], asks: dict[int, int]) -> int:
    """Prices in tenths and units in satoshis are the digits already."""
    best = sorted(asks.items())[:10] + sorted(bids.items(), reverse=True)[:10]
    return zlib.crc32("".join(f"{price}{units}" for price, units in best).encode())


def test_a_thousand_changes_agree_with_a_slow_twin_at_the_subscribed_depth() -> None:
    rng = np.random.default_rng(5)
    bids = {450_000 - i: int(rng.integers(1, 10**9)) for i in range(25)}
    asks = {450_001 + i: int(rng.integers(1, 10**9)) for i in range(25)}
    book = KrakenBook(LiveBook("BTC-USD"), 25, 1, 8)

    def written(levels: dict[int, int]) -> list[tuple[str, str]]:
        return [(f"{p // 10}.{p % 10}", f"{u // 10**8}.{u % 10**8:08d}") for p, u in levels.items()]

    assert book.snapshot(written(bids), written(asks), slow_checksum(bids, asks), 0)
    for time in range(1_000):
        side, step = (bids, -1) if rng.random() < 0.5 else (asks, 1)
        inner = 450_000 if side is bids else 450_001
        price = inner + step * int(rng.integers(0, 40))
        units = 0 if rng.random() < 0.3 else int(rng.integers(1, 10**9))
        side.pop(price, None)
        if units:
            side[price] = units
        # What falls out of the depth is gone, and told anew when it returns.
        for levels, sign in ((bids, -1), (asks, 1)):
            for gone in sorted(levels, key=lambda p, s=sign: s * p)[25:]:
                del levels[gone]
        change = written({price: units})
        args = (change, []) if side is bids else ([], change)
        assert book.update(*args, slow_checksum(bids, asks), time)
    assert [float(p) for p, _ in book.book.best(False, 25)] == [p / 10 for p in sorted(asks)]

"""What Binance says by its spot streams.

Streams and the procedure for books:
https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from framework.exchange.chained_book import Change
from framework.exchange.chained_listener import BOOK_DEPTH, ChainedListener
from framework.exchange.connection import Channel, Heard, HeardBook, HeardCandle, HeardTrade
from framework.exchange.faults import Unreachable
from framework.exchange.wire_values import (
    Unreadable,
    counter_of,
    dict_of,
    levels_of,
    moment_of,
    ohlcv_of,
    open_time_of,
    price_of,
    traded_units_of,
)
from framework.market.live import Candle, Trade
from framework.types import Interval

if TYPE_CHECKING:
    from framework.exchange.binance_connection import BinanceConnection

_DEPTH_COST = 50.0


class BinanceListener(ChainedListener):
    """Reads aggregate trades, candles that say whether they are closed, and changes of books."""

    market_key = "s"
    trades_of: ClassVar = {"name": "aggTrade"}

    def __init__(
        self,
        connection: BinanceConnection,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> None:
        super().__init__(connection, pairs, interval, channels, hear)
        self._unconfirmed = len(channels)
        self._kinds: dict[str, Callable[[dict[str, Any]], bool]] = {
            "aggTrade": self._trade,
            "kline": self._candle,
            "depthUpdate": self._change,
            "serverShutdown": self._shutdown,
        }

    def take(self, message: Any) -> bool:
        """Read one frame."""
        kind = dict_of(message).get("e")
        read = self._kinds.get(kind) if type(kind) is str else None
        if read is not None:
            return read(message)
        if "error" in message or "code" in message:
            error = message["error"] if type(message.get("error")) is dict else message
            self.declined(error.get("code"), error.get("msg"))
        elif "result" in message and "id" in message:
            self._confirm()
        return False

    def _confirm(self) -> None:
        self._unconfirmed -= 1
        if self._unconfirmed == 0:
            self.confirmed()
            self.want_books()

    def _trade(self, message: dict[str, Any]) -> bool:
        self.hear(HeardTrade(trade_of(self.pair_in(message), message)))
        return True

    def _candle(self, message: dict[str, Any]) -> bool:
        pair, kline = self.pair_in(message), dict_of(message["k"])
        closed = kline["x"]
        if type(closed) is not bool or kline["i"] != self.timeframe:
            raise Unreadable(f"candle {str(kline)[:60]}")
        time = open_time_of(kline["t"], self.interval)
        values = ohlcv_of([kline["o"], kline["h"], kline["l"], kline["c"], kline["v"]])
        self.hear(HeardCandle(Candle(pair, time, *values), closed))
        return True

    def _change(self, message: dict[str, Any]) -> bool:
        pair = self.pair_in(message)
        first, last = counter_of(message["U"]), counter_of(message["u"])
        if first > last:
            raise Unreadable(f"change of a book from {first} to {last}")
        bids, asks = levels_of(message["b"]), levels_of(message["a"])
        return self.change(pair, Change(first, last, moment_of(message["E"]), bids, asks))

    def _shutdown(self, message: dict[str, Any]) -> bool:
        raise Unreachable(self.connection.name, "connection: the exchange is about to close it")

    async def begin(self, pair: str) -> bool:
        """Ask for a snapshot and begin a book with it."""
        symbol = self.connection.market_id(pair)

        def read(answer: Any) -> tuple[Any, ...]:
            last = counter_of(answer["lastUpdateId"])
            return last, levels_of(answer["bids"]), levels_of(answer["asks"])

        last, bids, asks = await self.connection.ask(
            f"book of {pair}",
            lambda client: client.publicGetDepth({"symbol": symbol, "limit": BOOK_DEPTH}),
            read,
            cost=_DEPTH_COST,
            pair=pair,
        )
        begun = self.chains[pair].begin(last, bids, asks)
        if self.connection.books[pair].valid:
            self.hear(HeardBook(pair))
        return begun


def trade_of(pair: str, row: dict[str, Any]) -> Trade:
    """Return an aggregate trade: what one order took at one price, at one moment."""
    maker_bought = row["m"]
    if type(maker_bought) is not bool:
        raise Unreadable(f"side {str(maker_bought)[:40]}")
    return Trade(
        pair,
        str(counter_of(row["a"])),
        moment_of(row["T"]),
        price_of(row["p"]),
        traded_units_of(row["q"]),
        -1 if maker_bought else 1,
    )

"""How a client of each exchange asks and reads, in the fewest words: for looking at the wire."""

import json
import uuid
import zlib
from decimal import Decimal
from itertools import pairwise

from framework.loopback.true_rows import TrueMarket
from framework.types import SECOND_NS, format_time, parse_time

MS_NS = 1_000_000


class Binance:
    pair, socket = "BTC-USDT", "/ws"
    candles = "/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime={start_ms}&endTime={end_ms}"
    asks = ({"method": "SUBSCRIBE", "params": ["btcusdt@trade", "btcusdt@depth@100ms"], "id": 1},)

    @staticmethod
    def rows(payload):
        return [(row[0] * MS_NS, Decimal(row[4]), Decimal(row[5])) for row in payload]

    @staticmethod
    def trades(frame):
        return [str(frame["t"])] if frame.get("e") == "trade" else []

    @staticmethod
    def stamps(frame):
        return [frame["T"] * MS_NS] if frame.get("e") == "trade" else []

    @staticmethod
    def id_of(trade):
        return str(trade.id)

    @staticmethod
    def is_whole(frames):
        """Tell whether the exchange's own signs say that no change of the book is missing."""
        updates = [frame for frame in frames if frame.get("e") == "depthUpdate"]
        return all(old["u"] + 1 == new["U"] for old, new in pairwise(updates))

    @staticmethod
    def old_after_whole(frames):
        """Tell whether changes came that are older than the book was when asked for."""
        moments = [frame["E"] for frame in frames if frame.get("e") == "depthUpdate"]
        return sum(moment < moments[-1] - 20_000 for moment in moments)  # 20 s were listened to


class Bitvavo:
    pair, socket = "BTC-EUR", "/v2"
    candles = "/v2/BTC-EUR/candles?interval=1m&start={start_ms}&end={end_ms}"
    asks = (
        {
            "action": "subscribe",
            "channels": [{"name": name, "markets": ["BTC-EUR"]} for name in ("trades", "book")],
        },
        {"action": "getBook", "market": "BTC-EUR"},
    )

    @staticmethod
    def rows(payload):
        return [(row[0] * MS_NS, Decimal(row[4]), Decimal(row[5])) for row in payload]

    @staticmethod
    def trades(frame):
        return [frame["id"]] if frame.get("event") == "trade" else []

    @staticmethod
    def stamps(frame):
        return [frame["timestamp"] * MS_NS] if frame.get("event") == "trade" else []

    @staticmethod
    def id_of(trade):
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{trade.pair} {trade.id}"))

    @staticmethod
    def is_whole(frames):
        nonces = [frame["nonce"] for frame in frames if frame.get("event") == "book"]
        return all(old + 1 == new for old, new in pairwise(nonces))

    @staticmethod
    def old_after_whole(frames):
        nonces = [frame["nonce"] for frame in frames if frame.get("event") == "book"]
        (whole,) = (f["response"]["nonce"] for f in frames if f.get("action") == "getBook")
        return sum(nonce <= whole for nonce in nonces)


class Kraken:
    pair, socket = "BTC-EUR", "/v2"
    candles = "/0/public/OHLC?pair=XXBTZEUR&interval=1&since={before_s}"
    asks = tuple(
        {"method": "subscribe", "params": {"channel": channel, "symbol": ["BTC/EUR"]}}
        for channel in ("trade", "book")
    )

    @staticmethod
    def rows(payload):
        found = payload["result"]["XXBTZEUR"]
        return [(row[0] * SECOND_NS, Decimal(row[4]), Decimal(row[6])) for row in found]

    @staticmethod
    def trades(frame):
        told = frame["data"] if frame.get("channel") == "trade" else []
        return [str(row["trade_id"]) for row in told]

    @staticmethod
    def stamps(frame):
        told = frame["data"] if frame.get("channel") == "trade" else []
        return [parse_time(row["timestamp"]) for row in told]

    @staticmethod
    def id_of(trade):
        return str(trade.id)

    @staticmethod
    def is_whole(frames):
        return all(made == told for made, told in kraken_checksums(frames, Kraken.pair, 10))


class Coinbase:
    pair, socket = "BTC-USD", "/"
    candles = (
        "/api/v3/brokerage/market/products/BTC-USD/candles"
        "?granularity=ONE_MINUTE&start={start_s}&end={end_s}"
    )
    asks = tuple(
        {"type": "subscribe", "channel": channel, "product_ids": ["BTC-USD"]}
        for channel in ("level2", "market_trades")
    )

    @staticmethod
    def rows(payload):
        found = payload["candles"]
        return [
            (int(row["start"]) * SECOND_NS, Decimal(row["close"]), Decimal(row["volume"]))
            for row in found
        ]

    @staticmethod
    def trades(frame):
        events = frame["events"] if frame.get("channel") == "market_trades" else []
        live = (event for event in events if event["type"] == "update")
        return [row["trade_id"] for event in live for row in event["trades"]]

    @staticmethod
    def stamps(frame):
        events = frame["events"] if frame.get("channel") == "market_trades" else []
        live = (event for event in events if event["type"] == "update")
        return [parse_time(row["time"]) for event in live for row in event["trades"]]

    @staticmethod
    def id_of(trade):
        return str(trade.id)

    @staticmethod
    def is_whole(frames):
        numbers = [frame["sequence_num"] for frame in frames]
        return numbers == list(range(len(numbers)))


class BTCMarkets:
    pair, socket = "BTC-AUD", "/v2"
    candles = "/v3/markets/BTC-AUD/candles?timeWindow=1m&from={start_iso}&to={end_iso}"
    asks = (
        {
            "marketIds": ["BTC-AUD"],
            "channels": ["trade", "orderbookUpdate", "heartbeat"],
            "messageType": "subscribe",
        },
    )

    @staticmethod
    def rows(payload):
        return [(parse_time(row[0]), Decimal(row[4]), Decimal(row[5])) for row in payload]

    @staticmethod
    def trades(frame):
        return [str(frame["tradeId"])] if frame["messageType"] == "trade" else []

    @staticmethod
    def stamps(frame):
        return [parse_time(frame["timestamp"])] if frame["messageType"] == "trade" else []

    @staticmethod
    def id_of(trade):
        return str(trade.id)

    @staticmethod
    def is_whole(frames):
        return all(made == told for made, told in btcmarkets_checksums(frames))

    @staticmethod
    def old_after_whole(frames):
        updates = [frame for frame in frames if frame["messageType"] == "orderbookUpdate"]
        whole = updates[0]["snapshotId"]
        return sum(frame["snapshotId"] <= whole for frame in updates[1:])


SPEAKERS = {
    "btcmarkets": BTCMarkets,
    "binance": Binance,
    "bitvavo": Bitvavo,
    "kraken": Kraken,
    "coinbase": Coinbase,
}


def candles_path(speaker, start_ns, end_ns):
    """Return where candles that open in [start_ns, end_ns) are asked for."""
    return speaker.candles.format(
        start_ms=start_ns // MS_NS,
        end_ms=end_ns // MS_NS - 1,
        start_s=start_ns // SECOND_NS,
        end_s=end_ns // SECOND_NS - 1,
        before_s=start_ns // SECOND_NS - 1,
        start_iso=format_time(start_ns),
        end_iso=format_time(end_ns - SECOND_NS),
    )


def btcmarkets_checksums(frames):
    """Return the checksum of a book kept from the frames alone, and the one told, by change."""
    sides, compared = {"bids": {}, "asks": {}}, []
    for frame in frames:
        if frame["messageType"] != "orderbookUpdate":
            continue
        if frame.get("snapshot"):
            sides = {"bids": {}, "asks": {}}
        for side, kept in sides.items():
            for price, units, _ in frame[side]:
                kept[price] = units
                if units == "0":
                    del kept[price]
        if "checksum" in frame:
            text = ""
            for side, kept in sides.items():
                for price in sorted(kept, key=float, reverse=side == "bids")[:10]:
                    text += price.replace(".", "").lstrip("0")
                    text += kept[price].replace(".", "").lstrip("0")
            compared.append((str(zlib.crc32(text.encode())), frame["checksum"]))
    return compared


def kraken_checksums(frames, pair, depth):
    """Return the checksum of a book kept as Kraken's guide says, and the one told, by frame.

    Numbers are formatted by ccxt.
    """
    import ccxt.pro

    judge, market = ccxt.pro.kraken(), TrueMarket.of(pair)
    tick = Decimal(1).scaleb(-market.price_decimals)
    lot = Decimal(1).scaleb(-market.unit_decimals)
    book, compared = {"bids": {}, "asks": {}}, []
    for frame in frames:
        if frame.get("channel") != "book":
            continue
        (data,), text = frame["data"], ""
        if frame["type"] == "snapshot":
            book = {"bids": {}, "asks": {}}
        for side in ("asks", "bids"):
            kept = book[side]
            kept.update((level["price"], level["qty"]) for level in data[side])
            best = sorted((p for p in kept if kept[p]), reverse=side == "bids")[:depth]
            book[side] = {price: kept[price] for price in best}
            for price in best[:10]:
                text += judge.format_number(str(price.quantize(tick)))
                text += judge.format_number(f"{kept[price].quantize(lot):f}")
        compared.append((zlib.crc32(text.encode()), data["checksum"]))
    return compared


def read(text):
    """Return JSON with exact decimals."""
    return json.loads(text, parse_float=Decimal)

"""Every common format and trap of candle files, written by hand."""

import gzip
import json

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from framework.errors import OutsideFault, UserError
from framework.exchange.files import Files
from framework.types import Interval, parse_time

MINUTE = Interval.parse("1m")
T0 = parse_time("2021-02-03T12:00")
SECONDS = [T0 // 10**9 + 60 * i for i in range(4)]
OPEN, HIGH = [10.0, 11.0, 12.0, 13.0], [11.5, 12.5, 13.5, 14.5]
LOW, CLOSE = [9.5, 10.5, 11.5, 12.5], [11.0, 12.0, 13.0, 14.0]
VOLUME = [1.0, 2.0, 0.0, 4.5]
VALUES = list(zip(OPEN, HIGH, LOW, CLOSE, VOLUME, strict=True))
HEADER = "timestamp,open,high,low,close,volume"


def lines(times=SECONDS, separator=",", extra=""):
    return [
        separator.join(map(str, (time, *values))) + extra
        for time, values in zip(times, VALUES, strict=True)
    ]


def csv_text(header=HEADER, **kwargs):
    return "\n".join(([header] if header else []) + lines(**kwargs)) + "\n"


def written(folder, name, content):
    path = folder / name
    raw = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return path


def assert_the_four_candles(exchange, pair="BTC-USDT"):
    assert exchange.offered_pairs() == (pair,)
    assert exchange.native_interval(pair) == MINUTE
    assert exchange.default_span(pair, MINUTE) == (T0, T0 + 4 * MINUTE.ns)
    rows = exchange.rows(pair, MINUTE, T0, T0 + 4 * MINUTE.ns)
    assert rows.pair == pair
    assert rows.time.tolist() == [T0 + i * MINUTE.ns for i in range(4)]
    assert rows.open.tolist() == OPEN
    assert rows.high.tolist() == HIGH
    assert rows.low.tolist() == LOW
    assert rows.close.tolist() == CLOSE
    assert rows.volume.tolist() == VOLUME


def refusal(path, **fields):
    """Return the lines with which reading `path` is refused."""
    with pytest.raises(UserError) as fault:
        exchange = Files(path=str(path), **fields)
        for pair in exchange.offered_pairs():
            exchange.rows(pair, exchange.native_interval(pair), 0, 2**62)
    assert "\n" not in "".join(fault.value.faults)
    return fault.value.faults


TEXTS = {
    "plain": csv_text(),
    "semicolons": csv_text(HEADER.replace(",", ";"), separator=";"),
    "decimal commas": csv_text(HEADER.replace(",", ";"), separator=";").replace(".", ","),
    "tabs": csv_text(HEADER.replace(",", "\t"), separator="\t"),
    "bars": csv_text(HEADER.replace(",", "|"), separator="|"),
    "windows line ends": csv_text().replace("\n", "\r\n"),
    "byte order mark": "\ufeff" + csv_text(),
    "comment sign": "# " + csv_text(),
    "capitals": csv_text("Date,Open,High,Low,Close,Volume"),
    "yahoo-like spaces": csv_text("Open Time, Open, High, Low, Close, Volume"),
    "numbered": csv_text("timestamp,1. open,2. high,3. low,4. close,5. volume"),
    "angle brackets": csv_text("<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>"),
    "one letter": csv_text("t,o,h,l,c,v"),
    "milliseconds": csv_text(times=[s * 1_000 for s in SECONDS]),
    "microseconds": csv_text(times=[s * 1_000_000 for s in SECONDS]),
    "nanoseconds": csv_text(times=[s * 1_000_000_000 for s in SECONDS]),
    "milliseconds and seconds": csv_text(times=[SECONDS[0] * 1_000, *SECONDS[1:]]),
    "iso": csv_text(times=[f"2021-02-03T12:0{i}:00Z" for i in range(4)]),
    "iso with offset": csv_text(times=[f"2021-02-03 23:0{i}:00+11:00" for i in range(4)]),
    "two date formats": csv_text(
        times=["2021-02-03 12-PM", "2021-02-03 12:01:00", "2021-02-03 12:02", SECONDS[3]]
    ),
    "banner": "Timestamps are UTC timezone,https://example.com\n" + csv_text(),
    "banner of one cell": "https://example.com\n" + csv_text(),
    "blank lines": "\n" + csv_text().replace("\n", "\n\n"),
    "quoted": csv_text().replace("10.0", '"10.0"'),
    "thousands": csv_text().replace("10.0", '"0,010.0"'),
    "no header": csv_text(""),
    "kraken trades column": csv_text("", extra=",77"),
    "binance kline": csv_text(
        "", times=[s * 1_000 for s in SECONDS], extra=f",{SECONDS[0]}999,100.5,7,0.5,50.2,0"
    ),
    "binance kline in microseconds": csv_text(
        "", times=[s * 10**6 for s in SECONDS], extra=f",{SECONDS[0]}999999,100.5,7,0.5,50.2,0"
    ),
    "volumes of both currencies": csv_text(
        "unix,open,high,low,close,Volume BTC,Volume USDT", extra=",99.5"
    ),
    "volumes of both currencies, the other way round": "\n".join(
        ["unix,Volume USDT,open,high,low,close,Volume BTC"]
        + [f"{s},99.5," + ",".join(map(str, v)) for s, v in zip(SECONDS, VALUES, strict=True)]
    ),
    "volume in brackets": csv_text("Timestamp,Open,High,Low,Close,Volume_(BTC)"),
    "symbol column": "\n".join(
        ["symbol," + HEADER] + ["BTC/USDT," + line for line in lines()],
    ),
    "null trade counts": csv_text(HEADER + ",tradecount", extra=",NULL"),
    "date and time apart": csv_text(
        "<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>",
        times=[f"2021.02.03,12:0{i}" for i in range(4)],
    ),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_delimited_text(tmp_path, text, suffix):
    assert_the_four_candles(Files(path=str(written(tmp_path, f"BTCUSDT_1m.{suffix}", text))))


DICTS = [
    dict(
        zip(("T", "O", "H", "L", "C", "V", "BV"), (f"2021-02-03T12:0{i}:00", *v, 0.1), strict=True)
    )
    for i, v in enumerate(VALUES)
]
LISTS = [[s * 1_000, *v] for s, v in zip(SECONDS, VALUES, strict=True)]
JSONS = {
    "lists": json.dumps(LISTS),
    "lists of texts": json.dumps([[row[0], *map(str, row[1:])] for row in LISTS]),
    "lists over lines": json.dumps(LISTS, indent=1),
    "objects": json.dumps(DICTS),
    "one object a line": "\n".join(map(json.dumps, DICTS)),
    "one list a line": "\n".join(map(json.dumps, LISTS)),
    "columns": json.dumps(
        {"t": SECONDS, "o": OPEN, "h": HIGH, "l": LOW, "c": CLOSE, "v": VOLUME, "s": "ok"}
    ),
    "an answer around rows": json.dumps({"error": [], "result": {"XBT": LISTS, "last": 3}}),
}


@pytest.mark.parametrize("text", JSONS.values(), ids=JSONS)
@pytest.mark.parametrize("suffix", ["json", "jsonl", "json.gz"])
def test_json(tmp_path, text, suffix):
    assert_the_four_candles(Files(path=str(written(tmp_path, f"BTC_USDT-1m.{suffix}", text))))


def arrow_table(time=None, **changes):
    if time is None:
        time = pa.array([s * 1_000 for s in SECONDS], pa.int64()).cast(pa.timestamp("ms", "UTC"))
    columns = {"date": time, "open": OPEN, "high": HIGH, "low": LOW, "close": CLOSE}
    return pa.table({**columns, "volume": VOLUME, **changes})


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Amsterdam"])
def test_parquet_with_typed_times(tmp_path, unit, zone):
    time = pa.array(SECONDS, pa.int64()).cast(pa.timestamp("s")).cast(pa.timestamp(unit, zone))
    path = tmp_path / "binance-spot_BTCUSDT_1m_2021.parquet"
    pq.write_table(arrow_table(time), path)
    assert_the_four_candles(Files(path=str(path)))


def test_parquet_with_an_unnamed_index_of_times(tmp_path):
    table = arrow_table().rename_columns(
        ["__index_level_0__", "open", "high", "low", "close", "volume"]
    )
    pq.write_table(table, tmp_path / "BTC-USDT.parquet")
    assert_the_four_candles(Files(path=str(tmp_path / "BTC-USDT.parquet")))


def test_parquet_of_decimals_and_whole_numbers(tmp_path):
    closes = pa.array(CLOSE).cast(pa.decimal128(10, 2))
    pq.write_table(arrow_table(close=closes), tmp_path / "BTC-USDT.parquet")
    assert_the_four_candles(Files(path=str(tmp_path / "BTC-USDT.parquet")))


@pytest.mark.parametrize("name", ["BTC_USDT-1m.feather", "BTC_USDT-1m.arrow", "BTC_USDT-1m"])
@pytest.mark.parametrize("compression", ["lz4", "uncompressed"])
def test_feather(tmp_path, name, compression):
    feather.write_feather(arrow_table(), tmp_path / name, compression=compression)
    assert_the_four_candles(Files(path=str(tmp_path / name)))


@pytest.mark.parametrize("name", ["BTC-USDT.parquet.gz", "BTC-USDT.feather.gz"])
def test_binary_formats_gzipped(tmp_path, name):
    plain = tmp_path / "plain"
    write = pq.write_table if "parquet" in name else feather.write_feather
    write(arrow_table(), str(plain))
    assert_the_four_candles(Files(path=str(written(tmp_path, name, plain.read_bytes()))))


def test_close_times_become_open_times(tmp_path):
    text = csv_text(times=[s + 60 for s in SECONDS])
    path = written(tmp_path, "BTC-USDT.csv", text)
    assert_the_four_candles(Files(path=str(path), time_is="close"))


def test_binance_close_times_lie_a_millisecond_early(tmp_path):
    text = csv_text("close_time,open,high,low,close,volume", times=[f"{s}999" for s in SECONDS])
    shifted = text.replace(f"{SECONDS[0]}999", f"{SECONDS[0] + 59}999")
    for second in SECONDS[1:]:
        shifted = shifted.replace(f"{second}999", f"{second + 59}999")
    path = written(tmp_path, "BTC-USDT.csv", shifted)
    assert_the_four_candles(Files(path=str(path), time_is="close"))


def test_columns_can_be_mapped(tmp_path):
    path = written(tmp_path, "BTC-USDT.csv", csv_text("when,first,high,low,last_trade,amount"))
    columns = {"time": "when", "open": "first", "close": "last_trade", "volume": "amount"}
    assert_the_four_candles(Files(path=str(path), columns=columns))


def test_columns_without_names_can_be_mapped_by_number(tmp_path):
    text = csv_text("", extra=",1,2,3")
    columns = {"time": 1, "open": 2, "high": 3, "low": 4, "close": 5, "volume": 6}
    path = written(tmp_path, "BTC-USDT.csv", text)
    assert_the_four_candles(Files(path=str(path), columns=columns))


def test_time_unit_can_be_set(tmp_path):
    # Milliseconds of 1970 would be taken for seconds.
    path = written(tmp_path, "A-USD.csv", csv_text(times=[60_000, 120_000, 180_000, 240_000]))
    rows = Files(path=str(path), pair="ABC-USD", time_unit="ms").rows("ABC-USD", MINUTE, 0, 2**62)
    assert rows.time.tolist() == [60 * 10**9 * i for i in (1, 2, 3, 4)]


def test_faults_are_handed_over_as_they_are(tmp_path):
    rows = lines()
    text = "\n".join([HEADER, rows[2], rows[0], rows[0], rows[1].replace("11.0", "-1")])
    path = written(tmp_path, "BTC-USDT.csv", text)
    raw = Files(path=str(path)).rows("BTC-USDT", MINUTE, 0, 2**62)
    assert raw.time.tolist() == [T0 + i * MINUTE.ns for i in (2, 0, 0, 1)]
    assert raw.open.tolist() == [12.0, 10.0, 10.0, -1.0]


def test_missing_values_are_nan(tmp_path):
    text = csv_text().replace("12.5,10.5", "12.5,")
    rows = Files(path=str(written(tmp_path, "BTC-USDT.csv", text))).rows(
        "BTC-USDT", MINUTE, 0, 2**62
    )
    assert rows.low[0] == 9.5 and rows.low[1] != rows.low[1]


def test_only_rows_of_the_range_are_returned(tmp_path):
    exchange = Files(path=str(written(tmp_path, "BTC-USDT.csv", csv_text())))
    rows = exchange.rows("BTC-USDT", MINUTE, T0 + 1, T0 + 3 * MINUTE.ns)
    assert rows.open.tolist() == [11.0, 12.0]


def test_span_of_a_longer_interval_holds_whole_candles_only(tmp_path):
    times = [s + 60 for s in SECONDS]  # 12:01 to 12:04, closed at 12:05
    exchange = Files(path=str(written(tmp_path, "BTC-USDT.csv", csv_text(times=times))))
    two = Interval.parse("2m")
    assert exchange.default_span("BTC-USDT", two) == (T0 + 2 * MINUTE.ns, T0 + 4 * MINUTE.ns)


def test_folder_of_files_named_by_pair(tmp_path):
    written(tmp_path, "ETH_USDT-1m.json", json.dumps(LISTS))
    written(tmp_path, "BTC-USDT.csv", csv_text())
    written(tmp_path, "notes.md", "nothing")
    written(tmp_path, ".hidden.csv", "nothing")
    exchange = Files(path=str(tmp_path))
    assert exchange.offered_pairs() == ("BTC-USDT", "ETH-USDT")
    assert exchange.rows("ETH-USDT", MINUTE, 0, 2**62).close.tolist() == CLOSE


def test_pattern_chooses_files(tmp_path):
    written(tmp_path, "BTCUSDT_1m.csv", csv_text())
    written(tmp_path, "BTCUSDT_5m.csv", "not read")
    assert_the_four_candles(Files(path=str(tmp_path / "*_1m.csv")))


def test_interval_chooses_among_files_of_one_pair(tmp_path):
    written(tmp_path, "BTCUSDT_1m.csv", csv_text())
    written(tmp_path, "BTCUSDT_5m.csv", "not read")
    assert_the_four_candles(Files(path=str(tmp_path), interval="1m"))


def test_long_file_of_many_pairs(tmp_path):
    text = "\n".join(
        ["symbol," + HEADER]
        + ["BTCUSDT," + line for line in lines()]
        + ["ETHUSDT," + line for line in lines()][:2]
    )
    exchange = Files(path=str(written(tmp_path, "universe.csv", text)))
    assert exchange.offered_pairs() == ("BTC-USDT", "ETH-USDT")
    assert exchange.rows("ETH-USDT", MINUTE, 0, 2**62).open.tolist() == [10.0, 11.0]
    assert Files(path=exchange.path, pair="ETH-USDT").offered_pairs() == ("ETH-USDT",)


def test_pair_of_the_configuration_names_a_nameless_file(tmp_path):
    path = written(tmp_path, "candles.csv", csv_text())
    assert_the_four_candles(Files(path=str(path), pair="btc_usdt"))


def test_each_file_is_read_once(tmp_path):
    path = written(tmp_path, "BTC-USDT.csv", csv_text())
    exchange = Files(path=str(path))
    assert_the_four_candles(exchange)
    path.unlink()
    assert exchange.rows("BTC-USDT", MINUTE, 0, 2**62).open.tolist() == OPEN


GZIPPED = gzip.compress(csv_text().encode() * 50)
REFUSED = {
    "BTC-USDT.csv": [
        ("", "exchange.path: BTC-USDT.csv is empty."),
        ("\n \n", "exchange.path: BTC-USDT.csv is empty."),
        (HEADER + "\n", "exchange.path: BTC-USDT.csv has a header but no rows."),
        (
            b"\x00\x01\x02\x03" * 9,
            "exchange.path: BTC-USDT.csv is neither text nor Parquet, Feather or Arrow: "
            "byte 1 is 0x00.",
        ),
        (
            b"a,b\n\xff\xfe\n",
            "exchange.path: BTC-USDT.csv is neither text nor Parquet, Feather or Arrow: "
            "byte 5 is 0xff.",
        ),
        (
            "just\nsome\nwords\n",
            "exchange.path: BTC-USDT.csv is not candles: it has one column only, 'just'.",
        ),
        (
            csv_text("timestamp,opne,high,low,close,volume"),
            "exchange.path: BTC-USDT.csv is not candles: no column for open (its columns: "
            "timestamp, opne, high, low, close, volume). Nearest to 'open': 'opne'.",
        ),
        (
            "timestamp,price,qty\n1612353600,5,1\n",
            "exchange.path: BTC-USDT.csv is not candles: no column for open, high, low, close, "
            "volume (its columns: timestamp, price, qty).",
        ),
        (
            csv_text("date,bid_open,bid_high,bid_low,bid_close,bid_size"),
            "exchange.path: BTC-USDT.csv is not candles: no column for open, high, low, close, "
            "volume (its columns: date, bid_open, bid_high, bid_low, bid_close, bid_size). "
            "Nearest to 'open': 'bid_open'.",
        ),
        (
            csv_text("unix,open,high,low,close,Volume USDT"),
            "exchange.path: BTC-USDT.csv is not candles: no column for volume (its columns: unix, "
            "open, high, low, close, Volume USDT). Nearest to 'volume': 'Volume USDT'.",
        ),
        (
            csv_text("", extra=",1,2,3"),
            "exchange.path: BTC-USDT.csv names no columns and has 9 of them; known are files of 6, "
            "7, 8, 11, 12. Name them by number, such as '+exchange.columns={time: 1, open: 2, "
            "high: 3, low: 4, close: 5, volume: 6}'.",
        ),
        (
            csv_text().replace("11.5,13.0", "eleven,13.0"),
            "exchange.path: BTC-USDT.csv: column 'low' for low holds no number in row 3: 'eleven'.",
        ),
        (
            csv_text(times=["yesterday", "today", "now", "soon"]),
            "exchange.path: BTC-USDT.csv: column 'timestamp', row 1 holds no time: 'yesterday'.",
        ),
        (
            csv_text(times=["", *SECONDS[1:]]),
            "exchange.path: BTC-USDT.csv: column 'timestamp', row 1 has no time.",
        ),
        (
            csv_text(times=[f"0{i}/02/2021" for i in range(1, 5)]),
            "exchange.path: BTC-USDT.csv: column 'timestamp', dates such as '01/02/2021' can be "
            "read as day or month first; write 2021-01-31.",
        ),
        (
            csv_text() + "1612353840,15",
            "exchange.path: BTC-USDT.csv is cut short or damaged: CSV parse error: Expected 6 "
            "columns, got 2: 1612353840,15.",
        ),
        (
            '1723161253937085768 {"stream":"btcusdt@trade"}\n',
            "exchange.path: BTC-USDT.csv is not candles but a recording of messages: its lines are "
            "'1723161253937085768 {\"stream\":...', with no column for time, open, high, low, "
            "close, volume.",
        ),
        (
            "\n".join([HEADER, lines()[0]]),
            "exchange.interval: BTC-USDT.csv has 1 row of BTC-USDT, too few to tell its interval; "
            "name it, such as exchange.interval=15m.",
        ),
    ],
    "BTC-USDT.json": [
        ("[]", "exchange.path: BTC-USDT.json holds no rows of candles."),
        ("{}", "exchange.path: BTC-USDT.json holds no rows of candles."),
        (
            json.dumps(LISTS)[:90],
            "exchange.path: BTC-USDT.json is cut short or damaged: Expecting ',' delimiter, line "
            "1, column 91.",
        ),
        (
            "\n".join([json.dumps(DICTS[0]), '{"T": "2021']),
            "exchange.path: BTC-USDT.json is cut short or damaged: Unterminated string starting "
            "at, line 2, column 7.",
        ),
        (
            json.dumps([*LISTS, [1, 2]]),
            "exchange.path: BTC-USDT.json is not candles: element 5 is '[1, 2]', not a row of 6 "
            "values.",
        ),
        (
            json.dumps([{"price": 1, "qty": 2, "time": 1612353600}]),
            "exchange.path: BTC-USDT.json is not candles: no column for open, high, low, close, "
            "volume (its columns: price, qty, time).",
        ),
        (
            "[1, 2, 3]",
            "exchange.path: BTC-USDT.json is not candles: element 1 is '1', not a row of 6 values.",
        ),
    ],
    "BTC-USDT.parquet": [
        ("", "exchange.path: BTC-USDT.parquet is empty."),
        (
            csv_text(),
            "exchange.path: BTC-USDT.parquet is no Parquet file: it starts with b'time'.",
        ),
        (
            b"PAR1" + b"x" * 40,
            "exchange.path: BTC-USDT.parquet is cut short or damaged: Parquet magic bytes not "
            "found in footer. Either the file is corrupted or this is not a parquet file.",
        ),
    ],
    "BTC-USDT.feather": [
        (
            csv_text(),
            "exchange.path: BTC-USDT.feather is no Arrow file: it starts with b'time'.",
        ),
        (
            b"ARROW1" + b"x" * 40,
            "exchange.path: BTC-USDT.feather is cut short or damaged: Not an Arrow file.",
        ),
    ],
}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [(name, *case) for name, cases in REFUSED.items() for case in cases],
)
def test_what_is_no_candle_file_is_refused_in_one_line(tmp_path, name, content, message):
    assert refusal(written(tmp_path, name, content)) == (message,)


def test_gzip_cut_short(tmp_path):
    path = tmp_path / "BTC-USDT.csv.gz"
    path.write_bytes(GZIPPED[: len(GZIPPED) // 2])
    assert refusal(path) == (
        "exchange.path: BTC-USDT.csv.gz is cut short or damaged: Compressed file ended before the "
        "end-of-stream marker was reached.",
    )


def test_gzip_damaged(tmp_path):
    path = tmp_path / "BTC-USDT.csv.gz"
    path.write_bytes(GZIPPED[:-8] + b"\x00" * 8)
    (message,) = refusal(path)
    assert message.startswith("exchange.path: BTC-USDT.csv.gz is cut short or damaged: CRC check")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("suffix", ["parquet", "feather"])
def test_binary_file_cut_short(tmp_path, share, suffix):
    whole, path = tmp_path / "whole", tmp_path / f"BTC-USDT.{suffix}"
    (pq.write_table if suffix == "parquet" else feather.write_feather)(arrow_table(), str(whole))
    raw = whole.read_bytes()
    path.write_bytes(raw[: int(share * len(raw))])
    (message,) = refusal(path)
    assert message.startswith(f"exchange.path: BTC-USDT.{suffix} is cut short or damaged: ")


def test_damaged_page_inside_parquet(tmp_path):
    path = tmp_path / "BTC-USDT.parquet"
    pq.write_table(arrow_table(), path, compression="zstd")
    raw = bytearray(path.read_bytes())
    raw[30:90] = b"\xff" * 60
    path.write_bytes(raw)
    (message,) = refusal(path)
    assert message.startswith("exchange.path: BTC-USDT.parquet is cut short or damaged: ")


def test_nested_column_is_no_price(tmp_path):
    path = tmp_path / "BTC-USDT.parquet"
    pq.write_table(arrow_table(close=[[1.0], [2.0], [3.0], [4.0]]), path)
    (message,) = refusal(path)
    assert message == (
        "exchange.path: BTC-USDT.parquet: column 'close' for close holds list<element: double>, "
        "not numbers."
    )


def test_path_that_does_not_exist_names_the_nearest(tmp_path):
    written(tmp_path, "BTC-USDT.csv", csv_text())
    missing = tmp_path / "BTC-USTD.csv"
    assert refusal(missing) == (
        f"exchange.path: there is no '{missing}'. Did you mean 'BTC-USDT.csv'?",
    )


def test_folder_that_does_not_exist(tmp_path):
    missing = tmp_path / "dta" / "x.csv"
    assert refusal(missing) == (
        f"exchange.path: there is no '{missing}': no folder '{tmp_path / 'dta'}'.",
    )


def test_folder_without_data(tmp_path):
    written(tmp_path, "notes.md", "nothing")
    assert refusal(tmp_path) == (
        f"exchange.path: folder {tmp_path} holds no file of a known format.",
    )


def test_pattern_without_match(tmp_path):
    pattern = f"{tmp_path}/*.csv"
    assert refusal(pattern) == (f"exchange.path: no file matches '{pattern}'.",)


def test_two_files_of_one_pair_are_both_named(tmp_path):
    written(tmp_path, "BTC-USDT.csv", csv_text())
    written(tmp_path, "BTCUSDT_5m.csv", csv_text())
    assert refusal(tmp_path) == (
        "exchange.path: BTC-USDT.csv and BTCUSDT_5m.csv both hold BTC-USDT; name one of them, "
        "choose by exchange.interval, or give a pattern such as '*_15m.parquet'.",
    )


def test_name_that_tells_no_pair(tmp_path):
    assert refusal(written(tmp_path, "candles.csv", csv_text())) == (
        "exchange.pair: cannot tell the pair from the name 'candles.csv'; name it, such as "
        "exchange.pair=BTC-USDT.",
    )


def test_pair_that_the_files_do_not_hold(tmp_path):
    written(tmp_path, "BTC-USDT.csv", csv_text())
    written(tmp_path, "ETH-USDT.csv", csv_text())
    assert refusal(tmp_path, pair="BTC-USD") == (
        f"pairs: {tmp_path} has no candles of 'BTC-USD'. Did you mean 'BTC-USDT'?",
    )


def test_mapped_column_that_does_not_exist(tmp_path):
    path = written(tmp_path, "BTC-USDT.csv", csv_text())
    assert refusal(path, columns={"open": "opne"}) == (
        "exchange.columns.open: BTC-USDT.csv has no column 'opne'. Did you mean 'open'?",
    )
    assert refusal(path, columns={"opne": "open"}) == (
        "exchange.columns.opne: is none of time, open, high, low, close, volume. "
        "Did you mean 'open'?",
    )


def test_another_interval_than_the_files_have(tmp_path):
    exchange = Files(path=str(written(tmp_path, "BTC-USDT.csv", csv_text())))
    with pytest.raises(UserError) as fault:
        exchange.rows("BTC-USDT", Interval.parse("5m"), 0, 2**62)
    assert fault.value.faults == (
        "strategy.interval: BTC-USDT.csv has 1m candles of BTC-USDT (was 5m).",
    )


def test_long_file_with_a_strange_symbol(tmp_path):
    text = "\n".join(["symbol," + HEADER, "BTCUSDT," + lines()[0], "GOLD," + lines()[1]])
    assert refusal(written(tmp_path, "all.csv", text)) == (
        "exchange.path: all.csv holds several pairs, and 'GOLD' in its column 'symbol' is none; "
        "write BTC-USDT or BTCUSDT.",
    )


def test_disk_that_does_not_answer_is_an_outside_fault(tmp_path, monkeypatch):
    path = written(tmp_path, "BTC-USDT.csv", csv_text())

    def fail(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", fail)
    with pytest.raises(OutsideFault, match=r"cannot read .*BTC-USDT.csv: Permission denied\."):
        Files(path=str(path)).offered_pairs()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"pair": "bitcoin"}, "'bitcoin' is no pair"),
        ({"interval": "15"}, "'15' is no interval"),
        ({"time_unit": "m"}, "'s', 'ms', 'us' or 'ns'"),
        ({"time_is": "middle"}, "'open' or 'close'"),
        ({"column": {}}, "column"),
    ],
)
def test_bad_fields_are_refused(fields, words):
    with pytest.raises(ValidationError, match=words):
        Files(path="x.csv", **fields)

"""Download and export: only what is missing, resumed after faults and kills, exact files."""

import csv
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loguru import logger
from made_exchange import MadeExchange
from market_rows import MINUTE, as_dict, seeded
from rich.console import Console
from rich.progress import Progress

from framework.errors import OutsideFault, UserError
from framework.market.quality import FaultPolicy
from framework.market.rows import CandleRows
from framework.market.store import CandleStore
from framework.modes.download import Download, download, quality_table
from framework.modes.export import HEADER, Export, export, write_csv
from framework.modes.markets import find_markets
from framework.types import DAY_NS, Interval, parse_time

DAY = 1440


@pytest.fixture
def store(tmp_path):
    return CandleStore(str(tmp_path / "market"))


def days(*spans):
    return [(first * DAY_NS, last * DAY_NS) for first, last in spans]


def asked(exchange):
    return [(start, end) for _, start, end in exchange.calls]


def test_whole_range_is_fetched_in_chunks_of_days(store):
    exchange = MadeExchange.of(seeded(3 * DAY))
    done = []
    (quality,) = download(exchange, store, None, MINUTE, None, None, done.append, chunk_bars=DAY)
    assert asked(exchange) == days((0, 1), (1, 2), (2, 3))
    assert done == [DAY] * 3
    assert quality.rows_out == 3 * DAY
    assert as_dict(store.read("made", "BTC-AUD", MINUTE, 0, 3 * DAY_NS)) == as_dict(seeded(3 * DAY))


def test_second_download_asks_for_nothing(store):
    exchange = MadeExchange.of(seeded(2 * DAY))
    first = download(exchange, store, None, MINUTE, None, None)
    exchange.calls.clear()
    assert download(exchange, store, None, MINUTE, None, None) == first
    assert exchange.calls == []


def test_only_the_parts_around_what_is_stored_are_fetched(store):
    exchange = MadeExchange.of(seeded(5 * DAY))
    download(exchange, store, None, MINUTE, 2 * DAY_NS, 3 * DAY_NS)
    exchange.calls.clear()
    download(exchange, store, None, MINUTE, None, None)
    assert asked(exchange) == days((0, 2), (3, 5))


def test_range_without_candles_is_asked_for_once(store):
    quiet = seeded(3 * DAY).take(np.r_[0:DAY, 2 * DAY : 3 * DAY])
    exchange = MadeExchange.of(quiet)
    (quality,) = download(exchange, store, None, MINUTE, None, None, chunk_bars=DAY)
    assert (quality.gaps, quality.missing) == (1, DAY)
    exchange.calls.clear()
    download(exchange, store, None, MINUTE, None, None, chunk_bars=DAY)
    assert exchange.calls == []


def test_interrupted_download_goes_on_where_it_stopped(store):
    exchange = MadeExchange.of(seeded(4 * DAY), fail_after=2)
    with pytest.raises(OutsideFault, match="does not answer"):
        download(exchange, store, None, MINUTE, None, None, chunk_bars=DAY)
    again = MadeExchange.of(seeded(4 * DAY))
    download(again, store, None, MINUTE, None, None, chunk_bars=DAY)
    assert asked(again) == days((2, 3), (3, 4))
    assert len(store.read("made", "BTC-AUD", MINUTE, 0, 4 * DAY_NS)) == 4 * DAY


def test_refused_fault_stops_before_its_chunk_is_stored(store):
    rows = seeded(2 * DAY)
    rows.close[DAY + 5] = np.nan
    with pytest.raises(UserError, match="1 rows with NaN"):
        download(MadeExchange.of(rows), store, None, MINUTE, None, None, chunk_bars=DAY)
    assert store.covered("made", "BTC-AUD", MINUTE) == days((0, 1))
    assert len(store.read("made", "BTC-AUD", MINUTE, 0, 2 * DAY_NS)) == DAY


def test_repairs_of_all_chunks_are_reported_together(store):
    rows = seeded(2 * DAY)
    rows.close[[5, DAY + 5, DAY + 6]] = np.nan
    exchange = MadeExchange.of(rows, faults=FaultPolicy(not_finite="repair"))
    (quality,) = download(exchange, store, None, MINUTE, None, None, chunk_bars=DAY)
    assert quality.count("not_finite") == quality.repaired == 3
    assert (quality.gaps, quality.missing) == (2, 3)
    output = io.StringIO()
    Console(file=output, width=200).print(quality_table([quality]))
    assert "not_finite 3 dropped" in output.getvalue()
    assert "2,877" in output.getvalue()


def test_range_is_cut_to_what_the_exchange_has(store):
    exchange = MadeExchange.of(seeded(2 * DAY))
    download(exchange, store, None, MINUTE, -DAY_NS, 9 * DAY_NS)
    assert asked(exchange) == days((0, 2))


def test_range_beside_what_the_exchange_has_is_refused():
    exchange = MadeExchange.of(seeded(DAY))
    start, end = parse_time("2024-01-01"), parse_time("2024-02-01")
    with pytest.raises(UserError, match=r"BTC-AUD 1m: nothing from 2024-01-01.*'made' has 1970"):
        find_markets(exchange, None, None, MINUTE, start, end)


def test_only_interval_of_the_exchange_is_taken_for_the_strategys_and_defended():
    exchange = MadeExchange.of(seeded(DAY), native=MINUTE)
    quarter = Interval.parse("15m")
    (market,) = find_markets(exchange, None, None, quarter, None, None)
    assert market.interval == MINUTE
    with pytest.raises(UserError, match=r"mode\.interval: .*only 1m candles.*was 15m"):
        find_markets(exchange, None, quarter, quarter, None, None)


KILLED = """
import sys
from made_exchange import MadeExchange
from market_rows import MINUTE, seeded
from framework.market.store import CandleStore
from framework.modes.download import download

def told(bars):
    print("chunk", flush=True)

exchange = MadeExchange.of(seeded(30 * 1440))
download(exchange, CandleStore(sys.argv[1]), None, MINUTE, None, None, told, chunk_bars=1440)
"""


def test_killed_download_loses_one_chunk_at_most(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    for _ in range(5):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    told = 5 + len(process.stdout.readlines())
    process.wait()
    process.stdout.close()
    store = CandleStore(str(tmp_path))
    ((start, end),) = store.covered("made", "BTC-AUD", MINUTE)
    assert (start, end // DAY_NS in (told, told + 1)) == (0, True)
    stored = len(store.read("made", "BTC-AUD", MINUTE, 0, 30 * DAY_NS))
    assert stored in (end // DAY_NS * DAY, (end // DAY_NS + 1) * DAY)
    exchange = MadeExchange.of(seeded(30 * DAY))
    download(exchange, store, None, MINUTE, None, None, chunk_bars=30 * DAY)
    assert asked(exchange) == [(end, 30 * DAY_NS)]


def context(exchange, tmp_path, **settings):
    output = io.StringIO()
    console = Console(file=output, width=200)
    given = {
        "exchange": exchange,
        "pairs": SimpleNamespace(symbols=None),
        "interval": MINUTE,
        "execution": SimpleNamespace(interval=None),
        "start": None,
        "end": None,
        "store": str(tmp_path / "market"),
        "store_secrets": {},
        "run_dir": str(tmp_path / "run"),
        **settings,
    }
    return SimpleNamespace(
        settings=SimpleNamespace(**given),
        progress=lambda: Progress(console=console),
        print=console.print,
        logger=logger,
        output=output,
    )


def test_modes_download_and_export(tmp_path):
    exchange = MadeExchange.of(seeded(DAY))
    made = context(exchange, tmp_path)
    for mode in (Download(), Export()):
        mode.prepare(made)
        mode.run(made)
    assert "BTC-AUD" in made.output.getvalue()
    assert "1,440" in made.output.getvalue()
    lines = (tmp_path / "run" / "BTC-AUD_1m.csv").read_text().splitlines()
    assert lines[0] == HEADER == "timestamp,open,high,low,close,volume"
    assert len(lines) == 1 + DAY
    assert len(exchange.calls) == 1


def test_mode_refuses_before_anything_is_fetched(tmp_path):
    exchange = MadeExchange.of(seeded(DAY), native=MINUTE)
    for mode in (Download, Export):
        with pytest.raises(UserError, match=r"mode\.interval"):
            mode(interval="1h").prepare(context(exchange, tmp_path))
    assert exchange.calls == []


def test_export_asks_the_exchange_for_what_is_not_stored(tmp_path, store):
    exchange = MadeExchange.of(seeded(DAY))
    markets = find_markets(exchange, None, MINUTE, MINUTE, None, None)
    (file,) = export(exchange, store, markets, tmp_path / "out")
    assert len(exchange.calls) == 1
    assert file == tmp_path / "out" / "BTC-AUD_1m.csv"
    assert as_dict(read_csv(file)) == as_dict(seeded(DAY))


def read_csv(file):
    with file.open(newline="") as stream:
        table = list(csv.DictReader(stream))
    columns = (
        np.array([float(row[name]) for row in table])
        for name in ("open", "high", "low", "close", "volume")
    )
    time = np.array([parse_time(row["timestamp"]) for row in table], np.int64)
    return CandleRows("BTC-AUD", time, *columns)


@given(
    st.lists(
        st.floats(min_value=5e-324, allow_infinity=False, allow_nan=False), min_size=1, max_size=9
    )
)
def test_floats_read_back_exactly(tmp_path_factory, values):
    column = np.array(values)
    time = np.arange(len(values), dtype=np.int64) * MINUTE.ns + parse_time("2024-02-29T23:58")
    rows = CandleRows("BTC-AUD", time, *(column * factor for factor in (1, 1, 1, 1, 0.5)))
    file = write_csv(rows, tmp_path_factory.mktemp("csv") / "file.csv")
    assert as_dict(read_csv(file)) == as_dict(rows)


def test_file_is_plain_text_without_quotes(tmp_path):
    rows = seeded(2)
    file = write_csv(rows, tmp_path / "file.csv")
    first = file.read_text().splitlines()[1]
    assert first.startswith("1970-01-01T00:00:00Z,100")
    assert '"' not in first
    assert os.listdir(tmp_path) == ["file.csv"]


def test_folder_that_cannot_be_made_is_an_outside_fault(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutsideFault, match="cannot be written"):
        write_csv(seeded(2), tmp_path / "file" / "BTC-AUD_1m.csv")

"""The store against a dictionary, its versions, coverage, compaction and refusals."""

import itertools
import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_rows import MINUTE, as_dict, plain, rows_of, seeded

from framework.errors import OutsideFault, UserError
from framework.market.ranges import difference, runs, union
from framework.market.store import CandleStore, Upserted
from framework.types import Interval, parse_time

EVER = (-(2**62), 2**62)

price = st.sampled_from([1.0, 2.5, 1e-8, 123456.789, 0.1])
candle = st.tuples(st.integers(-3, 12), price, price, price, price, st.sampled_from([0.0, 1.5]))
batch = st.tuples(st.sampled_from(["A-B", "C-D"]), st.lists(candle, max_size=8))
step = st.one_of(batch, batch, batch, st.just("compact"))


def everything(store, pair="BTC-AUD", interval=MINUTE):
    return as_dict(store.read("x", pair, interval, *EVER))


@settings(max_examples=40, deadline=None)
@given(st.lists(step, max_size=6))
def test_any_sequence_of_upserts_equals_a_dictionary(steps):
    model = {"A-B": {}, "C-D": {}}
    with tempfile.TemporaryDirectory() as folder:
        store = CandleStore(folder)
        for action in steps:
            if action == "compact":
                store.compact("x", MINUTE)
                continue
            pair, candles = action
            new = {round(slot * MINUTE.ns): tuple(values) for slot, *values in candles}
            known = model[pair]
            expected = Upserted(
                len(new.keys() - known.keys()),
                sum(time in known and known[time] != value for time, value in new.items()),
                sum(known.get(time) == value for time, value in new.items()),
            )
            assert store.upsert("x", MINUTE, rows_of(*candles, pair=pair)) == expected
            known.update(new)
        for reader in (store, CandleStore(folder)):
            for pair, known in model.items():
                found = reader.read("x", pair, MINUTE, *EVER)
                assert as_dict(found) == known
                assert found.time.tolist() == sorted(known)


def test_storing_twice_changes_nothing_and_makes_no_version(tmp_path):
    store = CandleStore(str(tmp_path))
    assert store.upsert("x", MINUTE, seeded(50)) == Upserted(50, 0, 0)
    version = store.version("x", MINUTE)
    assert store.upsert("x", MINUTE, seeded(50)) == Upserted(0, 0, 50)
    assert store.version("x", MINUTE) == version


def test_range_is_half_open(tmp_path):
    store = CandleStore(str(tmp_path))
    store.upsert("x", MINUTE, plain(range(10)))
    rows = store.read("x", "BTC-AUD", MINUTE, 3 * MINUTE.ns, 5 * MINUTE.ns)
    assert (rows.time // MINUTE.ns).tolist() == [3, 4]


def test_range_inside_a_file_of_many_row_groups(tmp_path):
    store = CandleStore(str(tmp_path))
    store.upsert("x", MINUTE, seeded(600_000))
    start, end = 262_000 * MINUTE.ns, 262_500 * MINUTE.ns
    rows = store.read("x", "BTC-AUD", MINUTE, start, end)
    assert np.array_equal(rows.close, seeded(600_000).close[262_000:262_500])


def test_older_rows_land_before_newer_ones(tmp_path):
    store = CandleStore(str(tmp_path))
    store.upsert("x", MINUTE, plain([5, 6]))
    store.upsert("x", MINUTE, plain([0, 9]))
    assert [time // MINUTE.ns for time in everything(store)] == [0, 5, 6, 9]


def test_nothing_stored_reads_as_nothing(tmp_path):
    store = CandleStore(str(tmp_path / "new"))
    assert len(store.read("x", "BTC-AUD", MINUTE, *EVER)) == 0
    assert store.covered("x", "BTC-AUD", MINUTE) == []
    assert store.version("x", MINUTE) is None
    assert store.pairs("x", MINUTE) == ()
    assert store.bounds("x", "BTC-AUD", MINUTE) is None
    assert not (tmp_path / "new").exists()


def test_pairs_intervals_and_exchanges_are_apart(tmp_path):
    store, hour = CandleStore(str(tmp_path)), Interval.parse("1h")
    store.upsert("x", MINUTE, plain([0], 1.0))
    store.upsert("x", MINUTE, plain([0], 2.0, "ETH-AUD"))
    store.upsert("x", hour, plain([0], 3.0, interval=hour))
    store.upsert("y", MINUTE, plain([0], 4.0))
    assert store.pairs("x", MINUTE) == ("BTC-AUD", "ETH-AUD")
    assert everything(store)[0][0] == 1.0
    assert everything(store, "ETH-AUD")[0][0] == 2.0
    assert everything(store, interval=hour)[0][0] == 3.0


def test_old_version_still_reads_as_it_was(tmp_path):
    store = CandleStore(str(tmp_path))
    store.upsert("x", MINUTE, plain([0, 1], 1.0))
    old = store.version("x", MINUTE)
    store.upsert("x", MINUTE, plain([1, 2], 2.0))
    store.compact("x", MINUTE)
    assert [values[0] for values in everything(store).values()] == [1.0, 2.0, 2.0]
    rows = store.read("x", "BTC-AUD", MINUTE, *EVER, version=old)
    assert rows.open.tolist() == [1.0, 1.0]


def test_unknown_version_is_refused(tmp_path):
    store = CandleStore(str(tmp_path))
    store.upsert("x", MINUTE, plain([0]))
    with pytest.raises(UserError, match=r"no version 99 \(newest: 1\)"):
        store.read("x", "BTC-AUD", MINUTE, *EVER, version=99)


def test_revisions_are_counted_through_compaction(tmp_path):
    store = CandleStore(str(tmp_path))
    for value in (1.0, 2.0, 2.0, 3.0):
        store.upsert("x", MINUTE, plain([0, 1], value))
    store.compact("x", MINUTE)
    store.upsert("x", MINUTE, plain([1], 4.0))
    assert store.revisions("x", "BTC-AUD", MINUTE, *EVER) == 5
    assert store.revisions("x", "BTC-AUD", MINUTE, MINUTE.ns, 2 * MINUTE.ns) == 3


def test_many_small_appends_stay_few_files_and_keep_every_row(tmp_path):
    store = CandleStore(str(tmp_path))
    for slot in range(80):
        store.upsert("x", MINUTE, plain([slot, max(slot - 1, 0)], 1.0 + slot))
    assert list(everything(store)) == [slot * MINUTE.ns for slot in range(80)]
    assert everything(store)[40 * MINUTE.ns][0] == 42.0
    assert len(live_files(tmp_path)) < 40


def live_files(folder, kind="candles"):
    from deltalake import DeltaTable

    return DeltaTable(str(folder / "x" / f"{kind}_1m")).file_uris()


def test_compaction_leaves_one_file_and_vacuum_deletes_the_rest(tmp_path):
    store = CandleStore(str(tmp_path))
    for slot in range(5):
        store.upsert("x", MINUTE, plain([slot]))
        store.mark_covered("x", "BTC-AUD", MINUTE, slot, slot + 1)
    before = everything(store)
    store.compact("x", MINUTE, keep_hours=0)
    assert everything(store) == before
    assert len(live_files(tmp_path)) == len(live_files(tmp_path, "coverage")) == 1
    assert len(list((tmp_path / "x" / "candles_1m").rglob("*.parquet"))) == 1
    assert CandleStore(str(tmp_path)).covered("x", "BTC-AUD", MINUTE) == [(0, 5)]


def test_url_reads_like_a_folder(tmp_path):
    CandleStore(str(tmp_path)).upsert("x", MINUTE, seeded(1000))
    store = CandleStore(tmp_path.as_uri())
    assert everything(store) == as_dict(seeded(1000))
    for slot in range(1000, 1040):
        store.upsert("x", MINUTE, seeded(1, start=slot))
    assert len(live_files(tmp_path)) < 40
    assert len(everything(CandleStore(str(tmp_path)))) == 1040


@pytest.mark.parametrize("pair", ["../BTC-AUD", "BTC/AUD", "", "a'b"])
def test_names_that_are_no_part_of_a_path_are_refused(tmp_path, pair):
    with pytest.raises(UserError, match="pair: letters"):
        CandleStore(str(tmp_path)).upsert("x", MINUTE, plain([0], pair=pair))
    with pytest.raises(UserError, match="exchange: letters"):
        CandleStore(str(tmp_path)).upsert("../x", MINUTE, plain([0]))


def test_folder_that_cannot_be_written_is_an_outside_fault(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutsideFault, match=f"store {tmp_path}/file/x/candles_1m: "):
        CandleStore(str(tmp_path / "file")).upsert("x", MINUTE, plain([0]))


def test_lost_data_file_is_an_outside_fault(tmp_path):
    store = CandleStore(str(tmp_path))
    store.upsert("x", MINUTE, plain([0]))
    for file in (tmp_path / "x").rglob("*.parquet"):
        file.unlink()
    with pytest.raises(OutsideFault, match="parquet"):
        everything(store)


day = parse_time("1970-01-02")


@pytest.fixture
def stored(tmp_path):
    store = CandleStore(str(tmp_path))
    store.upsert("x", MINUTE, plain([1440, 1441, 1500]))
    store.mark_covered("x", "BTC-AUD", MINUTE, day, 2 * day)
    return store


def test_covered_range_without_candles_is_no_fault(stored):
    assert len(stored.read("x", "BTC-AUD", MINUTE, day, 2 * day, strict=True)) == 3


def test_candles_cover_themselves_without_a_mark(tmp_path):
    store = CandleStore(str(tmp_path))
    store.upsert("x", MINUTE, plain([3, 4, 5]))
    assert len(store.read("x", "BTC-AUD", MINUTE, 3 * MINUTE.ns, 6 * MINUTE.ns, strict=True)) == 3


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (
            "1970-01-01",
            "1970-01-03",
            "market BTC-AUD 1m: asked from 1970-01-01, stored from 1970-01-02; run mode=download "
            "exchange=x pairs=btc_aud start=1970-01-01 end=1970-01-02.",
        ),
        (
            "1970-01-02T12:00",
            "1970-01-04",
            "market BTC-AUD 1m: asked to 1970-01-04, stored to 1970-01-03; run mode=download "
            "exchange=x pairs=btc_aud start=1970-01-03 end=1970-01-04.",
        ),
        (
            "1970-01-01",
            "1970-01-04",
            "market BTC-AUD 1m: asked from 1970-01-01 to 1970-01-04, not stored from 1970-01-01 "
            "to 1970-01-02; run mode=download exchange=x pairs=btc_aud start=1970-01-01 "
            "end=1970-01-04.",
        ),
    ],
)
def test_missing_range_is_refused_with_the_command_that_fetches_it(stored, start, end, message):
    with pytest.raises(UserError) as caught:
        stored.read("x", "BTC-AUD", MINUTE, parse_time(start), parse_time(end), strict=True)
    assert str(caught.value) == message


def test_pair_that_is_not_stored_names_the_nearest_that_is(stored):
    with pytest.raises(UserError, match=r"BTC-AUS 1m: .*none is stored.*Did you mean 'BTC-AUD'"):
        stored.read("x", "BTC-AUS", MINUTE, day, 2 * day, strict=True)


ranges = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6)


@given(ranges, st.integers(0, 30), st.integers(0, 30))
def test_union_and_difference_equal_sets_of_numbers(given_ranges, start, end):
    members = {n for first, last in given_ranges for n in range(first, last)}
    merged = union(given_ranges)
    assert {n for first, last in merged for n in range(first, last)} == members
    assert all(a[1] < b[0] for a, b in itertools.pairwise(merged))
    left = difference(start, end, given_ranges)
    assert {n for first, last in left for n in range(first, last)} == set(
        range(start, end)
    ) - members


def test_runs_break_at_holes():
    time = plain([0, 1, 2, 5, 7, 8]).time
    minutes = [(a // MINUTE.ns, b // MINUTE.ns) for a, b in runs(time, MINUTE)]
    assert minutes == [(0, 3), (5, 6), (7, 9)]

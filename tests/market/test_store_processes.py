"""The store under other processes: readers beside a writer, two writers, kill -9."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from market_rows import MINUTE, as_dict, plain, seeded

from framework.market.pair_table import Overtaken
from framework.market.store import CandleStore
from framework.market.stored_rows import latest

HERE = Path(__file__).parent
EVER = (-(2**62), 2**62)

WRITER = """
import sys
from market_rows import MINUTE, plain
from framework.market.store import CandleStore

folder, first, step, count, price = sys.argv[1:]
store = CandleStore(folder)
print("ready", flush=True)
for slot in range(int(first), int(first) + int(step) * int(count), int(step)):
    store.upsert("x", MINUTE, plain([slot, slot + 1], float(price) + slot))
    store.mark_covered("x", "BTC-AUD", MINUTE, slot * MINUTE.ns, (slot + 1) * MINUTE.ns)
    print(slot, flush=True)
"""


def writer(folder, first, step, count, price=1.0):
    arguments = [str(argument) for argument in (folder, first, step, count, price)]
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], cwd=HERE, stdout=subprocess.PIPE, text=True
    )


def read(store):
    return store.read("x", "BTC-AUD", MINUTE, *EVER)


def test_two_writers_of_the_same_candles_leave_each_once(tmp_path):
    both = [writer(tmp_path, 0, 1, 25), writer(tmp_path, 0, 1, 25)]
    assert [process.wait() for process in both] == [0, 0]
    for process in both:
        process.stdout.close()
    store = CandleStore(str(tmp_path))
    rows = read(store)
    assert (rows.time // MINUTE.ns).tolist() == list(range(26))
    # Slot n is written as the second of a pair with n-1 and then as the first with n; whatever
    # the order of the two writers, one of the two is the last.
    late = rows.close - 1.0 - np.arange(26)
    assert set(late.tolist()) <= {0.0, -1.0}
    assert store.covered("x", "BTC-AUD", MINUTE) == [(0, 25 * MINUTE.ns)]
    raw = store._candles("x", MINUTE).read("BTC-AUD")
    assert np.unique(raw["time"] * 1_000 + raw["revision"]).size == len(raw["time"])


def test_two_that_fold_at_once_do_not_store_rows_twice(tmp_path):
    first, second = CandleStore(str(tmp_path)), CandleStore(str(tmp_path))
    for slot in range(5):
        first.upsert("x", MINUTE, plain([slot], 1.0 + slot))
    tables = [store._candles("x", MINUTE) for store in (first, second)]
    for table in tables:
        table.refresh()
    tables[0].fold("BTC-AUD", latest)
    with pytest.raises(Overtaken):
        tables[1].fold("BTC-AUD", latest)
    tables[1].refresh()
    assert tables[1].files("BTC-AUD") == 1
    assert len(tables[1].read("BTC-AUD")["time"]) == 5


def test_reader_beside_a_writer_sees_whole_commits_that_only_grow(tmp_path):
    store = CandleStore(str(tmp_path))
    store.upsert("x", MINUTE, plain([-1]))
    process = writer(tmp_path, 0, 2, 40)
    sizes = []
    while process.poll() is None:
        rows = read(store)
        assert np.array_equal(np.diff(rows.time), np.full(len(rows) - 1, MINUTE.ns))
        sizes.append(len(rows))
    process.stdout.close()
    assert process.returncode == 0
    assert sizes == sorted(sizes)
    assert {size % 2 for size in sizes} == {1}
    assert len(read(store)) == 81


def test_killed_writer_leaves_every_commit_it_reported(tmp_path):
    reported = -1
    for attempt in range(6):
        process = writer(tmp_path, (reported + 1), 1, 1_000)
        for line in process.stdout:
            if line.strip() != "ready":
                reported = int(line)
                if reported % 7 == attempt:
                    process.send_signal(signal.SIGKILL)
                    break
        late = [int(line) for line in process.stdout if line.strip() != "ready"]
        reported = max([reported, *late])
        process.wait()
        process.stdout.close()
        store = CandleStore(str(tmp_path))
        slots = (read(store).time // MINUTE.ns).tolist()
        assert slots == list(range(len(slots)))
        assert len(slots) in (reported + 2, reported + 3)
        ((start, end),) = store.covered("x", "BTC-AUD", MINUTE)
        assert (start, end // MINUTE.ns in (reported + 1, reported + 2)) == (0, True)
        assert end <= (slots[-1] + 1) * MINUTE.ns
    assert store.upsert("x", MINUTE, plain([5_000])).inserted == 1


KILLED_UPSERT = """
import sys
from market_rows import MINUTE, seeded
from framework.market.store import CandleStore

store = CandleStore(sys.argv[1])
print("ready", flush=True)
store.upsert("x", MINUTE, seeded(400_000, seed=2))
"""


def test_upsert_killed_at_any_moment_leaves_the_old_or_the_new_state(tmp_path):
    store = CandleStore(str(tmp_path))
    store.upsert("x", MINUTE, seeded(1_000, seed=1))
    old, new = as_dict(seeded(1_000, seed=1)), as_dict(seeded(400_000, seed=2))
    for delay in (0.0, 0.05, 0.1, 0.2, 0.4):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED_UPSERT, str(tmp_path)],
            cwd=HERE,
            stdout=subprocess.PIPE,
            text=True,
        )
        process.stdout.readline()
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait()
        process.stdout.close()
        assert as_dict(read(CandleStore(str(tmp_path)))) in (old, new)


def test_threads_share_one_store(tmp_path):
    store = CandleStore(str(tmp_path))
    faults = []

    def work(first):
        try:
            for slot in range(first, 40, 4):
                store.upsert("x", MINUTE, plain([slot, slot + 1], 2.0))
                read(store)
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert (read(store).time // MINUTE.ns).tolist() == list(range(41))
    assert store.revisions("x", "BTC-AUD", MINUTE, *EVER) == 0

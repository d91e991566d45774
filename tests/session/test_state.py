"""A session's directory, cut at every place a kill can cut it: it goes on as if nothing was."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from test_trader import bars_of, build

from framework.errors import CheckFailed, OutsideFault
from framework.records import Kind
from framework.session.folding import GO_ON, PAUSE, fold, inputs_of
from framework.session.history import History
from framework.session.journal import FILE, read_journal
from framework.session.record import read_record
from framework.session.replay import replay
from framework.session.state import FOLDER, SessionState

SNAPSHOT = 20
PAUSED = (60, 100)
SEEN = np.dtype([("time", np.int64), ("values", np.float64, (2, 2))])


def no_stage(values):
    raise AssertionError(values)


class Lived:
    """A whole session, and the bytes that each file had after each bar."""

    def __init__(self, directory: Path) -> None:
        self.pipeline, self.candles, self.first = build("cross", "1h", "15m")
        self.directory = directory
        directory.mkdir()
        state = self.open()
        for number, bar in enumerate(bars_of(self.candles, self.first)):
            self.step(state, number, bar)
        self.orders_hash = state.orders_hash
        state.close()
        self.bars, self.events = read_record(directory / FOLDER)

    def open(self, directory: Path | None = None) -> SessionState:
        return SessionState(
            directory or self.directory,
            self.pipeline,
            self.candles[: self.first],
            no_stage,
            SNAPSHOT,
        )

    @staticmethod
    def step(state: SessionState, number: int, bar) -> None:
        if number in PAUSED:
            state.note(PAUSE if number == PAUSED[0] else GO_ON, {"at": number})
        state.act(bar, bar.time)

    def go_on(self, directory: Path) -> SessionState:
        state = self.open(directory)
        for number, bar in enumerate(bars_of(self.candles, self.first)):
            if number < state.bars:
                continue
            if number in PAUSED and state.paused == (number == PAUSED[0]):
                state.act(bar, bar.time)
            else:
                self.step(state, number, bar)
        return state


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return Lived(tmp_path_factory.mktemp("lived") / "run")


def copied(lived: Lived, place: Path) -> Path:
    import shutil

    shutil.copytree(lived.directory, place)
    return place


def require_same(lived: Lived, directory: Path, state: SessionState) -> None:
    state.close()
    bars, events = read_record(directory / FOLDER)
    assert np.array_equal(bars, lived.bars)
    assert np.array_equal(events, lived.events)
    assert state.orders_hash == lived.orders_hash
    assert (directory / FILE).read_bytes() == (lived.directory / FILE).read_bytes()


def test_its_journal_folds_to_what_it_did(lived: Lived) -> None:
    history = History(lived.candles[: lived.first])
    inputs = inputs_of(read_journal(lived.directory / FILE), history.pairs, history.interval)
    folded = fold(lived.pipeline, history, inputs).simulation
    assert folded.orders_hash == lived.orders_hash
    assert np.array_equal(folded.equity, lived.bars["equity"])
    assert np.array_equal(folded.events, lived.events)


@pytest.mark.parametrize("seed", range(12))
def test_cut_anywhere_it_goes_on_to_the_same(lived: Lived, tmp_path: Path, seed: int) -> None:
    directory = copied(lived, tmp_path / "run")
    rng = np.random.default_rng(seed)
    journal = directory / FILE
    size = int(rng.integers(0, journal.stat().st_size + 1))
    with journal.open("r+b") as file:
        file.truncate(size)
    whole = len(read_journal(journal))
    bars = sum(e.kind == "bar" for e in read_journal(journal))
    for name in ("bars.bin", "ledger.bin"):  # the record is at most as far as the journal
        file = directory / FOLDER / name
        events = int(lived.bars["events"][bars - 1]) if bars else 0
        most = bars * 24 if name == "bars.bin" else events * lived.events.itemsize
        with file.open("r+b") as opened:
            opened.truncate(int(rng.integers(max(most - 3_000, 0), most + 1)))
    for snapshot in (directory / FOLDER).glob("*.snapshot"):
        if int(snapshot.stem) > whole or rng.random() < 0.3:
            snapshot.unlink()
        elif rng.random() < 0.2:
            data = bytearray(snapshot.read_bytes())
            data[int(rng.integers(0, len(data)))] ^= 0xFF
            snapshot.write_bytes(data)
    require_same(lived, directory, lived.go_on(directory))


def require_unlike(lived: Lived, directory: Path, line: str) -> None:
    """Require that a replay ends with such a line."""
    pairs, interval = lived.candles.pairs, lived.candles.interval
    inputs = inputs_of(read_journal(directory / FILE), pairs, interval)
    with pytest.raises(CheckFailed, match=line):
        replay(directory, lived.pipeline, lived.candles[: lived.first], inputs)


def test_a_snapshot_spares_the_journal_before_it(lived: Lived, tmp_path: Path) -> None:
    directory = copied(lived, tmp_path / "run")
    state = lived.open(directory)
    assert state.recovered == len(lived.bars) % SNAPSHOT
    require_same(lived, directory, state)


def test_a_snapshot_of_another_layout_is_left_aside(lived: Lived, tmp_path: Path) -> None:
    directory = copied(lived, tmp_path / "run")
    for file in (directory / FOLDER).glob("*.snapshot"):
        with np.load(io.BytesIO(file.read_bytes()[32:])) as kept:
            arrays = {name.replace("open", "candles/open"): kept[name] for name in kept.files}
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        file.write_bytes(hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())
    state = lived.open(directory)
    assert state.recovered == len(lived.bars)
    require_same(lived, directory, state)


def test_the_replay_is_identical_and_says_so(lived: Lived) -> None:
    pairs, interval = lived.candles.pairs, lived.candles.interval
    inputs = inputs_of(read_journal(lived.directory / FILE), pairs, interval)
    warmup = lived.candles[: lived.first]
    line = replay(lived.directory, lived.pipeline, warmup, inputs).line
    decided = np.count_nonzero(lived.events["kind"] == Kind.DECIDED)
    assert line.startswith(f"identical: 150 bars, {decided} decisions, ")
    assert lived.orders_hash[:16] in line


def test_a_replay_names_the_first_feature_that_differs(lived: Lived, tmp_path: Path) -> None:
    directory = copied(lived, tmp_path / "run")
    file = directory / FOLDER / "seen.bin"
    rows = np.frombuffer(file.read_bytes(), SEEN).copy()
    index = int(np.flatnonzero(rows["time"])[10])
    rows["values"][index, 0, 1] += 1e-9
    file.write_bytes(rows.tobytes())
    require_unlike(lived, directory, r"replay differs at 2025-03-01T.*: fast of ADA-AUD was")


def test_a_replay_names_a_decision_that_it_does_not_make(lived: Lived, tmp_path: Path) -> None:
    directory = copied(lived, tmp_path / "run")
    file = directory / FOLDER / "seen.bin"
    rows = np.frombuffer(file.read_bytes(), SEEN).copy()
    rows["time"][int(np.flatnonzero(rows["time"])[10])] += 1
    file.write_bytes(rows.tobytes())
    require_unlike(lived, directory, r"replay differs at 2025-03-01T.*: it does not decide there")


def test_a_record_that_says_otherwise_is_found(lived: Lived, tmp_path: Path) -> None:
    directory = copied(lived, tmp_path / "run")
    bars = lived.bars.copy()
    bars["equity"][-1] += 0.01
    (directory / FOLDER / "bars.bin").write_bytes(bars.tobytes())
    with pytest.raises(CheckFailed, match=r"replay differs at 2025-03.*equity"):
        lived.open(directory)


def test_damage_before_the_end_of_the_journal_is_refused(lived: Lived, tmp_path: Path) -> None:
    directory = copied(lived, tmp_path / "run")
    data = bytearray((directory / FILE).read_bytes())
    data[len(data) // 2] ^= 0x01
    (directory / FILE).write_bytes(data)
    for snapshot in (directory / FOLDER).glob("*.snapshot"):
        snapshot.unlink()
    with pytest.raises(OutsideFault, match="damaged after entry"):
        lived.open(directory)

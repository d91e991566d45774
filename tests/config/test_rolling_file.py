"""A log that never ends: bounded, nothing lost until the oldest is dropped."""

from __future__ import annotations

import gzip
from pathlib import Path

from framework.config.rolling_file import KEPT, LIMIT, RollingFile
from framework.config.stream import Stream


def packed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "run.log")


def text_of(folder: Path) -> str:
    """Return all that is kept, oldest first."""
    files = sorted(folder.glob("*.gz"), key=lambda file: int(file.name.split(".")[1]), reverse=True)
    whole = "".join(gzip.decompress(file.read_bytes()).decode() for file in files)
    return whole + (folder / "run.log").read_text()


def test_a_small_log_stays_one_file(tmp_path: Path) -> None:
    file = RollingFile(tmp_path / "run.log", LIMIT, KEPT)
    file.write("one\n")
    file.close()
    again = RollingFile(tmp_path / "run.log", LIMIT, KEPT)
    again.write("two\n")
    again.close()
    assert (tmp_path / "run.log").read_text() == "one\ntwo\n"
    assert packed(tmp_path) == []


def test_a_long_session_s_log_is_bounded_and_its_newest_part_whole(tmp_path: Path) -> None:
    file = RollingFile(tmp_path / "run.log", limit=1_000, kept=3)
    lines = [f"{number:09d}\n" for number in range(5_000)]
    for line in lines:
        file.write(line)
    file.close()
    assert packed(tmp_path) == ["run.1.log.gz", "run.2.log.gz", "run.3.log.gz"]
    assert text_of(tmp_path) == "".join(lines[-400:])
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 4_000


def test_a_limit_counts_bytes_and_no_line_is_cut_in_two(tmp_path: Path) -> None:
    file = RollingFile(tmp_path / "run.log", limit=10, kept=2)
    for line in ("ääää\n", "bb\n", "c\n"):  # 9, 3 and 2 bytes
        file.write(line)
    file.close()
    assert gzip.decompress((tmp_path / "run.1.log.gz").read_bytes()).decode() == "ääää\n"
    assert (tmp_path / "run.log").read_text() == "bb\nc\n"


def test_what_a_killed_process_had_set_aside_is_packed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "run.full.log").write_text("before\n")
    (tmp_path / "run.1.log.part").write_bytes(b"half")
    file = RollingFile(tmp_path / "run.log", limit=100, kept=2)
    file.write("after\n")
    file.close()
    assert text_of(tmp_path) == "before\nafter\n"
    assert not (tmp_path / "run.full.log").exists()


def test_a_file_that_cannot_be_packed_is_the_stream_s_fault(tmp_path: Path) -> None:
    (tmp_path / "run.1.log.part").mkdir()  # stands where the packed file is written
    file = RollingFile(tmp_path / "run.log", limit=5, kept=1)
    stream = Stream(file)
    stream.write("123456\n")
    stream.write("123456\n")
    assert file._packing is not None
    file._packing.join()
    stream.write("lost\n")
    assert isinstance(stream.fault, IsADirectoryError)
    file.close()


def test_a_diverted_stream_writes_elsewhere_until_it_is_given_back(tmp_path: Path) -> None:
    file = RollingFile(tmp_path / "run.log", LIMIT, KEPT)
    stream = Stream(file)
    heard: list[str] = []
    stream.divert(heard.append)
    stream.write("one\n")
    stream.divert(None)
    stream.write("two\n")
    file.close()
    assert heard == ["one\n"]
    assert (tmp_path / "run.log").read_text() == "two\n"

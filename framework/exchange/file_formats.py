"""Files of any common format, read as a table of columns; what they mean is not asked here."""

from __future__ import annotations

import codecs
import csv
import glob
import gzip
import io
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import OutsideFault, UserError, did_you_mean
from framework.exchange.file_columns import CANDLES, Wanted
from framework.exchange.file_json import read_json

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = ".csv .tsv .txt .dat .json .jsonl .ndjson .parquet .pq .feather .arrow .ipc".split()

_DELIMITERS = ";\t|,"  # the comma last: it may be a decimal sign
_BINARY = {b"PAR1": "Parquet", b"ARROW1": "Arrow", b"FEA1": "Feather"}
_SUFFIX_KIND = {
    ".parquet": "Parquet",
    ".pq": "Parquet",
    ".feather": "Arrow",
    ".arrow": "Arrow",
    ".ipc": "Arrow",
}


def stem_of(path: Path) -> str:
    """Return the file's name without format and compression.

    Examples
    --------
    >>> stem_of(Path("a/BTC_AUR-5.json.gz"))
    'BTC_AUR-5'
    """
    name = re.sub(r"\.gz$", "", path.name, flags=re.IGNORECASE)
    bare = Path(name)
    return bare.stem if bare.suffix.lower() in SUFFIXES else name


def is_data_file(path: Path) -> bool:
    """Tell from the name whether a folder's file is data."""
    name = Path(re.sub(r"\.gz$", "", path.name, flags=re.IGNORECASE))
    return name.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def data_files(named: str, key: str) -> list[Path]:
    """Return the files that a path of the configuration, a folder or a pattern means.

    Raises
    ------
    UserError
        There are none: the message names the nearest one.
    """
    path = Path(named).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.is_file() and is_data_file(p))
        if not found:
            raise UserError(f"{key}: folder {path} holds no file of a known format.")
        return found
    if glob.has_magic(named):
        found = sorted(Path(p) for p in glob.glob(str(path)) if Path(p).is_file())
        if not found:
            raise UserError(f"{key}: no file matches '{named}'.")
        return found
    parent = path.parent
    if not parent.is_dir():
        raise UserError(f"{key}: there is no '{path}': no folder '{parent}'.")
    near = did_you_mean(path.name, (p.name for p in parent.iterdir()))
    raise UserError(f"{key}: there is no '{path}'.{near}")


def read_table(path: Path, wanted: Wanted = CANDLES) -> tuple[pa.Table, bool]:
    """Return a file's columns, and whether it names them.

    Columns of a file that does not name them are called ``1``, ``2``, ... . The format is told by
    the content: CSV (comma, semicolon, tab or bar, banner lines above the header skipped), JSON
    (rows as lists or as objects, columns as lists, one object a line), Parquet, Feather and Arrow
    IPC; each also gzipped.

    Parameters
    ----------
    path : Path
    wanted : Wanted
        For messages.

    Raises
    ------
    UserError
        The file is empty, cut short, damaged or of another format.
    OutsideFault
        The disk does not hand it over.
    """
    import pyarrow as pa

    at = f"{wanted.key}: {path.name}"
    try:
        with path.open("rb") as file:
            head = file.read(6)
        if not head:
            raise UserError(f"{at} is empty.")
        raw = b""
        if head[:2] == b"\x1f\x8b":
            with gzip.open(path) as packed:
                raw = packed.read()
            head = raw[:6]
            if not head:
                raise UserError(f"{at} is empty.")
        kind = next((kind for magic, kind in _BINARY.items() if head.startswith(magic)), "")
        suffix = Path(re.sub(r"\.gz$", "", path.name.lower())).suffix
        expected = _SUFFIX_KIND.get(suffix)
        if expected and not kind:
            raise UserError(f"{at} is no {expected} file: it starts with {head[:4]!r}.")
        if kind:
            return _read_binary(kind, io.BytesIO(raw) if raw else path), True
        return _read_text(raw or path.read_bytes(), at, wanted)
    except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
        raise UserError(f"{at} is cut short or damaged: {_one_line(fault)}.") from fault
    except pa.ArrowException as fault:
        raise UserError(f"{at} is cut short or damaged: {_one_line(fault)}.") from fault
    except OSError as fault:
        # Arrow reports damaged pages as OSError without an error number.
        if fault.errno is None:
            raise UserError(f"{at} is cut short or damaged: {_one_line(fault)}.") from fault
        raise OutsideFault(f"{wanted.key}: cannot read {path}: {fault.strerror}.") from fault


def _one_line(fault: BaseException) -> str:
    return re.sub(r"\s+", " ", str(fault)).strip().rstrip(".")[:160]


def _read_binary(kind: str, source: Any) -> pa.Table:
    if kind == "Parquet":
        from pyarrow.parquet import ParquetFile

        with ParquetFile(source) as parquet:
            return parquet.read()
    from pyarrow import feather

    return feather.read_table(source if hasattr(source, "read") else str(source), memory_map=False)


def _read_text(raw: bytes, at: str, wanted: Wanted) -> tuple[pa.Table, bool]:
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        head = codecs.getincrementaldecoder("utf-8")().decode(raw[:65_536], len(raw) <= 65_536)
    except UnicodeDecodeError as fault:
        raise UserError(
            f"{at} is neither text nor Parquet, Feather or Arrow: "
            f"byte {fault.start + 1} is 0x{raw[fault.start]:02x}."
        ) from None
    if "\x00" in head:
        raise UserError(
            f"{at} is neither text nor Parquet, Feather or Arrow: byte {raw.find(0) + 1} is 0x00."
        )
    if not head.strip():
        raise UserError(f"{at} is empty.")
    if re.match(r"\d+ [{\[]", head):
        raise UserError(
            f"{at} is not {wanted.rows} but a recording of messages: its lines are "
            f"'{head[:30]}...', with no column for {wanted.columns}."
        )
    if head.lstrip()[0] in "[{":
        return read_json(raw, at, wanted)
    return _read_delimited(raw, head, at, wanted)


def _read_delimited(raw: bytes, head: str, at: str, wanted: Wanted) -> tuple[pa.Table, bool]:
    from pyarrow import csv as arrow_csv

    lines = head.splitlines(keepends=True)[:40]
    if len(raw) > len(head.encode()) and len(lines) > 1:
        lines = lines[:-1] or lines
    filled = [line for line in lines if line.strip()]
    delimiter = max(_DELIMITERS, key=lambda mark: _columns_by(mark, filled))
    width = _columns_by(delimiter, filled)
    skipped = 0
    for line in lines:
        cells = _cells(line, delimiter)
        if line.strip() and len(cells) == width:
            break
        skipped += len(line.encode())
    if len(filled) > 1 and all(len(_cells(line, delimiter)) < 2 for line in filled):
        raise UserError(
            f"{at} is not {wanted.rows}: it has one column only, '{filled[0].strip()[:40]}'."
        )
    named = not any(_is_number(cell) for cell in cells)
    names = cells if named else [str(i + 1) for i in range(width)]
    data = raw[skipped + len(line.encode()) :] if named else raw[skipped:]
    if not data.strip():
        raise UserError(f"{at} has a header but no rows.")
    first_row = data[:2_000].decode(errors="ignore").splitlines()[0]
    decimal = "," if delimiter == ";" and re.search(r"\d,\d", first_row) else "."
    table = arrow_csv.read_csv(
        io.BytesIO(data),
        read_options=arrow_csv.ReadOptions(column_names=_distinct(names)),
        parse_options=arrow_csv.ParseOptions(delimiter=delimiter),
        convert_options=arrow_csv.ConvertOptions(decimal_point=decimal),
    )
    return table, named


def _columns_by(delimiter: str, lines: Sequence[str]) -> int:
    """Return the commonest number of columns; the earliest delimiter of equal ones wins."""
    widths = [len(_cells(line, delimiter)) for line in lines]
    return max(widths, key=widths.count)


def _cells(line: str, delimiter: str) -> list[str]:
    cells = next(csv.reader([line.strip("\r\n")], delimiter=delimiter), [])
    return [cell.strip().lstrip("#").strip() for cell in cells]


def _is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"[-+]?\d+([.,]\d*)?([eE][-+]?\d+)?", cell))


def _distinct(names: Sequence[str]) -> list[str]:
    """Return `names`, later ones of a kind numbered."""
    seen: dict[str, int] = {}
    made = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        made.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return made

"""The report: one self-contained page that opens from disk, needs no network and keeps no secret.

plotly.js travels inside it, deflated: 2.0 MB instead of 4.8, for 0.07 s of packing here and no
difference that could be measured in opening the page. A content policy with the digests of the
page's own scripts lets nothing else run and nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from framework.errors import OutsideFault
from framework.results.outcome import Outcome
from framework.results.page import sections, tables
from framework.results.page.markup import text
from framework.results.page.wording import cautions, number, verdict
from framework.results.plots import account_figure, histogram_figure
from framework.results.price_plot import price_figures

_LEVEL = 4  # of deflate: level 6 saves 4 % more and takes twice as long


def write_report(path: Path, outcome: Outcome, metrics: Mapping[str, float | int | None]) -> None:
    """Write the report of one run.

    Parameters
    ----------
    path : Path
        The HTML file; an older one is replaced at once or not at all.
    outcome : Outcome
        What was traded, and what it rests on.
    metrics : mapping
        Names as in ``metrics.json``; None where a figure is undefined.

    Raises
    ------
    OutsideFault
        The file cannot be written, or plotly.js is not where its package keeps it.
    """
    page = render(outcome, metrics).encode("utf-8", "backslashreplace")
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(page)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise OutsideFault(f"report {path}: cannot be written ({error.strerror}).") from error


def render(outcome: Outcome, metrics: Mapping[str, float | int | None]) -> str:
    """Return the report as HTML; see `write_report`."""
    with ThreadPoolExecutor(1) as pool:  # deflate lets go of the interpreter's lock
        packing = pool.submit(_packed_plotly)
        values = _values(outcome, metrics)
        library = packing.result()
    script = _file("report.js")
    return Template(_file("report.html")).substitute(
        values,
        plotly=library.packed,
        script=script,
        policy=text(
            "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data: blob:; "
            "style-src 'unsafe-inline'; "
            f"script-src 'sha256-{_digest(script.encode())}' 'sha256-{library.digest}'"
        ),
    )


def json_for_script(value: object) -> str:
    r"""Return `value` as JSON that cannot end the script element it stands in.

    Examples
    --------
    >>> json_for_script("</script>")
    '"\\u003c/script\\u003e"'
    """
    written = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        written = written.replace(sign, f"\\u{ord(sign):04x}")
    return written


def _values(outcome: Outcome, metrics: Mapping[str, float | int | None]) -> dict[str, str]:
    charts: dict[str, Any] = {"account": None, "histogram": None, "price": []}
    if len(outcome.time):
        charts = {
            "account": account_figure(outcome),
            "histogram": histogram_figure(outcome),
            "price": price_figures(outcome),
        }
    return {
        "title": text(f"{outcome.strategy}: {outcome.mode}, {outcome.interval}"),
        "style": _file("report.css"),
        "strategy": text(outcome.strategy),
        "verdict": text(verdict(outcome, metrics)),
        "headline": sections.headline(outcome),
        "cautions": sections.cautions_list(cautions(outcome, metrics)),
        "tiles": sections.tiles(outcome, metrics),
        "checks": sections.checks(outcome),
        "monthly": tables.monthly(outcome),
        "by_pair": tables.by_pair(outcome),
        "by_reason": tables.by_reason(outcome),
        "costs": tables.costs(outcome, metrics),
        "trades": tables.trades_table(outcome),
        "vetoes": tables.vetoes(outcome),
        "assumptions": sections.assumptions(outcome),
        "metrics": sections.definitions(metrics),
        "certificate": sections.definitions(outcome.certificate),
        "identity": sections.definitions(
            {
                "orders hash": outcome.orders_hash,
                "version": outcome.version,
                "seed": outcome.seed,
                "starting cash": f"{number(outcome.initial_cash)} {outcome.quote}",
            }
        ),
        "overrides": sections.overrides(outcome),
        "config": text(outcome.config),
        "charts": json_for_script(charts),
    }


class _Library(NamedTuple):
    packed: str  # zlib, base64
    digest: str  # SHA-256 of the source, base64


def _packed_plotly() -> _Library:
    """Return plotly.js as the installed package ships it, found without importing that."""
    found = importlib.util.find_spec("plotly")
    folders = (found.submodule_search_locations if found else None) or []
    for folder in folders:
        path = Path(folder, "package_data", "plotly.min.js")
        if path.is_file():
            source = path.read_bytes()
            packed = base64.b64encode(zlib.compress(source, _LEVEL)).decode()
            return _Library(packed, _digest(source))
    raise OutsideFault(
        "report: plotly.min.js was not found in the package plotly; reinstall it, or run with "
        "report=false."
    )


def _digest(source: bytes) -> str:
    return base64.b64encode(hashlib.sha256(source).digest()).decode()


def _file(name: str) -> str:
    return files("framework.results.page").joinpath(name).read_text("utf-8")

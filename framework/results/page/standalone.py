"""One self-contained page: it opens from disk, needs no network and keeps no secret.

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
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from framework.disk import whole_file
from framework.errors import OutsideFault
from framework.results.page.markup import text

_LEVEL = 4  # of deflate: level 6 saves 4 % more and takes twice as long


def fill(template: str, scripts: tuple[str, ...], values: Callable[[], Mapping[str, Any]]) -> str:
    """Return a page as HTML.

    Parameters
    ----------
    template : str
        HTML with ``${name}`` for each value, and for policy, charts, plotly and script.
    scripts : tuple of str
        JavaScript after the part that all pages share.
    values : callable
        Makes the values, HTML all but ``charts``, which becomes JSON; called while plotly.js is
        packed.
    """
    with ThreadPoolExecutor(1) as pool:  # deflate lets go of the interpreter's lock
        packing = pool.submit(_packed_plotly)
        found = dict(values())
        library = packing.result()
    script = "\n".join((resource("charts.js"), *scripts))
    found["charts"] = json_for_script(found["charts"])
    return Template(template).substitute(
        found,
        plotly=library.packed,
        script=script,
        policy=text(
            "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data: blob:; "
            "style-src 'unsafe-inline'; "
            f"script-src 'sha256-{_digest(script.encode())}' 'sha256-{library.digest}'"
        ),
    )


def write_whole(path: Path, page: str, name: str) -> None:
    """Write a page; an older one is replaced at once or not at all.

    Raises
    ------
    OutsideFault
        The file cannot be written; the message calls it by `name`.
    """
    with whole_file(path, f"{name} {path}") as beside:
        beside.write_bytes(page.encode("utf-8", "backslashreplace"))


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


def resource(name: str, package: str = "framework.results.page") -> str:
    """Return a file that is part of the package."""
    return files(package).joinpath(name).read_text("utf-8")


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

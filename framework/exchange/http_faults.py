"""What an answer over HTTP says went wrong, for every exchange alike."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from framework.exchange.faults import ExchangeFault, Refused, TooOften, Unreachable

_TOO_OFTEN = re.compile(
    r"too.?many|rate.?limit|limit.?exceeded|exceeded.{0,20}limit|throttl|too.?often|slow.?down",
    re.IGNORECASE,
)
_ASK_AGAIN = (408, 425)
_FOR_EVER = (401, 451)  # whatever the body looks like: wrong keys, a country that is shut out
_SHOWN = 160


def fault_of_answer(
    exchange: str, asked: str, status: int, headers: Mapping[str, str], body: bytes
) -> ExchangeFault | None:
    """Return what an answer's status and body amount to, or None when it is what was asked for.

    A limit is recognised by its status or, since exchanges differ, by its words. A page that is
    no JSON comes from something in between, and asking again may help.

    Parameters
    ----------
    exchange : str
        Its name.
    asked : str
        Path and query.
    status : int
        Of HTTP.
    headers : mapping
        Looked up in any case of letters.
    body : bytes
        As it came.
    """
    if 200 <= status < 300:
        return None
    text = body.decode(errors="replace")
    what = f"{asked}: HTTP {status}{_told(text)}"
    if status in (418, 429) or (status >= 400 and speaks_of_limits(text[:2_000])):
        return TooOften(exchange, what, retry_after_s(headers))
    if status in _FOR_EVER:
        return Refused(exchange, what)
    if status >= 500 or status < 400 or status in _ASK_AGAIN or _json_of(text) is None:
        return Unreachable(exchange, what)
    return Refused(exchange, what)


def speaks_of_limits(text: str) -> bool:
    """Tell whether words are about asking too often."""
    return bool(_TOO_OFTEN.search(text))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After`` asks to wait, counted from the answer's own date."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return float(text)
    try:
        until, now = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("Date", ""))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None


def shortened(body: bytes) -> str:
    """Return the beginning of a body in one printable line."""
    words = " ".join(body[: 4 * _SHOWN].decode(errors="replace").split())
    line = "".join(letter if letter.isprintable() else "?" for letter in words)
    return f"{line[:_SHOWN]}…" if len(line) > _SHOWN else line or "nothing"


def _json_of(text: str) -> dict[str, object] | list[object] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None


def _told(text: str) -> str:
    """Return what the exchange says in its own words, where it does."""
    found = _json_of(text)
    if isinstance(found, dict):
        said = [
            str(found[key])
            for key in ("code", "errorCode", "error", "message", "msg")
            if isinstance(found.get(key), str | int)
        ]
        if said:
            return f" ({shortened(': '.join(said).encode())})"
    return f" ({shortened(text.encode())})" if text.strip() else ""

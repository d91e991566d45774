"""Pieces of HTML that every section is made of; all text from outside is escaped by `text`."""

from __future__ import annotations

import html
from collections.abc import Sequence

from framework.results.page.wording import finite


def text(value: object) -> str:
    """Return `value` as text that is safe inside HTML and its attributes."""
    return html.escape(str(value), quote=True)


def empty(said: str) -> str:
    """Return what stands where there is nothing to show."""
    return f'<p class="empty">{text(said)}</p>'


def tone(value: object) -> str:
    """Return the class that colours a gain or a loss."""
    found = finite(value)
    return "" if not found else "gain" if found > 0 else "loss"


def table(head: str, rows: Sequence[str], kind: str, identity: str = "") -> str:
    """Return a table that scrolls inside its own box when the page is narrow."""
    named = f' id="{identity}"' if identity else ""
    return (
        f'<div class="scroll" tabindex="0"><table class="{kind}"{named}>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def cell(key: object, shown: str, kind: str = "") -> str:
    """Return a cell that shows one thing and is sorted by another."""
    style = f' class="{kind}"' if kind else ""
    return f'<td{style} data-key="{text(key)}">{text(shown)}</td>'


def bar(share: float, *, plain: bool = False) -> str:
    """Return a cell with a bar, `share` of its width long; red when negative."""
    if not share:
        return '<td class="wide"></td>'
    kind = "plain" if plain else tone(share) or "plain"
    width = min(abs(share), 1.0) * 100
    return f'<td class="wide"><span class="bar {kind}" style="width:{width:.1f}%"></span></td>'

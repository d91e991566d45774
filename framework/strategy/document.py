"""Write the page that lists every function of the expression language, from the code itself.

``python -m framework.strategy.document [PATH]`` writes ``docs/functions.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from framework.strategy.catalogue import list_functions
from framework.strategy.function import Function
from framework.strategy.parse import MAX_DEPTH, MAX_LENGTH

_HEAD = f"""# The expression language

Rules and features are expressions: Python's syntax without its powers. They are read, checked and
compiled, never run as Python. This page is generated from the code by `python -m
framework.strategy.document`.

**Names.** Parameters (`strategy.params`, constants), other features, the candle's columns `open
high low close volume`, columns of recorded order books and trades (`bid ask mid spread imbalance
depth_bid depth_ask microprice signed_volume trade_count`: functions below that may be written
without parentheses), outputs of the chosen model (`forecast p_up action regime anomaly`), `True`,
`False` and `nan` (no value: as a target it leaves the position alone). A feature or parameter must
not bear the name of a column, a function or each other.

**Operators.** `+ - * / // % **`, `< <= > >= == !=` (chains too: `30 < x < 70`), `and or not`, and
`x[n]`: x as it was n bars ago, n ≥ 0. Parameters are constants, and so is arithmetic over them
(`ema(close, 2 * fast)`). Numbers and conditions do not mix: `where(condition, 1, 0)` makes a
number of a condition. Texts name intervals and pairs and nothing else.

**NaN.** In the warm-up, and wherever a value is missing, a number is NaN. A comparison with NaN
is false, `!=` too; and `not` of it is false as well: what rests on NaN is unknown, and the
unknown makes no trade. (This is Kleene's three-valued logic, read as "known to be true": `a or b`
holds where one of them is known to, and `not (a and b)` where one of them is known not to.)
`where` gives NaN where its condition is unknown.

**Windows with a hole.** The framework's own functions of the last `bars` give NaN while NaN lies
in the window, and a value again as soon as it has left; `mean`, `sum`, `std`, `zscore` and `corr`
treat infinity likewise. TA-Lib's functions skip NaN at the beginning only: behind a later one (a
division of zero by zero, a logarithm below zero) recursive ones such as `ema` or `rsi` stay NaN
to the end.

**Several outputs** are named after a dot: `macd(close, 12, 26, 9).signal`.

**Warm-up** is counted in bars, beyond that of the inputs, before data is read. Inside `on` a bar
is a candle of that interval.

**Limits.** An expression has at most {MAX_LENGTH:,} characters and is at most {MAX_DEPTH} levels
deep, features included; windows reach back at most 1,000,000 bars, TA-Lib's 100,000.

**Exact.** Every function is causal: what it gives for a prefix of the bars is, bit for bit, the
prefix of what it gives for all of them. Tests hold each of them to that.

**TA-Lib.** Series of one's own choice come first in the call, parameters after them; open, high,
low, close and volume are implied where TA-Lib takes them (`atr(14)`, `adx()`, `obv(close)`).
Whole-number outputs (candle patterns, `ht_trendmode`) are 0, ±100 and so on, and NaN in the
warm-up. Of `min`, `max`, `sum`, `exp` and `sqrt` the framework's own take TA-Lib's place; they
give the same.

**Own functions** are Python functions in a module named under `plugins:`, decorated with
`framework.function`:

```python
from framework import function
from framework.types import FloatArray


@function(warm_up=lambda bars: bars, source="x[0] - x[bars], per bar")
def slope(x: FloatArray, bars: int = 20) -> FloatArray:
    \"\"\"Rise per bar over the last `bars` bars.\"\"\"
    ...
```
"""


def functions_page() -> str:
    """Return the page as Markdown."""
    lines = [_HEAD.rstrip()]
    for group, members in groupby(list_functions(), key=lambda item: item.group):
        lines += ["", f"## {group}", ""]
        lines += ["| function | reads | gives | warm-up | what | source |"]
        lines += ["|---|---|---|---|---|---|"]
        lines += [_row(item) for item in members]
    return "\n".join(lines) + "\n"


def write_functions_page(path: Path | str) -> None:
    """Write the page to `path`."""
    Path(path).write_text(functions_page(), encoding="utf-8")


def function_lines(plugins: Sequence[str] = ()) -> Iterator[str]:
    """Yield a line for each function, for the terminal: how it is written and what it gives."""
    for group, members in groupby(list_functions(plugins), key=lambda item: item.group):
        yield f"{group}"
        for item in members:
            outputs = f" .{' .'.join(item.outputs)}" if item.outputs else ""
            yield f"  {item.signature}{outputs}: {item.summary}"


def _row(item: Function) -> str:
    implied = [part.name for part in item.inputs if not part.given]
    reads = ", ".join(["given"] * bool(item.given) + implied)
    gives = ", ".join(f"`.{name}`" for name in item.outputs) or _gives(item)
    cells = [f"`{item.signature}`", reads, gives, item.warm_up_text, item.summary, item.source]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _gives(item: Function) -> str:
    return "as `x`" if item.gives == "any" else item.gives


if __name__ == "__main__":
    write_functions_page(sys.argv[1] if len(sys.argv) > 1 else "docs/functions.md")

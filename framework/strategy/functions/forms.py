"""Functions that the compiler builds itself: they change the bar, interval or pair looked at."""

from __future__ import annotations

from framework.strategy.function import MAX_BARS, Function, Input, Parameter


def _built(*_: object) -> None:
    raise NotImplementedError("built by the compiler")


shift = Function(
    name="shift",
    group="Changes and crossings",
    summary="The value `bars` bars ago, also written x[bars]; of numbers and conditions.",
    inputs=(Input("x", "any"),),
    parameters=(Parameter("bars", "int", None, 0, MAX_BARS),),
    gives="any",
    scope="form",
    warm_up=lambda bars: bars,
    warm_up_text="bars",
    source="x[bars]",
    call=_built,
)
where = Function(
    name="where",
    group="Value by value",
    summary="`x` where `condition` holds, `y` where it does not; NaN where it rests on NaN.",
    inputs=(Input("condition", "condition"), Input("x", "any"), Input("y", "any")),
    parameters=(),
    gives="any",
    scope="form",
    warm_up=lambda: 0,
    warm_up_text="none",
    source="Case distinction",
    call=_built,
)
on = Function(
    name="on",
    group="Intervals and pairs",
    summary="`x` as it stood when the last candle of a longer interval had closed; closed and "
    "complete candles only, so it never changes within one.",
    inputs=(Input("x", "any"),),
    parameters=(Parameter("interval", "interval"),),
    gives="any",
    scope="form",
    warm_up=lambda: 0,
    warm_up_text="that of `x` and two candles more, in bars of the strategy, less two",
    source="Candles resampled from the strategy's own",
    call=_built,
)
of = Function(
    name="of",
    group="Intervals and pairs",
    summary="`x` of another pair of the run, for every pair.",
    inputs=(Input("x", "any"),),
    parameters=(Parameter("pair", "pair"),),
    gives="any",
    scope="form",
    warm_up=lambda: 0,
    warm_up_text="that of `x`",
    source="The other pair's candles",
    call=_built,
)

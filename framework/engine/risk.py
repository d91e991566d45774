"""How much an entry risks, when it is taken out again, and what may not be exceeded."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from framework.config.component import component
from framework.engine.account import MOST_VOLATILITY_BARS

Share = Annotated[float, Field(gt=0, le=1)]
"""A fraction of equity, above 0 up to 1."""

Distance = Annotated[float, Field(gt=0, lt=1)]
"""A distance as a fraction of a price, or a loss as a fraction of equity."""

Bars = Annotated[int, Field(ge=1, le=1_000_000_000)]
"""A number of bars."""


Gain = Annotated[float, Field(gt=0, le=1_000)]
"""A gain as a fraction of a price."""

Expression = Annotated[str, Field(min_length=1, max_length=10_000)]
"""A distance bar by bar, in the language of the strategy."""

_SIZES = (
    "fraction",
    "quote_amount",
    "risk_per_trade",
    "volatility_target",
    "inverse_volatility",
    "kelly",
)

MOST_TARGETS = 4
"""Partial targets of one position."""


@component
class PartialTarget:
    """A part of a position that is sold at a gain."""

    gain: Gain
    """How far above the average entry price (0.02 = 2 %)."""

    share: Share
    """Of the units entered in all."""


@component
class Risk:
    """Sizing, exits and limits; null switches a rule off.

    Exposures are those that the decisions lead to: positions at the close, without what is already
    being closed, and with what is already being bought.
    """

    fraction: Share | None = None
    """Share of equity put into one entry; null: all equity, split equally over the pairs that are
    in a position or enter. A strategy with `target` weights sizes itself."""

    quote_amount: PositiveFloat | None = None
    """Quote currency put into one entry, fees included; instead of `fraction`."""

    risk_per_trade: Distance | None = None
    """Share of equity that one entry loses when its stop-loss is hit, costs included; instead of
    `fraction`, and with `stop_loss` only."""

    volatility_target: Annotated[float, Field(gt=0, le=10)] | None = None
    """Annual volatility that an entry aims at (0.4 = 40 %): an equal share of equity, as with no
    `fraction`, times this over the pair's own, at most 1; instead of `fraction`."""

    inverse_volatility: bool = False
    """Split all equity over the pairs that are in a position or enter, each in proportion to one
    over its volatility; instead of `fraction`."""

    kelly: Share | None = None
    """Share of the Kelly bet, from the wins and losses of the account so far, that one entry gets;
    instead of `fraction`."""

    kelly_trades: PositiveInt = 30
    """Round trips that must be closed before `kelly` sizes an entry."""

    kelly_start: Share = 0.05
    """Share of equity that one entry gets until then."""

    no_trade_band: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """With `target` weights: differences up to this share of equity are left alone."""

    stop_loss: Distance | Expression | None = None
    """Sell when the price falls this far below the average entry price (0.02 = 2 %); an expression
    counts with its value at the decision to enter."""

    take_profit: Gain | Expression | None = None
    """Sell when the price rises this far above the average entry price (0.02 = 2 %); an expression
    counts with its value at the decision to enter."""

    targets: Annotated[tuple[PartialTarget, ...], Field(max_length=MOST_TARGETS)] = ()
    """Parts to sell at smaller gains, rising; `take_profit` sells what is left."""

    trailing_stop: Distance | Expression | None = None
    """Sell when the price falls this far below the best high since entry, that of bars already
    past only; an expression counts with its value at each of these bars."""

    break_even: Distance | None = None
    """Once the best price lay this far above the average entry price (0.02 = 2 %), the stop moves,
    from the next bar on, to the entry price plus the fees of entry and exit."""

    time_stop: Bars | None = None
    """Bars, that of the entry included, after which a position is sold at the next open."""

    max_exposure: Share | None = None
    """Largest share of equity in all pairs together; entries shrink to the room left."""

    max_pair_exposure: Share | None = None
    """Largest share of equity in one pair; entries shrink to the room left."""

    max_positions: PositiveInt | None = None
    """Most pairs held at once; of more, those of highest confidence enter."""

    daily_loss: Distance | None = None
    """No entries until the next UTC day once the day has lost this share of the equity it opened
    with."""

    max_drawdown: Distance | None = None
    """Close every position and enter no more, once equity has fallen this share below its peak."""

    halt_bars: Bars | None = None
    """Bars, that of the halt included, after which trading resumes once `max_drawdown` halted it;
    the peak begins anew with the equity then. Null: not before a person resets it."""

    volatility_halt: Annotated[float, Field(gt=0, le=10)] | None = None
    """No entries into a pair while the standard deviation of its close-to-close log-returns is
    above this, per bar (0.01 = about 1 %), or too few bars are known to tell."""

    volatility_bars: Annotated[int, Field(ge=2, le=MOST_VOLATILITY_BARS)] = 96
    """Log-returns in the standard deviation of `volatility_halt`, 2 to 288."""

    max_anomaly: float | None = None
    """No entries into a pair while the strategy's `anomaly` is above this, or not known."""

    max_correlated_exposure: Share | None = None
    """Largest share of equity in pairs that move together: an entry shrinks to the room left by
    all pairs whose correlation with it is above `correlation`."""

    correlation: Annotated[float, Field(ge=-1, lt=1)] = 0.8
    """Correlation of log-returns from which pairs count as moving together."""

    correlation_bars: Annotated[int, Field(ge=2, le=MOST_VOLATILITY_BARS)] = 96
    """Log-returns in a correlation, 2 to 288."""

    cool_down: NonNegativeInt = 0
    """Bars, that of the stop included, in which a pair is not entered after it was stopped out."""

    @model_validator(mode="after")
    def _check(self) -> Risk:
        """Refuse rules that contradict each other."""
        given = [name for name in _SIZES if getattr(self, name) not in (None, False)]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} both size an entry: set all but one to null")
        if self.risk_per_trade is not None and self.stop_loss is None:
            raise ValueError("risk_per_trade needs a stop_loss, which says where the risk ends")
        if self.halt_bars is not None and self.max_drawdown is None:
            raise ValueError("halt_bars needs a max_drawdown, which halts trading")
        self._check_targets()
        return self

    def _check_targets(self) -> None:
        """Refuse partial targets out of order."""
        gains = [target.gain for target in self.targets]
        if isinstance(self.take_profit, float):
            gains.append(self.take_profit)
        if any(low >= high for low, high in pairwise(gains)):
            raise ValueError(
                "targets must have rising gains, below take_profit "
                f"(were {', '.join(f'{gain:g}' for gain in gains)})"
            )
        if sum(target.share for target in self.targets) > 1.0:
            raise ValueError("targets must have shares of 1 in sum at most")

    @property
    def expressions(self) -> dict[str, str]:
        """Distances that a strategy computes bar by bar: name to text."""
        names = ("stop_loss", "take_profit", "trailing_stop")
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if isinstance(value, str)}

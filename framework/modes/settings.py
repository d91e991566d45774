"""Everything one run is made of, typed: the schema of the composed configuration."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    InstanceOf,
    NonNegativeInt,
    PositiveFloat,
    SecretStr,
    model_validator,
)

from framework.backtest.evaluation import Evaluation
from framework.config.component import component
from framework.engine.execution import Execution
from framework.engine.risk import Risk
from framework.exchange.contract import Exchange
from framework.interfaces import Mode, Monitor, Notifier, Tracker
from framework.learning.model import Model
from framework.learning.sanity import Sanity
from framework.learning.training import Training
from framework.modes.sweep_settings import SweepSettings
from framework.session.learning import Learning
from framework.strategy.spec import StrategySpec
from framework.types import Interval, parse_time


def _moment(value: object) -> int | None:
    """Return a UTC date or time of the configuration as nanoseconds."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"'{value}' is no UTC date or time, such as 2024-01-31")
    return parse_time(value)


def _texts(value: object) -> object:
    """Return expressions as text: a bare number is one too."""
    if isinstance(value, dict):
        return {
            key: str(text) if isinstance(text, int | float) else text for key, text in value.items()
        }
    return value


def _symbol(value: str) -> str:
    if not re.fullmatch(r"[A-Z0-9]+-[A-Z0-9]+", value):
        raise ValueError(f"'{value}' is no pair: BASE-QUOTE in capitals, such as BTC-AUD")
    return value


Symbol = Annotated[str, AfterValidator(_symbol)]


@component
class Pairs:
    """What is traded."""

    symbols: tuple[Symbol, ...] | None
    """``BASE-QUOTE`` each; null: those that the exchange offers."""


@component
class NoModel:
    """Rules without a model."""

    outputs: ClassVar[tuple[str, ...]] = ()
    inputs: ClassVar[dict[str, str]] = {}
    window: ClassVar[int] = 1
    from_run: ClassVar[None] = None

    name: Literal["none"] = "none"
    """Of this choice."""


@component
class Settings:
    """The composed configuration of one run."""

    seed: NonNegativeInt
    """Of every random generator."""

    start: Annotated[int | None, BeforeValidator(_moment)]
    """Open time of the first candle traded, UTC; null: the exchange's default."""

    end: Annotated[int | None, BeforeValidator(_moment)]
    """Exclusive end of the open times, UTC; null: the exchange's default."""

    cash: PositiveFloat
    """At the start, in quote currency."""

    run_dir: str
    """Where this run writes."""

    database: str
    """SQLAlchemy URL."""

    store: str
    """Folder or object-store URL of the downloaded candles."""

    store_options: dict[str, SecretStr]
    """Passed to the object store; every value is kept a secret."""

    plugins: tuple[str, ...]
    """Modules whose functions and components may be used."""

    report: bool
    """Whether to write ``report.html``."""

    verify: Literal["vectorbt"] | None
    """Who recomputes a backtest's ledger; a difference fails the run. null: nobody."""

    run: int | str | None
    """The run that a replay works on."""

    resume: int | str
    """Whether a training goes on where one of the same stopped: auto, never, or the run itself."""

    runs: tuple[int | str, ...]
    """The runs that a comparison shows."""

    gate: dict[str, float]
    """Metric to what it must reach: else the run ends with exit code 1, and the model that it
    trained is used by no session."""

    search: dict[str, Any]
    """What a strategy offers to explore."""

    sweep: SweepSettings
    """What a sweep aims at and how it ends."""

    exchange: Exchange
    """Where candles and fees come from."""

    pairs: Pairs
    """What is traded."""

    features: Annotated[dict[str, str], BeforeValidator(_texts)]
    """Name to expression."""

    model: InstanceOf[Model] | InstanceOf[NoModel]
    """What predicts."""

    training: Training
    """How models are fitted."""

    learning: Learning
    """Whether a session trains its model anew."""

    sanity: Sanity
    """Which tests their training is put to."""

    risk: Risk
    """Sizing, stops and limits."""

    execution: Execution
    """How orders fill and what that costs."""

    evaluation: Evaluation
    """Which part of the range is judged."""

    mode: Mode
    """What the run does."""

    strategy: StrategySpec
    """The rules."""

    notify: Notifier
    """Who is told."""

    tracking: Tracker
    """Where experiments are tracked besides the database."""

    monitor: Monitor
    """Who may watch a session while it runs."""

    @model_validator(mode="after")
    def _an_anomaly_to_bound(self) -> Self:
        """Refuse a bound on a score that the strategy does not give."""
        if self.risk.max_anomaly is not None and self.strategy.anomaly is None:
            raise ValueError(
                "risk.max_anomaly: needs strategy.anomaly, the score that it bounds "
                f"(was {self.risk.max_anomaly:g})"
            )
        return self

    @model_validator(mode="after")
    def _a_model_that_continues(self) -> Self:
        """Refuse to begin with an earlier model what cannot."""
        if isinstance(self.model, Model) and self.training.warm_start is not None:
            if not self.model.continues:
                raise ValueError(
                    f"training.warm_start: {self.model.name} cannot begin with an earlier model, "
                    f"networks and lightgbm can (was {self.training.warm_start})"
                )
        return self

    @property
    def store_secrets(self) -> dict[str, str]:
        """Return the options of the object store in the clear."""
        return {name: value.get_secret_value() for name, value in self.store_options.items()}

    @property
    def interval(self) -> Interval:
        """Return the strategy's interval."""
        return self.strategy.interval

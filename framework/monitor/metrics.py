"""What Prometheus is told of a session: every name, its unit and its labels, in one place."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from framework.monitor.health import Health
from framework.records import Watched

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """The figures of one session, in a registry of their own.

    Figures of the account are as of the last close. Counters of what the journal holds (bars,
    trades, fills, fees, vetoes) go on where a session goes on; the others begin with the process.

    Parameters
    ----------
    session : Watched
    health : Health
        Whose ages are shown at the moment of asking.
    """

    def __init__(self, session: Watched, health: Health) -> None:
        from prometheus_client import (
            CollectorRegistry,
            Counter,
            Gauge,
            Histogram,
            Info,
            disable_created_metrics,
        )
        from prometheus_client.process_collector import ProcessCollector

        disable_created_metrics()  # type: ignore[no-untyped-call]  # twice the lines else
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)

        def gauge(name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
            return Gauge(f"framework_{name}", text, labels, registry=self.registry)

        def counter(name: str, text: str, labels: Sequence[str] = ()) -> Counter:
            return Counter(f"framework_{name}", text, labels, registry=self.registry)

        def histogram(name: str, text: str) -> Histogram:
            return Histogram(f"framework_{name}", text, buckets=_SECONDS, registry=self.registry)

        self.equity = gauge("equity", "At the last close, quote currency.")
        self.cash = gauge("cash", "Quote currency.")
        self.drawdown = gauge("drawdown_ratio", "Below the highest equity so far, as its fraction.")
        self.realised = gauge("realised_profit", "Of closed trades, after costs, quote currency.")
        self.units = gauge("position_units", "Base currency, below 0 when short.", ["pair"])
        self.value = gauge("position_value", "At the last close, quote currency.", ["pair"])
        self.open_trades = gauge("open_trades", "Pairs in a position.")
        self.closed_trades = counter(
            "closed_trades", "Round trips that ended, by result: win or loss.", ["result"]
        )
        self.fills = counter("fills", "Orders filled, parts counted singly.")
        self.fees = counter("fees", "Paid, quote currency.")
        self.vetoes = counter("vetoes", "Entries that a rule forbade.", ["reason"])

        self.bars = counter("bars", "Acted on.")
        self.candles = counter("candles", "Acted on, by standing; one for each pair.", ["standing"])
        self.revised = counter("revised_candles", "That the exchange changed after it told them.")
        self.feed_state = gauge("feed_state", "1 for the state of the feed.", ["state"])
        self.reconnects = counter("feed_reconnects", "Connections that came back.")
        self.delay = histogram(
            "decision_delay_seconds", "From a candle's close to its decision, session time."
        )
        self.latency = histogram(
            "decision_latency_seconds", "From a bar's last candle heard to what it led to."
        )
        self.paused = gauge("paused", "1 while nothing is opened.")
        self.errors = counter("errors", "Warnings and errors logged.", ["level"])
        for level in ("warning", "error", "critical"):
            self.errors.labels(level)  # so that the first one is a rise from 0
        self.journal = gauge("journal_bytes", "Size of the session's journal.")
        self.staleness = gauge(
            "model_staleness_seconds",
            "From the end of what the model learned from to the last close; NaN without one.",
        )
        self.staleness_bars = gauge("model_staleness_bars", "The same in bars of the strategy.")
        self.drift = gauge(
            "model_drift", "Population stability index of the inputs; NaN until looked at."
        )
        for unknown in (self.staleness, self.staleness_bars, self.drift):
            unknown.set(float("nan"))

        for name, text, read in (
            ("feed_age_seconds", "Since the feed told anything.", lambda: health.feed_age_s),
            ("candle_age_seconds", "Since the last candle's close.", lambda: health.candle_age_s),
            ("decision_age_seconds", "Since the last decision.", lambda: health.decision_age_s),
            (
                "candle_age_limit_seconds",
                "Age of a candle from which on /health answers 503.",
                lambda: health.candle_limit_s,
            ),
            (
                "decision_age_limit_seconds",
                "Age of a decision from which on the next one is overdue.",
                lambda: health.decision_limit_s,
            ),
        ):
            gauge(name, text).set_function(read)

        Info("framework_build", "What runs.", registry=self.registry).info(
            {"version": session.version, "python": platform.python_version()}
        )
        Info("framework_session", "What is traded.", registry=self.registry).info(
            dict(session.about)
        )

    def model_is(self, age_s: float, bars: int, drift: float | None = None) -> None:
        """Show how stale the model is.

        Parameters
        ----------
        age_s : float
            Seconds from the end of what it learned from to the last close.
        bars : int
            Bars of the strategy in that time.
        drift : float, optional
            Population stability index of its inputs; None: not known.
        """
        self.staleness.set(age_s)
        self.staleness_bars.set(bars)
        self.drift.set(float("nan") if drift is None else drift)

    def text(self) -> bytes:
        """Return all of it as Prometheus reads it."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)

"""What a simulated result assumes, in plain sentences for the report."""

from __future__ import annotations

from framework.engine.execution import Execution
from framework.engine.risk import Risk
from framework.exchange.contract import Exchange


def assumptions(risk: Risk, execution: Execution, exchange: Exchange) -> tuple[str, ...]:
    """Return one sentence for each assumption that the numbers of a run rest on."""
    return (
        "A decision uses candles up to the one that just closed; its order fills at the next "
        "bar's open.",
        *_candles(execution),
        f"Every fill pays the taker fee of {_bps(exchange.taker_fee_bps)}.",
        *_execution(execution, risk),
        "Orders do not fill on candles without trades but wait; no entry is decided on one.",
        *_exits(risk),
        *_size(risk),
        *_limits(risk),
    )


def _candles(execution: Execution) -> tuple[str, ...]:
    """Say which candles orders fill on where they are not the strategy's."""
    if execution.interval is None:
        return ()
    return (f"Decisions at the strategy's closes, orders fill on {execution.interval} candles.",)


def _execution(execution: Execution, risk: Risk) -> tuple[str, ...]:
    """Say what a fill costs and how large it may be."""
    cost = execution.half_spread_bps + execution.slippage_bps
    lines = [
        f"Fills are {_bps(cost)} worse than the price for half-spread and slippage."
        if cost
        else "Fills lose nothing to spread and slippage."
    ]
    if execution.slippage_volatility:
        lines.append(
            f"Slippage adds {execution.slippage_volatility:.4g} times the standard deviation of "
            f"the pair's {risk.volatility_bars} log-returns before the fill, or the bar's range "
            "while these are not known."
        )
    if execution.impact_bps:
        less = "in proportion"
        if execution.impact_power != 1.0:
            less = f"by the share to the power of {execution.impact_power:.4g}"
        lines.append(
            f"Impact adds {_bps(execution.impact_bps)} at a bar's whole volume, less {less}."
        )
    if execution.book:
        lines.append(
            "Where an order book was recorded at most "
            f"{execution.book_max_age} before an open, what fills there walks its levels and pays "
            "slippage, but neither half-spread nor impact; what it does not hold waits. Inside a "
            "bar no book is known."
        )
    lines.append(
        f"At most {execution.max_participation:.3g} of a bar's volume fills; the rest waits."
        if execution.max_participation
        else "Orders fill whole, whatever the volume."
    )
    lines.append(
        "Units are rounded down to the market's lot step, stops and targets to its tick; too small "
        "orders are refused."
        if execution.rounding
        else "Units and prices are not rounded."
    )
    return tuple(lines)


def _exits(risk: Risk) -> tuple[str, ...]:
    """Say how stops and targets act."""
    levels = {
        "stop-loss": risk.stop_loss,
        "trailing stop": risk.trailing_stop,
        "break-even stop from a gain of": risk.break_even,
        "take-profit": risk.take_profit,
    }
    on = [f"{name} {_distance(value)}" for name, value in levels.items() if value is not None]
    on += [f"target {part.gain:.4g} for {part.share:.4g} of the units" for part in risk.targets]
    lines = []
    if risk.time_stop:
        lines.append(f"A position held for {risk.time_stop} bars is sold at the next open.")
    if not on:
        return ("There are no stops and no targets.", *lines)
    return (
        f"Exits at fractions of the price: {', '.join(on)}. Of stop and target in one bar the stop "
        "counts; opened beyond the stop fills at the open; a stop rises only on bars already past.",
        *lines,
    )


def _distance(value: float | str) -> str:
    """Return a distance in words: a number, or the expression it comes from."""
    return f"({value})" if isinstance(value, str) else f"{value:.4g}"


def _size(risk: Risk) -> tuple[str, ...]:
    """Say how large an entry is."""
    if risk.quote_amount is not None:
        return (f"An entry gets {risk.quote_amount:.10g} of quote currency, as far as cash goes.",)
    if risk.risk_per_trade is not None:
        return (
            f"An entry is as large as loses {risk.risk_per_trade:.3g} of equity at its stop-loss, "
            "fees, spread, slippage and impact included, as far as cash goes; opened beyond the "
            "stop loses more.",
        )
    if risk.volatility_target is not None:
        return (
            "An entry gets an equal share of equity among the pairs held or entered, reduced to an "
            f"annual volatility of {risk.volatility_target:.4g} by {_last_returns(risk)}; while "
            "these are not known it is refused.",
        )
    if risk.inverse_volatility:
        return (
            "Equity is split over the pairs held or entered in proportion to one over the standard "
            f"deviation of {_last_returns(risk)}; while these are not known an entry is refused.",
        )
    if risk.kelly is not None:
        return (
            f"An entry gets {risk.kelly:.4g} of the Kelly bet by the account's own round trips, "
            f"{risk.kelly_start:.4g} of equity before {risk.kelly_trades} are closed, and nothing "
            "without an edge.",
        )
    if risk.fraction is None:
        return ("An entry gets an equal share of equity among the pairs held or entered.",)
    return (f"An entry gets {risk.fraction:.3g} of equity, never more than free cash.",)


def _limits(risk: Risk) -> tuple[str, ...]:
    """Say what bounds the whole."""
    bounds = {
        "exposure": risk.max_exposure,
        "exposure per pair": risk.max_pair_exposure,
        "positions": risk.max_positions,
        "loss in a UTC day": risk.daily_loss,
        _drawdown(risk): risk.max_drawdown,
        f"standard deviation of {_last_returns(risk)}": risk.volatility_halt,
        f"exposure in pairs whose {risk.correlation_bars} last log-returns have a correlation "
        f"above {risk.correlation:.4g}, or one not known": risk.max_correlated_exposure,
        "anomaly score": risk.max_anomaly,
    }
    on = [f"{name} {value:.4g}" for name, value in bounds.items() if value is not None]
    return (f"Limits: {'; '.join(on)}." if on else "There are no limits.",)


def _last_returns(risk: Risk) -> str:
    """Say which returns a volatility is of."""
    return f"a pair's {risk.volatility_bars} last log-returns"


def _drawdown(risk: Risk) -> str:
    """Say what a drawdown does."""
    if risk.halt_bars:
        return f"drawdown, then everything is sold and trading rests for {risk.halt_bars} bars"
    return "drawdown, then everything is sold for good"


def _bps(value: float) -> str:
    """Return basis points in words."""
    return f"{value:.4g} basis points"

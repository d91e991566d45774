"""How a session ends: replayed, judged, and written like any other run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.modes.context import Context

if TYPE_CHECKING:
    from framework.results.outcome import Outcome


def end_session(context: Context) -> None:
    """Replay a session that came to its end, judge it, and write what every run leaves.

    Raises
    ------
    CheckFailed
        The replay was not identical, or the gate is not passed.
    """
    from framework.modes.judging import finish, require_passed

    outcome = _outcome(context)
    if outcome is None:
        context.logger.info("no candle closed: there is nothing to judge")
        return
    require_passed(context, finish(context, outcome))


def show_session(context: Context) -> None:
    """Replay a session that was interrupted, and write its ledger and report so far."""
    from framework.results.metrics import compute
    from framework.results.run_directory import RunDirectory
    from framework.results.summary import summary_table

    outcome = _outcome(context)
    if outcome is None:
        return
    metrics = compute(outcome)
    RunDirectory(context.run_dir).write_ledger(outcome)
    if context.settings.report:
        from framework.results.report import write_report

        write_report(context.run_dir / "report.html", outcome, metrics)
    context.print(summary_table(outcome, metrics))
    context.logger.info("interrupted: the same command goes on with this session")


def _outcome(context: Context) -> Outcome | None:
    """Replay a session and return what it traded, None where no candle closed."""
    from dataclasses import replace

    from framework.exchange.load import Loaded, Scope
    from framework.market.certificate import certify
    from framework.modes.judging import outcome_of
    from framework.modes.session_files import read_begun, read_session
    from framework.results.outcome import Check
    from framework.session.replay import replay
    from framework.session.state import FOLDER

    session = read_session(context.run_dir, context.settings.plugins)
    if not session.inputs.bars:
        return None
    replayed = replay(context.run_dir, session.pipeline, session.warmup, session.inputs)
    context.logger.info(replayed.line)
    traded = replayed.traded
    first = len(session.warmup)
    candles = replayed.candles
    source = read_begun(context.run_dir / FOLDER).source
    certificate = certify(candles, f"{source}, live", (), first=first)
    end_ns = int(candles.time[-1]) + candles.interval.ns
    loaded = Loaded(candles, first, (), certificate, Scope(int(candles.time[first]), end_ns))
    outcome = outcome_of(context, loaded, traded, first, None)
    return replace(outcome, checks=(Check("replay", True, replayed.line),))

"""A run under a monitor: what it logs is counted, its server comes and goes with the session."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from loguru import logger
from test_trader import build

from framework.exchange.simulated import Simulated
from framework.modes.session_monitor import watched
from framework.monitor.health import Health
from framework.monitor.metrics import Metrics
from framework.monitor.prometheus import Prometheus
from framework.monitor.unmonitored import Unmonitored
from framework.records import Watched
from framework.session.model_age import ModelAge
from framework.session.monitoring import Monitoring
from framework.session.state import SessionState
from framework.types import SECOND_NS, Interval

PATIENCE_S = 240.0
PAPER = ("mode=paper", "monitor=prometheus", "pairs=btc_aud", "report=false")


@pytest.fixture
def state(tmp_path):
    (tmp_path / "run").mkdir()
    pipeline, candles, first = build("cross")
    opened = SessionState(tmp_path / "run", pipeline, candles[:first], lambda values: None, 50)
    yield opened
    opened.close()


def context_with(monitor):
    settings = SimpleNamespace(
        monitor=monitor,
        interval=Interval.parse("4h"),
        strategy=SimpleNamespace(name="own"),
        exchange=Simulated(),
    )
    return SimpleNamespace(settings=settings, run_id=12, logger=logger)


def page(url: str) -> str:
    with urlopen(url, timeout=30) as answer:  # noqa: S310 - this machine's own
        return answer.read().decode()


def test_lines_of_the_log_are_counted_by_level_while_it_runs(state):
    lines = []
    sink = logger.add(lines.append, format="{message}")
    try:
        with watched(context_with(Prometheus(port=0)), state, 1.0) as (voice,):
            url = lines[-1].split()[2].removesuffix("/metrics")
            logger.warning("notify: telegram: timed out")
            logger.error("database: locked")
            logger.warning("notify: telegram: timed out again")
            logger.info("all is well")
            told = json.loads(page(f"{url}/health"))
            shown = page(f"{url}/metrics").splitlines()
            voice.said("trades again")
    finally:
        logger.remove(sink)
    assert told["last_error"]["line"] == "notify: telegram: timed out again"
    assert 'framework_errors_total{level="warning"} 2.0' in shown
    assert 'framework_errors_total{level="error"} 1.0' in shown
    logger.error("nobody listens any more")
    with pytest.raises(URLError):
        page(f"{url}/health")


def test_limits_are_as_long_as_bars_and_decisions_take_on_the_wall(state):
    lines = []
    sink = logger.add(lines.append, format="{message}")
    try:
        for speed, bar_s, decision_s in ((1.0, 3_600.0, 14_400.0), (60.0, 60.0, 240.0), (0, 0, 0)):
            with watched(context_with(Prometheus(port=0)), state, speed):
                shown = page(lines[-1].split()[2]).splitlines()
            assert f"framework_candle_age_limit_seconds {bar_s + 60.0}" in shown
            assert f"framework_decision_age_limit_seconds {decision_s + 60.0}" in shown
    finally:
        logger.remove(sink)
    about = 'exchange="simulated",interval="4h",quote="AUD",run="12",strategy="own"'
    assert f"framework_session_info{{{about}}} 1.0" in shown


def test_a_model_is_shown_as_stale_as_it_is(state):
    health = Health(60.0, 60.0)
    metrics = Metrics(Watched(bar_s=1, decision_s=1, version="", about={}), health)
    voice = Monitoring(metrics, health, state, 1.0)
    names = [f"framework_model_{name}" for name in ("staleness_seconds", "staleness_bars", "drift")]

    def shown():
        return [metrics.registry.get_sample_value(name) for name in names]

    assert all(math.isnan(value) for value in shown())
    voice.aged(ModelAge("model_1", 0, 36 * 3_600 * SECOND_NS, 36))
    assert shown()[:2] == [129_600.0, 36.0]
    assert math.isnan(shown()[2])
    voice.aged(ModelAge("model_1", 0, 37 * 3_600 * SECOND_NS, 37, 0.125))
    assert shown() == [133_200.0, 37.0, 0.125]


def test_without_a_monitor_nobody_hears(state):
    with watched(context_with(Unmonitored()), state, 1.0) as voices:
        assert voices == []


def test_a_port_in_use_ends_the_program_with_one_line(program):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        ended = program(*PAPER, f"monitor.port={port}")
    assert ended.code == 2
    assert ended.err.splitlines()[-1] == (
        f"monitor.port: {port} is in use on 127.0.0.1; name another, or 0 for any that is free."
    )


def test_a_paper_session_is_well_while_it_runs_and_gone_when_it_is_over(tmp_path):
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "framework",
            *PAPER,
            "monitor.port=0",
            "monitor.late=1h",
            "mode.speed=3600",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr as said:
        line = next(line for line in said if "monitored at" in line)
        url = line.split()[3].removesuffix("/metrics")
        told = json.loads(page(f"{url}/health"))
        until = time.monotonic() + PATIENCE_S
        while told["bars"] < 3 and time.monotonic() < until:
            time.sleep(0.2)
            told = json.loads(page(f"{url}/health"))
        process.send_signal(signal.SIGINT)
        rest = said.read()
    assert process.wait(PATIENCE_S) == 130, rest
    assert told["bars"] >= 3
    assert (told["well"], told["feed"]) == (True, "live")
    with pytest.raises(URLError):
        page(f"{url}/health")

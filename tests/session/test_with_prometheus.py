"""A real Prometheus scrapes a session of the simulated exchange: what it knows is what it did."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
import socket
import subprocess
import time
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import pytest
import yaml
from test_trader import PAIRS, build

from framework.exchange.simulated import Simulated
from framework.monitor.prometheus import Prometheus
from framework.records import Kind, Reason, Watched
from framework.session.feeding import live_on
from framework.session.monitoring import Monitoring
from framework.session.session import Session, Terms
from framework.session.state import SessionState

PROGRAM = shutil.which("prometheus")
DOCUMENTS = Path(__file__).resolve().parents[2] / "docs" / "monitoring"
BARS = 100
A_SECOND = 8  # bars; 3,600 s each
PATIENCE_S = 120.0

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Prometheus here (package prometheus)")


class Server:
    """A Prometheus of its own, that scrapes one target twice a second."""

    def __init__(self, folder: Path, target: str) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self._port = one.getsockname()[1]
        config = {
            "global": {
                "scrape_interval": "500ms",
                "scrape_timeout": "500ms",
                "evaluation_interval": "1s",
            },
            "rule_files": [str(DOCUMENTS / "alerts.yaml")],
            "scrape_configs": [
                {
                    "job_name": "framework",
                    "static_configs": [{"targets": [target], "labels": {"session": "own"}}],
                }
            ],
        }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
        self._at_s = 0.0
        self.log = folder / "prometheus.log"
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [
                    PROGRAM,
                    f"--config.file={folder / 'prometheus.yaml'}",
                    f"--storage.tsdb.path={folder / 'tsdb'}",
                    f"--web.listen-address=127.0.0.1:{self._port}",
                ],
                stdout=log,
                stderr=log,
            )

    def ask(self, path: str):
        with urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=30) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> dict[tuple[str, ...], float]:
        """Return values by the labels that tell series of the session apart.

        They are those of the moment at which something was waited for: what comes later, such as a
        scrape that takes too long, does not change them.
        """
        common = ("__name__", "job", "instance", "session")
        found = self.ask(f"/api/v1/query?query={quote(expression)}&time={self._at_s}")["result"]
        return {
            tuple(text for name, text in each["metric"].items() if name not in common): float(
                each["value"][1]
            )
            for each in found
        }

    def wait_for(self, expression: str, value: float) -> None:
        """Ask until the answer is one series of that value."""
        until = time.monotonic() + PATIENCE_S
        seen: object = None
        while time.monotonic() < until:
            assert self._process.poll() is None, self.log.read_text()
            self._at_s = time.time()
            try:
                seen = self.query(expression)
            except URLError as fault:
                seen = fault
            if seen == {(): value}:
                return
            time.sleep(0.1)
        raise AssertionError(f"{expression} is {seen}, not {value}\n{self.log.read_text()}")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)


@pytest.fixture
def watched(tmp_path):
    """A session of so many bars that a Prometheus watched from its beginning to its end."""
    (tmp_path / "run").mkdir()
    pipeline, candles, first = build("cross")
    state = SessionState(tmp_path / "run", pipeline, candles[:first], lambda values: None, 50)
    endpoint = Prometheus(port=0).open(
        Watched(
            bar_s=1 / A_SECOND,
            decision_s=1 / A_SECOND,
            version="0.1.0",
            about={"strategy": "own", "exchange": "simulated"},
        )
    )
    voice = Monitoring(endpoint.metrics, endpoint.health, state, speed=3_600.0 * A_SECOND)
    server = Server(tmp_path, endpoint.url.removeprefix("http://"))
    try:
        server.wait_for("up", 1.0)
        server.wait_for("framework_bars_total", 0.0)
        asyncio.run(trade(state, voice))
        server.wait_for("framework_journal_bytes", float(state.journal.size))
        yield state, endpoint, server
    finally:
        server.close()
        endpoint.close()
        state.close()


async def trade(state: SessionState, voice: Monitoring) -> None:
    history = state.trader.history
    clock, feed = live_on(
        Simulated(),
        PAIRS,
        history.interval,
        state.next_ns,
        end_ns=None,
        speed=3_600.0 * A_SECOND,
        told=(),
        book_every_s=5.0,
        book_depth=10,
        book_max_age=history.interval,
        store_url="",
        seed=7,
    )
    async with feed:
        terms = Terms(wait_s=None, late_s=10, bars=BARS)
        await Session(state, feed, clock, terms, [voice]).run()


def test_prometheus_knows_what_the_session_did(watched):
    state, endpoint, server = watched
    wallet, held = state.trader.account["wallet"][0], state.trader.account["positions"][0]
    bars, events = state.record.read()
    filled = events[events["kind"] == Kind.FILLED]
    vetoed = events[events["kind"] == Kind.VETOED]["reason"].tolist()

    assert server.query("up") == {(): 1.0}
    assert server.query("framework_bars_total") == {(): float(BARS)}
    assert server.query("framework_equity") == {(): float(bars["equity"][-1])}
    assert server.query("framework_cash") == {(): float(wallet["cash"])}
    assert server.query("framework_open_trades") == {(): float(wallet["held"])}
    assert server.query("framework_position_units") == {
        (pair,): float(held["units"][n]) for n, pair in enumerate(PAIRS)
    }
    assert server.query("framework_position_value") == {
        (pair,): float(held["units"][n] * state.trader.history.closes[n])
        for n, pair in enumerate(PAIRS)
    }
    assert server.query("framework_closed_trades_total") == {
        ("win",): float(wallet["wins"]),
        ("loss",): float(wallet["losses"]),
    }
    assert len(filled) > 10
    assert server.query("framework_fills_total") == {(): float(len(filled))}
    (fees,) = server.query("framework_fees_total").values()
    assert fees == pytest.approx(float(filled["fee"].sum()), rel=1e-12)
    assert vetoed
    assert server.query("framework_vetoes_total") == {
        (Reason(reason).name.lower(),): float(vetoed.count(reason)) for reason in set(vetoed)
    }
    assert server.query("framework_decision_delay_seconds_count") == {(): float(BARS)}
    assert server.query('framework_feed_state{state="live"}') == {("live",): 1.0}
    assert all(
        math.isnan(age) for age in server.query("framework_model_staleness_seconds").values()
    )
    (memory,) = server.query("process_resident_memory_bytes").values()
    assert memory > 50e6

    # It was watched while it ran, not only at its end.
    (seen,) = server.query("changes(framework_bars_total[5m])").values()
    assert seen >= 5

    # Rules and panels are understood by the same server; nothing is wrong with this session.
    groups = server.ask("/api/v1/rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) == 12
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
    assert [rule["name"] for rule in rules if rule["state"] == "firing"] == []
    for panel in json.loads((DOCUMENTS / "dashboard.json").read_text())["panels"]:
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "1m").replace("$session", ".*")
            answered = server.query(expression)
            assert answered or "vetoes" in expression, f"{panel['title']}: {expression}"

    endpoint.close()
    server.wait_for("up", 0.0)

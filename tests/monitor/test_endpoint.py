"""What the HTTP server says, and how it is refused a port."""

from __future__ import annotations

import socket

import pytest
from watched import Moment, asked, health_of, made

from framework.errors import UserError
from framework.monitor.endpoint import Endpoint
from framework.monitor.prometheus import Prometheus
from framework.records import Watched
from framework.types import parse_time


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def endpoint(moment):
    opened = Endpoint("127.0.0.1", 0, *made(moment))
    yield opened
    opened.close()


def test_metrics_are_said_in_the_text_format(endpoint):
    endpoint.metrics.equity.set(10_250.5)
    endpoint.metrics.vetoes.labels("cool_down").inc(3)
    status, kind, body = asked(f"{endpoint.url}/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    lines = body.splitlines()
    assert "framework_equity 10250.5" in lines
    assert 'framework_vetoes_total{reason="cool_down"} 3.0' in lines
    assert "framework_model_staleness_seconds NaN" in lines
    assert not any("_created" in line for line in lines)


def test_ages_are_those_of_the_moment_of_asking(endpoint, moment):
    endpoint.health.acted(parse_time("2025-01-01T10:00"), late_s=2.0, decided=True)
    moment.now_s += 30.0
    endpoint.health.heard()
    moment.now_s += 5.0
    lines = asked(f"{endpoint.url}/metrics")[2].splitlines()
    assert "framework_candle_age_seconds 37.0" in lines
    assert "framework_decision_age_seconds 35.0" in lines
    assert "framework_feed_age_seconds 5.0" in lines
    assert "framework_candle_age_limit_seconds 70.0" in lines


def test_it_is_well_until_the_next_candle_is_overdue(endpoint, moment):
    moment.now_s += 70.0  # none came yet: counted from the beginning
    assert health_of(endpoint.url)[0] == 200
    moment.now_s += 1.0
    assert health_of(endpoint.url)[0] == 503
    endpoint.health.acted(parse_time("2025-01-01T10:00"), late_s=4.0, decided=False)
    moment.now_s += 66.0
    status, told = health_of(endpoint.url)
    assert (status, told["well"], told["candle_age_seconds"]) == (200, True, 70.0)
    moment.now_s += 0.5
    status, told = health_of(endpoint.url)
    assert (status, told["well"]) == (503, False)
    assert told == {
        "well": False,
        "candle": "2025-01-01T10:00:00Z",
        "candle_age_seconds": 70.5,
        "candle_age_limit_seconds": 70.0,
        "decision_age_seconds": 137.5,
        "feed": "connecting",
        "feed_age_seconds": 137.5,
        "paused": False,
        "bars": 0,
        "last_error": None,
    }


def test_a_candle_that_was_old_already_when_it_came_is_not_fresh(endpoint):
    endpoint.health.acted(parse_time("2025-01-01T10:00"), late_s=600.0, decided=True)
    status, told = health_of(endpoint.url)
    assert (status, told["candle_age_seconds"]) == (503, 600.0)


def test_the_last_error_is_told_with_its_age(endpoint, moment):
    endpoint.health.erred("notify: telegram: Unauthorized")
    moment.now_s += 12.5
    error = health_of(endpoint.url)[1]["last_error"]
    assert error == {"line": "notify: telegram: Unauthorized", "age_seconds": 12.5}


def test_other_paths_are_not_there(endpoint):
    assert asked(f"{endpoint.url}/")[0] == 404
    assert asked(f"{endpoint.url}/metrics?name=up")[0] == 200


def test_a_port_in_use_is_one_line(endpoint):
    port = int(endpoint.url.rpartition(":")[2])
    with pytest.raises(UserError) as refused:
        opened_by(Prometheus(port=port))
    assert str(refused.value) == (
        f"monitor.port: {port} is in use on 127.0.0.1; name another, or 0 for any that is free."
    )


def test_an_address_of_another_machine_is_one_line():
    with pytest.raises(UserError, match=r"^monitor.host: '192\.0\.2\.1' cannot be listened on \("):
        opened_by(Prometheus(host="192.0.2.1", port=0))


def test_a_client_that_says_nothing_keeps_nobody_waiting(endpoint):
    host, port = "127.0.0.1", int(endpoint.url.rpartition(":")[2])
    with socket.create_connection((host, port)):
        assert asked(f"{endpoint.url}/metrics")[0] == 200


def test_it_gives_its_port_back():
    first = opened_by(Prometheus(port=0))
    port = int(first.url.rpartition(":")[2])
    first.close()
    again = opened_by(Prometheus(port=port))
    assert again.url == first.url
    again.close()


def test_limits_are_the_interval_and_what_may_come_late():
    opened = opened_by(Prometheus(port=0))
    assert opened.health.candle_limit_s == 10.0 + 60.0
    assert opened.health.decision_limit_s == 80.0 + 60.0
    opened.close()


def test_a_missing_library_is_one_line(monkeypatch):
    monkeypatch.setattr("framework.monitor.prometheus.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"prometheus_client is not installed; pip install -e"):
        Prometheus().prepare()


def opened_by(monitor: Prometheus) -> Endpoint:
    return monitor.open(Watched(bar_s=10.0, decision_s=80.0, version="0.1.0", about={}))

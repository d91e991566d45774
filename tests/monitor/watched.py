"""What the tests of this room watch: metrics and health of a session that a test makes up."""

from __future__ import annotations

import json
from urllib.error import HTTPError
from urllib.request import urlopen

from framework.monitor.health import Health
from framework.monitor.metrics import Metrics
from framework.records import Watched

ABOUT = {
    "run": "1",
    "strategy": "own",
    "exchange": "simulated",
    "interval": "1h",
    "quote": "AUD",
}


class Moment:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def made(moment=None, limit_s: float = 70.0) -> tuple[Metrics, Health]:
    health = Health(limit_s, 2 * limit_s, moment or Moment())
    watched = Watched(bar_s=10.0, decision_s=80.0, version="0.1.0", about=ABOUT)
    return Metrics(watched, health), health


def asked(url: str) -> tuple[int, str, str]:
    """Return status, content type and body of a page."""
    try:
        with urlopen(url, timeout=30) as answer:  # noqa: S310 - this machine's own
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except HTTPError as refused:
        with refused:
            return refused.code, refused.headers["Content-Type"], refused.read().decode()


def health_of(url: str) -> tuple[int, dict]:
    status, _, body = asked(f"{url}/health")
    return status, json.loads(body)

"""Let Prometheus watch a session, and a supervisor ask whether it is well."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, Literal

from pydantic import Field

from framework.config.component import component
from framework.errors import UserError
from framework.monitor.endpoint import Endpoint
from framework.records import Watched
from framework.types import SECOND_NS, Interval


@component
class Prometheus:
    """Serve ``/metrics`` and ``/health`` over HTTP while a session runs."""

    name: Literal["prometheus"] = "prometheus"
    """Of this choice."""

    host: str = "127.0.0.1"
    """Address to listen on; nobody is asked for a password, so keep others than this machine's
    behind something that does."""

    port: Annotated[int, Field(ge=0, le=65_535)] = 9464
    """To listen on; 0: any that is free, said in the log."""

    late: Interval = Interval.parse("60s")
    """How much later than its interval the next candle may come before a session is not well."""

    def prepare(self) -> None:
        """Refuse to begin where the client library is not installed."""
        if find_spec("prometheus_client") is None:
            raise UserError(
                "monitor: prometheus_client is not installed; pip install -e '.[monitor]'."
            )

    def open(self, session: Watched) -> Endpoint:
        """Begin to serve.

        Raises
        ------
        UserError
            The port is in use, or the address is not this machine's.
        """
        from framework.monitor.health import Health
        from framework.monitor.metrics import Metrics

        late_s = self.late.ns / SECOND_NS
        health = Health(session.bar_s + late_s, session.decision_s + late_s)
        return Endpoint(self.host, self.port, Metrics(session, health), health)

"""The HTTP server beside a session: ``/metrics`` for Prometheus, ``/health`` for supervisors."""

from __future__ import annotations

import errno
import json
import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

from framework.errors import UserError
from framework.monitor.health import Health

if TYPE_CHECKING:
    from framework.monitor.metrics import Metrics

_PATIENCE_S = 10.0


class Endpoint:
    """Serves in threads of its own until it is closed.

    Parameters
    ----------
    host : str
    port : int
        0: any that is free.
    metrics : Metrics
    health : Health

    Raises
    ------
    UserError
        The port is in use, or cannot be had there.
    """

    def __init__(self, host: str, port: int, metrics: Metrics, health: Health) -> None:
        self.metrics = metrics
        self.health = health
        try:
            self._server = _Server(host, port, metrics, health)
        except OSError as fault:
            raise UserError(_refusal(host, port, fault)) from None
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Of the server, without a path."""
        host, port = self._server.server_address[:2]
        shown = f"[{host!s}]" if ":" in str(host) else host
        return f"http://{shown!s}:{port}"

    def close(self) -> None:
        """Stop serving and give the port back."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    def __init__(self, host: str, port: int, metrics: Metrics, health: Health) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.metrics = metrics
        self.health = health
        super().__init__((host, port), _Answer)

    def server_bind(self) -> None:
        """Bind without asking a name server how this machine is called."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over clients that went away."""


class _Answer(BaseHTTPRequestHandler):
    server: _Server
    timeout = _PATIENCE_S
    server_version = "framework"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer one request."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            kind = "text/plain; version=0.0.4; charset=utf-8"
            self._say(HTTPStatus.OK, kind, self.server.metrics.text())
        elif path == "/health":
            told = self.server.health.told()
            status = HTTPStatus.OK if told["well"] else HTTPStatus.SERVICE_UNAVAILABLE
            self._say(status, "application/json", f"{json.dumps(told)}\n".encode())
        else:
            self._say(HTTPStatus.NOT_FOUND, "text/plain", b"/metrics or /health\n")

    def log_message(self, format: str, *values: object) -> None:
        """Keep requests out of the session's log."""

    def _say(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


def _refusal(host: str, port: int, fault: OSError) -> str:
    if fault.errno == errno.EADDRINUSE:
        return f"monitor.port: {port} is in use on {host}; name another, or 0 for any that is free."
    if fault.errno in (errno.EACCES, errno.EPERM):
        return f"monitor.port: {port} may not be listened on ({fault.strerror}); 1024 and up may."
    return f"monitor.host: '{host}' cannot be listened on ({fault.strerror or fault})."

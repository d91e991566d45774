"""Hydra launcher ``ray``: chunks of trials on a Ray cluster, or on one started for the sweep."""

from __future__ import annotations

import logging
import os
import signal
import socket
import weakref
from typing import TYPE_CHECKING, Any

from framework.config.signals import SIGNALS
from framework.errors import OutsideFault, UserError
from framework.sweep.chunk_launcher import ChunkLauncher
from framework.sweep.joblib_launcher import check_count

if TYPE_CHECKING:
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig

    from framework.sweep.candle_shelf import CandleShelf
    from framework.sweep.chunks import Chunk, Finished

_CONNECT_SECONDS = 10.0


class RayLauncher(ChunkLauncher):
    """Runs each chunk as a task of Ray, which gives the chunks of a lost machine to another.

    Parameters
    ----------
    address : str, optional
        ``auto``, ``host:port`` or ``ray://host:port`` of a cluster; left out, one of this machine
        alone is started and ends with the sweep.
    cpus : int, optional
        Of the cluster that is started; left out, all.
    retries : int
        How often a chunk may be lost with its machine or process.
    """

    def __init__(
        self, address: str | None = None, cpus: int | None = None, retries: int = 3
    ) -> None:
        super().__init__()
        self._address, self._cpus, self._retries = address, cpus, retries

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep what Hydra hands over.

        Raises
        ------
        UserError
            Ray is not installed, or a setting is no good.
        """
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        check_count("hydra.launcher.cpus", self._cpus)
        if self._address is not None and not isinstance(self._address, str):
            raise UserError(
                "hydra.launcher.address: must be auto, host:port, ray://host:port or null "
                f"(was {self._address!r})."
            )
        if self._cpus is not None and self._address is not None:
            raise UserError(
                "hydra.launcher.cpus: is for a cluster that is started here; "
                f"that at {self._address} has its own."
            )
        if type(self._retries) is not int or self._retries < 0:
            raise UserError(
                "hydra.launcher.retries: must be a whole number, at least 0 "
                f"(was {self._retries!r})."
            )
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray  # noqa: F401
        except ImportError:
            raise UserError(
                "hydra/launcher=ray: needs the package ray; pip install -e '.[ray]'."
            ) from None

    def open_workers(self) -> Cluster:
        """Start a cluster or connect to one."""
        return Cluster(self._address, self._cpus, self._retries)


class Cluster:
    """The processors of a Ray cluster; candles are put into its object store once.

    Parameters
    ----------
    address, cpus, retries
        As for `RayLauncher`.

    Raises
    ------
    OutsideFault
        Nobody answers at `address`.
    """

    def __init__(self, address: str | None, cpus: int | None, retries: int) -> None:
        import ray

        self._out: set[Any] = set()
        self._shelf: CandleShelf | None = None
        self._candles: Any = None
        _connect(address, cpus)
        self._disconnect = weakref.finalize(self, ray.shutdown)
        self._run = ray.remote(num_cpus=1, max_retries=retries)(_run_chunk)

    @property
    def count(self) -> int:
        """How many processors there are now."""
        import ray

        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        return max(1, int(resources.get("CPU", 1)))

    def start(self, chunk: Chunk, shelf: CandleShelf) -> None:
        """Give out a chunk, to whoever is free first."""
        import ray

        if shelf is not self._shelf:
            self._candles, self._shelf = ray.put(shelf), shelf
        self._out.add(self._run.remote(chunk, self._candles))

    def next_finished(self) -> Finished:
        """Wait for any chunk given out.

        Raises
        ------
        OutsideFault
            A chunk was lost too often.
        """
        import ray

        (done,), _ = ray.wait(list(self._out), num_returns=1)
        try:
            finished: Finished = ray.get(done)
        except ray.exceptions.RayTaskError as raised:
            raise raised.cause from None
        except ray.exceptions.RayError as lost:
            first = str(lost).strip().partition("\n")[0]
            raise OutsideFault(f"hydra/launcher=ray: trials were lost too often: {first}") from lost
        self._out.remove(done)
        return finished

    def stop(self) -> None:
        """End the tasks that still run, and the cluster if it was started here."""
        import ray

        for task in self._out:
            ray.cancel(task, force=True)
        self._out.clear()
        self._disconnect()


def _connect(address: str | None, cpus: int | None) -> None:
    """Start a cluster or connect to one; what this process does on signals stays as it was."""
    import ray

    logging.getLogger("ray").setLevel(logging.ERROR)  # how it guards its ports is in the docs
    quiet: dict[str, Any] = {"configure_logging": False, "log_to_driver": False}
    handlers = {name: signal.getsignal(name) for name in SIGNALS}
    try:
        if address is None:
            ray.init(address="local", num_cpus=cpus, include_dashboard=False, **quiet)
        else:
            _require_somebody(address)
            ray.init(address=address, **quiet)
    except (OSError, RuntimeError, ValueError) as fault:
        first = str(fault).strip().partition("\n")[0]
        raise OutsideFault(
            f"hydra.launcher.address: no cluster can be used at {address or 'this machine'} "
            f"({first.rstrip('.')})."
        ) from fault
    finally:
        for name, handler in handlers.items():
            signal.signal(name, handler)


def _require_somebody(address: str) -> None:
    """Raise OSError or ValueError where nobody listens: Ray itself would wait for minutes."""
    if address != "auto":
        host, _, port = address.removeprefix("ray://").rpartition(":")
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()


def _run_chunk(chunk: Chunk, shelf: CandleShelf) -> Finished:
    from framework.sweep.chunks import run_chunk

    return run_chunk(chunk, shelf)

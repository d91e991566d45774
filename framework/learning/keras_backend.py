"""Starting Keras on one backend, with so many threads, on one device: once in a process."""

from __future__ import annotations

import os
import sys
from typing import Any, Literal

from framework.errors import OutsideFault, UserError

Backend = Literal["jax", "tensorflow", "torch"]
Device = Literal["cpu", "gpu"]

_EXTRAS = {"tensorflow": "tensorflow", "torch": "torch"}  # all else comes with learning
_threads: dict[str, int] = {}


def start_keras(backend: Backend, threads: int | None, device: Device) -> Any:
    """Import Keras and return it; what is asked for twice must be the same.

    Parameters
    ----------
    backend, device
    threads : int, optional
        None: as many as it was started with, or one.

    Raises
    ------
    UserError
        Keras runs on another backend already, or with another number of threads.
    OutsideFault
        A package is not installed, or there is no such device.
    """
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = backend
    begun = _threads.get(backend)
    threads = threads or begun or 1
    if begun is None:
        _prepare(backend, threads, device)
    try:
        import keras
    except ImportError as fault:
        name = (fault.name or str(fault)).partition(".")[0]
        extra = _EXTRAS.get(name, "learning")
        raise OutsideFault(
            f"model.backend: {backend} needs the package {name}, which is not installed; "
            f"pip install -e '.[{extra}]'."
        ) from None
    if (found := keras.backend.backend()) != backend:
        raise UserError(
            f"model.backend: Keras runs on {found} in this process and cannot change to {backend}; "
            "use one backend in a run."
        )
    if begun is not None and begun != threads:
        raise UserError(
            f"training.threads: {backend} runs with {begun} in this process and cannot change to "
            f"{threads}; use one number in a run."
        )
    _require(backend, device)
    _threads[backend] = threads
    return keras


def _prepare(backend: Backend, threads: int, device: Device) -> None:
    """Set what is read once, when the backend starts."""
    if backend == "jax":
        # XLA sizes its pool of threads by this variable, and has no other way to be told.
        os.environ["NPROC"] = str(threads)
        if device == "cpu":
            try:
                import jax
            except ImportError:
                return
            set_option: Any = jax.config.update
            set_option("jax_platforms", "cpu")
    elif backend == "tensorflow":
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
        os.environ["TF_NUM_INTEROP_THREADS"] = "1"
    else:
        os.environ["OMP_NUM_THREADS"] = str(threads)


def _require(backend: Backend, device: Device) -> None:
    """See that the device is there."""
    if backend == "jax":
        import jax

        try:
            jax.devices(device)
        except RuntimeError:
            _no_gpu(backend, ", ".join(sorted({found.platform for found in jax.devices()})))
    elif backend == "torch":
        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        if device == "gpu" and not torch.cuda.is_available():
            _no_gpu(backend, "cpu")
    elif device == "gpu":
        import tensorflow

        if not tensorflow.config.list_physical_devices("GPU"):
            _no_gpu(backend, "cpu")


def _no_gpu(backend: Backend, found: str) -> None:
    raise OutsideFault(f"model.device: {backend} finds no gpu here (found {found}).")

"""The loops of the recurrent layers on JAX, with gradients worked out by hand.

Differentiating the loop itself would add to the gradient of the recurrent weights in each of its
turns; here that is one product over all bars and samples. Each gate has arrays of its own, since
XLA computes nothing quickly on slices of a wider one.

Legend: W bars, B samples, H units.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

Array = jax.Array
Gates = tuple[Array, ...]
Pair = tuple[Array, Array]


def gru(projected: Array, kernel: Array, bias: Array) -> Array:
    """Return the units after each bar.

    Parameters
    ----------
    projected : (W, B, 3 H) float32
        Inputs of the gates keep and reset and of the candidate.
    kernel : (H, 3 H) float32
    bias : (3 H,) float32

    Returns
    -------
    (W, B, H) float32
    """
    units: Array = _gru(_split(projected, 3), _split(kernel, 3), _split(bias, 3))
    return units


def lstm(projected: Array, kernel: Array) -> Array:
    """Return the units after each bar.

    Parameters
    ----------
    projected : (W, B, 4 H) float32
        Inputs of the gates in, forget and out and of the candidate.
    kernel : (H, 4 H) float32

    Returns
    -------
    (W, B, H) float32
    """
    units: Array = _lstm(_split(projected, 4), _split(kernel, 4))
    return units


def _gru_trace(given: Gates, kernel: Gates, bias: Gates) -> Gates:
    def step(hidden: Array, at: Gates) -> tuple[Array, Gates]:
        own = [hidden @ of_gate + offset for of_gate, offset in zip(kernel, bias, strict=True)]
        keep, reset = _sigmoid(at[0] + own[0]), _sigmoid(at[1] + own[1])
        new = jnp.tanh(at[2] + reset * own[2])
        hidden = keep * hidden + (1 - keep) * new
        return hidden, (hidden, keep, reset, new, own[2])

    trace: Gates = lax.scan(step, jnp.zeros_like(given[0][0]), given)[1]
    return trace


@jax.custom_vjp
def _gru(given: Gates, kernel: Gates, bias: Gates) -> Array:
    return _gru_trace(given, kernel, bias)[0]


def _gru_forward(given: Gates, kernel: Gates, bias: Gates) -> tuple[Array, Any]:
    trace = _gru_trace(given, kernel, bias)
    return trace[0], (trace, kernel)


def _gru_backward(kept: Any, d_units: Array) -> tuple[Gates, Gates, Gates]:
    (hidden, keep, reset, new, recalled), kernel = kept
    before = _before(hidden)

    def step(d_hidden: Array, at: Gates) -> tuple[Array, Gates]:
        d_unit, before, keep, reset, new, recalled = at
        d_hidden = d_hidden + d_unit
        d_new = d_hidden * (1 - keep) * (1 - new * new)
        d_keep = d_hidden * (before - new) * keep * (1 - keep)
        d_reset = d_new * recalled * reset * (1 - reset)
        d_own = (d_keep, d_reset, d_new * reset)
        return d_hidden * keep + _back(d_own, kernel), (*d_own, d_new)

    at = (d_units, before, keep, reset, new, recalled)
    *d_own, d_new = lax.scan(step, jnp.zeros_like(hidden[0]), at, reverse=True)[1]
    d_bias = tuple(of_gate.sum((0, 1)) for of_gate in d_own)
    return (d_own[0], d_own[1], d_new), _products(before, d_own), d_bias


_gru.defvjp(_gru_forward, _gru_backward)


def _lstm_trace(given: Gates, kernel: Gates) -> Gates:
    def step(state: Pair, at: Gates) -> tuple[Pair, Gates]:
        hidden, cell = state
        both = [of_gate + hidden @ own for of_gate, own in zip(at, kernel, strict=True)]
        into, forget, out = (_sigmoid(of_gate) for of_gate in both[:3])
        new = jnp.tanh(both[3])
        cell = forget * cell + into * new
        bent = jnp.tanh(cell)
        hidden = out * bent
        return (hidden, cell), (hidden, cell, into, forget, out, new, bent)

    zero = jnp.zeros_like(given[0][0])
    trace: Gates = lax.scan(step, (zero, zero), given)[1]
    return trace


@jax.custom_vjp
def _lstm(given: Gates, kernel: Gates) -> Array:
    return _lstm_trace(given, kernel)[0]


def _lstm_forward(given: Gates, kernel: Gates) -> tuple[Array, Any]:
    trace = _lstm_trace(given, kernel)
    return trace[0], (trace, kernel)


def _lstm_backward(kept: Any, d_units: Array) -> tuple[Gates, Gates]:
    (hidden, cell, into, forget, out, new, bent), kernel = kept

    def step(state: Pair, at: Gates) -> tuple[Pair, Gates]:
        d_hidden, d_cell = state
        d_unit, before, into, forget, out, new, bent = at
        d_hidden = d_hidden + d_unit
        d_cell = d_cell + d_hidden * out * (1 - bent * bent)
        d_both = (
            d_cell * new * into * (1 - into),
            d_cell * before * forget * (1 - forget),
            d_hidden * bent * out * (1 - out),
            d_cell * into * (1 - new * new),
        )
        return (_back(d_both, kernel), d_cell * forget), d_both

    zero = jnp.zeros_like(hidden[0])
    at = (d_units, _before(cell), into, forget, out, new, bent)
    d_both: Gates = lax.scan(step, (zero, zero), at, reverse=True)[1]
    return d_both, _products(_before(hidden), d_both)


_lstm.defvjp(_lstm_forward, _lstm_backward)


def _split(wide: Array, gates: int) -> Gates:
    return tuple(jnp.split(wide, gates, axis=-1))


def _sigmoid(values: Array) -> Array:
    return 0.5 * jnp.tanh(0.5 * values) + 0.5  # quicker than by the exponential


def _before(of_bar: Array) -> Array:
    """Return what was there one bar earlier, zero before the first."""
    return jnp.concatenate([jnp.zeros_like(of_bar[:1]), of_bar[:-1]])


def _back(d_gates: Sequence[Array], kernel: Gates) -> Array:
    """Return the gradient of the units before, from those of the gates."""
    first, *rest = (d @ own.T for d, own in zip(d_gates, kernel, strict=True))
    for part in rest:
        first = first + part
    return first


def _products(before: Array, d_gates: Sequence[Array]) -> Gates:
    """Return the gradient of each gate's recurrent weights."""
    return tuple(jnp.einsum("wbh,wbg->hg", before, of_gate) for of_gate in d_gates)

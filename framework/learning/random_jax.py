"""Random masks on JAX: a hash of a counter, a quarter of a word for each value."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def keep_share(values: jax.Array, kept: int, state: jax.Array) -> jax.Array:
    """Return `values` with all but a random share of kept / 256 set to 0, and those raised.

    Parameters
    ----------
    values : any shape, float32 or bfloat16
    kept : int
        Of 256.
    state : (2,) uint32
        Seed, and how often it was drawn from.
    """
    count = math.prod(values.shape)
    key = _mix(state[0] ^ _mix(state[1] + np.uint32(0x9E3779B9)))
    words = _mix(lax.iota(jnp.uint32, -(-count // 4)) * np.uint32(0x9E3779B1) + key)
    parts = lax.bitcast_convert_type(words, jnp.uint8).reshape(-1)[:count]
    scale = np.asarray(256 / kept, values.dtype)
    return jnp.where(parts.reshape(values.shape) < np.uint8(kept), values * scale, 0)


def _mix(word: jax.Array) -> jax.Array:
    """Return each word with its bits mixed (the finaliser "lowbias32" of C. Wellons, 2018)."""
    word = (word ^ (word >> 16)) * np.uint32(0x7FEB352D)
    word = (word ^ (word >> 15)) * np.uint32(0x846CA68B)
    return word ^ (word >> 16)

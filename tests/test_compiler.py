import subprocess
import sys

import pytest

PROBE = """
import sys
import numpy as np
from framework.compiler import numba
count = numba.njit(lambda x: len(x))
assert count(np.ones(3)) == 3
early = [name for name in ("scipy", "coverage") if name in sys.modules]
inner = numba.njit(lambda a, b: a @ b)
print(early, inner(np.ones((2, 2)), np.ones((2, 2)))[0, 0])
"""


def test_linear_algebra_is_loaded_by_what_compiles_it_and_not_before():
    pytest.importorskip("scipy", reason="without SciPy Numba compiles no linear algebra")
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True)
    assert done.stdout == "[] 2.0\n", done.stderr

"""Functions that only compiled code calls, optimised and turned into machine code with it alone.

Numba optimises each function by itself and makes machine code of it, all that it calls included:
once more at each level of calls, and of use only to callers in Python.
"""

from __future__ import annotations

from typing import Any

from framework.collector import seldom_collected
from framework.compiler import numba

__all__ = ["ForCompiledCallers", "WithAllCalled"]

_core: Any = numba.core
_passes: Any = _core.typed_passes
_machinery: Any = _core.compiler_machinery


class _Library(_core.codegen.JITCodeLibrary):  # type: ignore[misc] # Numba has no hints
    """What is linked into the libraries of callers, and no more."""

    def _optimize_final_module(self) -> None:
        """Leave that to the callers: only their whole is worth it."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@_machinery.register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(_passes.NativeLowering):  # type: ignore[misc] # Numba has no hints
    """Numba's lowering, into such a library."""

    def run_pass(self, state: Any) -> bool:
        """Lower the function; callers find it by a key instead of by its machine code."""
        state.library = _Library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags = state.flags.copy()  # those that other functions share stay as they are
        state.flags.no_compile = True
        super().run_pass(state)
        # Numba takes a builtin, and one of its own; this one raises, should Python call it.
        key: Any = f"{{{state.func_id.func_name} is called by compiled code only}}".format
        state.targetctx.insert_user_function(key, state["cr"].fndesc, [state.library])
        state["cr"] = state["cr"]._replace(cfunc=key)
        return True


class ForCompiledCallers(_core.compiler.CompilerBase):  # type: ignore[misc] # Numba has no hints
    """Numba's way from Python to LLVM, but for machine code."""

    def define_pipelines(self) -> list[Any]:
        """Return the usual passes with another lowering."""
        passes = _core.compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)
        usual = _passes.NativeLowering
        passes.passes = [(_Lowering if one is usual else one, why) for one, why in passes.passes]
        passes.finalize()
        return [passes]


class WithAllCalled(_core.compiler.CompilerBase):  # type: ignore[misc] # Numba has no hints
    """Numba's way to machine code, for the function that calls all of them."""

    def compile_extra(self, func: Any) -> Any:
        """Compile it, and those that it calls meanwhile."""
        with seldom_collected():
            return super().compile_extra(func)

    def define_pipelines(self) -> list[Any]:
        """Return the usual passes."""
        return [_core.compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)]

"""A mutant put into a process that has already imported everything: what makes a mutant cost a fork and a few tests.

A function gets the mutated code in place, whoever holds it by whatever name. A constant is made anew and put wherever
its module's value stands. What cannot be done so (classes, defaults, tables of functions) is left to a fresh import.
"""

import functools
import gc
import sys
from types import CodeType, FunctionType, ModuleType
from typing import Any

from tests.mutation.mutants import Mutant

Owners = dict[tuple[str, str, int], list[FunctionType]]


class Grafts:
    """Where in this process the code of some files is held."""

    def __init__(self, modules: dict[str, ModuleType], sources: dict[str, str]) -> None:
        self._modules, self._sources = modules, sources
        paths = {str(module.__file__): file for file, module in modules.items()}
        self._owners: Owners = {}
        self._caches = []
        for one in gc.get_objects():
            if isinstance(one, FunctionType) and one.__code__.co_filename in paths:
                code = one.__code__
                key = paths[code.co_filename], code.co_qualname, code.co_firstlineno
                self._owners.setdefault(key, []).append(one)
            elif isinstance(one, functools._lru_cache_wrapper):
                self._caches.append(one)
        self._stable = {file: self._constants(file) for file in modules}

    def graft(self, mutant: Mutant) -> bool:
        """Make this process the mutant; whether that could be done."""
        for cache in self._caches:
            cache.cache_clear()
        changed = mutant.applied(self._sources[mutant.file])
        return self._constant(mutant, changed) if mutant.scope is None else self._function(mutant, changed)

    def _function(self, mutant: Mutant, changed: str) -> bool:
        assert mutant.scope is not None
        path = str(self._modules[mutant.file].__file__)
        name, line = mutant.scope
        codes = [
            code
            for code in _codes(compile(changed, path, "exec", dont_inherit=True))
            if code.co_qualname == name and code.co_firstlineno == line
        ]
        owners = self._owners.get((mutant.file, name, line), [])
        if len(codes) != 1 or not owners or any(one.__code__.co_freevars != codes[0].co_freevars for one in owners):
            return False
        for owner in owners:
            owner.__code__ = codes[0]
        return True

    def _constant(self, mutant: Mutant, changed: str) -> bool:
        module = self._modules[mutant.file]
        fresh = _run(module, changed)
        if fresh is None:
            return False
        different = [
            name for name in self._stable[mutant.file] if name in fresh and fresh[name] != module.__dict__[name]
        ]
        for name in different:
            old = module.__dict__[name]
            for other in list(sys.modules.values()):
                if getattr(other, "__dict__", {}).get(name) is old:
                    setattr(other, name, fresh[name])
        return bool(different)

    def _constants(self, file: str) -> list[str]:
        """Names whose value, made anew from the same text, equals the one held: no class or function is in them."""
        module = self._modules[file]
        fresh = _run(module, self._sources[file]) or {}
        return [
            name
            for name, value in fresh.items()
            if not name.startswith("__") and name in module.__dict__ and _same(value, module.__dict__[name])
            if not isinstance(value, type | FunctionType | ModuleType)
        ]


def _run(module: ModuleType, source: str) -> dict[str, Any] | None:
    said: dict[str, Any] = {"__name__": module.__name__, "__file__": module.__file__}
    said["__package__"], said["__path__"] = module.__package__, getattr(module, "__path__", None)
    try:
        exec(compile(source, str(module.__file__), "exec", dont_inherit=True), said)  # noqa: S102  # our own source
    except Exception:  # a mutant may raise whatever it likes; importing it afresh will tell
        return None
    return said


def _same(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # what cannot be compared is not known to be the same
        return False


def _codes(code: CodeType) -> list[CodeType]:
    return [code, *(inner for one in code.co_consts if isinstance(one, CodeType) for inner in _codes(one))]

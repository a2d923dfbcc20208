"""The engine that evaluates conditions, behind three functions: its errors and panics come out as what we call them."""

from functools import lru_cache

import cel

_PANIC = "pyo3_runtime"  # where the engine's own panics live; they are no Exceptions


class NotForTheEngine(Exception):
    """The engine does not take the text; the message is its reason."""


def panicked(error: BaseException) -> bool:
    """Whether the engine itself broke, rather than that somebody interrupts us."""
    return type(error).__module__ == _PANIC


def program(text: str) -> cel.Program:
    """The text, compiled. Raises NotForTheEngine."""
    try:
        return cel.compile(text)
    except ValueError as error:
        said = [line for line in str(error).splitlines() if "ERROR" in line]
        reason = (said[0] if said else str(error)).rpartition("ERROR: ")[2].removeprefix("<input>:")
        raise NotForTheEngine(reason) from error
    except BaseException as error:
        if not panicked(error):
            raise
        raise NotForTheEngine("the engine panicked") from error


@lru_cache(maxsize=512)
def constant_works(text: str) -> bool:
    """Whether an expression without variables can be evaluated at all."""
    try:
        cel.compile(text).execute({})
    except Exception:  # whatever it dislikes
        return False
    except BaseException as error:
        if not panicked(error):
            raise
        return False
    return True

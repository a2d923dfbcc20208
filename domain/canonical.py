"""Canonical JSON (RFC 8785) and the digests made from it.

Two parties that hold the same value compute the same bytes, whatever order their keys came in. What JSON cannot carry
exactly (NaN, infinities, integers beyond 2**53, lone surrogates) is refused rather than rounded.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from json.encoder import JSONEncoder
from json.encoder import encode_basestring as _quoted  # what json.dumps writes for a text, without its set-up
from typing import Any

Json = Any  # None | bool | int | float | str | list[Json] | dict[str, Json]

_SAFE_INTEGER = 2**53 - 1


class NotCanonical(ValueError):
    """The value has no exact JSON form; the message names the place."""


def canonical_json(value: Json) -> bytes:
    """RFC 8785 bytes of `value`. Raises NotCanonical."""
    if _plain(value):
        return _dumps(value).encode("ascii")
    parts: list[str] = []
    _write(value, parts, "$")
    try:
        return "".join(parts).encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotCanonical(f"a text holds half a surrogate pair: {error.reason}") from error


_dumps = JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False).encode


def _plain(value: Json) -> bool:
    """Whether the library's encoder writes exactly RFC 8785: no floats, small integers, ASCII throughout."""
    kind = type(value)
    if kind is str:
        return bool(value.isascii())
    if kind is dict:
        return all(type(k) is str and k.isascii() and _plain(v) for k, v in value.items())
    if kind is list or kind is tuple:
        return all(_plain(item) for item in value)
    return value is None or kind is bool or (kind is int and -_SAFE_INTEGER <= value <= _SAFE_INTEGER)


def digest(value: Json) -> str:
    """`sha256:` and the hexadecimal SHA-256 of the value's canonical JSON."""
    return "sha256:" + hashlib.sha256(canonical_json(value)).hexdigest()


def _write(value: Json, parts: list[str], where: str) -> None:
    if value is None or value is True or value is False:
        parts.append({None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, str):
        parts.append(_quoted(value))
    elif isinstance(value, int):
        if abs(value) > _SAFE_INTEGER:
            raise NotCanonical(f"{where}: {value} is beyond 2**53, where JSON numbers lose digits; send it as text")
        parts.append(str(int(value)))
    elif isinstance(value, float):
        parts.append(_number(value, where))
    elif isinstance(value, Mapping):
        _write_object(value, parts, where)
    elif isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        parts.append("[")
        for index, item in enumerate(value):
            parts.append("," if index else "")
            _write(item, parts, f"{where}[{index}]")
        parts.append("]")
    else:
        raise NotCanonical(f"{where}: a {type(value).__name__} has no JSON form")


def _write_object(value: Mapping[Any, Json], parts: list[str], where: str) -> None:
    if any(not isinstance(key, str) for key in value):
        raise NotCanonical(f"{where}: every key must be text")
    parts.append("{")
    for index, key in enumerate(sorted(value, key=lambda k: k.encode("utf-16-be", "surrogatepass"))):
        parts.append("," if index else "")
        parts.append(_quoted(key) + ":")
        _write(value[key], parts, f"{where}.{key}")
    parts.append("}")


def _number(value: float, where: str) -> str:
    """ECMAScript's Number::toString, which RFC 8785 prescribes."""
    if not math.isfinite(value):
        raise NotCanonical(f"{where}: {value} is not a JSON number")
    if value == 0:
        return "0"
    sign, digits, exponent = "-" if value < 0 else "", *_shortest(abs(value))
    point = len(digits) + exponent  # the decimal point stands after this many digits
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{sign}{mantissa}e{point - 1:+d}"


def _shortest(value: float) -> tuple[str, int]:
    """The shortest digits that read back as `value`, and the power of ten that scales them."""
    mantissa, _, power = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    exponent = int(power or 0) - len(fraction)
    stripped = digits.rstrip("0")
    return stripped, exponent + len(digits) - len(stripped)

"""A table whose last column is a ratio: the only number to believe on a noisy machine."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One contender. `beside` is the floor or peer, measured in the same run."""

    name: str
    value: float
    unit: str
    beside: float


def table(title: str, rows: Sequence[Row]) -> str:
    """Markdown."""
    lines = [f"### {title}", "", "| what | value | unit | beside the floor |", "|---|---:|---|---:|"]
    lines += [f"| {row.name} | {_number(row.value)} | {row.unit} | {row.value / row.beside:.2f} x |" for row in rows]
    return "\n".join([*lines, ""])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

"""What was measured, and whether it is as good as it shall be."""

from __future__ import annotations

from dataclasses import dataclass

COUNT = "of"
"""The unit of what is counted, and the same on every machine."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement."""

    what: str
    value: float
    unit: str
    """`s`, `MiB`, or COUNT."""

    at_most: float | None = None
    """The goal; None where there is none."""

    judged: bool = True

    @property
    def missed(self) -> bool:
        """Whether the goal was missed."""
        return self.judged and self.at_most is not None and self.value > self.at_most

    def cells(self) -> tuple[str, str, str, str]:
        """What is printed of it."""
        goal = "" if self.at_most is None else f"≤ {_text(self.at_most, self.unit)}"
        outcome = "" if self.at_most is None else "missed" if self.missed else "ok" if self.judged else "not judged"
        return self.what, _text(self.value, self.unit), goal, outcome


class Table:
    """All measurements, as a table of Markdown."""

    def __init__(self, *, counts_only: bool) -> None:
        """With `counts_only` times and sizes are told but not judged."""
        self._counts_only = counts_only
        self._rows: list[Row] = []

    def add(self, what: str, value: float, unit: str = COUNT, *, at_most: float | None = None) -> None:
        """Add a measurement, and say it at once: a run takes a while."""
        judged = unit == COUNT or not self._counts_only
        row = Row(what=what, value=value, unit=unit, at_most=at_most, judged=judged)
        self._rows.append(row)
        print(": ".join((row.what, " ".join(filter(None, row.cells()[1:])))), flush=True)

    @property
    def missed(self) -> list[Row]:
        """The measurements whose goals were missed."""
        return [row for row in self._rows if row.missed]

    def __str__(self) -> str:
        lines = [("what", "value", "goal", ""), *(row.cells() for row in self._rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(4)]
        texts = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
        rule = ["-" * width for width in widths]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in [texts[0], rule, *texts[1:]])


def _text(value: float, unit: str) -> str:
    if unit == COUNT:
        return f"{value:,.0f}"
    return f"{value:,.2f} {unit}" if value < 10 else f"{value:,.1f} {unit}"

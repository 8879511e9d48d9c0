"""Tables on the terminal whose cells are text, whatever is in them."""

from __future__ import annotations

from typing import Any

from rich import table
from rich.text import Text

from myoprosthesis.core.text import printable

CELL = 300
"""Characters of a cell, at most."""


class FigureTable(table.Table):
    """As rich's, but text in cells, headers, title and caption is shown as it is: no markup, no control characters."""

    def __init__(self, *headers: Any, title: Any = None, caption: Any = None, **more: Any) -> None:
        super().__init__(*headers, title=plain(title), caption=plain(caption), **more)

    def add_column(self, header: Any = "", *more: Any, **options: Any) -> None:
        """A further column."""
        super().add_column(plain(header), *more, **options)

    def add_row(self, *cells: Any, **options: Any) -> None:
        """A row; what is no text may be anything that rich can show."""
        super().add_row(*map(plain, cells), **options)


def plain(cell: Any) -> Any:
    """Text that rich shows as it is; anything else unchanged."""
    return Text(printable(cell, CELL)) if isinstance(cell, str) else cell

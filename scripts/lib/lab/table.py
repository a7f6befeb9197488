# SPDX-License-Identifier: BSD-3-Clause
"""Rows of text in columns."""


def text(titles, rows):
    """The rows under their titles, each column as wide as its widest cell."""
    cells = [[str(cell) for cell in row] for row in (titles, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(titles))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)

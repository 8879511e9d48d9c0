"""What stands before the samples of a text table: its names, and what its head says.

The table begins at the first line that looks like a row: as many cells as most lines have, numbers where most have
numbers. The line above it has the names, except for lines of units or rates between; what is above may say the rate,
the unit and more. Every line from the first row on must be a row, or is refused when it is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.channel_unit import QUANTITY, unit_in_name, without_unit
from myoprosthesis.emg.formats import key_rows
from myoprosthesis.emg.formats.numerals import check_dots, find_numerals, is_missing, is_number
from myoprosthesis.emg.formats.plotted_lines import is_plotted, plotted_head
from myoprosthesis.emg.formats.stated_rate import hertz, stated_rates
from myoprosthesis.emg.formats.text_dialect import MOST_COLUMNS, Head, cells_of, find_table, is_comment, names_of

KEYS = ("unit", "units", "time", "label", "channels")
"""Keys of a head: `key: value` or `key = value`."""
LISTS = ("columns", "column names", "names", "header", "fields")
"""Keys of a comment that lists the columns."""
SCALES = frozenset(
    ["gain", "amplification", "amplifier gain", "adc gain", "resolution", "scale", "scale factor", "scaling", "lsb"]
)
"""Keys of a head that may say what a sample is to be multiplied by."""
RATE = re.compile(r"freq|rate\b|interval|period")
"""Keys of a head that may say a rate, in words that are not read."""
DELSYS = re.compile(r"Label:\s*(.*?)\s*Sampling frequency:\s*(\S+).*?\bUnit:\s*(\S+)", re.I)
"""A line of EMGworks' head: one per column of values."""
BELOW_NAMES = re.compile(rf"|[\[(]?({QUANTITY})[\])]?|[\[(]?[\d.]+ *k?Hz[\])]?", re.I)
"""A cell of a line of units or of rates between names and rows."""
STAMPS = re.compile(r"X ?[\[(]s[\])]|.*\bTime Series ?[\[(]s[\])]", re.I)
"""Names of the columns of times that Delsys' programs write, each for the columns of values behind it."""
VICON = ("devices", "trajectories", "model outputs", "joints")
"""Heads of the parts of a file of Vicon's Nexus; the next line is their rate."""
OPENBCI = "OpenBCI Raw EXG Data"
OPENBCI_SAYS = {"unit": "uV", "time": "Timestamp"}
"""What OpenBCI's program writes without saying it."""


def is_stamps(name: str) -> bool:
    """Whether a column holds the times of those behind it, in a file of Delsys' programs."""
    return bool(STAMPS.fullmatch(name))


def read_head(path: Path, lines: Sequence[str], decimal: str = "") -> Head:
    """The head of a table, from its first lines; raises `ConfigError`."""
    full = [k for k, line in enumerate(lines) if line.strip()]
    if not full:
        raise ConfigError(f"{path} is empty")
    if any(line.count(d) >= MOST_COLUMNS for line in lines for d in ("\t", ";", ",", "|", " ")):
        raise ConfigError(f"{path} has more than {MOST_COLUMNS} columns: this is no table of samples")
    plotted = next((k for k in full if is_plotted(lines[k])), None)
    if plotted is not None and all(is_plotted(lines[k]) for k in full if k >= plotted):
        return plotted_head(path, lines, plotted, decimal)
    head = find_table(path, lines, decimal)
    rows = [cells_of(line, head.delimiter)[: head.width] for line in lines[head.begin :] if line.strip()]
    numbers = [c for row in rows for c, numeric in zip(row, head.numeric, strict=False) if numeric]
    if not decimal:
        for k in (k for k, numeric in enumerate(head.numeric) if numeric):
            check_dots(path, [row[k] for row in rows if len(row) == head.width])
    head.numerals = find_numerals(path, numbers, decimal)
    rest = _names(path, head, lines, rows)
    if head.numeric[0] and _is_row_of_counts(rows):
        head.begin += 1
        head.remarks.append(f"its row of counts, {' '.join(filter(None, rows[0]))[:80]}, is no sample")
    _says(head, rest)
    key_rows.name_times(head, rows)
    if head.numerals.decimal != ".":
        head.remarks.append("decimal commas")
    if head.numerals.thousands:
        head.remarks.append(f"thousands are set off by {head.numerals.thousands!r}")
    return head


def _names(path: Path, head: Head, lines: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Names, units and rates of the columns from the lines above the rows; returns those that say something else."""
    width, above = head.width, [k for k in range(head.begin) if lines[k].strip() and not is_comment(lines[k])]
    head.units, head.rates = [""] * width, [0.0] * width
    while above and len(above) > 1:
        cells = cells_of(lines[above[-1]], head.delimiter)
        if len(cells) > width or not _is_below_names(cells):
            break
        for k, cell in enumerate(cells):
            rate = re.fullmatch(r"[\[(]?([\d.]+) *(k?)Hz[\])]?", cell, re.I)
            if rate:
                head.rates[k] = float(rate[1]) * (1000 if rate[2] else 1)
            elif cell:
                head.units[k] = cell.strip("[]() ")
        above.pop()
    keyed: dict[int, bool] = {}
    while above and (key := key_rows.key_of(cells := cells_of(lines[above[-1]], head.delimiter))):
        keyed[above.pop()] = key_rows.take(head, key, cells)
    top = above[-1] if above else 0
    if head.names:
        top = head.begin
    elif above:
        names = names_of(lines[above[-1]], head)
        if len(names) == width + 1 and not names[-1]:
            names.pop()
        if len(names) == width - 1 and _counts([row[0] for row in rows]):
            names = ["", *names]  # row numbers without a name, as R writes them
        if len(names) == width:
            head.names = names
        elif len(names) > width and all(is_number(c) for c, n in zip(names, head.numeric, strict=False) if n):
            raise ConfigError(f"{path}, line {top + 1}: {len(names)} cells, and the rows below it have {width}")
        elif len(names) > 1:
            doubled = " (are these decimal commas between commas?)" if 2 * len(names) == width else ""
            raise ConfigError(f"{path}, line {top + 1}: {len(names)} names for rows of {width} cells{doubled}")
        else:
            head.remarks.append(f"not read: {names[0][:80]!r}, line {top + 1}")
    elif _is_number_header(rows):
        head.names = list(rows[0])
        top, head.begin = head.begin, head.begin + 1
        head.remarks.append(f"its first line, {' '.join(head.names[:4])} …, numbers the columns and is no sample")
    else:
        head.names, top = _names_in_comment(head, lines)
    _channels_above(head, lines[:top])
    head.names = _sensors(head, lines[:top])
    for k, name in enumerate(head.names):
        head.units[k] = head.units[k] or unit_in_name(name)
    return [line for k, line in enumerate(lines[: head.begin]) if (k < top or k in keyed) and not keyed.get(k)]


def _is_below_names(cells: Sequence[str]) -> bool:
    """Whether these are units or rates; a unit of something else than EMG need not be known."""
    there = [c for c in cells if c]
    known = sum(bool(BELOW_NAMES.fullmatch(c)) for c in there)
    return bool(known) and (known == len(there) or (known > 1 and 2 * known > len(there)))


def _counts(cells: Sequence[str]) -> bool:
    """Whether a column numbers the rows."""
    try:
        numbers = [int(c) for c in cells]
    except ValueError:
        return False
    return numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] in (0, 1)


def _is_number_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is 0, 1, 2 … or 1, 2, 3 …, as data frames without names are written."""
    first = [c for c in rows[0] if re.fullmatch(r"\d+", c)]
    begin = [c for c in rows[0] if not re.fullmatch(r"\d+", c)]
    if not first or not _counts(first) or any(not is_missing(c) and is_number(c) for c in begin) or len(rows) < 2:
        return False
    later = [c for row in rows[1:] for c, top in zip(row, rows[0], strict=False) if top in first]
    fractions = sum(bool(re.search(r"[.,e]", c, re.I)) or is_missing(c) for c in later)
    if len(first) == 1:
        return fractions == len(later)
    return fractions > 0 or len(first) > 2 or first[0] == "0"


def _names_in_comment(head: Head, lines: Sequence[str]) -> tuple[list[str], int]:
    """Names in the last comment line, as `numpy.savetxt(header=…)` writes them, or in one that begins `columns:`."""
    comments = [k for k in range(head.begin) if is_comment(lines[k])]
    for k in reversed(comments):
        text = lines[k].lstrip("#% \t")
        key, value = _pair(text)
        listed = key in LISTS
        if not listed and (k != comments[-1] or key in KEYS or stated_rates(text)):
            continue
        names = cells_of(value if listed else text, head.delimiter)
        if len(names) == head.width and not any(is_number(n) for n in names):
            return names, comments[-1] if listed else k
    return [], head.begin


def _is_row_of_counts(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row says how many samples each column has, without a time: AcqKnowledge writes it."""
    counts = {c for c in rows[0] if c}
    return not rows[0][0] and len(counts) == 1 and counts.pop().isdigit() and all(row[0] for row in rows[1:])


def _channels_above(head: Head, above: Sequence[str]) -> None:
    """Names and units of CH1, CH2 … that stand one below the other behind `2 channels`: AcqKnowledge writes them."""
    places = [k for k, name in enumerate(head.names) if re.fullmatch(r"CH\d+", name)]
    for k, line in enumerate(above):
        block = [text.strip() for text in above[k + 1 : k + 1 + 2 * len(places)]]
        if places and line.strip() == f"{len(places)} channels" and len(block) == 2 * len(places):
            alone = len(set(block[::2])) == len(places)
            for place, name, unit in zip(places, block[::2], block[1::2], strict=True):
                head.names[place] = name if alone else f"{head.names[place]}: {name}"
                head.units[place] = unit


def _sensors(head: Head, above: Sequence[str]) -> list[str]:
    """Names with the sensor's before them, only where the names alone are not unique.

    From a line above in which each sensor stands over its first column, as Trigno Discover writes them.
    """
    values = [n for n in head.names if not is_stamps(n)]
    if len(set(values)) == len(values):
        return head.names
    for line in above:
        cells = cells_of(line, head.delimiter)
        cells += [""] * (head.width - len(cells))
        labels = [c for c in cells if c]
        if cells[0] and not cells[0].endswith(":") and len(labels) == len(set(labels)) > 1:
            sensor, names = "", []
            for cell, name in zip(cells, head.names, strict=False):
                sensor = cell or sensor
                names.append(name if is_stamps(name) else f"{sensor}: {name}")
            return names
    return head.names


def _pair(line: str) -> tuple[str, str]:
    """Key, in lower case, and value of a line of the head; empty where it has none."""
    match = re.match(r"[#%\s]*([A-Za-z][A-Za-z _]*?)\s*[:=,;\t]\s*(.+?)[\s,;]*$", line)
    return (match[1].lower(), match[2].strip().strip('"')) if match else ("", "")


def _says(head: Head, above: Sequence[str]) -> None:
    """Rates, unit, times and labels that the lines above the names state."""
    for before, line in zip(["", *above], above, strict=False):
        if before.strip(' ,;\t"').lower() in VICON and hertz(line.strip(' ,;\t"')):
            head.stated.append(hertz(line.strip(' ,;\t"')))
        delsys = DELSYS.match(line.strip())
        if delsys:
            for k, name in enumerate(head.names):
                if without_unit(name) in (delsys[1], without_unit(delsys[1])):
                    head.rates[k], head.units[k] = float(delsys[2]), head.units[k] or delsys[3]
            continue
        head.stated += [rate for rate in stated_rates(line) if rate not in head.stated]
        key, value = _pair(line)
        value = value.lstrip(" ,;\t")
        if key == "channels":
            head.says[key] = line.partition(":")[2]
        elif key in KEYS and (key not in ("time", "label") or value in head.names):
            head.says["unit" if key == "units" else key] = value
        elif value and (key in SCALES or (RATE.search(key) and is_number(value) and not stated_rates(line))):
            head.remarks.append(f"its head says {key} {value}, which is not applied")
        if OPENBCI in line:
            head.says.update({k: v for k, v in OPENBCI_SAYS.items() if k != "time" or v in head.names})
            head.remarks.append("written by OpenBCI's program: EXG in uV")

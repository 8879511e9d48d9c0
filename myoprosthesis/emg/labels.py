"""Labels of a recording as a person calls them: renamed, or ignored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.recording import Span
from myoprosthesis.emg.recording_format import RecordingFormat


class Labels:
    """Renames the labels of a recording that comes in blocks; neighbours of one name become one span."""

    def __init__(self, layout: RecordingFormat) -> None:
        self._layout = layout
        self._before: tuple[str, int] = ("", -1)
        """What the last span is called, and where it stopped."""

    def called(self, spans: Iterable[Span], n: int) -> tuple[Span, ...]:
        """Spans of the next block, which has `n` samples."""
        out: list[Span] = []
        for span in spans:
            name, stop = self._before
            called = self._layout.called(span.label)
            follows = called == name and span.start == stop
            self._before = (called, span.stop)
            if not called:
                continue
            if follows and out:
                out[-1] = replace(out[-1], stop=span.stop)
            else:
                out.append(replace(span, label=called, continued=span.continued or follows))
        name, stop = self._before
        self._before = (name, stop - n)
        return tuple(out)


def check_labels(layout: RecordingFormat, there: Iterable[str], every: bool = False) -> None:
    """Refuse what a layout says of labels when `there`, the labels of all files, has none of them.

    `every`: each label that is renamed must be there. What lies beside recordings may name those of others too.
    """
    known = set(there)
    for label in layout.ignore:
        if label not in known:
            raise ConfigError(f"ignore: {unknown('label', label, known)}")
    renamed = set(layout.label_names)
    if renamed and not known & renamed:
        raise ConfigError(
            f"label_names: none of {', '.join(list(layout.label_names)[:20])} is a label of these files; "
            f"there are {', '.join(sorted(known)[:20]) or 'none'}"
        )
    for label in sorted(renamed - known) if every else ():
        raise ConfigError(f"label_names: {unknown('label', label, known)}")

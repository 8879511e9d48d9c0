"""`effectors`, `perturbations`, `tasks`: their names, with options."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

from myoprosthesis.core import registry
from myoprosthesis.core.options import describe


def add(words: Any) -> None:
    """Add the words."""
    for kind, about in (
        ("effectors", "effectors, simulated and real,"),
        ("perturbations", "perturbations and presets"),
        ("tasks", "tasks"),
    ):
        p = words.add_parser(
            kind, help=f"list {about} with their options", description=f"List {about} with their options."
        )
        p.set_defaults(func=run, kind=kind)


def run(given: argparse.Namespace) -> int:
    """Print names, first lines of documentation and options."""
    from rich.console import Console

    console = Console(highlight=False)
    for name in registry.names(given.kind):
        about = (registry.factory(given.kind, name).__doc__ or "").strip().splitlines()
        console.print(f"[bold]{name}[/bold]  {about[0] if about else ''}")
        for f in fields(registry.options(given.kind, name)):
            console.print(f"    {f.name}: {describe(f)}", markup=False)
    if given.kind == "perturbations":
        from myoprosthesis.perturbations import presets

        console.print("\n[bold]presets[/bold]")
        for name, path in presets.names().items():
            if path is not None:
                console.print(f"    {name}: {presets.load(name).about}", markup=False)
    return 0

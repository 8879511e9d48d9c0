"""`effectors`, `perturbations`, `tasks`: their names, with options."""

from __future__ import annotations

from dataclasses import fields
from functools import partial

from myoprosthesis.cli.commands import Commands
from myoprosthesis.core import registry
from myoprosthesis.core.options import describe


def add(commands: Commands) -> None:
    """Add the commands."""
    for kind, about in (
        ("effectors", "effectors, simulated and real,"),
        ("perturbations", "perturbations and presets"),
        ("tasks", "tasks"),
    ):
        commands.add(kind, partial(run, kind), help=f"list {about} with their options")


def run(kind: str) -> int:
    """Print names, first lines of documentation and options."""
    from myoprosthesis.cli.table_console import table_console

    console = table_console()
    for name in registry.names(kind):
        about = (registry.factory(kind, name).__doc__ or "").strip().splitlines()
        console.print(f"[bold]{name}[/bold]  {about[0] if about else ''}")
        for f in fields(registry.options(kind, name)):
            console.print(f"    {f.name}: {describe(f)}", markup=False)
    if kind == "perturbations":
        from myoprosthesis.perturbations import presets

        console.print("\n[bold]presets[/bold]")
        for name, path in presets.names().items():
            if path is not None:
                console.print(f"    {name}: {presets.load(name).about}", markup=False)
    return 0

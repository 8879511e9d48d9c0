"""The command line of options dataclasses: one flag for each field, with its unit, bounds, choices and default."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from myoprosthesis.core.deprecated import notice
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import assignments, build, describe, listed, option


@dataclass(frozen=True)
class Argument:
    """How a field stands on the command line, where that is another way than `--name NAME`."""

    positional: bool = False
    flags: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
    """Flags that still work, with a deprecation sentence."""
    metavar: str | tuple[str, ...] | None = None
    nargs: str | int | None = None
    repeat: bool = False
    """Whether the flag may be given several times, one item of a tuple each."""
    bare: Any = None
    """The value of the flag given without one (`nargs` "?")."""


def argument(*about: Any, **more: Any) -> Any:
    """An `option` of a command, with the same arguments; further ones are fields of `Argument`."""
    how = {f.name: more.pop(f.name) for f in fields(Argument) if f.name in more}
    made = option(*about, **more)
    return field(
        default=made.default,
        default_factory=made.default_factory,
        metadata={**made.metadata, "argument": Argument(**how)},
    )


@dataclass(frozen=True, kw_only=True)
class NamespaceArgument:
    """The namespace of a running stack."""

    namespace: str = argument("", "namespace of the stack")


@dataclass(frozen=True, kw_only=True)
class JsonArgument:
    """A file of figures."""

    json: str = argument("", "also write the figures to FILE", metavar="FILE")


def add_arguments(
    parser: argparse._ActionsContainer,
    kind: type,
    overrides: Mapping[str, Argument | None] = {},
) -> None:
    """Add the fields of an options dataclass, those of its own before those that it inherits.

    A flag that is not given leaves nothing behind, so that a file may set the option instead, and the dataclass its
    default. `overrides`: the `Argument` of a field by name; None leaves the field out.
    """
    for f in _ordered(kind):
        how = overrides.get(f.name, f.metadata.get("argument", Argument()))
        if how is None or not f.init:
            continue
        settings: dict[str, Any] = {"help": describe(f).replace("%", "%%"), "default": argparse.SUPPRESS}
        if how.positional:
            nargs = how.nargs or ("?" if _has_default(f) else None)
            parser.add_argument(f.name, nargs=nargs, metavar=how.metavar or f.name.upper(), **settings)  # type: ignore[arg-type]
            continue
        flags = how.flags or ("--" + f.name.replace("_", "-"),)
        settings["dest"] = f.name
        if str(f.type) == "bool":
            settings["action"] = argparse.BooleanOptionalAction if f.default is True else "store_true"
        else:
            settings["metavar"] = how.metavar or _shape(f)
            settings["required"] = not _has_default(f)
            if how.repeat:
                settings["action"] = "append"
            elif how.nargs is not None:
                settings |= {"nargs": how.nargs, "const": how.bare} if how.nargs == "?" else {"nargs": how.nargs}
        parser.add_argument(*flags, **settings)
        for flag in how.former:
            parser.add_argument(flag, **{**settings, "action": _former(flags[0]), "help": argparse.SUPPRESS})


@dataclass(frozen=True)
class FlagGroup:
    """Options that a file may set as well, under a title of their own in the help."""

    title: str
    kind: type
    skip: tuple[str, ...] = ()


def options_of(kind: type, namespace: argparse.Namespace, where: str) -> Any:
    """An options dataclass from what was typed; raises `ConfigError` naming the flags of every fault."""
    names = {f.name: _flag(f) for f in fields(kind)}
    return build(kind, typed(kind, namespace), where, names)


def typed(kind: type, namespace: argparse.Namespace) -> dict[str, Any]:
    """Those options of a dataclass that were typed, by name."""
    values = {}
    for f in fields(kind):
        if hasattr(namespace, f.name):
            value = getattr(namespace, f.name)
            mapping = str(f.type).startswith("dict") and isinstance(value, str)
            if str(f.type).startswith("tuple") and isinstance(value, str) and not listed(value):
                raise ConfigError(f"{_flag(f)} is empty: name one at least, or leave it out")
            values[f.name] = assignments(listed(value), _flag(f), "0=rest,1=fist") if mapping else value
    return values


def _former(flag: str) -> type[argparse.Action]:
    class Former(argparse.Action):
        def __call__(self, parser: Any, namespace: argparse.Namespace, value: Any, name: str | None = None) -> None:
            notice(str(name), flag)
            setattr(namespace, self.dest, value)

    return Former


def _flag(f: Field[Any]) -> str:
    how: Argument = f.metadata.get("argument", Argument())
    return f.name.upper() if how.positional else (how.flags or ("--" + f.name.replace("_", "-"),))[0]


def _ordered(kind: type) -> list[Field[Any]]:
    """The fields of a dataclass, those of its own first."""
    inherited = {name for base in kind.__mro__[1:] for name in getattr(base, "__dataclass_fields__", {})}
    own = [f for f in fields(kind) if f.name not in inherited]
    return own + [f for f in fields(kind) if f.name in inherited]


def _has_default(f: Field[Any]) -> bool:
    return f.default is not MISSING or f.default_factory is not MISSING


def _shape(f: Field[Any]) -> str:
    """What stands for a value in the help: its unit where it has one."""
    kind = str(f.type)
    if kind.startswith("dict"):
        return "KEY=VALUE,…"
    return "A,B,…" if kind.startswith("tuple") else f.name.upper()

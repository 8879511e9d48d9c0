"""Options of a component: one frozen dataclass is the only place for names, types, units, bounds and defaults.

ROS parameters, YAML files and the command line are all read through `build`, which refuses unknown keys,
wrong types and values out of bounds, all faults in one message.
"""

from __future__ import annotations

import csv
import math
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from myoprosthesis.core.errors import ConfigError, MyoError, unknown
from myoprosthesis.core.text import short

T = TypeVar("T")


@dataclass(frozen=True)
class Bounds:
    """What a value may be, in words a person can act on."""

    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()


def option(
    default: Any = MISSING,
    help: str = "",
    unit: str = "",
    low: float = -math.inf,
    high: float = math.inf,
    choices: tuple[str, ...] = (),
    file: str = "",
) -> Any:
    """A dataclass field with its help text, unit and bounds. `file`: how it names one, see `located`."""
    meta = {"help": help, "unit": unit, "bounds": Bounds(low, high, choices), "file": file}
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: type(default)(default), metadata=meta)
    return field(default=default, metadata=meta)


def build(cls: type[T], data: Mapping[str, Any], where: str = "", names: Mapping[str, str] = {}) -> T:
    """An instance of the options dataclass `cls` from `data`; raises `ConfigError` listing every fault.

    `names`: what a person calls an option, where that is not its name in `cls`.
    """
    hints = get_type_hints(cls)
    known = {f.name: f for f in fields(cls) if f.init}  # type: ignore[arg-type]
    label = where or cls.__name__
    if not isinstance(data, Mapping):
        raise ConfigError(f"{label}: {data!r} is not a mapping of options")
    faults, values = [], {}
    for key, value in data.items():
        if key not in known:
            faults.append(str(unknown("option", str(key), known)))
            continue
        try:
            values[key] = _checked(value, hints[key], known[key])
        except MyoError:
            raise
        except (TypeError, ValueError) as error:
            faults.append(f"{names.get(key, key)}: {error}")
    for key, f in known.items():
        if key not in data and f.default is MISSING and f.default_factory is MISSING:
            faults.append(f"{names.get(key, key)}: is needed ({describe(f)})")
    if faults:
        raise ConfigError(f"{label}: " + "; ".join(faults))
    try:
        return cls(**values)
    except ConfigError as error:
        raise ConfigError(f"{label}: {error}") from error


def variant(options: Any) -> str:
    """What an instance of an options dataclass has other than its defaults: `mass 2, home 0, 0.3`; empty: nothing."""
    made = [(f, f.default_factory() if f.default_factory is not MISSING else f.default) for f in fields(options)]
    own = {f.name: value for f, default in made if (value := getattr(options, f.name)) != default}
    return ", ".join(f"{name} {short(value)}" for name, value in own.items())


def schema(cls: type) -> dict[str, Any]:
    """A JSON schema of the options dataclass `cls`: type, bounds, choices, default, and `unit` beside them."""
    hints = get_type_hints(cls)
    properties: dict[str, Any] = {}
    needed = []
    for f in fields(cls):
        if not f.init:
            continue
        entry = _schema_of(hints[f.name])
        bounds: Bounds = f.metadata.get("bounds", Bounds())
        numbers = entry.get("items", entry)
        if bounds.low > -math.inf:
            numbers["minimum"] = bounds.low
        if bounds.high < math.inf:
            numbers["maximum"] = bounds.high
        if bounds.choices:
            numbers["enum"] = list(bounds.choices)
        entry |= {k: f.metadata[m] for k, m in (("description", "help"), ("unit", "unit")) if f.metadata.get(m)}
        default = f.default if f.default_factory is MISSING else f.default_factory()
        if default is MISSING:
            needed.append(f.name)
        elif not is_dataclass(default):
            entry["default"] = list(default) if isinstance(default, tuple) else default
        properties[f.name] = entry
    out = {"title": cls.__name__, "type": "object", "properties": properties, "additionalProperties": False}
    return {**out, "required": needed} if needed else out


def _schema_of(hint: Any) -> dict[str, Any]:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema_of(h) for h in inner]}
    if origin is tuple:
        if inner[-1] is Ellipsis:
            return {"type": "array", "items": _schema_of(inner[0])}
        return {"type": "array", "prefixItems": [_schema_of(h) for h in inner], "items": False, "minItems": len(inner)}
    if hint is dict or origin is dict:
        return {"type": "object"}
    if isinstance(hint, type) and is_dataclass(hint):
        return schema(hint)
    names = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    return {"type": names[hint]} if hint in names else {} if hint is Any else {"type": "string"}


def assignments(pairs: Iterable[str], where: str, example: str = "dt=0.002") -> dict[str, str]:
    """`name=value` texts as a mapping; raises `ConfigError` for one without `=` or a name, and for a name twice."""
    out: dict[str, str] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name.strip():
            raise ConfigError(f"{where} takes name=value, got {pair!r}; for instance {example}")
        if name.strip() in out:
            raise ConfigError(f"{where} {name.strip()} is given twice: {out[name.strip()]!r} and {value.strip()!r}")
        out[name.strip()] = value.strip()
    return out


def listed(text: str, blanks: bool = False) -> list[str]:
    """Items of a list as text, separated by commas; a name with a comma stands in double quotes.

    With `blanks`, for numbers, blanks separate items too; in a list of names they belong to the names.
    """
    if blanks:
        return text.replace(",", " ").split()
    rows = list(csv.reader([text], skipinitialspace=True))
    return [item.strip() for row in rows for item in row if item.strip()]


def describe(f: Field[Any]) -> str:
    """One line of help for an option: its text, then in brackets what it may be, its unit and its default."""
    text, inside = str(f.metadata.get("help", "")), "; ".join(x for x in (allowed(f), shown_default(f)) if x)
    return f"{text} [{inside}]" if text and inside else text or inside


def allowed(f: Field[Any]) -> str:
    """What an option may be, with its unit; empty for anything: `0 to 2 s`, `a | b`, `from 1`."""
    bounds: Bounds = f.metadata.get("bounds", Bounds())
    unit = f.metadata.get("unit", "")
    unit = "" if unit == "1" else unit
    if bounds.choices:
        return " | ".join(c or '""' for c in bounds.choices)
    if bounds.low > -math.inf and bounds.high < math.inf:
        text = f"{bounds.low:g} to {bounds.high:g}"
    elif bounds.low > -math.inf:
        text = f"from {bounds.low:g}"
    else:
        text = f"up to {bounds.high:g}" if bounds.high < math.inf else ""
    return f"{text} {unit}" if text and unit else text or unit


def shown_default(f: Field[Any]) -> str:
    """`default 3`; empty where there is none, or where it is nothing."""
    if f.default is MISSING or f.default is None or f.default == () or f.default == "":
        return ""
    value = f.default
    if isinstance(value, (tuple, list)):
        value = ", ".join(map(str, value))
    if is_dataclass(value):
        return ""
    return f"default {str(value).lower() if isinstance(value, bool) else value}"


def _checked(value: Any, hint: Any, f: Field[Any]) -> Any:
    bounds: Bounds = f.metadata.get("bounds", Bounds())
    result = _converted(value, hint)
    for item in _items(result):
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            if not math.isfinite(item):
                raise ValueError(f"{value!r} is not a finite number")
            if not bounds.low <= item <= bounds.high:
                unit = f.metadata.get("unit", "")
                unit = "" if unit == "1" else f" {unit}"
                if bounds.high == math.inf:
                    raise ValueError(f"{value!r} is below {bounds.low:g}{unit}")
                if bounds.low == -math.inf:
                    raise ValueError(f"{value!r} is above {bounds.high:g}{unit}")
                raise ValueError(f"{value!r} is outside {bounds.low:g} to {bounds.high:g}{unit}")
        if bounds.choices and item not in bounds.choices:
            raise ValueError(f"{item!r} is none of {', '.join(bounds.choices)}")
    return result


def _plain(value: Any) -> bool:
    """Whether a value is one that YAML makes of a word: a number, a date, true, null."""
    return not isinstance(value, (list, tuple, Mapping, bytes, set))


def _written(value: Any) -> str:
    """A value as it is written in YAML."""
    words = {None: "null", True: "true", False: "false"}
    return str(words[value] if value is None or isinstance(value, bool) else value)


def _items(value: Any) -> Iterator[Any]:
    """The single values in `value`, which may be a tuple or a mapping."""
    if isinstance(value, (tuple, list, Mapping)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _items(item)
    else:
        yield value


def _converted(value: Any, hint: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in get_args(hint):
            return None
        faults = []
        for choice in get_args(hint):
            if choice is type(None):
                continue
            try:
                return _converted(value, choice)
            except MyoError:
                raise
            except (TypeError, ValueError) as error:
                faults.append(str(error))
        raise ValueError(" and ".join(faults))
    if hint is Any:
        return value
    if hint is bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise TypeError(f"{value!r} is not true or false")
    if hint in (int, float):
        try:
            if isinstance(value, bool) or (hint is int and isinstance(value, float) and not value.is_integer()):
                raise TypeError
            return hint(value)
        except (TypeError, ValueError, OverflowError):
            raise TypeError(f"{value!r} is not a {'whole ' if hint is int else ''}number") from None
    if hint is str:
        if not isinstance(value, str):
            raise TypeError(f"{_written(value)} is not text" + (": put it in quotes" if _plain(value) else ""))
        return value
    if origin is tuple:
        if isinstance(value, str):
            value = listed(value, blanks=get_args(hint)[0] is not str)
        if isinstance(value, Mapping) or not isinstance(value, Iterable):
            raise TypeError(f"{value!r} is not a list")
        inner = get_args(hint)
        if inner[-1] is Ellipsis:
            return tuple(_converted(v, inner[0]) for v in value)
        items = tuple(value)
        if len(items) != len(inner):
            raise TypeError(f"{value!r} has {len(items)} values; {len(inner)} are needed")
        return tuple(_converted(v, h) for v, h in zip(items, inner, strict=True))
    if isinstance(hint, type) and is_dataclass(hint):
        if isinstance(value, hint):
            return value
        try:
            return build(hint, value)
        except ConfigError as error:
            raise ValueError(str(error)) from error
    if hint is dict:
        hint, origin = dict[str, Any], dict
    if origin is dict:
        if not isinstance(value, Mapping):
            raise TypeError(f"{value!r} is not a mapping")
        _, inner_value = get_args(hint)
        return {str(k): _converted(v, inner_value) for k, v in value.items()}
    return hint(value)

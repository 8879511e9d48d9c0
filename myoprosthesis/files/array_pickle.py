"""Pickles of arrays, read without running anything that is in them.

What a pickle names becomes an inert `PickleRecord`; arrays are made of the records here, from their bytes. Nothing is
imported, and no function or class that a pickle names is called.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.text import printable

KINDS = "biufc"
"""Kinds of numpy's types of numbers: bool, whole with and without sign, floating, complex."""
_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_NUMERIC = ("numpy.core.numeric", "numpy._core.numeric")


class PickleRecord:
    """Something that a pickle names, with what it was made of; it does nothing."""

    name = ""

    args: tuple[Any, ...]
    state: Any

    def __new__(cls, *args: Any) -> PickleRecord:
        """`args` are those of the constructor that the pickle names."""
        record = super().__new__(cls)
        record.args, record.state = args, None
        return record

    def __setstate__(self, state: Any) -> None:
        self.state = state

    @property
    def attributes(self) -> dict[str, Any]:
        """Its attributes, as far as the pickle has them."""
        return self.state if isinstance(self.state, dict) else {}


def read(data: bytes, what: str, named: Iterable[str] = ()) -> Any:
    """The content of a pickle: plain data, arrays of numbers, and `PickleRecord` for each class of `named`.

    Args:
        data: The bytes of the pickle.
        what: Names it in sentences.
        named: Classes as `module.name`, or all of a package as `module.*`.

    Returns:
        The content, in which arrays and numbers of numpy are arrays and Python numbers.

    Raises:
        ConfigError: It is no pickle, a damaged one, or wants something else; the sentence says what.
    """
    _check_size(data, what)
    try:
        return _plain(_Reader(data, what, tuple(named)).load(), what, {})
    except ConfigError:
        raise
    except (MemoryError, RecursionError) as error:
        raise ConfigError(f"{what} cannot be read: it is nested too deeply, or too large") from error
    except Exception as error:  # a damaged pickle raises anything
        raise ConfigError(f"{what} is no pickle, or a damaged one: {printable(str(error), 80)}") from error


def _check_size(data: bytes, what: str) -> None:
    """Refuse numbers of the memo beyond the size of the file: memory is taken for them."""
    try:
        for opcode, value, _ in pickletools.genops(data):
            if opcode.name == "LONG_BINPUT" and isinstance(value, int) and value > len(data):
                raise ConfigError(f"{what} is a damaged pickle: it counts {value} objects in {len(data)} bytes")
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"{what} is no pickle, or a damaged one ({len(data)} bytes)") from error


class _Reader(pickle.Unpickler):
    """Calls nothing but the constructors of records."""

    def __init__(self, data: bytes, what: str, named: tuple[str, ...]) -> None:
        super().__init__(io.BytesIO(data))
        self._what, self._named = what, named
        self._classes: dict[str, type[PickleRecord]] = {}

    def find_class(self, module: str, name: str) -> Any:
        whole = f"{module}.{name}"
        if whole in _MADE:
            return _MADE[whole]
        if not any(whole == n or (n.endswith(".*") and whole.startswith(n[:-1])) for n in (*_INERT, *self._named)):
            raise ConfigError(
                f"{self._what} wants {printable(whole, 80)!r}, which is more than arrays of numbers: it was not loaded"
            )
        return self._classes.setdefault(whole, type(name, (PickleRecord,), {"name": whole}))

    def persistent_load(self, pid: Any) -> Any:
        raise ConfigError(f"{self._what} wants an object from outside itself: it was not loaded")


class _Array(PickleRecord):
    name = "array"


class _Type(PickleRecord):
    name = "type"


class _Scalar(PickleRecord):
    name = "scalar"


class _Buffer(PickleRecord):
    name = "buffer"


def _encoded(text: Any, encoding: Any = "latin1") -> bytes:
    """Bytes as protocols before 3 have them."""
    if not isinstance(text, str) or encoding != "latin1":
        raise ConfigError("a pickle has bytes in another way than as latin1")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """No bytes, as protocols before 3 have them."""
    return b""


def _rebuilt(kind: Any, *args: Any) -> Any:
    """An object as protocols before 2 have it."""
    if not (isinstance(kind, type) and issubclass(kind, PickleRecord)):
        raise ConfigError("a pickle makes an object of something that is no class")
    return kind()


_MADE: dict[str, Any] = {
    **{f"{module}._reconstruct": _Array for module in _MULTIARRAY},
    **{f"{module}.scalar": _Scalar for module in _MULTIARRAY},
    **{f"{module}._frombuffer": _Buffer for module in _NUMERIC},
    "numpy.ndarray": PickleRecord,
    "numpy.dtype": _Type,
    "collections.OrderedDict": dict,
    "_codecs.encode": _encoded,
    "__builtin__.bytes": _no_bytes,
    "copyreg._reconstructor": _rebuilt,
    "copy_reg._reconstructor": _rebuilt,
    "builtins.object": PickleRecord,
    "__builtin__.object": PickleRecord,
}
_INERT = tuple(f"numpy.{kind}" for kind in ("float32", "float64", "int32", "int64", "bool_", "uint8"))


def _plain(value: Any, what: str, done: dict[int, tuple[Any, Any]]) -> Any:
    """`value` with arrays in place of the records that stand for them; containers are changed where they are.

    `done` has what came of each object by its identity, with the object, so that no other takes its identity."""
    if not isinstance(value, (dict, list, tuple, PickleRecord)):
        return value
    if id(value) in done:
        return done[id(value)][1]
    maker = _ARRAYS.get(type(value))
    if maker is not None:
        made = maker(value, what)
    elif isinstance(value, tuple):
        made = tuple(_plain(part, what, done) for part in value)
    else:
        made = value
        done[id(value)] = (value, made)
        if isinstance(value, dict):
            value.update({k: _plain(part, what, done) for k, part in value.items()})
        elif isinstance(value, list):
            value[:] = [_plain(part, what, done) for part in value]
        else:
            value.args, value.state = _plain(value.args, what, done), _plain(value.state, what, done)
    done[id(value)] = (value, made)
    return made


def _array(record: PickleRecord, what: str) -> NDArray[Any]:
    state = record.state
    if not isinstance(state, tuple) or len(state) != 5:
        raise ConfigError(f"{what} has an array without its numbers")
    _, shape, kind, columns, data = state
    return _shaped(data, _type(kind, what), shape, "F" if columns else "C", what)


def _buffer(record: PickleRecord, what: str) -> NDArray[Any]:
    if len(record.args) != 4:
        raise ConfigError(f"{what} has an array without its numbers")
    data, kind, shape, order = record.args
    return _shaped(data, _type(kind, what), shape, "F" if order == "F" else "C", what)


def _scalar(record: PickleRecord, what: str) -> Any:
    if len(record.args) != 2:
        raise ConfigError(f"{what} has a number without its type")
    return _shaped(record.args[1], _type(record.args[0], what), (), "C", what).item()


def _shaped(data: Any, kind: np.dtype[Any], shape: Any, order: Any, what: str) -> NDArray[Any]:
    sizes = shape if isinstance(shape, tuple) else (shape,)
    if not isinstance(data, (bytes, bytearray)) or not all(isinstance(n, int) and n >= 0 for n in sizes):
        raise ConfigError(f"{what} has an array of other things than numbers")
    if math.prod(sizes) * kind.itemsize != len(data):
        raise ConfigError(f"{what} is damaged: an array of {sizes} has {len(data)} bytes")
    made: NDArray[Any] = np.frombuffer(data, kind).reshape(sizes, order=order).copy()
    return made


def _type(record: Any, what: str) -> np.dtype[Any]:
    """The type of numbers that a record of it means."""
    text = record.args[0] if isinstance(record, _Type) and record.args else None
    try:
        kind = np.dtype(text) if isinstance(text, str) else None
    except (TypeError, ValueError):
        kind = None
    if kind is None or kind.kind not in KINDS or kind.subdtype or kind.fields:
        raise ConfigError(f"{what} has an array of {printable(str(text), 40)!r}; arrays of numbers are read")
    state = record.state
    order = state[1] if isinstance(state, tuple) and len(state) > 1 else "="
    swapped: np.dtype[Any] = kind.newbyteorder(">" if order == ">" else "=" if order == "=" else "<")
    return swapped


_ARRAYS: dict[type, Callable[[Any, str], Any]] = {_Array: _array, _Buffer: _buffer, _Scalar: _scalar}

"""Tensors of a file of torch, read as tensors and plain data only."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.text import printable
from myoprosthesis.files.regular import MIB
from myoprosthesis.files.zip_archive import ZipArchive

LARGEST = 512 * MIB
"""Bytes of all tensors of a file."""
_WANTED = re.compile(r"GLOBAL (\S+)|Unsupported (?:class|operand) (\S+)|(?:load|function) (\S+\.\S+)")


def read(data: bytes, what: str) -> dict[str, Any]:
    """The mapping in a file of `torch.save`; raises `ConfigError`, which calls it `what`.

    It is a zip file of its own: the sizes of its parts are checked first.
    """
    archive = ZipArchive(data, what)
    if archive.size > LARGEST:
        raise ConfigError(f"{what} has {archive.size / MIB:.0f} MiB once it is decompressed; {LARGEST // MIB} are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a damaged file, which is refused
            content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds
        wanted = next((w for m in _WANTED.finditer(str(error)) for w in m.groups() if w), "")
        if "eights only" in str(error) and wanted:
            raise ConfigError(
                f"{what} wants {printable(wanted.strip('`.,'), 80)!r}, which is more than tensors: it was not loaded"
            ) from error
        raise ConfigError(f"{what} is no file of torch, or a damaged one: {printable(str(error), 80)}") from error
    if not isinstance(content, Mapping):
        raise ConfigError(f"{what} holds a {type(content).__name__}; a mapping of names to tensors is needed")
    return dict(content)


def arrays(tensors: Any, what: str) -> dict[str, NDArray[np.floating]]:
    """Tensors by name as arrays of numbers; raises `ConfigError` for anything else."""
    if not isinstance(tensors, Mapping):
        raise ConfigError(f"{what} is no mapping of names to tensors")
    out: dict[str, NDArray[np.floating]] = {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor) or not isinstance(name, str):
            raise ConfigError(f"{what} has {printable(str(name), 60)!r}, which is no tensor")
        if tensor.numel() * tensor.element_size() > LARGEST:  # a view may be larger than what it is made of
            raise ConfigError(f"{what} has {printable(name, 60)!r} with {tensor.numel()} numbers: too large")
        if tensor.layout != torch.strided or tensor.is_complex() or tensor.is_quantized:
            raise ConfigError(f"{what} has {printable(name, 60)!r}, which is no plain tensor of numbers")
        out[name] = tensor.detach().to(torch.float32).numpy() if tensor.is_floating_point() else tensor.numpy()
    return out

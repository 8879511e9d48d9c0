"""Namespaces of nodes, as a person types them."""

from __future__ import annotations

import re

from myoprosthesis.core.errors import ConfigError


def namespace_of(text: str) -> str:
    """A namespace as rclpy takes it, from what a person types: `left`, `/left`, `lab/left/`."""
    name = text.strip("/")
    if name and not re.fullmatch(r"[A-Za-z_]\w*(/[A-Za-z_]\w*)*", name, re.ASCII):
        raise ConfigError(f"{text!r} is no namespace: letters, digits and _, in parts divided by /, as in lab/left")
    return name


def absolute(namespace: str, name: str) -> str:
    """The full name of a topic or node: `/left/state` of `left` and `state`."""
    return "/".join(["", *filter(None, (namespace.strip("/"), name))])

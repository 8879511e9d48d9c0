"""The skill of a policy as options of its task, such as the direction in which it turns something."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build

T = TypeVar("T")


def with_skill(
    options: T, wanted: Mapping[str, Any], skills: Collection[str], own: Collection[str], task: str
) -> T:  # fmt: skip
    """The options of a task, those of a policy's contract where nobody has set them.

    Args:
        options: Of the task.
        wanted: Those that the contract names.
        skills: Options of the task that a contract may name.
        own: Options that a person has set, which stay.
        task: Name of the task, for sentences.

    Raises:
        ConfigError: The contract names an option that is no skill, or a value that the task does not take.
    """
    if not wanted:
        return options
    if strange := [name for name in wanted if name not in skills]:
        raise ConfigError(
            f"the policy's contract sets {', '.join(map(str, strange))} of task {task!r}, which are no "
            f"skills of it; it has: {', '.join(skills) or 'none'}"
        )
    kept = {f.name: getattr(options, f.name) for f in fields(options)}  # type: ignore[arg-type]
    return build(type(options), kept | {k: v for k, v in wanted.items() if k not in own}, "the policy's contract")

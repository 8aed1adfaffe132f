"""What the tables of an agent file have in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

TEXT, TABLE, VALUE = "(text)", "(table)", "(value)"
"""Tags of the two ways in which some keys may be written. No key of the file looks like them."""

NonEmpty = Annotated[str, StringConstraints(min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


def problem(message: str) -> PydanticCustomError:
    return PydanticCustomError("agent_file", "{reason}", {"reason": message})


def _scalar(value: Any) -> Any:
    if not isinstance(value, str | int | float | bool):
        raise problem("must be text, a number, true or false, or a table with env, default or required")
    return value


Scalar = Annotated[Any, BeforeValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})]


class Shape(BaseModel):
    """A table of the file. Unknown keys are errors, and TOML's types are taken at their word."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

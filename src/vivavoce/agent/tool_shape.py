"""The shape of an agent file's ``[[tools]]``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from vivavoce.agent.shape_base import Name, NonEmpty, Shape


class ToolTable(Shape):
    """A Python function that the model may call, and how a caller asks for it."""

    function: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")] = Field(
        description='"module:function". A module beside the agent file comes before an installed one.',
        examples=["tools:find_cars"],
    )
    examples: list[NonEmpty] = Field(
        default=[], description="What a caller says to want this tool, with {parameter} where a value stands."
    )
    questions: dict[Name, NonEmpty] = Field(default={}, description="For a parameter, the question that asks for it.")
    reply: str = Field(
        default="", description="What is said with the result: a template over result and the parameters by name."
    )
    confirm: bool = Field(default=False, description="Ask the caller to say yes before the function is called.")
    timeout_s: float = Field(
        default=10.0, description="Seconds after which the call of the function is given up.", ge=0.1, le=300
    )

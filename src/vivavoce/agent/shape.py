"""The shape of an agent file: which keys there are, their types and their bounds.

The descriptions here are what an editor shows (see :mod:`vivavoce.agent.schema`) and what the reference explains.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

TEXT, TABLE, VALUE = "(text)", "(table)", "(value)"
"""Tags of the two ways in which some keys may be written. No key of the file looks like them."""

NonEmpty = Annotated[str, StringConstraints(min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


def _problem(message: str) -> PydanticCustomError:
    return PydanticCustomError("agent_file", "{reason}", {"reason": message})


def _scalar(value: Any) -> Any:
    if not isinstance(value, str | int | float | bool):
        raise _problem("must be text, a number, true or false, or a table with env, default or required")
    return value


Scalar = Annotated[Any, BeforeValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})]


class Shape(BaseModel):
    """A table of the file. Unknown keys are errors, and TOML's types are taken at their word."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TextFile(Shape):
    """Text that is kept in a file of its own."""

    file: NonEmpty = Field(description="The file, from the folder of the agent file.")


Text = Annotated[
    Annotated[NonEmpty, Tag(TEXT)] | Annotated[TextFile, Tag(TABLE)],
    Discriminator(lambda value: TEXT if isinstance(value, str) else TABLE),
]


class InstructionsTable(Shape):
    """Instructions from a file, or several named versions of them."""

    file: NonEmpty | None = Field(default=None, description="The template's file, from the folder of the agent file.")
    default: NonEmpty | None = Field(default=None, description="The version that is used when none is asked for.")
    versions: dict[Name, Text] | None = Field(
        default=None, description="Named versions: a template each, or a table with the key file.", min_length=1
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.file is None) == (self.versions is None):
            raise _problem("needs either file or versions")
        if self.versions is None:
            if self.default is not None:
                raise _problem("default names a version, but there are no versions")
            return self
        if self.default is None and len(self.versions) > 1:
            raise _problem("needs default, to say which of its versions is used")
        if self.default is not None and self.default not in self.versions:
            raise _problem(f'default is "{self.default}", but the versions are {", ".join(self.versions)}')
        return self


Instructions = Annotated[
    Annotated[NonEmpty, Tag(TEXT)] | Annotated[InstructionsTable, Tag(TABLE)],
    Discriminator(lambda value: TEXT if isinstance(value, str) else TABLE),
]


class VariableTable(Shape):
    """A variable whose value comes from outside the file."""

    env: NonEmpty | None = Field(default=None, description="The environment variable that holds the value.")
    default: Scalar | None = Field(default=None, description="The value where nothing else gives one.")
    required: bool = Field(default=False, description="Every call must give a value.")
    description: str = Field(default="", description="What the variable is for.")

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if self.env is None and self.default is None and not self.required:
            raise _problem("needs env, default, or required = true")
        if self.required and self.default is not None:
            raise _problem("is required and has a default: only one makes sense")
        return self


Variable = Annotated[
    Annotated[Scalar, Tag(VALUE)] | Annotated[VariableTable, Tag(TABLE)],
    Discriminator(lambda value: TABLE if isinstance(value, dict) else VALUE),
]


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


class TurnsTable(Shape):
    """How turns are taken."""

    interruption: Literal["model", "never"] = Field(
        default="model",
        description="model: the caller may cut the agent off when the model hears speech. never: it finishes.",
    )
    protect_greeting: bool = Field(default=False, description="The greeting cannot be cut off.")
    endpoint_ms: Annotated[int, Field(ge=0, le=5000)] = Field(
        default=0, description="Milliseconds of silence that end the caller's turn. 0: the model's own choice."
    )


class LimitsTable(Shape):
    """What ends a call, and how much of a result reaches the model."""

    silence_s: float = Field(
        default=60.0, description="Seconds without a word from either side that end the call.", ge=1, le=3600
    )
    call_s: float = Field(default=1800.0, description="The longest call, in seconds.", ge=1, le=86_400)
    result_bytes: int = Field(
        default=16_384, description="The largest tool result, as JSON, that reaches the model.", ge=256, le=1_048_576
    )


class ModelTable(Shape):
    """A speech model. The first in the file that can be used takes the call."""

    name: NonEmpty = Field(description='The model, for example "local". `vivavoce models` lists them.')
    settings: dict[str, Any] = Field(default={}, description="The model's own settings.")


class RecordingTable(Shape):
    """Whether the talk is kept."""

    keep: bool = Field(default=False, description="Keep the audio of the call beside its timeline.")


class AgentTable(Shape):
    """An agent that answers calls with Vivavoce."""

    name: NonEmpty = Field(description="What the agent is called.")
    instructions: Instructions = Field(
        description="What the model is told: a template, or a table with file or with named versions."
    )
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = Field(
        default="en-US", description="The language of the talk, as a BCP 47 tag.", examples=["en-US", "de-DE"]
    )
    voice: str = Field(default="", description="The voice, by the model's own name for it. Empty: the model's choice.")
    greeting: str = Field(
        default="", description="A template: what the agent says first. Empty: the caller speaks first."
    )
    farewell: str = Field(default="", description="A template: what the agent says before it ends a call.")
    apology: str | None = Field(
        default=None,
        description="A template: what the agent says, once, when it had to keep the caller waiting because a model "
        "session was lost. Left out, an English agent says it is sorry; empty, nothing is said.",
    )
    knowledge: list[NonEmpty] = Field(
        default=[], description="Markdown files the agent may answer from; * and ** are allowed."
    )
    variables: dict[Name, Variable] = Field(
        default={}, description="Variables of the templates: a value, or a table with env, default, required."
    )
    tools: list[ToolTable] = Field(default=[], description="The functions that the model may call.")
    vocabulary: dict[str, list[NonEmpty]] = Field(
        default={},
        description="For a value or the name of a tool's parameter, the other words that callers say for it.",
    )
    turns: TurnsTable = Field(default_factory=TurnsTable, description="How turns are taken.")
    limits: LimitsTable = Field(default_factory=LimitsTable, description="What ends a call.")
    models: list[ModelTable] = Field(
        default=[ModelTable(name="local")], description="Speech models in order of preference.", min_length=1
    )
    recording: RecordingTable = Field(default_factory=RecordingTable, description="Whether the talk is kept.")

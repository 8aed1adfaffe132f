"""The shape of an agent file: which keys there are, their types and their bounds.

The descriptions here are what an editor shows (see :mod:`vivavoce.agent.schema`) and what the reference explains.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import (
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from vivavoce.agent.shape_base import TABLE, TEXT, VALUE, Name, NonEmpty, Scalar, Shape, problem
from vivavoce.agent.talk_shape import ControlTable, Language, LimitsTable, TurnsTable, VoicemailTable
from vivavoce.agent.tool_shape import McpTable, ToolTable


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
            raise problem("needs either file or versions")
        if self.versions is None:
            if self.default is not None:
                raise problem("default names a version, but there are no versions")
            return self
        if self.default is None and len(self.versions) > 1:
            raise problem("needs default, to say which of its versions is used")
        if self.default is not None and self.default not in self.versions:
            raise problem(f'default is "{self.default}", but the versions are {", ".join(self.versions)}')
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
            raise problem("needs env, default, or required = true")
        if self.required and self.default is not None:
            raise problem("is required and has a default: only one makes sense")
        return self


Variable = Annotated[
    Annotated[Scalar, Tag(VALUE)] | Annotated[VariableTable, Tag(TABLE)],
    Discriminator(lambda value: TABLE if isinstance(value, dict) else VALUE),
]


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
    language: Language = Field(
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
    tenant: Annotated[str, StringConstraints(max_length=200)] = Field(
        default="", description="Whose calls these are, where calls of several are told apart."
    )
    knowledge: list[NonEmpty] = Field(
        default=[], description="Markdown files the agent may answer from; * and ** are allowed."
    )
    variables: dict[Name, Variable] = Field(
        default={}, description="Variables of the templates: a value, or a table with env, default, required."
    )
    tools: list[ToolTable] = Field(default=[], description="What the model may call: functions and HTTP endpoints.")
    mcp: dict[Name, McpTable] = Field(default={}, description="MCP servers whose tools the model may call.")
    vocabulary: dict[str, list[NonEmpty]] = Field(
        default={},
        description="For a value or the name of a tool's parameter, the other words that callers say for it.",
    )
    turns: TurnsTable = Field(default_factory=TurnsTable, description="How turns are taken.")
    limits: LimitsTable = Field(default_factory=LimitsTable, description="What ends a call.")
    control: ControlTable = Field(
        default_factory=ControlTable, description="What the agent may do with the call itself."
    )
    voicemail: VoicemailTable = Field(default_factory=VoicemailTable, description="What to do when a machine answers.")
    models: list[ModelTable] = Field(
        default=[ModelTable(name="local")], description="Speech models in order of preference.", min_length=1
    )
    recording: RecordingTable = Field(default_factory=RecordingTable, description="Whether the talk is kept.")

"""The shape of an agent file's ``[[tools]]`` and ``[mcp]``."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
    model_validator,
)

from vivavoce.agent.shape_base import TABLE, TEXT, VALUE, Name, NonEmpty, Scalar, Shape, problem
from vivavoce.agent.spoken import SpokenForm

MAX_ATTEMPTS = 5
DEFAULT_ATTEMPTS = 3


class ToolSettings(BaseModel):
    """How a tool is called and what is said around it, whatever its kind."""

    examples: list[NonEmpty] = Field(
        default=[], description="What a caller says to want this tool, with {parameter} where a value stands."
    )
    questions: dict[Name, NonEmpty] = Field(default={}, description="For a parameter, the question that asks for it.")
    reply: str = Field(
        default="", description="What is said with the result: a template over result and the parameters by name."
    )
    confirm: bool = Field(default=False, description="Ask the caller to say yes before the tool is called.")
    timeout_s: float = Field(
        default=10.0, description="Seconds after which the call of the tool is given up.", ge=0.1, le=300
    )
    idempotent: bool = Field(
        default=False, description="Calling it twice does no more than calling it once: it may be tried again."
    )
    attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] | None = Field(
        default=None,
        description="How often an idempotent tool is tried, all within timeout_s, where a failure may pass. "
        f"{DEFAULT_ATTEMPTS} if left out.",
    )
    lead_in: str = Field(default="", description="What is said when the tool has run for lead_in_s.")
    lead_in_s: float = Field(default=1.5, description="Seconds before lead_in is said.", ge=0, le=300)
    progress: list[NonEmpty] = Field(default=[], description="What is said after that, one after the other.")
    progress_s: float = Field(default=8.0, description="Seconds before each of progress.", ge=1, le=300)
    supersedable: bool = Field(
        default=False, description="A call may be given up when the caller goes on, or the model calls the tool anew."
    )
    approval: bool = Field(default=False, description="Somebody must say yes before the tool is called.")
    approval_s: float = Field(default=60.0, description="Seconds that they may take.", ge=1, le=3600)
    result_bytes: int = Field(
        default=0, description="The largest result that reaches the model. 0: limits.result_bytes.", ge=0, le=1_048_576
    )
    price: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,9})?$")] | None = Field(
        default=None, description='What one call of it costs, in US dollars, as text: "0.002".', examples=["0.002"]
    )

    @model_validator(mode="after")
    def _tried_again_if_harmless(self) -> Self:
        if self.attempts is not None and self.attempts > 1 and not self.idempotent:
            raise problem("has attempts but is not idempotent: what is not, is tried once")
        return self


class FromEnvironment(Shape):
    """A value that is kept in the environment."""

    env: NonEmpty = Field(description="The environment variable that holds the value.")
    prefix: str = Field(default="", description='What stands before it, such as "Bearer ".')


Value = Annotated[
    Annotated[str, Tag(TEXT)] | Annotated[FromEnvironment, Tag(TABLE)],
    Discriminator(lambda value: TEXT if isinstance(value, str) else TABLE),
]

HeaderName = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@{}\\]+([/?][^\s#\\]*)?$")]
"""Without a user and a fragment; {parameters} only behind the host."""


def _choice(value: Any) -> Any:
    if type(value) not in (str, int):
        raise problem("must be text or a whole number")
    return value


Choice = Annotated[Any, BeforeValidator(_choice), WithJsonSchema({"type": ["string", "integer"]})]


class ParameterTable(Shape):
    """A parameter of an HTTP tool."""

    type: Literal["string", "integer", "number", "boolean"] = Field(
        default="string", description="What the model gives."
    )
    description: str = Field(default="", description="What it means: the model decides by it.")
    required: bool = Field(default=True, description="The model must give it.")
    default: Scalar | None = Field(default=None, description="The value where the model gives none.")
    enum: list[Choice] | None = Field(default=None, description="The values it may have.", min_length=1)
    format: Literal["date", "time", "date-time"] | None = Field(default=None, description="Text in ISO 8601.")
    spoken: SpokenForm | None = Field(default=None, description="How a caller says it.")
    length: int | None = Field(default=None, description="The number of characters.", ge=1)
    many: bool = Field(default=False, description="Any number of them, as a list.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.type != "string" and (self.format or self.spoken or self.length):
            raise problem("is no string: format, spoken and length are for text")
        kind = {"string": str, "integer": int}.get(self.type)
        if self.enum is not None and not (kind and all(type(choice) is kind for choice in self.enum)):
            raise problem("has an enum: its values are all text, or all whole numbers with type integer")
        return self


Parameter = Annotated[
    Annotated[NonEmpty, Tag(TEXT)] | Annotated[ParameterTable, Tag(TABLE)],
    Discriminator(lambda value: TEXT if isinstance(value, str) else TABLE),
]

QueryValue = Annotated[
    Annotated[Scalar, Tag(VALUE)] | Annotated[FromEnvironment, Tag(TABLE)],
    Discriminator(lambda value: TABLE if isinstance(value, dict) else VALUE),
]


class HttpTable(Shape):
    """The request that a tool stands for."""

    url: Url = Field(
        description="The address, with {parameter} in its path or query.",
        examples=["https://api.example.com/orders/{number}"],
    )
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(default="GET", description="The method.")
    query: dict[NonEmpty, QueryValue] | None = Field(
        default=None,
        description="The query: text with {parameter}, or a table with env. Left out, a GET or DELETE has the "
        "parameters that are not in the url.",
    )
    body: dict[str, Any] | None = Field(
        default=None,
        description="The JSON body, with {parameter} in its texts. Left out, a POST, PUT or PATCH has the parameters "
        "that are used nowhere else.",
    )
    headers: dict[HeaderName, Value] = Field(default={}, description="Headers: text, or a table with env.")


class ToolTable(ToolSettings, Shape):
    """Something that the model may call: a Python function, or an HTTP endpoint."""

    function: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")] | None = Field(
        default=None,
        description='"module:function". A module beside the agent file comes before an installed one.',
        examples=["tools:find_cars"],
    )
    http: HttpTable | None = Field(default=None, description="An HTTP endpoint in place of a function.")
    name: Name | None = Field(default=None, description="An HTTP tool's name.")
    description: str = Field(default="", description="What an HTTP tool does: the model decides by it.")
    parameters: dict[Name, Parameter] = Field(
        default={}, description="An HTTP tool's parameters: a description each, or a table."
    )
    parameters_schema: dict[str, Any] | None = Field(
        default=None, description="The same as a JSON Schema, where parameters cannot say it."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.function is None) == (self.http is None):
            raise problem('needs either function = "module:function" or http')
        told = [key for key in ("name", "description", "parameters", "parameters_schema") if getattr(self, key)]
        if self.function is not None and told:
            raise problem(f"has {told[0]}, but a function says that itself")
        if self.http is not None and not (self.name and self.description):
            raise problem("is an HTTP tool and needs name and description")
        if self.parameters and self.parameters_schema is not None:
            raise problem("has parameters and parameters_schema: only one makes sense")
        return self


class McpToolTable(ToolSettings, Shape):
    """A tool of an MCP server. What is left out is as the server's table has it."""

    description: str = Field(default="", description="What the model is told, in place of the server's own words.")


class McpTable(Shape):
    """An MCP server whose tools the model may call: a command to start, or an address."""

    command: NonEmpty | None = Field(default=None, description="The program to start, in the agent file's folder.")
    args: list[str] = Field(default=[], description="Its arguments.")
    env: dict[NonEmpty, Value] = Field(
        default={}, description="Its environment, beside PATH and HOME: text, or a table with env."
    )
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@\\]+([/?][^\s#\\]*)?$")] | None = Field(
        default=None, description="The address of a server that speaks streamable HTTP."
    )
    headers: dict[HeaderName, Value] = Field(default={}, description="Headers: text, or a table with env.")
    allow: list[NonEmpty] = Field(
        description='The tools that the model may call, by the server\'s names; ["*"] is all of them.', min_length=1
    )
    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]*$")] = Field(
        default="", description="What the names of its tools begin with, to tell them from others."
    )
    connect_s: float = Field(default=30.0, description="Seconds to start it or connect to it.", ge=0.1, le=120)
    timeout_s: float = Field(
        default=10.0,
        description="Seconds after which a call is given up, for tools that say nothing else.",
        ge=0.1,
        le=300,
    )
    tools: dict[NonEmpty, McpToolTable] = Field(default={}, description="Settings of single tools, by name.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise problem("needs either command or url")
        if self.url is not None and (self.args or self.env):
            raise problem("has a url: args and env are for a command")
        if self.command is not None and self.headers:
            raise problem("has a command: headers are for a url")
        return self

"""The shape of an agent file's tables about the talk: whose turn it is, what ends a call, what may be done with it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from vivavoce.agent.shape_base import Name, NonEmpty, Shape, problem

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


class TurnsTable(Shape):
    """How turns are taken."""

    interruption: Literal["model", "local", "hybrid", "never"] = Field(
        default="model",
        description="Who says that the caller has cut the agent off. model: the model. local: the server, at any "
        "speech of the caller's. hybrid: the server, after a moment of silence in which it makes sure; a backchannel, "
        "a cough or somebody else's talk does not. never: the agent finishes.",
    )
    protect_greeting: bool = Field(default=False, description="The greeting cannot be cut off.")
    endpoint_ms: Annotated[int, Field(ge=0, le=5000)] = Field(
        default=0, description="Milliseconds of silence that end the caller's turn. 0: the model's own choice."
    )
    pause_ms: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=185,
        description="hybrid: so long after the first sound of a voice the agent pauses; a click is shorter.",
    )
    decide_ms: Annotated[int, Field(ge=100, le=2000)] = Field(
        default=490, description="hybrid: so long the agent is silent at most before a voice that goes on has the turn."
    )
    backchannel_ms: Annotated[int, Field(ge=200, le=5000)] = Field(
        default=1000, description='hybrid: what lasts longer is no "mm-hm", however it sounds.'
    )
    tail_ms: Annotated[int, Field(ge=0, le=5000)] = Field(
        default=600, description="local, hybrid: a voice into the last of a reply is an answer that came early."
    )


class SpendTable(Shape):
    """The most that a call may cost."""

    most: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?$")] = Field(
        description='The amount, as text: "0.50".', examples=["0.50"]
    )
    currency: Literal["USD"] = Field(default="USD", description="The currency of the price book.")
    warning: str = Field(default="", description="What the agent says when most of it is spent.")
    warn_at: Annotated[float, Field(gt=0, lt=1)] = Field(default=0.8, description="The share at which it says so.")
    downgrade_at: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.5, description="The share at which downgrade_to takes over."
    )
    downgrade_to: NonEmpty | None = Field(
        default=None,
        description="One of the agent's models, but the first: it takes over at the next turn, once so much is spent.",
    )

    @field_validator("most")
    @classmethod
    def _is_something(cls, most: str) -> str:
        if not most.strip("0."):
            raise problem("must be more than nothing")
        return most


class LimitsTable(Shape):
    """What ends a call, and how much of a result reaches the model."""

    silence_s: float = Field(
        default=60.0, description="Seconds without a word from either side that end the call.", ge=1, le=3600
    )
    reprompts: list[NonEmpty] = Field(
        default=[], description="What the agent says, one after the other, when the caller says nothing for a while."
    )
    reprompt_s: float = Field(
        default=15.0, description="Seconds of silence before each of the reprompts.", ge=1, le=3600
    )
    call_s: float = Field(default=1800.0, description="The longest call, in seconds.", ge=1, le=86_400)
    warning: str = Field(default="", description="What the agent says when the longest call is nearly over.")
    warning_s: float = Field(default=60.0, description="Seconds before the end at which it says so.", ge=1, le=86_400)
    spend: SpendTable | None = Field(default=None, description="The most that a call may cost.")
    result_bytes: int = Field(
        default=16_384, description="The largest tool result, as JSON, that reaches the model.", ge=256, le=1_048_576
    )


class DestinationTable(Shape):
    """Somebody to whom the agent may transfer the caller."""

    to: NonEmpty = Field(description="A number (E.164), a SIP address or an extension.", examples=["+15550100"])
    description: str = Field(default="", description="Who that is: the model decides by it.")
    warm: bool = Field(default=False, description="Whoever answers is told first what the call is about.")


class SecretTable(Shape):
    """A secret that is kept in the environment."""

    env: NonEmpty = Field(description="The environment variable that holds it.")


class WebhookTable(Shape):
    """An address that carries out transfers where the channel cannot."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://")] = Field(description="Where the order is sent.")
    secret: SecretTable | None = Field(default=None, description="What the order is signed with.")


class OtherAgentTable(Shape):
    """An agent that this one may become in mid-call."""

    file: NonEmpty = Field(description="Its agent file, from the folder of this one.")
    description: str = Field(default="", description="What it is for: the model decides by it.")


class ControlTable(Shape):
    """What the agent may do with the call itself; each is a tool that the model is told of."""

    transfer: dict[Name, DestinationTable] = Field(default={}, description="Whom callers can be transferred to.")
    transfer_webhook: WebhookTable | None = Field(
        default=None, description="What carries out transfers where the channel cannot."
    )
    collect_digits: bool = Field(default=False, description="Wait for keys or spoken digits.")
    send_digits: bool = Field(default=False, description="Press keys.")
    hold: bool = Field(default=False, description="Let the caller wait, unheard.")
    hold_s: float = Field(default=300.0, description="The longest hold, in seconds.", ge=1, le=3600)
    notes: bool = Field(default=False, description="Keep a note with the call.")
    languages: list[Language] = Field(default=[], description="Languages that the talk may go over to.")
    agents: dict[Name, OtherAgentTable] = Field(default={}, description="Agents that this one may become.")


class VoicemailTable(Shape):
    """What to do when a machine answers a call that the server made."""

    action: Literal["ignore", "hang_up", "leave_message"] = Field(default="ignore", description="What is done.")
    message: str = Field(default="", description="What is said after the beep.")

    @model_validator(mode="after")
    def _has_words(self) -> Self:
        if self.action == "leave_message" and not self.message:
            raise problem("needs a message to leave")
        return self

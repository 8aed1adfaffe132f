"""What an agent is, after its file was read and proved: plain frozen values that the engine and the models read.

Nothing here knows TOML, templates or the disk; :mod:`vivavoce.agent.file` makes these values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from vivavoce.agent.outside import HttpEndpoint, McpFunction

ToolFunction = Callable[..., Any] | HttpEndpoint | McpFunction
"""What runs when a tool is called."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """One Markdown file that the agent may answer from. ``name`` is the file's name without its folder."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Tool:
    """Something the model may call; ``function`` is what runs, whatever its kind.

    ``parameters`` is a JSON Schema object (``type: object``, ``properties``, ``required``); property schemas use
    ``enum``, ``format: date | time | date-time``, ``type: integer | number | boolean | string`` and, for strings that
    are said in a special way, ``x-spoken: name | digits | letters | phone | email | free``.

    The fields below ``timeout_ms`` help a model that is not a language model (the embedded one); a language model may
    use them as hints. ``examples`` are things a caller says to want this tool, with ``{parameter}`` where a value
    stands. ``questions`` maps a parameter to the question that asks for it. ``reply`` is a Jinja template over
    ``result`` (what the function returned) and the arguments by name. ``confirm`` asks the caller to say yes before
    the function is called.

    ``idempotent``: calling it twice does no more than calling it once, so it is tried up to ``attempts`` times.
    ``lead_in`` is said when it has run for ``lead_in_ms``, the texts of ``progress`` in turn every ``progress_ms``
    after that. ``supersedable``: it may be given up when the caller goes on, or the model calls it anew. With
    ``approval`` somebody must say yes, within ``approval_ms``. ``result_bytes``: as in :class:`Limits`, for this tool
    (0: as there). ``price`` is what one call of it costs, in US dollars; None where nobody says.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    function: ToolFunction
    timeout_ms: int = 10_000
    confirm: bool = False
    examples: tuple[str, ...] = ()
    questions: Mapping[str, str] = field(default_factory=dict)
    reply: str = ""
    idempotent: bool = False
    attempts: int = 1
    lead_in: str = ""
    lead_in_ms: int = 1_500
    progress: tuple[str, ...] = ()
    progress_ms: int = 8_000
    supersedable: bool = False
    approval: bool = False
    approval_ms: int = 60_000
    result_bytes: int = 0
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """How turns are taken. ``interruption``: who says that the caller has cut the agent off: the ``model``; ourselves,
    at any speech (``local``); we, after a moment in which the agent is silent (``hybrid``); or nobody (``never``: the
    agent finishes). ``pause_ms`` after a voice began the agent pauses, for ``decide_ms`` at most; ``backchannel_ms`` is
    the longest "mm-hm"; a voice into the last ``tail_ms`` of a reply is an early answer. ``protect_greeting`` keeps the
    greeting whole. ``endpoint_ms`` is the silence that ends a turn, where the model lets us choose (0: the model's own
    choice)."""

    interruption: Literal["model", "local", "hybrid", "never"] = "model"
    protect_greeting: bool = False
    endpoint_ms: int = 0
    pause_ms: int = 185
    decide_ms: int = 490
    backchannel_ms: int = 1_000
    tail_ms: int = 600

    @property
    def listens(self) -> bool:
        """Whether a detector of our own hears the caller."""
        return self.interruption in ("local", "hybrid")


@dataclass(frozen=True, slots=True)
class Spend:
    """The most that a call may cost, in ``currency``; ``warning`` is said when ``warn_at`` of it (0 to 1) is spent. At
    ``downgrade_at`` of it the model ``downgrade_to`` takes over at the next turn; where that is empty, none does."""

    most: Decimal
    currency: str = "USD"
    warning: str = ""
    warn_at: float = 0.8
    downgrade_at: float = 0.5
    downgrade_to: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """``silence_ms`` without a word from either side ends the call; ``call_ms`` is the longest call; ``result_bytes``
    the largest tool result that reaches a model. ``reprompts`` are said in turn after ``reprompt_ms`` of silence each.
    ``warning`` is said ``warning_ms`` before the longest call is over."""

    silence_ms: int = 60_000
    call_ms: int = 30 * 60_000
    result_bytes: int = 16_384
    reprompts: tuple[str, ...] = ()
    reprompt_ms: int = 15_000
    warning: str = ""
    warning_ms: int = 60_000
    spend: Spend | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a caller can be transferred: ``to`` is a number (E.164), a SIP address or an extension. ``warm``: whoever
    answers is told first what the call is about."""

    name: str
    to: str
    description: str = ""
    warm: bool = False


@dataclass(frozen=True, slots=True)
class OtherAgent:
    """An agent that this one may become in mid-call. ``file`` is its agent file."""

    name: str
    file: Path
    description: str = ""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that is told of a transfer where the channel cannot do it. ``secret`` signs what is sent to it."""

    url: str
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class CallControl:
    """What the agent may do with the call itself. Each is a built-in tool that the model is told of."""

    transfer: tuple[Destination, ...] = ()
    transfer_webhook: Webhook | None = None
    collect_digits: bool = False
    send_digits: bool = False
    hold: bool = False
    hold_ms: int = 5 * 60_000
    notes: bool = False
    languages: tuple[str, ...] = ()
    agents: tuple[OtherAgent, ...] = ()


@dataclass(frozen=True, slots=True)
class Voicemail:
    """What to do when a machine answers a call that we made; ``message`` is said after its beep."""

    action: Literal["ignore", "hang_up", "leave_message"] = "ignore"
    message: str = ""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """One speech model, in order of preference, with its own settings (checked by the model itself)."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent ready to take calls. ``instructions``, ``greeting``, ``farewell`` and ``apology`` are rendered text.
    ``tenant`` is whose calls these are, empty where nobody is told apart."""

    name: str
    instructions: str
    language: str = "en-US"
    voice: str = ""
    greeting: str = ""
    farewell: str = ""
    apology: str = ""
    version: str = ""
    knowledge: tuple[Knowledge, ...] = ()
    tools: tuple[Tool, ...] = ()
    vocabulary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    turns: TurnPolicy = TurnPolicy()
    limits: Limits = Limits()
    control: CallControl = CallControl()
    voicemail: Voicemail = Voicemail()
    models: tuple[ModelChoice, ...] = (ModelChoice("local"),)
    record: bool = False
    tenant: str = field(default="", compare=False)  # the same agent answers for all of them

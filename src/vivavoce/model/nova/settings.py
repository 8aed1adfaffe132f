"""``[models.settings]`` of a Nova Sonic model, checked before a call is taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from vivavoce.errors import SetupFault
from vivavoce.model.nova.catalogue import NOVA_2_SONIC

RateHz = Literal[8000, 16000, 24000]


class NovaSettings(BaseModel):
    """What can be chosen for a Nova Sonic model. Empty strings and None leave the choice to the agent file, to AWS's
    own configuration, or to the service.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model_id: str = NOVA_2_SONIC.model_id
    like: str = ""
    """The known model id that an unknown ``model_id`` resembles: an inference profile, or a newer version."""
    region: str = ""
    profile: str = ""
    """A profile of AWS's own configuration files."""
    voice: str = ""
    endpoint: str = ""
    """Where the service is, if not where AWS has it: ``https://127.0.0.1:8443`` for the emulator."""
    ca_file: str = ""
    """The certificates to trust, in the place of the usual ones: what `vivavoce emulate` prints."""
    input_rate_hz: RateHz | None = None
    """Of the audio that is sent. None: the call's own where the service takes it, else 16 kHz."""
    output_rate_hz: RateHz | None = None
    """Of the audio that is asked for. None: the call's own where the service has it, else 24 kHz."""
    endpointing_sensitivity: Literal["HIGH", "MEDIUM", "LOW", ""] = ""
    """How soon a pause of the caller's is taken for the end of a turn. Left empty, the agent's ``turns.endpoint_ms``
    chooses the nearest.
    """
    max_tokens: int = Field(default=1024, ge=1, le=10_000)
    top_p: float = Field(default=0.9, ge=0, le=1)
    temperature: float = Field(default=0.7, ge=0, le=1)
    tool_choice: str = ""
    """``auto``, ``any``, or the name of a tool."""
    system_speech: str = ""
    """A SYSTEM_SPEECH prompt, which chooses the script that Hindi is written in."""
    lifetime_s: float = Field(default=0, ge=0)
    """How long a session is kept, where less than the service's own 8 minutes is wanted; 0 for those."""
    reply_limit_s: float = Field(default=10.0, ge=0)
    """A session that owes an answer and says nothing at all for so long is given up; 0: never."""
    streams_per_connection: int = Field(default=1, ge=1, le=100)
    connect_timeout_ms: int = Field(default=10_000, gt=0)
    open_timeout_ms: int = Field(default=15_000, gt=0)
    """From the request to the service's first word."""
    idle_timeout_ms: int = Field(default=300_000, gt=0)
    """A stream on which the service says nothing at all for so long is lost."""

    @field_validator("endpoint")
    @classmethod
    def _is_url(cls, endpoint: str) -> str:
        if endpoint and (urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).hostname):
            raise ValueError("it must be a URL such as https://127.0.0.1:8443")
        return endpoint


def read_settings(settings: Mapping[str, Any], name: str) -> NovaSettings:
    """Raises :class:`SetupFault`, one line for all that is wrong."""
    try:
        return NovaSettings.model_validate(dict(settings))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        told = (f"setting {'.'.join(map(str, one['loc']))!r}: {_what(one)}" for one in wrong)
        unknown = any(one["type"] == "extra_forbidden" for one in wrong)
        hint = "it knows " + ", ".join(sorted(NovaSettings.model_fields)) if unknown else ""
        raise SetupFault(f"model {name}: {'; '.join(told)}", hint=hint) from error


def _what(wrong: Mapping[str, Any]) -> str:
    if wrong["type"] == "extra_forbidden":
        return "there is none of that name"
    return str(wrong["msg"]).removeprefix("Value error, ")

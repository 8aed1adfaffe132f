"""Amazon Nova Sonic as a speech model: an agent and settings in, sessions out.

Whatever can be known before a call is checked when the model is made: ids, voices, rates, tools, sizes. Whether AWS
lets us in is only known when a session opens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from vivavoce.agent.declaration import Agent
from vivavoce.audio.level_gate import LevelGate
from vivavoce.errors import AccessFault, SetupFault
from vivavoce.events import ConnectionId
from vivavoce.model.bedrock.client import BedrockClient
from vivavoce.model.bedrock.connect import trust
from vivavoce.model.bedrock.identity import FixedIdentity, Identity
from vivavoce.model.bedrock.port import Bedrock, Stream
from vivavoce.model.bedrock.settings import BedrockSettings, Timeouts
from vivavoce.model.nova.access import has_config, has_keys, why_no_access
from vivavoce.model.nova.catalogue import RATES_HZ, NovaSonic, check_region, choose_voice, find_model, sensitivity_for
from vivavoce.model.nova.instructions import check_system_text, system_text, tool_specs
from vivavoce.model.nova.prompt import Opening
from vivavoce.model.nova.session import NovaSession, SessionPlan
from vivavoce.model.nova.settings import NovaSettings, read_settings
from vivavoce.model.port import ModelProfile
from vivavoce.wire.nova_input import SessionStart, ToolSpec
from vivavoce.wire.sigv4 import Keys

NAME = "nova-2-sonic"
DESCRIPTION = (
    "Amazon Nova on Bedrock: a speech-to-speech model with open conversation, tools that run beside the talk, and "
    "interruption by its own judgement. It needs AWS credentials, access to the model, and a region that has it. It "
    "cannot be told to stop: what it goes on making after a cancellation is thrown away, and paid for."
)
_SIMULATED = " This one is at {endpoint}, on this machine: its figures say nothing of the real service."
INPUT_RATE_HZ, OUTPUT_RATE_HZ = 16_000, 24_000
"""Where nothing else is better."""
_EMULATOR_REGION = "us-east-1"
_MADE_UP_KEYS = Keys("VIVAVOCE", "not-a-secret")


class NovaModel:
    """``now`` tells the time, for "tomorrow" and for credentials that expire. ``bedrock`` opens the streams in the
    place of the client that the settings describe; it is not closed here.

    Raises :class:`SetupFault`, one line, for anything that would keep every call from working.
    """

    def __init__(
        self,
        agent: Agent,
        settings: Mapping[str, Any],
        *,
        now: Callable[[], datetime],
        environment: Mapping[str, str],
        bedrock: Bedrock | None = None,
    ) -> None:
        self._settings = read_settings(settings, NAME)
        self._environment = environment
        self._now = now
        self._sonic = find_model(self._settings.model_id, self._settings.like)
        self._bedrock_settings = _bedrock_settings(self._settings, environment)
        _check_text_input(agent, self._sonic)
        check_system_text(agent, self._sonic, now())
        self._plan = _plan(agent, self._settings, self._sonic, now)
        self._at_rates: dict[int, NovaModel] = {}
        self.profile = _profile(self._sonic, self._plan.opening, self._bedrock_settings.endpoint)
        self._check_region()
        self._given = bedrock
        self._shared = _Shared(self._make_client, bedrock)

    def why_not_here(self) -> str:
        settings = self._bedrock_settings
        if settings.ca_file is not None and not settings.ca_file.is_file():
            return (
                f"ca_file names {settings.ca_file}, which is no file (name a PEM file with the certificates to trust)"
            )
        if settings.ca_file is not None and (reason := _why_no_trust(settings.ca_file)):
            return reason
        if self._given is not None or self._shows_made_up_keys():
            return ""
        if reason := why_no_access(settings.profile, self._environment):
            return reason
        if not settings.region and not has_config(self._environment):
            known = f": {self._sonic.name} is in {', '.join(self._sonic.regions)}" if self._sonic.regions else ""
            return f"no AWS region (set 'region' or AWS_REGION{known})"
        return ""

    def session(self, connection: ConnectionId) -> NovaSession:
        return NovaSession(connection, self._plan, _Lease(self._shared))

    def at_rate(self, call_hz: int) -> NovaModel:
        """As :class:`~vivavoce.model.port.AnyRateModel` has it. The settings have the last word; all rates share the
        client.
        """
        if call_hz not in self._at_rates:
            heard, spoken = _rates(self._settings, call_hz)
            other = copy(self)
            other._plan = at_rates(self._plan, heard, spoken)
            other.profile = _profile(self._sonic, other._plan.opening, self._bedrock_settings.endpoint)
            self._at_rates[call_hz] = other
        return self._at_rates[call_hz]

    def _shows_made_up_keys(self) -> bool:
        """An emulator needs no account: where there are no keys, it is shown made-up ones."""
        return self.profile.simulated and not has_keys(self._environment) and not self._settings.profile

    def _make_client(self) -> BedrockClient:
        return BedrockClient(
            self._bedrock_settings,
            now=self._now,
            environment=self._environment,
            random=Random(),  # noqa: S311  # spreads attempts, keeps nothing secret
            identities=FixedIdentity(Identity(_MADE_UP_KEYS)) if self._shows_made_up_keys() else None,
        )

    def _check_region(self) -> None:
        """Of a model that is only like one that is known, the regions are not; and an emulator is in all of them."""
        anywhere = self._settings.like or (self.profile.simulated and not self._settings.region)
        if self._bedrock_settings.region and not anywhere:
            check_region(self._sonic, self._bedrock_settings.region)


class _Shared:
    """One client for all sessions of a model, closed when none is open: renewal overlaps two, and between calls nothing
    is held.
    """

    def __init__(self, make: Callable[[], Bedrock], given: Bedrock | None) -> None:
        """``make`` makes the client when the first session wants one; ``given`` is used instead, and never closed."""
        self._make = make
        self._given = given
        self._made: Bedrock | None = None
        self._users = 0

    @property
    def bedrock(self) -> Bedrock:
        if self._given is not None:
            return self._given
        if self._made is None:
            self._made = self._make()
        return self._made

    def enter(self) -> None:
        self._users += 1

    async def leave(self) -> None:
        self._users -= 1
        if self._users == 0 and self._made is not None:
            await self._made.close()


class _Lease:
    """A session's part in the shared client."""

    def __init__(self, shared: _Shared) -> None:
        self._shared = shared
        self._holds = False

    async def open(self, model_id: str, opening: Sequence[bytes] = ()) -> Stream:
        if not self._holds:
            self._holds = True
            self._shared.enter()
        return await self._shared.bedrock.open(model_id, opening)

    async def close(self) -> None:
        if self._holds:
            self._holds = False
            await self._shared.leave()


def _why_no_trust(ca_file: Path) -> str:
    try:
        trust(ca_file)
    except AccessFault as fault:
        return str(fault)
    return ""


def _bedrock_settings(settings: NovaSettings, environment: Mapping[str, str]) -> BedrockSettings:
    ours = BedrockSettings(
        region=settings.region,
        profile=settings.profile,
        endpoint=settings.endpoint,
        ca_file=Path(settings.ca_file) if settings.ca_file else None,
        streams_per_connection=settings.streams_per_connection,
        timeouts=Timeouts(
            connect_ms=settings.connect_timeout_ms,
            open_ms=settings.open_timeout_ms,
            idle_ms=settings.idle_timeout_ms,
        ),
    ).with_environment(environment)
    if not ours.region and _on_this_machine(ours.endpoint):
        return replace(ours, region=_EMULATOR_REGION)
    return ours


def _plan(agent: Agent, settings: NovaSettings, sonic: NovaSonic, now: Callable[[], datetime]) -> SessionPlan:
    tools = tool_specs(agent, sonic)
    if settings.system_speech and not sonic.system_speech:
        raise SetupFault(f"{sonic.name} has no system_speech", hint="leave it out")
    opening = Opening(
        start=SessionStart(
            max_tokens=settings.max_tokens,
            top_p=settings.top_p,
            temperature=settings.temperature,
            endpointing_sensitivity=settings.endpointing_sensitivity or sensitivity_for(agent.turns.endpoint_ms),
            flat=sonic.endpointing == "flat",
        ),
        voice=choose_voice(sonic, agent.language, settings.voice or agent.voice),
        input_rate_hz=settings.input_rate_hz or INPUT_RATE_HZ,
        output_rate_hz=settings.output_rate_hz or OUTPUT_RATE_HZ,
        tools=tools,
        tool_choice=_tool_choice(settings.tool_choice, tools),
        system_speech=settings.system_speech,
    )
    return SessionPlan(
        model=sonic,
        model_id=settings.model_id,
        opening=opening,
        system=lambda: system_text(agent, now()),
        detector=lambda: LevelGate(opening.input_rate_hz),
        new_name=lambda: str(uuid4()),
        now=now,
        lifetime_s=min(settings.lifetime_s or sonic.lifetime_s, sonic.lifetime_s),
        reply_limit_s=settings.reply_limit_s,
    )


def _rates(settings: NovaSettings, call_hz: int) -> tuple[int, int]:
    """What a call at that rate is heard and answered at."""
    own = call_hz if call_hz in RATES_HZ else None
    return settings.input_rate_hz or own or INPUT_RATE_HZ, settings.output_rate_hz or own or OUTPUT_RATE_HZ


def at_rates(plan: SessionPlan, input_rate_hz: int, output_rate_hz: int) -> SessionPlan:
    opening = replace(plan.opening, input_rate_hz=input_rate_hz, output_rate_hz=output_rate_hz)
    return replace(plan, opening=opening, detector=lambda: LevelGate(input_rate_hz))


def _tool_choice(choice: str, tools: tuple[ToolSpec, ...]) -> str | None:
    if choice in ("", "auto", "any"):
        return choice or None
    names = [tool.name for tool in tools]
    if choice not in names:
        raise SetupFault(f"tool_choice names no tool: {choice!r}", hint=f"it may be auto, any, {', '.join(names)}")
    return f"tool:{choice}"


def _check_text_input(agent: Agent, sonic: NovaSonic) -> None:
    spoken = [name for name, text in (("greeting", agent.greeting), ("farewell", agent.farewell)) if text]
    if spoken and not sonic.text_input:
        raise SetupFault(
            f"{sonic.name} cannot speak a text that it is given, and the agent has a {' and a '.join(spoken)}",
            hint="leave that out, or use amazon.nova-2-sonic-v1:0",
        )


def _profile(sonic: NovaSonic, opening: Opening, endpoint: str) -> ModelProfile:
    simulated = _on_this_machine(endpoint)
    return ModelProfile(
        sonic.slug,
        DESCRIPTION + (_SIMULATED.format(endpoint=endpoint) if simulated else ""),
        input_rate_hz=opening.input_rate_hz,
        output_rate_hz=opening.output_rate_hz,
        simulated=simulated,
        voices=tuple(voice.name for voice in sonic.voices),
        speaks=sonic.text_input,
    )


def _on_this_machine(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")

"""What a speech model is: audio in, audio out, over one duplex session.

A :class:`Model` is a provider with its settings, checked once; each call opens :class:`ModelSession` after
:class:`ModelSession` from it. A session delivers facts and performs wishes, and knows nothing of the call's rules.
``vivavoce.conformance.model`` is the suite that any model must pass.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from vivavoce.events import ConnectionId, ModelEffect, ModelEvent

EmitModelEvent = Callable[[ModelEvent], Awaitable[None]]
"""Hands over one fact. For ``AgentAudio`` it may wait, while more than enough is queued towards the caller: a session
must not let its other facts wait behind that."""


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """What differs between models, as data. ``description`` is honest about what the model can and cannot do.

    ``simulated`` marks a stand-in whose figures say nothing about a real provider. ``voices`` are the names that an
    agent file may give in ``voice``; empty where nobody knows them beforehand. ``speaks``: it can be told what to say
    while it talks; for one that cannot, the embedded voice says that a tool takes its time.
    """

    name: str
    description: str
    input_rate_hz: int
    output_rate_hz: int
    simulated: bool = False
    voices: tuple[str, ...] = ()
    speaks: bool = True


class ModelSession(Protocol):
    """One open connection. Its facts carry the connection it was opened for."""

    async def run(self, emit: EmitModelEvent) -> None:
        """Open, emit ``ModelReady``, then whatever the model says, until cancelled (the call closed this session).

        Raises :class:`~vivavoce.errors.ModelFault` when the provider fails or ends the session by itself. Cancelling
        must leave nothing behind: no process, no thread, no socket.
        """
        ...

    def perform(self, effect: ModelEffect) -> None:
        """Take a wish; never blocks. Caller audio comes at ``input_rate_hz``; ``Speak`` must be answered by a response
        with the id it names; after ``CancelResponse`` the response sends no more than what is on its way already."""
        ...


@runtime_checkable
class AnyRateModel(Protocol):
    """A model that can be had at other rates than its profile's."""

    def at_rate(self, call_hz: int) -> Model:
        """The same model, with the rates that suit a call at ``call_hz`` best: where they agree, nothing is
        resampled."""
        ...


class Model(Protocol):
    """A provider, set up for one agent."""

    profile: ModelProfile

    def why_not_here(self) -> str:
        """Why this model cannot be used on this machine as it is set up, and what to do; empty if it can."""
        ...

    def session(self, connection: ConnectionId) -> ModelSession: ...

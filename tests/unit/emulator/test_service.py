"""The service as a whole: what it does with a request before and while it opens a stream."""

from __future__ import annotations

import pytest

from tests.unit.emulator.clients import KEYS, V2, Bench, Client, virtual_now, with_emulator
from vivavoce.emulator.admission import Access
from vivavoce.emulator.faults import parse_fault
from vivavoce.emulator.service import EmulatorSettings, fixed
from vivavoce.errors import ModelFault, ModelRefused, ModelUnreachable
from vivavoce.events import ConnectionId, ModelEffect
from vivavoce.model.bedrock.settings import Timeouts
from vivavoce.model.port import EmitModelEvent, ModelSession
from vivavoce.model.scripted import Script, ScriptedModel
from vivavoce.wire.nova_input import ContentEnd, ContentStart, PromptStart, SessionStart, TextInput, encode

OPENING = [
    encode(event)
    for event in (
        SessionStart(max_tokens=1024),
        PromptStart(prompt="p", voice="matthew", output_rate_hz=24_000),
        ContentStart(prompt="p", content="s", type="TEXT", role="SYSTEM", interactive=False),
        TextInput(prompt="p", content="s", text="You are a test."),
        ContentEnd(prompt="p", content="s"),
    )
]
SLOW = [parse_fault("slow-open=3@open")]


def test_what_comes_before_a_slow_stream_is_open_is_answered_after_the_headers() -> None:
    """Every published client sends its first events with the request; the service answers them with usage."""

    async def talk(bench: Bench) -> None:
        client = Client(await bench.client().open(V2, OPENING))
        client.open_audio()
        await client.hush(200)
        await client.close()
        assert client.fault is None
        assert client.shape() == ["CompletionStart", "CompletionEnd"]

    with_emulator(talk, faults=SLOW)


def test_a_complaint_about_it_comes_after_the_headers_too() -> None:
    async def talk(bench: Bench) -> None:
        client = Client(await bench.client().open(V2, OPENING[1:]))
        await client.reader
        assert isinstance(client.fault, ModelRefused)

    with_emulator(talk, faults=SLOW)


def test_a_client_that_does_not_wait_for_it_frees_its_place() -> None:
    async def talk(bench: Bench) -> None:
        with pytest.raises(ModelUnreachable, match="did not answer"):
            await bench.client(timeouts=Timeouts(open_ms=1000)).open(V2, OPENING)

    with_emulator(talk, faults=SLOW)


def test_who_is_let_in_is_not_in_its_text() -> None:
    access = Access(virtual_now, {KEYS.access_key: KEYS}, frozenset({"made-up-token"}))
    assert access.verifies
    assert KEYS.secret_key not in repr(access)
    assert "made-up-token" not in repr(EmulatorSettings(fixed(ScriptedModel(Script())), access))


class Broken(ScriptedModel):
    """Its sessions fail with what the caller said."""

    def session(self, connection: ConnectionId) -> ModelSession:
        del connection

        class Session:
            async def run(self, emit: EmitModelEvent) -> None:
                raise ValueError("my card number is 4111")

            def perform(self, effect: ModelEffect) -> None:
                pass

        return Session()


def test_a_mistake_in_a_brain_is_told_by_its_place_and_not_in_its_words() -> None:
    async def talk(bench: Bench) -> None:
        client = await bench.open()
        client.begin()
        await client.reader
        assert isinstance(client.fault, ModelFault)
        (told,) = [line for line in bench.notices if "brain failed" in line]
        assert "ValueError in test_service.py, line " in told
        assert "4111" not in "".join(bench.notices)

    with_emulator(talk, brain=fixed(Broken(Script())))

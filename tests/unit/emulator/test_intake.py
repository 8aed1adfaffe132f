"""What a client may send, in which order, and in whose words it is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from vivavoce.emulator import complaints
from vivavoce.emulator.catalogue import V1, V2, Generation
from vivavoce.emulator.complaints import Complaint
from vivavoce.emulator.intake import (
    AudioOpened,
    CallerSaid,
    Instructed,
    Intake,
    Interaction,
    Meaning,
    PromptClosed,
    PromptOpened,
    Remembered,
    Reopened,
    SessionClosed,
    ToolAnswered,
    Typed,
)
from vivavoce.emulator.moves import Note
from vivavoce.events import PastTurn, Speaker
from vivavoce.wire.nova_input import (
    AudioInput,
    ContentEnd,
    ContentStart,
    InputEvent,
    PromptEnd,
    PromptStart,
    SessionEnd,
    SessionStart,
    TextInput,
    ToolResult,
    ToolSpec,
    Unknown,
)

SCHEMA = '{"type":"object"}'
SESSION = SessionStart()
PROMPT = PromptStart(prompt="p", voice="matthew", output_rate_hz=24_000)
AUDIO = ContentStart(prompt="p", content="a", type="AUDIO", role="USER", interactive=True, rate_hz=16_000)
SOUND = AudioInput(prompt="p", content="a", pcm=b"\0\0")


def block(role: str | None, *texts: str, name: str = "t", interactive: bool | None = False) -> list[InputEvent]:
    return [
        ContentStart(prompt="p", content=name, type="TEXT", role=role, interactive=interactive),
        *(TextInput(prompt="p", content=name, text=text) for text in texts),
        ContentEnd(prompt="p", content=name),
    ]


SYSTEM = block("SYSTEM", "Be kind.", name="s")
PRIMED: list[InputEvent] = [SESSION, PROMPT, *SYSTEM]
LIVE: list[InputEvent] = [*PRIMED, AUDIO]


def take(
    events: Sequence[InputEvent], *, strict: bool = False, generation: Generation = V2, awaited: str = "use-1"
) -> list[Meaning]:
    intake = Intake(generation, lambda tool_use: tool_use == awaited, strict=strict)
    return [meaning for event in events for meaning in intake.take(event)]


def refusal(events: Sequence[InputEvent], *, strict: bool = False, generation: Generation = V2) -> str:
    """The text of the complaint about the last event; all before it pass."""
    intake = Intake(generation, lambda tool_use: tool_use == "use-1", strict=strict)
    for event in events[:-1]:
        list(intake.take(event))
    with pytest.raises(Complaint) as caught:
        list(intake.take(events[-1]))
    return caught.value.message


def test_a_session_in_order() -> None:
    history = [*block("USER", "Hi.", name="h1"), *block("ASSISTANT", "Hello ", "there.", name="h2")]
    events = [
        *PRIMED,
        *history,
        AUDIO,
        SOUND,
        *block("USER", "Typed.", interactive=True),
        ContentEnd(prompt="p", content="a"),
        PromptEnd(prompt="p"),
        SessionEnd(),
    ]
    assert take(events, strict=True) == [
        PromptOpened(PROMPT),
        Instructed("Be kind."),
        Remembered(PastTurn(Speaker.CALLER, "Hi.")),
        Remembered(PastTurn(Speaker.AGENT, "Hello there.")),
        AudioOpened(16_000),
        CallerSaid(b"\0\0", heard=True),
        Interaction(),
        Interaction(),
        Typed("Typed."),
        PromptClosed(),
        SessionClosed(),
    ]


def tool_block(result: str, tool_use: str | None = "use-1") -> list[InputEvent]:
    return [
        ContentStart(prompt="p", content="r", type="TOOL", role="TOOL", interactive=False, tool_use=tool_use),
        ToolResult(prompt="p", content="r", result=result),
        ContentEnd(prompt="p", content="r"),
    ]


def test_a_tool_result_says_whether_it_can_be_read() -> None:
    assert take([*LIVE, *tool_block('{"a": 1}')])[-1] == ToolAnswered("use-1", '{"a": 1}', readable=True)
    for text in ("[1]", "plain", '"text"', ""):
        assert take([*LIVE, *tool_block(text)])[-1] == ToolAnswered("use-1", text, readable=False)


def tools(*schemas: str, as_object: bool = False) -> PromptStart:
    specs = (
        ToolSpec(name=f"t{number}", description="", input_schema=schema, as_object=as_object)
        for number, schema in enumerate(schemas)
    )
    return PromptStart(prompt="p", voice="amy", output_rate_hz=24_000, tools=tuple(specs))


Cases = Mapping[str, tuple[Sequence[InputEvent], str]]

ALWAYS_REFUSED: Cases = {
    "prompt before session": ([PROMPT], complaints.INVALID),
    "a second session": ([SESSION, SESSION], complaints.INVALID),
    "the same prompt again": ([SESSION, PROMPT, PROMPT], "Duplicate prompt name: p"),
    "no voice": ([SESSION, PromptStart(prompt="p", output_rate_hz=24_000)], complaints.VOICE_MISSING),
    "unknown voice": ([SESSION, PromptStart(prompt="p", voice="hal", output_rate_hz=8000)], complaints.VOICE_UNKNOWN),
    "unknown output rate": ([SESSION, PromptStart(prompt="p", voice="amy", output_rate_hz=44_100)], complaints.INVALID),
    "unknown sensitivity": ([SessionStart(endpointing_sensitivity="SOMETIMES")], complaints.UNREADABLE),
    "flat turn detection": ([SessionStart(endpointing_sensitivity="LOW", flat=True)], complaints.INVALID),
    "hot": ([SessionStart(temperature=3.0)], complaints.INVALID),
    "a second SYSTEM block": ([*PRIMED, *block("SYSTEM", "Again.")][:-2], complaints.DUPLICATE_SYSTEM),
    "another input rate": (
        [*PRIMED, ContentStart(prompt="p", content="a", type="AUDIO", role="USER", interactive=True, rate_hz=44_100)],
        complaints.INVALID,
    ),
    "sound for no block": ([*PRIMED, SOUND], "No open content found for content name: a"),
    "text for a closed block": (
        [*PRIMED, TextInput(prompt="p", content="s", text="more")],
        "No open content found for content name: s",
    ),
    "text in audio": ([*LIVE, TextInput(prompt="p", content="a", text="x")], complaints.INVALID),
    "an unknown tool use": ([*LIVE, *tool_block("{}", "use-9")][:-2], complaints.INVALID),
    "a tool result of nothing": ([*LIVE, *tool_block("{}", None)][:-2], complaints.UNREADABLE),
    "a block of another prompt": (
        [*PRIMED, ContentStart(prompt="q", content="a", type="AUDIO", interactive=True, rate_hz=8000)],
        complaints.INVALID,
    ),
    "a name twice": ([*LIVE, AUDIO], complaints.INVALID),
    "an unknown type": ([*PRIMED, ContentStart(prompt="p", content="v", type="VIDEO")], complaints.UNREADABLE),
    "an unknown role": (
        [*PRIMED, ContentStart(prompt="p", content="v", type="TEXT", role="GOD")],
        complaints.UNREADABLE,
    ),
    "no JSON": ([SESSION, Unknown(name="", why="malformed")], complaints.UNREADABLE),
    "a member of the wrong type": ([SESSION, Unknown(name="promptStart", why="voiceId")], complaints.UNREADABLE),
    "an answer before a question": ([*PRIMED, *block("ASSISTANT", "Hello.")], complaints.INVALID),
    "a prompt in one piece": ([SESSION, PROMPT, *block("SYSTEM", "x" * 32_768)[:2]], complaints.INVALID),
    "an unreadable schema": (
        [SESSION, tools("{")],
        complaints.INVALID,
    ),
    "a chosen tool that is none": (
        [SESSION, PromptStart(prompt="p", voice="amy", output_rate_hz=8000, tools=(), tool_choice="tool:x")],
        complaints.INVALID,
    ),
}


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("case", ALWAYS_REFUSED)
def test_what_breaks_a_real_session_breaks_this_one(case: str, strict: bool) -> None:
    events, text = ALWAYS_REFUSED[case]
    assert refusal(events, strict=strict) == text


NULLABLE = '{"type":"object","properties":{"x":{"anyOf":[{"type":"string"},{"type":"null"}]}}}'
REFUSED_WHEN_STRICT: Cases = {
    "an unknown event": ([SESSION, Unknown(name="videoStart", why="unknown")], complaints.UNREADABLE),
    "a schema as object": ([SESSION, tools(SCHEMA, as_object=True)], complaints.UNREADABLE),
    "a value that may be null": ([SESSION, tools(NULLABLE)], complaints.INVALID),
    "no role": ([SESSION, PROMPT, *block(None, "x")][:-2], complaints.UNREADABLE),
    "no word on interactive": ([SESSION, PROMPT, *block("SYSTEM", "x", interactive=None)][:-2], complaints.UNREADABLE),
    "no SYSTEM block": ([SESSION, PROMPT, AUDIO], complaints.INVALID),
    "two turns of one side": (
        [*PRIMED, *block("USER", "a", name="1"), *block("USER", "b", name="2")],
        complaints.INVALID,
    ),
    "late history": ([*LIVE, *block("USER", "a")], complaints.HISTORY_TOO_LATE),
    "an end of nothing": (
        [*LIVE, ContentEnd(prompt="p", content="x")],
        "No open content found for content name: x",
    ),
    "audio left open": ([*LIVE, PromptEnd(prompt="p")], complaints.INVALID),
    "another prompt's end": ([*PRIMED, PromptEnd(prompt="q")], complaints.INVALID),
}


@pytest.mark.parametrize("case", REFUSED_WHEN_STRICT)
def test_what_clients_get_away_with_is_refused_only_when_strict(case: str) -> None:
    events, text = REFUSED_WHEN_STRICT[case]
    assert refusal(events, strict=True) == text
    assert any(isinstance(meaning, Note) for meaning in take(events))


def test_forms_that_clients_in_use_send() -> None:
    """Role in the text and not in the block (Java), SYSTEM interactive (LangChain), no end of audio (Pipecat)."""
    events: list[InputEvent] = [
        SESSION,
        PROMPT,
        ContentStart(prompt="p", content="s", type="TEXT", interactive=True),
        TextInput(prompt="p", content="s", text="Be kind.", role="SYSTEM"),
        ContentEnd(prompt="p", content="s"),
        AUDIO,
        SOUND,
        PromptEnd(prompt="p"),
        SessionEnd(),
    ]
    meanings = [meaning for meaning in take(events) if not isinstance(meaning, Note | Interaction)]
    assert meanings[1:] == [
        Instructed("Be kind."),
        AudioOpened(16_000),
        CallerSaid(b"\0\0", heard=True),
        PromptClosed(),
        SessionClosed(),
    ]


def test_role_in_the_text_counts_for_the_one_system_block() -> None:
    again: list[InputEvent] = [
        ContentStart(prompt="p", content="s2", type="TEXT", interactive=False),
        TextInput(prompt="p", content="s2", text="Be unkind.", role="SYSTEM"),
    ]
    assert refusal([*PRIMED, *again]) == complaints.DUPLICATE_SYSTEM


@pytest.mark.parametrize("interactive", [False, None])
def test_audio_that_is_not_interactive_is_not_heard(interactive: bool | None) -> None:
    audio = ContentStart(prompt="p", content="a", type="AUDIO", role="USER", interactive=interactive, rate_hz=16_000)
    meanings = take([*PRIMED, audio, SOUND])
    assert meanings[-1] == CallerSaid(b"\0\0", heard=False)
    assert any(isinstance(meaning, Note) for meaning in meanings)


def test_history_has_limits_in_bytes() -> None:
    fits = [*block("USER", "x" * 51_200, name="1"), *block("ASSISTANT", "x" * 51_200, name="2")]
    take([*PRIMED, *fits], strict=True)
    assert refusal([*PRIMED, *block("USER", "x" * 51_201)]) == complaints.HISTORY_TOO_LONG
    five = [block(("USER", "ASSISTANT")[n % 2], "x" * 45_000, name=str(n)) for n in range(5)]
    events = [*PRIMED, *(event for turn in five for event in turn)]
    assert refusal(events) == complaints.HISTORY_TOO_LONG
    assert refusal([*PRIMED, *block("USER", "ü" * 25_601)]) == complaints.HISTORY_TOO_LONG, "bytes, not characters"


def test_the_first_generation_has_limits_of_its_own() -> None:
    many = [block(("USER", "ASSISTANT")[n % 2], "x", name=str(n)) for n in range(41)]
    events = [*PRIMED, *(event for turn in many for event in turn)]
    take(events[:-3], generation=V1)
    assert refusal(events, generation=V1) == complaints.HISTORY_TOO_LONG
    assert refusal([*PRIMED, *block("USER", "x" * 1001)], generation=V1) == complaints.HISTORY_TOO_LONG
    take([SessionStart(endpointing_sensitivity="LOW", flat=True)], generation=V1, strict=True)
    olivia = PromptStart(prompt="p", voice="olivia")
    assert refusal([SESSION, olivia], generation=V1) == complaints.VOICE_UNKNOWN
    typed = [*LIVE, *block("USER", "Hello.", interactive=True)]
    assert refusal(typed, generation=V1, strict=True) == complaints.INVALID
    assert Typed("Hello.") not in take(typed, generation=V1)


def test_interactive_history_is_live_input() -> None:
    assert take([*PRIMED, *block("USER", "Hi.", interactive=True)])[-1] == Typed("Hi.")
    past = [*block("USER", "Hi.", name="1"), *block("ASSISTANT", "Hello.", interactive=True)]
    assert take([*PRIMED, *past])[-1] == Remembered(PastTurn(Speaker.AGENT, "Hello."))


def test_a_prompt_after_the_last_is_told_apart() -> None:
    assert take([*PRIMED, PromptEnd(prompt="p"), PromptStart(prompt="q")])[-1] == Reopened()


def test_after_the_end_nothing_means_anything() -> None:
    assert take([SESSION, SessionEnd(), PROMPT, Unknown(name="", why="")]) == [SessionClosed()]

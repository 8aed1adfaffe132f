"""What the agent's side looks like on the wire, and by which clock."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from vivavoce.emulator.moves import Happened, Move, Occasion, Send, Wish
from vivavoce.emulator.talk import PIECE_MS, WORDLESS, Talk
from vivavoce.events import END_CALL, CancelResponse, ConnectionId, Instant, ResponseId, Samples, Truncate
from vivavoce.wire.nova_output import (
    INTERRUPTED_MARK,
    AudioOutput,
    CompletionEnd,
    CompletionStart,
    ContentEnd,
    ContentStart,
    TextOutput,
    ToolUse,
)

C = ConnectionId(1)
R, R2 = ResponseId("r"), ResponseId("r2")
RATE_HZ = 8000


def talk() -> Talk:
    numbers = count(1)
    return Talk(lambda: f"c{next(numbers)}", C, RATE_HZ)


def ms(milliseconds: float) -> Instant:
    return Instant(round(milliseconds * 1000))


def sound(milliseconds: int) -> bytes:
    return bytes(RATE_HZ * milliseconds // 1000 * 2)


def told(moves: Iterable[Move]) -> list[str]:  # noqa: C901  # a table
    """Blocks as text, audio as its milliseconds, the rest by name."""
    lines: list[str] = []
    for move in moves:
        match move:
            case Send(ContentStart(type="TEXT", role=role, stage=stage)):
                lines.append(f"{role} {stage}")
            case Send(TextOutput(text=text)):
                lines[-1] += f" {text!r}"
            case Send(ContentEnd(type="AUDIO", stop_reason=stop)):
                lines.append(f"/AUDIO {stop}")
            case Send(ContentEnd(stop_reason=stop)):
                lines[-1] += f" {stop}"
            case Send(ContentStart(type=type_)):
                lines.append(type_)
            case Send(AudioOutput(pcm=pcm)):
                lines.append(f"{len(pcm) * 500 // RATE_HZ} ms")
            case Send(ToolUse(name=name, arguments=arguments, tool_use=tool_use)):
                lines[-1] += f" {tool_use} {name} {arguments}"
            case Send(event):
                lines.append(type(event).__name__)
            case Happened(occasion):
                lines.append(f"* {occasion}")
            case Wish(effect):
                lines.append(type(effect).__name__)
    return lines


def spoken(one: Talk, text: str, milliseconds: int, at_ms: float, response: ResponseId = R) -> list[str]:
    moves = [*one.says(response, text, ms(at_ms)), *one.sounds(response, sound(milliseconds), ms(at_ms))]
    return told(moves)


def test_a_reply_in_segments() -> None:
    one = talk()
    assert told(one.starts(R)) == []
    assert spoken(one, "Hello.", 200, 0) == [
        "CompletionStart",
        "ASSISTANT SPECULATIVE 'Hello.' PARTIAL_TURN",
        "AUDIO",
        "80 ms",
        "80 ms",
        f"* {Occasion.AGENT_SPEAKING}",
    ]
    assert spoken(one, "How are you?", 80, 50) == [
        "40 ms",
        "/AUDIO PARTIAL_TURN",
        "ASSISTANT SPECULATIVE 'How are you?' PARTIAL_TURN",
        "AUDIO",
        "80 ms",
    ]
    assert told(one.finishes(R)) == ["/AUDIO END_TURN"]
    assert one.deadline == ms(200)
    assert told(one.time_passed(ms(199))) == []
    assert told(one.time_passed(ms(200))) == ["ASSISTANT FINAL 'Hello.' PARTIAL_TURN"]
    assert one.deadline == ms(280)
    assert told(one.time_passed(ms(280))) == [
        "ASSISTANT FINAL 'How are you?' END_TURN",
        f"* {Occasion.LISTENING}",
    ]
    assert one.deadline is None


def test_audio_comes_in_pieces_whatever_the_brain_gives() -> None:
    one = talk()
    list(one.starts(R))
    lines = [line for _ in range(10) for line in told(one.sounds(R, sound(30), ms(0))) if line.endswith("ms")]
    assert lines == [f"{PIECE_MS} ms"] * 3
    assert told(one.finishes(R))[0] == "60 ms"


def test_sound_without_words_has_words_nevertheless() -> None:
    one = talk()
    list(one.starts(R))
    assert told(one.sounds(R, sound(80), ms(0)))[1] == f"ASSISTANT SPECULATIVE '{WORDLESS}' PARTIAL_TURN"


def test_words_without_sound_are_final_at_once_and_no_audio_ends() -> None:
    one = talk()
    list(one.starts(R))
    list(one.says(R, "Hm.", ms(5)))
    assert told(one.finishes(R)) == []
    assert told(one.time_passed(ms(5)))[0] == "ASSISTANT FINAL 'Hm.' END_TURN"


def test_the_clock_counts_what_is_still_to_be_played_before() -> None:
    """Two replies made at once are played one after the other."""
    one = talk()
    list(one.starts(R))
    spoken(one, "One.", 1000, 0)
    list(one.finishes(R))
    list(one.starts(R2))
    spoken(one, "Two.", 500, 100, R2)
    list(one.finishes(R2))
    assert told(one.time_passed(ms(1499))) == ["ASSISTANT FINAL 'One.' END_TURN"]
    assert told(one.time_passed(ms(1500)))[0] == "ASSISTANT FINAL 'Two.' END_TURN"


def test_other_blocks_wait_while_audio_is_open() -> None:
    one = talk()
    list(one.starts(R))
    spoken(one, "Let me look.", 80, 0)
    assert told(one.uses_tool("use-1", "find", "{}")) == [f"* {Occasion.TOOL_RUNNING}"]
    assert told(one.transcribes("and a red one")) == []
    assert told(one.finishes(R)) == [
        "/AUDIO END_TURN",
        "TOOL use-1 find {} TOOL_USE",
        "USER FINAL 'and a red one' PARTIAL_TURN",
    ]


def test_the_end_of_the_call_waits_for_the_words_before_it() -> None:
    one = talk()
    list(one.starts(R))
    assert told(one.uses_tool("use-1", END_CALL, "{}")) == [], "their sound may be yet to come"
    assert "TOOL" not in " ".join(spoken(one, "Goodbye.", 80, 0))
    assert told(one.finishes(R)) == [
        "/AUDIO END_TURN",
        "TOOL use-1 end_call {} TOOL_USE",
    ]


def test_an_empty_transcript_is_none() -> None:
    assert told(talk().transcribes("")) == []


def test_interrupted_while_it_is_made() -> None:
    one = talk()
    list(one.starts(R))
    spoken(one, "one two three four", 1000, 0)
    moves = list(one.interrupted(ms(500)))
    assert told(moves) == [
        "/AUDIO END_TURN",
        "ASSISTANT FINAL 'one two' PARTIAL_TURN",
        f"ASSISTANT FINAL {INTERRUPTED_MARK!r} INTERRUPTED",
        f"* {Occasion.INTERRUPTED}",
        "CancelResponse",
        "Truncate",
    ]
    wishes = [move.effect for move in moves if isinstance(move, Wish)]
    assert wishes == [CancelResponse(C, R), Truncate(C, R, Samples(4000), "one two")]
    assert told(one.sounds(R, sound(80), ms(600))) == [], "what is still on its way is dropped"
    assert told(one.says(R, "five", ms(600))) == []
    assert told(one.finishes(R)) == []
    assert one.deadline is None, "no FINAL of it ever comes"


def test_interrupted_while_it_is_played() -> None:
    """All was made and told long ago; by the service's clock the second sentence had not begun."""
    one = talk()
    list(one.starts(R))
    spoken(one, "First.", 1000, 0)
    spoken(one, "Second.", 1000, 0)
    list(one.finishes(R))
    list(one.time_passed(ms(1000)))
    moves = list(one.interrupted(ms(1010)))
    assert told(moves) == [
        f"ASSISTANT FINAL {INTERRUPTED_MARK!r} INTERRUPTED",
        f"* {Occasion.INTERRUPTED}",
        "Truncate",
    ]
    assert Wish(Truncate(C, R, Samples(8080), "First.")) in moves


def test_after_it_was_played_nothing_is_interrupted() -> None:
    one = talk()
    list(one.starts(R))
    spoken(one, "Hello.", 100, 0)
    list(one.finishes(R))
    list(one.time_passed(ms(100)))
    assert told(one.interrupted(ms(101))) == []


def test_what_is_only_thought_of_is_given_up_without_a_word() -> None:
    one = talk()
    list(one.starts(R))
    assert told(one.interrupted(ms(10))) == ["CancelResponse", "Truncate"]


def test_what_the_brain_broke_off_itself_is_not_cancelled_again() -> None:
    one = talk()
    list(one.starts(R))
    spoken(one, "Hello.", 100, 0)
    assert "CancelResponse" not in told(one.interrupted(ms(10), R))


def test_the_end_closes_what_is_open() -> None:
    one = talk()
    list(one.starts(R))
    spoken(one, "Hello.", 100, 0)
    assert told(one.closes()) == ["/AUDIO END_TURN", CompletionEnd.__name__]
    assert told(talk().closes()) == [CompletionStart.__name__, CompletionEnd.__name__]


def test_events_of_a_response_that_never_began_are_none() -> None:
    one = talk()
    assert told([*one.says(R, "x", ms(0)), *one.sounds(R, sound(80), ms(0)), *one.finishes(R)]) == []

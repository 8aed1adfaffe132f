"""What is told of replies, and when: sound as there is room for it, all else in its place."""

from tests.unit.wire.realtime.line import ONE, A, B
from vivavoce.events import (
    AgentText,
    Audio,
    FinishPlaying,
    Play,
    ResponseFinished,
    ResponseId,
    ResponseStarted,
    Samples,
)
from vivavoce.wire.realtime.pacing import ALL, BrokenOff, OfAReply, Pacer, Told
from vivavoce.wire.realtime.responses import Outcome

CUT = Outcome.TURN_DETECTED


def pacer(*values: OfAReply) -> Pacer:
    made = Pacer()
    made.begin(1_000)  # a sample is a millisecond
    for value in values:
        made.hold(value)
    return made


def sound(length: int, response: ResponseId = A) -> Play:
    return Play(response, Audio(bytes(2 * length)))


def words(text: str, response: ResponseId = A, at: int = 0) -> AgentText:
    return AgentText(ONE, response, text, Samples(at))


def told(paces: Pacer, room: int = ALL) -> list[Told]:
    values = []
    while (value := paces.next(room)) is not None:
        values.append(value)
    return values


def test_sound_comes_as_there_is_room_and_the_rest_keeps_its_place() -> None:
    paces = pacer(words("one"), sound(250), words("two"))
    assert paces.wanted == 0
    assert paces.next(150) == words("one")
    assert paces.next(150) == sound(150)
    assert paces.wanted == 100
    assert paces.next(99) is None
    assert told(paces, 200) == [sound(100), words("two")]
    assert not paces.waiting


def test_the_end_of_sound_is_not_waited_for_longer_than_it_is() -> None:
    paces = pacer(sound(30))
    assert paces.next(29) is None
    assert paces.next(30) == sound(30)


def test_in_a_pause_no_sound_comes_and_nothing_after_it() -> None:
    paces = pacer(words("one"), sound(50), words("two"))
    paces.paused = True
    assert told(paces) == [words("one")]
    assert paces.wanted is None
    paces.paused = False
    assert told(paces) == [sound(50), words("two")]


def test_a_reply_that_is_broken_off_keeps_its_words_and_is_not_told_to_be_finished() -> None:
    finished = (ResponseFinished(ONE, A), FinishPlaying(A))
    paces = pacer(words("one"), sound(50), words("two"), sound(70), *finished, ResponseStarted(ONE, B), sound(9, B))
    paces.break_off(A, CUT)
    assert told(paces, 0) == [words("one"), words("two"), BrokenOff(A, CUT, 120), ResponseStarted(ONE, B)]
    assert told(paces) == [sound(9, B)]


def test_a_reply_whose_sound_was_sent_is_as_whole_as_it_was() -> None:
    paces = pacer(sound(50), ResponseStarted(ONE, B), ResponseFinished(ONE, B), FinishPlaying(B))
    paces.break_off(B, CUT)
    expected = [sound(50), ResponseStarted(ONE, B), ResponseFinished(ONE, B), FinishPlaying(B), BrokenOff(B, CUT)]
    assert told(paces) == expected


def test_of_a_call_that_is_over_no_more_sound_is_sent() -> None:
    paces = pacer(sound(50), words("one"), sound(50))
    paces.let_go()
    assert told(paces) == [words("one")]

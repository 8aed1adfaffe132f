from __future__ import annotations

from collections.abc import Iterator

from vivavoce.model.local.dialogue.port import Expecting, Heard
from vivavoce.model.local.ear_endpointing import WINDOW_SAMPLES
from vivavoce.model.local.ear_frames import EarEvent, PartialText, SpeechStarted, SpeechStopped, Utterance
from vivavoce.model.local.ear_hearing import Hearing
from vivavoce.model.local.ear_turn_text import Endings, TurnText

PREROLL = 10


def window(*, speech: bool, mark: int = 0) -> bytes:
    return bytes([1 if speech else 0, mark]) * WINDOW_SAMPLES


def detect(pcm: bytes) -> float:
    return 0.9 if pcm[0] else 0.1


class FakeRecogniser:
    """Hears one more of ``words`` with every window of speech that it is fed."""

    wants_denoised = False

    def __init__(self, words: str = "") -> None:
        self.fed: list[bytes] = []
        self.turns = 0
        self._words = words.split()

    def begin(self) -> None:
        self.fed = []
        self.turns += 1

    def feed(self, pcm: bytes) -> None:
        size = 2 * WINDOW_SAMPLES
        self.fed += [pcm[at : at + size] for at in range(0, len(pcm), size)]

    def partial(self) -> str:
        return " ".join(self._words[: sum(pcm[0] for pcm in self.fed)])

    def finish(self) -> Heard:
        return Heard(self.partial(), ("another",))


def hear(hearing: Hearing, *windows: bytes) -> list[EarEvent]:
    return [event for pcm in windows for event in hearing.audio(pcm)]


def spoken(speech: int, silence: int) -> Iterator[bytes]:
    yield from (window(speech=True) for _ in range(speech))
    yield from (window(speech=False) for _ in range(silence))


def made(words: str = "", sentences: tuple[str, ...] = ()) -> tuple[Hearing, FakeRecogniser]:
    recogniser = FakeRecogniser(words)
    return Hearing(detect, recogniser, TurnText(Endings(sentences))), recogniser


def test_a_turn_is_started_stopped_and_understood() -> None:
    hearing, _ = made("is there parking")
    events = hear(hearing, *spoken(0, 20), *spoken(12, 20))
    began, ended = 20 * WINDOW_SAMPLES, 30 * WINDOW_SAMPLES
    assert events[0] == SpeechStarted(began)
    assert events[1:-2] == [PartialText("is there parking")]
    assert events[-2:] == [
        SpeechStopped(ended),
        Utterance(Heard("is there parking", ("another",)), began, ended),
    ]


def test_audio_in_any_pieces_is_the_same() -> None:
    whole = b"".join(spoken(12, 20))
    hearing, _ = made("yes")
    pieces = [whole[at : at + 642] for at in range(0, len(whole), 642)]
    assert hear(hearing, *pieces) == hear(made("yes")[0], whole)


def test_the_recogniser_gets_what_came_just_before_speech_and_all_that_follows() -> None:
    hearing, recogniser = made()
    hear(hearing, *(window(speech=False, mark=n) for n in range(30)), *spoken(12, 12))
    marks = [pcm[1] for pcm in recogniser.fed if not pcm[0]][: PREROLL + 1]
    assert marks == list(range(30 - PREROLL - 1, 30))
    assert sum(pcm[0] for pcm in recogniser.fed) == 12


def test_each_turn_is_recognised_alone() -> None:
    hearing, recogniser = made("yes please")
    events = hear(hearing, *spoken(12, 20), *spoken(12, 20))
    assert [type(event) for event in events] == [SpeechStarted, PartialText, SpeechStopped, Utterance] * 2
    assert recogniser.turns == 2


def test_speech_without_words_is_an_empty_utterance() -> None:
    hearing, _ = made()
    assert hear(hearing, *spoken(12, 20))[-1] == Utterance(Heard("", ("another",)), 0, 10 * WINDOW_SAMPLES)


def silence_before_end(hearing: Hearing) -> int:
    """How many windows of silence ended a turn."""
    hear(hearing, *spoken(12, 0))
    for count in range(1, 60):
        if hear(hearing, window(speech=False)):
            return count
    raise AssertionError("the turn did not end")


def test_what_is_expected_changes_how_long_the_silence_is() -> None:
    hearing, _ = made("four seven")
    assert silence_before_end(hearing) == 22  # 768 ms, less 64 ms that the detector had lagged
    hearing.expect(Expecting.DIGITS, ["four seven$"])
    assert silence_before_end(hearing) == 6
    hearing.expect(Expecting.YES_NO)
    assert silence_before_end(hearing) == 22


def test_the_agents_sentences_tell_where_one_ends() -> None:
    hearing, _ = made("table for two", ("a table for two",) * 3)
    assert silence_before_end(hearing) == 6
    hearing, _ = made("table for three", ("a table for two",) * 3)
    assert silence_before_end(hearing) == 11


def test_barge_in_takes_one_window_more() -> None:
    hearing, _ = made()
    hearing.agent_speaking(True)
    assert hear(hearing, *spoken(3, 5)) == []
    assert hear(hearing, *spoken(4, 0)) == [SpeechStarted(8 * WINDOW_SAMPLES)]


def test_lost_audio_is_counted() -> None:
    hearing, _ = made()
    hearing.skip(777)
    assert hear(hearing, *spoken(3, 0)) == [SpeechStarted(777)]

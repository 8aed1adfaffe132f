"""The caller made of files: whose turn it is, and what files are refused."""

from pathlib import Path

import numpy as np
import pytest

from tests.unit.channel.line import ride
from vivavoce.audio.arrays import to_pcm
from vivavoce.audio.files import write_flac, write_wav
from vivavoce.audio.pcm import samples_in, silence
from vivavoce.channel.wav import CallerUtterance, Manners, ScriptedCaller, load_utterances, wav_channel
from vivavoce.errors import AudioFileError, UsageError
from vivavoce.events import CallerAudio, CallerHungUp

RATE_HZ = 8000
FRAME = 160


def tone(ms: int, peak: int = 8000, rate_hz: int = RATE_HZ) -> bytes:
    at = np.arange(ms * rate_hz // 1000)
    return to_pcm(peak * np.sin(2 * np.pi * 400 * at / rate_hz))


class Conversation:
    """A caller on whom an agent talks in given stretches of ms; notes when the caller speaks."""

    def __init__(self, caller: ScriptedCaller, *agent_talks: tuple[int, int]) -> None:
        self.sent = b""
        self.ended_ms: int | None = None
        for ms in range(0, 60_000, 20):
            talks = any(begin <= ms < end for begin, end in agent_talks)
            frame = caller.speak(FRAME, tone(20) if talks else b"")
            if frame is None:
                self.ended_ms = ms
                break
            self.sent += frame + silence(FRAME - samples_in(frame))
        self.spoken_ms = [(spoken.begin // 8, spoken.end // 8) for spoken in caller.spoken]


def caller(*utterances: CallerUtterance, **manners: int | bool) -> ScriptedCaller:
    return ScriptedCaller(utterances, RATE_HZ, Manners(**manners))  # type: ignore[arg-type]


def test_waits_for_the_greeting_and_hangs_up_when_answered() -> None:
    talk = Conversation(
        caller(CallerUtterance(tone(500)), CallerUtterance(tone(310))), (200, 1200), (3000, 4000), (5500, 6000)
    )
    assert talk.spoken_ms == [(2080, 2580), (4880, 5190)]
    assert talk.ended_ms == 6880


def test_sends_every_sample_where_it_says_it_does() -> None:
    said = tone(310)
    somebody = caller(CallerUtterance(said))
    talk = Conversation(somebody, (0, 1000), (3000, 3200))
    (spoken,) = somebody.spoken
    assert talk.sent[spoken.begin * 2 : spoken.end * 2] == said
    assert set(talk.sent[: spoken.begin * 2]) == set(talk.sent[spoken.end * 2 :]) == {0}
    assert not spoken.over_agent


def test_a_pause_within_the_agents_words_is_not_its_end() -> None:
    talk = Conversation(caller(CallerUtterance(tone(100))), (0, 500), (1300, 1800), (4000, 5000))
    assert talk.spoken_ms == [(2680, 2780)]


def test_speaks_first_when_nobody_greets() -> None:
    talk = Conversation(caller(CallerUtterance(tone(100)), greeted=False))
    assert talk.spoken_ms == [(0, 100)]


def test_gives_up_waiting_and_goes_on() -> None:
    talk = Conversation(caller(CallerUtterance(tone(100)), CallerUtterance(tone(100)), give_up_ms=2000))
    assert talk.spoken_ms == [(1980, 2080), (4060, 4160)]
    assert talk.ended_ms == 6140


def test_does_not_give_up_on_an_agent_that_talks() -> None:
    talk = Conversation(caller(CallerUtterance(tone(100)), give_up_ms=2000), (500, 30_000))
    assert talk.spoken_ms == [(30_880, 30_980)]


def test_barges_in_at_the_given_moment_of_a_reply() -> None:
    somebody = caller(CallerUtterance(tone(100)), CallerUtterance(tone(300), barge_in_after_ms=700))
    talk = Conversation(somebody, (0, 500), (2000, 2900), (5000, 5500))
    assert talk.spoken_ms == [(1380, 1480), (2680, 2980)]
    assert [spoken.over_agent for spoken in somebody.spoken] == [False, True]
    assert talk.ended_ms == 6380


def test_barges_in_on_the_greeting() -> None:
    talk = Conversation(caller(CallerUtterance(tone(100), barge_in_after_ms=0)), (300, 2000))
    assert talk.spoken_ms == [(300, 400)]


def test_a_reply_too_short_to_barge_in_on_is_answered_like_any_other() -> None:
    talk = Conversation(caller(CallerUtterance(tone(100), barge_in_after_ms=5000)), (0, 1000))
    assert talk.spoken_ms == [(1880, 1980)]


def test_the_tail_of_what_was_cut_off_is_no_reply() -> None:
    talk = Conversation(
        caller(CallerUtterance(tone(500), barge_in_after_ms=500), CallerUtterance(tone(100))), (0, 700), (3000, 3500)
    )
    assert talk.spoken_ms == [(480, 980), (4380, 4480)]


def test_plays_straight_through_and_waits_for_the_last_reply_only() -> None:
    talk = Conversation(caller(CallerUtterance(tone(3000)), straight=True), (500, 2000), (3500, 4000))
    assert talk.spoken_ms == [(0, 3000)]
    assert talk.ended_ms == 4880


def test_what_is_too_soft_to_hear_is_quiet() -> None:
    somebody = caller(CallerUtterance(tone(100)), give_up_ms=1000)
    for _ in range(45):
        assert somebody.speak(FRAME, tone(20, peak=50)) == b""
    assert not somebody.spoken


def test_as_a_channel_it_talks_and_hangs_up() -> None:
    emitted = ride(wav_channel([CallerUtterance(tone(100))], RATE_HZ, Manners(greeted=False, give_up_ms=200)))
    sent = b"".join(event.audio.pcm for _, event in emitted if isinstance(event, CallerAudio))
    assert sent == tone(100) + silence(8 * 180)
    assert emitted[-1] == (300, CallerHungUp())


@pytest.mark.parametrize(
    ("utterances", "message"),
    [
        ([], "nothing to say"),
        ([CallerUtterance(b"")], "utterance 1 is empty"),
        ([CallerUtterance(b"\0\0"), CallerUtterance(b"\0\0", -1)], "utterance 2 barges in after -1 ms"),
    ],
)
def test_refuses_a_script_that_makes_no_sense(utterances: list[CallerUtterance], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        wav_channel(utterances)


def test_loads_files_at_the_calls_rate(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", tone(500, rate_hz=11_025), 11_025)
    write_flac(tmp_path / "b.flac", tone(250, rate_hz=44_100), 44_100)
    loaded = load_utterances([tmp_path / "a.wav", tmp_path / "b.flac"], {1: 700}, 16_000)
    assert [samples_in(utterance.pcm) for utterance in loaded] == [7999, 4000]
    assert [utterance.barge_in_after_ms for utterance in loaded] == [None, 700]


def test_a_silent_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "silent.wav"
    write_wav(path, tone(500, peak=30), RATE_HZ)
    with pytest.raises(AudioFileError, match=r"silent\.wav is silent: nothing in it is louder than -60 dBFS"):
        load_utterances([path])


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not sound at all"])
def test_what_is_no_sound_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    with pytest.raises(AudioFileError, match=r"x\.wav"):
        load_utterances([path])


def test_a_file_that_is_not_there_cannot_barge_in(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no file 1 to barge in with .*there are 1"):
        load_utterances([tmp_path / "a.wav"], {1: 100})

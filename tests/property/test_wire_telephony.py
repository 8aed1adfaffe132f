"""Whatever a carrier sends, in whatever pieces, a codec gives facts or its one error."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.channel.telephony.carriers import DIALECTS, Dialect
from vivavoce.channel.telephony.intake import LONGEST_PIECE_MS, SLACK_MS, Intake
from vivavoce.wire.telephony.audiosocket import RATES_HZ, AudioSocketCodec, frame
from vivavoce.wire.telephony.line import LineFact, MalformedFrame, Media, SendMedia, UnusableFormat

WORDS = st.sampled_from(
    "event media start stop mark dtmf connected payload track inbound chunk timestamp digit name streamSid stream_id "
    "mediaFormat media_format encoding sampleRate extra_headers websocket:connected websocket:notify content-type "
    "audio/l16;rate=8000 MEDIA_START DTMF_END playedStream clearedAudio error AA== 1 # -1 99999999999999999999".split()
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(WORDS, inside, max_size=4),
    max_leaves=12,
)
FRAMES = st.dictionaries(WORDS, VALUES, max_size=6).map(json.dumps)
JUNK = FRAMES | st.text(max_size=60) | st.binary(max_size=60)


@settings(max_examples=60)
@given(st.sampled_from(DIALECTS), st.booleans(), st.lists(JUNK, max_size=8))
def test_no_message_raises_anything_but_the_error(dialect: type[Dialect], begun: bool, messages: list[Any]) -> None:
    side = dialect()
    codec = side.codec()
    for message in side.start() if begun else []:
        codec.receive(message)
    for message in messages:
        with suppress(MalformedFrame, UnusableFormat):
            codec.receive(message)


FRAME = st.tuples(st.integers(0, 255), st.binary(max_size=700))


@given(st.lists(FRAME, max_size=6), st.lists(st.integers(1, 200), max_size=30))
def test_audiosocket_frames_in_any_pieces(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = b"".join(frame(kind, payload) for kind, payload in frames)
    whole: list[LineFact] = [*AudioSocketCodec().receive(data)]
    codec, pieces, at = AudioSocketCodec(), [], 0
    for cut in [*cuts, len(data)]:
        pieces.append(data[at : at + cut])
        at += cut
    assert [fact for piece in pieces for fact in codec.receive(piece)] == whole


@given(st.sampled_from(sorted(RATES_HZ.values())), st.binary(min_size=2, max_size=800).map(lambda b: b[: len(b) & ~1]))
def test_audiosocket_gives_back_what_was_sent(rate_hz: int, pcm: bytes) -> None:
    one, other = AudioSocketCodec(), AudioSocketCodec()
    one.begin(rate_hz)
    (message,) = one.send(SendMedia(pcm))
    assert other.receive(message)[1:] == [Media(pcm)]


MEDIA = st.builds(
    Media,
    st.integers(0, 400).map(lambda samples: b"\1\0" * samples),
    st.none() | st.integers(-(2**40), 2**40) | st.integers(0, 3000),
    st.none() | st.integers(0, 40) | st.integers(-(2**40), 2**40),
)


@given(st.lists(st.tuples(MEDIA, st.floats(0, 0.5)), max_size=40))
def test_the_callers_clock_is_bounded(heard: list[tuple[Media, float]]) -> None:
    """No carrier can make more of a call than time has passed and audio has come, but for the slack."""
    now_s, given_out, came = 0.0, 0, 0
    intake = Intake(8000, now_s)
    for media, wait_s in heard:
        now_s += wait_s
        pieces = [*intake.pass_time(now_s), *intake.receive(media, now_s)]
        assert all(0 < len(piece) <= LONGEST_PIECE_MS * 16 for piece in pieces)
        given_out += sum(len(piece) for piece in pieces) // 2
        came += len(media.pcm) // 2
        assert given_out <= came + (now_s + SLACK_MS / 1000) * 8000

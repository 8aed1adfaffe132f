"""Each codec against the other side of its wire, which is written from the carriers' documents."""

from __future__ import annotations

import json

import pytest

from tests.unit.channel.telephony.carriers import (
    DIALECTS,
    Asterisk,
    AsteriskInJson,
    AudioSocket,
    Dialect,
    Plivo,
    Telnyx,
    Twilio,
    Vonage,
)
from vivavoce.audio.g711 import alaw_encode, ulaw_decode, ulaw_encode
from vivavoce.audio.pcm import silence
from vivavoce.wire.telephony.audiosocket import AudioSocketCodec
from vivavoce.wire.telephony.line import (
    LONGEST_MESSAGE,
    Clear,
    Cleared,
    Codec,
    HangUpLine,
    Key,
    LineFact,
    LineWish,
    MalformedFrame,
    Mark,
    MarkReached,
    Media,
    Message,
    Paused,
    Resumed,
    SendMedia,
    Started,
    Stopped,
    Trouble,
    UnusableFormat,
)
from vivavoce.wire.telephony.telnyx import TelnyxCodec
from vivavoce.wire.telephony.twilio import TwilioCodec
from vivavoce.wire.telephony.vonage import VonageCodec

QUEUED = [dialect for dialect in DIALECTS if dialect is not AudioSocket]


def begun(dialect: Dialect) -> tuple[Codec, Started]:
    codec = dialect.codec()
    facts = [fact for message in dialect.start() for fact in codec.receive(message)]
    (started,) = [fact for fact in facts if isinstance(fact, Started)]
    return codec, started


class Told:
    """What a dialect understood."""

    def __init__(self) -> None:
        self.wishes: list[LineWish] = []

    def queue(self, pcm: bytes) -> None:
        self.wishes.append(SendMedia(pcm))

    release = queue

    def mark(self, name: str) -> None:
        self.wishes.append(Mark(name))

    def clear(self, *, marks_return: bool) -> None:
        self.wishes.append(Clear())


def understood(dialect: Dialect, codec: Codec, wish: LineWish) -> list[LineWish]:
    told = Told()
    for message in codec.send(wish):
        dialect.obey(message, told)
    return told.wishes


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_start_names_the_call(dialect: type[Dialect]) -> None:
    _, started = begun(dialect())
    ids = {
        Twilio: ("MZ1", "CA1"),
        Telnyx: ("S1", "v3:1"),
        Plivo: ("P1", "C1"),
        Vonage: ("", "V1"),
        Asterisk: ("c1", "1.2"),
        AsteriskInJson: ("c1", "1.2"),
        AudioSocket: ("00010203-0405-0607-0809-0a0b0c0d0e0f",) * 2,
    }
    assert (started.stream, started.call) == ids[dialect]
    assert started.rate_hz == dialect.rate_hz
    assert started.parameters.get("agent", "a1") == "a1"
    assert ("agent" in started.parameters) == (dialect is not AudioSocket)


@pytest.mark.parametrize("dialect", QUEUED)
def test_a_line_starts_once(dialect: type[Dialect]) -> None:
    side = dialect()
    codec, _ = begun(side)
    again = [fact for message in side.start() for fact in codec.receive(message)]
    assert again == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_comes_is_told(dialect: type[Dialect]) -> None:
    side = dialect()
    codec, _ = begun(side)
    pcm = ulaw_decode(ulaw_encode(b"\x00\x10" * (side.rate_hz // 50))) if dialect is not Telnyx else silence(160)
    (heard,) = codec.receive(side.media(pcm, 40))
    assert isinstance(heard, Media)
    assert len(heard.pcm) == len(pcm)
    assert heard.pcm == pcm or dialect is Telnyx
    assert list(codec.receive(side.key("#"))) == [Key("#")]
    if (message := side.cleared()) is not None:
        assert list(codec.receive(message)) == [Cleared()]
    for message in side.stop():
        assert list(codec.receive(message)) == [Stopped()]


@pytest.mark.parametrize("dialect", QUEUED)
def test_wishes_are_understood(dialect: type[Dialect]) -> None:
    side = dialect()
    codec, started = begun(side)
    frame = ulaw_decode(ulaw_encode(b"\x00\x20" * (started.rate_hz // 50)))
    assert understood(side, codec, SendMedia(frame)) == [SendMedia(frame)]
    assert understood(side, codec, Mark("0.1")) == [Mark("0.1")]
    assert understood(side, codec, Clear()) == [Clear()]
    answer = side.mark("0.1")
    assert answer is not None
    assert list(codec.receive(answer)) == [MarkReached("0.1")]


def test_several_frames_in_a_message() -> None:
    codec, _ = begun(Vonage())
    assert [len(message) for message in codec.send(SendMedia(silence(960)))] == [640, 640, 640]
    codec, _ = begun(Asterisk())
    assert [len(message) for message in codec.send(SendMedia(silence(480)))] == [480]
    (heard,) = codec.receive(ulaw_encode(silence(1600)))
    assert heard == Media(silence(1600))


def test_our_own_voice_coming_back_is_left_out() -> None:
    for side in (Twilio(), Telnyx()):
        codec, _ = begun(side)
        message = json.loads(side.media(silence(160), 20))
        message["media"]["track"] = "outbound"
        assert codec.receive(json.dumps(message)) == ()


def test_telnyx_directions_have_their_own_encoding() -> None:
    codec, _ = begun(Telnyx())
    (heard,) = codec.receive(Telnyx().media(b"\x00\x40" * 160, 20))
    assert isinstance(heard, Media)
    assert alaw_encode(heard.pcm) == alaw_encode(b"\x00\x40" * 160)
    assert heard.chunk == 1
    (sent,) = codec.send(SendMedia(silence(160)))
    assert "/////" in json.loads(sent)["media"]["payload"]  # mu-law's silence


def test_telnyx_l16_is_in_network_order() -> None:
    codec = TelnyxCodec("L16")
    codec.receive('{"event":"start","start":{"media_format":{"encoding":"L16","sample_rate":16000}}}')
    (heard,) = codec.receive('{"event":"media","media":{"payload":"AQIDBAU="}}')
    assert heard == Media(b"\x02\x01\x04\x03")  # half a sample at the end is cut off
    (sent,) = codec.send(SendMedia(b"\x02\x01"))
    assert json.loads(sent)["media"]["payload"] == "AQI="


@pytest.mark.parametrize(
    "headers",
    [
        "{X-PH-agent: a1, X-PH-t: 2}",
        "agent=a1;t=2",
        "{agent=a1,t=2}",
        "{X-PH-agent: a1;t=2}",
        '{"agent": "a1", "t": "2"}',
    ],
)
def test_plivo_headers_in_their_forms(headers: str) -> None:
    start = {"event": "start", "start": {"callId": "C1", "streamId": "P1"}, "extra_headers": headers}
    (started,) = Plivo().codec().receive(json.dumps(start))
    assert isinstance(started, Started)
    assert started.parameters == {"agent": "a1", "t": "2"}


def test_asterisk_flow_control() -> None:
    for side, words in ((Asterisk(), ("MEDIA_XOFF", "MEDIA_XON")), (AsteriskInJson(), ('{"event":"MEDIA_XOFF"}',))):
        codec, _ = begun(side)
        facts = [fact for word in words for fact in codec.receive(word)]
        assert facts[0] == Paused()
        assert facts[1:] in ([Resumed()], [])
    assert codec.send(HangUpLine()) == ('{"command":"HANGUP"}',)
    assert list(begun(Asterisk())[0].send(HangUpLine())) == ["HANGUP"]


def test_trouble() -> None:
    codec, _ = begun(Telnyx())
    assert codec.receive('{"event":"error","payload":{"code":100004,"title":"invalid_media"}}') == (Trouble("100004"),)
    assert list(AudioSocketCodec().receive(b"\xff\x00\x01\x04")) == [Trouble("04")]


@pytest.mark.parametrize(
    ("kind", "rate_hz"), [(0x10, 8000), (0x11, 12_000), (0x12, 16_000), (0x13, 24_000), (0x16, 48_000)]
)
def test_audiosocket_rates(kind: int, rate_hz: int) -> None:
    codec = AudioSocketCodec()
    samples = rate_hz // 50
    frame = bytes((kind,)) + (samples * 2).to_bytes(2, "big") + silence(samples)
    facts = codec.receive(frame)
    assert facts == [Started("", "", rate_hz), Media(silence(samples))]
    assert codec.send(SendMedia(silence(samples))) == (frame,)
    other = b"\x10\x00\x02\x00\x00" if kind != 0x10 else b"\x12\x00\x02\x00\x00"
    assert codec.receive(other + b"\x03\x00\x011") == [Trouble("audio at another rate than before"), Key("1")]


@pytest.mark.parametrize(
    ("codec", "start"),
    [
        (TwilioCodec(), '{"event":"start","start":{"mediaFormat":{"encoding":"audio/opus"}}}'),
        (TwilioCodec(), '{"event":"start","start":{"mediaFormat":{"sampleRate":0}}}'),
        (TelnyxCodec(), '{"event":"start","start":{"media_format":{"encoding":"G722","sample_rate":16000}}}'),
        (VonageCodec(), '{"event":"websocket:connected","content-type":"audio/l16;rate=96000"}'),
        (Asterisk().codec(), "MEDIA_START format:opus"),
    ],
)
def test_audio_that_is_not_spoken_here(codec: Codec, start: str) -> None:
    with pytest.raises(UnusableFormat):
        codec.receive(start)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "null",
        "[" * 5000,
        '{"event":5}',
        '{"event":"media"}',
        '{"event":"media","media":{"payload":"*"}}',
        '{"event":"media","media":{"payload":"AAA"}}',
        '{"event":"media","media":{"payload":"AA==","timestamp":"soon"}}',
        '{"event":"dtmf","dtmf":{"digit":"12"}}',
        '{"event":"start","start":[]}',
        b"\xff\xfe",
        " " * (LONGEST_MESSAGE + 1),
    ],
)
@pytest.mark.parametrize("dialect", [Twilio, Telnyx, Plivo])
def test_a_malformed_frame_does_not_end_the_line(dialect: type[Dialect], message: Message) -> None:
    side = dialect()
    codec, _ = begun(side)
    with pytest.raises(MalformedFrame):
        codec.receive(message)
    facts: list[LineFact] = [*codec.receive(side.media(silence(160), 20))]
    assert len(facts) == 1


@pytest.mark.parametrize("dialect", QUEUED)
def test_audio_before_the_start(dialect: type[Dialect]) -> None:
    side = dialect()
    with pytest.raises(MalformedFrame, match="before"):
        side.codec().receive(side.media(silence(160), 20))


@pytest.mark.parametrize("dialect", [Twilio, Telnyx, Plivo, Vonage, AsteriskInJson])
def test_what_is_not_known_is_nothing(dialect: type[Dialect]) -> None:
    codec, _ = begun(dialect())
    assert codec.receive('{"event":"of the next version","start":{}}') == ()

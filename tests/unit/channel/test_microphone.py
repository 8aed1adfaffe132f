"""Microphone and loudspeaker, against a sound library made of Python."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from vivavoce.audio.pcm import silence
from vivavoce.channel.microphone import (
    WAITING_LIMIT_MS,
    Device,
    MicrophoneChannel,
    MicrophoneSettings,
    list_devices,
    load_sounddevice,
)
from vivavoce.engine.clock import run
from vivavoce.errors import ChannelFault, NotAvailable
from vivavoce.events import (
    Ability,
    Audio,
    CallerAudio,
    CallerConnected,
    ChannelEvent,
    Evidence,
    FinishPlaying,
    Flush,
    HangUp,
    PausePlaying,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
    ResumePlaying,
    Samples,
)

R = ResponseId("r")
RATE_HZ = 8000
BLOCK = 160
LOUD = b"\0\x40" * BLOCK
QUIET = silence(BLOCK)


class PortAudioError(Exception):
    pass


class Stream:
    """A duplex stream whose blocks the test exchanges by hand."""

    def __init__(
        self, *, callback: Callable[..., None], finished_callback: Callable[[], None], **settings: Any
    ) -> None:
        self.settings = settings
        self.latency = (0.01, 0.04)  # two blocks of output
        self.calls: list[str] = []
        self.unplug = finished_callback
        self._callback = callback

    def block(self, captured: bytes = LOUD) -> bytes:
        playing = bytearray(len(captured))
        self._callback(memoryview(captured), playing, len(captured) // 2, None, None)
        return bytes(playing)

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def close(self) -> None:
        self.calls.append("close")


class Sound:
    """As much of ``sounddevice`` as is used."""

    PortAudioError = PortAudioError

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.stream: Stream | None = None

    def RawStream(self, **settings: Any) -> Stream:  # noqa: N802  # its name there
        if self.error:
            raise self.error
        self.stream = Stream(**settings)
        return self.stream

    def query_devices(self, kind: str | None = None) -> Any:
        headset = {
            "index": 0,
            "name": "headset",
            "max_input_channels": 1,
            "max_output_channels": 2,
            "default_samplerate": 48000.0,
        }
        hdmi = {
            "index": 1,
            "name": "hdmi",
            "max_input_channels": 0,
            "max_output_channels": 8,
            "default_samplerate": 44100.0,
        }
        if kind is None:
            return (headset, hdmi)
        if kind == "input":
            return headset
        raise PortAudioError("no default output")


Talk = Callable[[MicrophoneChannel, Stream], Awaitable[None]]


def call(talk: Talk, settings: MicrophoneSettings | None = None) -> tuple[list[ChannelEvent], Stream]:
    """Run a channel while ``talk`` plays the device; returns what it emitted."""
    sound = Sound()

    async def main() -> list[ChannelEvent]:
        channel = MicrophoneChannel(settings or MicrophoneSettings(RATE_HZ), sound)
        emitted: list[ChannelEvent] = []

        async def emit(event: ChannelEvent) -> None:
            emitted.append(event)

        async def play_device() -> None:
            await asyncio.sleep(0.01)
            assert sound.stream is not None
            await talk(channel, sound.stream)

        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            tasks.create_task(channel.run(emit))
            tasks.create_task(play_device())
        return emitted

    emitted = run(main())
    assert sound.stream is not None
    return emitted, sound.stream


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def end(channel: MicrophoneChannel) -> None:
    await settled()
    channel.perform(HangUp("done"))


def audio(events: list[ChannelEvent]) -> list[bytes]:
    return [event.audio.pcm for event in events if isinstance(event, CallerAudio)]


def test_the_microphone_is_heard_in_blocks_of_20_ms() -> None:
    async def talk(channel: MicrophoneChannel, stream: Stream) -> None:
        assert stream.block(LOUD) == QUIET
        stream.block(QUIET)
        await end(channel)

    events, stream = call(talk)
    assert events[0] == CallerConnected("microphone", RATE_HZ, (Ability.PAUSE,))
    assert audio(events) == [LOUD, QUIET]
    assert stream.calls == ["start", "stop", "close"]
    assert stream.settings["samplerate"] == RATE_HZ
    assert stream.settings["blocksize"] == BLOCK
    assert stream.settings["channels"] == 1


def test_progress_is_reported_when_it_is_through_the_device() -> None:
    async def talk(channel: MicrophoneChannel, stream: Stream) -> None:
        channel.perform(Play(R, Audio(b"\1\0" * 200)))
        channel.perform(FinishPlaying(R))
        assert stream.block() == b"\1\0" * 160
        assert stream.block() == b"\1\0" * 40 + silence(120)
        stream.block()
        await settled()  # so that what is true by now is emitted before the device goes on
        stream.block()
        await end(channel)

    events, _ = call(talk)
    reports = [index for index, event in enumerate(events) if isinstance(event, PlayoutProgress)]
    assert [events[index] for index in reports] == [PlayoutProgress(R, Samples(200), Evidence.PLAYED)]
    assert len(audio(events[: reports[0]])) == 3


def test_a_flush_is_answered_with_what_the_device_has_and_takes_back_older_reports() -> None:
    async def talk(channel: MicrophoneChannel, stream: Stream) -> None:
        channel.perform(Play(R, Audio(b"\1\0" * 8000)))
        for _ in range(6):
            stream.block()
        channel.perform(Flush(R))
        assert stream.block() == QUIET
        stream.block()
        stream.block()
        await end(channel)

    events, _ = call(talk)
    assert PlayoutStopped(R, Samples(960), Evidence.PLAYED) in events
    assert not any(isinstance(event, PlayoutProgress) for event in events)


def test_a_pause_leaves_what_the_device_has_and_going_on_misses_nothing() -> None:
    async def talk(channel: MicrophoneChannel, stream: Stream) -> None:
        channel.perform(Play(R, Audio(b"\1\0" * 400)))
        channel.perform(FinishPlaying(R))
        stream.block()
        channel.perform(PausePlaying())
        assert len(stream.block().rstrip(b"\0")) <= 2 * 40  # it fades out
        assert stream.block() == QUIET
        channel.perform(ResumePlaying())
        assert stream.block()[80:] == b"\1\0" * 120  # it fades in
        assert stream.block() == b"\1\0" * 40 + silence(120)
        stream.block()
        stream.block()
        await end(channel)

    events, _ = call(talk)
    reports = [event for event in events if isinstance(event, PlayoutProgress)]
    assert reports == [PlayoutProgress(R, Samples(played), Evidence.PLAYED) for played in (200, 400)]


def test_muted_it_sends_silence_and_still_shows_the_level() -> None:
    async def talk(channel: MicrophoneChannel, stream: Stream) -> None:
        channel.muted = True
        for _ in range(5):
            stream.block(LOUD)
        assert channel.levels.input_dbfs == pytest.approx(-6.0, abs=0.1)
        assert channel.levels.output_dbfs == -100
        channel.muted = False
        stream.block(LOUD)
        await end(channel)

    events, _ = call(talk)
    assert audio(events) == [QUIET] * 5 + [LOUD]


def test_half_duplex_is_deaf_until_the_echo_has_gone() -> None:
    async def talk(channel: MicrophoneChannel, stream: Stream) -> None:
        stream.block()
        channel.perform(Play(R, Audio(b"\1\0" * BLOCK)))
        for _ in range(15):
            stream.block()
        await end(channel)

    events, _ = call(talk, MicrophoneSettings(RATE_HZ, half_duplex=True))
    # One block of agent, two of the device's latency, ten of echo.
    assert audio(events) == [LOUD] + [QUIET] * 13 + [LOUD] * 2


def test_what_waits_too_long_is_lost_and_counted() -> None:
    async def talk(channel: MicrophoneChannel, stream: Stream) -> None:
        for _ in range(WAITING_LIMIT_MS // 20 + 3):
            stream.block()
        assert channel.lost_samples == 3 * BLOCK
        await end(channel)

    events, _ = call(talk)
    assert len(audio(events)) == WAITING_LIMIT_MS // 20


def test_a_device_that_is_pulled_out_is_a_fault() -> None:
    async def talk(_: MicrophoneChannel, stream: Stream) -> None:
        stream.unplug()

    with pytest.raises(ExceptionGroup) as raised:
        call(talk)
    assert raised.group_contains(ChannelFault, match="the sound device stopped")


def test_a_device_that_will_not_open_says_what_to_try() -> None:
    channel = MicrophoneChannel(MicrophoneSettings(RATE_HZ), Sound(PortAudioError("Invalid sample rate")))

    async def emit(_: ChannelEvent) -> None: ...

    with pytest.raises(NotAvailable, match=r"at 8000 Hz: Invalid sample rate \(list the devices"):
        run(channel.run(emit))


def test_lists_the_devices() -> None:
    assert list_devices(Sound()) == [
        Device(0, "headset", 1, 2, 48000, default_input=True, default_output=False),
        Device(1, "hdmi", 0, 8, 44100, default_input=False, default_output=False),
    ]


def test_says_what_to_install_when_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(NotAvailable, match="pip install sounddevice"):
        load_sounddevice()


def test_says_what_to_install_when_portaudio_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Finder:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with pytest.raises(NotAvailable, match="apt-get install libportaudio2"):
        MicrophoneChannel()


def test_uses_the_module_it_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    assert load_sounddevice() is module

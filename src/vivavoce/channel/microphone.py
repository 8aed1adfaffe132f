"""Microphone and loudspeaker of this machine, through PortAudio (the package sounddevice).

Nothing here cancels echo: on open loudspeakers the agent hears itself and interrupts itself. Use a headset, or
``half_duplex``, which silences the microphone while the agent is audible, at the price that nobody can barge in.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any, NamedTuple

from vivavoce.audio.level import Meter
from vivavoce.audio.pcm import samples_for, samples_in, silence
from vivavoce.channel.pacing import PlayoutQueue
from vivavoce.channel.port import EmitChannelEvent
from vivavoce.errors import ChannelFault, NotAvailable
from vivavoce.events import (
    Ability,
    Audio,
    CallerAudio,
    CallerConnected,
    ChannelEffect,
    ChannelEvent,
    Evidence,
    FinishPlaying,
    Flush,
    HangUp,
    PausePlaying,
    Play,
    PlayoutProgress,
    ResponseId,
    ResumePlaying,
)

BLOCK_MS = 20
WAITING_LIMIT_MS = 2_000
"""Captured audio that may wait while the call is behind; what comes on top is lost, and counted."""
ECHO_TAIL_MS = 200
"""A room goes on sounding for about so long."""
_METER_MS = 100


@dataclass(frozen=True, slots=True)
class Device:
    """One sound device. ``inputs`` and ``outputs`` are its channels; 0 means that it cannot."""

    index: int
    name: str
    inputs: int
    outputs: int
    rate_hz: int
    default_input: bool
    default_output: bool


@dataclass(frozen=True, slots=True)
class MicrophoneSettings:
    """Devices by index or by a part of their name; None is the system's default."""

    rate_hz: int = 16_000
    input_device: int | str | None = None
    output_device: int | str | None = None
    half_duplex: bool = False


class Levels(NamedTuple):
    """RMS of the last 100 ms in dBFS: what the microphone picks up, muted or not, and what is played."""

    input_dbfs: float
    output_dbfs: float


def load_sounddevice() -> Any:
    """The module ``sounddevice``. Raises :class:`NotAvailable`, saying what to install."""
    try:
        import sounddevice
    except ImportError as error:
        raise NotAvailable("the microphone needs the package sounddevice", hint="pip install sounddevice") from error
    except OSError as error:  # the package is there, the library it loads is not
        raise NotAvailable(
            "the microphone needs the PortAudio library", hint="apt-get install libportaudio2, or your system's like"
        ) from error
    return sounddevice


def list_devices(sounddevice: Any = None) -> list[Device]:
    """Every sound device of this machine."""
    sound = sounddevice or load_sounddevice()
    devices = [dict(device) for device in sound.query_devices()]
    default_input, default_output = _default(sound, "input"), _default(sound, "output")
    return [
        Device(
            index=index,
            name=device["name"],
            inputs=device["max_input_channels"],
            outputs=device["max_output_channels"],
            rate_hz=round(device["default_samplerate"]),
            default_input=index == default_input,
            default_output=index == default_output,
        )
        for index, device in enumerate(devices)
    ]


def _default(sound: Any, kind: str) -> int | None:
    try:
        return int(sound.query_devices(kind=kind)["index"])
    except (sound.PortAudioError, ValueError):
        return None


class MicrophoneChannel:
    """The person at this machine. Set ``muted`` at will; for push-to-talk keep it set but while the key is held."""

    name = "microphone"

    def __init__(self, settings: MicrophoneSettings | None = None, sounddevice: Any = None) -> None:
        self.settings = settings or MicrophoneSettings()
        self.rate_hz = self.settings.rate_hz
        self._sound = sounddevice or load_sounddevice()
        self._line = _Line(self.rate_hz, self.settings.half_duplex)
        self._wake = asyncio.Event()
        self._hung_up = False
        self._device_stopped = False

    @property
    def muted(self) -> bool:
        return self._line.muted

    @muted.setter
    def muted(self, muted: bool) -> None:
        self._line.muted = muted

    @property
    def levels(self) -> Levels:
        return self._line.levels

    @property
    def lost_samples(self) -> int:
        """Captured, and thrown away because the call was too far behind."""
        return self._line.lost_samples

    async def run(self, emit: EmitChannelEvent) -> None:
        stream = self._open(asyncio.get_running_loop())
        try:
            self._line.output_latency = round(stream.latency[1] * self.rate_hz)
            stream.start()
            await emit(CallerConnected(self.name, self.rate_hz, (Ability.PAUSE,)))
            while not self._hung_up:
                await self._wake.wait()
                self._wake.clear()
                for event in self._line.collect():
                    await emit(event)
                if self._device_stopped and not self._hung_up:
                    raise ChannelFault("the sound device stopped", hint="is it still plugged in?")
            await asyncio.to_thread(stream.stop)  # plays what the device already has
        except self._sound.PortAudioError as error:
            raise ChannelFault(f"the sound device failed: {error}") from error
        finally:
            stream.close()

    def perform(self, effect: ChannelEffect) -> None:
        match effect:
            case Play(response, audio):
                self._line.play(response, audio.pcm)
            case FinishPlaying(response):
                self._line.finish(response)
            case Flush(response):
                self._line.flush(response)
                self._wake.set()
            case PausePlaying():
                self._line.pause()
            case ResumePlaying():
                self._line.resume()
            case HangUp():
                self.hang_up()

    def hang_up(self) -> None:
        """Ends the call from this side. From the loop that runs it."""
        self._hung_up = True
        self._wake.set()

    def _open(self, loop: asyncio.AbstractEventLoop) -> Any:
        def exchange(captured: Any, playing: Any, *_: Any) -> None:  # on the device's own thread
            playing[:] = self._line.exchange(bytes(captured))
            loop.call_soon_threadsafe(self._wake.set)

        def stopped() -> None:
            self._device_stopped = True
            loop.call_soon_threadsafe(self._wake.set)

        try:
            return self._sound.RawStream(
                samplerate=self.rate_hz,
                blocksize=samples_for(BLOCK_MS, self.rate_hz),
                device=(self.settings.input_device, self.settings.output_device),
                channels=1,
                dtype="int16",
                latency="low",
                callback=exchange,
                finished_callback=stopped,
            )
        except (self._sound.PortAudioError, ValueError) as error:
            raise NotAvailable(
                f"microphone and loudspeaker cannot be opened at {self.rate_hz} Hz: {error}",
                hint="list the devices and choose others, or try 48000 Hz",
            ) from error


class _Line:
    """What the device's thread and the loop share. The device's count of samples is the only clock.

    What was taken will sound, and nothing can call it back: a flush is answered with what was taken at once, while
    progress is reported only when it is through the device, ``output_latency`` samples later.
    """

    def __init__(self, rate_hz: int, half_duplex: bool) -> None:
        self.muted = False
        self.output_latency = 0
        self.lost_samples = 0
        self._lock = threading.Lock()
        self._queue = PlayoutQueue(rate_hz, Evidence.PLAYED)
        self._answers: deque[tuple[int, ChannelEvent]] = deque()  # with the position at which each is true
        self._captured: deque[bytes] = deque()
        self._captured_limit = WAITING_LIMIT_MS // BLOCK_MS
        self._position = 0
        self._deaf = _Deafness(samples_for(ECHO_TAIL_MS, rate_hz), half_duplex)
        self._meters = (Meter(samples_for(_METER_MS, rate_hz)), Meter(samples_for(_METER_MS, rate_hz)))

    @property
    def levels(self) -> Levels:
        return Levels(self._meters[0].rms_dbfs, self._meters[1].rms_dbfs)

    def exchange(self, captured: bytes) -> bytes:
        """One block in, one block out."""
        samples = samples_in(captured)
        with self._lock:
            taken = self._queue.take(samples)
            self._position += samples
            self._answer(taken.reports)
            playing = taken.pcm + silence(samples - samples_in(taken.pcm))
            self._meters[0].push(captured)
            self._meters[1].push(playing)
            if taken.pcm:
                self._deaf.agent_sounds(self._position + self.output_latency)
            if self.muted or self._deaf.at(self._position):
                captured = silence(samples)
            if len(self._captured) < self._captured_limit:
                self._captured.append(captured)
            else:
                self.lost_samples += samples
        return playing

    def collect(self) -> list[ChannelEvent]:
        """What has become true, reports first: caller audio may have to wait."""
        with self._lock:
            events: list[ChannelEvent] = [event for due, event in self._answers if due <= self._position]
            self._answers = deque(answer for answer in self._answers if answer[0] > self._position)
            events += [CallerAudio(Audio(pcm)) for pcm in self._captured]
            self._captured.clear()
        return events

    def play(self, response: ResponseId, pcm: bytes) -> None:
        with self._lock:
            self._queue.play(response, pcm)

    def finish(self, response: ResponseId) -> None:
        with self._lock:
            report = self._queue.finish(response)
            self._answer((report,) if report else ())

    def flush(self, response: ResponseId) -> None:
        with self._lock:
            stopped = self._queue.flush(response)
            self._answers = deque(
                (due, event)
                for due, event in self._answers
                if not (isinstance(event, PlayoutProgress) and event.response == response)
            )
            self._answers.append((self._position, stopped))

    def pause(self) -> None:
        with self._lock:
            self._queue.pause()

    def resume(self) -> None:
        with self._lock:
            self._queue.resume()

    def _answer(self, reports: tuple[PlayoutProgress, ...]) -> None:
        self._answers.extend((self._position + self.output_latency, report) for report in reports)


class _Deafness:
    """Half duplex: no microphone from the agent's first sound to the end of its echo."""

    def __init__(self, tail: int, enabled: bool) -> None:
        self._tail = tail
        self._enabled = enabled
        self._until = -1

    def agent_sounds(self, until: int) -> None:
        self._until = until + self._tail

    def at(self, position: int) -> bool:
        return self._enabled and position <= self._until

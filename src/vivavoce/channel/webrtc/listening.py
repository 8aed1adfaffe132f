"""The caller's packets become 20 ms of sound every 20 ms, whatever the network did. Pure: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vivavoce.audio.arrays import to_array, to_pcm
from vivavoce.audio.pcm import samples_for
from vivavoce.channel.webrtc.conceal import Concealer
from vivavoce.channel.webrtc.jitter import Filler, JitterBuffer, JitterSettings, Packet
from vivavoce.channel.webrtc.pitch import Sound, is_quiet, lengthen, shorten


class PacketDecoder(Protocol):
    """Payloads of one stream to PCM at the listener's rate. ``clock_hz`` is that of the stream's timestamps."""

    clock_hz: int

    def samples(self, payload: bytes) -> int:
        """How long a payload lasts in units of the clock; 0 if it is damaged."""
        ...

    def decode(self, payload: bytes) -> bytes | None:
        """Its sound; None if it is damaged."""
        ...


_HURRY_MS = 60  # above this surplus every packet may be shortened, below it one of three
_UNHURRIED = 3
_ALIGNED_MS = 3
_ALIGN_STEP_MS = 0.1  # for each frame
_LARGEST_SHIFT_MS = 10


@dataclass(slots=True)
class SoundCounts:
    """In samples of the listener's rate. What was heard is ``decoded - shortened + lengthened + concealed + silent``,
    less what is pending.
    """

    decoded: int = 0
    shortened: int = 0
    lengthened: int = 0
    concealed: int = 0
    silent: int = 0
    damaged_packets: int = 0


class Listener:
    """Joins the jitter buffer, a decoder, and what mends and bends the sound."""

    def __init__(self, decoder: PacketDecoder, rate_hz: int, settings: JitterSettings | None = None) -> None:
        self.counts = SoundCounts()
        self.buffer = JitterBuffer(decoder.clock_hz, settings)
        self._decoder = decoder
        self._rate_hz = rate_hz
        self._frame_samples = samples_for(self.buffer.settings.frame_ms, rate_hz)
        self._concealer = Concealer(rate_hz)
        self._pending: Sound = np.zeros(0, np.float32)
        self._since_shortened = 0
        self._shift_ms = 0.0
        self.until_next_s = self.buffer.settings.frame_ms / 1000
        """When to ask for the next frame: after its length, but for a step towards when packets have just come.
        Sound goes out by the frame; without this, packets would wait for half a frame on average.
        """

    def insert(self, ssrc: int, sequence: int, timestamp: int, payload: bytes, *, now_s: float) -> None:
        """A packet is here."""
        samples = self._decoder.samples(payload)
        if samples:
            self.buffer.insert(Packet(ssrc, sequence, timestamp, samples, payload), now_s)
        else:
            self.counts.damaged_packets += 1

    def frame(self, now_s: float) -> bytes:
        """The next frame, to be asked for when it is due."""
        spare_ms = self.buffer.spare_ms(now_s, self._pending_ms)
        surplus_ms = self.buffer.surplus_ms(spare_ms, self._pending_ms)
        self._align(spare_ms)
        while len(self._pending) < self._frame_samples:
            wanted = self._frame_samples - len(self._pending)
            sound = self._next(now_s, wanted, surplus_ms)
            self._pending = np.concatenate((self._pending, sound)) if len(self._pending) else sound
        frame, self._pending = self._pending[: self._frame_samples], self._pending[self._frame_samples :]
        return to_pcm(frame)

    def _align(self, spare_ms: float | None) -> None:
        frame_ms, step_ms = self.buffer.settings.frame_ms, 0.0
        if spare_ms is not None:
            lead_ms = spare_ms % frame_ms
            if lead_ms > _ALIGNED_MS:
                step_ms = _ALIGN_STEP_MS if lead_ms > _LARGEST_SHIFT_MS else -_ALIGN_STEP_MS
        # Never far from where it began: the call's time is its count of frames.
        if abs(self._shift_ms + step_ms) > _LARGEST_SHIFT_MS:
            step_ms = 0.0
        self._shift_ms += step_ms
        self.until_next_s = (frame_ms + step_ms) / 1000

    @property
    def pending_samples(self) -> int:
        return len(self._pending)

    @property
    def _pending_ms(self) -> float:
        return len(self._pending) * 1000 / self._rate_hz

    def _next(self, now_s: float, wanted: int, surplus_ms: float) -> Sound:
        taken = self.buffer.take(now_s, wanted * 1000 / self._rate_hz)
        if isinstance(taken, Packet):
            pcm = self._decoder.decode(taken.payload)
            if pcm is not None:
                self.counts.decoded += len(pcm) // 2
                sound = self._concealer.heard(to_array(pcm).astype(np.float32))
                return self._bent(sound, surplus_ms)
            self.counts.damaged_packets += 1
        if taken is Filler.SILENCE:
            self.counts.silent += wanted
            return np.zeros(wanted, np.float32)
        self.counts.concealed += wanted
        return self._concealer.missing(wanted)

    def _bent(self, sound: Sound, surplus_ms: float) -> Sound:
        samples = int(abs(surplus_ms) * self._rate_hz / 1000)
        if surplus_ms < 0:
            bent = lengthen(sound, self._rate_hz, samples)
            self.counts.lengthened += len(bent) - len(sound)
            return bent
        self._since_shortened += 1
        if self._since_shortened < _UNHURRIED and surplus_ms < _HURRY_MS and not is_quiet(sound):
            return sound
        bent = shorten(sound, self._rate_hz, samples)
        if len(bent) < len(sound):
            self._since_shortened = 0
            self.counts.shortened += len(sound) - len(bent)
        return bent

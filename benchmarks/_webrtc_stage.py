"""One call by WebRTC through a server as users run it, its time on the way told in parts.

``out`` is from a packet's being given to the caller's socket to the model's having the last of the sound in it;
``back`` from the model's saying something to the packet's coming to the caller. Of each the part that is waiting on
purpose is told apart by what the server noted itself: out, the jitter buffer and the step of 20 ms behind it; back, the
wait for the next frame. The rest is what the server adds, its decoding, encoding and encryption included. The
codec's own delay is in neither, since no packet waits for it: sound does, in the encoder and in a filter, always as
long, and that is measured by itself.

Which packet is which is found by chirps in the sound, to a fraction of a millisecond; times are those of packets.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from _chirps import Positions, find, pair, with_chirps
from _common import on_core
from _realtime_stage import HERE, LAG_P99_MS, MODEL, OTHERS_CORE, Nanoseconds, Nova, Piped, Server, in_ms
from _webrtc_load import BITS_PER_S, FRAME_SAMPLES, places, said

from vivavoce.channel.webrtc.codecs import FRAME_MS, OPUS_RATE_HZ, OpusDecoder, OpusEncoder
from vivavoce.channel.webrtc.transport import load_libraries

MODEL_HZ = 24_000
STEP = MODEL_HZ * FRAME_MS // 1000
SLACK_MS = 0.5
"""A packet of which no more than this is missing is there."""
_SLACK = int(MODEL_HZ * SLACK_MS / 1000)
_STRAYED = MODEL_HZ * 60 // 1000  # farther from where they should be chirps are others'
_STEADY = 2  # samples; between chirps that are as far apart as when they were said nothing was stretched

Arrays = Mapping[str, npt.NDArray[Any]]


class Muddled(Exception):
    """What was noted does not fit together: a packet was lost, or sound."""


@dataclass(frozen=True, slots=True)
class Codec:
    """``late`` is how many samples later sound comes out of a decoder than it went into the encoder, ``held`` how many
    of the newest packet's sound come with the next one, ``strayed_ms`` how far from that the worst chirp was found.
    """

    late: int
    held: int
    rate_hz: int
    strayed_ms: float

    @property
    def delay_ms(self) -> float:
        return round((self.late + self.held) * 1000 / self.rate_hz, 2)


def codec(encoder_hz: int, decoder_hz: int) -> Codec:
    """Opus with nothing between its ends."""
    av, seconds = load_libraries().av, 10
    placed = places(seconds * OPUS_RATE_HZ)
    if encoder_hz == OPUS_RATE_HZ:
        payloads = said(placed, seconds * OPUS_RATE_HZ, av)
    else:
        payloads = _said_at(encoder_hz, placed * encoder_hz // OPUS_RATE_HZ, seconds, av)
    heard = decoded(payloads, decoder_hz)
    found = find(heard, decoder_hz)
    placed_at, found_at = pair(found, placed * decoder_hz // OPUS_RATE_HZ, decoder_hz * FRAME_MS // 1000)
    lates = found[found_at] - placed[placed_at] * decoder_hz // OPUS_RATE_HZ
    late = int(np.median(lates))
    held = len(payloads) * decoder_hz * FRAME_MS // 1000 - len(heard)
    return Codec(late, held, decoder_hz, round(float(np.abs(lates - late).max()) * 1000 / decoder_hz, 2))


def _said_at(rate_hz: int, placed: Positions, seconds: int, av: Any) -> list[bytes]:
    pcm = with_chirps(np.zeros(seconds * rate_hz), placed, rate_hz).astype("<i2").tobytes()
    encoder, size = OpusEncoder(av, rate_hz, BITS_PER_S), 2 * rate_hz * FRAME_MS // 1000
    return [encoder.encode(pcm[at : at + size]) for at in range(0, len(pcm), size)]


def decoded(payloads: list[bytes], rate_hz: int) -> npt.NDArray[np.float64]:
    decoder = OpusDecoder(load_libraries().av, rate_hz)
    return np.frombuffer(b"".join(decoder.decode(payload) or b"" for payload in payloads), "<i2").astype(np.float64)


@dataclass(frozen=True, slots=True)
class Way:
    """One direction, one number for each packet: what the server adds, its work at the codec in that, and what waits
    on purpose.
    """

    added: Nanoseconds
    codec: Nanoseconds
    waiting: Nanoseconds

    def figures(self, waiting: str) -> dict[str, Any]:
        parts = {"codec_work": self.codec, waiting: self.waiting, "total": self.added + self.waiting}
        return in_ms(self.added) | {name: in_ms(part) for name, part in parts.items()}

    def line(self) -> str:
        added, total = in_ms(self.added), in_ms(self.added + self.waiting)
        return f"p50 {added['p50']:6.2f} p99 {added['p99']:7.2f} of p50 {total['p50']:6.2f} p99 {total['p99']:7.2f} ms"


def way_out(load: Arrays, model: Arrays, server: Arrays, session: int, of_codec: Codec) -> Way:
    """Of packets sent in the measured time, between chirps that nothing was stretched between."""
    heard, placed = model[f"heard_{session}"], load["placed"] * MODEL_HZ // OPUS_RATE_HZ
    found = find(heard.astype(np.float64), MODEL_HZ)
    placed_at, found_at = pair(found, placed, _STRAYED)
    if len(placed_at) < 2:
        raise Muddled("the caller's chirps were not heard by the model")
    lead = found[found_at] - placed[placed_at]
    packets = _in_window(load["sent"], load["window"])
    after = np.searchsorted(placed[placed_at], packets * STEP)
    inside = (after > 0) & (after < len(lead))
    packets, after = packets[inside], after[inside]
    steady = np.abs(lead[after] - lead[after - 1]) <= _STEADY
    packets, lead_of = packets[steady], lead[after[steady]]
    ends = (packets + 1) * STEP + lead_of - of_codec.late - of_codec.held - _SLACK
    behind, at_ns = model[f"arrivals_{session}"].T
    begun = _same_sound(server["sound"], heard, int(found[found_at[0]]))
    asked_ns, made_ns = server["frames"][(ends - 1 + begun) // STEP].T
    came_ns = server["packets"][_places(server["packets"][:, 1], load["checksums"][packets]), 0]
    had_ns = at_ns[np.searchsorted(behind, ends)]
    added = came_ns - load["sent"][packets] + had_ns - asked_ns
    return Way(added, made_ns - asked_ns, asked_ns - came_ns)


def way_back(load: Arrays, model: Arrays, server: Arrays, session: int, of_codec: Codec) -> Way:
    """Of what the model said in the measured time."""
    said_ns, played_ns = model[f"said_{session}"], server["plays"]
    came_ns, payloads = load["came"][:, 0], np.split(load["payloads"], np.cumsum(load["lengths"])[:-1])
    if len(set(np.diff(load["came"][:, 1]) % 2**32)) != 1:
        raise Muddled("a packet to the caller was lost")
    heard = decoded([payload.tobytes() for payload in payloads], OPUS_RATE_HZ)
    found = find(heard, OPUS_RATE_HZ)
    packets = (found - of_codec.late + OPUS_RATE_HZ * SLACK_MS / 1000).astype(np.int64) // FRAME_SAMPLES
    missing = len(said_ns) - len(found)
    if len(said_ns) != len(played_ns) or missing not in (0, 1):  # the last one may be on its way
        raise Muddled(f"{len(said_ns)} chirps said, {len(played_ns)} played, {len(found)} heard")
    begun_ns, done_ns, samples, noted = server["encoded"].T
    chosen = _in_window(said_ns[: len(found)], load["window"])
    packets = packets[chosen]
    place = _places(np.where(samples > 0, noted, -1), _checksums([payloads[each] for each in packets]))
    added = played_ns[chosen] - said_ns[chosen] + came_ns[packets] - begun_ns[place]
    return Way(added, done_ns[place] - begun_ns[place], begun_ns[place] - played_ns[chosen])


def _in_window(at_ns: Nanoseconds, window: Nanoseconds) -> Positions:
    return np.flatnonzero((at_ns >= window[0]) & (at_ns < window[1]))


def _checksums(payloads: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.int64]:
    return np.array([zlib.crc32(payload.tobytes()) for payload in payloads], np.int64)


def _places(noted: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> Positions:
    """Where these checksums were noted."""
    places_of = {each: place for place, each in enumerate(noted.tolist())}
    try:
        return np.array([places_of[each] for each in wanted.tolist()], np.int64)
    except KeyError as error:
        raise Muddled("a packet was not seen on its way") from error


def _same_sound(server: npt.NDArray[np.int16], model: npt.NDArray[np.int16], around: int) -> int:
    """At which sample of the server's the model's begin."""
    at = server.tobytes().find(model[around : around + STEP].tobytes())
    if at < 0 or at % 2:
        raise Muddled("the model has not heard what the server heard")
    return at // 2 - around


@dataclass(frozen=True, slots=True)
class PeerOutcome:
    """What one call cost; None for both ways where ``fault`` says why."""

    out: Way | None
    back: Way | None
    lag_ms: dict[str, float]
    fault: str = ""

    @property
    def valid(self) -> bool:
        return not self.fault and self.lag_ms["p99"] <= LAG_P99_MS

    @property
    def p99_ms(self) -> float:
        """Of what is added, the worse way."""
        return max(in_ms(way.added)["p99"] if way else float("inf") for way in (self.out, self.back))

    def figures(self) -> dict[str, Any]:
        if self.out is None or self.back is None:
            nothing = {"count": 0}
            return {"fault": self.fault, "out": nothing, "back": nothing, "load_late": self.lag_ms}
        return {
            "out": self.out.figures("jitter_buffer"),
            "back": self.back.figures("next_frame"),
            "load_late": self.lag_ms,
        }

    def line(self) -> str:
        ways = {"out": self.out, "back": self.back}
        parts = [f"{name} {way.line()}" for name, way in ways.items() if way is not None] or [self.fault]
        late = f"load late p99 {self.lag_ms['p99']:5.2f} ms"
        return f"   a peer   {'   '.join(parts)}   {late}{'' if self.valid else '   (invalid)'}"


def talk(nova: Nova, server: Server, folder: Path, seconds: float) -> dict[str, float]:
    """One call; how late the caller was in it."""
    settings = {"port": server.port, "model": MODEL, "warm_s": 1.0, "measure_s": seconds}
    settings["file"] = str(folder / "load.npz")
    load = Piped(
        "the caller", on_core(OTHERS_CORE, [sys.executable, str(HERE / "_webrtc_load.py"), json.dumps(settings)])
    )
    try:
        assert load.read() == "begin"
        assert load.read() == "end"
        told = json.loads(load.read())
        nova.report(folder / "model.npz")
        load.say("bye")
        with suppress(subprocess.TimeoutExpired):  # then it is made to
            load.process.wait(5)
    finally:
        load.stop()
    lag: dict[str, float] = told["lag_ms"]
    return lag


def outcome(folder: Path, lag_ms: dict[str, float], codecs: tuple[Codec, Codec]) -> PeerOutcome:
    """From the three notebooks."""
    load, model, server = (np.load(folder / f"{name}.npz") for name in ("load", "model", "server"))
    sessions = [name.rpartition("_")[2] for name in model.files if name.startswith("heard_") and model[name].size]
    try:
        if len(sessions) != 1:
            raise Muddled(f"{len(sessions)} sessions of the model's for one call")
        session = int(sessions[0])
        out = way_out(load, model, server, session, codecs[0])
        return PeerOutcome(out, way_back(load, model, server, session, codecs[1]), lag_ms)
    except Muddled as muddled:
        return PeerOutcome(None, None, lag_ms, str(muddled))

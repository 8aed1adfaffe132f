"""The other ends of the carriers' wires, kept going by the loop: a caller who says something, and who hears what a
carrier plays. Each dialect is written from the carrier's documents and not from our codec.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from typing import Any, Protocol

from vivavoce.audio.g711 import alaw_encode, ulaw_decode, ulaw_encode
from vivavoce.audio.pcm import silence
from vivavoce.channel.telephony.channel import TelephonyChannel
from vivavoce.channel.telephony.line import CallControl
from vivavoce.errors import ChannelFault
from vivavoce.wire.telephony.asterisk import AsteriskCodec
from vivavoce.wire.telephony.audiosocket import AudioSocketCodec
from vivavoce.wire.telephony.line import Codec, Message, Started
from vivavoce.wire.telephony.plivo import PlivoCodec
from vivavoce.wire.telephony.telnyx import TelnyxCodec
from vivavoce.wire.telephony.twilio import TwilioCodec
from vivavoce.wire.telephony.vonage import VonageCodec

FRAME_MS = 20


class Heard(Protocol):
    """What a dialect may tell the carrier to do."""

    def queue(self, pcm: bytes) -> None: ...

    def release(self, pcm: bytes) -> None: ...

    def mark(self, name: str) -> None: ...

    def clear(self, *, marks_return: bool) -> None: ...


class Dialect:
    """One carrier's frames, seen from its side. Counts what it sends."""

    rate_hz = 8000

    def __init__(self) -> None:
        self.count = 0

    def codec(self) -> Codec:
        raise NotImplementedError

    def start(self) -> list[Message]:
        raise NotImplementedError

    def media(self, pcm: bytes, at_ms: int) -> Message:
        raise NotImplementedError

    def mark(self, name: str) -> Message | None:
        raise NotImplementedError

    def key(self, digit: str) -> Message:
        raise NotImplementedError

    def stop(self) -> list[Message]:
        return []

    def cleared(self) -> Message | None:
        """How it says that it has dropped what it had, other than by the marks in it."""
        return None

    def obey(self, message: Message, carrier: Heard) -> None:
        raise NotImplementedError


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unb64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


class Twilio(Dialect):
    def codec(self) -> Codec:
        return TwilioCodec()

    def frame(self, event: str, **rest: Any) -> str:
        self.count += 1
        return json.dumps({"event": event, "sequenceNumber": str(self.count), "streamSid": "MZ1", **rest})

    def start(self) -> list[Message]:
        media_format = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
        start = {"accountSid": "AC1", "callSid": "CA1", "tracks": ["inbound"], "mediaFormat": media_format}
        connected = json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        return [connected, self.frame("start", start={**start, "customParameters": {"agent": "a1"}})]

    def media(self, pcm: bytes, at_ms: int) -> Message:
        chunk, payload = str(self.count), b64(ulaw_encode(pcm))
        return self.frame(
            "media", media={"track": "inbound", "chunk": chunk, "timestamp": str(at_ms), "payload": payload}
        )

    def mark(self, name: str) -> Message:
        return self.frame("mark", mark={"name": name})

    def key(self, digit: str) -> Message:
        return self.frame("dtmf", dtmf={"track": "inbound_track", "digit": digit})

    def stop(self) -> list[Message]:
        return [self.frame("stop", stop={"accountSid": "AC1", "callSid": "CA1"})]

    def obey(self, message: Message, carrier: Heard) -> None:
        match json.loads(message):
            case {"event": "media", "streamSid": "MZ1", "media": {"payload": payload}}:
                carrier.queue(ulaw_decode(unb64(payload)))
            case {"event": "mark", "streamSid": "MZ1", "mark": {"name": name}}:
                carrier.mark(name)
            case {"event": "clear", "streamSid": "MZ1"}:
                carrier.clear(marks_return=True)
            case other:
                raise AssertionError(f"Twilio does not know {other}")


class Telnyx(Dialect):
    """A call in Europe: A-law comes, mu-law was asked for the other way. Pairs of media come in the wrong order."""

    def codec(self) -> Codec:
        return TelnyxCodec("PCMU")

    def frame(self, event: str, **rest: Any) -> str:
        self.count += 1
        return json.dumps({"event": event, "sequence_number": str(self.count), "stream_id": "S1", **rest})

    def start(self) -> list[Message]:
        media_format = {"encoding": "PCMA", "sample_rate": 8000, "channels": 1}
        start = {"user_id": "u", "call_control_id": "v3:1", "media_format": media_format}
        connected = json.dumps({"event": "connected", "version": "1.0.0"})
        return [connected, self.frame("start", start={**start, "custom_parameters": {"agent": "a1"}})]

    def media(self, pcm: bytes, at_ms: int) -> Message:
        chunk = at_ms // FRAME_MS
        chunk += 1 if chunk % 10 == 4 else -1 if chunk % 10 == 5 else 0
        audio = {
            "track": "inbound",
            "chunk": str(chunk),
            "timestamp": str(chunk * 20),
            "payload": b64(alaw_encode(pcm)),
        }
        return self.frame("media", media=audio)

    def mark(self, name: str) -> Message:
        return self.frame("mark", mark={"name": name})

    def key(self, digit: str) -> Message:
        return self.frame("dtmf", occurred_at="2026-11-26T10:00:00Z", dtmf={"digit": digit})

    def stop(self) -> list[Message]:
        return [self.frame("stop", stop={"user_id": "u", "call_control_id": "v3:1"})]

    def obey(self, message: Message, carrier: Heard) -> None:
        match json.loads(message):
            case {"event": "media", "media": {"payload": payload}}:
                carrier.queue(ulaw_decode(unb64(payload)))
            case {"event": "mark", "mark": {"name": name}}:
                carrier.mark(name)
            case {"event": "clear"}:
                carrier.clear(marks_return=True)
            case other:
                raise AssertionError(f"Telnyx does not know {other}")


class Plivo(Dialect):
    def codec(self) -> Codec:
        return PlivoCodec()

    def frame(self, event: str, **rest: Any) -> str:
        self.count += 1
        return json.dumps({"event": event, "sequenceNumber": self.count, "streamId": "P1", **rest})

    def start(self) -> list[Message]:
        media_format = {"encoding": "audio/x-mulaw", "sampleRate": 8000}
        start = {
            "callId": "C1",
            "streamId": "P1",
            "accountId": "A1",
            "tracks": ["inbound"],
            "mediaFormat": media_format,
        }
        return [self.frame("start", start=start, extra_headers="{X-PH-agent: a1}")]

    def media(self, pcm: bytes, at_ms: int) -> Message:
        audio = {"track": "inbound", "timestamp": str(1_795_000_000_000 + at_ms), "payload": b64(ulaw_encode(pcm))}
        return self.frame("media", media={**audio, "chunk": self.count}, extra_headers="{}")

    def mark(self, name: str) -> Message:
        return self.frame("playedStream", name=name)

    def cleared(self) -> Message:
        return self.frame("clearedAudio")

    def key(self, digit: str) -> Message:
        return self.frame("dtmf", dtmf={"track": "inbound", "digit": digit, "timestamp": "1"}, extra_headers="{}")

    def obey(self, message: Message, carrier: Heard) -> None:
        match json.loads(message):
            case {
                "event": "playAudio",
                "media": {"contentType": "audio/x-mulaw", "sampleRate": 8000, "payload": payload},
            }:
                carrier.queue(ulaw_decode(unb64(payload)))
            case {"event": "checkpoint", "streamId": "P1", "name": name}:
                carrier.mark(name)
            case {"event": "clearAudio", "streamId": "P1"}:
                carrier.clear(marks_return=False)
            case other:
                raise AssertionError(f"Plivo does not know {other}")


class Vonage(Dialect):
    rate_hz = 16_000

    def codec(self) -> Codec:
        return VonageCodec()

    def start(self) -> list[Message]:
        named = {"event": "websocket:connected", "content-type": "audio/l16;rate=16000", "uuid": "V1", "agent": "a1"}
        return [json.dumps(named)]

    def media(self, pcm: bytes, at_ms: int) -> Message:
        return pcm

    def mark(self, name: str) -> Message:
        return json.dumps({"event": "websocket:notify", "payload": {"name": name}})

    def cleared(self) -> Message:
        return json.dumps({"event": "websocket:cleared"})

    def key(self, digit: str) -> Message:
        return json.dumps({"event": "websocket:dtmf", "digit": digit, "duration": 260})

    def obey(self, message: Message, carrier: Heard) -> None:
        if isinstance(message, bytes):
            assert len(message) == 640
            return carrier.queue(message)
        match json.loads(message):
            case {"action": "notify", "payload": {"name": name}}:
                return carrier.mark(name)
            case {"action": "clear"}:
                return carrier.clear(marks_return=False)
            case other:
                raise AssertionError(f"Vonage does not know {other}")


class Asterisk(Dialect):
    """The plain form; :class:`AsteriskInJson` is the other."""

    def codec(self) -> Codec:
        return AsteriskCodec({"agent": "a1"})

    def start(self) -> list[Message]:
        return [
            "MEDIA_START connection_id:c1 channel:WebSocket/c1/0x7f channel_id:1.2 format:ulaw optimal_frame_size:160"
        ]

    def media(self, pcm: bytes, at_ms: int) -> Message:
        return ulaw_encode(pcm)

    def mark(self, name: str) -> Message:
        return f"MEDIA_BUFFERING_COMPLETED {name}"

    def key(self, digit: str) -> Message:
        return f"DTMF_END digit:{digit} channel_id:1.2"

    def obey(self, message: Message, carrier: Heard) -> None:
        if isinstance(message, bytes):
            assert len(message) % 160 == 0
            return carrier.queue(ulaw_decode(message))
        assert len(message) <= 128
        return self.command(message.split(), carrier)

    def command(self, words: list[str], carrier: Heard) -> None:
        match words:
            case ["STOP_MEDIA_BUFFERING", name]:
                carrier.mark(name)
            case ["FLUSH_MEDIA"]:
                carrier.clear(marks_return=False)
            case ["HANGUP"]:
                pass
            case other:
                raise AssertionError(f"Asterisk does not know {other}")


class AsteriskInJson(Asterisk):
    def start(self) -> list[Message]:
        start = {"event": "MEDIA_START", "connection_id": "c1", "channel": "WebSocket/c1", "channel_id": "1.2"}
        return [
            json.dumps({**start, "format": "ulaw", "optimal_frame_size": 160, "ptime": 20, "channel_variables": {}})
        ]

    def mark(self, name: str) -> Message:
        return json.dumps({"event": "MEDIA_BUFFERING_COMPLETED", "channel_id": "1.2", "correlation_id": name})

    def key(self, digit: str) -> Message:
        return json.dumps({"event": "DTMF_END", "channel_id": "1.2", "digit": digit})

    def command(self, words: list[str], carrier: Heard) -> None:
        named = json.loads(" ".join(words))
        super().command([named["command"], *([named["correlation_id"]] if "correlation_id" in named else [])], carrier)


class AudioSocket(Dialect):
    def codec(self) -> Codec:
        return AudioSocketCodec()

    def start(self) -> list[Message]:
        return [b"\x01\x00\x10" + bytes(range(16)), b"\x10\x01\x40" + silence(160)]

    def media(self, pcm: bytes, at_ms: int) -> Message:
        return b"\x10" + len(pcm).to_bytes(2, "big") + pcm

    def mark(self, name: str) -> None:
        raise AssertionError("AudioSocket knows no marks")

    def key(self, digit: str) -> Message:
        return b"\x03\x00\x01" + digit.encode()

    def stop(self) -> list[Message]:
        return [b"\x00\x00\x00"]

    def obey(self, message: Message, carrier: Heard) -> None:
        assert isinstance(message, bytes)
        if message != b"\x00\x00\x00":
            assert message[:3] == b"\x10\x01\x40"
            if any(message[3:]):  # silence is filling
                carrier.release(message[3:])


DIALECTS = (Twilio, Telnyx, Plivo, Vonage, Asterisk, AsteriskInJson, AudioSocket)


class Carrier:
    """A :class:`~vivavoce.channel.telephony.line.Transport`: a carrier that plays sample by sample in the loop's time.

    ``speaking`` is what the caller says in every frame; None says nothing and sends nothing.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.speaking: bytes | None = silence(dialect.rate_hz * FRAME_MS // 1000)
        self.sent: list[Message] = []
        self.closed = False
        self.broken = False
        self._heard = bytearray()
        self._queue: deque[bytes | str] = deque()  # what is still to be played, and the marks in it
        self._playing_s = 0.0  # when the first sample of the queue was, or will be, played
        self._incoming: asyncio.Queue[Message | None] = asyncio.Queue()
        self._timers: list[asyncio.TimerHandle] = []
        self._at_ms = 0

    def line(self, control: CallControl | None = None) -> TelephonyChannel:
        """A channel on this line, which has just been opened."""
        codec = self.dialect.codec()
        facts = [fact for message in self.dialect.start() for fact in codec.receive(message)]
        (started,) = (fact for fact in facts if isinstance(fact, Started))
        self._plan_tick()
        return TelephonyChannel(codec, self, started, self._now, control)

    # -- the caller ---------------------------------------------------------------------------------------------------

    def press(self, digit: str) -> None:
        self._incoming.put_nowait(self.dialect.key(digit))

    def say(self, message: Message) -> None:
        self._incoming.put_nowait(message)

    async def hang_up(self) -> None:
        for message in self.dialect.stop():
            self._incoming.put_nowait(message)
        self._incoming.put_nowait(None)

    @property
    def heard(self) -> bytes:
        """All that was played so far, or until the line was closed."""
        if not self.closed:
            self._play()
        return bytes(self._heard)

    # -- the transport -------------------------------------------------------------------------------------------------

    async def receive(self) -> Message | None:
        return await self._incoming.get()

    async def send(self, message: Message) -> None:
        if self.broken:
            raise ChannelFault("the carrier's connection broke")
        self.sent.append(message)
        self._play()
        self.dialect.obey(message, self)

    async def close(self) -> None:
        self._play()
        self.closed = True
        for timer in self._timers:
            timer.cancel()

    # -- the carrier ---------------------------------------------------------------------------------------------------

    def queue(self, pcm: bytes) -> None:
        self._queue.append(pcm)
        self._plan()

    def release(self, pcm: bytes) -> None:
        """Play without a queue."""
        self._heard += pcm

    def mark(self, name: str) -> None:
        self._queue.append(name)
        self._plan()

    def clear(self, *, marks_return: bool) -> None:
        names = [name for name in self._queue if isinstance(name, str)]
        self._queue.clear()
        for name in names if marks_return else []:
            self._return(name)
        if (message := self.dialect.cleared()) is not None:
            self._incoming.put_nowait(message)

    def _return(self, name: str) -> None:
        message = self.dialect.mark(name)
        assert message is not None
        self._incoming.put_nowait(message)

    def _play(self) -> None:
        """Everything up to now."""
        rate_hz = self.dialect.rate_hz
        samples = round((self._now() - self._playing_s) * rate_hz)
        while self._queue:
            first = self._queue[0]
            if isinstance(first, str):
                self._return(first)
            else:
                played = first[: samples * 2]
                self._heard += played
                self._playing_s += len(played) / 2 / rate_hz
                samples -= len(played) // 2
                if len(played) < len(first):
                    self._queue[0] = first[len(played) :]
                    return
            self._queue.popleft()
        self._playing_s = self._now()  # it has run dry: what comes next is played when it comes

    def _plan(self) -> None:
        waiting = sum(len(piece) for piece in self._queue if isinstance(piece, bytes)) // 2
        due_s = self._playing_s + waiting / self.dialect.rate_hz
        self._timers.append(asyncio.get_running_loop().call_at(due_s, self._play))

    def _plan_tick(self) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(FRAME_MS / 1000, self._tick))

    def _tick(self) -> None:
        self._plan_tick()
        self._at_ms += FRAME_MS
        if self.speaking is not None:
            self._incoming.put_nowait(self.dialect.media(self.speaking, self._at_ms))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

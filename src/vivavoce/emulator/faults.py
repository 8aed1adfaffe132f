"""What can go wrong on purpose, and when: faults by name, on schedule or on command.

Written ``KIND[=VALUE]@WHEN``: ``http-429@open:2``, ``rst-stream=INTERNAL_ERROR@agent-speaking+0.3``,
``half-open@12.5``. WHEN is seconds since the stream opened, or an occasion: its N-th if a number follows, and seconds
after it if a ``+`` does. Each fault happens once; one that changes what is sent holds for the rest of its stream.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from vivavoce.emulator import complaints
from vivavoce.emulator.moves import Occasion
from vivavoce.errors import UsageError


class FaultKind(StrEnum):
    """The names of the faults. ``docs/reference/emulator.md`` says what a client sees of each."""

    # Before the stream: the request is answered so, or late.
    HTTP_400 = "http-400"
    HTTP_403 = "http-403"
    HTTP_429 = "http-429"
    HTTP_500 = "http-500"
    HTTP_503 = "http-503"
    EXPIRED_TOKEN = "expired-token"  # noqa: S105  # a name
    CLOCK_SKEW = "clock-skew"
    SLOW_OPEN = "slow-open"
    # In the stream: an exception, and the end.
    VALIDATION = "validation"
    MODEL_STREAM_ERROR = "model-stream-error"
    THROTTLING = "throttling"
    MODEL_TIMEOUT = "model-timeout"
    INTERNAL_SERVER = "internal-server"
    SERVICE_UNAVAILABLE = "service-unavailable"
    SYSTEM_INSTABILITY = "system-instability"
    UNMODELLED_ERROR = "unmodelled-error"
    CREDENTIALS_EXPIRED = "credentials-expired"
    # The transport.
    RST_STREAM = "rst-stream"
    TCP_RESET = "tcp-reset"
    HALF_OPEN = "half-open"
    END_OF_STREAM = "end-of-stream"
    CORRUPT_FRAME = "corrupt-frame"
    # What is sent, and what is not.
    MUTE = "mute"
    STALLED_AUDIO = "stalled-audio"
    DOUBLE_TOOL_USE = "double-tool-use"
    TOOL_ONLY_RESPONSE = "tool-only-response"
    SPLIT_TRANSCRIPT = "split-transcript"
    COMPLETION_END_MISSING = "completion-end-missing"
    END_TURN_MISSING = "end-turn-missing"
    TWICE_ENCODED_ARGUMENTS = "twice-encoded-arguments"
    UNKNOWN_EVENT = "unknown-event"
    MALFORMED_EVENT = "malformed-event"


BEFORE_STREAM = frozenset(
    {
        FaultKind.HTTP_400,
        FaultKind.HTTP_403,
        FaultKind.HTTP_429,
        FaultKind.HTTP_500,
        FaultKind.HTTP_503,
        FaultKind.EXPIRED_TOKEN,
        FaultKind.CLOCK_SKEW,
        FaultKind.SLOW_OPEN,
    }
)
EXCEPTIONS = {
    FaultKind.VALIDATION: (complaints.VALIDATION, complaints.INVALID),
    FaultKind.MODEL_STREAM_ERROR: (complaints.MODEL_STREAM, complaints.UNEXPECTED),
    FaultKind.THROTTLING: (complaints.THROTTLING, complaints.THROTTLED),
    FaultKind.MODEL_TIMEOUT: (complaints.MODEL_TIMEOUT, complaints.LIFETIME),
    FaultKind.INTERNAL_SERVER: (complaints.INTERNAL, complaints.UNEXPECTED),
    FaultKind.SERVICE_UNAVAILABLE: (complaints.UNAVAILABLE, complaints.NOT_AVAILABLE),
    FaultKind.SYSTEM_INSTABILITY: (complaints.VALIDATION, complaints.INSTABILITY),
}
"""Faults that are an exception of the operation's, and what each says."""
DISTORTIONS = frozenset(
    {
        FaultKind.DOUBLE_TOOL_USE,
        FaultKind.TOOL_ONLY_RESPONSE,
        FaultKind.SPLIT_TRANSCRIPT,
        FaultKind.COMPLETION_END_MISSING,
        FaultKind.END_TURN_MISSING,
        FaultKind.TWICE_ENCODED_ARGUMENTS,
        FaultKind.UNKNOWN_EVENT,
    }
)
"""Faults that change what is sent, for as long as the stream lasts."""
DEFAULT_SECONDS = {FaultKind.SLOW_OPEN: 5.0, FaultKind.STALLED_AUDIO: 10.0}
RESET_CODES = {
    "NO_ERROR": 0x0,
    "PROTOCOL_ERROR": 0x1,
    "INTERNAL_ERROR": 0x2,
    "FLOW_CONTROL_ERROR": 0x3,
    "REFUSED_STREAM": 0x7,
    "CANCEL": 0x8,
    "ENHANCE_YOUR_CALM": 0xB,
}
_HINT = "KIND[=VALUE]@WHEN, for example http-429@open:2, tcp-reset@agent-speaking+0.5 or half-open@12.5"
_WRITTEN = re.compile(r"(?P<kind>[a-z0-9-]+)(=(?P<value>[^@]*))?(@(?P<when>.+))?")
_WHEN = re.compile(r"(?P<occasion>[a-z-]+)(:(?P<nth>[1-9]\d*))?(\+(?P<delay>\d+(\.\d+)?))?")


@dataclass(frozen=True, slots=True)
class Fault:
    """``value`` is seconds or the name of a reset code, where the kind has one. Without an ``occasion`` it happens at
    once, to the streams that are open; before the stream, to the next one."""

    kind: FaultKind
    value: str = ""
    occasion: Occasion | None = None
    nth: int = 1
    delay_s: float = 0.0

    def __post_init__(self) -> None:
        if self.kind in BEFORE_STREAM and self.occasion not in (None, Occasion.OPEN):
            raise UsageError(f"{self.kind} happens before a stream is open", hint=f"{self.kind}@open, or @open:2")
        if self.kind is FaultKind.RST_STREAM and self.value and self.value not in RESET_CODES:
            raise UsageError(f"no reset code {self.value!r}", hint=", ".join(RESET_CODES))
        if self.kind in DEFAULT_SECONDS and self.value and not re.fullmatch(r"\d+(\.\d+)?", self.value):
            raise UsageError(f"{self.kind}={self.value} is no number of seconds", hint=f"{self.kind}=2.5")

    @property
    def seconds(self) -> float:
        return float(self.value) if self.value else DEFAULT_SECONDS.get(self.kind, 0.0)

    @property
    def reset_code(self) -> int:
        return RESET_CODES[self.value or "NO_ERROR"]

    def __str__(self) -> str:
        value = f"={self.value}" if self.value else ""
        if self.occasion is None:
            return f"{self.kind}{value}"
        nth = f":{self.nth}" if self.nth > 1 else ""
        delay = f"+{self.delay_s:g}" if self.delay_s else ""
        return f"{self.kind}{value}@{self.occasion}{nth}{delay}"


def parse_fault(text: str) -> Fault:
    """Raises :class:`UsageError`, naming what there is."""
    written = _WRITTEN.fullmatch(text.strip())
    if written is None or written["kind"] not in set(FaultKind):
        known = ", ".join(FaultKind)
        raise UsageError(f"{text!r} names no fault", hint=f"{_HINT}. The kinds are {known}")
    kind, value = FaultKind(written["kind"]), written["value"] or ""
    when = written["when"]
    if when is None:
        return Fault(kind, value)
    if re.fullmatch(r"\d+(\.\d+)?", when):
        return Fault(kind, value, Occasion.OPEN, delay_s=float(when))
    read = _WHEN.fullmatch(when)
    if read is None or read["occasion"] not in set(Occasion):
        raise UsageError(f"{text!r}: no such moment", hint=f"seconds, or one of {', '.join(Occasion)}; {_HINT}")
    return Fault(kind, value, Occasion(read["occasion"]), int(read["nth"] or 1), float(read["delay"] or 0))


def read_faults(path: Path) -> list[Fault]:
    """A schedule from a TOML file: ``faults = ["http-429@open:2", ...]``. Raises :class:`UsageError`."""
    try:
        written = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _Schedule)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="name a TOML file") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"{path}: {error}", hint='faults = ["http-429@open:2", "half-open@12.5"]') from error
    return [parse_fault(text) for text in written.faults]


class _Schedule(msgspec.Struct, forbid_unknown_fields=True):
    faults: list[str]


class FaultPlan:
    """The faults that have not happened yet. Occasions are counted over all streams, from when a fault was added."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._left: list[tuple[Fault, int]] = []
        for fault in faults:
            self.add(fault)

    @property
    def pending(self) -> list[Fault]:
        return [fault for fault, _ in self._left]

    def add(self, fault: Fault) -> None:
        self._left.append((fault, fault.nth))

    def clear(self) -> None:
        self._left.clear()

    def happened(self, occasion: Occasion) -> list[Fault]:
        """The faults whose moment this is, or, after their delay, follows it; they are no longer pending."""
        due: list[Fault] = []
        left: list[tuple[Fault, int]] = []
        for fault, count in self._left:
            waits_for = fault.occasion or Occasion.OPEN
            if waits_for is occasion:
                count -= 1  # noqa: PLW2901  # of this occasion
            if count:
                left.append((fault, count))
            else:
                due.append(fault)
        self._left = left
        return due

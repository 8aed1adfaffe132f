"""What an offer must hold before we answer it, and what our answer says beyond aiortc's. Pure text (RFC 8866, 8829)."""

from __future__ import annotations

from ipaddress import ip_address

from vivavoce.errors import UsageError

LARGEST_OFFER_BYTES = 64 * 1024
_HINT = "offer one audio section, sendrecv, and one data channel, as the Realtime clients do"
_LOCAL_NAME = ".local"


def checked_offer(offer: str) -> str:
    """The offer as aiortc should read it. Raises :class:`UsageError`, saying what is missing from it.

    Names under ``.local`` are left out of its candidates: resolving them takes multicast and time, and the peer's own
    checks tell us its address as well.
    """
    if len(offer) > LARGEST_OFFER_BYTES:
        raise UsageError(f"an SDP offer of {len(offer)} characters", hint=f"at most {LARGEST_OFFER_BYTES} are read")
    lines = [line.strip() for line in offer.strip().splitlines()]
    if not lines or lines[0] != "v=0":
        raise UsageError("the offer is not SDP: it does not begin with v=0", hint=_HINT)
    _check_sections([line[2:].split() for line in lines if line.startswith("m=")])
    for attribute, what in (("a=ice-ufrag:", "ICE credentials"), ("a=fingerprint:", "DTLS fingerprint")):
        if not any(line.startswith(attribute) for line in lines):
            raise UsageError(f"the offer has no {what}", hint="only WebRTC offers can be answered")
    if any(line in ("a=sendonly", "a=recvonly", "a=inactive") for line in lines):
        raise UsageError("the offer's audio does not go both ways", hint=_HINT)
    kept = [line for line in _with_direction(lines) if not _is_local_candidate(line)]
    return "\r\n".join(kept) + "\r\n"


def _check_sections(sections: list[list[str]]) -> None:
    kinds = [section[0] if section else "" for section in sections]
    if kinds.count("audio") != 1:
        raise UsageError(f"the offer has {kinds.count('audio')} audio sections", hint=_HINT)
    if kinds.count("application") != 1:
        raise UsageError("the offer has no data channel", hint=_HINT)
    others = sorted(set(kinds) - {"audio", "application"})
    if others:
        raise UsageError(f"the offer has a section for {others[0] or 'nothing'}", hint=_HINT)


def _with_direction(lines: list[str]) -> list[str]:
    """Audio that says no direction goes both ways (RFC 8866, 6.7); aiortc wants it said."""
    begin = next(at for at, line in enumerate(lines) if line.startswith("m=audio"))
    rest = [at for at, line in enumerate(lines) if line.startswith("m=") and at > begin]
    end = rest[0] if rest else len(lines)
    if "a=sendrecv" in lines[begin:end]:
        return lines
    return [*lines[:end], "a=sendrecv", *lines[end:]]


def _is_local_candidate(line: str) -> bool:
    parts = line.split()
    return line.startswith("a=candidate:") and len(parts) > 4 and parts[4].endswith(_LOCAL_NAME)


def finished_answer(answer: str, bits_per_s: int, announce: str = "") -> str:
    """Our answer with the format parameters of Opus (RFC 7587), and with ``announce``, where it is set, in the place of
    this machine's own addresses of that family.
    """
    lines: list[str] = []
    for line in answer.splitlines():
        ours = _announced(line, announce) if announce and line.startswith("a=candidate:") else line
        if ours:
            lines.append(ours)
        if line.startswith("a=rtpmap:") and " opus/" in line:
            payload_type = line.removeprefix("a=rtpmap:").split()[0]
            settings = f"minptime=10;useinbandfec=1;stereo=0;maxaveragebitrate={bits_per_s}"
            lines.append(f"a=fmtp:{payload_type} {settings}")
    return "\r\n".join(lines) + "\r\n"


def _announced(candidate: str, announce: str) -> str:
    parts = candidate.split()
    if parts[7] == "host" and ip_address(parts[4]).version == ip_address(announce).version:
        parts[4] = announce
    return " ".join(parts)

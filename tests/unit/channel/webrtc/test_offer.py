"""Offers, good and bad, and what our answer adds."""

from __future__ import annotations

import pytest

from vivavoce.channel.webrtc.offer import checked_offer, finished_answer
from vivavoce.errors import UsageError

OFFER = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111 0
c=IN IP4 0.0.0.0
a=candidate:1 1 udp 2113937151 3f6c0e8e-1d8a.local 50000 typ host generation 0
a=candidate:2 1 udp 1677729535 192.0.2.7 50000 typ srflx raddr 0.0.0.0 rport 0
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 00:11
a=setup:actpass
a=mid:0
a=sendrecv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=mid:1
a=sctp-port:5000
""".replace("\n", "\r\n")


def test_a_good_offer_passes_without_names_that_only_multicast_knows() -> None:
    checked = checked_offer(OFFER)
    assert ".local" not in checked
    assert "192.0.2.7" in checked
    assert checked.count("\r\n") == OFFER.count("\r\n") - 1


def test_audio_that_says_no_direction_goes_both_ways() -> None:
    silent = OFFER.replace("a=sendrecv\r\n", "")
    assert checked_offer(silent).replace("a=sendrecv\r\n", "") == checked_offer(OFFER).replace("a=sendrecv\r\n", "")
    assert checked_offer(silent).index("a=sendrecv") < checked_offer(silent).index("m=application")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (OFFER, "", "not SDP"),
        (OFFER, '{"sdp": "v=0"}', "not SDP"),
        ("m=audio", "m=video", "0 audio sections"),
        ("m=application", "m=audio", "2 audio sections"),
        ("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\na=sctp-port:5000\r\n", "", "no data channel"),
        ("m=application", "m=video 9 RTP 96\r\nm=application", "a section for video"),
        ("a=ice-ufrag:", "a=x:", "no ICE credentials"),
        ("a=fingerprint:", "a=x:", "no DTLS fingerprint"),
        ("a=sendrecv", "a=recvonly", "both ways"),
        ("a=setup:actpass\r\n", "a=setup:actpass\r\n" * 5000, "characters"),
    ],
)
def test_what_is_wrong_with_an_offer_is_said(old: str, new: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as refusal:
        checked_offer(OFFER.replace(old, new))
    assert refusal.value.hint


ANSWER = "\r\n".join(
    [
        "v=0",
        "a=rtpmap:111 opus/48000/2",
        "a=candidate:1 1 udp 2130706431 10.0.0.5 40087 typ host",
        "a=candidate:2 1 udp 2130706431 fd00::5 40045 typ host",
        "a=candidate:3 1 udp 1694498815 192.0.2.8 40087 typ srflx raddr 10.0.0.5 rport 40087",
        "",
    ]
)


def test_the_answer_asks_for_error_correction_in_band() -> None:
    assert "a=fmtp:111 minptime=10;useinbandfec=1;stereo=0;maxaveragebitrate=24000\r\n" in finished_answer(
        ANSWER, 24_000
    )


def test_an_announced_address_takes_the_place_of_our_own_of_its_family() -> None:
    answer = finished_answer(ANSWER, 24_000, "203.0.113.9")
    assert "203.0.113.9 40087 typ host" in answer
    assert " 10.0.0.5 40087 typ host" not in answer
    assert "fd00::5 40045 typ host" in answer
    assert "192.0.2.8 40087 typ srflx" in answer

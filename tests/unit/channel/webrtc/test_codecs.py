"""What is on the wire. Opus lengths need no library; the rest decodes and encodes real sound."""

from __future__ import annotations

import av
import numpy as np
import pytest

from vivavoce.channel.webrtc.codecs import CODECS, make_codec, opus_samples

RATE_HZ = 24_000
FRAME = 480


@pytest.mark.parametrize(
    ("payload", "samples"),
    [
        (bytes([0 << 3]), 480),  # SILK, 10 ms
        (bytes([3 << 3]), 2880),
        (bytes([9 << 3 | 1]), 1920),  # two of 20 ms
        (bytes([13 << 3 | 2]), 1920),  # hybrid
        (bytes([16 << 3]), 120),  # CELT, 2.5 ms
        (bytes([31 << 3]), 960),
        (bytes([31 << 3 | 3, 6]), 5760),  # six of 20 ms, the most there may be
        (bytes([31 << 3 | 3, 7]), 0),
        (bytes([31 << 3 | 3]), 0),
        (bytes([31 << 3 | 3, 0]), 0),
        (b"", 0),
    ],
)
def test_an_opus_packet_says_how_long_it_lasts(payload: bytes, samples: int) -> None:
    assert opus_samples(payload) == samples


def tone(frames: int) -> bytes:
    at = np.arange(frames * FRAME) / RATE_HZ
    return (8000 * np.sin(2 * np.pi * 330 * at)).astype("<i2").tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("mime_type", CODECS)
def test_a_tone_goes_through(mime_type: str) -> None:
    decoder, encoder = make_codec(av, mime_type, RATE_HZ, 32_000)
    pcm = tone(50)
    payloads = [encoder.encode(pcm[at : at + 2 * FRAME]) for at in range(0, len(pcm), 2 * FRAME)]
    assert {decoder.samples(payload) for payload in payloads} == {decoder.clock_hz // 50}
    decoded = b"".join(decoder.decode(payload) or b"" for payload in payloads)
    heard = np.frombuffer(decoded, "<i2")[10 * FRAME :]
    assert len(decoded) == pytest.approx(len(pcm), abs=200)  # what a resampler holds back
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert float(np.argmax(spectrum)) * RATE_HZ / len(heard) == pytest.approx(330, abs=2)
    assert np.sqrt(np.mean(heard.astype(float) ** 2)) == pytest.approx(8000 / 2**0.5, rel=0.1)


@pytest.mark.slow
def test_speech_in_opus_takes_about_the_bits_it_was_given_and_silence_next_to_none() -> None:
    decoder, encoder = make_codec(av, "audio/opus", RATE_HZ, 32_000)
    noise = np.random.default_rng(1).normal(0, 3000, 50 * FRAME).astype("<i2").tobytes()
    sizes = [len(encoder.encode(noise[at : at + 2 * FRAME])) for at in range(0, len(noise), 2 * FRAME)]
    assert 50 <= np.mean(sizes[5:]) <= 110  # 80 bytes every 20 ms are 32 kbit/s
    silent = [encoder.encode(b"") for _ in range(20)]
    assert {len(payload) for payload in silent[-10:]} == {3}
    for payload in silent:
        decoded = decoder.decode(payload)
    assert decoded is not None
    assert not any(decoded[-200:])


@pytest.mark.slow
def test_a_damaged_payload_is_nothing_and_what_follows_is_heard() -> None:
    decoder, encoder = make_codec(av, "audio/opus", RATE_HZ, 32_000)
    pcm = tone(3)
    for at in range(0, len(pcm), 2 * FRAME):
        decoder.decode(encoder.encode(pcm[at : at + 2 * FRAME]))
    assert decoder.decode(b"\x03\xff\xff") is None
    assert decoder.decode(encoder.encode(pcm[: 2 * FRAME]))

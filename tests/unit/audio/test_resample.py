import numpy as np
import pytest
from numpy.typing import NDArray

from vivavoce.audio.arrays import to_array, to_pcm
from vivavoce.audio.resample import StreamResampler, resample, resampled_length
from vivavoce.errors import UsageError

RATES = [(8000, 16000), (16000, 8000), (24000, 16000), (16000, 24000), (24000, 8000), (48000, 16000), (44100, 16000)]


def tone(frequency_hz: float, rate_hz: int, samples: int, amplitude: float = 20000) -> NDArray[np.float64]:
    phase = 2 * np.pi * frequency_hz / rate_hz * np.arange(samples, dtype=np.float64)
    wave: NDArray[np.float64] = amplitude * np.sin(phase)
    return wave


def streamed(pcm: bytes, from_hz: int, to_hz: int, piece_bytes: int = 1 << 20) -> bytes:
    stream = StreamResampler(from_hz, to_hz)
    return b"".join(stream.push(pcm[at : at + piece_bytes]) for at in range(0, len(pcm), piece_bytes)) + stream.finish()


def middle_error_db(heard: bytes, expected: NDArray[np.float64]) -> float:
    """How far below the tone the error lies, away from the ends, where the filter sees silence."""
    samples = to_array(heard)
    assert len(samples) == len(expected)
    middle = slice(len(expected) // 8, -len(expected) // 8)
    return float(20 * np.log10(np.std((samples - expected)[middle]) / np.std(expected[middle])))


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_a_tone_stays_the_same_tone_at_the_same_time(from_hz: int, to_hz: int) -> None:
    expected = tone(1000, to_hz, to_hz)
    assert middle_error_db(streamed(to_pcm(tone(1000, from_hz, from_hz)), from_hz, to_hz), expected) < -85
    assert middle_error_db(resample(to_pcm(tone(1000, from_hz, from_hz)), from_hz, to_hz), expected) < -85


@pytest.mark.parametrize(("from_hz", "to_hz"), [rates for rates in RATES if rates[0] > rates[1]])
def test_what_the_lower_rate_cannot_hold_is_80_db_down(from_hz: int, to_hz: int) -> None:
    heard = to_array(streamed(to_pcm(tone(to_hz / 2 + 10, from_hz, from_hz)), from_hz, to_hz))
    middle = heard[len(heard) // 8 : -len(heard) // 8].astype(float)
    assert np.std(middle) < 20000 / np.sqrt(2) * 10 ** (-80 / 20)


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_a_constant_passes_exactly(from_hz: int, to_hz: int) -> None:
    heard = to_array(streamed(to_pcm(np.full(4000, 12345)), from_hz, to_hz))
    assert np.all(heard[200:-200] == 12345)


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_the_output_trails_by_the_stated_delay_and_no_more(from_hz: int, to_hz: int) -> None:
    stream = StreamResampler(from_hz, to_hz)
    frame = bytes(from_hz // 50 * 2)
    out = 0
    for count in range(1, 11):
        out += len(stream.push(frame)) // 2
        behind_ms = count * 20 - out * 1000 / to_hz
        assert behind_ms <= stream.delay_ms
    assert stream.delay_ms <= 32.5 * 1000 / min(from_hz, to_hz)


def test_a_stream_of_frames_equals_one_push() -> None:
    pcm = to_pcm(np.random.default_rng(7).normal(0, 8000, 30_000))
    assert streamed(pcm, 8000, 16000, 320) == streamed(pcm, 8000, 16000)


def test_equal_rates_pass_the_very_bytes() -> None:
    piece = bytes(640)
    stream = StreamResampler(16000, 16000)
    assert stream.push(piece) is piece
    assert stream.finish() == b""
    assert stream.delay_ms == 0
    assert resample(piece, 16000, 16000) is piece


def test_half_a_sample_more_rounds_up() -> None:
    assert resampled_length(3, 16000, 8000) == 2
    assert resampled_length(1, 16000, 8000) == 1
    assert resampled_length(1, 48000, 8000) == 0
    assert len(resample(bytes(2), 48000, 8000)) == 0
    assert streamed(bytes(2), 48000, 8000) == b""


def test_nothing_becomes_nothing() -> None:
    assert streamed(b"", 8000, 16000) == resample(b"", 8000, 16000) == b""


def test_silence_stays_digital_silence() -> None:
    assert streamed(bytes(1000), 8000, 16000) == resample(bytes(1000), 8000, 16000) == bytes(2000)


def test_odd_rates_are_for_whole_recordings() -> None:
    with pytest.raises(UsageError, match="larger common divisor"):
        StreamResampler(12347, 16000)
    pcm = to_pcm(tone(500, 12347, 12347))
    assert middle_error_db(resample(pcm, 12347, 16000), tone(500, 16000, 16000)) < -85


def test_after_the_end_nothing_may_follow() -> None:
    stream = StreamResampler(8000, 16000)
    stream.push(bytes(20))
    assert len(stream.finish()) == 40
    assert stream.finish() == b""
    with pytest.raises(UsageError, match="finished"):
        stream.push(bytes(2))


@pytest.mark.parametrize(("from_hz", "to_hz"), [(0, 8000), (8000, -1)])
def test_nonsense_is_refused(from_hz: int, to_hz: int) -> None:
    with pytest.raises(UsageError):
        StreamResampler(from_hz, to_hz)
    with pytest.raises(UsageError):
        resample(b"", from_hz, to_hz)

import pytest

from vivavoce.audio.pcm import duration_ms, samples_for, samples_in, silence
from vivavoce.errors import UsageError


def test_counts_samples() -> None:
    assert samples_in(b"") == 0
    assert samples_in(bytes(640)) == 320


def test_half_a_sample_is_an_error() -> None:
    with pytest.raises(UsageError, match="3 bytes are not whole 16-bit samples"):
        samples_in(b"abc")


@pytest.mark.parametrize(
    ("ms", "rate_hz", "samples"),
    [(20, 16000, 320), (20, 8000, 160), (10, 22050, 220), (1000, 11025, 11025), (0, 8000, 0)],
)
def test_samples_for(ms: int, rate_hz: int, samples: int) -> None:
    assert samples_for(ms, rate_hz) == samples


def test_an_hour_is_exact() -> None:
    assert samples_for(3_600_000, 44_100) == 158_760_000
    assert duration_ms(158_760_000, 44_100) == 3_600_000.0


def test_silence() -> None:
    assert silence(3) == b"\0\0\0\0\0\0"


@pytest.mark.parametrize(("ms", "rate_hz"), [(-1, 8000), (20, 0)])
def test_nonsense_is_refused(ms: int, rate_hz: int) -> None:
    with pytest.raises(UsageError):
        samples_for(ms, rate_hz)


def test_more_nonsense_is_refused() -> None:
    with pytest.raises(UsageError):
        duration_ms(10, 0)
    with pytest.raises(UsageError):
        silence(-1)

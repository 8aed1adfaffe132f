from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vivavoce.model.local.ear_denoise import FRAME_SAMPLES, HOP_SAMPLES, Denoiser

DELAY = FRAME_SAMPLES - HOP_SAMPLES
Samples = npt.NDArray[np.float64]


def cleaned(samples: Samples, hops_at_a_time: int = 2) -> Samples:
    denoiser = Denoiser()
    pcm = samples.astype("<i2").tobytes()
    step = 2 * HOP_SAMPLES * hops_at_a_time
    return np.frombuffer(b"".join(denoiser.feed(pcm[at : at + step]) for at in range(0, len(pcm), step)), "<i2") * 1.0


def tone_in_noise(noise: float) -> tuple[Samples, Samples]:
    """Half a second of noise, then the same with a chord in it, on and off like syllables."""
    at = np.arange(24 * 2 * FRAME_SAMPLES) / 16_000
    tones = np.sum([np.sin(2 * np.pi * hertz * at) for hertz in (220, 440, 880, 1760)], axis=0) * 2000.0
    voice = tones * (np.sin(2 * np.pi * 3 * at) > 0) * (at > 0.5)
    return voice, voice + noise * np.random.default_rng(1).standard_normal(len(at))


def power(samples: Samples) -> float:
    return float(np.mean(samples**2))


def test_steady_noise_is_taken_out_and_the_voice_stays() -> None:
    voice, heard = tone_in_noise(300)
    left = cleaned(heard)
    before, after = power(heard[2560:7680]), power(left[2560:7680])
    assert after < before / 15  # 12 dB
    wrong = left[DELAY:] - voice[:-DELAY]
    assert power(wrong[8000:]) < power(heard[8000:] - voice[8000:]) / 3


def test_a_clean_voice_comes_through_late_but_whole() -> None:
    voice, _ = tone_in_noise(0)
    wrong = cleaned(voice)[DELAY:] - voice[:-DELAY]
    assert power(wrong) < power(voice) / 100


def test_the_cut_into_hops_does_not_matter() -> None:
    _, heard = tone_in_noise(300)
    np.testing.assert_array_equal(cleaned(heard, 1), cleaned(heard, 4))


def test_silence_and_full_scale_do_no_harm() -> None:
    square = np.where(np.arange(64 * HOP_SAMPLES) % 100 < 50, 32_767.0, -32_768.0)
    assert not cleaned(np.zeros(64 * HOP_SAMPLES)).any()
    assert len(cleaned(square)) == len(square)

import numpy as np
import pytest

from vivavoce.audio.arrays import to_array, to_pcm
from vivavoce.audio.level import SILENCE_DBFS, Meter, active_rms_dbfs, add_noise, peak_dbfs, pink_noise, rms_dbfs
from vivavoce.errors import UsageError

SINE = to_pcm(16384 * np.sin(2 * np.pi * np.arange(16000) / 160))


def test_a_full_scale_square_wave_is_0_dbfs() -> None:
    square = to_pcm(np.tile([-32768, -32768], 100))
    assert rms_dbfs(square) == peak_dbfs(square) == 0


def test_a_half_scale_sine() -> None:
    assert peak_dbfs(SINE) == pytest.approx(-6.02, abs=0.01)
    assert rms_dbfs(SINE) == pytest.approx(-9.03, abs=0.01)


@pytest.mark.parametrize("pcm", [b"", bytes(640)])
def test_silence_has_a_number(pcm: bytes) -> None:
    assert rms_dbfs(pcm) == peak_dbfs(pcm) == active_rms_dbfs(pcm) == SILENCE_DBFS


def test_pauses_do_not_count_as_speech() -> None:
    assert active_rms_dbfs(bytes(64000) + SINE + bytes(64000)) == pytest.approx(rms_dbfs(SINE), abs=0.01)
    assert active_rms_dbfs(SINE[:100]) == rms_dbfs(SINE[:100])


def test_the_meter_shows_the_last_whole_window() -> None:
    meter = Meter(160)
    meter.push(SINE[:318])
    assert meter.rms_dbfs == meter.peak_dbfs == SILENCE_DBFS
    meter.push(SINE[318:400])
    assert meter.rms_dbfs == rms_dbfs(SINE[:320])
    assert meter.peak_dbfs == peak_dbfs(SINE[:320])
    meter.push(bytes(1000))
    assert meter.rms_dbfs == SILENCE_DBFS


@pytest.mark.parametrize("colour", ["white", "pink"])
@pytest.mark.parametrize("snr_db", [20.0, 5.0])
def test_noise_has_the_level_asked_for(colour: str, snr_db: float) -> None:
    speech = to_pcm(to_array(SINE) / 8)
    noisy = add_noise(speech, snr_db, 1, "pink" if colour == "pink" else "white")
    noise = to_pcm(to_array(noisy).astype(float) - to_array(speech))
    assert active_rms_dbfs(speech) - rms_dbfs(noise) == pytest.approx(snr_db, abs=0.02)


def test_pink_noise_has_the_same_power_in_each_octave() -> None:
    speech = to_pcm(np.tile([3000, -3000], 32768))
    noise = to_array(add_noise(speech, 0, 3, "pink")).astype(float) - to_array(speech)
    power = np.abs(np.fft.rfft(noise)) ** 2
    octaves = [power[begin : 2 * begin].sum() for begin in (512, 1024, 2048, 4096, 8192)]
    assert max(octaves) < 1.3 * min(octaves)


def test_the_seed_decides() -> None:
    assert add_noise(SINE, 20, 5) == add_noise(SINE, 20, 5)
    assert add_noise(SINE, 20, 5) != add_noise(SINE, 20, 6)


def test_there_is_no_ratio_to_silence() -> None:
    with pytest.raises(UsageError, match="silence"):
        add_noise(bytes(640), 20, 1)
    with pytest.raises(UsageError):
        Meter(0)


def test_pink_noise_has_its_level_and_its_seed() -> None:
    noise = pink_noise(16_000, -30.0, seed=4)
    assert rms_dbfs(noise) == pytest.approx(-30.0, abs=0.05)
    assert noise == pink_noise(16_000, -30.0, seed=4) != pink_noise(16_000, -30.0, seed=5)

"""Whatever the sound and however it is cut: counts are exact, nothing is lost, and the cuts leave no trace."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.audio.arrays import to_array, to_pcm
from vivavoce.audio.files import read_audio, write_flac, write_wav
from vivavoce.audio.framing import Framer
from vivavoce.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from vivavoce.audio.level import Meter, add_noise, peak_dbfs, rms_dbfs
from vivavoce.audio.mixing import StereoMixer, Track
from vivavoce.audio.resample import StreamResampler, resample, resampled_length
from vivavoce.audio.wav import WavWriter

RATES_HZ = st.sampled_from([8000, 11025, 12000, 16000, 22050, 24000, 44100, 48000])


def pcm(max_samples: int = 400) -> st.SearchStrategy[bytes]:
    return st.binary(max_size=2 * max_samples).map(lambda data: data[: len(data) // 2 * 2])


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """The same bytes in pieces of so many samples, the last piece being the rest."""
    pieces = []
    for size in sizes:
        pieces.append(data[: 2 * size])
        data = data[2 * size :]
    return [*pieces, data]


sizes = st.lists(st.integers(0, 150), max_size=8)


@given(pcm())
def test_arrays_round_trip(sound: bytes) -> None:
    assert to_pcm(to_array(sound)) == sound


@given(st.binary(max_size=300))
def test_g711_keeps_every_byte_but_the_second_mu_law_zero(line: bytes) -> None:
    assert alaw_encode(alaw_decode(line)) == line
    # Mu-law has two zeros (0x7F, minus nothing); PCM has one.
    assert ulaw_encode(ulaw_decode(line)) == line.replace(b"\x7f", b"\xff")


@given(RATES_HZ, RATES_HZ, pcm(), sizes)
def test_resampling_counts_exactly_and_shows_no_cuts(from_hz: int, to_hz: int, sound: bytes, at: list[int]) -> None:
    whole, pieces = StreamResampler(from_hz, to_hz), StreamResampler(from_hz, to_hz)
    expected = whole.push(sound) + whole.finish()
    assert b"".join(map(pieces.push, cut(sound, at))) + pieces.finish() == expected
    assert len(expected) == 2 * resampled_length(len(sound) // 2, from_hz, to_hz)
    assert len(resample(sound, from_hz, to_hz)) == len(expected)


@given(st.integers(1, 40), st.integers(1, 40), pcm(60), sizes)
def test_resampling_between_small_odd_rates(from_hz: int, to_hz: int, sound: bytes, at: list[int]) -> None:
    # Ratios nobody uses: far up, far down, without common divisors.
    whole, pieces = StreamResampler(from_hz, to_hz), StreamResampler(from_hz, to_hz)
    expected = whole.push(sound) + whole.finish()
    assert b"".join(map(pieces.push, cut(sound, at))) + pieces.finish() == expected
    assert len(expected) == 2 * resampled_length(len(sound) // 2, from_hz, to_hz)


@given(st.integers(1, 100), pcm(), sizes, st.booleans())
def test_framing_keeps_everything_in_order(frame: int, sound: bytes, at: list[int], pad: bool) -> None:
    framer = Framer(frame)
    frames = [whole for piece in cut(sound, at) for whole in framer.push(piece)]
    assert all(len(whole) == 2 * frame for whole in frames)
    assert framer.held_samples == len(sound) // 2 % frame
    joined = b"".join(frames) + framer.finish(pad=pad)
    assert joined[: len(sound)] == sound
    assert joined[len(sound) :] == (bytes(-len(sound) % (2 * frame)) if pad else b"")


placings = st.tuples(st.sampled_from(Track), st.integers(-10, 150), pcm(40))


@given(st.integers(1, 120), st.lists(placings | st.integers(0, 200), max_size=20))
def test_a_mixer_is_two_tape_tracks(window: int, moves: list[tuple[Track, int, bytes] | int]) -> None:
    mixer = StereoMixer(window)
    tape: dict[tuple[int, Track], bytes] = {}
    flushed, out, left_out = 0, b"", 0
    for move in moves:
        if isinstance(move, int):
            out += mixer.flush_until(move)
            flushed = max(flushed, move)
            continue
        track, start, sound = move
        kept = 0
        for index in range(len(sound) // 2):
            if flushed <= start + index < flushed + window:
                tape[start + index, track] = sound[2 * index : 2 * index + 2]
                kept += 1
        assert mixer.place(track, start, sound) == len(sound) // 2 - kept
        left_out += len(sound) // 2 - kept
    end = max(flushed, mixer.placed_until_samples)
    out += mixer.flush_until(end)
    assert out == b"".join(tape.get((at, track), b"\0\0") for at in range(end) for track in Track)
    assert mixer.statistics().late + mixer.statistics().ahead == left_out


@settings(max_examples=20)
@given(pcm(), st.integers(4000, 65_535) | st.integers(400, 19_200).map(lambda tens: 10 * tens), sizes)
def test_files_keep_every_sample(sound: bytes, rate_hz: int, at: list[int]) -> None:
    sound += b"\x01\x00"  # a file without sound is an error
    with tempfile.TemporaryDirectory() as folder:
        whole, pieces, flac = Path(folder, "whole.wav"), Path(folder, "pieces.wav"), Path(folder, "a.flac")
        write_wav(whole, sound, rate_hz)
        with WavWriter(pieces, rate_hz) as writer:
            for piece in cut(sound, at):
                writer.write(piece)
        write_flac(flac, sound, rate_hz)
        assert whole.read_bytes() == pieces.read_bytes()
        for path in (whole, flac):
            recording = read_audio(path)
            assert (recording.pcm, recording.rate_hz) == (sound, rate_hz)


@given(st.integers(1, 100), pcm(), sizes)
def test_a_meter_shows_no_cuts(window: int, sound: bytes, at: list[int]) -> None:
    meter = Meter(window)
    for piece in cut(sound, at):
        meter.push(piece)
    end = len(sound) // 2 // window * window
    last = sound[2 * max(0, end - window) : 2 * end]
    assert (meter.rms_dbfs, meter.peak_dbfs) == (rms_dbfs(last), peak_dbfs(last))


@given(pcm(), st.floats(-10, 60), st.integers(0, 2**32))
def test_noise_keeps_the_length(sound: bytes, snr_db: float, seed: int) -> None:
    sound += b"\x00\x10"
    noisy = add_noise(sound, snr_db, seed)
    assert len(noisy) == len(sound)
    assert rms_dbfs(sound) <= peak_dbfs(sound) <= 0

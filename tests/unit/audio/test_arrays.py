import numpy as np
import pytest

from vivavoce.audio.arrays import to_array, to_pcm
from vivavoce.errors import UsageError


def test_bytes_are_little_endian() -> None:
    assert to_array(b"\x01\x00\xff\xff\x00\x80").tolist() == [1, -1, -32768]


def test_the_view_cannot_be_written() -> None:
    assert not to_array(bytes(4)).flags.writeable


def test_what_is_too_loud_saturates_and_halves_go_to_even() -> None:
    numbers = np.array([40000.0, -40000.0, 0.5, 1.5, -0.5, np.inf, -np.inf])
    assert to_array(to_pcm(numbers)).tolist() == [32767, -32768, 0, 2, 0, 32767, -32768]


def test_wider_integers_saturate() -> None:
    assert to_array(to_pcm(np.array([70000, -70000, 12]))).tolist() == [32767, -32768, 12]


def test_half_a_sample_is_an_error() -> None:
    with pytest.raises(UsageError):
        to_array(b"abc")

"""Against two outside witnesses: values printed in ITU-T G.711 (11/88), and libsndfile's independent codec."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from vivavoce.audio.arrays import to_array
from vivavoce.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode

Codec = Callable[[bytes], bytes]
EVERY_SAMPLE = np.arange(-32768, 32768).astype("<i2").tobytes()
EVERY_BYTE = bytes(range(256))
LAWS = [
    pytest.param("ULAW", ulaw_encode, ulaw_decode, id="mu-law"),
    pytest.param("ALAW", alaw_encode, alaw_decode, id="A-law"),
]


# Table 2a, columns 6 and 8: the quantized value y at the end of each segment, 14 bits (here times 4).
ULAW_TABLE = {0x80: 8031, 0x8F: 4191, 0x9F: 2079, 0xAF: 1023, 0xBF: 495, 0xCF: 231, 0xDF: 99, 0xEF: 33, 0xFF: 0}
# Table 1a, columns 6 and 8: the quantized value at the start of each segment, and the largest, in units of 1/4096 of
# the range (here times 8); bytes after the inversion of even bits.
ALAW_TABLE = {0xAA: 4032, 0xA5: 2112, 0xB5: 1056, 0x85: 528, 0x95: 264, 0xE5: 132, 0xF5: 66, 0xC5: 33, 0xD5: 1}


def decoded(decode: Codec, byte: int) -> int:
    return int(to_array(decode(bytes([byte])))[0])


@pytest.mark.parametrize(("byte", "value"), ULAW_TABLE.items())
def test_mu_law_values_of_the_recommendation(byte: int, value: int) -> None:
    assert decoded(ulaw_decode, byte) == value * 4
    assert decoded(ulaw_decode, byte & 0x7F) == -value * 4


@pytest.mark.parametrize(("byte", "value"), ALAW_TABLE.items())
def test_a_law_values_of_the_recommendation(byte: int, value: int) -> None:
    assert decoded(alaw_decode, byte) == value * 8
    assert decoded(alaw_decode, byte & 0x7F) == -value * 8


@pytest.mark.parametrize(("law", "encode", "decode"), LAWS)
def test_every_sample_encodes_as_in_libsndfile(law: str, encode: Codec, decode: Codec) -> None:
    file = io.BytesIO()
    soundfile.write(file, to_array(EVERY_SAMPLE), 8000, format="RAW", subtype=law)
    assert encode(EVERY_SAMPLE) == file.getvalue()


@pytest.mark.parametrize(("law", "encode", "decode"), LAWS)
def test_every_byte_decodes_as_in_libsndfile(law: str, encode: Codec, decode: Codec) -> None:
    file = io.BytesIO(EVERY_BYTE)
    expected, _ = soundfile.read(file, dtype="int16", format="RAW", samplerate=8000, channels=1, subtype=law)
    assert to_array(decode(EVERY_BYTE)).tolist() == expected.tolist()


@pytest.mark.parametrize(("law", "encode", "decode"), LAWS)
def test_decoded_once_it_survives_any_number_of_round_trips(law: str, encode: Codec, decode: Codec) -> None:
    once = decode(encode(EVERY_SAMPLE))
    assert decode(encode(once)) == once


@pytest.mark.parametrize(("law", "encode", "decode"), LAWS)
def test_the_error_is_at_most_a_twentieth_of_the_sample(law: str, encode: Codec, decode: Codec) -> None:
    samples = to_array(EVERY_SAMPLE).astype(int)
    error = np.abs(to_array(decode(encode(EVERY_SAMPLE))) - samples)
    # A step is at most 1/16 of where it begins, near silence at most 16 wide; both laws stop a little below full scale.
    assert np.all(error <= np.maximum(8, np.abs(samples) / 20))


@pytest.mark.parametrize(("law", "encode", "decode"), LAWS)
def test_nothing_is_nothing(law: str, encode: Codec, decode: Codec) -> None:
    assert encode(b"") == decode(b"") == b""

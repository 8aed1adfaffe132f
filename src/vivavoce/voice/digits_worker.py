"""The program that writes digits down: ``python -m vivavoce.voice.digits_worker``, started by :mod:`.digits`.

It reads pieces of talk at 16 kHz from its standard input in their order, writes the digits of each to its standard
output, and ends when its input ends. Nothing of it is written anywhere else.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from vivavoce.voice.digits_frames import Frames, digits_of, grammar, pack

_READ_BYTES = 65_536
_SILENCE = bytes(3_200)  # 100 ms


def open_decoder() -> Any:
    """PocketSphinx with the grammar."""
    from pocketsphinx import Decoder

    # At the usual weights a digit falls into two, "five eight" for "five", and hardly a string is right.
    decoder = Decoder(lm=None, loglevel="FATAL", lw=1, wip=1e-15, beam=1e-60, wbeam=1e-40, pbeam=1e-60)
    decoder.add_jsgf_string("digits", grammar())
    decoder.activate_search("digits")
    return decoder


def digits_in(decoder: Any, pcm: bytes) -> str:
    decoder.start_utt()
    decoder.process_raw(_SILENCE + pcm + _SILENCE, full_utt=True)
    decoder.end_utt()
    heard = decoder.hyp()
    return digits_of(heard.hypstr) if heard is not None else ""


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with its parent
    source, target = sys.stdin.fileno(), sys.stdout.fileno()
    frames = Frames()
    decoder = open_decoder()
    try:
        while data := os.read(source, _READ_BYTES):
            for number, pcm in frames.feed(data):
                answer = pack(number, digits_in(decoder, pcm).encode())
                while answer:
                    answer = answer[os.write(target, answer) :]
    except BrokenPipeError:
        return 0  # nobody is left to tell
    return 0


if __name__ == "__main__":
    sys.exit(main())

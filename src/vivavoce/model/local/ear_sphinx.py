"""PocketSphinx, with its general English model interpolated with the agent's own sentences. Worker process only: it
works for tens of milliseconds at a time.

The package's Python classes cannot interpolate two language models, its C library can (``ngram_model_set_init``), and
the wheel's extension module exports the library's functions. Where a build hides them, the Python classes serve, with
the general model alone (docs/decisions/0201-hearing-the-agents-own-words.md).
"""

from __future__ import annotations

import ctypes
import math
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from vivavoce.errors import ModelFault, NotAvailable
from vivavoce.model.local.dialogue.port import Heard
from vivavoce.model.local.ear_endpointing import RATE_HZ
from vivavoce.model.local.ear_language import normalised, trigram_arpa
from vivavoce.model.local.ear_pronunciation import pronunciation
from vivavoce.model.local.ear_recogniser import MOST_ALTERNATIVES, Recogniser

# The library mixes probabilities to which it has already applied the language weight, 6.5: where the two models differ,
# the better chance wins, and the weight of the general one counts by its 6.5th root: 0.7. More leaning gains nothing
# and costs talk about other things much (docs/decisions/0203).
_OWN_SENTENCES_WEIGHT: Final = 0.9
# The mean cepstrum of a voice in its room is taken from the first second of each turn, and to two fifths from what
# voices sound like here at a usual level. The library's own running mean starts far off and is late by a turn.
_MEAN_BYTES: Final = 2 * RATE_HZ
_USUAL_MEAN: Final = (54.0, 4.0, 2.0, 8.0, -3.0, 0.0, 0.0, -4.0, -1.0, 0.0, 2.0, 1.0, 1.0)
_USUAL_MEAN_SHARE: Final = 0.4
# From the posterior of the best reading, in nats, to the chance that all its words are right: logistic, 92 utterances
# of two voices, half of them at 15 dB of noise (area under the curve 0.88). Docs: decisions/0201.
_CONFIDENCE_OFFSET: Final = 2.0
_CONFIDENCE_SLOPE: Final = 0.34
_LEAST_NATS: Final = -100.0
_READINGS_LOOKED_AT: Final = 25

_Handle = ctypes.c_void_p
_INT: Final = ctypes.c_int
_TEXT: Final = ctypes.c_char_p
# Name: result, arguments. pocketsphinx.h and ngram_model.h of PocketSphinx 5.
_FUNCTIONS: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "err_set_loglevel_str": (_TEXT, (_TEXT,)),
    "ps_config_init": (_Handle, (_Handle,)),
    "ps_config_set_str": (_Handle, (_Handle, _TEXT, _TEXT)),
    "ps_config_set_bool": (_Handle, (_Handle, _TEXT, _INT)),
    "ps_init": (_Handle, (_Handle,)),
    "ps_lookup_word": (_Handle, (_Handle, _TEXT)),
    "ps_add_word": (_INT, (_Handle, _TEXT, _TEXT, _INT)),
    "ps_get_logmath": (_Handle, (_Handle,)),
    "ps_get_prob": (ctypes.c_int32, (_Handle,)),
    "logmath_log_to_ln": (ctypes.c_double, (_Handle, _INT)),
    "ps_add_lm": (_INT, (_Handle, _TEXT, _Handle)),
    "ps_add_keyphrase": (_INT, (_Handle, _TEXT, _TEXT)),
    "ps_activate_search": (_INT, (_Handle, _TEXT)),
    "ps_get_cmn": (_TEXT, (_Handle, _INT)),
    "ps_set_cmn": (_INT, (_Handle, _TEXT)),
    "ps_start_utt": (_INT, (_Handle,)),
    "ps_process_raw": (_INT, (_Handle, _TEXT, ctypes.c_size_t, _INT, _INT)),
    "ps_end_utt": (_INT, (_Handle,)),
    "ps_get_hyp": (_TEXT, (_Handle, _Handle)),
    "ps_nbest": (_Handle, (_Handle,)),
    "ps_nbest_next": (_Handle, (_Handle,)),
    "ps_nbest_hyp": (_TEXT, (_Handle, _Handle)),
    "ps_nbest_free": (None, (_Handle,)),
    "ngram_model_read": (_Handle, (_Handle, _TEXT, _INT, _Handle)),
    "ngram_model_set_init": (
        _Handle,
        (_Handle, ctypes.POINTER(_Handle), ctypes.POINTER(_TEXT), ctypes.POINTER(ctypes.c_float), ctypes.c_int32),
    ),
}
_NGRAM_AUTO: Final = 0
_SEARCH: Final = b"own"
_NO_SEARCH: Final = b"none"


def open_sphinx(sentences: Sequence[str]) -> Recogniser:
    """A recogniser that knows the words of ``sentences``; the Python classes' where the C library is hidden."""
    try:
        import pocketsphinx
    except ImportError as missing:
        message = f"the embedded model cannot hear without pocketsphinx: {missing}"
        raise NotAvailable(message, hint="pip install pocketsphinx") from missing
    try:
        library = _library(pocketsphinx)
    except (OSError, AttributeError):
        return GeneralSphinx(pocketsphinx)
    return Sphinx(library, Path(pocketsphinx.get_model_path("en-us")), normalised(sentences))


def _library(pocketsphinx: ModuleType) -> ctypes.CDLL:
    library = ctypes.CDLL(pocketsphinx._pocketsphinx.__file__)
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Sphinx:
    """The C library, hearing English and above all ``sentences``. Lives as long as its process.

    Its confidence estimates the chance that every word is right; it does not go above 0.88."""

    wants_denoised = True

    def __init__(self, library: ctypes.CDLL, model: Path, sentences: Sequence[str]) -> None:
        self._c = library
        library.err_set_loglevel_str(b"FATAL")
        config = library.ps_config_init(None)
        library.ps_config_set_str(config, b"hmm", bytes(model / "en-us"))
        library.ps_config_set_str(config, b"dict", bytes(model / "cmudict-en-us.dict"))
        # The second pass costs 50 to 100 ms after the last word and hears no better.
        library.ps_config_set_bool(config, b"fwdflat", False)
        self._decoder = _made(library.ps_init(config), "its model could not be loaded")
        self._head = bytearray()
        self._deciding = False
        self._teach(sentences)
        # A search that costs next to nothing, for measuring.
        self._c.ps_add_keyphrase(self._decoder, _NO_SEARCH, b"hello")
        self._use(config, model / "en-us.lm.bin", sentences)

    def _teach(self, sentences: Sequence[str]) -> None:
        for word in sorted({word for sentence in sentences for word in sentence.split()}):
            if not self._c.ps_lookup_word(self._decoder, word.encode()):
                self._c.ps_add_word(self._decoder, word.encode(), pronunciation(word).encode(), False)

    def _use(self, config: int, general_path: Path, sentences: Sequence[str]) -> None:
        general = self._language_model(config, general_path)
        if not sentences:
            models, weights = [general], [1.0]
        else:
            with tempfile.TemporaryDirectory(prefix="vivavoce-") as folder:
                arpa = Path(folder, "own.arpa")
                arpa.write_text(trigram_arpa(sentences))
                models = [general, self._language_model(config, arpa)]
            weights = [1 - _OWN_SENTENCES_WEIGHT, _OWN_SENTENCES_WEIGHT]
        count = len(models)
        names = (_TEXT * count)(*(b"%d" % n for n in range(count)))
        mixed = self._c.ngram_model_set_init(
            config, (_Handle * count)(*models), names, (ctypes.c_float * count)(*weights), count
        )
        self._c.ps_add_lm(self._decoder, _SEARCH, _made(mixed, "its language models do not fit together"))
        self._c.ps_activate_search(self._decoder, _SEARCH)

    def _language_model(self, config: int, path: Path) -> int:
        logmath = self._c.ps_get_logmath(self._decoder)
        return _made(self._c.ngram_model_read(config, bytes(path), _NGRAM_AUTO, logmath), f"{path.name} is unreadable")

    def begin(self) -> None:
        self._head.clear()
        self._deciding = False

    def feed(self, pcm: bytes) -> None:
        """The first second is only kept; then the search catches up, at about seven times the speed of speech."""
        if self._deciding:
            self._process(pcm)
            return
        self._head += pcm
        if len(self._head) >= _MEAN_BYTES:
            self._decide()

    def _decide(self) -> None:
        head = bytes(self._head)
        self._c.ps_activate_search(self._decoder, _NO_SEARCH)
        self._c.ps_start_utt(self._decoder)
        self._process(head, whole=True)
        self._c.ps_end_utt(self._decoder)
        measured = [float(value) for value in self._c.ps_get_cmn(self._decoder, False).decode().split(",")]
        mean = (
            usual * _USUAL_MEAN_SHARE + now * (1 - _USUAL_MEAN_SHARE)
            for usual, now in zip(_USUAL_MEAN, measured, strict=True)
        )
        self._c.ps_activate_search(self._decoder, _SEARCH)
        self._c.ps_set_cmn(self._decoder, ",".join(f"{value:.2f}" for value in mean).encode())
        self._c.ps_start_utt(self._decoder)
        self._process(head)
        self._deciding = True

    def _process(self, pcm: bytes, *, whole: bool = False) -> None:
        if self._c.ps_process_raw(self._decoder, pcm, len(pcm) // 2, whole, whole) < 0:
            raise ModelFault("pocketsphinx could not process the caller's audio")

    def partial(self) -> str:
        return (self._c.ps_get_hyp(self._decoder, None) or b"").decode() if self._deciding else ""

    def finish(self) -> Heard:
        if not self._deciding:
            self._decide()
        self._c.ps_end_utt(self._decoder)
        self._deciding = False
        text = (self._c.ps_get_hyp(self._decoder, None) or b"").decode()
        return Heard(text, _others(self._readings(), text), self._confidence()) if text else Heard("")

    def _confidence(self) -> float:
        posterior = self._c.ps_get_prob(self._decoder)
        nats = self._c.logmath_log_to_ln(self._c.ps_get_logmath(self._decoder), posterior)
        return 1 / (1 + math.exp(-_CONFIDENCE_OFFSET - _CONFIDENCE_SLOPE * max(nats, _LEAST_NATS)))

    def _readings(self) -> Iterator[str]:
        reading = self._c.ps_nbest(self._decoder)
        try:
            while reading and (reading := self._c.ps_nbest_next(reading)):
                yield (self._c.ps_nbest_hyp(reading, None) or b"").decode()
        finally:
            if reading:
                self._c.ps_nbest_free(reading)


class GeneralSphinx:
    """The package's Python classes, hearing English without a leaning to the agent's words."""

    wants_denoised = True

    def __init__(self, pocketsphinx: ModuleType) -> None:
        self._decoder = pocketsphinx.Decoder(fwdflat=False, loglevel="FATAL")

    def begin(self) -> None:
        self._decoder.start_utt()

    def feed(self, pcm: bytes) -> None:
        self._decoder.process_raw(pcm)

    def partial(self) -> str:
        reading = self._decoder.hyp()
        return reading.hypstr if reading else ""

    def finish(self) -> Heard:
        self._decoder.end_utt()
        text = self.partial()
        return Heard(text, _others((reading.hypstr for reading in self._decoder.nbest()), text)) if text else Heard("")


def _others(readings: Iterator[str], text: str) -> tuple[str, ...]:
    """The next best readings that differ. The search for them is cut short: most differ in a pause only."""
    found = dict.fromkeys(islice(readings, _READINGS_LOOKED_AT))
    return tuple(reading for reading in found if reading and reading != text)[:MOST_ALTERNATIVES]


def _made(handle: int | None, otherwise: str) -> int:
    if not handle:
        raise NotAvailable(
            f"pocketsphinx does not start: {otherwise}", hint="reinstall it: pip install -U pocketsphinx"
        )
    return handle

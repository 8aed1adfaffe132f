"""The synthesisers of the mouth: flite, espeak-ng and sherpa-onnx. Loaded in the worker process only.

espeak-ng is under the GPL; it is loaded here, in a program of its own that reads text and writes samples on pipes
(NOTICE). Nothing of Vivavoce but :mod:`.mouth_text` is imported.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from vivavoce.model.local.mouth_text import RATE_HZ, plain_english

Sink: TypeAlias = "Callable[[array.array[int]], bool]"
"""Takes 16 kHz samples as they are made; false means: stop."""


class Unusable(Exception):
    """What was asked for cannot be had here. ``hint`` says what to do. (The worker does not import Vivavoce's
    errors.)"""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Engine(Protocol):
    """One loaded voice. ``voice`` names it in the form that asks for it."""

    voice: str

    def synthesise(self, text: str, sink: Sink) -> None:
        """Speaks one piece of cleaned text into ``sink``, as soon as samples are known."""
        ...


# ── flite ───────────────────────────────────────────────────────────────────────────────────────────────────────────

FLITE_VOICES: Final = ("slt", "rms", "awb", "kal16")


class _FliteWave(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.c_void_p),
    )


_FliteCallback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(_FliteWave), ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p
)


class _FliteStreaming(ctypes.Structure):
    """``cst_audio_streaming_info`` of flite 2.x (cst_audio.h)."""

    _fields_ = (
        ("min_buffsize", ctypes.c_int),
        ("asc", _FliteCallback),
        ("utt", ctypes.c_void_p),
        ("item", ctypes.c_void_p),
        ("userdata", ctypes.c_void_p),
    )


class _FliteVoice(ctypes.Structure):
    """The head of ``cst_voice`` (cst_voice.h)."""

    _fields_ = (("name", ctypes.c_char_p), ("features", ctypes.c_void_p))


class Flite:
    """A voice of the shared libraries of Debian's libflite1, streaming by flite's own callback."""

    def __init__(self, name: str, speed: float) -> None:
        self.voice = f"flite:{name}"
        self._sink: Sink = _ignore
        self._library = _load_flite()
        self._callback = _FliteCallback(self._take)
        register = getattr(ctypes.CDLL(f"libflite_cmu_us_{name}.so.1"), f"register_cmu_us_{name}")
        register.restype = ctypes.POINTER(_FliteVoice)
        self._voice = register(None)
        streaming = self._library.new_audio_streaming_info()
        streaming.contents.asc = self._callback
        features = self._voice.contents.features
        value = self._library.audio_streaming_info_val(streaming)
        self._library.flite_feat_set(features, b"streaming_info", value)
        self._library.flite_feat_set_float(features, b"duration_stretch", 1.0 / speed)

    def synthesise(self, text: str, sink: Sink) -> None:
        spoken = plain_english(text)
        if not any(character.isalnum() for character in spoken):
            return
        self._sink = sink
        wave = self._library.flite_text_to_wave(spoken.encode("ascii"), self._voice)
        if wave:
            self._library.delete_wave(wave)

    def _take(self, wave: Any, start: int, size: int, _last: int, _info: int | None) -> int:
        samples = array.array("h", ctypes.string_at(wave.contents.samples + 2 * start, 2 * size))
        return 0 if self._sink(samples) else -1  # CST_AUDIO_STREAM_CONT and _STOP


def _load_flite() -> Any:
    library = ctypes.CDLL("libflite.so.1", mode=ctypes.RTLD_GLOBAL)
    library.new_audio_streaming_info.restype = ctypes.POINTER(_FliteStreaming)
    library.audio_streaming_info_val.argtypes = [ctypes.POINTER(_FliteStreaming)]
    library.audio_streaming_info_val.restype = ctypes.c_void_p
    library.flite_feat_set.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    library.flite_feat_set.restype = None
    library.flite_feat_set_float.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float]
    library.flite_feat_set_float.restype = None
    library.flite_text_to_wave.argtypes = [ctypes.c_char_p, ctypes.POINTER(_FliteVoice)]
    library.flite_text_to_wave.restype = ctypes.POINTER(_FliteWave)
    library.delete_wave.argtypes = [ctypes.POINTER(_FliteWave)]
    library.delete_wave.restype = None
    library.flite_init()
    return library


def flite_voices() -> tuple[str, ...]:
    """The flite voices that this machine can load, best first."""
    try:
        ctypes.CDLL("libflite.so.1", mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return ()
    return tuple(name for name in FLITE_VOICES if _loads(f"libflite_cmu_us_{name}.so.1"))


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _ignore(_samples: array.array[int]) -> bool:
    return False


# ── espeak-ng ───────────────────────────────────────────────────────────────────────────────────────────────────────

_ESPEAK_SYNCHRONOUS: Final = 2
_ESPEAK_BUFFER_MS: Final = 20
_ESPEAK_DO_NOT_EXIT: Final = 0x8000  # without it a wrong data path ends the process
_ESPEAK_UTF8: Final = 1
_ESPEAK_RATE: Final = 1
_ESPEAK_WORDS_PER_MINUTE: Final = 165

_EspeakCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class _EspeakVoice(ctypes.Structure):
    """``espeak_VOICE`` (speak_lib.h)."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


class Espeak:
    """espeak-ng of the espeakng-loader wheel, in its synchronous mode: the callback takes samples while it speaks."""

    def __init__(self) -> None:
        try:
            import espeakng_loader
        except ImportError as missing:
            raise Unusable("espeak-ng is not installed", "pip install espeakng-loader") from missing
        self.voice = ""
        self._sink: Sink = _ignore
        self._resampler: Any = None
        try:
            self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        except OSError as fault:
            raise Unusable(f"espeak-ng cannot be loaded: {fault}", "reinstall the package espeakng-loader") from fault
        data = espeakng_loader.get_data_path().encode()
        options = _ESPEAK_DO_NOT_EXIT
        self._rate_hz = int(self._library.espeak_Initialize(_ESPEAK_SYNCHRONOUS, _ESPEAK_BUFFER_MS, data, options))
        if self._rate_hz <= 0:
            raise Unusable("espeak-ng could not read its voices", "reinstall the package espeakng-loader")
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_EspeakVoice))
        self._callback = _EspeakCallback(self._take)
        self._library.espeak_SetSynthCallback(self._callback)

    def voices(self) -> Mapping[str, bytes]:
        """Language codes, each with the identifier of the voice that speaks it best."""
        best: dict[str, tuple[int, bytes]] = {}
        listed = self._library.espeak_ListVoices(None)
        count = 0
        while listed[count]:
            voice = listed[count].contents
            for code, priority in _espeak_languages(voice.languages):
                if code not in best or priority < best[code][0]:
                    best[code] = (priority, voice.identifier)
            count += 1
        return {code: identifier for code, (_, identifier) in best.items()}

    def use(self, name: str, speed: float) -> bool:
        """Takes the voice of a language code, or one of its variants (``en-us+f3``). False where there is none."""
        code, plus, variant = name.partition("+")
        identifier = self.voices().get(code)
        if identifier is None:
            return False
        if self._library.espeak_SetVoiceByName(identifier + (plus + variant).encode()) != 0:
            return False
        self._resampler = self._fresh_resampler()  # its import takes 35 ms: now, not before the first words
        self._library.espeak_SetParameter(_ESPEAK_RATE, round(_ESPEAK_WORDS_PER_MINUTE * speed), 0)
        self.voice = f"espeak:{name}"
        return True

    def synthesise(self, text: str, sink: Sink) -> None:
        self._sink = sink
        self._resampler = self._fresh_resampler()
        data = text.encode("utf-8")
        self._library.espeak_Synth(data, ctypes.c_size_t(len(data) + 1), 0, 1, 0, _ESPEAK_UTF8, None, None)
        self._sink(self._resampled(b"", last=True))

    def _fresh_resampler(self) -> Any:
        import soxr

        return soxr.ResampleStream(self._rate_hz, RATE_HZ, 1, dtype="int16", quality="MQ")

    def _take(self, samples: int | None, count: int, _events: int | None) -> int:
        if not samples or count <= 0:
            return 0
        wanted = self._sink(self._resampled(ctypes.string_at(samples, 2 * count)))
        return 0 if wanted else 1

    def _resampled(self, pcm: bytes, *, last: bool = False) -> array.array[int]:
        import numpy as np

        return array.array("h", self._resampler.resample_chunk(np.frombuffer(pcm, dtype=np.int16), last=last).tobytes())


def _espeak_languages(address: int) -> list[tuple[str, int]]:
    """Codes and priorities: a priority byte and a zero-ended string each, until a zero byte."""
    languages = []
    while priority := ctypes.c_ubyte.from_address(address).value:
        code = ctypes.string_at(address + 1)
        languages.append((code.decode("ascii", "replace").lower(), priority))
        address += 2 + len(code)
    return languages


# ── sherpa-onnx ─────────────────────────────────────────────────────────────────────────────────────────────────────

_SHERPA_HINT: Final = "see https://k2-fsa.github.io/sherpa/onnx/tts for models; unpack one and name its folder"


class Sherpa:
    """A VITS, Matcha or Kokoro model of the user's, run by sherpa-onnx. ``speaker`` is the model's number of the
    voice."""

    def __init__(self, directory: str, speaker: int, speed: float) -> None:
        try:
            import sherpa_onnx
        except ImportError as missing:
            raise Unusable("sherpa-onnx is not installed", "pip install sherpa-onnx") from missing
        config = sherpa_onnx.OfflineTtsConfig(
            model=sherpa_onnx.OfflineTtsModelConfig(**_sherpa_model(sherpa_onnx, Path(directory)), num_threads=1),
            max_num_sentences=1,
        )
        if not config.validate():
            raise Unusable(f"sherpa-onnx does not accept the model in {directory}", _SHERPA_HINT)
        try:
            self._tts = sherpa_onnx.OfflineTts(config)
        except (RuntimeError, ValueError) as fault:
            raise Unusable(f"sherpa-onnx cannot load the model in {directory}: {fault}", _SHERPA_HINT) from fault
        speakers = max(1, self._tts.num_speakers)
        if not 0 <= speaker < speakers:
            raise Unusable(
                f"the model in {directory} has no speaker {speaker}", f"use sherpa:0 to sherpa:{speakers - 1}"
            )
        self.voice = f"sherpa:{speaker}"
        self._speaker = speaker
        self._speed = speed

    def synthesise(self, text: str, sink: Sink) -> None:
        import numpy as np
        import soxr

        resampler = soxr.ResampleStream(self._tts.sample_rate, RATE_HZ, 1, dtype="float32", quality="MQ")

        def convert(samples: Any, *, last: bool = False) -> array.array[int]:
            resampled = resampler.resample_chunk(np.asarray(samples, dtype=np.float32), last=last)
            return array.array("h", (np.clip(resampled, -1.0, 1.0) * 32767.0).astype(np.int16).tobytes())

        def take(samples: Any, _progress: float) -> int:
            return 1 if sink(convert(samples)) else 0

        self._tts.generate(text, sid=self._speaker, speed=self._speed, callback=take)
        sink(convert((), last=True))


def _sherpa_model(sherpa_onnx: Any, directory: Path) -> dict[str, Any]:
    """The kind of model, known by the files that each kind comes with."""
    if not directory.is_dir():
        raise Unusable(f"there is no folder {directory} with a sherpa-onnx model", _SHERPA_HINT)
    networks = sorted(directory.glob("*.onnx"))
    vocoders = [path for path in networks if path.name.startswith(("vocos", "hifigan"))]
    networks = [path for path in networks if path not in vocoders and not path.name.endswith(".int8.onnx")] or networks
    if not networks or not (directory / "tokens.txt").is_file():
        raise Unusable(f"{directory} holds no sherpa-onnx speech model (a .onnx file and tokens.txt)", _SHERPA_HINT)
    common = {
        "tokens": str(directory / "tokens.txt"),
        "lexicon": ",".join(str(path) for path in sorted(directory.glob("lexicon*.txt"))),
        "data_dir": _if_there(directory / "espeak-ng-data"),
    }
    network = str(networks[0])
    if (directory / "voices.bin").is_file():
        voices = str(directory / "voices.bin")
        return {"kokoro": sherpa_onnx.OfflineTtsKokoroModelConfig(model=network, voices=voices, **common)}
    if vocoders:
        vocoder = str(vocoders[0])
        return {"matcha": sherpa_onnx.OfflineTtsMatchaModelConfig(acoustic_model=network, vocoder=vocoder, **common)}
    return {"vits": sherpa_onnx.OfflineTtsVitsModelConfig(model=network, **common)}


def _if_there(path: Path) -> str:
    return str(path) if path.exists() else ""


# ── the choice ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the opener asked for. ``voice`` is empty for the best there is, or ``engine:name``."""

    language: str
    voice: str
    speed: float
    sherpa_directory: str


def open_engine(wanted: Wanted) -> Engine:
    """The engine of the voice that was asked for, or of the best voice here for the language."""
    engine, _, name = wanted.voice.partition(":")
    if not engine:
        return _best(wanted)
    if engine == "flite" and name in flite_voices():
        return Flite(name, wanted.speed)
    if engine == "espeak":
        espeak = Espeak()
        if espeak.use(name.lower(), wanted.speed):
            return espeak
    if engine == "sherpa":
        return _sherpa(wanted, name)
    raise Unusable(f"there is no voice {wanted.voice!r} on this machine", _voices_hint(wanted.language))


def _best(wanted: Wanted) -> Engine:
    language = wanted.language.lower()
    if wanted.sherpa_directory:
        return _sherpa(wanted, "0")
    if language.split("-")[0] == "en" and (voices := flite_voices()):
        return Flite(voices[0], wanted.speed)
    try:
        espeak = Espeak()
    except Unusable as missing:
        hint = "pip install espeakng-loader, or for English on Debian: apt install flite"
        raise Unusable(f"no voice for {wanted.language!r}: {missing}", hint) from missing
    if espeak.use(language, wanted.speed) or espeak.use(language.split("-")[0], wanted.speed):
        return espeak
    raise Unusable(f"no voice here speaks {wanted.language!r}", _voices_hint(wanted.language))


def _sherpa(wanted: Wanted, speaker: str) -> Sherpa:
    if not wanted.sherpa_directory:
        raise Unusable("a sherpa voice needs a model", f"set sherpa_directory; {_SHERPA_HINT}")
    if not speaker.isdecimal():
        raise Unusable(f"{speaker!r} is not a number of a speaker", "say sherpa:0, sherpa:1 …")
    return Sherpa(wanted.sherpa_directory, int(speaker), wanted.speed)


def available_voices() -> list[str]:
    """Every voice that can be asked for here without a model of the user's, best first."""
    names = [f"flite:{name}" for name in flite_voices()]
    with contextlib.suppress(Unusable):
        names += [f"espeak:{code}" for code in sorted(Espeak().voices())]
    return names


def _voices_hint(language: str) -> str:
    """The voices of the language; all of them where it has none."""
    names = available_voices()
    primary = language.lower().split("-")[0]
    near = [name for name in names if name.partition(":")[2].split("-")[0] == primary or "flite:" in name]
    spoken = near if any("espeak:" in name for name in near) else names
    return "voices here: " + (", ".join(spoken) if spoken else "none; pip install espeakng-loader")

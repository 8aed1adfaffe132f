"""The embedded voice in the place of a model that cannot be told what to say: a few short texts, made once and kept."""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache

from vivavoce.audio.resample import StreamResampler
from vivavoce.errors import ModelFault
from vivavoce.model.local.mouth import RATE_HZ, Mouth, MouthFailed, SpokenAudio, SpokenEnd

KEPT = 64
"""So many clips; the one that was not needed for longest goes first."""


class LocalClips:
    """For one language. Shared by any number of calls."""

    def __init__(self, language: str, voice: str = "") -> None:
        self._language = language
        self._voice = voice
        self._made: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    async def render(self, text: str, rate_hz: int) -> bytes:
        """``text`` as PCM16 mono. Raises :class:`~vivavoce.errors.NotAvailable` where there is no voice for the
        language, :class:`~vivavoce.errors.ModelFault` where it breaks.
        """
        key = (text, rate_hz)
        if key not in self._made:
            self._made[key] = _at(rate_hz, await self._speak(text))
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return self._made[key]

    async def _speak(self, text: str) -> bytes:
        mouth = await Mouth.open(language=self._language, voice=self._voice)
        try:
            mouth.speak(1, text)
            pcm = bytearray()
            async for spoken in mouth.audio():
                match spoken:
                    case SpokenAudio():
                        pcm += spoken.pcm
                    case SpokenEnd():
                        return bytes(pcm)
                    case MouthFailed(message):
                        raise ModelFault(message)
            raise ModelFault("the voice ended by itself")
        finally:
            await mouth.close()


@lru_cache(maxsize=KEPT)
def clips_for(language: str) -> LocalClips:
    """The one of this process: what one call had said need not be made for the next."""
    return LocalClips(language)


def _at(rate_hz: int, pcm: bytes) -> bytes:
    resampler = StreamResampler(RATE_HZ, rate_hz)
    return resampler.push(pcm) + resampler.finish()

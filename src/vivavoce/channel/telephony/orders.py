"""What can be done with a caller's telephone line besides talking: hand it over, and press keys.

Keys are pressed in the band, as tones among what the agent says: that works at every carrier, and none of them lets
a stream that is open press keys otherwise. Twilio's ``<Play digits>`` would end the stream, and so would Plivo's
``<DTMF>``; Telnyx's ``send_dtmf`` and Vonage's ``PUT /v1/calls/{uuid}/dtmf`` would not, but go their own way, out of
turn with what is being said.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from vivavoce.audio.dtmf import tones
from vivavoce.audio.pcm import duration_ms, samples_for, samples_in, silence
from vivavoce.channel.telephony.control import NoControl
from vivavoce.channel.telephony.line import CallControl
from vivavoce.errors import ChannelFault, UsageError
from vivavoce.events import PlayoutProgress, PlayoutStopped, ResponseId

PATIENCE_S = 15.0
"""What is being said, and a pause in it, come before keys and before a transfer. Longer, and keys are not pressed, and
a transfer waits no more."""
_MOMENT_MS = 20
_OURS = "line order "


class LineOrders:
    """The :class:`~vivavoce.channel.port.Orders` of one line. ``say`` plays a sound as a response of its own, and
    ``take_back`` lets it be. Their reports are to be shown to :meth:`takes` before anybody else.
    """

    def __init__(
        self,
        rate_hz: int,
        control: CallControl | None,
        say: Callable[[ResponseId, bytes], None],
        take_back: Callable[[ResponseId], None],
    ) -> None:
        self._rate_hz = rate_hz
        self._control = control or NoControl()
        self._say = say
        self._take_back = take_back
        self._sounds = 0
        self._playing: dict[ResponseId, tuple[int, asyncio.Event]] = {}
        self.handed_over = False
        """The carrier was asked to, and did not say no: the call is not ours to end any more."""

    async def transfer(self, to: str, summary: str) -> None:
        """First the caller hears what is being said: that somebody else is coming, as a rule."""
        with contextlib.suppress(TimeoutError):
            await self._play(silence(samples_for(_MOMENT_MS, self._rate_hz)))
        self.handed_over = True
        try:
            await self._control.transfer(to, summary)
        except BaseException:
            self.handed_over = False
            raise

    async def send_digits(self, digits: str) -> None:
        """Returns when the last of them was heard."""
        try:
            pcm = tones(digits, self._rate_hz)
        except UsageError as error:
            raise ChannelFault(error.message, hint=error.hint) from error
        try:
            await self._play(pcm)
        except TimeoutError as error:
            raise ChannelFault("the keys could not be pressed in time: something else was being said") from error

    async def hang_up(self) -> None:
        """The call itself, unless it was handed over."""
        if not self.handed_over:
            await self._control.hang_up()

    async def _play(self, pcm: bytes) -> None:
        """Returns when the last of it was heard. Raises :class:`TimeoutError`."""
        self._sounds += 1
        response, heard = ResponseId(f"{_OURS}{self._sounds}"), asyncio.Event()
        self._playing[response] = samples_in(pcm), heard
        self._say(response, pcm)
        try:
            async with asyncio.timeout(PATIENCE_S + duration_ms(samples_in(pcm), self._rate_hz) / 1000):
                await heard.wait()
        finally:
            if not heard.is_set():
                self._take_back(response)
            del self._playing[response]

    def takes(self, report: PlayoutProgress | PlayoutStopped) -> bool:
        """Whether this is about a sound of ours, and so nobody else's."""
        samples, heard = self._playing.get(report.response, (0, None))
        if heard is not None and report.played >= samples:
            heard.set()
        return report.response.startswith(_OURS)

"""What can be done with a caller's telephone line besides talking: hand it over, and press keys.

Keys are pressed in the band, as tones among what the agent says: that works at every carrier, and none of them lets
a stream that is open press keys otherwise. Twilio's ``<Play digits>`` would end the stream, and so would Plivo's
``<DTMF>``; Telnyx's ``send_dtmf`` and Vonage's ``PUT /v1/calls/{uuid}/dtmf`` would not, but go their own way, out of
turn with what is being said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from vivavoce.audio.dtmf import tones
from vivavoce.audio.pcm import duration_ms, samples_in
from vivavoce.channel.telephony.control import NoControl
from vivavoce.channel.telephony.line import CallControl
from vivavoce.errors import ChannelFault, UsageError
from vivavoce.events import PlayoutProgress, PlayoutStopped, ResponseId

PATIENCE_S = 30.0
"""What is being said, and a pause in it, come before keys; longer, and they are not pressed."""


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
        self._rows = 0
        self._pressing: dict[ResponseId, tuple[int, asyncio.Event]] = {}
        self.handed_over = False
        """The carrier was asked to, and did not say no: the call is not ours to end any more."""

    async def transfer(self, to: str, summary: str) -> None:
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
        self._rows += 1
        response = ResponseId(f"keys {self._rows}")
        pressed = asyncio.Event()
        self._pressing[response] = samples_in(pcm), pressed
        self._say(response, pcm)
        try:
            async with asyncio.timeout(PATIENCE_S + duration_ms(samples_in(pcm), self._rate_hz) / 1000):
                await pressed.wait()
        except TimeoutError as error:
            raise ChannelFault("the keys could not be pressed in time: something else was being said") from error
        finally:
            if not pressed.is_set():
                self._take_back(response)
            del self._pressing[response]

    async def hang_up(self) -> None:
        """The call itself, unless it was handed over."""
        if not self.handed_over:
            await self._control.hang_up()

    def takes(self, report: PlayoutProgress | PlayoutStopped) -> bool:
        """Whether this is about keys, and so nobody else's."""
        if report.response not in self._pressing:
            return report.response.startswith("keys ")
        samples, pressed = self._pressing[report.response]
        if report.played >= samples:
            pressed.set()
        return True

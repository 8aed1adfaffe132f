"""A call by telephone, carrier and caller played by the loop: no real time passes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from tests.unit.channel.telephony.carriers import (
    DIALECTS,
    Asterisk,
    AudioSocket,
    Carrier,
    Dialect,
    Telnyx,
    Twilio,
    Vonage,
)
from vivavoce.audio.pcm import samples_in, silence
from vivavoce.channel.telephony.channel import MALFORMED_LIMIT, TelephonyChannel
from vivavoce.channel.telephony.line import CallControl
from vivavoce.engine.clock import loop_time_s, run
from vivavoce.errors import ChannelFault
from vivavoce.events import (
    Ability,
    Audio,
    CallerAudio,
    CallerConnected,
    CallerHungUp,
    CallerPressed,
    ChannelEvent,
    Evidence,
    FinishPlaying,
    Flush,
    HangUp,
    PausePlaying,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
    ResumePlaying,
    Samples,
)
from vivavoce.wire.telephony.line import Message

R, S = ResponseId("r"), ResponseId("s")
LOUD = b"\x10\x20"


class Call:
    """A channel on a carrier's line, while the block runs."""

    def __init__(self, dialect: type[Dialect], control: CallControl | None = None) -> None:
        self.carrier = Carrier(dialect())
        self.control = control
        self.facts: list[ChannelEvent] = []

    async def __aenter__(self) -> Call:
        self.channel = self.carrier.line(self.control)
        self.task = asyncio.create_task(self.channel.run(self._emit))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])

    async def _emit(self, fact: ChannelEvent) -> None:
        self.facts.append(fact)

    def all(self, *kinds: type[ChannelEvent]) -> list[ChannelEvent]:
        return [fact for fact in self.facts if isinstance(fact, kinds)]

    @property
    def heard_ms(self) -> float:
        """Of the caller, at 8 kHz."""
        return sum(fact.audio.samples for fact in self.facts if isinstance(fact, CallerAudio)) / 8

    def play(self, response: ResponseId, ms: int, sample: bytes = LOUD) -> None:
        self.channel.perform(Play(response, Audio(sample * (ms * self.channel.rate_hz // 1000))))


def on_a_call(
    dialect: type[Dialect], scene: Callable[[Call], Awaitable[None]], control: CallControl | None = None
) -> Call:
    async def main() -> Call:
        async with Call(dialect, control) as call:
            await scene(call)
        return call

    return run(main(), virtual=True)


# -- what the agent says ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", [dialect for dialect in DIALECTS if dialect is not AudioSocket])
def test_a_barge_in_is_at_the_last_mark_and_the_time_since(dialect: type[Dialect]) -> None:
    async def scene(call: Call) -> None:
        call.play(R, 3000)
        await asyncio.sleep(0.53)
        call.channel.perform(Flush(R))
        await asyncio.sleep(1)

    call = on_a_call(dialect, scene)
    rate_hz = call.channel.rate_hz
    progress = [fact.played for fact in call.facts if isinstance(fact, PlayoutProgress)]
    assert progress == [rate_hz // 5, rate_hz * 2 // 5]
    assert call.all(PlayoutStopped) == [PlayoutStopped(R, Samples(rate_hz * 53 // 100), Evidence.MARK)]
    assert samples_in(call.carrier.heard) == rate_hz * 53 // 100


def test_no_more_than_a_second_waits_at_the_carrier() -> None:
    async def scene(call: Call) -> None:
        call.play(R, 10_000)
        await asyncio.sleep(3)
        sent = sum(len(message) for message in call.carrier.sent if isinstance(message, bytes))
        assert 4000 <= sent / 8 <= 4100

    on_a_call(Asterisk, scene)


def test_audiosocket_is_never_ahead() -> None:
    async def scene(call: Call) -> None:
        call.play(R, 3000)
        await asyncio.sleep(1.005)
        call.channel.perform(Flush(R))
        await asyncio.sleep(1)
        call.play(S, 30)
        call.channel.perform(FinishPlaying(S))
        await asyncio.sleep(0.1)

    call = on_a_call(AudioSocket, scene)
    assert call.all(PlayoutStopped) == [PlayoutStopped(R, Samples(8000 + 160), Evidence.PACED)]
    assert call.all(PlayoutProgress)[-1] == PlayoutProgress(S, Samples(240), Evidence.PACED)
    assert 104 <= len(call.carrier.sent) <= 107  # a frame every 20 ms, silence too
    assert {len(message) for message in call.carrier.sent} == {323}


def test_what_was_sent_of_the_next_reply_is_sent_again() -> None:
    async def scene(call: Call) -> None:
        call.play(R, 300)
        call.channel.perform(FinishPlaying(R))
        call.play(S, 200, b"\1\1")
        call.channel.perform(FinishPlaying(S))
        await asyncio.sleep(0.1)
        call.channel.perform(Flush(R))
        await asyncio.sleep(0.5)

    call = on_a_call(Vonage, scene)
    assert call.carrier.heard == LOUD * 1600 + b"\1\1" * 3200
    assert call.all(PlayoutProgress)[-1] == PlayoutProgress(S, Samples(3200), Evidence.MARK)


def test_a_reply_that_was_not_sent_yet_is_dropped_without_a_word() -> None:
    async def scene(call: Call) -> None:
        call.play(R, 2000)
        call.channel.perform(FinishPlaying(R))
        call.play(S, 500)
        await asyncio.sleep(0.1)
        call.channel.perform(Flush(S))
        await asyncio.sleep(3)

    call = on_a_call(Twilio, scene)
    assert not any('"clear"' in str(message) for message in call.carrier.sent)
    assert call.all(PlayoutStopped) == [PlayoutStopped(S, Samples(0), Evidence.MARK)]
    assert call.all(PlayoutProgress)[-1] == PlayoutProgress(R, Samples(16_000), Evidence.MARK)
    assert samples_in(call.carrier.heard) == 16_000


def test_whole_frames_only() -> None:
    """A rest waits for more, and is filled up with silence at the end of the reply."""

    async def scene(call: Call) -> None:
        call.play(R, 30)
        await asyncio.sleep(0.5)
        assert [len(message) for message in call.carrier.sent if isinstance(message, bytes)] == [160]
        call.play(R, 25)
        await asyncio.sleep(0.5)
        call.channel.perform(FinishPlaying(R))
        await asyncio.sleep(0.5)

    call = on_a_call(Asterisk, scene)
    assert [len(message) for message in call.carrier.sent if isinstance(message, bytes)] == [160, 160, 160]
    assert call.all(PlayoutProgress)[-1] == PlayoutProgress(R, Samples(440), Evidence.MARK)


def test_a_full_carrier_is_waited_for() -> None:
    async def scene(call: Call) -> None:
        call.carrier.say("MEDIA_XOFF")
        await asyncio.sleep(0.1)
        call.play(R, 100)
        await asyncio.sleep(0.5)
        assert call.carrier.sent == []
        call.carrier.say("MEDIA_XON")
        await asyncio.sleep(0.5)
        assert [len(message) for message in call.carrier.sent if isinstance(message, bytes)] == [800]

    on_a_call(Asterisk, scene)


def test_a_carrier_without_marks_is_assumed_to_play() -> None:
    class Forgetful(Asterisk):
        def mark(self, name: str) -> Message:
            return "MEDIA_BUFFERING_COMPLETED of another"

    async def scene(call: Call) -> None:
        call.play(R, 1000)
        call.channel.perform(FinishPlaying(R))
        await asyncio.sleep(4)

    call = on_a_call(Forgetful, scene)
    assert call.all(PlayoutProgress)[-1] == PlayoutProgress(R, Samples(8000), Evidence.ASSUMED)


# -- pauses and keys --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", [Twilio, Vonage, AudioSocket])
def test_a_pause_keeps_what_is_queued(dialect: type[Dialect]) -> None:
    async def scene(call: Call) -> None:
        call.play(R, 1000)
        call.channel.perform(FinishPlaying(R))
        await asyncio.sleep(0.5)
        call.channel.perform(PausePlaying())
        await asyncio.sleep(0.05)
        quiet = len(call.carrier.heard)
        await asyncio.sleep(5)
        assert len(call.carrier.heard) == quiet
        assert call.all(PlayoutProgress)[-1].played < call.channel.rate_hz * 52 // 100  # type: ignore[union-attr]
        call.channel.perform(ResumePlaying())
        await asyncio.sleep(0.7)

    call = on_a_call(dialect, scene)
    rate_hz = call.channel.rate_hz
    assert samples_in(call.carrier.heard) == pytest.approx(rate_hz, abs=rate_hz // 50)
    assert call.all(PlayoutProgress)[-1].played == rate_hz  # type: ignore[union-attr]


def test_what_is_flushed_in_a_pause_is_gone_and_what_comes_waits() -> None:
    async def scene(call: Call) -> None:
        call.play(R, 1000)
        await asyncio.sleep(0.5)
        call.channel.perform(PausePlaying())
        await asyncio.sleep(0.5)
        call.channel.perform(Flush(R))
        call.play(S, 200)
        await asyncio.sleep(1)
        assert samples_in(call.carrier.heard) == 4000
        call.channel.perform(ResumePlaying())
        await asyncio.sleep(0.3)

    call = on_a_call(Twilio, scene)
    assert call.all(PlayoutStopped) == [PlayoutStopped(R, Samples(4000), Evidence.MARK)]
    assert samples_in(call.carrier.heard) == 5600


@pytest.mark.parametrize("dialect", [Twilio, AudioSocket])
def test_keys_are_pressed_after_what_is_being_said(dialect: type[Dialect]) -> None:
    async def scene(call: Call) -> None:
        call.play(R, 500)
        call.channel.perform(FinishPlaying(R))
        await call.channel.orders.send_digits("1w#")
        assert asyncio.get_running_loop().time() == pytest.approx(1.4, abs=0.03)

    call = on_a_call(dialect, scene)
    assert {fact.response for fact in call.facts if isinstance(fact, PlayoutProgress)} == {R}


def test_keys_that_are_none_and_keys_that_find_no_time() -> None:
    async def scene(call: Call) -> None:
        with pytest.raises(ChannelFault, match="no telephone has"):
            await call.channel.orders.send_digits("1?")
        call.channel.perform(PausePlaying())
        with pytest.raises(ChannelFault, match="in time"):
            await call.channel.orders.send_digits("1")
        call.channel.perform(ResumePlaying())
        await asyncio.sleep(1)

    call = on_a_call(Vonage, scene)
    assert not any(call.carrier.heard)
    assert not call.all(PlayoutProgress, PlayoutStopped)


# -- handing over -----------------------------------------------------------------------------------------------------


def test_a_call_that_was_handed_over_is_not_hung_up() -> None:
    control = Control()

    async def scene(call: Call) -> None:
        call.play(R, 700)
        call.channel.perform(FinishPlaying(R))
        await call.channel.orders.transfer("+1", "About a car.")
        assert 0.7 < loop_time_s() < 0.8  # what was being said was heard
        call.play(R, 3000)
        await call.carrier.hang_up()  # the stream, by the carrier
        await asyncio.sleep(2)
        call.channel.perform(HangUp("transferred"))
        await asyncio.wait_for(call.task, 1)

    call = on_a_call(Asterisk, scene, control)
    assert control.handed_to == ("+1", "About a car.")
    assert control.hung_up == 0
    assert "HANGUP" not in call.carrier.sent
    assert not call.all(CallerHungUp)


def test_a_caller_who_leaves_while_being_handed_over_has_hung_up() -> None:
    async def scene(call: Call) -> None:
        await call.channel.orders.transfer("+1", "")
        await call.carrier.hang_up()
        await asyncio.wait_for(call.task, 6)

    assert on_a_call(Twilio, scene, Control()).all(CallerHungUp)


def test_a_call_that_could_not_be_handed_over_goes_on() -> None:
    control = Control(ChannelFault("busy"))

    async def scene(call: Call) -> None:
        call.channel.perform(PausePlaying())  # it does not wait for ever
        with pytest.raises(ChannelFault, match="busy"):
            await call.channel.orders.transfer("+1", "")
        call.channel.perform(HangUp("bye"))
        await asyncio.wait_for(call.task, 1)

    call = on_a_call(Asterisk, scene, control)
    assert control.hung_up == 1
    assert call.carrier.sent == ["HANGUP"]


def test_a_line_without_control_says_so() -> None:
    async def scene(call: Call) -> None:
        with pytest.raises(ChannelFault, match="transfer_webhook"):
            await call.channel.orders.transfer("+1", "")

    on_a_call(AudioSocket, scene)


# -- what the caller says ---------------------------------------------------------------------------------------------


def test_a_line_that_goes_quiet_is_filled_with_silence() -> None:
    async def scene(call: Call) -> None:
        await asyncio.sleep(1)
        call.carrier.speaking = None
        await asyncio.sleep(3)
        assert call.heard_ms == pytest.approx(4000, abs=40)
        call.carrier.speaking = LOUD * 160
        await asyncio.sleep(1)

    call = on_a_call(Twilio, scene)
    assert call.heard_ms == pytest.approx(5000, abs=60)


def test_a_hole_is_as_long_as_the_carriers_clock_says() -> None:
    async def scene(call: Call) -> None:
        call.carrier.speaking = None
        for at_ms in (0, 20, 140):
            call.carrier.say(Twilio().media(LOUD * 160, at_ms))
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)

    call = on_a_call(Twilio, scene)
    heard = b"".join(fact.audio.pcm for fact in call.facts if isinstance(fact, CallerAudio))
    assert len(heard) == 2 * 8 * 160
    assert heard[2 * 320 : 2 * 320 + 1600] == silence(800)


def test_telnyx_media_is_put_in_order() -> None:
    async def scene(call: Call) -> None:
        call.carrier.speaking = None
        side = call.carrier.dialect
        for at_ms in (60, 80, 100, 120, 140):  # the fourth and fifth chunk change places
            call.carrier.say(side.media(bytes((at_ms, 0)) * 160, at_ms))
        await asyncio.sleep(0.01)

    call = on_a_call(Telnyx, scene)
    heard = [fact.audio.pcm[:2][0] // 16 for fact in call.facts if isinstance(fact, CallerAudio)]
    assert heard == [60 // 16, 100 // 16, 80 // 16, 120 // 16, 140 // 16]


def test_keys_are_told_in_rows() -> None:
    async def scene(call: Call) -> None:
        for digit in "123":
            call.carrier.press(digit)
            await asyncio.sleep(1.4)
        assert call.all(CallerPressed) == []
        await asyncio.sleep(0.2)
        assert call.all(CallerPressed) == [CallerPressed("123")]
        for digit in "45#":
            call.carrier.press(digit)
        await asyncio.sleep(0.1)
        assert call.all(CallerPressed)[1:] == [CallerPressed("45#")]
        call.carrier.press("*")
        await asyncio.sleep(0.1)
        await call.carrier.hang_up()
        await asyncio.sleep(0.1)

    call = on_a_call(Twilio, scene)
    assert call.facts[-2:] == [CallerPressed("*"), CallerHungUp()]


# -- the end ----------------------------------------------------------------------------------------------------------


class Control:
    def __init__(self, fault: ChannelFault | None = None) -> None:
        self.hung_up = 0
        self.handed_to = ("", "")
        self.fault = fault

    async def hang_up(self) -> None:
        self.hung_up += 1
        if self.fault:
            raise self.fault

    async def transfer(self, to: str, summary: str) -> None:
        if self.fault:
            raise self.fault
        self.handed_to = (to, summary)


@pytest.mark.parametrize("fault", [None, ChannelFault("no answer")])
def test_hanging_up_tells_the_carrier(fault: ChannelFault | None) -> None:
    control = Control(fault)

    async def scene(call: Call) -> None:
        await asyncio.sleep(0.1)
        call.channel.perform(HangUp("bye"))
        await asyncio.wait_for(call.task, 1)

    call = on_a_call(Asterisk, scene, control)
    assert call.carrier.sent == ["HANGUP"]
    assert call.carrier.closed
    assert control.hung_up == 1
    assert not call.all(CallerHungUp)


def test_a_caller_who_hangs_up_needs_no_order() -> None:
    control = Control()

    async def scene(call: Call) -> None:
        await call.carrier.hang_up()
        await asyncio.wait_for(call.task, 1)

    call = on_a_call(Telnyx, scene, control)
    assert call.facts[0] == CallerConnected("telnyx", 8000, (Ability.PAUSE,))
    assert call.facts[-1] == CallerHungUp()
    assert control.hung_up == 0


def test_malformed_messages_are_left_out_up_to_a_limit() -> None:
    async def scene(call: Call) -> None:
        for _ in range(MALFORMED_LIMIT):
            call.carrier.say("{")
        await asyncio.sleep(0.5)
        assert call.heard_ms > 400
        call.carrier.say("{")
        with pytest.raises(ChannelFault, match="no frame"):
            await call.task

    on_a_call(Twilio, scene)


def test_a_broken_connection_is_a_fault() -> None:
    async def scene(call: Call) -> None:
        await asyncio.sleep(0.1)
        call.carrier.broken = True
        call.play(R, 1000)
        with pytest.raises(ChannelFault, match="broke"):
            await call.task

    on_a_call(Twilio, scene)


def test_a_call_that_is_behind_holds_the_carrier_back() -> None:
    async def main() -> int:
        carrier = Carrier(Vonage())
        channel: TelephonyChannel = carrier.line()

        async def stuck(_: ChannelEvent) -> None:
            await asyncio.Event().wait()

        task = asyncio.create_task(channel.run(stuck))
        await asyncio.sleep(10)
        waiting: Sequence[object] = [*carrier._incoming._queue]  # type: ignore[attr-defined]
        task.cancel()
        await asyncio.wait([task])
        assert loop_time_s() == pytest.approx(10)
        return len(waiting)

    assert 440 <= run(main(), virtual=True) <= 460  # ten seconds but the one that the channel takes

"""Sound over the socket: what the microphone gives, what is played, and how much of it was heard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.canned import at
from tests.browser.conftest import Open, begin
from tests.browser.fake import RATE_HZ, SECRET, FakeServer

PICKY = """
const take = AudioContext.prototype.createMediaStreamSource;
AudioContext.prototype.createMediaStreamSource = function (stream) {
  if (this.sampleRate === 24000) throw new DOMException("different sample-rate", "NotSupportedError");
  return take.call(this, stream);
};
"""


def wait_for_frames(page: Page, fake: FakeServer, more: int) -> None:
    before = fake.heard_bytes
    for _ in range(100):
        if fake.heard_bytes >= before + more:
            return
        page.wait_for_timeout(50)
    raise AssertionError("no sound came")


def test_the_microphone_is_heard_in_frames_of_20_ms(call: Page, fake: FakeServer) -> None:
    wait_for_frames(call, fake, 48_000)
    assert fake.heard_bytes % 960 == 0


def test_the_secret_goes_as_a_subprotocol(call: Page, fake: FakeServer) -> None:
    assert fake.protocols == ["realtime", f"openai-insecure-api-key.{SECRET}"]


def test_what_was_played_is_what_is_told_at_a_barge_in(call: Page, fake: FakeServer) -> None:
    fake.send({"type": "response.created", "response": {"id": "r1"}})
    fake.speak("i1", "r1", 6)
    expect(call.locator("#agent-talks")).to_have_attribute("data-talking", "")
    call.wait_for_timeout(700)
    fake.send({"type": "input_audio_buffer.speech_started", "item_id": "u1"})
    told = fake.expect("conversation.item.truncate")
    assert (told["item_id"], told["content_index"]) == ("i1", 0)
    assert 300 < told["audio_end_ms"] < 5_000
    expect(call.locator("#agent-talks")).not_to_have_attribute("data-talking", "")


def test_a_reply_that_was_played_out_is_not_cut(call: Page, fake: FakeServer) -> None:
    fake.send({"type": "response.created", "response": {"id": "r1"}})
    fake.speak("i1", "r1", 0.4)
    expect(call.locator("#agent-talks")).to_have_attribute("data-talking", "")
    expect(call.locator("#agent-talks")).not_to_have_attribute("data-talking", "")
    fake.send({"type": "input_audio_buffer.speech_started", "item_id": "u1"})
    fake.send({"type": "response.done", "response": {"id": "r1", "status": "completed"}})
    call.locator("#words").fill("hello")
    call.keyboard.press("Enter")
    kinds: list[str] = []
    while not kinds or kinds[-1] != "response.create":
        kinds.append(fake.received.get(timeout=5)["type"])
    assert "conversation.item.truncate" not in kinds


def test_escape_stops_the_agent_where_it_is(call: Page, fake: FakeServer) -> None:
    fake.send({"type": "response.created", "response": {"id": "r1"}})
    fake.speak("i1", "r1", 6)
    expect(call.locator("#agent-talks")).to_have_attribute("data-talking", "")
    call.keyboard.press("Escape")
    assert fake.expect("response.cancel")["response_id"] == "r1"
    assert fake.expect("conversation.item.truncate")["item_id"] == "i1"


def test_someone_who_types_is_heard_as_silence_and_not_asked_for_a_microphone(
    open_page: Open, fake: FakeServer
) -> None:
    page = open_page(before="navigator.mediaDevices.getUserMedia = () => { throw new Error('asked'); }")
    begin(page, fake, "Type instead")
    wait_for_frames(page, fake, 9_600)
    expect(page.get_by_role("button", name="Typing only")).to_be_disabled()
    expect(page.locator("#words")).to_be_focused()


def test_a_browser_that_takes_streams_only_at_their_own_rate_is_heard_too(open_page: Open, fake: FakeServer) -> None:
    page = begin(open_page(before=PICKY), fake)
    before = fake.heard_bytes
    page.wait_for_timeout(2_000)
    heard_s = (fake.heard_bytes - before) / 2 / RATE_HZ
    assert heard_s == pytest.approx(2, abs=0.5)
    expect(page.locator("#caller-talks")).to_have_attribute("data-talking", "")


def test_typed_words_take_the_turn(call: Page, fake: FakeServer) -> None:
    fake.send({"type": "response.created", "response": {"id": "r1"}})
    fake.speak("i1", "r1", 6)
    expect(call.locator("#agent-talks")).to_have_attribute("data-talking", "")
    call.keyboard.type("wait")
    call.keyboard.press("Enter")
    kinds = [fake.received.get(timeout=5)["type"] for _ in range(4)]
    assert kinds == ["response.cancel", "conversation.item.truncate", "conversation.item.create", "response.create"]


def test_the_microphone_is_closed_when_the_call_is_over(call: Page, fake: FakeServer) -> None:
    fake.tell(at(3, "CloseCall", disposition="completed"))
    fake.hang_up()
    call.get_by_role("button", name="Call again").wait_for()
    before = fake.heard_bytes
    call.wait_for_timeout(300)
    assert fake.heard_bytes == before

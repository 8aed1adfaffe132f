"""What is said, as the page shows it: whose words, which of them were heard, where the caller cut in."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser import canned
from tests.browser.canned import at, playout, said, text
from tests.browser.conftest import Open, begin
from tests.browser.fake import FakeServer


def entries(page: Page) -> list[str]:
    lines: list[str] = page.locator("#entries .entry:not(.used)").evaluate_all(
        "found => found.map(entry => entry.classList[1] + ': ' + entry.querySelector('.text').textContent)"
    )
    return lines


def test_captions_stand_in_the_order_of_talk(call: Page, fake: FakeServer) -> None:
    fake.tell(*canned.GREETING, *canned.ESTATES)
    expect(call.locator("#entries .entry:not(.used)")).to_have_count(3)
    assert entries(call) == [
        "agent: Thank you for calling Northgate Motors. How can I help you today?",
        "caller: Which estates do you have under twenty five thousand dollars?",
        "agent: We have two of those. The lower price is for a grey Beacon estate, at 19,500 dollars.",
    ]


def test_words_that_come_late_stand_before_their_answer(call: Page, fake: FakeServer) -> None:
    fake.tell(at(1, "CallerSpeechStarted"), said(2, "which cars", final=False))
    fake.tell(at(3, "ResponseStarted", response="r1"), text(3, "r1", "We have two.", 0), said(4, "Which cars?"))
    fake.tell(at(5, "CallerSpeechStarted"), said(6, "And vans?"))
    expect(call.locator("#entries .entry:not(.used)")).to_have_count(3)
    assert entries(call) == ["caller: Which cars?", "agent: We have two.", "caller: And vans?"]


def test_partial_words_are_shown_as_such_until_they_are_final(call: Page, fake: FakeServer) -> None:
    partial = call.locator("#entries .partial")
    fake.tell(at(1, "CallerSpeechStarted"), said(1.5, "which estate", final=False))
    expect(partial).to_have_text("which estate")
    fake.tell(said(2, "which estates do", final=False))
    expect(partial).to_have_text("which estates do")
    fake.tell(said(3, "Which estates do you have?"))
    expect(partial).to_have_count(0)
    assert entries(call) == ["caller: Which estates do you have?"]


def test_words_are_ahead_until_they_were_heard(call: Page, fake: FakeServer) -> None:
    ahead = call.locator("#entries .ahead")
    fake.tell(at(1, "ResponseStarted", response="r1"), playout(1, "r1", 0, 4))
    fake.tell(text(1, "r1", "Sure.", 0), text(1, "r1", "We open at nine.", 1), playout(1, "r1", 0, 4))
    expect(ahead).to_have_text("Sure. We open at nine.")
    fake.tell(playout(2, "r1", 1, 4))
    expect(ahead).to_have_text("We open at nine.")
    fake.tell(playout(3.5, "r1", 2.6, 4))
    expect(ahead).to_have_text("at nine.")
    fake.tell(playout(5, "r1", 4, 4))
    expect(ahead).to_have_count(0)


def test_final_words_take_the_place_of_the_earlier_ones(call: Page, fake: FakeServer) -> None:
    fake.tell(at(1, "ResponseStarted", response="r1"), text(1, "r1", "We open at nine.", 0))
    fake.tell({**text(2, "r1", "We open at ten.", 0), "final": True})
    expect(call.locator("#entries .text")).to_have_text("We open at ten.")


def test_where_the_caller_cuts_in_the_rest_is_struck(call: Page, fake: FakeServer) -> None:
    fake.tell(*canned.GREETING, *canned.ESTATES, *canned.CUT_IN)
    expect(call.locator("#entries .unheard")).to_have_text("could offer you ten o'clock, half past eleven or two.")
    expect(call.locator("#entries .entry.cut .cut-mark")).to_have_text("You cut in here")
    expect(call.locator("#figures")).to_contain_text("Barge-ins1")


def test_a_voice_that_takes_no_turn_is_noted_and_strikes_nothing(call: Page, fake: FakeServer) -> None:
    fake.tell(at(1, "ResponseStarted", response="r1"), text(1, "r1", "Sure.", 0), text(1, "r1", "We open at nine.", 1))
    fake.tell(playout(1.5, "r1", 1, 4), at(2, "ResponseInterrupted", response="r1"))
    fake.tell({**at(2, "FloorDecided", verdict="kept", cut=True), "kind": "backchannel"})
    expect(call.locator("#entries .ahead")).to_have_text("We open at nine.")
    expect(call.locator("#entries .unheard")).to_have_count(0)
    assert entries(call)[-1] == "note: The caller is listening. The agent went on."


def test_what_was_ahead_when_the_call_ended_was_never_heard(call: Page, fake: FakeServer) -> None:
    fake.tell(at(1, "ResponseStarted", response="r1"), text(1, "r1", "Sure. Goodbye.", 0), playout(1, "r1", 1, 4))
    fake.tell(at(2, "CloseCall", disposition="completed"))
    expect(call.locator("#entries .unheard")).to_contain_text("Goodbye.")


def test_without_a_timeline_the_protocol_says_what_is_said(open_page: Open, fake: FakeServer) -> None:
    fake.has_timeline = False
    page = begin(open_page(), fake)
    delta = {"item_id": "u1", "type": "conversation.item.input_audio_transcription.delta"}
    fake.send({**delta, "delta": "Which "}, {**delta, "delta": "cars"})
    expect(page.locator("#entries .partial")).to_have_text("Which cars")
    done = {"item_id": "u1", "type": "conversation.item.input_audio_transcription.completed"}
    fake.send({**done, "transcript": "Which cars?"}, {"type": "response.created", "response": {"id": "r1"}})
    words: dict[str, Any] = {"type": "response.output_audio_transcript.delta", "response_id": "r1", "item_id": "i1"}
    fake.send({**words, "delta": "We have"}, {**words, "delta": " two."})
    expect(page.locator("#entries .entry.agent .text")).to_have_text("We have two.")
    assert entries(page) == ["caller: Which cars?", "agent: We have two."]


def test_the_timeline_takes_over_from_what_the_protocol_said(open_page: Open, fake: FakeServer) -> None:
    fake.has_timeline = False
    page = begin(open_page(), fake)
    fake.send({"type": "response.created", "response": {"id": "r1"}})
    words = {"type": "response.output_audio_transcript.delta", "response_id": "r1", "item_id": "i1", "delta": "Hello"}
    fake.send(words)
    expect(page.locator("#entries .entry:not(.used)")).to_have_count(1)
    fake.has_timeline = True
    fake.tell(*canned.GREETING)
    expect(page.locator("#entries .text")).to_have_text(
        "Thank you for calling Northgate Motors. How can I help you today?"
    )


def test_a_timeline_that_breaks_goes_on_where_it_broke(call: Page, fake: FakeServer) -> None:
    fake.tell(*canned.GREETING)
    expect(call.locator("#entries .entry:not(.used)")).to_have_count(1)
    fake.break_timeline()
    fake.tell(*canned.ESTATES)
    expect(call.locator("#entries .entry:not(.used)")).to_have_count(3)
    assert fake.last_event_ids[-1] == str(len(canned.GREETING) - 1)
    assert fake.authorization == "Bearer ek_fake"


def test_screen_readers_hear_each_finished_sentence_once(call: Page, fake: FakeServer) -> None:
    fake.tell(at(1, "ResponseStarted", response="r1"), text(1, "r1", "Sure.", 0), text(1, "r1", "At nine.", 1))
    fake.tell(playout(2, "r1", 1.6, 3), playout(4, "r1", 3, 3), said(5, "Thanks."))
    spoken = call.locator("#spoken p")
    expect(spoken).to_have_text(["Northgate Motors: Sure.", "At nine.", "You: Thanks."])


def test_someone_who_scrolls_back_is_left_there(call: Page, fake: FakeServer) -> None:
    for number in range(30):
        fake.tell(at(number, "CallerText", text=f"line {number}"))
    expect(call.get_by_text("line 29", exact=True)).to_be_in_viewport()
    call.locator("#scroll").evaluate("box => box.scrollTop = 0")
    expect(call.get_by_text("line 0", exact=True)).to_be_in_viewport()
    fake.tell(at(31, "CallerText", text="line 30"))
    call.get_by_role("button", name="Latest").click()
    expect(call.get_by_text("line 30", exact=True)).to_be_in_viewport()

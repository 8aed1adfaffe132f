"""Whatever callers say in whatever order, the conversation goes on and calls only whole tools."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.model.local.dialogue.agents import SHOP, conversation
from vivavoce.model.local.dialogue.conversation import Phase
from vivavoce.model.local.dialogue.port import Act, CallTool, EndCall, Expecting, Heard, Say
from vivavoce.model.local.dialogue.slots import Kind, slots_of

WORDS = """yes|no|the sixteenth|at ten|alice|the beacon|i'd like to book a test ride|not friday|make it two|cancel|gnarf
start again|repeat that|where can i park|do you have tandem bikes|four seven two nine one|one two three four|hello
thanks||i'm locked out|what can you do|no the time|actually the falcon for bob|two helmets to locker four twelve"""
SAID = st.sampled_from([text.strip() for line in WORDS.splitlines() for text in line.split("|")])
MOVE = st.one_of(SAID, st.text(max_size=20), st.just("(result)"), st.just("(error)"), st.just("(interrupted)"))


@settings(max_examples=60, deadline=None)
@given(st.lists(MOVE, max_size=14))
def test_it_never_breaks_and_never_calls_half_a_tool(moves: list[str]) -> None:
    talk = conversation()
    open_calls: list[str] = []
    tools = {tool.name: tool for tool in SHOP.tools}
    for move in moves:
        acts: list[Act] = []
        if move in ("(result)", "(error)"):
            if open_calls:
                acts = talk.result(open_calls.pop(), '{"count": 1, "price": 5}', move == "(result)")
        elif move == "(interrupted)":
            talk.interrupted("half a")
        else:
            acts = talk.hear(Heard(move))
            assert acts, "every utterance is answered"
        assert all(not isinstance(act, Say) or act.text.strip() for act in acts)
        assert all(not isinstance(act, EndCall) for act in acts[:-1]), "nothing after the end"
        for act in acts:
            if isinstance(act, CallTool):
                assert set(tools[act.name].parameters["required"]) <= set(act.arguments)
                assert set(act.arguments) <= set(tools[act.name].parameters["properties"])
                open_calls.append(act.tool_call)
        if talk.state.phase is Phase.ASKING:
            form = talk.state.form
            assert form is not None
            asked = next(slot for slot in slots_of(tools[form.tool], {}) if slot.name == form.asked)
            assert (asked.kind is Kind.NAME) == (talk.expecting is Expecting.NAME)

"""What holds of every call that can be scored, and of every figure."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.rehearsal.figures import mean, rate, ratio
from vivavoce.rehearsal.outcomes import YIELD_WINDOW_US, Conversation, judge
from vivavoce.rehearsal.panel import panel
from vivavoce.rehearsal.resumption import longest_common
from vivavoce.rehearsal.spans import MERGE_US, SHORTEST_US, Span, at, merged
from vivavoce.rehearsal.truth import Said, SaidKind

spans = st.lists(
    st.tuples(st.integers(0, 60_000_000), st.integers(1, 5_000_000)).map(lambda pair: Span(pair[0], sum(pair))),
    max_size=12,
)


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """The caller's side is one row of things that do not overlap, as one mouth says them."""
    at_us, said = 0, []
    for _ in range(draw(st.integers(0, 8))):
        begin_us = at_us + draw(st.integers(1, 6_000_000))
        at_us = begin_us + draw(st.integers(20_000, 4_000_000))
        said.append(Said(kind=draw(st.sampled_from(SaidKind)), text="", span=Span(begin_us, at_us)))
    return Conversation("a call", tuple(said), merged(draw(spans)))


@given(spans)
def test_merged_spans_are_apart_long_enough_and_stay_as_they_are(given_spans: list[Span]) -> None:
    found = merged(given_spans)
    assert all(second.begin_us - first.end_us > MERGE_US for first, second in pairwise(found))
    assert all(span.end_us - span.begin_us >= SHORTEST_US for span in found)
    assert merged(found) == found
    assert all(any(span.begin_us == one.begin_us for one in given_spans) for span in found)


@given(conversations())
def test_every_outcome_is_within_its_definition(conversation: Conversation) -> None:
    outcomes = judge(conversation)
    for reaction in outcomes.reactions:
        assert at(conversation.agent, reaction.said.span.begin_us) is not None
        if reaction.stop_us is not None:
            assert 0 < reaction.stop_us <= YIELD_WINDOW_US[reaction.said.kind]
    for answer in outcomes.answers:
        assert answer.said.kind.is_for_agent
        assert at(conversation.agent, answer.said.span.end_us) is None
        if answer.latency_us is not None:
            assert answer.latency_us >= 0
            assert any(span.begin_us == answer.said.span.end_us + answer.latency_us for span in conversation.agent)
    assert len(outcomes.answers) <= outcomes.turns <= len(conversation.said)
    assert outcomes.intrusions <= len(conversation.agent)


@given(conversations(), st.integers(0, 10_000_000))
def test_when_the_call_began_does_not_matter(conversation: Conversation, by_us: int) -> None:
    moved = Conversation(
        conversation.call,
        tuple(Said(kind=one.kind, text=one.text, span=one.span.moved(by_us)) for one in conversation.said),
        tuple(span.moved(by_us) for span in conversation.agent),
    )
    assert panel([moved]).as_object() == panel([conversation]).as_object()


@given(st.lists(conversations(), max_size=4))
def test_the_panel_says_nothing_of_what_it_has_too_little_of(calls: list[Conversation]) -> None:
    for figure in panel(calls).rows.values():
        assert figure.too_few == (figure.events < 10)
        if figure.low is not None and figure.high is not None:
            assert figure.low <= figure.high


@given(st.lists(st.lists(st.booleans(), max_size=6), max_size=8))
def test_a_rate_is_a_share_and_the_order_of_calls_does_not_matter(outcomes: list[list[bool]]) -> None:
    figure = rate(outcomes, fewest=1)
    assert figure.events == sum(map(len, outcomes))
    if figure.value is not None:
        assert 0 <= figure.value <= 1
        assert figure.value == rate(outcomes[::-1], fewest=1).value
        assert figure.value == ratio([(sum(call), len(call)) for call in outcomes], fewest=1).value
        assert abs(figure.value - (mean([[float(one) for one in call] for call in outcomes], 1).value or 0)) < 1e-9


@given(st.lists(st.sampled_from("abcd"), max_size=12), st.lists(st.sampled_from("abcd"), max_size=12))
def test_the_longest_common_subsequence_is_bounded_and_symmetric(first: list[str], second: list[str]) -> None:
    length = longest_common(first, second)
    assert length == longest_common(second, first) <= min(len(first), len(second))
    assert longest_common(first, first) == len(first)
    assert length >= longest_common(first, second[:-1])

"""Arbitrary facts. Every class of :data:`Event` is built from the types of its fields, so none can be forgotten.

Ids come from small pools, that they may collide; numbers and texts are those at which something changes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, get_args, get_type_hints

import msgspec
from hypothesis import strategies as st

from tests.unit.core.scenario import R1, R2, T1, T2, audio
from vivavoce.events import (
    COLLECT_DIGITS,
    END_CALL,
    FAREWELL,
    GREETING,
    HOLD_CALL,
    TRANSFER_CALL,
    Ability,
    Audio,
    BudgetReached,
    CallerHungUp,
    CallPlan,
    ChannelLost,
    ConnectionId,
    Event,
    ModelLost,
    PastTurn,
    ResponseId,
    Samples,
    Speaker,
    SpendPlan,
    StopRequested,
    StoreFailed,
    TokenCounts,
    TokenPrices,
    ToolCallId,
    ToolPlan,
)

EVENT_TYPES: tuple[type[Event], ...] = get_args(Event)

_PRICES = TokenPrices(1, 2, 3, 4)
TOOLS = (
    ToolPlan(
        name="find_cars", lead_in="One moment.", lead_in_us=500_000, progress=("Still at it.",), progress_us=2_000_000
    ),
    ToolPlan(name="book", supersedable=True, approval=True, approval_us=5_000_000, price=15),
)

PLANS = st.builds(
    CallPlan,
    agent=st.just("test"),
    models=st.sampled_from([("first", "second"), ("first", "second"), ("only",), ()]),
    greeting=st.sampled_from(["", "Hello."]),
    apology=st.sampled_from(["", "Sorry."]),
    farewell=st.sampled_from(["", "Goodbye."]),
    interruption=st.sampled_from(["model", "never", "local", "hybrid", "hybrid"]),
    protect_greeting=st.booleans(),
    reprompts=st.sampled_from([(), ("Are you there?",)]),
    reprompt_us=st.just(3_000_000),
    call_warning=st.sampled_from(["", "One minute is left."]),
    voicemail=st.sampled_from(["ignore", "hang_up", "leave_message"]),
    voicemail_message=st.just("Please call back."),
    spend=st.sampled_from(
        [
            None,
            SpendPlan(limit=40, warning_at=20, warning="Dear.", prices=(_PRICES, None)),
            SpendPlan(limit=0, warning_at=0, prices=(_PRICES, None), downgrade_at=10, downgrade_to=1),
        ]
    ),
    tools=st.sampled_from([(), TOOLS]),
    silence_limit_us=st.sampled_from([60_000_000, 5_000_000, 1]),
    call_limit_us=st.sampled_from([1_800_000_000, 1_800_000_000, 6_000_000, 1]),
)

_BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    ConnectionId: st.sampled_from([1, 1, 1, 1, 1, 1, 2, 3, 0]).map(ConnectionId),
    ResponseId: st.sampled_from([R1, R2, GREETING, FAREWELL]),
    ToolCallId: st.sampled_from([T1, T2]),
    Samples: st.sampled_from([0, 1, 160, 4_000, 8_000, 100_000]).map(Samples),
    Audio: st.sampled_from([0, 20, 500, 11_000]).map(audio),
    CallPlan: PLANS,
    tuple[PastTurn, ...]: st.sampled_from(
        [(), (PastTurn(Speaker.CALLER, "Hello."), PastTurn(Speaker.AGENT, "Good morning."))]
    ),
    tuple[ToolPlan, ...]: st.sampled_from([(), TOOLS]),
    tuple[Ability, ...]: st.sampled_from([(), (Ability.PAUSE,), (Ability.PAUSE,)]),
    TokenCounts | None: st.sampled_from([None, TokenCounts(1, 2, 3, 4)]),
    bool: st.booleans(),
    int: st.integers(0, 5),
    str: st.sampled_from(["", "a few words", "two\nlines", "\ud800"]),
}
_BY_FIELD: dict[str, st.SearchStrategy[Any]] = {
    "digits": st.sampled_from(["1", "42#"]),
    "interruption": st.sampled_from(["model", "never", "local", "hybrid"]),
    "rate_hz": st.sampled_from([8_000, 16_000, 0]),
    "name": st.sampled_from(["find_cars", "book", "book", END_CALL, TRANSFER_CALL, COLLECT_DIGITS, HOLD_CALL]),
    "lifetime_us": st.sampled_from([0, 0, 1, 10_000_000, 480_000_000]),
    "reply_limit_us": st.sampled_from([0, 0, 1_000_000]),
    "arguments": st.sampled_from(
        [
            "{}",
            '{"count": 2, "private": true}',
            '{"seconds": 2}',
            '{"seconds": 1e305, "count": 99}',
            '{"reason": "person"}',
            "nonsense",
            "",
        ]
    ),
}


def _values(name: str, kind: Any) -> st.SearchStrategy[Any]:
    if name in _BY_FIELD:
        return _BY_FIELD[name]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return st.sampled_from(list(kind))
    return _BY_TYPE[kind]  # a KeyError here is a new type of field: say above what its values are


def events_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Arbitrary facts of one class."""
    hints = get_type_hints(kind)
    fields = {field.name: _values(field.name, hints[field.name]) for field in msgspec.structs.fields(kind)}
    return st.builds(kind, **fields)


def _often(kind: type[Event]) -> int:
    """What ends a call comes seldom, so that most calls last."""
    return 1 if kind in (StopRequested, StoreFailed, BudgetReached, CallerHungUp, ChannelLost, ModelLost) else 8


EVENTS: st.SearchStrategy[Event] = st.one_of([events_of(kind) for kind in EVENT_TYPES for _ in range(_often(kind))])

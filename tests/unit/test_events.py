"""The vocabulary: closed, frozen, tagged, and judgeable alone."""

from __future__ import annotations

import inspect
from typing import Any, get_args

import msgspec
import pytest

from vivavoce import events
from vivavoce.events import (
    Audio,
    CallEffect,
    CallerAudio,
    CallPlan,
    ChannelEffect,
    ChannelEvent,
    EarEvent,
    Effect,
    EngineEvent,
    Event,
    ModelEffect,
    ModelEvent,
    PastTurn,
    PendingTool,
    SpendPlan,
    TokenCounts,
    TokenPrices,
    ToolEffect,
    ToolEvent,
    ToolPlan,
)

EVENTS: tuple[type[msgspec.Struct], ...] = get_args(Event)
EFFECTS: tuple[type[msgspec.Struct], ...] = get_args(Effect)


def _public_structs() -> set[type[msgspec.Struct]]:
    return {
        value
        for name, value in vars(events).items()
        if inspect.isclass(value) and issubclass(value, msgspec.Struct) and not name.startswith("_")
    }


PARTS = {CallPlan, PastTurn, PendingTool, SpendPlan, TokenCounts, TokenPrices, ToolPlan}
"""What facts and wishes are made of."""


def test_every_struct_is_a_fact_or_a_wish_or_a_part_of_one() -> None:
    assert set(EVENTS) | set(EFFECTS) | PARTS == _public_structs()


def test_nothing_is_both_fact_and_wish() -> None:
    assert not set(EVENTS) & set(EFFECTS)


@pytest.mark.parametrize(
    ("whole", "parts"),
    [
        (Event, [EngineEvent, ChannelEvent, EarEvent, ModelEvent, ToolEvent]),
        (Effect, [ChannelEffect, ModelEffect, ToolEffect, CallEffect]),
    ],
)
def test_the_sides_share_nothing(whole: Any, parts: list[Any]) -> None:
    members = [member for part in parts for member in get_args(part)]
    assert len(members) == len(set(members))
    assert set(get_args(whole)) == set(members)


@pytest.mark.parametrize("kind", [*EVENTS, *EFFECTS, *PARTS], ids=lambda kind: str(kind.__name__))
def test_all_are_frozen_and_say_what_they_mean(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_config__.frozen
    assert (kind.__doc__ or "").strip()


@pytest.mark.parametrize("kind", get_args(ModelEvent), ids=lambda kind: str(kind.__name__))
def test_what_a_model_says_names_its_connection(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_fields__[0] == "connection"


@pytest.mark.parametrize("kind", get_args(ModelEffect), ids=lambda kind: str(kind.__name__))
def test_what_a_model_is_asked_names_its_connection(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_fields__[0] == "connection"


@pytest.mark.parametrize("vocabulary", [EVENTS, EFFECTS], ids=["facts", "wishes"])
def test_the_tag_is_the_name(vocabulary: tuple[type[msgspec.Struct], ...]) -> None:
    assert [kind.__struct_config__.tag for kind in vocabulary] == [kind.__name__ for kind in vocabulary]


def test_audio_counts_two_bytes_a_sample() -> None:
    assert Audio(bytes(320)).samples == 160


def test_audio_whose_sound_was_not_kept_still_has_its_length() -> None:
    assert Audio(b"", 160).samples == 160


def test_audio_of_the_same_length_is_equal_whatever_it_sounds_like() -> None:
    loud, quiet, longer = Audio(b"\x7f\x7f"), Audio(b"\x00\x00"), Audio(bytes(4))
    assert loud == quiet
    assert hash(loud) == hash(quiet)
    assert loud != longer
    assert CallerAudio(loud) == CallerAudio(quiet)


def test_audio_is_not_equal_to_a_number() -> None:
    assert Audio(bytes(4)) != 2


def test_audio_does_not_show_its_sound() -> None:
    assert repr(Audio(b"\x01\x02\x03\x04")) == "Audio(2 samples)"


def test_a_plan_needs_its_agent_and_models_only() -> None:
    plan = CallPlan(agent="front desk", models=("embedded",))
    assert (plan.greeting, plan.farewell, plan.interruption, plan.protect_greeting) == ("", "", "model", False)
    assert (plan.silence_limit_us, plan.call_limit_us) == (60_000_000, 1_800_000_000)

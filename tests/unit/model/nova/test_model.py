"""What is checked when the model is made, and what it says of itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.model.nova.service import AGENT, ENVIRONMENT, NOW, FakeBedrock, nova
from vivavoce.agent.declaration import Agent, Knowledge, Tool, TurnPolicy
from vivavoce.emulator.authority import authority_in
from vivavoce.engine.clock import run
from vivavoce.errors import SetupFault
from vivavoce.events import ConnectionId
from vivavoce.model.nova.catalogue import MODELS, NOVA_2_SONIC, choose_voice, sensitivity_for
from vivavoce.model.nova.model import NovaModel

V1 = "amazon.nova-sonic-v1:0"


def refused(agent: Agent = AGENT, environment: dict[str, str] | None = None, **settings: Any) -> str:
    with pytest.raises(SetupFault) as raised:
        NovaModel(agent, settings, now=lambda: NOW, environment=ENVIRONMENT if environment is None else environment)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def plan_of(agent: Agent = AGENT, **settings: Any) -> Any:
    return nova(agent, settings)._plan


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"model_id": "amazon.nova-9"}, ["'amazon.nova-9'", "amazon.nova-2-sonic-v1:0", "'like'"]),
        ({"like": "amazon.nova-9"}, ["'amazon.nova-9'", "amazon.nova-2-5-sonic"]),
        ({"voice": "zoe"}, ["no voice 'zoe'", "matthew", "tiffany"]),
        ({"voice": "ambre"}, ["'ambre'", "does not speak 'en-US'", "amy"]),
        ({"region": "eu-west-1"}, ["'eu-west-1'", "us-east-1, us-west-2, eu-north-1 or ap-northeast-1"]),
        ({"region": "mars"}, ["'mars'"]),
        ({"input_rate_hz": 44_100}, ["input_rate_hz", "8000, 16000 or 24000"]),
        ({"output_rate_hz": 11_025}, ["output_rate_hz", "8000, 16000 or 24000"]),
        ({"endpointing_sensitivity": "SOON"}, ["endpointing_sensitivity", "'HIGH', 'MEDIUM', 'LOW'"]),
        ({"temperature": 2}, ["temperature", "less than or equal to 1"]),
        ({"top_p": -1, "max_tokens": 0}, ["top_p", "max_tokens"]),
        ({"colour": "red"}, ["'colour'", "it knows", "model_id"]),
        ({"endpoint": "127.0.0.1:8443"}, ["'endpoint': it must be", "https://127.0.0.1:8443"]),
        ({"tool_choice": "nothing"}, ["'nothing'", "auto, any, end_call"]),
        ({"model_id": V1, "system_speech": "Latin"}, ["system_speech"]),
    ],
)
def test_wrong_settings_are_refused_in_one_line_that_names_the_right_ones(
    settings: dict[str, Any], told: list[str]
) -> None:
    message = refused(**settings)
    assert [part for part in told if part not in message] == []


def test_a_region_of_the_environment_is_checked_too() -> None:
    assert "'eu-west-1'" in refused(environment={"AWS_REGION": "eu-west-1"})


def test_where_regions_are_not_published_any_will_do_and_none_is_named() -> None:
    v2_5 = "amazon.nova-2-5-sonic"
    assert made(ENVIRONMENT | {"AWS_REGION": "eu-west-1"}, model_id=v2_5).why_not_here() == ""
    keys = {name: value for name, value in ENVIRONMENT.items() if name != "AWS_REGION"}
    assert made(keys, model_id=v2_5).why_not_here() == "no AWS region (set 'region' or AWS_REGION)"


def test_a_language_that_the_model_does_not_speak_is_refused() -> None:
    assert "'fi-FI'" in refused(replace(AGENT, language="fi-FI"))
    assert "'hi-IN'" in refused(replace(AGENT, language="hi-IN"), model_id=V1)


def test_a_voice_of_the_agent_is_checked_and_yields_to_the_settings() -> None:
    agent = replace(AGENT, voice="espeak:en-us")
    assert "'espeak:en-us'" in refused(agent)
    assert plan_of(agent, voice="amy").opening.voice == "amy"
    assert plan_of(replace(AGENT, voice="tiffany")).opening.voice == "tiffany"


@pytest.mark.parametrize(
    ("language", "voice"),
    [
        ("en-US", "matthew"),
        ("en-GB", "amy"),
        ("en-NZ", "matthew"),
        ("fr", "ambre"),
        ("es-ES", "lupe"),
        ("hi-IN", "kiara"),
        ("pt-PT", "carolina"),
    ],
)
def test_without_a_voice_the_first_that_speaks_the_language_is_taken(language: str, voice: str) -> None:
    assert choose_voice(NOVA_2_SONIC, language) == voice


def test_a_polyglot_voice_speaks_every_language_of_its_model() -> None:
    assert choose_voice(NOVA_2_SONIC, "de-DE", "matthew") == "matthew"


@pytest.mark.parametrize("model_id", MODELS)
def test_every_known_model_can_be_set_up(model_id: str) -> None:
    model = nova(settings={"model_id": model_id})
    assert model.why_not_here() == ""
    assert model.profile.name in ("nova-2-sonic", "nova-2-5-sonic", "nova-sonic")
    assert model.session(ConnectionId(1)) is not None


def test_an_unknown_model_can_be_like_a_known_one() -> None:
    settings: dict[str, Any] = {
        "model_id": "us.amazon.nova-3-sonic-v1:0",
        "like": "amazon.nova-2-sonic-v1:0",
        "region": "eu-west-1",
    }
    assert plan_of(**settings).model_id == "us.amazon.nova-3-sonic-v1:0"


def test_endpointing_follows_the_settings_then_the_agent_then_the_service() -> None:
    patient = replace(AGENT, turns=TurnPolicy(endpoint_ms=1900))
    assert plan_of().opening.start.endpointing_sensitivity is None
    assert plan_of(patient).opening.start.endpointing_sensitivity == "LOW"
    assert plan_of(patient, endpointing_sensitivity="HIGH").opening.start.endpointing_sensitivity == "HIGH"
    assert [sensitivity_for(ms) for ms in (0, 200, 1600, 1700, 5000)] == [None, "HIGH", "HIGH", "MEDIUM", "LOW"]


def test_the_first_model_has_its_own_form_and_speaks_no_given_words() -> None:
    assert plan_of(model_id=V1).opening.start.flat
    assert not plan_of().opening.start.flat
    told = refused(replace(AGENT, greeting="Hello.", farewell="Bye."), model_id=V1)
    assert "a greeting and a farewell" in told


def test_a_tool_that_cannot_be_declared_is_refused() -> None:
    tool = Tool("look_up", "x", {"type": "object", "properties": {"a": {"anyOf": [{}, {}]}}}, print)
    assert "'look_up'" in refused(replace(AGENT, tools=(tool,)))


def test_what_is_too_long_is_refused_with_the_longest_part() -> None:
    agent = replace(AGENT, knowledge=(Knowledge("prices", "x" * 200_000), Knowledge("hours", "y")))
    assert "knowledge/prices" in refused(agent)
    tool = Tool("look_up", "x" * 200_000, {}, print)
    assert "'look_up'" in refused(replace(AGENT, tools=(tool,)))


def test_knowledge_and_language_are_in_the_prompt() -> None:
    agent = replace(AGENT, language="fr-FR", knowledge=(Knowledge("prices", "A car costs 5."),))
    text = plan_of(agent).system()
    assert "# Knowledge: prices\nA car costs 5." in text
    assert "You speak fr-FR." in text


def test_a_tool_may_be_chosen_by_name() -> None:
    assert plan_of(tool_choice="end_call").opening.tool_choice == "tool:end_call"
    assert plan_of(tool_choice="any").opening.tool_choice == "any"
    assert plan_of().opening.tool_choice is None


# -- where and as whom ------------------------------------------------------------------------------------------------


def made(environment: dict[str, str], **settings: Any) -> NovaModel:
    return NovaModel(AGENT, settings, now=lambda: NOW, environment=environment)


def test_without_credentials_it_says_so_and_names_the_emulator() -> None:
    told = made({"AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "us-east-1"}).why_not_here()
    assert "no AWS credentials" in told
    assert "vivavoce emulate" in told


def test_without_a_region_it_names_those_that_have_the_model() -> None:
    told = made({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}).why_not_here()
    assert "AWS_REGION" in told
    assert "eu-north-1" in told


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_an_endpoint_on_this_machine_needs_neither_and_is_simulated(host: str) -> None:
    model = made({}, endpoint=f"https://{host}:8443")
    assert model.why_not_here() == ""
    assert model.profile.simulated
    assert "figures say nothing" in model.profile.description


def test_an_emulator_is_shown_the_keys_that_there_are_and_not_half_of_them(tmp_path: Path) -> None:
    """A file that names a region alone holds none."""
    endpoint = "https://127.0.0.1:8443"
    assert "AWS_SECRET_ACCESS_KEY is not set" in made({"AWS_ACCESS_KEY_ID": "a"}, endpoint=endpoint).why_not_here()
    assert "no AWS profile 'gone'" in made({}, endpoint=endpoint, profile="gone").why_not_here()
    config = tmp_path / "config"
    config.write_text("[default]\nregion = us-east-1\n", "utf-8")
    model = made({"AWS_CONFIG_FILE": str(config)}, endpoint=endpoint)
    assert model.why_not_here() == ""
    assert model._shows_made_up_keys()


def test_the_endpoint_may_come_from_the_environment() -> None:
    assert made({"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://127.0.0.1:1"}).profile.simulated
    assert not made(ENVIRONMENT).profile.simulated
    assert not made(ENVIRONMENT, endpoint="https://bedrock.example.com").profile.simulated


def test_an_emulator_is_in_every_region() -> None:
    assert made({"AWS_REGION": "eu-west-1"}, endpoint="https://127.0.0.1:1").why_not_here() == ""


def test_certificates_that_are_not_there_are_missed(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    assert "is no file" in made({}, endpoint="https://127.0.0.1:1", ca_file=str(ca_file)).why_not_here()
    ca_file.write_text("nonsense", "utf-8")
    assert "ca.pem cannot be used" in made({}, endpoint="https://127.0.0.1:1", ca_file=str(ca_file)).why_not_here()
    authority = authority_in(tmp_path / "good", NOW)
    assert made({}, endpoint="https://127.0.0.1:1", ca_file=str(authority.certificate)).why_not_here() == ""


def test_a_client_that_was_given_is_not_closed() -> None:
    async def main() -> int:
        bedrock = FakeBedrock()
        session = nova(bedrock=bedrock).session(ConnectionId(1))
        task = asyncio.create_task(session.run(_ignore))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        return bedrock.closed

    assert run(main(), virtual=True) == 0


def test_the_client_of_all_sessions_is_closed_with_the_last_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> list[int]:
        bedrock = FakeBedrock()
        monkeypatch.setattr(NovaModel, "_make_client", lambda _: bedrock)
        model = made({}, endpoint="https://127.0.0.1:1")
        tasks = [asyncio.create_task(model.session(ConnectionId(n)).run(_ignore)) for n in (1, 2)]
        await asyncio.sleep(1)
        closed = []
        for task in tasks:
            task.cancel()
            await asyncio.wait([task])
            closed.append(bedrock.closed)
        return closed

    assert run(main(), virtual=True) == [0, 1]


async def _ignore(_: object) -> None:
    pass


@pytest.mark.parametrize(
    ("settings", "call_hz", "rates"),
    [
        ({}, 8000, (8000, 8000)),
        ({}, 24_000, (24_000, 24_000)),
        ({}, 48_000, (16_000, 24_000)),
        ({"input_rate_hz": 16_000}, 24_000, (16_000, 24_000)),
        ({"output_rate_hz": 8000}, 16_000, (16_000, 8000)),
    ],
)
def test_a_call_is_heard_at_its_own_rate_where_the_settings_leave_it(
    settings: dict[str, Any], call_hz: int, rates: tuple[int, int]
) -> None:
    made = NovaModel(AGENT, settings, now=lambda: NOW, environment=ENVIRONMENT)
    at = made.at_rate(call_hz)
    assert (at.profile.input_rate_hz, at.profile.output_rate_hz) == rates
    assert made.at_rate(call_hz) is at
    assert (made.profile.input_rate_hz, made.profile.output_rate_hz) != (0, 0)
    assert made.profile.name == at.profile.name

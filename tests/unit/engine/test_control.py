from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vivavoce.agent.declaration import Agent, CallControl, Destination, OtherAgent, Webhook
from vivavoce.channel.port import Orders
from vivavoce.engine import control as module
from vivavoce.engine.clock import VirtualLoop
from vivavoce.engine.control import LIMITS_S, ControlTools, Surroundings, orders_of
from vivavoce.errors import AgentFileError, ChannelFault, NotAvailable, PeerFault, UsageError
from vivavoce.events import ToolCallId, ToolStatus

CONTROL = CallControl(
    transfer=(Destination("desk", "+15550100", warm=True), Destination("manager", "sip:boss@example.com")),
    send_digits=True,
    notes=True,
    languages=("de-DE",),
    agents=(OtherAgent("billing", Path("billing.toml")),),
)
AGENT = Agent("Front", "Help.", voice="ann", control=CONTROL)
BILLING = Agent("Billing", "Invoices.")


class Telephone:
    """A channel that takes orders, and keeps them."""

    def __init__(self, fault: Exception | None = None, waits_s: float = 0) -> None:
        self.orders: Orders | None = self
        self.given: list[tuple[str, ...]] = []
        self._fault = fault
        self._waits_s = waits_s

    async def transfer(self, to: str, summary: str) -> None:
        await self._take("transfer", to, summary)

    async def send_digits(self, digits: str) -> None:
        await self._take("digits", digits)

    async def _take(self, *given: str) -> None:
        await asyncio.sleep(self._waits_s)
        if self._fault is not None:
            raise self._fault
        self.given.append(given)


class Desk:
    """Loads and revises, and keeps what it was given."""

    def __init__(self, channel: object = None, no_voice: str = "", fault: Exception | None = None) -> None:
        self.channel = channel
        self.revised: list[Agent] = []
        self._no_voice = no_voice
        self._fault = fault

    async def revise(self, agent: Agent) -> None:
        if self._no_voice and agent.voice == self._no_voice:
            raise UsageError("the voice does not speak that")
        if self._fault is not None:
            raise self._fault
        self.revised.append(agent)

    def load(self, path: Path) -> Agent:
        if path.name != "billing.toml":
            raise AgentFileError("cannot be read", where=str(path))
        return BILLING

    def tools(self, agent: Agent = AGENT) -> ControlTools:
        return ControlTools(agent, Surroundings("c1", lambda: orders_of(self.channel), self.revise, self.load))


def run(tools: ControlTools, name: str, **arguments: Any) -> tuple[ToolStatus, Mapping[str, Any]]:
    outcome = on_a_loop(lambda: tools.run(ToolCallId("t1"), name, json.dumps(arguments)))
    return outcome.status, json.loads(outcome.result)


def on_a_loop(work: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await work()

    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()


def message(result: Mapping[str, Any]) -> str:
    return str(result["error"]["message"])


def test_only_what_the_agents_file_allows_is_known() -> None:
    tools = Desk().tools()
    assert {name for name in LIMITS_S if tools.knows(name)} == set(LIMITS_S)
    assert not tools.knows("hold_call")  # the call's own
    few = Desk().tools(replace(AGENT, control=CallControl(notes=True)))
    assert [name for name in LIMITS_S if few.knows(name)] == ["leave_note"]
    status, result = run(few, "transfer_call", destination="desk")
    assert status is ToolStatus.REFUSED
    assert "transfer_call" in message(result)


@pytest.mark.parametrize(
    ("destination", "summary", "expected"),
    [
        ("desk", "Wants a late check-out.", ("transfer", "+15550100", "Wants a late check-out.")),
        ("desk", "", ("transfer", "+15550100", "A caller of Front.")),
        ("manager", "Is angry.", ("transfer", "sip:boss@example.com", "")),
    ],
    ids=["warm", "warm without words", "blind"],
)
def test_the_channel_transfers(destination: str, summary: str, expected: tuple[str, ...]) -> None:
    telephone = Telephone()
    status, result = run(Desk(telephone).tools(), "transfer_call", destination=destination, summary=summary)
    assert (status, result) == (ToolStatus.OK, {"transferred": True, "destination": destination})
    assert telephone.given == [expected]


def test_a_destination_nobody_named_is_refused_with_the_known_ones() -> None:
    telephone = Telephone()
    status, result = run(Desk(telephone).tools(), "transfer_call", destination="+4479111111")
    assert status is ToolStatus.REFUSED
    assert "There are: desk, manager." in message(result)
    assert telephone.given == []


@pytest.mark.parametrize("channel", [None, Telephone(ChannelFault("not this line"))])
def test_where_the_channel_cannot_the_webhook_does(monkeypatch: pytest.MonkeyPatch, channel: object) -> None:
    sent: list[tuple[Webhook, Mapping[str, str], str]] = []

    async def order(webhook: Webhook, what: Mapping[str, str], *, idempotency_key: str) -> None:
        sent.append((webhook, what, idempotency_key))

    monkeypatch.setattr(module, "order", order)
    webhook = Webhook("https://pbx.example.com", "s")
    tools = Desk(channel).tools(replace(AGENT, control=replace(CONTROL, transfer_webhook=webhook)))
    status, _ = run(tools, "transfer_call", destination="manager", summary="Is angry.")
    assert status is ToolStatus.OK
    told = {
        "call": "c1",
        "agent": "Front",
        "to": "sip:boss@example.com",
        "destination": "manager",
        "summary": "Is angry.",
    }
    assert sent == [(webhook, told, "c1/t1")]


@pytest.mark.parametrize("fault", [PeerFault("the webhook gave no answer"), NotAvailable("a webhook needs httpx")])
def test_a_webhook_that_fails_is_told_as_data(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    async def order(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(module, "order", order)
    tools = Desk().tools(replace(AGENT, control=replace(CONTROL, transfer_webhook=Webhook("https://x.example"))))
    status, result = run(tools, "transfer_call", destination="manager")
    assert status is ToolStatus.FAILED
    assert message(result).startswith(str(fault)[:12])


@pytest.mark.parametrize(
    ("name", "arguments"), [("transfer_call", {"destination": "desk"}), ("send_digits", {"digits": "1"})]
)
def test_a_line_that_takes_no_orders_says_so(name: str, arguments: dict[str, str]) -> None:
    status, result = run(Desk(channel=object()).tools(), name, **arguments)
    assert status is ToolStatus.REFUSED
    assert "on this line" in message(result)


@pytest.mark.parametrize(
    ("telephone", "status", "said"),
    [
        (Telephone(ChannelFault("nobody answered")), ToolStatus.FAILED, "nobody answered"),
        (Telephone(ValueError("+15550100 of ours")), ToolStatus.FAILED, "did not work"),
        (Telephone(waits_s=1e6), ToolStatus.TIMED_OUT, "took too long"),
    ],
    ids=["fault", "mistake", "hangs"],
)
def test_whatever_goes_wrong_with_an_order_the_call_goes_on(
    telephone: Telephone, status: ToolStatus, said: str
) -> None:
    outcome, result = run(Desk(telephone).tools(), "transfer_call", destination="desk")
    assert outcome is status
    assert said in message(result)


def test_keys_are_pressed() -> None:
    telephone = Telephone()
    status, result = run(Desk(telephone).tools(), "send_digits", digits="1w 2#")
    assert (status, result) == (ToolStatus.OK, {"pressed": 3})
    assert telephone.given == [("digits", "1w2#")]


@pytest.mark.parametrize("digits", ["", "   ", "12x", "+44"])
def test_what_no_key_has_is_refused(digits: str) -> None:
    telephone = Telephone()
    assert run(Desk(telephone).tools(), "send_digits", digits=digits)[0] is ToolStatus.REFUSED
    assert telephone.given == []


@pytest.mark.parametrize("arguments", ["", "{", "[]", '{"destination": 3}', '{"to": "desk"}'])
def test_arguments_that_do_not_fit_are_refused(arguments: str) -> None:
    tools = Desk(Telephone()).tools()
    outcome = on_a_loop(lambda: tools.run(ToolCallId("t1"), "transfer_call", arguments))
    assert outcome.status is ToolStatus.REFUSED
    assert "do not fit" in outcome.result


def test_a_note_is_kept_unless_it_is_empty() -> None:
    assert run(Desk().tools(), "leave_note", text="Call back at five.") == (ToolStatus.OK, {"kept": True})
    assert run(Desk().tools(), "leave_note", text=" ")[0] is ToolStatus.REFUSED


def test_another_agent_takes_over_and_its_own_control_holds_from_then_on() -> None:
    desk = Desk()
    tools = desk.tools()
    status, result = run(tools, "switch_agent", agent="billing")
    assert status is ToolStatus.OK
    assert result["now"] == "Billing"
    assert desk.revised == [BILLING]
    assert tools.agent is BILLING
    assert not tools.knows("switch_agent")


@pytest.mark.parametrize(
    "control",
    [CONTROL, replace(CONTROL, agents=(OtherAgent("billing", Path("gone.toml")),))],
    ids=["no model", "no file"],
)
def test_an_agent_that_cannot_take_over_leaves_this_one(control: CallControl) -> None:
    desk = Desk(fault=NotAvailable("no model"))
    tools = desk.tools(replace(AGENT, control=control))
    status, result = run(tools, "switch_agent", agent="billing")
    assert status is ToolStatus.REFUSED
    assert message(result) == "billing is not available now. Say so, and go on yourself."
    assert tools.agent.name == "Front"


def test_another_language_and_back() -> None:
    desk = Desk()
    tools = desk.tools()
    status, _ = run(tools, "switch_language", language="de-DE")
    assert status is ToolStatus.OK
    assert desk.revised[0].language == "de-DE"
    assert desk.revised[0].voice == "ann"
    assert desk.revised[0].instructions.endswith("Speak de-DE from now on, whatever was spoken before.")
    assert run(tools, "switch_language", language="en-US")[0] is ToolStatus.OK
    assert tools.agent.language == "en-US"
    assert tools.agent.instructions.count("from now on") == 1


def test_a_language_that_is_spoken_already_changes_nothing() -> None:
    desk = Desk()
    assert run(desk.tools(), "switch_language", language="en-US")[0] is ToolStatus.OK
    assert desk.revised == []


def test_a_voice_that_does_not_speak_the_language_is_left_to_the_model() -> None:
    desk = Desk(no_voice="ann")
    assert run(desk.tools(), "switch_language", language="de-DE")[0] is ToolStatus.OK
    assert desk.revised[0].voice == ""


def test_a_language_that_no_model_speaks_leaves_the_old_one() -> None:
    tools = Desk(fault=NotAvailable("no model")).tools()
    status, result = run(tools, "switch_language", language="de-DE")
    assert status is ToolStatus.REFUSED
    assert "de-DE cannot be spoken here" in message(result)
    assert tools.agent is AGENT

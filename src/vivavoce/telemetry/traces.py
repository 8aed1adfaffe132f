"""A call that is over as an OpenTelemetry trace: the call, its turns, and in each the model and the tools.

By the semantic conventions for generative AI (github.com/open-telemetry/semantic-conventions, docs/gen-ai, of 1.37 on),
and ``vivavoce.…`` for what they do not name. What people say is in it only where that was switched on.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from vivavoce.errors import NotAvailable
from vivavoce.ledger.cost import Amounts, CallCost
from vivavoce.ledger.record import CallRecord, ToolRecord, TurnRecord, summed
from vivavoce.telemetry.identity import span_id, trace_id

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

FLUSH_S = 5.0
QUEUED_SPANS = 16_384
"""About ten calls of an hour; what comes on top while the collector is away is lost."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOST = frozenset({"channel_lost", "model_lost", "failed", "stopped"})

Attributes = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Span:
    """One span, in microseconds of the call. ``path`` names it; without its last part it names the parent."""

    path: tuple[str, ...]
    name: str
    begin_us: int
    end_us: int
    attributes: Attributes
    events: tuple[tuple[int, str, Attributes], ...] = ()
    client: bool = False
    error: str = ""


def provider_of(model: str) -> str:
    """The conventions' well-known name where there is one."""
    return (
        "aws.bedrock" if model.startswith(("nova", "amazon.nova")) else f"vivavoce.{model.partition(':')[0] or 'none'}"
    )


def spans_of(record: CallRecord, cost: CallCost, *, speech: bool = False) -> Iterator[Span]:
    """All spans of a call, parents first."""
    error = "torn" if record.torn else record.disposition if record.disposition in _LOST else ""
    yield Span((), f"call {record.agent}", 0, record.duration_us, _of_call(record, cost), _swaps(record), error=error)
    begins = _begins(record)
    costs = {turn.turn: turn.amounts for turn in cost.turns}
    for place, turn in enumerate(record.turns):
        begin_us, end_us = begins[place], begins[place + 1]
        path = (f"turn-{turn.number}",)
        of_turn = {
            "vivavoce.turn.number": turn.number,
            "vivavoce.turn.kind": turn.kind.value,
            "vivavoce.turn.interrupted": turn.interrupted,
            **_some({"vivavoce.turn.latency_ms": turn.events_ms, "vivavoce.turn.server_ms": turn.server_ms}),
            **_money(costs.get(turn.number, {})),
        }
        yield Span(path, f"turn {turn.kind.value}", begin_us, end_us, of_turn, _moments(turn))
        yield _model(record, turn, begin_us, end_us, speech=speech)
        for number, tool in enumerate(turn.tools):
            yield _tool((*path, f"tool-{number}"), tool, end_us)


def _of_call(record: CallRecord, cost: CallCost) -> Attributes:
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": record.agent,
        "gen_ai.conversation.id": record.call,
        "gen_ai.provider.name": provider_of(record.models[0] if record.models else ""),
        "vivavoce.channel": record.channel,
        "vivavoce.disposition": record.disposition,
        "vivavoce.outbound": record.outbound,
        "vivavoce.simulated": record.simulated,
        "vivavoce.turns": len(record.turns),
        "vivavoce.barge_ins": record.barge_ins,
        "vivavoce.errors": len(record.errors),
        **({"vivavoce.tenant": record.tenant} if record.tenant else {}),
        **_money(cost.amounts),
        **({"vivavoce.unpriced": " ".join(cost.unpriced)} if cost.unpriced else {}),
    }


def _model(record: CallRecord, turn: TurnRecord, begin_us: int, end_us: int, *, speech: bool) -> Span:
    """From the caller's last word given to the model until its first audio, or the turn's end where none came."""
    tokens = summed(usage.tokens for usage in record.usage if usage.turn == turn.number)
    asked_us = turn.forwarded_us if turn.forwarded_us is not None else turn.speech_ended_us
    came_us = turn.first_byte_us if turn.first_byte_us is not None else end_us
    started_us = min(came_us, begin_us if asked_us is None else asked_us)
    attributes: dict[str, str | int | float | bool] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider_of(turn.model),
        "gen_ai.request.model": turn.model,
        "gen_ai.conversation.id": record.call,
        "gen_ai.output.type": "speech",
        "gen_ai.usage.input_tokens": tokens.speech_in + tokens.text_in,
        "gen_ai.usage.output_tokens": tokens.speech_out + tokens.text_out,
        "vivavoce.usage.speech_input_tokens": tokens.speech_in,
        "vivavoce.usage.speech_output_tokens": tokens.speech_out,
        "vivavoce.connection": turn.connection,
    }
    if speech:
        attributes["gen_ai.input.messages"] = _message("user", turn.caller)
        attributes["gen_ai.output.messages"] = _message("assistant", turn.agent)
    path = (f"turn-{turn.number}", "model")
    client = provider_of(turn.model) == "aws.bedrock"
    return Span(path, f"chat {turn.model}", started_us, came_us, attributes, client=client)


def _tool(path: tuple[str, ...], tool: ToolRecord, turn_end_us: int) -> Span:
    end_us = tool.finished_us if tool.finished_us is not None else max(turn_end_us, tool.started_us)
    attributes: Attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": tool.name,
        "gen_ai.tool.type": "function",
        "vivavoce.tool.status": tool.status,
    }
    error = tool.status if tool.status in ("failed", "timed_out") else ""
    return Span(path, f"execute_tool {tool.name}", tool.started_us, end_us, attributes, error=error)


def _begins(record: CallRecord) -> list[int]:
    """Where each turn begins, and where the last one ends: a turn lasts until the next."""
    begins: list[int] = []
    for turn in record.turns:
        known = (turn.began_us, turn.speech_ended_us, turn.first_byte_us, turn.first_sent_us)
        begin_us = next((at for at in known if at is not None), 0)
        if turn.number == 0:
            begin_us = min(begin_us, record.connected_us or 0)
        begins.append(max(begin_us, begins[-1] if begins else 0))
    return [*begins, max(record.duration_us, begins[-1] if begins else 0)]


def _moments(turn: TurnRecord) -> tuple[tuple[int, str, Attributes], ...]:
    named = {
        "vivavoce.speech_ended": turn.speech_ended_us,
        "vivavoce.first_byte": turn.first_byte_us,
        "vivavoce.first_audio_sent": turn.first_sent_us,
        "vivavoce.first_audio_played": turn.first_played_us,
    }
    return tuple((at, name, {}) for name, at in named.items() if at is not None)


def _swaps(record: CallRecord) -> tuple[tuple[int, str, Attributes], ...]:
    swaps: list[tuple[int, str, Attributes]] = [
        (
            swap.at_us,
            "vivavoce.failover" if swap.moment == "recovery" else "vivavoce.renewal",
            {"vivavoce.swap.moment": swap.moment, **_some({"vivavoce.swap.gap_ms": swap.gap_ms})},
        )
        for swap in record.swaps
    ]
    begins = _begins(record)
    cuts: list[tuple[int, str, Attributes]] = [
        (begins[place + 1], "vivavoce.interruption", {"vivavoce.turn.number": turn.number})
        for place, turn in enumerate(record.turns)
        if turn.interrupted
    ]
    return tuple(sorted([*swaps, *cuts], key=lambda event: event[0]))


def _some(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}


def _money(amounts: Amounts) -> dict[str, float]:
    return {f"vivavoce.cost.{currency}": float(amount) for currency, amount in amounts.items()}


def _message(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}], ensure_ascii=False)


class Tracer:
    """Hands finished calls to an exporter, which sends them by a thread of its own. For any thread."""

    def __init__(self, exporter: SpanExporter, *, speech: bool = False, at_once: bool = False) -> None:
        """``at_once`` exports in the caller's thread. Raises :class:`~vivavoce.errors.NotAvailable`."""
        try:
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
        except ImportError as error:
            raise _missing() from error
        self._speech = speech
        self._ids = _make_ids()
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "vivavoce"}), id_generator=self._ids, shutdown_on_exit=False
        )
        batched = None if at_once else BatchSpanProcessor(exporter, max_queue_size=QUEUED_SPANS)
        self._provider.add_span_processor(batched or SimpleSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("vivavoce")
        self._lock = threading.Lock()

    def call_ended(self, record: CallRecord, cost: CallCost) -> None:
        """The same call gives the same ids again."""
        opened_ns = (datetime.fromisoformat(record.opened) - _EPOCH) // timedelta(microseconds=1) * 1000
        contexts: dict[tuple[str, ...], Any] = {}
        with self._lock:
            for span in spans_of(record, cost, speech=self._speech):
                self._ids.next_trace_id = trace_id(record.call)
                self._ids.next_span_id = span_id(record.call, *span.path)
                contexts[span.path] = self._emit(span, opened_ns, contexts.get(span.path[:-1]) if span.path else None)

    def stop(self, limit_s: float = FLUSH_S) -> bool:
        """Sends what is left; False if that takes longer, and then it is lost."""
        stopping = threading.Thread(target=self._provider.shutdown, name="vivavoce-traces-stop", daemon=True)
        stopping.start()
        stopping.join(limit_s)
        return not stopping.is_alive()

    def _emit(self, span: Span, opened_ns: int, parent: Any) -> Any:
        """Returns the context for the span's children."""
        from opentelemetry import trace
        from opentelemetry.context import Context

        kind = trace.SpanKind.CLIENT if span.client else trace.SpanKind.INTERNAL
        made = self._tracer.start_span(
            span.name,
            context=parent if parent is not None else Context(),
            kind=kind if span.path else trace.SpanKind.SERVER,
            attributes={**span.attributes, **({"error.type": span.error} if span.error else {})},
            start_time=opened_ns + span.begin_us * 1000,
        )
        for at_us, name, attributes in span.events:
            made.add_event(name, attributes, timestamp=opened_ns + at_us * 1000)
        if span.error:
            made.set_status(trace.StatusCode.ERROR)
        made.end(opened_ns + span.end_us * 1000)
        return trace.set_span_in_context(made, Context())


def open_tracer(otlp_endpoint: str = "", *, speech: bool = False) -> Tracer:
    """To a collector by OTLP over HTTP: ``otlp_endpoint`` is its address without the path, as in
    ``OTEL_EXPORTER_OTLP_ENDPOINT``, which holds where it is empty; headers, timeouts and certificates are those of the
    other ``OTEL_EXPORTER_OTLP_…``. Raises :class:`~vivavoce.errors.NotAvailable`."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise _missing() from error
    endpoint = f"{otlp_endpoint.rstrip('/')}/v1/traces" if otlp_endpoint else None
    return Tracer(OTLPSpanExporter(endpoint=endpoint), speech=speech)


def _missing() -> NotAvailable:
    return NotAvailable("traces need OpenTelemetry", hint="pip install 'vivavoce[telemetry]'")


def _make_ids() -> Any:
    """An id generator that gives what it was told."""
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class Ids(IdGenerator):
        next_trace_id = 0
        next_span_id = 0

        def generate_trace_id(self) -> int:
            return self.next_trace_id

        def generate_span_id(self) -> int:
            return self.next_span_id

    return Ids()

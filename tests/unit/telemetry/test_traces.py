"""A finished call as a trace."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import msgspec
import pytest

from tests.unit.telemetry.records import CALL, COST
from vivavoce.telemetry.identity import span_id, trace_hex, trace_id
from vivavoce.telemetry.traces import Tracer, open_tracer, provider_of, spans_of

memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
OPENED_NS = 1_795_770_000_000_000_000  # 2026-11-27T09:00:00Z


def traced(*, speech: bool = False, **changed: Any) -> dict[str, Any]:
    exporter = memory.InMemorySpanExporter()
    tracer = Tracer(exporter, speech=speech, at_once=True)
    tracer.call_ended(msgspec.structs.replace(CALL, **changed), COST)
    assert tracer.stop()
    return {span.name: span for span in exporter.get_finished_spans()}


def test_call_holds_turns_which_hold_model_and_tools() -> None:
    spans = traced()
    call, turn = spans["call desk"], spans["turn tool"]
    assert call.parent is None
    assert turn.parent.span_id == call.context.span_id
    tool = spans["execute_tool find_car"]
    assert tool.parent.span_id == spans["chat nova-2-sonic"].parent.span_id == turn.context.span_id
    assert {span.context.trace_id for span in spans.values()} == {trace_id("c-1")}
    assert len({span.context.span_id for span in spans.values()}) == len(spans)
    assert (call.start_time, call.end_time) == (OPENED_NS, OPENED_NS + 20_000_000_000)
    assert (tool.start_time, tool.end_time) == (OPENED_NS + 5_300_000_000, OPENED_NS + 5_700_000_000)


def test_attributes_are_those_of_the_conventions() -> None:
    spans = traced()
    model = spans["chat nova-2-sonic"]
    assert model.kind.name == "CLIENT"
    assert model.attributes["gen_ai.operation.name"] == "chat"
    assert model.attributes["gen_ai.provider.name"] == "aws.bedrock"
    assert model.attributes["gen_ai.request.model"] == "nova-2-sonic"
    assert model.attributes["gen_ai.usage.input_tokens"] == 130
    assert model.attributes["gen_ai.usage.output_tokens"] == 240
    assert model.end_time - model.start_time == 1_198_000_000
    assert spans["execute_tool find_car"].attributes["gen_ai.operation.name"] == "execute_tool"
    assert spans["execute_tool find_car"].attributes["gen_ai.tool.name"] == "find_car"
    assert spans["call desk"].attributes["vivavoce.cost.USD"] == 0.012
    assert spans["turn tool"].attributes["vivavoce.turn.latency_ms"] == 1201.0


def test_what_happened_is_an_event() -> None:
    spans = traced()
    assert [event.name for event in spans["call desk"].events] == ["vivavoce.renewal", "vivavoce.interruption"]
    assert {event.name: event.timestamp for event in spans["turn tool"].events} == {
        "vivavoce.speech_ended": OPENED_NS + 5_000_000_000,
        "vivavoce.first_byte": OPENED_NS + 6_200_000_000,
        "vivavoce.first_audio_sent": OPENED_NS + 6_201_000_000,
        "vivavoce.first_audio_played": OPENED_NS + 6_221_000_000,
    }


def test_no_words_unless_they_are_switched_on() -> None:
    told = " ".join(span.to_json() for span in traced().values())
    assert not any(word in told for word in ("estate", "We have", "goodbye"))
    model = traced(speech=True)["chat nova-2-sonic"]
    assert json.loads(model.attributes["gen_ai.input.messages"])[0]["parts"][0]["content"] == "a red estate"


@pytest.mark.parametrize(
    ("changed", "error"),
    [({"torn": True, "disposition": ""}, "torn"), ({"disposition": "model_lost"}, "model_lost"), ({}, None)],
)
def test_a_call_that_nobody_ended_is_an_error(changed: dict[str, Any], error: str | None) -> None:
    call = traced(**changed)["call desk"]
    assert call.attributes.get("error.type") == error
    assert (call.status.status_code.name == "ERROR") is (error is not None)


def test_the_same_call_has_the_same_ids() -> None:
    assert trace_hex("c-1") == f"{trace_id('c-1'):032x}"
    assert trace_id("c-1") != trace_id("c-2")
    assert span_id("c-1", "turn-1") != span_id("c-1", "turn-2") != span_id("c-2", "turn-2")
    first, again = traced(), traced()
    assert {span.context.span_id for span in first.values()} == {span.context.span_id for span in again.values()}


def test_nothing_ends_before_it_begins() -> None:
    bare = msgspec.structs.replace(CALL, duration_us=0, turns=tuple(reversed(CALL.turns)))
    for record in (CALL, bare):
        assert all(span.begin_us <= span.end_us for span in spans_of(record, COST))


@pytest.mark.parametrize(
    ("model", "provider"), [("nova-2-5-sonic", "aws.bedrock"), ("local", "vivavoce.local"), ("", "vivavoce.none")]
)
def test_providers_have_well_known_names(model: str, provider: str) -> None:
    assert provider_of(model) == provider


@pytest.mark.slow
def test_a_collector_gets_it_by_otlp() -> None:
    messages = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    got: list[Any] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, messages.ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        tracer = open_tracer(f"http://127.0.0.1:{server.server_port}")
        tracer.call_ended(CALL, COST)
        assert tracer.stop()
        server.shutdown()
        thread.join()
    ((path, request),) = got
    spans = [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]
    assert path == "/v1/traces"
    assert {span.trace_id.hex() for span in spans} == {trace_hex("c-1")}
    assert {span.name for span in spans} >= {"call desk", "turn tool", "chat nova-2-sonic", "execute_tool find_car"}


def test_a_collector_that_hangs_does_not_hold_up_the_end() -> None:
    asked, go_on = threading.Event(), threading.Event()

    class Hanging(memory.InMemorySpanExporter):  # type: ignore[misc, name-defined]
        def export(self, spans: Any) -> Any:
            asked.set()
            go_on.wait(10)
            return super().export(spans)

    tracer = Tracer(Hanging())
    tracer.call_ended(CALL, COST)
    assert not tracer.stop(0.01)
    assert asked.wait(10)
    go_on.set()
    assert tracer.stop(10)

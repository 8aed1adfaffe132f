"""One client of ``bedrock_client.py`` under load, in a process of its own: ours, or AWS's Python SDK.

_bedrock_load.py ours|sdk PORT CA_FILE STREAMS WARM_S MEASURE_S [STREAMS_PER_CONNECTION]

Prints ``begin`` when the measured time begins, and at its end a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from _bedrock_traffic import OUT_PER_S, Pace, audio_event, instant_in, new_loop, percentiles_ms

MODEL = "amazon.nova-2-sonic-v1:0"
Send = Callable[[bytes], Awaitable[None]]
Receive = Callable[[], Awaitable[bytes]]


class Count:
    """What happened in the measured time."""

    def __init__(self) -> None:
        self.sent = 0
        self.latencies_ns: list[int] = []

    def clear(self) -> None:
        self.sent = 0
        self.latencies_ns.clear()


async def talk(send: Send, count: Count) -> None:
    async for _ in Pace(OUT_PER_S):
        await send(audio_event("audioInput", time.monotonic_ns()))
        count.sent += 1


async def listen(receive: Receive, count: Count) -> None:
    while True:
        event = await receive()
        count.latencies_ns.append(time.monotonic_ns() - instant_in(event))


async def open_ours(port: int, ca_file: str, streams: int, share: int) -> list[tuple[Send, Receive]]:
    from vivavoce.model.bedrock.client import BedrockClient
    from vivavoce.model.bedrock.identity import FixedIdentity, Identity
    from vivavoce.model.bedrock.settings import BedrockSettings
    from vivavoce.model.bedrock.stream import BedrockStream
    from vivavoce.wire.sigv4 import Keys

    client = BedrockClient(
        BedrockSettings(
            region="us-east-1",
            endpoint=f"https://127.0.0.1:{port}",
            ca_file=Path(ca_file),
            streams_per_connection=share,
        ),
        now=lambda: datetime.now(UTC),
        environment={},
        random=random.Random(1),
        identities=FixedIdentity(Identity(Keys("AKIDEXAMPLE", "SECRETKEYEXAMPLE"))),
    )

    def ends(stream: BedrockStream) -> tuple[Send, Receive]:
        async def send(event: bytes) -> None:
            stream.send(event)

        async def receive() -> bytes:
            event = await stream.receive()
            assert event is not None
            return event

        return send, receive

    return [ends(await client.open(MODEL)) for _ in range(streams)]


async def open_sdk(port: int, ca_file: str, streams: int, share: int) -> list[tuple[Send, Receive]]:
    del share  # it has no such choice
    sdk: dict[str, Any] = {}  # in another environment than the one that is type-checked
    for name in ("client", "config", "models"):
        sdk |= vars(import_module(f"aws_sdk_bedrock_runtime.{name}"))
    crt_io: Any = import_module("awscrt.io")
    transport: Any = import_module("smithy_http.aio.crt").AWSCRTHTTPClient

    class Trusting(transport):  # type: ignore[misc]
        """It has no setting for a CA of one's own."""

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            options = crt_io.TlsContextOptions()
            options.override_default_trust_store_from_path(None, ca_file)
            self._tls_ctx = crt_io.ClientTlsContext(options)

        def __deepcopy__(self, memo: Any) -> Any:
            return self

    config = await sdk["AsyncBedrockRuntimeConfig"].resolve(
        endpoint_uri=f"https://127.0.0.1:{port}",
        region="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="SECRETKEYEXAMPLE",
        transport=Trusting(),
    )
    client = sdk["AsyncBedrockRuntimeClient"](config=config)

    async def ends() -> tuple[Send, Receive]:
        stream = await client.invoke_model_with_bidirectional_stream(
            sdk["InvokeModelWithBidirectionalStreamOperationInput"](model_id=MODEL)
        )

        async def send(event: bytes) -> None:
            part = sdk["BidirectionalInputPayloadPart"](bytes_=event)
            await stream.input_stream.send(sdk["InvokeModelWithBidirectionalStreamInputChunk"](value=part))

        await send(audio_event("audioInput", time.monotonic_ns()))
        _, output = await stream.await_output()

        async def receive() -> bytes:
            result = await output.receive()
            assert result is not None
            return bytes(result.value.bytes_)

        return send, receive

    return [await ends() for _ in range(streams)]


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def main(which: str, port: int, ca_file: str, streams: int, warm_s: float, measure_s: float, share: int) -> None:
    count = Count()
    opened = await (open_ours if which == "ours" else open_sdk)(port, ca_file, streams, share)
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(talk(send, count)) for send, _ in opened]
    tasks += [loop.create_task(listen(receive, count)) for _, receive in opened]
    await asyncio.sleep(warm_s)
    count.clear()
    print("begin", flush=True)
    began_cpu_s, began_s = cpu_s(), time.monotonic()
    await asyncio.sleep(measure_s)
    used_s, took_s = cpu_s() - began_cpu_s, time.monotonic() - began_s
    failed = [task for task in tasks if task.done()]
    messages = count.sent + len(count.latencies_ns)
    result = {
        "cpu_percent": round(100 * used_s / took_s, 1),
        "us_per_message": round(used_s / max(1, messages) * 1e6, 1),
        "messages_per_s": round(messages / took_s),
        "in_ms": percentiles_ms(count.latencies_ns),
        "failed": len(failed),
    }
    print(json.dumps(result), flush=True)
    for task in failed:
        print(f"failed: {task.exception()!r}", file=sys.stderr)
    # There is nothing to close in order here, and the SDK's threads would not let the process end.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    which, port, ca_file, streams, warm_s, measure_s, *rest = sys.argv[1:]
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(
            main(which, int(port), ca_file, int(streams), float(warm_s), float(measure_s), int(rest[0]) if rest else 1)
        )

"""What our client puts on the wire against what AWS's own Python SDK does, for the same keys, clock and events: the
SDK's whole pipeline, with a transport that keeps the request in the place of its HTTP client.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vivavoce.wire.bedrock import CONTENT_TYPE, encode_input, invoke_path
from vivavoce.wire.sigv4 import EventSigner, Keys, sign_request

ROOT = Path(__file__).resolve().parents[3]
HOST = "bedrock-runtime.us-west-2.amazonaws.com"
NO_SDK = 3

THEIRS = """
import asyncio, datetime, json, sys, types
import aws_sdk_signers.signers as signers
from aws_sdk_bedrock_runtime.client import AsyncBedrockRuntimeClient
from aws_sdk_bedrock_runtime.config import AsyncBedrockRuntimeConfig
from aws_sdk_bedrock_runtime.models import (
    BidirectionalInputPayloadPart,
    InvokeModelWithBidirectionalStreamInputChunk,
    InvokeModelWithBidirectionalStreamOperationInput,
)
from smithy_http import Field, Fields

job = json.load(sys.stdin)
clock = {"ms": job["instants_ms"][0]}

class Held(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(1970, 1, 1, tzinfo=tz) + datetime.timedelta(milliseconds=clock["ms"])

signers.datetime = types.SimpleNamespace(**{**vars(datetime), "datetime": Held})

class Response:
    status, reason = 200, None
    fields = Fields([Field(name="content-type", values=["application/vnd.amazon.eventstream"])])

    def __init__(self, sent):
        self.body = self.chunks(sent)

    async def chunks(self, sent):
        await sent.wait()
        for nothing in ():
            yield nothing

class Transport:
    SUPPORTS_DUPLEX_STREAMING = True
    TIMEOUT_EXCEPTIONS = ()

    def __init__(self):
        self.body, self.sent = b"", asyncio.Event()

    def __deepcopy__(self, memo):
        return self

    async def send(self, request, *, request_config=None):
        self.path = request.destination.path
        self.headers = {field.name.lower(): field.as_string() for field in request.fields}
        self.draining = asyncio.create_task(self.drain(request.body))
        return Response(self.sent)

    async def drain(self, body):
        async for chunk in body:
            self.body += bytes(chunk)
        self.sent.set()

    async def close(self):
        pass

async def main():
    transport = Transport()
    config = await AsyncBedrockRuntimeConfig.resolve(
        endpoint_uri="https://" + job["host"], region="us-west-2", aws_access_key_id=job["access_key"],
        aws_secret_access_key=job["secret_key"], aws_session_token=job["token"], transport=transport,
    )
    client = AsyncBedrockRuntimeClient(config=config)
    stream = await client.invoke_model_with_bidirectional_stream(
        InvokeModelWithBidirectionalStreamOperationInput(model_id=job["model"])
    )
    for event, ms in zip(job["events"], job["instants_ms"][1:]):
        clock["ms"] = ms
        part = BidirectionalInputPayloadPart(bytes_=event.encode())
        await stream.input_stream.send(InvokeModelWithBidirectionalStreamInputChunk(value=part))
    clock["ms"] = job["instants_ms"][-1]
    await stream.input_stream.close()
    await asyncio.wait_for(transport.sent.wait(), 20)
    print(json.dumps({"path": transport.path, "headers": transport.headers, "body": transport.body.hex()}))

asyncio.run(main())
"""

INSTANTS_MS = [1767398399000, 1767398399001, 1767398399999, 1767398400250, 1767398401000]
"""The request's, those of the events, over a second and over midnight, and that of the end of input."""
JOB: dict[str, Any] = {
    "host": HOST,
    "model": "amazon.nova-2-sonic-v1:0",
    "access_key": "ASIAEXAMPLE",
    "secret_key": "SECRET/EXAMPLE+KEY",
    "events": ['{"event":{"sessionStart":{}}}', '{"event":{"audioInput":{"content":"' + "QUJD" * 400 + '"}}}', "{}"],
    "instants_ms": INSTANTS_MS,
}


@pytest.mark.slow
@pytest.mark.parametrize("token", [None, "TOKEN=="])
def test_the_python_sdk_sends_the_same(token: str | None) -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "aws_python_sdk.py")], capture_output=True, check=False, text=True
    )
    if made.returncode == NO_SDK:
        pytest.skip(made.stderr.strip())
    assert made.returncode == 0, made.stderr
    ran = subprocess.run(
        [made.stdout.strip(), "-c", THEIRS],
        input=json.dumps({**JOB, "token": token}),
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    theirs = json.loads(ran.stdout)

    keys = Keys(JOB["access_key"], JOB["secret_key"], token)
    path = invoke_path(JOB["model"])
    began_ms, *instants_ms = INSTANTS_MS
    request = sign_request(keys, "us-west-2", HOST, path, [("content-type", CONTENT_TYPE)], instant_ms=began_ms)
    assert theirs["path"] == path
    assert {name: theirs["headers"].get(name) for name, _ in request.headers} == dict(request.headers)
    signer = EventSigner(keys, "us-west-2", request.seed)
    messages = [*(encode_input(event.encode()) for event in JOB["events"]), b""]
    ours = [signer.sign(message, instant_ms) for message, instant_ms in zip(messages, instants_ms, strict=True)]
    assert bytes.fromhex(theirs["body"]) == b"".join(ours)

"""The AWS Python SDK as a peer: talks as a plan says and prints what it was told. Runs in an environment of its own.

Python 3.12 or later with ``aws-sdk-bedrock-runtime`` and ``awscrt``. Knows nothing of Vivavoce. Arguments: the
endpoint, and the file with the plan (see ``tests/contract/plans.py``). ``aws_javascript.mjs`` is the same in the other
language.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import uuid
from collections import deque
from pathlib import Path
from typing import Any

from aws_sdk_bedrock_runtime.client import (  # type: ignore[import-not-found,unused-ignore]
    AsyncBedrockRuntimeClient,
)
from aws_sdk_bedrock_runtime.config import (  # type: ignore[import-not-found,unused-ignore]
    AsyncBedrockRuntimeConfig,
)
from aws_sdk_bedrock_runtime.models import (  # type: ignore[import-not-found,unused-ignore]
    BidirectionalInputPayloadPart,
    InvokeModelWithBidirectionalStreamInputChunk,
    InvokeModelWithBidirectionalStreamOperationInput,
)
from smithy_http.aio.crt import AWSCRTHTTPClient  # type: ignore[import-not-found,unused-ignore]

CHUNK_BYTES = 1024  # 32 ms
CHUNK_S = CHUNK_BYTES / 2 / 16_000


class Talk:
    def __init__(self, stream: Any, plan: dict[str, Any]) -> None:
        self.stream = stream
        self.plan = plan
        self.prompt, self.audio = str(uuid.uuid4()), str(uuid.uuid4())
        self.to_say: deque[bytes] = deque()
        self.received: list[dict[str, Any]] = []
        self.spoken = bytearray()
        self.counts: dict[str, int] = {}
        self.changed = asyncio.Event()
        self.sending = asyncio.Lock()
        said = [step["say"] for step in plan["steps"] if "say" in step]
        self.sounds = {name: Path(name).read_bytes() for name in said}

    async def send(self, name: str, **members: Any) -> None:
        data = json.dumps({"event": {name: members}}).encode()
        chunk = InvokeModelWithBidirectionalStreamInputChunk(value=BidirectionalInputPayloadPart(bytes_=data))
        async with self.sending:
            await self.stream.input_stream.send(chunk)

    async def block(self, name: str, opening: dict[str, Any], payload: str, content: str) -> None:
        ids = {"promptName": self.prompt, "contentName": name}
        await self.send("contentStart", **ids, **opening)
        await self.send(payload, **ids, content=content)
        await self.send("contentEnd", **ids)

    async def text(self, role: str, text: str, *, interactive: bool) -> None:
        config = {"mediaType": "text/plain"}
        opening = {"type": "TEXT", "interactive": interactive, "role": role, "textInputConfiguration": config}
        await self.block(str(uuid.uuid4()), opening, "textInput", text)

    async def begin(self) -> None:
        lpcm = {"mediaType": "audio/lpcm", "sampleSizeBits": 16, "channelCount": 1}
        await self.send(
            "sessionStart",
            inferenceConfiguration={"maxTokens": 1024, "topP": 0.9, "temperature": 0.7},
            turnDetectionConfiguration={"endpointingSensitivity": "MEDIUM"},
        )
        await self.send(
            "promptStart",
            promptName=self.prompt,
            textOutputConfiguration={"mediaType": "text/plain"},
            audioOutputConfiguration={
                **lpcm,
                "sampleRateHertz": self.plan["rate_hz"],
                "voiceId": "matthew",
                "encoding": "base64",
                "audioType": "SPEECH",
            },
            toolUseOutputConfiguration={"mediaType": "application/json"},
            toolConfiguration={"tools": self.plan["tools"], "toolChoice": {"auto": {}}},
        )
        await self.text("SYSTEM", self.plan["system"], interactive=False)
        await self.send(
            "contentStart",
            promptName=self.prompt,
            contentName=self.audio,
            type="AUDIO",
            interactive=True,
            role="USER",
            audioInputConfiguration={**lpcm, "sampleRateHertz": 16_000, "audioType": "SPEECH", "encoding": "base64"},
        )

    async def microphone(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            piece = self.to_say.popleft() if self.to_say else bytes(CHUNK_BYTES)
            content = base64.b64encode(piece).decode()
            await self.send("audioInput", promptName=self.prompt, contentName=self.audio, content=content)
            due += CHUNK_S
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def listen(self, output: Any) -> None:
        while (chunk := await output.receive()) is not None:
            ((name, event),) = json.loads(chunk.value.bytes_)["event"].items()
            if name == "audioOutput":
                pcm = base64.b64decode(event["content"])
                self.spoken += pcm
                event = {**event, "content": len(pcm)}
                self.count("audio")
            elif name == "contentEnd":
                self.count(f"{event['type']} {event['stopReason']}")
            elif name == "toolUse":
                await self.answer(event)
            self.received.append({"name": name, **event})
            self.changed.set()

    async def answer(self, use: dict[str, Any]) -> None:
        json.loads(use["content"])
        result = json.dumps(self.plan["results"][use["toolName"]])
        opening = {
            "type": "TOOL",
            "interactive": False,
            "role": "TOOL",
            "toolResultInputConfiguration": {
                "toolUseId": use["toolUseId"],
                "type": "TEXT",
                "textInputConfiguration": {"mediaType": "text/plain"},
            },
        }
        await self.block(str(uuid.uuid4()), opening, "toolResult", result)

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    async def follow(self, step: dict[str, Any]) -> None:
        """Say something, wait for something, and then a while."""
        before = self.counts.get(step["until"], 0)
        if "text" in step:
            await self.text("USER", step["text"], interactive=True)
        else:
            pcm = self.sounds[step["say"]]
            self.to_say.extend(pcm[at : at + CHUNK_BYTES] for at in range(0, len(pcm), CHUNK_BYTES))
        while self.counts.get(step["until"], 0) == before:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 30)
        await asyncio.sleep(step.get("then_s", 0))

    async def follow_all(self) -> None:
        for step in self.plan["steps"]:
            await self.follow(step)

    async def close(self) -> None:
        await self.send("contentEnd", promptName=self.prompt, contentName=self.audio)
        await self.send("promptEnd", promptName=self.prompt)
        await self.send("sessionEnd")
        await self.stream.input_stream.close()


async def main(endpoint: str, plan: dict[str, Any]) -> dict[str, Any]:
    config = await AsyncBedrockRuntimeConfig.resolve(
        region="us-east-1", endpoint_uri=endpoint, transport=AWSCRTHTTPClient()
    )
    client = AsyncBedrockRuntimeClient(config)
    stream = await client.invoke_model_with_bidirectional_stream(
        InvokeModelWithBidirectionalStreamOperationInput(model_id=plan["model_id"])
    )
    talk = Talk(stream, plan)
    error = ""
    try:
        await talk.begin()
        _, output = await stream.await_output()
        listening = asyncio.create_task(talk.listen(output))
        speaking = asyncio.create_task(talk.microphone())
        following = asyncio.create_task(talk.follow_all())
        await asyncio.wait([listening, following], return_when=asyncio.FIRST_COMPLETED)
        speaking.cancel()
        await asyncio.wait([speaking])
        if listening.done():
            following.cancel()
            listening.result()
        following.result()
        await talk.close()
        await asyncio.wait_for(listening, 10)
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
        if not plan.get("may_fail"):
            raise
    return {"received": talk.received, "error": error, "spoken": bytes(talk.spoken)}


if __name__ == "__main__":
    what_to_do = json.loads(Path(sys.argv[2]).read_text())
    told = asyncio.run(main(sys.argv[1], what_to_do))
    Path(what_to_do["spoken"]).write_bytes(told.pop("spoken"))
    print(json.dumps(told))

"""The far end of ``bedrock_client.py``: an HTTP/2 server that speaks at a steady pace on every stream, and notes how
long what it receives was on its way. Runs in a process of its own; ``reset`` and ``report`` on its standard input.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from typing import cast

from _bedrock_traffic import IN_PER_S, Pace, audio_event, instant_in, new_loop, percentiles_ms
from h2.config import H2Configuration
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings

from vivavoce.model.bedrock.patient_h2 import PatientH2
from vivavoce.wire.bedrock import CONTENT_TYPE, InputFrame, RequestDecoder, encode_event

_WINDOW_BYTES = 8 * 1024 * 1024
latencies_ns: list[int] = []


class Endpoint(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self.h2 = PatientH2(H2Configuration(client_side=False, header_encoding=None))
        values = {SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW_BYTES, SettingCodes.MAX_CONCURRENT_STREAMS: 1000}
        self.h2.local_settings = Settings(client=False, initial_values=values)
        self.transport: asyncio.Transport | None = None
        self.decoders: dict[int, RequestDecoder] = {}
        self.speaking: dict[int, asyncio.Task[None]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(_WINDOW_BYTES)
        self.flush()

    def data_received(self, data: bytes) -> None:
        try:
            events = self.h2.receive_data(data)
        except H2Error:
            events = []
        for event in events:
            match event:
                case DataReceived(stream_id=stream_id, data=piece, flow_controlled_length=size):
                    self.h2.acknowledge_received_data(size, stream_id)
                    self.note(stream_id, piece)
                case RequestReceived(stream_id=stream_id):
                    self.decoders[stream_id] = RequestDecoder()
                    answer = [(":status", "200"), ("content-type", CONTENT_TYPE)]
                    self.h2.send_headers(stream_id, answer)
                    self.speaking[stream_id] = asyncio.get_running_loop().create_task(self.speak(stream_id))
                case StreamEnded(stream_id=stream_id) | StreamReset(stream_id=stream_id):
                    self.stop(stream_id, ended=isinstance(event, StreamEnded))
        self.flush()

    def note(self, stream_id: int, data: bytes) -> None:
        decoder = self.decoders[stream_id]
        decoder.feed(data)
        now = time.monotonic_ns()
        while (frame := decoder.next()) is not None:
            assert isinstance(frame, InputFrame), frame
            if frame.event is not None and (sent := instant_in(frame.event)):
                latencies_ns.append(now - sent)

    async def speak(self, stream_id: int) -> None:
        async for _ in Pace(IN_PER_S):
            message = encode_event(audio_event("audioOutput", time.monotonic_ns()))
            if self.h2.local_flow_control_window(stream_id) > len(message):
                self.h2.send_data(stream_id, message)
                self.flush()

    def stop(self, stream_id: int, *, ended: bool) -> None:
        self.speaking.pop(stream_id).cancel()
        if ended:
            self.h2.end_stream(stream_id)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.transport = None
        for task in self.speaking.values():
            task.cancel()

    def flush(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(self.h2.data_to_send())


async def commands() -> None:
    """Do what standard input says, until it ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        if line.strip() == b"reset":
            latencies_ns.clear()
        else:
            print(json.dumps(percentiles_ms(latencies_ns)), flush=True)


async def main(certificate: str, key: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])
    server = await asyncio.get_running_loop().create_server(Endpoint, "127.0.0.1", 0, ssl=context, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await commands()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main(*sys.argv[1:]))

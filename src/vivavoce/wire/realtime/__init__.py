"""OpenAI Realtime (the protocol its SDKs call GA) from the server's side: JSON events in,
facts of a call out, and back.

Pure, as everything below ``wire``. :class:`~vivavoce.wire.realtime.front.Front` is the whole of it for one session.
"""

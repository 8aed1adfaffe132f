"""WebSockets under uvicorn, made for many small messages."""

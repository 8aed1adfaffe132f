"""The front door: one ASGI application through which clients, browsers and phones call agents."""

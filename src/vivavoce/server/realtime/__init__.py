"""Realtime clients at the door: sockets and peer connections, each with its session, its call, and asides."""

"""The carriers' ways in: webhooks, media streams, and Asterisk's TCP connections."""

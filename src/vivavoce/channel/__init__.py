"""How callers reach an agent."""

"""The call as small state machines: pure, total, and driven by facts and instants alone."""

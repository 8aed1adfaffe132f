"""Suites that any channel and any model must pass, for those who write one. They need no test framework."""

from vivavoce.conformance.channel import ChannelUnderTest, check_channel
from vivavoce.conformance.model import ModelLimits, check_model
from vivavoce.conformance.watching import ConformanceFailure

__all__ = ["ChannelUnderTest", "ConformanceFailure", "ModelLimits", "check_channel", "check_model"]

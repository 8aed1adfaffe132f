"""Vivavoce answers calls with native speech-to-speech models."""

__version__ = "0.1.0"

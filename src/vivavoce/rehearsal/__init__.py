"""Calls that are rehearsed and calls that are scored: callers made of data, and the measures of how turns were taken.

``truth`` is what was said; ``spans`` and ``recording`` say when something sounded; ``marks`` reads a timeline;
``outcomes``, ``barge_in``, ``resumption`` and ``slots`` judge one call by it; ``panel`` puts calls together. They are
pure. ``voices``, ``caller`` and ``standing`` make the calls of the standing set, ``stage`` runs them.
"""

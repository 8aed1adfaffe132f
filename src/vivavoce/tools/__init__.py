"""Runs the functions that a model may call: checked arguments, limited time, results of a bounded size."""

from vivavoce.tools.runner import ToolOutcome, ToolRunner

__all__ = ["ToolOutcome", "ToolRunner"]

"""Runs what a model may call: functions, HTTP endpoints, tools of MCP servers. Checked arguments, limited time, results
of a bounded size."""

from vivavoce.tools.mcp_asking import ask_servers
from vivavoce.tools.runner import ToolOutcome, ToolRunner

__all__ = ["ToolOutcome", "ToolRunner", "ask_servers"]

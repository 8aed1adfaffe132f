"""Runs calls: the only owner of tasks and of time."""

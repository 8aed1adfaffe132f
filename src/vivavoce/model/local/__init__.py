"""The embedded default model. Nothing is imported here: its workers start as modules of this package."""

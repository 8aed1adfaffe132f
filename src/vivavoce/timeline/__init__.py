"""The append-only, typed record of one call: written, read, replayed. The only witness; all else is folded from it."""

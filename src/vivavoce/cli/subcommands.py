"""A verb that has several commands, one of which is meant where none is named."""

from __future__ import annotations

from typing import Any

import click


class Subcommands(click.Group):
    """``default`` is run where the first argument is an option of its own, or there is none."""

    def __init__(self, *arguments: Any, default: str, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        helped = ctx.help_option_names
        if not args or (args[0].startswith("-") and args[0] not in helped):
            args = [self.default, *args]
        return super().parse_args(ctx, args)

"""``python -m vivavoce`` is ``vivavoce``."""

from vivavoce.cli import main

main()

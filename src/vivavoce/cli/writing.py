"""A file that is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, cast


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """To be written to; it takes its place, instead of what was there, when the block ends without an error. Raises
    OSError. Readable by its owner only: it may hold what people said."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as out:
        try:
            yield cast("BinaryIO", out.file)
            out.close()
            os.replace(out.name, path)  # noqa: PTH105
        except BaseException:
            Path(out.name).unlink(missing_ok=True)
            raise

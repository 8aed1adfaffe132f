"""One call's folder, read and folded into its record, with what its sound says where that is kept."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from vivavoce.errors import TimelineError
from vivavoce.ledger.fold import fold_bytes
from vivavoce.ledger.record import CallRecord
from vivavoce.ledger.sound import measured
from vivavoce.timeline.write import RECORDING_FILE, TIMELINE_FILE

_log = logging.getLogger(__name__)


class ReadCall(msgspec.Struct, frozen=True, kw_only=True):
    """``timeline`` is the file as it is; ``recording_bytes`` 0 where no sound was kept."""

    record: CallRecord
    timeline: bytes
    recording_bytes: int = 0


def read_call(folder: Path) -> ReadCall:
    """Blocks. Raises FileNotFoundError where there is no timeline, another OSError for one that cannot be read, and
    :class:`~vivavoce.errors.TimelineError` for one that makes no sense. A recording that cannot be used is as none:
    the call is kept without what it would have said.
    """
    timeline = (folder / TIMELINE_FILE).read_bytes()
    record = fold_bytes(timeline)
    if record.call != folder.name:
        raise TimelineError("the folder has another name than its call", hint="give it its call's name back")
    recording = folder / RECORDING_FILE
    size = recording.stat().st_size if recording.exists() else 0
    if size and record.speed == 1:
        record = _measured(record, recording)
    return ReadCall(record=record, timeline=timeline, recording_bytes=size)


def _measured(record: CallRecord, recording: Path) -> CallRecord:
    try:
        return measured(record, recording)
    except Exception as error:  # noqa: BLE001  # whatever is wrong with its sound, the call is kept
        _log.warning("a recording says nothing of its call: %s: %s", record.call, type(error).__name__)
        return record

"""How the time of a call by WebRTC is put together from what its three processes noted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from _chirps import with_chirps
from _webrtc_stage import MODEL_HZ, STEP, Codec, Muddled, way_out

MS = 1_000_000
FRAMES = 100
LATE = 150
BEFORE = 3  # frames that the server made before the model listened
CODEC = Codec(LATE, 30, MODEL_HZ, 0.0)
RECEIVING_MS, WAITING_MS, DECODING_MS, GOING_ON_MS = 1, 9, 2, 3
PLACED = np.array([2_000, 6_500, 10_000, 15_300, 20_000, 25_700, 30_000, 36_000, 41_200, 46_000], np.int64)


def notes(waiting_ms: int = WAITING_MS) -> dict[str, dict[str, Any]]:
    """Of a call in which every packet takes as long."""
    noise = np.random.default_rng(2).normal(0, 40, FRAMES * STEP)
    heard = with_chirps(noise, PLACED + LATE, MODEL_HZ).astype(np.int16)
    sent_ns = np.arange(FRAMES, dtype=np.int64) * 20 * MS
    came_ns = sent_ns + RECEIVING_MS * MS
    # The listener's first frame lacks the 30 samples that the decoder held, and has the silence before instead.
    sound = np.concatenate((np.zeros(30, np.int16), heard))[: FRAMES * STEP]
    asked_ns = came_ns + waiting_ms * MS
    made_ns = asked_ns + DECODING_MS * MS
    numbers = np.arange(FRAMES, dtype=np.int64)
    return {
        "load": {
            "placed": PLACED * 2,
            "sent": sent_ns,
            "window": np.array([0, sent_ns[-5]]),
            "checksums": numbers + 7,
        },
        "model": {
            "heard_0": sound[BEFORE * STEP :],
            "arrivals_0": np.stack(((numbers[: FRAMES - BEFORE] + 1) * STEP, made_ns[BEFORE:] + GOING_ON_MS * MS), 1),
        },
        "server": {
            "packets": np.stack((came_ns, numbers + 7), 1),
            "frames": np.stack((asked_ns, made_ns), 1),
            "sound": sound,
        },
    }


@pytest.mark.parametrize("waiting_ms", [0, WAITING_MS, 45])
def test_what_waits_on_purpose_is_not_added(waiting_ms: int) -> None:
    noted = notes(waiting_ms)
    way = way_out(noted["load"], noted["model"], noted["server"], 0, CODEC)
    assert len(way.added) > FRAMES // 2
    assert set(way.added) == {(RECEIVING_MS + DECODING_MS + GOING_ON_MS) * MS}
    assert set(way.codec) == {DECODING_MS * MS}
    assert set(way.waiting) == {waiting_ms * MS}


def test_a_packet_that_was_not_seen_is_no_result() -> None:
    noted = notes()
    noted["server"]["packets"] = np.delete(noted["server"]["packets"], 40, axis=0)
    with pytest.raises(Muddled, match="not seen"):
        way_out(noted["load"], noted["model"], noted["server"], 0, CODEC)


def test_a_model_that_heard_something_else_is_no_result() -> None:
    noted = notes()
    noted["server"]["sound"] = np.zeros_like(noted["server"]["sound"])
    with pytest.raises(Muddled, match="has not heard"):
        way_out(noted["load"], noted["model"], noted["server"], 0, CODEC)

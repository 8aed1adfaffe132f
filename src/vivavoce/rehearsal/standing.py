"""The standing set: what the rehearsed callers say, and when. The same seed gives the same calls.

Each call takes one voice and a row of moves; together they hold at least ten of each kind. Nothing here was chosen by
how any policy fares with it: the words are those that telephone corpora have most of, the moments are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from vivavoce.rehearsal.caller import Move
from vivavoce.rehearsal.truth import SaidKind
from vivavoce.rehearsal.voices import SPEECH_DBFS, VOICES, Clip, bang, cough, joined, spoken

AGENT_FILE = Path(__file__).parent / "guide" / "agent.toml"

QUESTIONS = (
    "Tell me about the harbor tour.",
    "What is the castle tour like?",
    "Tell me about the river tour, please.",
    "Describe the castle tour.",
    "What about the harbor tour?",
    "I would like to hear about the river tour.",
)
INTERRUPTIONS = (
    "Wait, tell me about the castle tour.",
    "Hold on, what about the river tour?",
    "No, no, the harbor tour.",
    "Stop.",
    "Sorry, I meant the castle tour.",
    "Wait.",
    "Excuse me, what does the river tour cost?",
    "Hang on a second, can you describe the harbor tour?",
    "No, that is not what I asked.",
    "Actually, tell me about the castle tour.",
    "Can I ask you something else?",
    "What about the river tour?",
)
BACKCHANNELS = (
    "mm-hm",
    "uh-huh",
    "okay",
    "right",
    "yeah",
    "I see",
    "mhm",
    "oh okay",
    "yes",
    "got it",
    "sure",
    "uh huh",
)
HESITATIONS = ("um", "uh", "er")
ASIDES = (
    "Could you close the door, please?",
    "The bus leaves at half past four, we should go.",
    "I put the keys on the kitchen table.",
    "Dinner is nearly ready, come and sit down.",
    "Did you see the game last night?",
    "Put that down, it belongs to your sister.",
)
CORRECTIONS = (
    ("Please book a tour for the tenth of March.", "No, the eleventh of March.", "2026-03-11"),
    ("I want to book a tour for Wednesday.", "No, sorry, Thursday.", "2026-03-05"),
    ("Book a tour for the fifteenth of March.", "No, the sixteenth of March.", "2026-03-16"),
    ("I would like to come on Friday.", "I mean on Saturday.", "2026-03-07"),
    ("Please book a tour on the third of April.", "No, wait, the fourth of April.", "2026-04-04"),
    ("I want to book a tour for tomorrow.", "No, make it Sunday.", "2026-03-08"),
)
EVERY_KIND = tuple(kind for kind in SaidKind if kind is not SaidKind.TURN)
"""What a call holds of each kind, beside the turns that all the rest needs."""
_SOFTER_DB = (15, 20)
_CORRECTION_PAUSE_MS = (700, 1_000)


class StandingCall:
    """One caller of the set: ``number`` chooses voice and words, ``seed`` the moments."""

    def __init__(self, number: int, seed: int, *, of_each: int = 2, corrections: int = 2) -> None:
        self.number = number
        self.voice = VOICES[number % len(VOICES)]
        self._random = Random(f"{seed}-{number}")  # noqa: S311  # a rehearsal keeps no secret
        self._of_each = of_each
        self._corrections = corrections

    def questions(self) -> list[Move]:
        begin = self.number % len(QUESTIONS)
        texts = (*QUESTIONS[begin:], *QUESTIONS[:begin])
        return [Move(SaidKind.TURN, spoken(text, self.voice)) for text in texts]

    def moves(self, kinds: Sequence[SaidKind] = EVERY_KIND) -> list[Move]:
        """In an order of its own; corrections last, since they stand for themselves."""
        moves = [self._move(kind, index) for kind in kinds for index in range(self._of_each)]
        self._random.shuffle(moves)
        return [*moves, *self._corrected()]

    def _move(self, kind: SaidKind, index: int) -> Move:
        after_ms = self._random.randrange(1_000, 2_200)
        return Move(kind, self._clip(kind, self.number * self._of_each + index), after_ms)

    def _clip(self, kind: SaidKind, index: int) -> Clip:
        match kind:
            case SaidKind.INTERRUPTION:
                return spoken(INTERRUPTIONS[index % len(INTERRUPTIONS)], self.voice)
            case SaidKind.BACKCHANNEL:
                return spoken(BACKCHANNELS[index % len(BACKCHANNELS)], self.voice)
            case SaidKind.TIC:
                return (cough(index), bang(index), spoken(HESITATIONS[index // 3 % 3], self.voice))[index % 3]
            case SaidKind.OTHERS:
                other = VOICES[(self.number + 1 + index % 2) % len(VOICES)]
                return spoken(ASIDES[index % len(ASIDES)], other, SPEECH_DBFS - self._random.randint(*_SOFTER_DB))
            case _:
                return spoken(QUESTIONS[index % len(QUESTIONS)], self.voice)

    def _corrected(self) -> Iterator[Move]:
        for index in range(self._corrections):
            first, last, date = CORRECTIONS[(self.number * self._corrections + index) % len(CORRECTIONS)]
            pause_ms = self._random.randrange(*_CORRECTION_PAUSE_MS)
            clip = joined(spoken(first, self.voice), pause_ms, spoken(last, self.voice))
            yield Move(SaidKind.TURN, clip, slots=(("date", date),))

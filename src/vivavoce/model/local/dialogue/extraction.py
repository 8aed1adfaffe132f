"""Slot values out of an utterance.

What is certain is read first, wherever it stands; then the words left over are read in the light of the slot that was
asked for, where "sixteen" is a date,
"seven" a time and "Alice" a name. "Not Friday, Saturday" and "ten, no, eleven" give the
value that the caller means in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from vivavoce.model.local.dialogue.moments import FoundDate, FoundTime, Leaning, dates, times
from vivavoce.model.local.dialogue.numbers import MISHEARD, cardinal, digit_runs, half_heard_code, integers
from vivavoce.model.local.dialogue.slots import Kind, Slot
from vivavoce.model.local.dialogue.spelling import ONES
from vivavoce.model.local.dialogue.text import likeness

YES: Final = frozenset(
    "yes yeah yep yup yah sure correct right ok okay fine absolutely definitely certainly exactly perfect please "
    "indeed".split()
)
NO: Final = frozenset("no nope nah wrong incorrect never don't".split())
_NEGATION: Final = frozenset({"not", "isn't", "wasn't", "don't", "instead"})
CORRECTION: Final = frozenset({"no", "sorry", "actually", "mean", "meant", "rather", "wait", "make"})
_AFTER_NEGATION: Final = frozenset({"the", "on", "at", "for", "in", "a", "of"})
FILLERS: Final = frozenset(
    "uh um er erm ah well so hi hello hey yes yeah no please thanks thank you ok okay it's it is its that's that the a "
    "and just i'd i'll like want would could can my me we for under name to be in of sir madam actually make".split()
)
_COMMON: Final = FILLERS | frozenset(
    "i you he she they do does did have has had are am was were will what when where how who which on at with "
    "this these there here get need any some more not but or from up out by if your our his her their one car "
    "cars new about book people ticket number room today tomorrow looking calling speaking here trying table test "
    "drive work works".split()
)
_STRONG_NAME_LEADS: Final = (
    ("my", "name", "is"), ("my", "name's"), ("name", "is"), ("under", "the", "name", "of"), ("under", "the", "name"),
    ("in", "the", "name", "of"), ("the", "name", "of"), ("call", "me"), ("name's",),
)  # fmt: skip
_WEAK_NAME_LEADS: Final = (("it's",), ("it", "is"), ("this", "is"), ("i'm",), ("i", "am"), ("for",), ("under",))
_UNASKED_LIKENESS: Final = 0.8
_ASKED_LIKENESS: Final = 0.62
_SMALL: Final = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.TIME, Kind.MOMENT, Kind.DATE})
_LARGEST_SMALL: Final = 31
_TELLING_LENGTH: Final = 4
# "For" is heard as "four" and "to" as "two"; nothing that is looked for by its price costs that.
_LEAST_PRICE: Final = 20
_ZERO_HEARD: Final = frozenset({"or", "of", "uh", "low", "now", "no", "know", "row"})


@dataclass(frozen=True, slots=True)
class Setting:
    """What an utterance is read against. ``ordinary``: words of the agent's own examples, which are nobody's name."""

    now: datetime
    leaning: Leaning = Leaning.DAY
    ordinary: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Extraction:
    """Values in JSON form, the slots the caller said no to without a new value, and digits that were too few or
    many."""

    values: Mapping[str, Any] = field(default_factory=dict)
    denied: frozenset[str] = frozenset()
    partial_digits: str = ""
    rest: tuple[str, ...] = ()


class Candidate(NamedTuple):
    """A possible value, the place of its words, and how sure the reading is."""

    value: Any
    start: int
    end: int
    score: float = 1.0


class _Reader:
    """Reads one utterance slot by slot, marking the words that were understood."""

    def __init__(self, said: Sequence[str], slots: Sequence[Slot], setting: Setting) -> None:
        self.said = list(said)
        self.slots = slots
        self.setting = setting
        self.values: dict[str, Any] = {}
        self.denied: set[str] = set()
        number_cues = {word for slot in slots if slot.kind in (Kind.INTEGER, Kind.NUMBER) for word in slot.before}
        self.number_cues = number_cues

    def read(self, slot: Slot, *, asked: bool) -> None:
        if slot.name in self.values:
            return
        candidates = _READERS[slot.kind](self, slot, asked)
        meant = [candidate for candidate in candidates if not self._negated(candidate)]
        if not meant:
            self.denied.update({slot.name} if candidates else ())
            return
        chosen = self._chosen(meant)
        self.values[slot.name] = chosen.value
        self.denied.discard(slot.name)
        for candidate in candidates:
            self.said[candidate.start : candidate.end] = [f"<{slot.name}>"] * (candidate.end - candidate.start)

    def _negated(self, candidate: Candidate) -> bool:
        at = candidate.start - 1
        while at >= 0 and self.said[at] in _AFTER_NEGATION:
            at -= 1
        if at >= 0 and self.said[at] in _NEGATION:
            return True
        return tuple(self.said[max(at - 1, 0) : at + 1]) in (("rather", "than"), ("instead", "of"))

    def _chosen(self, meant: list[Candidate]) -> Candidate:
        """The last one when a correction stands between, else the surest, else the first."""
        best = max(candidate.score for candidate in meant)
        sure = sorted((candidate for candidate in meant if candidate.score == best), key=lambda one: one.start)
        between = self.said[sure[0].end : sure[-1].start]
        return sure[-1] if CORRECTION & set(between) else sure[0]


def extract(said: Sequence[str], slots: Sequence[Slot], setting: Setting, asked: str | None = None) -> Extraction:
    """What ``said`` tells about ``slots``. ``asked``: the name of the slot whose question is open."""
    reader = _Reader(said, slots, setting)
    wanted = next((slot for slot in slots if slot.name == asked), None)
    if wanted and wanted.kind in (Kind.INTEGER, Kind.NUMBER, Kind.DIGITS, Kind.LETTERS, Kind.EMAIL):
        reader.read(wanted, asked=True)
    first = [wanted] if wanted else []
    for kind in _ORDER:
        for slot in sorted((slot for slot in slots if slot.kind is kind), key=lambda slot: slot not in first):
            # Too few digits of the code asked for are not some other, shorter code.
            if not (wanted and wanted.kind is kind is Kind.DIGITS and wanted.name not in reader.values):
                reader.read(slot, asked=False)
    if wanted:
        reader.read(wanted, asked=True)
    _read_bare_number(reader)
    partial = ""
    if wanted and wanted.kind is Kind.DIGITS and wanted.name not in reader.values:
        partial = "".join(run.digits for run in digit_runs(reader.said))
    rest = tuple(word for word in reader.said if not word.startswith("<"))
    return Extraction(reader.values, frozenset(reader.denied), partial, rest)


def _read_bare_number(reader: _Reader) -> None:
    """A number that nothing explains goes to the one required number still missing, unless it is so small that it could
    be an hour, a day or a count of something."""
    missing = [one for one in reader.slots if one.required and one.name not in reader.values]
    numeric = [one for one in missing if one.kind in (Kind.INTEGER, Kind.NUMBER)]
    others = [
        one for one in reader.slots if one.kind in _SMALL and one.name not in reader.values and one not in numeric
    ]
    if len(numeric) == 1:
        said = _unmisheard(reader.said, numeric[0])
        found = [one for one in integers(said) if _within(numeric[0], one.value)]
        free = [one for one in found if one.value > _LARGEST_SMALL or not others]
        if len(free) == 1:
            reader.values[numeric[0].name] = free[0].value


def is_yes(said: Sequence[str]) -> bool | None:
    """Whether the words agree; ``None`` when they do neither. The first word that decides wins, "not" turns it."""
    for at, word in enumerate(said):
        if word in NO or (word == "not" and at < 2):
            return False
        if word in YES:
            return "not" not in said[max(at - 2, 0) : at] and "isn't" not in said[max(at - 2, 0) : at]
        if tuple(said[at : at + 3]) in (("that's", "it", ""), ("go", "ahead")) or tuple(said[at : at + 2]) == (
            "go",
            "ahead",
        ):
            return True
    return None


# Readers, one for each kind of slot


def _dates(reader: _Reader, _slot: Slot, asked: bool) -> list[Candidate]:
    found: list[FoundDate] = dates(reader.said, reader.setting.now.date(), asked=asked)
    return [Candidate(one.value.isoformat(), one.start, one.end, 1.0 if one.certain else 0.5) for one in found]


def _found_times(reader: _Reader, slot: Slot, asked: bool) -> list[FoundTime]:
    cues = frozenset(slot.before - reader.number_cues - {"a", "the"})
    return times(reader.said, reader.setting.now, leaning=reader.setting.leaning, asked=asked, cues=cues)


def _times(reader: _Reader, slot: Slot, asked: bool) -> list[Candidate]:
    found = _found_times(reader, slot, asked)
    if found and not asked and CORRECTION & set(reader.said):
        # "At ten, no, eleven": beside a certain time the bare hour after the correction is one too.
        found = [one._replace(certain=True) for one in _found_times(reader, slot, True)]
    return [Candidate(one.value.strftime("%H:%M"), one.start, one.end, 1.0 if one.certain else 0.5) for one in found]


def _moments(reader: _Reader, slot: Slot, asked: bool) -> list[Candidate]:
    days = dates(reader.said, reader.setting.now.date(), asked=False)
    hours = _found_times(reader, slot, asked)
    if not hours:
        return []
    day = days[0].value if days else reader.setting.now.date()
    moment = datetime.combine(day, hours[0].value)
    return [Candidate(moment.isoformat(timespec="minutes"), hours[0].start, hours[0].end)]


def _numbers(reader: _Reader, slot: Slot, asked: bool) -> list[Candidate]:
    candidates = []
    said = _unmisheard(reader.said, slot)
    for found in integers(said) if slot.kind is Kind.INTEGER else _cardinals(said):
        if not _within(slot, found.value) or (slot.is_price and found.value < _LEAST_PRICE):
            continue
        before = reader.said[found.start - 1] if found.start else ""
        after, further = (*reader.said[found.end : found.end + 2], "", "")[:2]
        # "Two extra towels": one word may stand between a number and what it counts.
        told = (before in slot.before) + (after in slot.after or further in slot.after)
        if asked and not told and (before in ("at", "on") or after in ("am", "pm", "o'clock")):
            continue
        if told or asked or _only_number(reader, slot):
            candidates.append(Candidate(found.value, found.start, found.end, 0.5 + told / 4))
    return candidates


def _unmisheard(said: Sequence[str], slot: Slot) -> list[str]:
    """ "Room for twelve": after the slot's own name a word that sounds like a digit is one, "or" and the like between
    or after digits is a zero ("room six or one"), and "to extra pillows" are two."""
    labels = set(slot.label.split())
    out = list(said)
    for at, word in enumerate(said):
        before, after = said[at - 1] if at else "", said[at + 1] if at + 1 < len(said) else ""
        if (word in MISHEARD and (before in labels or after in ("extra", "more"))) or (
            word in MISHEARD and slot.is_code and _is_digit(out[at - 1 : at]) and _is_digit(said[at + 1 : at + 2])
        ):
            out[at] = MISHEARD[word]
        elif word in _ZERO_HEARD and slot.is_code and _is_digit(out[at - 1 : at]):
            two_before = _is_digit(out[max(at - 2, 0) : at - 1])
            out[at] = "oh" if _is_digit(said[at + 1 : at + 2]) or (two_before and not after) else word
    return out


def _is_digit(word: Sequence[str]) -> bool:
    return bool(word) and (word[0] in ONES[:10] or word[0] == "oh" or (word[0].isdigit() and len(word[0]) == 1))


def _cardinals(said: Sequence[str]) -> list[Any]:
    found, at = [], 0
    while at < len(said):
        reading = cardinal(said, at)
        found.extend([reading] if reading else [])
        at = reading.end if reading else at + 1
    return found


def _within(slot: Slot, value: float) -> bool:
    return (slot.least is None or value >= slot.least) and (slot.most is None or value <= slot.most)


def _only_number(reader: _Reader, slot: Slot) -> bool:
    """Whether a number without a cue can only be this slot's."""
    numeric = [
        one for one in reader.slots if one.kind in (Kind.INTEGER, Kind.NUMBER, Kind.DIGITS, Kind.TIME, Kind.DATE)
    ]
    return numeric == [slot]


def _digits(reader: _Reader, slot: Slot, asked: bool) -> list[Candidate]:
    # A misheard code of just the right length is hardly chance.
    runs = digit_runs(reader.said, misheard=asked or slot.length >= _TELLING_LENGTH)
    fitting = [run for run in runs if _has_length(slot, len(run.digits))]
    if fitting:
        return [Candidate(run.digits, run.start, run.end) for run in fitting]
    if slot.length and (guess := half_heard_code(reader.said, slot.length)):
        return [Candidate(guess.digits, guess.start, guess.end, 0.5)]
    together = "".join(run.digits for run in runs)
    if asked and _has_length(slot, len(together)):
        return [Candidate(together, runs[0].start, runs[-1].end)]
    return _split_digits(reader, slot, [run for run in runs if run.end > run.start])


def _has_length(slot: Slot, count: int) -> bool:
    return count >= max(int(slot.least or 1), 1) and (slot.most is None or count <= slot.most)


def _split_digits(reader: _Reader, slot: Slot, runs: Sequence[Any]) -> list[Candidate]:
    """Two codes said in one breath, when their lengths are known: the first takes the first digits."""
    coded = [one for one in reader.slots if one.kind is Kind.DIGITS and one.length and one.name not in reader.values]
    whole = sum(one.length for one in coded)
    for run in runs:
        words_used = run.end - run.start
        if len(coded) > 1 and coded[0] is slot and len(run.digits) == whole == words_used:
            return [Candidate(run.digits[: slot.length], run.start, run.start + slot.length)]
    return []


def _letters(reader: _Reader, slot: Slot, asked: bool) -> list[Candidate]:
    letters = [(at, word) for at, word in enumerate(reader.said) if len(word) == 1 and word.isalpha()]
    if not asked or not letters or not _has_length(slot, len(letters)):
        return []
    return [Candidate("".join(letter for _, letter in letters).upper(), letters[0][0], letters[-1][0] + 1)]


def _email(reader: _Reader, _slot: Slot, asked: bool) -> list[Candidate]:
    """ "alice dot smith at example dot com"."""
    if not asked or "at" not in reader.said:
        return []
    signs = {"dot": ".", "at": "@", "dash": "-", "underscore": "_"}
    body = [word for word in reader.said if word not in ("it's", "my", "email", "is", "address", "please")]
    return [Candidate("".join(signs.get(word, word) for word in body), 0, len(reader.said))]


def _yes_no(reader: _Reader, _slot: Slot, asked: bool) -> list[Candidate]:
    answer = is_yes(reader.said) if asked else None
    return [] if answer is None else [Candidate(answer, 0, len(reader.said))]


def _free(reader: _Reader, _slot: Slot, asked: bool) -> list[Candidate]:
    left = [word for word in reader.said if not word.startswith("<")]
    return [Candidate(" ".join(left), 0, len(reader.said))] if asked and left else []


def _choices(reader: _Reader, slot: Slot, asked: bool) -> list[Candidate]:
    exact = _exact_choices(reader.said, slot)
    if exact:
        return [one for one in exact if not any(_inside(one, other) for other in exact)]
    floor = _ASKED_LIKENESS if asked else _UNASKED_LIKENESS
    close = [one for one in _alike(reader.said, slot, floor) if one.score >= floor]
    return [max(close, key=lambda one: one.score)] if close else []


def _exact_choices(said: Sequence[str], slot: Slot) -> list[Candidate]:
    return [
        Candidate(choice.value, at, at + len(phrase), 0.9 + len(phrase) / 100)
        for choice in slot.choices
        for phrase in (tuple(spoken.split()) for spoken in choice.spoken)
        for at in range(len(said) - len(phrase) + 1)
        if tuple(said[at : at + len(phrase)]) in (phrase, (*phrase[:-1], f"{phrase[-1]}s"))
    ]


def choices_named(said: Sequence[str], slots: Iterable[Slot], *, exactly: bool) -> list[str]:
    """The names of the slots one of whose choices is in ``said``; unless ``exactly``, also by its sound."""
    return [
        slot.name
        for slot in slots
        if _exact_choices(said, slot)
        or (not exactly and any(one.score >= _UNASKED_LIKENESS for one in _alike(said, slot, _UNASKED_LIKENESS)))
    ]


def _inside(one: Candidate, other: Candidate) -> bool:
    return other.start <= one.start and one.end <= other.end and (one.end - one.start) < (other.end - other.start)


def _alike(said: Sequence[str], slot: Slot, floor: float) -> Iterable[Candidate]:
    """Every stretch of words that sounds like a choice: a recogniser writes "a roar a" for "Aurora"."""
    for choice in slot.choices:
        for spoken in choice.spoken:
            count = spoken.count(" ") + 1
            for length in range(max(1, count - 1), count + 3):
                for at in range(len(said) - length + 1):
                    span = said[at : at + length]
                    if span[0] in _COMMON and (length == 1 or all(word in _COMMON for word in span)):
                        continue
                    if len(spoken) < 4 or any(word.startswith("<") for word in span):
                        continue
                    # A stretch that takes in neighbours must be better to be believed.
                    score = likeness(" ".join(span), spoken, floor) - 0.03 * abs(length - count)
                    yield Candidate(choice.value, at, at + length, score)


def _names(reader: _Reader, slot: Slot, asked: bool) -> list[Candidate]:
    said = reader.said
    known = {word for name in slot.known for word in name.lower().split()}
    for leads, trusted in ((_STRONG_NAME_LEADS, True), (_WEAK_NAME_LEADS, asked)):
        for lead in leads:
            for at in range(len(said) - len(lead)):
                if tuple(said[at : at + len(lead)]) != lead:
                    continue
                end = _name_end(said, at + len(lead))
                name = said[at + len(lead) : end]
                if name and (trusted or set(name) <= known):
                    return [_named(name, at + len(lead), end)]
    ending = _name_at_the_end(said, reader.setting.ordinary)
    if ending:
        return ending
    alone = [at for at, word in enumerate(said) if word in known]
    if alone:
        end = _name_end(said, alone[0])
        return [_named(said[alone[0] : end], alone[0], end)]
    return _whole_answer(said) if asked else []


def _name_at_the_end(said: Sequence[str], ordinary: frozenset[str]) -> list[Candidate]:
    """ "... for Alice", where "Alice" is no word of the service."""
    end = len(said) - (said[-1:] == ["please"])
    for length in (2, 1):
        start = end - length
        name = said[max(start, 0) : end]
        if start > 0 and said[start - 1] == "for" and ordinary and not set(name) & (ordinary | _COMMON):
            return [_named(name, start, end)] if _name_end(said, start) == end else []
    return []


def _name_end(said: Sequence[str], at: int) -> int:
    end = at
    while end < len(said) and end - at < 3 and said[end] not in _COMMON and said[end].isascii():
        if not said[end].replace("'", "").isalpha():
            break
        end += 1
    return end


def _whole_answer(said: Sequence[str]) -> list[Candidate]:
    """A short answer is the name itself; letters alone spell it."""
    content = [(at, word) for at, word in enumerate(said) if word not in FILLERS and word.replace("'", "").isalpha()]
    if content and all(len(word) == 1 for _, word in content) and len(content) > 1:
        return [_named(["".join(word for _, word in content)], content[0][0], content[-1][0] + 1)]
    if not 1 <= len(content) <= 3 or len(said) - len(content) > 4 or any(word in _COMMON for _, word in content):
        return []
    return [_named([word for _, word in content], content[0][0], content[-1][0] + 1)]


def _named(name: Sequence[str], start: int, end: int) -> Candidate:
    return Candidate(" ".join(word.capitalize() for word in name), start, end)


_READERS: Final[Mapping[Kind, Callable[[_Reader, Slot, bool], list[Candidate]]]] = {
    Kind.CHOICE: _choices, Kind.DATE: _dates, Kind.TIME: _times, Kind.MOMENT: _moments, Kind.INTEGER: _numbers,
    Kind.NUMBER: _numbers, Kind.YES_NO: _yes_no, Kind.DIGITS: _digits, Kind.LETTERS: _letters, Kind.EMAIL: _email,
    Kind.NAME: _names, Kind.FREE: _free,
}  # fmt: skip
# Codes before times, times before numbers: the more words a reading explains, the earlier it goes.
_ORDER: Final = (
    Kind.DIGITS, Kind.DATE, Kind.MOMENT, Kind.TIME, Kind.CHOICE, Kind.INTEGER, Kind.NUMBER, Kind.NAME,
)  # fmt: skip

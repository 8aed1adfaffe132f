"""What callers of this agent are likely to say: the agent file's examples with values put in, and answers to its
questions.

The same expansion teaches the intent classifier (:func:`intent_sentences`) and, as lower-case words with every number
spelled, the recogniser's language model (:func:`training_sentences`). Everything is deterministic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import Final

from vivavoce.agent.declaration import Agent, Tool
from vivavoce.model.local.dialogue.builtins import KNOWLEDGE, NONE, PHRASES
from vivavoce.model.local.dialogue.carriers import LEADS, OPENINGS, TAILS, hesitant, rephrased
from vivavoce.model.local.dialogue.knowledge import Section, sections, telling
from vivavoce.model.local.dialogue.names import FIRST_NAMES, LAST_NAMES, full_names
from vivavoce.model.local.dialogue.numbers import cardinal, ordinal
from vivavoce.model.local.dialogue.slots import PLACEHOLDER, Kind, Slot, slots_of
from vivavoce.model.local.dialogue.spelling import MONTHS, WEEKDAYS, say_digits, say_hour, say_number, say_ordinal
from vivavoce.model.local.dialogue.text import words

_QUESTION_FRAMES: Final = (
    "{}", "what about {}", "tell me about {}", "what is the {}", "what are your {}", "do you have {}", "is there {}",
    "how much is the {}", "how much does {} cost", "where is the {}", "when is the {}", "what time is the {}",
    "i have a question about {}", "can i ask about {}", "do you offer {}", "what are the rules for {}",
    "how does {} work",
    "how long does {} take", "how do i get {}", "is the {} open", "when does the {} close", "do i need {}",
    "do you have a {}", "do you have a {} here", "is there a {}", "where's the {}", "what time does the {} open",
    "what's the {}", "can you tell me about the {}", "could you tell me about your {}", "how long is the {}",
    "what are the {}",
)  # fmt: skip
_CORRECTIONS: Final = (
    "no {}", "no the {}", "actually {}", "make it {}", "make that {}", "sorry {}", "i mean {}", "no i said {}",
    "can we make it {}", "not that {}", "change it to {}", "sorry i meant {}", "oh sorry i meant {}", "no wait {}",
    "no sorry {}", "could we say {} instead", "{} instead", "actually make that {}", "i meant {} not",
)  # fmt: skip
_DATE_FRAMES: Final = ("{}", "on {}", "{} please", "{} would be good", "how about {}", "for {}", "{} would suit me",
                       "um {}", "is {} possible", "maybe {}")  # fmt: skip
_TIME_FRAMES: Final = ("{}", "at {}", "{} please", "around {}", "at {} please", "let's say {}", "um {}", "for {}",
                       "uh at {}", "{} would be good", "{} if that's possible")  # fmt: skip
_NAME_FRAMES: Final = ("{}", "my name is {}", "it's {}", "this is {}", "{} please", "the name is {}", "for {}",
                       "my name's {}", "i'm {}", "hi this is {}", "hello my name is {}", "my name's {} and", "um {}",
                       "under the name {}", "put it under {}")  # fmt: skip
_CHOICE_FRAMES: Final = ("{}", "the {}", "a {}", "the {} please", "i'd like the {}", "it's the {}", "{} please",
                         "um the {}", "um it's the {}", "it's my {}", "it's a {}", "my {}", "it's about {}",
                         "the {} one please", "an {}", "in the {}", "to the {}", "about my {}")  # fmt: skip
_DIGITS_FRAMES: Final = ("{}", "it's {}", "number {}", "it is {}", "{} please", "my number is {}", "um {}",
                         "it's um {}",
                         "the number is {}", "yeah it's {}", "okay {}", "the code is {}", "uh {}",
                         "sorry it's {}")  # fmt: skip
_NUMBER_FRAMES: Final = ("{}", "{} please", "it's {}", "just {}", "um {}", "it's um {}", "about {}", "uh {}",
                         "i'm in {}", "that's {}")  # fmt: skip
_PEOPLE_FRAMES: Final = ("there are {} of us", "there will be {} of us", "we are {} people", "a party of {}", "for {}",
                         "{} of us", "just the {} of us", "{} people", "for {} people", "we're {}")  # fmt: skip
_PRICE_FRAMES: Final = ("under {}", "for under {}", "for less than {}", "my budget is {}", "my budget is about {}",
                        "up to {}", "below {}", "about {}", "for {}", "no more than {}", "around {} dollars",
                        "i can spend {}", "{} dollars", "at most {}")  # fmt: skip
_ROUNDS: Final = 40
_FULL_NAMES: Final = 300
_CODES: Final = 500


def spelled(text: str) -> str:
    """``text`` as a recogniser writes it: lower case, no signs, numerals as words."""
    said = words(text)
    out: list[str] = []
    for at, word in enumerate(said):
        place = ordinal(said, at) if word[0].isdigit() else None
        if place:
            out.append(say_ordinal(int(place.value)))
        elif ":" in word:
            hour, minute = (int(part) for part in word.split(":"))
            out.append(say_hour(hour, minute))
        elif word[0].isdigit():
            number = cardinal(said, at)
            out.append(say_number(int(number.value)) if number and number.end == at + 1 else say_digits(word))
        elif word[0].isalpha():
            out.append(word)
    return " ".join(out)


def values(slot: Slot, now: datetime) -> list[str]:
    """Things a caller may say for ``slot``, spelled out."""
    if slot.kind is Kind.CHOICE:
        return [spoken for choice in slot.choices for spoken in choice.spoken]
    if slot.kind is Kind.NAME:
        known = [name.lower() for name in slot.known]
        first = [name for name in FIRST_NAMES if name not in known]
        return [*known, *full_names(_FULL_NAMES), *first, *LAST_NAMES]
    if slot.kind is Kind.DATE:
        return _dates(now)
    if slot.kind is Kind.TIME:
        return _times()
    if slot.kind is Kind.MOMENT:
        return [f"{day} at {hour}" for day, hour in zip(_dates(now), cycle(_times()), strict=False)]
    if slot.kind in (Kind.INTEGER, Kind.NUMBER):
        return _integers(slot)
    return _digits(slot.length or 6) if slot.kind is Kind.DIGITS else []


def _dates(now: datetime) -> list[str]:
    near = ["today", "tomorrow", "tonight", "the day after tomorrow", "in two days", "in a week", "this weekend"]
    days = [form.format(day) for form in ("{}", "next {}", "this {}") for day in WEEKDAYS]
    days += [f"a week on {day}" for day in WEEKDAYS] + [
        f"{day} {part}" for day in WEEKDAYS for part in ("morning", "afternoon")
    ]
    coming = [(now + timedelta(ahead)).date() for ahead in range(1, 45)]
    for day in coming:
        place, month = say_ordinal(day.day), MONTHS[day.month - 1]
        days += [f"the {place}", f"{WEEKDAYS[day.weekday()]} the {place}"]
        days += [f"the {place} of {month}", f"{month} {place}"]
    return list(dict.fromkeys(near + days))


def _times() -> list[str]:
    hours = [say_number(hour) for hour in range(1, 13)]
    plain = [form.format(hour) for form in ("{}", "{} o'clock", "{} thirty", "half past {}") for hour in hours]
    rest = ("{} fifteen", "{} forty five", "quarter past {}", "quarter to {}", "{} a m", "{} p m", "{} in the morning",
            "{} in the evening", "{} in the afternoon", "ten to {}", "twenty past {}")  # fmt: skip
    return plain + ["noon", "midday"] + [form.format(hour) for form in rest for hour in hours]


def _integers(slot: Slot) -> list[str]:
    if slot.is_code:
        doors = [floor * 100 + door for door in range(1, 21) for floor in range(1, 6)]
        return [
            text
            for door in doors
            for text in (_door(door), say_number(door).replace(" and ", " "), say_digits(str(door)))
        ]
    if slot.is_price:
        whole = [f"{say_number(amount)} thousand" for amount in (*range(5, 50), *range(50, 100, 5))]
        return [*whole, *(f"{amount} five hundred" for amount in whole[:30])]
    least, most = int(slot.least or 1), int(slot.most or 12)
    return [say_number(number) for number in range(least, min(most, least + 20) + 1)]


def _door(number: int) -> str:
    floor, door = divmod(number, 100)
    return f"{say_number(floor)} {'oh ' if door < 10 else ''}{say_number(door)}"


def _digits(length: int) -> list[str]:
    """Codes that between them hold every three digits in a row: an even walk over the numbers of that length. Every
    third one says a pair as "double" and every seventh its zeros as "zero"."""
    whole = 10**length
    codes = [f"{(number * 7_919 + 1_234) % whole:0{length}d}" for number in range(_CODES)]
    doubled = [code[:at] + code[at + 1] * 2 + code[at + 2 :] for code in codes[::3] for at in (len(code) // 2 - 1,)]
    spoken = [say_digits(code) for code in codes]
    return [*spoken, *(say_digits(code).replace("oh", "zero") for code in codes[::7]), *map(_with_doubles, doubled)]


def _with_doubles(code: str) -> str:
    said: list[str] = []
    at = 0
    while at < len(code):
        twice = code[at : at + 2] == code[at] * 2
        said.append(f"double {say_digits(code[at])}" if twice else say_digits(code[at]))
        at += 1 + twice
    return " ".join(said)


def expanded(examples: Sequence[str], slots: Mapping[str, Slot], now: datetime, most: int) -> Iterator[str]:
    """Each example with values in its places, ``most`` variants at most; every slot's values take turns."""
    turns = {name: cycle(values(slot, now) or [slot.label]) for name, slot in slots.items()}
    for example in examples:
        names = PLACEHOLDER.findall(example)
        variants = max((min(most, len(values(slots[name], now))) for name in names if name in slots), default=1)
        for _ in range(variants):
            yield PLACEHOLDER.sub(lambda match: next(turns.get(match[1], cycle([plain_name(match[1])]))), example)


def plain_name(name: str) -> str:
    """A placeholder that is no parameter, said by its name."""
    return name.replace("_", " ")


def section_questions(section: Section, frames: int = len(_QUESTION_FRAMES)) -> Iterator[str]:
    """How one may ask for a section, from its title and its sentences."""
    title = spelled(section.title)
    start = len(title) % len(_QUESTION_FRAMES)
    for frame in ("{}", *(_QUESTION_FRAMES[start:] + _QUESTION_FRAMES[:start])[:frames]):
        yield frame.format(title)
    if spelled(section.topic) != title:
        yield spelled(section.topic)
    yield from (spelled(sentence) for sentence in section.sentences)


def intent_sentences(agent: Agent, now: datetime) -> dict[str, list[str]]:
    """Sentences for every intent: tools by name, ``knowledge`` where there is some, and the built-in ones."""
    taught: dict[str, list[str]] = {}
    for tool in agent.tools:
        slots = {slot.name: slot for slot in slots_of(tool, agent.vocabulary)}
        examples = [*tool.examples, plain_name(tool.name)]
        taught[tool.name] = list(expanded(examples, slots, now, 6))
    asked = [question for section in sections(agent.knowledge) for question in section_questions(section, 7)]
    if asked:
        taught[KNOWLEDGE] = asked
    known = {word for examples in taught.values() for sentence in examples for word in telling(sentence)}
    for intent, phrases in PHRASES.items():
        foreign = [phrase for phrase in phrases if intent != NONE or not _about(phrase, known)]
        taught[intent] = foreign
    return taught


def _about(phrase: str, known: set[str]) -> bool:
    """Whether an out-of-scope phrase is in scope for this very agent."""
    content = telling(phrase)
    return bool(content) and sum(word in known for word in content) > len(content) / 2


def training_sentences(agent: Agent, now: datetime, limit: int = 12_000) -> list[str]:
    """Up to ``limit`` different sentences for a language model, tools and answers first where room is short."""
    streams = [_tool_sentences(agent, tool, now) for tool in agent.tools]
    streams.append(question for section in sections(agent.knowledge) for question in section_questions(section))
    streams.append(phrase for intent, phrases in PHRASES.items() if intent != NONE for phrase in phrases)
    streams.append(iter(OPENINGS))
    found: dict[str, None] = {}
    for turn, sentence in enumerate(_taking_turns(streams)):
        for said in (sentence, _wrapped(sentence, turn)):
            if text := spelled(said):
                found.setdefault(text)
        if len(found) >= limit:
            break
    return list(found)[:limit]


def _wrapped(sentence: str, turn: int) -> str:
    """Two of three sentences with something around them."""
    around, form = divmod(turn, 6)
    if form < 2:
        return f"{LEADS[turn % len(LEADS)]} {sentence}"
    if form == 2:
        return f"{sentence} {TAILS[around % len(TAILS)]}"
    return hesitant(sentence, around) if form == 3 else sentence


def _taking_turns(streams: Sequence[Iterator[str]]) -> Iterator[str]:
    open_streams = list(streams)
    while open_streams:
        for stream in list(open_streams):
            batch = list(islice(stream, 4))
            yield from batch
            if not batch:
                open_streams.remove(stream)


def _tool_sentences(agent: Agent, tool: Tool, now: datetime) -> Iterator[str]:
    """Requests with all values, and between them the answers to this tool's questions and corrections of them."""
    slots = {slot.name: slot for slot in slots_of(tool, agent.vocabulary)}
    yield from _taking_turns(
        [
            expanded(tool.examples, slots, now, 12),
            _requests(tool, slots, now),
            *(_answers(slot, now) for slot in slots.values()),
        ]
    )


def _requests(tool: Tool, slots: Mapping[str, Slot], now: datetime) -> Iterator[str]:
    """Every example in turn, begun differently each time; two of three times with a value it has no place for."""
    turns = {name: cycle(values(slot, now) or [slot.label]) for name, slot in slots.items()}
    forms = [tuple(rephrased(example)) for example in tool.examples]
    for turn in range(_ROUNDS):
        for place, form in enumerate(forms):
            template = form[turn % len(form)]
            missing = [slot for slot in slots.values() if f"{{{slot.name}}}" not in template and _frames(slot)]
            if turn and missing and (turn + place) % 3:
                slot = missing[(turn + place) % len(missing)]
                frames = _frames(slot)
                mention = frames[turn % len(frames)].format(f"{{{slot.name}}}")
                template = f"{template} {mention}" if (turn + place) % 3 == 1 else f"{mention} {template}"
            yield PLACEHOLDER.sub(lambda match: next(turns.get(match[1], cycle([plain_name(match[1])]))), template)


def _frames(slot: Slot) -> tuple[str, ...]:
    """How a value of ``slot`` is said by itself."""
    if slot.kind in (Kind.INTEGER, Kind.NUMBER):
        if slot.is_price:
            return _PRICE_FRAMES
        return _PEOPLE_FRAMES if "people" in slot.after else (*_NUMBER_FRAMES, *_labelled(slot))
    by_kind = {Kind.DATE: _DATE_FRAMES, Kind.TIME: _TIME_FRAMES, Kind.NAME: _NAME_FRAMES, Kind.CHOICE: _CHOICE_FRAMES,
               Kind.DIGITS: (*_DIGITS_FRAMES, *_labelled(slot))}  # fmt: skip
    return by_kind.get(slot.kind, ())


def _labelled(slot: Slot) -> tuple[str, ...]:
    """Frames with the slot's own name in them, whole and without its "number"."""
    names = dict.fromkeys((slot.label, slot.label.removesuffix(" number")))
    forms = ("{} {{}}", "it's {} {{}}", "i'm {} {{}}", "in {} {{}}", "i'm in {} {{}}", "my {} is {{}}", "to {} {{}}",
             "for {} {{}}", "{} number {{}}", "the {} is {{}}", "{} {{}} please", "this is {} {{}}")  # fmt: skip
    return tuple(form.format(name) for form in forms for name in names)


def _answers(slot: Slot, now: datetime) -> Iterator[str]:
    frame, correction = cycle(_frames(slot) or ("{}",)), cycle(_CORRECTIONS)
    for index, value in enumerate(values(slot, now)):
        yield value
        yield next(frame).format(value)
        if index % 3 == 0:
            yield next(correction).format(value)

"""What people wrap around what they want, whatever the service is: how they begin, hesitate, ask, correct themselves
and say who they are. It widens what the recogniser listens for; :mod:`.phrases` puts it around an agent's own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

LEADS: Final = (
    "hi", "um", "hello", "hi there", "good morning", "yes", "uh", "hello there", "okay", "good afternoon", "well",
    "oh", "please", "so", "yeah", "excuse me", "good evening", "sorry", "hey", "hi um", "oh hi", "yes please",
    "right", "okay so", "yes hello", "sorry one more thing", "oh and", "by the way", "actually", "just one more thing",
    "also", "thanks and", "thank you", "oh sorry",
)  # fmt: skip
TAILS: Final = (
    "please", "thanks", "thank you", "if that's possible", "if possible", "um", "at the moment", "for me", "right now",
    "if you can", "yet", "today", "then",
)  # fmt: skip
HESITATIONS: Final = ("um", "uh", "er")
OPENINGS: Final = (
    "can you tell me", "could you tell me", "do you know", "i was wondering", "i'd like to know", "i want to know",
    "could you tell me if", "can you tell me whether", "do you know if", "i was wondering if", "i wanted to ask",
    "has anyone", "has anybody", "has someone", "did anyone", "what's happening with", "what is happening with",
    "i'm calling about", "i'm calling to", "i have a question about", "is there any", "is there anywhere to",
    "am i allowed to", "are we allowed to", "is it possible to", "where can i", "how can i", "how do i", "what time do",
    "what do i need to", "who do i", "would you", "i've got", "we've got", "my name's", "my name is", "this is",
    "one moment", "let me see", "let me think", "i think it's", "it should be", "that would be", "would be good",
)  # fmt: skip

# Beginnings of a request that may stand for one another, so that one example stands for many.
_ALIKE: Final = (
    (
        "i'd like to", "i want to", "i would like to", "can i", "could i", "i need to", "i was wondering if i could",
        "we'd like to", "is it possible to", "i was hoping to", "can we", "could we", "may i", "i have to",
        "i'd love to", "i'm calling to", "could i maybe", "would it be possible to", "we want to",
    ),
    (
        "could you", "can you", "please", "could you please", "would you", "can you please", "could someone",
        "can someone", "i'd like you to", "would you be able to", "i need you to", "would you mind",
    ),
    (
        "i need", "i'd like", "can i have", "can i get", "could i have", "could i get", "we need", "i want",
        "can we have", "could we have", "could we get", "give me", "i would like", "would it be possible to get",
        "i'll have", "can you get me", "could you get me",
    ),
    (
        "do you have", "have you got", "is there", "are there", "have you any", "do you have any", "have you got any",
        "i'm looking for", "we're looking for", "can you tell me if you have",
    ),
    ("how much is", "what does it cost for", "how much would it be for", "what's the price of", "how much for"),
    ("what is", "what's", "can you tell me", "could you tell me", "i'd like to know"),
    ("i have", "there's", "there is", "i've got", "we have", "we've got"),
    ("my", "the", "our"),
)  # fmt: skip


def rephrased(sentence: str) -> Iterator[str]:
    """``sentence`` as it is, then with beginnings that mean the same as its own."""
    yield sentence
    for group in _ALIKE:
        own = max((lead for lead in group if sentence.startswith(f"{lead} ")), key=len, default="")
        if own:
            yield from (lead + sentence[len(own) :] for lead in group if lead != own)
            return


def hesitant(sentence: str, turn: int) -> str:
    """``sentence`` with an "um" somewhere inside, at another place each ``turn``."""
    said = sentence.split()
    place = turn % (len(said) + 1)
    return " ".join([*said[:place], HESITATIONS[turn % len(HESITATIONS)], *said[place:]])

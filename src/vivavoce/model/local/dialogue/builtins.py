"""What every caller may say to every agent, whatever its tools are: the built-in intents and how they sound."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

KNOWLEDGE: Final = "knowledge"
NONE: Final = "none"
GOODBYE, PERSON, REPEAT, RESTART, CANCEL = "goodbye", "person", "repeat", "restart", "cancel"
YES, NO, THANKS, HELP, GREETING = "yes", "no", "thanks", "help", "greeting"

PHRASES: Final[dict[str, tuple[str, ...]]] = {
    GOODBYE: (
        "goodbye", "bye", "bye bye", "good bye", "that's all", "that is all", "that's everything",
        "that will be all", "that would be all for now",
        "nothing else", "no that's all thank you", "no thank you goodbye", "thanks bye", "thank you goodbye",
        "have a nice day", "see you later", "i'm done", "that was it", "that's it thanks",
        "thank you very much goodbye",
        "okay bye", "have a good one", "no nothing else thanks", "you can hang up now", "hang up", "end the call",
    ),
    PERSON: (
        "can i speak to a person", "i want to talk to a human", "let me speak to someone", "transfer me to an agent",
        "i'd like to speak with a real person", "operator", "representative", "get me a human being",
        "a real person please",
        "can i talk to somebody", "put me through to a colleague", "is there anybody i can talk to", "human please",
        "i don't want to talk to a machine", "connect me to customer service", "i want to speak to the manager",
        "can someone call me back", "give me a person", "speak to an advisor", "can you put me through to someone",
        "i would rather talk to somebody", "talk to a live agent",
    ),
    REPEAT: (
        "repeat that", "can you repeat that", "say that again", "could you say that again please",
        "sorry what was that",
        "pardon", "what did you say", "come again", "i didn't hear you", "i didn't catch that", "please repeat",
        "one more time please", "say again", "excuse me what", "could you repeat the question", "sorry i missed that",
    ),
    RESTART: (
        "start again", "start over", "let's start over", "begin again", "can we start from the beginning",
        "from the top",
        "let me start again",
    ),
    CANCEL: (
        "cancel", "cancel that", "never mind", "nevermind", "forget it", "forget about it", "stop", "leave it",
        "i changed my mind", "i don't want that any more", "don't do that", "no cancel that please", "let's leave it",
        "scratch that", "actually never mind", "drop it",
    ),
    YES: (
        "yes", "yeah", "yep", "yes please", "that's right", "correct", "sure", "okay", "that is correct", "yes it is",
        "right", "exactly", "of course", "go ahead", "yes do that", "sounds good", "please do", "that works", "fine",
        "perfect", "yes that's right", "absolutely", "yes i would", "all right",
    ),
    NO: (
        "no", "nope", "no thanks", "no thank you", "that's wrong", "not really", "no it isn't", "that is not right",
        "that's not correct", "incorrect", "nah", "not now", "no that's wrong", "no i don't", "rather not",
    ),
    THANKS: ("thanks", "thank you", "thank you very much", "thanks a lot", "cheers", "great thanks",
    "thanks for your help"),
    HELP: (
        "help", "what can you do", "what can i say", "what can i ask", "how does this work", "what are my options",
        "how can you help me", "what do you know", "i don't know what to say", "what can you help me with",
        "help me please",
    ),
    GREETING: (
        "hello", "hi", "hi there", "hey", "good morning", "good afternoon", "good evening", "hello there", "good day",
        "hello is anybody there", "hello can you hear me", "how are you",
    ),
    NONE: (
        "what's the weather like today", "tell me a joke", "who won the game last night", "play some music",
        "i love you",
        "what is the meaning of life", "who is the president", "how tall is the eiffel tower", "sing me a song",
        "what is the capital of france", "can you recommend a good movie", "how old are you", "are you a robot",
        "what do you think about politics", "the cat sat on the mat", "i had eggs this morning", "my dog likes to run",
        "tell me a story", "what's the stock market doing", "buy two hundred shares", "translate this into spanish",
        "how do you make pancakes", "remind me to water the plants", "send a message to my mother",
        "turn on the lights",
        "what is two plus two", "how far is the moon", "i'm bored", "do you like football", "where did you grow up",
        "it was raining all day yesterday", "the children are at school", "order me a pizza",
        "what's your favourite colour",
        "what happened in the news", "set the heating to twenty degrees", "i need a doctor",
        "can you lend me some money",
        "who wrote romeo and juliet", "my grandmother is visiting from canada", "i want to buy a house",
        "when is the next train to london", "cancel my insurance policy", "what is my bank balance",
        "i would like to adopt a child", "how do i fix my washing machine", "do you sell shoes", "what is the score",
        "and then he said that she was not there", "um well i was just thinking you know",
        "is it going to snow tomorrow",
        "call my wife", "can you write me a poem", "book me a flight to new york", "what's the exchange rate",
    ),
}  # fmt: skip

_PERSON_WORDS: Final = frozenset(
    {"human", "operator", "representative", "person", "somebody", "someone", "advisor", "manager"}
)
_TALKING: Final = frozenset(
    {"speak", "talk", "transfer", "connect", "through", "real", "get", "give", "put", "want", "need"}
)
_HAND_OVER: Final = frozenset(
    {("transfer", "me"), ("me", "through"), ("real", "person"), ("real", "human"), ("human", "being")}
)
_TALKING_TO: Final = frozenset({("talk", "to"), ("talk", "with"), ("speak", "to"), ("speak", "with")})
_TO_YOU: Final = frozenset({("to", "you"), ("with", "you")})
_POLITE: Final = frozenset(
    "please okay ok well um uh er so just oh sorry actually hey thanks thank you very much".split()
)
_EXACT: Final = {
    tuple(word for word in phrase.split() if word not in _POLITE): intent
    for intent, phrases in PHRASES.items()
    if intent in (GOODBYE, PERSON, REPEAT, RESTART, CANCEL, HELP, GREETING)
    for phrase in phrases
}
_LEADS: Final = tuple(
    tuple(lead.split())
    for lead in (
        "sorry", "oh", "and", "also", "well", "so", "okay", "ok", "actually", "by the way", "one more thing",
        "just one more thing", "one more question", "one last thing", "another thing", "another question",
        "quick question", "excuse me", "thanks", "thank you", "hi there", "hello there", "hi", "hello", "hey", "yes",
        "good morning", "good afternoon", "good evening", "i was wondering", "i was wondering if", "right", "no",
        "can you tell me", "could you tell me", "can you tell me if", "could you tell me if", "can you tell me whether",
        "could you tell me whether", "do you know if", "do you know", "i'd like to know",
    )
)  # fmt: skip
_HESITATIONS: Final = frozenset({"um", "uh", "er", "erm", "hmm"})
_LEAST_REST: Final = 2


def unwrapped(said: Sequence[str]) -> tuple[str, ...]:
    """``said`` without hesitations and what people begin with ("sorry, one more thing"), as long as something is left:
    what is wanted comes after that."""
    rest = tuple(word for word in said if word not in _HESITATIONS)
    while lead := max((lead for lead in _LEADS if rest[: len(lead)] == lead), key=len, default=()):
        if len(rest) - len(lead) < _LEAST_REST:
            break
        rest = rest[len(lead) :]
    return rest


def plain_intent(said: Sequence[str]) -> str:
    """The built-in intent that ``said`` is beyond doubt, politeness aside; ``""`` otherwise. Valid in the middle of
    anything."""
    core = tuple(word for word in said if word not in _POLITE)
    if not core:
        return THANKS if {"thanks", "thank"} & set(said) else ""
    if core in _EXACT:
        return _EXACT[core]
    if {"goodbye", "bye"} & set(core) and len(core) <= 6:
        return GOODBYE
    pairs = set(pairwise(core))
    if pairs & _HAND_OVER:
        return PERSON
    if len(core) <= 10 and pairs & _TALKING_TO and not set(pairwise(said)) & _TO_YOU:
        return PERSON
    if len(core) <= 10 and _PERSON_WORDS & set(core) and (_TALKING & set(core) or len(core) == 1):
        return PERSON
    return ""

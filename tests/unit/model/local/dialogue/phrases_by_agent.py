"""Things to say to the example agents that none of their files hold, and what they mean."""

from __future__ import annotations

from typing import Final

MEANT: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "dealership": {
        "find_cars": (
            "have you got any vans", "what have you got for under fifteen thousand", "is the nomad in stock",
            "how much would a cascade cost me", "looking for a cheap hatchback", "show me your convertibles",
            "got any estates going", "what's the price of the meridian", "do you sell sedans",
            "are there any beacons left",
        ),
        "book_test_drive": (
            "can i take the meridian out for a spin tomorrow", "i want to try out the nomad on friday",
            "book me in for a test drive on saturday at eleven", "could i arrange a test drive please",
            "i'd love to drive the summit", "can i have a go in the aurora next tuesday afternoon at three",
        ),
        "knowledge": (
            "when are you open on sunday", "where are you located", "is there parking",
            "do you take old cars in part exchange",
            "how long is the warranty", "how much is a service", "how old do i have to be to drive",
            "can i pay by card",
            "do you deliver", "how much is the deposit", "can i bring my kids along",
            "what time do you close on saturday",
            "how do i get there by bus", "how much is an oil change", "do you offer finance",
        ),
    },
    "hotel": {
        "book_table": (
            "table for two tonight at eight please", "can you get us a table on the rooftop on friday",
            "we want to have dinner tomorrow at seven", "i would like to eat at the rooftop tomorrow evening",
        ),
        "request_item": (
            "could i have a few extra towels", "please send an iron to room three twelve", "i don't have a toothbrush",
            "another blanket please it's cold", "can you send someone up with two pillows", "we've run out of towels",
        ),
        "order_taxi": (
            "i need to get to the airport by six", "get me a cab to the station", "can you book me a car to downtown",
            "taxi please for ten thirty", "how can i get to the harbour by taxi",
        ),
        "wake_up_call": (
            "wake me up at half past six", "i need a wake up call tomorrow at seven",
            "please give me a call at five thirty in the morning", "can you make sure i'm up by eight",
        ),
        "knowledge": (
            "what time is breakfast", "when do i have to check out", "is there wifi here", "what's the wifi password",
            "where is the swimming pool", "do you have a gym", "can i bring my dog", "where can i park my car",
            "can you keep my bags after i leave", "when does the bar close", "how much is a massage",
            "can i check out late",
            "is there a pharmacy nearby", "can i smoke in the room", "how do i do laundry",
        ),
    },
    "helpdesk": {
        "reset_password": (
            "i've forgotten my password", "my account is locked", "need my password reset please",
            "it won't let me log in",
            "i can't get into my computer it says wrong password",
        ),
        "open_ticket": (
            "my laptop won't start", "the printer on the second floor is jammed", "the internet is down",
            "i'd like to report a problem with my email", "outlook keeps crashing", "please raise a ticket it's urgent",
        ),
        "ticket_status": (
            "what's going on with my ticket", "has ticket four four one two been solved", "any update on my ticket",
            "i opened a ticket last week and want to know the status",
        ),
        "knowledge": (
            "how do i connect to the v p n", "what is the guest wifi password", "how do i print something",
            "how do i get a new laptop", "i lost my phone", "i got a strange email", "how do i request software",
            "what are your opening hours", "can i have a second monitor", "i clicked on a link in a bad email",
        ),
    },
}  # fmt: skip
ANYWHERE: Final[dict[str, tuple[str, ...]]] = {
    "goodbye": ("okay bye now", "that's everything thanks"),
    "person": ("can i please talk to a real human", "i'd like to speak with someone",
    "could you transfer me to a colleague"),
    "repeat": ("what was that", "could you say that once more", "sorry can you repeat"),
    "cancel": ("oh never mind then", "forget that please"),
    "yes": ("yes that's correct", "yeah sure"),
    "no": ("no that's not right", "no thank you"),
    "help": ("what can you do for me", "what are the options"),
    "greeting": ("hello there", "good afternoon"),
    "thanks": ("thank you so much",),
    "none": (
        "is there life on mars", "i want to fly a kite", "tell me about the roman empire", "how do i cook rice",
        "my neighbour has a loud drum kit", "can you order me a burger", "what is your favourite film",
        "do you believe in ghosts", "please turn off the kitchen light", "how much does an elephant weigh",
        "i need to buy some milk", "when was the french revolution", "can you help me with my homework",
        "the weather is lovely", "who is your boss", "what's the best way to learn the piano",
        "i'd like to invest in gold",
        "how many people live in china", "read me the news", "what do you want for christmas", "i feel sick",
        "why is the sky blue", "blue elephants dance at midnight", "do you know a good dentist",
        "my sister plays the violin",
    ),
}  # fmt: skip

"""The tools of an agent that talks at length. They keep nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

Tour = Literal["harbor", "castle", "river"]

TEXTS: dict[Tour, str] = {
    "harbor": (
        "The harbor tour begins at the old custom house and follows the water for about two miles. You will see the "
        "fishing boats come in, the market hall, and the lighthouse at the end of the long pier. Half way there is a "
        "coffee house where the captains used to wait for the tide."
    ),
    "castle": (
        "The castle tour takes the whole morning and starts at the lower gate. First we see the stables and the great "
        "kitchen, where the bread was made for four hundred people. Then we climb to the hall of mirrors and the small "
        "library above it, and at the end you may stay in the park."
    ),
    "river": (
        "The river tour is made by boat and lasts about two hours. We leave from the stone bridge and go up to the "
        "mills, which still turn on most days of the summer. On the way back the boat stops at the abbey, where the "
        "brothers make cheese and honey."
    ),
}


def describe_tour(tour: Tour) -> dict[str, Any]:
    """Describe one of the tours.

    Args:
        tour: Which one.
    """
    return {"text": TEXTS[tour]}


def book_tour(date: dt.date) -> dict[str, Any]:
    """Book a place on a tour.

    Args:
        date: The day of the tour.
    """
    text = (
        "Please be at the custom house ten minutes before we start, and wear good shoes. If it should rain we will "
        "give you an umbrella. You can pay on the day in cash or by card, and there is nothing to print."
    )
    return {"day": f"{date:%A}, {date:%B} {date.day}", "text": text}

"""Common names of callers, for the recogniser to lean towards where a name is expected. No limit on who may call."""

from __future__ import annotations

from itertools import cycle, islice
from typing import Final

FIRST_NAMES: Final = tuple(
    "alice james maria david sarah michael emma john anna robert laura thomas susan peter mary paul linda george helen "
    "daniel kate martin julia frank grace henry rachel oliver sophie carlos william jennifer richard elizabeth joseph "
    "jessica charles karen christopher nancy matthew lisa anthony betty mark margaret donald sandra steven ashley "
    "andrew kimberly kenneth emily joshua donna kevin michelle brian carol amanda edward melissa jason deborah jack "
    "stephanie ryan rebecca jacob gary cynthia nicholas kathleen eric amy jonathan angela stephen larry justin scott "
    "pamela brandon samantha benjamin katherine samuel christine gregory debra alexander patrick catherine hannah "
    "victoria charlotte lucy tom ben sam joe nick alex chris mike steve dave jane ruth claire simon adam philip".split()
)
LAST_NAMES: Final = tuple(
    "smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson "
    "anderson thomas taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez lewis robinson "
    "walker young allen king wright scott torres nguyen hill flores green adams nelson baker hall rivera campbell "
    "mitchell carter roberts evans turner parker collins edwards stewart morris murphy cook rogers morgan peterson "
    "cooper reed bailey bell kelly howard ward cox richardson wood watson brooks bennett gray james hughes price "
    "myers long foster sanders ross powell sullivan russell fisher hamilton graham wallace west cole hunter mason "
    "patel khan singh shaw harvey palmer mills knight marshall ellis chapman webb simpson stevens fox gibson".split()
)


def full_names(count: int) -> list[str]:
    """First and last names paired; all of them come up when ``count`` is large enough."""
    return [
        f"{first} {last}" for first, last in islice(zip(cycle(FIRST_NAMES), cycle(LAST_NAMES), strict=False), count)
    ]

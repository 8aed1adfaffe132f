"""The order and the time of the suite: unit tests run first and stay quick, what is slow comes last."""

from __future__ import annotations

import gc
import time
from collections.abc import Generator

import pytest
from hypothesis import settings

# How long an example takes says more about the machine than about the code.
settings.register_profile("suite", parent=settings.default, deadline=None)
settings.load_profile("suite")

UNIT_BUDGET_S = 10
UNIT_LIMIT_S = 60
"""Past this the run fails even on a machine that is busy with other things."""

ON_THE_EMBEDDED_MODEL = {
    "test_demo.py",
    "test_local_model.py",
    "test_our_command.py",
    "test_real_call.py",
    "test_realtime_javascript.py",  # installs what the next one uses
    "test_realtime_speech.py",
}

_unit_took = pytest.StashKey[float]()


def _is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None


def _is_unit(item: pytest.Item) -> bool:
    return "unit" in item.path.parts and not _is_slow(item)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: (_is_slow(item), not _is_unit(item)))
    for item in items:
        if _is_slow(item):
            item.add_marker(pytest.mark.xdist_group(_group_of(item)))


def _group_of(item: pytest.Item) -> str:
    """Slow tests mostly wait, and several processes wait together. Those on the embedded model compute, in real time:
    they stay on one process, one after the other.
    """
    file = item.path.name
    return "embedded" if file in ON_THE_EMBEDDED_MODEL or "local" in item.path.parts else file


def pytest_collection_finish() -> None:
    """What was imported and collected stays: going through it again and again costs a tenth of the suite."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    began = time.perf_counter()
    result = yield
    if _is_unit(item):
        stash = item.config.stash
        stash[_unit_took] = stash.get(_unit_took, 0.0) + time.perf_counter() - began
    return result


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.OK and session.config.stash.get(_unit_took, 0) > UNIT_LIMIT_S:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    took = config.stash.get(_unit_took, 0)
    if took > UNIT_BUDGET_S:
        limit = f"; more than {UNIT_LIMIT_S} s fails" if took > UNIT_LIMIT_S else ""
        terminalreporter.write_line(
            f"The unit suite took {took:.1f} s; its budget is {UNIT_BUDGET_S} s{limit}.", red=True
        )

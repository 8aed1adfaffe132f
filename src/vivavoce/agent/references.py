"""Finds the function that an agent file names: ``tools:find_cars`` is ``find_cars`` in ``tools.py`` beside the file."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from vivavoce.agent.problems import did_you_mean
from vivavoce.errors import AgentFileError


class Modules:
    """The modules that one agent file names, each run once.

    A module beside the file is known to Python under a name of its own, made from its path: two agents may both have a
    ``tools.py``, and neither hides an installed module. Reading the agent file again runs it again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: dict[str, ModuleType | AgentFileError] = {}

    def function(self, reference: str) -> Callable[..., Any]:
        """What ``module:function`` stands for. :class:`AgentFileError` says why there is no such thing."""
        module_name, _, name = reference.partition(":")
        module = self._module(module_name)
        function = vars(module).get(name)
        if function is None:
            known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
            raise AgentFileError(f"there is no function {name} in {module_name}", hint=did_you_mean(name, known))
        if not callable(function):
            raise AgentFileError(f"{name} in {module_name} is not a function")
        found: Callable[..., Any] = function
        return found

    def _module(self, name: str) -> ModuleType:
        if name not in self._loaded:
            try:
                self._loaded[name] = self._load(name)
            except AgentFileError as error:
                self._loaded[name] = error
        loaded = self._loaded[name]
        if isinstance(loaded, AgentFileError):
            raise loaded
        return loaded

    def _load(self, name: str) -> ModuleType:
        beside = self._folder.joinpath(*name.split("."))
        for file in (beside.with_suffix(".py"), beside / "__init__.py"):
            if file.is_file():
                return _run(file.resolve())
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise _import_fault(name, error) from error
            raise AgentFileError(
                f"there is no module {name}", hint=f"looked for {beside.with_suffix('.py')}, then for an installed one"
            ) from None
        except (Exception, SystemExit) as error:
            raise _import_fault(name, error) from error


def _run(file: Path) -> ModuleType:
    """Runs a file as a module. It is registered because dataclasses and pickle look their module up there."""
    name = f"_vivavoce_tools_{hashlib.sha256(str(file).encode()).hexdigest()[:16]}"
    folders = [str(file.parent)] if file.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=folders)
    assert spec is not None, "a .py file always has a loader"
    assert spec.loader is not None, "a .py file always has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _import_fault(file.name, error, file) from error
    return module


def _import_fault(name: str, error: BaseException, file: Path | None = None) -> AgentFileError:
    """Names the line of the user's own file, where the error passed through it."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    if file and line is None:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((frame.lineno for frame in reversed(frames) if Path(frame.filename) == file), None)
    place = f"{name}:{line}" if line else name
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return AgentFileError(f"{place} cannot be imported: {type(error).__name__}: {text}".removesuffix(": "))

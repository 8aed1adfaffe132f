"""What a package offers is what its ``__all__`` says, and every module can be imported by itself."""

from __future__ import annotations

import ast
import importlib
from types import ModuleType

import pytest

from tests.house.source import Module, modules

OURS = {
    module.path.removeprefix("src/").removesuffix(".py").replace("/", ".").removesuffix(".__init__"): module
    for module in modules("src/vivavoce/")
    if not module.path.endswith("__main__.py")
}


def imported_names(module: Module) -> set[str]:
    """What a package takes from its own modules, to offer it under its own name."""
    return {
        alias.asname or alias.name
        for node in module.tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vivavoce")
        for alias in node.names
    }


def names_of(module: ModuleType) -> list[str]:
    return list(getattr(module, "__all__", ()))


@pytest.mark.parametrize("name", OURS)
def test_names_offered_exist_once(name: str) -> None:
    module = importlib.import_module(name)
    offered = names_of(module)
    assert [export for export in offered if not hasattr(module, export)] == []
    assert len(offered) == len(set(offered))
    assert [export for export in offered if export.startswith("_") and export != "__version__"] == []


@pytest.mark.parametrize("name", [name for name, module in OURS.items() if module.path.endswith("__init__.py")])
def test_package_lists_what_it_offers(name: str) -> None:
    module = importlib.import_module(name)
    from_below = {
        export for export in imported_names(OURS[name]) if not isinstance(getattr(module, export), ModuleType)
    }
    used_here = {node.id for node in ast.walk(OURS[name].tree) if isinstance(node, ast.Name)}
    assert from_below - used_here <= set(names_of(module))


def test_private_modules_stay_private() -> None:
    """``_name`` is for the package it is in."""
    breaches = []
    for name, module in OURS.items():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vivavoce"):
                parts = str(node.module).split(".")
                private = [
                    alias.name for alias in node.names if alias.name.startswith("_") and alias.name != "__version__"
                ]
                foreign = [
                    part
                    for index, part in enumerate(parts)
                    if part.startswith("_") and not name.startswith(".".join(parts[:index]))
                ]
                if private or foreign:
                    breaches.append(f"{module.path}:{node.lineno}: {node.module} {private}")
    assert breaches == []

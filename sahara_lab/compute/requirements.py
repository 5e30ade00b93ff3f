"""What a cell imports, locked to the versions of the notebook: so that a cluster can be asked before anything runs."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_LARGEST_FILE = 1 << 20


@dataclass(frozen=True)
class Requirements:
    """Imports of a cell and of the earlier cells that travel with it."""

    lock: dict[str, str] = field(default_factory=dict)
    """Imported package -> ``distribution==version``."""
    files: dict[str, str] = field(default_factory=dict)
    """The person's own modules beside the notebook: path in its folder -> text."""


def requirements(sources: Iterable[str], folder: Path) -> Requirements:
    """Find what these sources import: installed packages with their versions, and modules that lie in ``folder``."""
    from importlib.metadata import packages_distributions, version

    distributions = packages_distributions()
    lock: dict[str, str] = {}
    files: dict[str, str] = {}
    for name in sorted({name for source in sources for name in imported(source)}):
        if name in sys.stdlib_module_names:
            continue
        own = _own(folder, name)
        if own:
            files |= own
        elif name in distributions:
            distribution = distributions[name][0]
            lock[name] = f"{distribution}=={version(distribution)}"
        else:
            lock[name] = name
    return Requirements(lock, files)


def imported(source: str) -> set[str]:
    """Top-level names of all modules that a source imports, also inside functions; none if it is not Python."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def missing(lock: dict[str, str]) -> list[str]:
    """Of a lock, what cannot be imported in this process."""
    from importlib.util import find_spec

    return [pin for name, pin in lock.items() if find_spec(name) is None]


def _own(folder: Path, name: str) -> dict[str, str]:
    module, package = folder / f"{name}.py", folder / name
    paths = [module] if module.is_file() else list(package.rglob("*.py")) if (package / "__init__.py").is_file() else []
    return {
        str(path.relative_to(folder)): path.read_text("utf-8") for path in paths if path.stat().st_size <= _LARGEST_FILE
    }

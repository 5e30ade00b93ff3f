"""What a cell needs from the notebook: found by reading the cell, then pickled once."""

from __future__ import annotations

import ast
import builtins
import linecache
import symtable
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from sahara_lab.errors import JobError

_LARGEST = 1 << 30
_DEPTH = 3
_NOTEBOOK_ONLY = ("get_ipython", "display", "exit", "quit", "In", "Out")


@dataclass(frozen=True)
class CapturedName:
    """One notebook variable that travels to the workers."""

    name: str
    type: str
    size: int


@dataclass(frozen=True)
class Captured:
    """A cell with everything it needs from the notebook."""

    source: str
    names: tuple[CapturedName, ...]
    blob: bytes
    sources: Mapping[str, str]
    """Text of the earlier cells whose functions and classes travel along, so that tracebacks can quote them."""

    @property
    def size(self) -> int:
        return len(self.blob)

    def __repr__(self) -> str:
        names = ", ".join(f"{item.name} ({readable_size(item.size)})" for item in self.names)
        return f"Captured({names or 'nothing'})"


def capture(source: str, namespace: Mapping[str, Any]) -> Captured:
    """Pickle the variables that ``source`` reads and ``namespace`` has.

    Classes and functions defined in the notebook travel by value; installed modules by name.

    Raises:
        JobError: the cell is not Python, or a variable cannot be pickled; names it and its type.
    """
    import cloudpickle

    hard, soft = free_names(source)
    values: dict[str, Any] = {}
    names: list[CapturedName] = []
    for name in sorted((hard | soft) & set(namespace)):
        value = namespace[name]
        try:
            size = len(cloudpickle.dumps(value))
        except Exception as error:  # pickling runs the objects' own code: anything may come out
            if name in soft:
                continue
            raise _cannot_travel(name, value, error) from error
        values[name] = value
        names.append(CapturedName(name, type(value).__name__, size))
    blob = cloudpickle.dumps(values)  # all in one, so that objects shared between variables stay shared
    if len(blob) > _LARGEST:
        largest = max(names, key=lambda item: item.size)
        raise JobError(
            f"the cell uses {readable_size(len(blob))} of notebook variables, most of it in "
            f"'{largest.name}' ({readable_size(largest.size)}); at most {readable_size(_LARGEST)} can be sent",
            hint="Read the data inside the cell, from a file or a vault:// path",
        )
    return Captured(source, tuple(names), blob, _earlier_cells(values))


def free_names(source: str) -> tuple[set[str], set[str]]:
    """Names the cell reads: those it surely needs from outside, and those it may have assigned itself before.

    Raises:
        JobError: the source is not valid Python.
    """
    try:
        tree = ast.parse(source)
        table = symtable.symtable(source, "<cell>", "exec")
    except SyntaxError as error:
        raise _not_python(source, error) from error
    walker = _TopLevel()
    for statement in tree.body:
        walker.visit(statement)
    hard, soft = set(walker.hard), set(walker.soft)
    for name, line in _inner_reads(table):
        assigned_at = walker.definite.get(name)
        if assigned_at is not None and assigned_at < line:
            continue
        (soft if assigned_at is not None or name in walker.maybe else hard).add(name)
    known = {*dir(builtins), *_NOTEBOOK_ONLY}
    hard -= known
    return hard, soft - hard - known


class _TopLevel(ast.NodeVisitor):
    """Reads and writes of the cell's own scope, in the order in which they happen."""

    def __init__(self) -> None:
        self.definite: dict[str, int] = {}
        self.maybe: set[str] = set()
        self.hard: set[str] = set()
        self.soft: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._read(node.id)
        elif isinstance(node.ctx, ast.Store):
            self._write(node.id, node.lineno)
        else:
            self._read(node.id)
            self.definite.pop(node.id, None)

    def _read(self, name: str) -> None:
        if name in self.definite:
            return
        (self.soft if name in self.maybe else self.hard).add(name)

    def _write(self, name: str, line: int) -> None:
        self.definite.setdefault(name, line)
        self.maybe.add(name)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
            self.visit(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        if isinstance(node.target, ast.Name):
            self._read(node.target.id)
        self.visit(node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.visit(node.target)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._write((alias.asname or alias.name).partition(".")[0], node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self._write(alias.asname or alias.name, node.lineno)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults]:
            if part is not None:
                self.visit(part)
        self._write(node.name, node.lineno)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in [*node.args.defaults, *node.args.kw_defaults]:
            if part is not None:
                self.visit(part)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]:
            self.visit(part)
        self._write(node.name, node.lineno)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        self.visit(node.generators[0].iter)  # the only part that belongs to this scope

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _comprehension

    def _branches(self, *blocks: list[ast.stmt]) -> None:
        before = dict(self.definite)
        ends: list[dict[str, int]] = []
        for block in blocks:
            self.definite = dict(before)
            for statement in block:
                self.visit(statement)
            ends.append(self.definite)
        self.definite = {name: line for name, line in ends[0].items() if all(name in end for end in ends)}

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self._branches(node.body, node.orelse)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        before = dict(self.definite)
        self.visit(node.target)
        for statement in node.body:
            self.visit(statement)
        self.definite = before
        for statement in node.orelse:
            self.visit(statement)

    visit_AsyncFor = visit_For

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self._branches(node.body, [])
        for statement in node.orelse:
            self.visit(statement)

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        self._branches([*node.body, *node.orelse], *([*handler.body] for handler in node.handlers))
        for statement in node.finalbody:
            self.visit(statement)

    visit_TryStar = visit_Try


def _inner_reads(table: symtable.SymbolTable) -> Iterator[tuple[str, int]]:
    """Global names read in functions, classes and comprehensions, with the line where that scope begins."""
    for child in table.get_children():
        line = child.get_lineno()
        for symbol in child.get_symbols():
            if symbol.is_global() and (symbol.is_referenced() or symbol.is_declared_global()):
                yield symbol.get_name(), line
        for name, _ in _inner_reads(child):
            yield name, line


def _not_python(source: str, error: SyntaxError) -> JobError:
    line = error.lineno or 1
    lines = source.splitlines()
    text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    if text.startswith(("%", "!")):
        return JobError(
            f"line {line} of the cell is a notebook command ('{text}'), which cannot run on workers",
            hint="Move it to a cell of its own",
        )
    return JobError(f"line {line} of the cell is not Python: {error.msg} ('{text}')", hint="Correct the cell")


def _cannot_travel(name: str, value: Any, error: Exception) -> JobError:
    path, culprit = _culprit(name, value)
    kind = _type_name(culprit)
    where = f"'{name}' ({kind})" if path == name else f"'{name}' ({_type_name(value)}), because of {path} ({kind}),"
    return JobError(
        f"the variable {where} cannot be sent to the workers: {type(error).__name__}: {error}",
        hint="Create it inside the cell",
    )


def _culprit(path: str, value: Any, depth: int = 0) -> tuple[str, Any]:
    """The innermost part of ``value`` that cannot be pickled, as far as it can be found by looking inside."""
    import cloudpickle

    if depth == _DEPTH or isinstance(value, ModuleType | type):
        return path, value
    if isinstance(value, dict):
        parts = [(f"{path}[{key!r}]", part) for key, part in list(value.items())[:64]]
    elif isinstance(value, list | tuple | set):
        parts = [(f"{path}[{index}]", part) for index, part in enumerate(list(value)[:64])]
    else:
        parts = [(f"{path}.{key}", part) for key, part in list(getattr(value, "__dict__", {}).items())[:64]]
    for part_path, part in parts:
        try:
            cloudpickle.dumps(part)
        except Exception:
            return _culprit(part_path, part, depth + 1)
    return path, value


def _type_name(value: Any) -> str:
    kind = type(value)
    return (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )


def _earlier_cells(values: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in values.values():
        kind = value if isinstance(value, type | FunctionType) else type(value)
        if getattr(kind, "__module__", "") != "__main__":
            continue
        members = vars(kind).values() if isinstance(kind, type) else [kind]
        for member in members:
            code = getattr(member, "__code__", None)
            if code is not None and code.co_filename not in found:
                text = "".join(linecache.getlines(code.co_filename))
                if text:
                    found[code.co_filename] = text
    return found


def readable_size(size: int) -> str:
    """``1536`` as ``1.5 kB``."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"

"""Typed Python handles from the compiler's output: one module per contract, one for the structs they share.

Used by ``export_artifacts.py``. The text is what `ruff format` makes of it, so that a fresh build compares by bytes.
Descriptions come from NatSpec's ``@notice``; what inherited contracts document with ``@dev`` alone is left out.
"""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Entry = dict[str, Any]

#: Names that every handle has already, and those of tuples, which are the base of structs and events.
_TAKEN = {"address", "contract", "logs", "among", "chain"}
_TAKEN_FIELDS = {"count", "index"}
_WIDTH = 110
ROOT = Path(__file__).resolve().parents[2]


def modules(built: dict[str, Entry]) -> dict[str, str]:
    """File name to Python source, from contract name to what the compiler wrote about it."""
    structs = _structs(built)
    written = {f"{snake(name)}.py": _contract(name, found, structs) for name, found in built.items()}
    written["structs.py"] = _struct_module(structs)
    written["notices.py"] = _notices(built)
    written["__init__.py"] = _door(built)
    return {name: _formatted(text) for name, text in written.items()}


def snake(name: str) -> str:
    """``maxRoyaltyBps`` as ``max_royalty_bps``; names in capitals stay as they are."""
    if name == name.upper():
        return name
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


# -- types ---------------------------------------------------------------------------------------------------------


def canonical(entry: Entry) -> str:
    """The type as it stands in a signature, tuples written out."""
    kind = str(entry["type"])
    if kind.startswith("tuple"):
        return f"({','.join(canonical(part) for part in entry['components'])}){kind[len('tuple') :]}"
    return kind


def signature(entry: Entry) -> str:
    return f"{entry['name']}({','.join(canonical(part) for part in entry['inputs'])})"


def _python(entry: Entry, structs: dict[str, tuple[str, Entry]], many: str = "Sequence") -> str:
    kind = str(entry["type"])
    if kind.endswith("]"):
        return f"{many}[{_python({**entry, 'type': kind[: kind.rindex('[')]}, structs, many)}]"
    if kind == "tuple":
        return structs[_path(entry)][0]
    if kind.startswith(("uint", "int")):
        return "int"
    return {"address": "str", "string": "str", "bool": "bool"}.get(kind, "bytes")


def _path(entry: Entry) -> str:
    """``ILicenseTerms.Terms`` from ``struct ILicenseTerms.Terms[]``."""
    return re.sub(r"\[\d*\]", "", entry["internalType"].removeprefix("struct "))


def _structs(built: dict[str, Entry]) -> dict[str, tuple[str, Entry]]:
    """Every struct by its path: the name of its class, and its entry; inner ones before those that hold them."""
    found: dict[str, Entry] = {}

    def visit(entry: Entry) -> None:
        for part in entry.get("components", ()):
            visit(part)
        if "components" in entry:
            found.setdefault(_path(entry), entry)

    for name in sorted(built):
        for item in built[name]["abi"]:
            for entry in (*item.get("inputs", ()), *item.get("outputs", ())):
                visit(entry)
    shared = Counter(path.rpartition(".")[2] for path in found)
    return {
        path: (path.replace(".", "") if shared[path.rpartition(".")[2]] > 1 else path.rpartition(".")[2], entry)
        for path, entry in found.items()
    }


def _names(entries: Iterable[Entry], taken: set[str]) -> list[str]:
    """Python names of parameters or fields: no keywords, nothing twice, none missing."""
    names: list[str] = []
    for place, entry in enumerate(entries):
        name = snake(entry["name"].strip("_")) or f"arg{place}"
        while keyword.iskeyword(name) or name in taken or name in names:
            name += "_"
        names.append(name)
    return names


# -- text ----------------------------------------------------------------------------------------------------------


def _doc(text: str, depth: int, more: Iterable[str] = ()) -> str:
    """A docstring; ``more`` are further paragraphs."""
    pad = " " * 4 * depth
    blocks = [text, *more]
    lines = "\n\n".join(
        "\n".join(textwrap.wrap(" ".join(block.split()), _WIDTH - len(pad), break_long_words=False)) for block in blocks
    ).replace("\\", "\\\\")
    body = textwrap.indent(lines.replace('"""', "'''"), pad).lstrip()
    return f'{pad}"""{body}"""\n' if "\n" not in body else f'{pad}"""{body}\n{pad}"""\n'


def _sentence(text: str) -> str:
    """A notice with a period; internal marks of the library's documentation are no notices."""
    text = " ".join(text.split())
    if not text or text.startswith("module:"):
        return ""
    return text if text.endswith((".", "!", "?")) else text + "."


def _notice(found: Entry, section: str, of: str) -> str:
    entry = found["userdoc"].get(section, {}).get(of, {})
    entry = entry[0] if isinstance(entry, list) and entry else entry or {}
    return _sentence(entry.get("notice", ""))


def _record(name: str, entries: list[Entry], doc: str, structs: dict[str, tuple[str, Entry]], many: str) -> str:
    fields = zip(_names(entries, _TAKEN_FIELDS), entries, strict=True)
    rows = "".join(f"    {field}: {_python(entry, structs, many)}\n" for field, entry in fields)
    return f"class {name}(NamedTuple):\n{_doc(doc, 1)}\n{rows}\n\n"


def _struct_module(structs: dict[str, tuple[str, Entry]]) -> str:
    text = '"""Structs that the contracts take and give; made from their ABI by contracts/tools/handles.py."""\n\n'
    text += (
        "from __future__ import annotations\n\nfrom collections.abc import Sequence\nfrom typing import NamedTuple\n\n"
    )
    for path, (name, entry) in structs.items():
        text += _record(name, entry["components"], f"``{path}``.", structs, "Sequence")
    listed = "".join(f'    "{path}": {name},\n' for path, (name, _) in structs.items())
    return f"{text}\n#: Class by the name that the ABI gives the struct.\nSTRUCTS = {{\n{listed}}}\n"


def _notices(built: dict[str, Entry]) -> str:
    """What the contracts' sources say about each custom error."""
    notices = {
        item["name"]: notice
        for name in sorted(built)
        for item in built[name]["abi"]
        if item["type"] == "error" and (notice := _notice(built[name], "errors", signature(item)))
    }
    rows = "".join(f"    {name!r}: {notices[name]!r},\n" for name in sorted(notices))
    return (
        '"""What the contracts say about their errors; made from their sources by contracts/tools/handles.py."""\n\n'
        f"NOTICES = {{\n{rows}}}\n"
    )


def _door(built: dict[str, Entry]) -> str:
    names = sorted(built)
    imports = "".join(f"    from sahara_lab.chain.handles.{snake(name)} import {name}\n" for name in names)
    return f'''"""Typed handles of the contracts; each loads when first used. Made by contracts/tools/handles.py."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
{imports}

_HOMES = {{{", ".join(f'"{name}": "{snake(name)}"' for name in names)}}}

__all__ = [{", ".join(f'"{name}"' for name in names)}]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{{__name__}}.{{_HOMES[name]}}"), name)
    raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")
'''


# -- one contract --------------------------------------------------------------------------------------------------


def _contract(name: str, found: Entry, structs: dict[str, tuple[str, Entry]]) -> str:
    by_type = {kind: [e for e in found["abi"] if e["type"] == kind] for kind in ("function", "event")}
    functions = _functions(by_type["function"])
    title = _sentence(found["devdoc"].get("title", "")) or f"The contract {name}."
    records = ""
    for entry in sorted(by_type["event"], key=lambda e: str(e["name"])):
        doc = _notice(found, "events", signature(entry)) or f"``{signature(entry)}``."
        records += _record(entry["name"], _hashed(entry["inputs"]), doc, structs, "list")
    results = ""
    methods = ""
    for method, entry in functions:
        outputs = entry["outputs"]
        if len(outputs) > 1:
            results += _record(_result(entry), outputs, f"What ``{signature(entry)}`` gives.", structs, "list")
        methods += _method(method, entry, found, structs)
    body = records + results
    head = f"class {name}(Handle):\n{_doc(title, 1)}\n    CONTRACT = {name!r}\n\n"
    text = body + head + methods
    used = sorted(struct for struct, _ in structs.values() if re.search(rf"\b{struct}\b", body + methods))
    imports = ["from __future__ import annotations\n"]
    if re.search(r"\bSequence\[", text):
        imports.append("from collections.abc import Sequence")
    if "(NamedTuple)" in text:
        imports.append("from typing import NamedTuple")
    imports.append(f"\nfrom sahara_lab.chain.handle import Handle{', View' if '-> View[' in methods else ''}")
    if "-> Call:" in methods:
        imports.append("from sahara_lab.chain.orders import Call")
    if used:
        imports.append(f"from sahara_lab.chain.handles.structs import {', '.join(used)}")
    made = _doc(title, 0, [f"Made from the ABI and NatSpec of {name} by contracts/tools/handles.py."])
    return made + "\n" + "\n".join(imports) + "\n\n" + text


def _hashed(inputs: list[Entry]) -> list[Entry]:
    """An event's arguments as a log has them: an indexed one of dynamic type is its hash."""
    dynamic = ("string", "bytes", "tuple")
    return [
        {**entry, "type": "bytes32"}
        if entry["indexed"] and (entry["type"] in dynamic or entry["type"].endswith("]"))
        else entry
        for entry in inputs
    ]


def _functions(entries: list[Entry]) -> list[tuple[str, Entry]]:
    """Method names. Of overloaded functions the shortest keeps the name; others say what they take besides."""
    named: dict[str, Entry] = {}
    shortest: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda e: (e["name"], len(e["inputs"]), signature(e))):
        first = shortest.setdefault(entry["name"], entry)
        name = snake(entry["name"])
        if first is not entry:
            had = {part["name"] for part in first["inputs"]}
            extra = [snake(part["name"]) for part in entry["inputs"] if part["name"] not in had]
            name += "_with_" + "_".join(extra or ["other_types"])
        while keyword.iskeyword(name) or name in _TAKEN or name in named:
            name += "_"
        named[name] = entry
    return sorted(named.items())


def _result(entry: Entry) -> str:
    return entry["name"][0].upper() + entry["name"][1:] + "Result"


def _method(method: str, entry: Entry, found: Entry, structs: dict[str, tuple[str, Entry]]) -> str:
    names = _names(entry["inputs"], {"self"})
    given = [f"{name}: {_python(part, structs)}" for name, part in zip(names, entry["inputs"], strict=True)]
    outputs = entry["outputs"]
    view = entry["stateMutability"] in ("view", "pure")
    gives = _result(entry) if len(outputs) > 1 else _python(outputs[0], structs, "list") if outputs else "None"
    kind = f"View[{gives}]" if view else "Call"
    if view:
        arguments = ", ".join(["self", f'"{signature(entry)}"', *names])
        made = f"View({arguments}{f', result={gives}' if len(outputs) > 1 else ''})"
    else:
        given_on = f", ({', '.join(names)}{',' if len(names) == 1 else ''})" if names else ""
        made = f'Call(self.contract, "{entry["name"]}"{given_on})'
    return (
        f"    def {method}({', '.join(['self', *given])}) -> {kind}:\n"
        f"{_method_doc(entry, found, view)}        return {made}\n\n"
    )


def _method_doc(entry: Entry, found: Entry, view: bool) -> str:
    of = signature(entry)
    notice = _notice(found, "methods", of)
    dev = found["devdoc"].get("methods", {}).get(of, {})
    returns = [_sentence(text) for text in dev.get("returns", {}).values()]
    if not notice:
        returned = returns[0] if len(returns) == 1 and view else ""
        return _doc(returned or f"``{of}``.", 2)
    more = [_sentence(dev["details"])] if "details" in dev else []
    more += [f"{snake(name)}: {_sentence(text)}" for name, text in dev.get("params", {}).items()]
    return _doc(notice, 2, more)


def _formatted(text: str) -> str:
    """Through ruff, with the project's settings."""
    place = ["--stdin-filename", "sahara_lab/chain/handles/made.py", "-"]
    for step in (["check", "--quiet", "--fix-only", "--select", "I"], ["format", "--quiet"]):
        command = [sys.executable, "-m", "ruff", *step, *place]
        text = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=True).stdout
    return text

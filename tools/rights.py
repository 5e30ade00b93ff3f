"""Who may call what: draws ``contracts/rights.json`` into docs/spec/contracts.md.

    python tools/rights.py            # write
    python tools/rights.py --check    # exit 1 when the page differs

That file and contracts agree is tested on a chain: tests/chain/test_rights.py.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RIGHTS = ROOT / "contracts" / "rights.json"
PAGE = ROOT / "docs" / "spec" / "contracts.md"
BEGIN, END = "<!-- rights: begin -->\n", "<!-- rights: end -->\n"
PUBLIC = ("anyone", "anyone, for oneself")

Rights = dict[str, dict[str, list[str]]]


def read() -> Rights:
    """Contract to caller to the functions that the caller may call."""
    found: Rights = json.loads(RIGHTS.read_text(encoding="utf-8"))
    return found


def drawn(rights: Rights) -> str:
    """A flowchart of what is not open to everyone, and a table of everything."""
    edges = [(caller, contract) for contract, callers in rights.items() for caller in callers if caller not in PUBLIC]
    names = list(dict.fromkeys([*(caller for caller, _ in edges), *(contract for _, contract in edges)]))
    node = {name: f"n{number}" for number, name in enumerate(names)}
    lines = ["```mermaid", "flowchart LR"]
    lines += [f"    {node[name]}{_box(name, rights)}" for name in names]
    for caller, contract in edges:
        lines.append(f'    {node[caller]} -->|"{"<br/>".join(rights[contract][caller])}"| {node[contract]}')
    lines += ["```", "", "| contract | caller | may call |", "| --- | --- | --- |"]
    for contract, callers in rights.items():
        for caller, functions in callers.items():
            lines.append(f"| `{contract}` | {caller} | {', '.join(f'`{name}`' for name in functions)} |")
    return "\n".join(lines) + "\n"


def _box(name: str, rights: Rights) -> str:
    return f'["{name}"]' if name in rights else f'(["{name}"])'


def page(text: str) -> str:
    """The page with the drawing between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{drawn(read())}\n{END}{after}"


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    fresh = page(text)
    if "--check" in sys.argv[1:]:
        if fresh != text:
            sys.exit("docs/spec/contracts.md does not show contracts/rights.json. Run: python tools/rights.py")
        return
    PAGE.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()

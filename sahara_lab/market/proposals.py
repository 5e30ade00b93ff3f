"""A whole listing proposed from what lies in a folder, so that publishing is mostly checking."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from sahara_lab.display import bundle, table, text_table
from sahara_lab.errors import InputError
from sahara_lab.licensing.terms import License
from sahara_lab.market.metadata import DataStatement, Malformed, Summary, parse_summary
from sahara_lab.market.metadata.files import FileEntry, columns, walk
from sahara_lab.market.metadata.reading import MAX_DOCUMENT
from sahara_lab.market.values import format_size
from sahara_lab.vault.source import Lazy

CARD = "README.md"
CROISSANT = ("croissant.json", "metadata.json")

_WEIGHTS = {".safetensors", ".gguf", ".onnx", ".pt", ".pth", ".ckpt", ".bin"}
#: Formats that may run code when they are loaded.
_PICKLED = {".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".joblib"}
_DATA = {".csv", ".tsv", ".parquet", ".jsonl", ".arrow", ".feather"}
_OPEN = {"mit", "apache-2.0", "bsd-3-clause", "bsd-2-clause", "cc0-1.0", "cc-by-4.0", "unlicense", "odc-by", "pddl"}
_RESEARCH = {"cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nc-3.0", "cc-by-nc-nd-4.0"}


@dataclass(frozen=True)
class Proposal:
    """What a listing could say, and what a person should look at before it does.

    Attributes:
        license: terms that come nearest to the license that is named; None where there is none or it is unknown.
        derived: what the card says it is made from, where these are no assets that can be linked as parents.
        checks: what is missing or doubtful, one sentence each.
    """

    source: Path
    name: str
    kind: str
    title: str
    description: str
    tags: tuple[str, ...]
    task: str
    license: License | None
    named_license: str
    derived: tuple[str, ...]
    parents: tuple[str, ...]
    statement: DataStatement
    size: int
    files: int
    checks: tuple[str, ...]

    @property
    def listing(self) -> dict[str, Any]:
        """Arguments for :meth:`sahara_lab.market.Market.publish`, without the license: that is a decision."""
        names = ("name", "kind", "title", "description", "tags", "task", "parents", "statement")
        return {name: getattr(self, name) for name in names}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        shown = self.license.summary if self.license else "choose one"
        rows = [
            ("Name", self.name),
            ("Kind", self.kind),
            ("Title", self.title),
            ("Description", self.description[:300]),
            ("Tags", ", ".join(self.tags)),
            ("Task", self.task),
            ("License", f"{shown} (the files say {self.named_license})" if self.named_license else shown),
            ("Files", f"{self.files}, {format_size(self.size)}"),
            *(("Check", check) for check in self.checks),
        ]
        headers = ("Field", "Proposed")
        return bundle(text_table(headers, rows), table(headers, rows, caption=f"Proposed from {self.source}"))


def propose(source: Path) -> Proposal:
    """Read what is there, and nothing that runs.

    Args:
        source: a folder, a file, a Hugging Face snapshot (a folder with a card), or a Croissant file in its folder.

    Raises:
        InputError: there is nothing to publish.
    """
    if not source.exists():
        raise InputError(f"there is no file or folder {str(source)!r}")
    described = _is_croissant(source.name, source.read_bytes()[: MAX_DOCUMENT + 1]) if source.is_file() else False
    folder = source.parent if described else source
    entries = walk(folder if folder.is_dir() else {folder.name: folder})
    if not entries:
        raise InputError(f"{str(source)!r} holds no files", hint=_linked(folder))
    return _proposal(folder, entries, (source.name,) if described else CROISSANT)


def propose_files(name: str, files: Mapping[str, Lazy]) -> Proposal:
    """The same for files that are on their way here under a folder's or a file's ``name``.

    Args:
        files: by their paths. Documents must give all of their content, tables only what tells their columns: the
            first rows of a CSV file, the end of a Parquet file.

    Raises:
        InputError: there is nothing to publish.
    """
    entries = walk(files)
    if not entries:
        raise InputError("there are no files")
    return _proposal(Path(name), entries, CROISSANT)


def _proposal(source: Path, entries: Sequence[FileEntry], croissants: Sequence[str]) -> Proposal:
    documents = {entry.path: entry for entry in entries if entry.size <= MAX_DOCUMENT}
    front, card = _card(documents.get(CARD))
    contents = ((path, _read(documents[path])) for path in croissants if path in documents)
    croissant = next(((path, data) for path, data in contents if _is_croissant(path, data)), None)
    document = orjson.loads(croissant[1]) if croissant else {}
    said = _summary(*croissant) if croissant else card
    named = str(front.get("license") or _first(document.get("license")) or "").strip()
    mentioned = [*card.parents, *_strings(front.get("base_model")), *(said.parents if croissant else ())]
    derived = tuple(dict.fromkeys(mentioned))
    found = Proposal(
        source=source,
        name=_name(source, said.title),
        kind=said.kind or card.kind or _kind(entries, front),
        title=said.title or card.title or source.stem.replace("_", " ").replace("-", " "),
        description=said.summary or card.summary,
        tags=said.tags or card.tags,
        task=said.task or card.task,
        license=_terms(named),
        named_license=named.rpartition("/")[2] if named.startswith("http") else named,
        derived=derived,
        parents=(),
        statement=DataStatement.read(document),
        size=sum(entry.size for entry in entries),
        files=len(entries),
        checks=(),
    )
    checks = [*_checks(found, entries), *(_invalid(croissant[0], document) if croissant else [])]
    return replace(found, checks=tuple(checks))


# -- what the files say -----------------------------------------------------------------------------------------------


def _read(entry: FileEntry) -> bytes:
    with entry.open() as stream:
        return stream.read(MAX_DOCUMENT + 1)


def _card(entry: FileEntry | None) -> tuple[dict[str, Any], Summary]:
    """Front matter and summary of a card; empty where there is none."""
    if entry is None:
        return {}, Summary()
    from sahara_lab.market.metadata.reading import front_matter

    data = _read(entry)
    try:
        return front_matter(data.decode("utf-8-sig", "replace")), parse_summary(data)
    except Malformed:
        return {}, Summary()


def _is_croissant(name: str, data: bytes) -> bool:
    if not name.endswith(".json") or len(data) > MAX_DOCUMENT:
        return False
    try:
        document = orjson.loads(data)
    except ValueError:
        return False
    marks = (document.get("conformsTo"), document.get("dct:conformsTo")) if isinstance(document, dict) else ()
    return any("mlcommons.org/croissant" in str(mark) for mark in marks)


def _summary(name: str, data: bytes) -> Summary:
    try:
        return parse_summary(data)
    except Malformed as error:
        raise InputError(f"{name} cannot be read: {error}") from error


def _invalid(name: str, document: dict[str, Any]) -> list[str]:
    """What the Croissant validator finds wrong with a document."""
    import logging

    import mlcroissant

    logging.getLogger("absl").setLevel(logging.ERROR)
    try:
        mlcroissant.Dataset(jsonld=document)
    except Exception as error:  # whatever the library raises on a stranger's file is one sentence here
        lines = [line.strip(" -") for line in str(error).splitlines() if line.strip().startswith("-")]
        return [f"{name} is no valid Croissant: {(lines or [str(error).splitlines()[0]])[0][:200]}"]
    return []


def _kind(entries: Sequence[FileEntry], front: dict[str, Any]) -> str:
    suffixes = {entry.suffix for entry in entries}
    if "task_categories" in front or "dataset_info" in front:
        return "dataset"
    if front.get("pipeline_tag") or front.get("library_name") or (suffixes & _WEIGHTS and not suffixes & _DATA):
        return "model"
    documents = [entry for entry in entries if entry.path != CARD]
    return "notebook" if documents and all(entry.suffix == ".ipynb" for entry in documents) else "dataset"


def _name(folder: Path, title: str) -> str:
    """A name as the registry takes it. The folders of a hub's cache are named after commits."""
    hub = next((part for part in reversed(folder.resolve().parts) if part.startswith(("models--", "datasets--"))), "")
    base = hub.rpartition("--")[2] or (folder.stem if folder.is_file() else folder.resolve().name) or title
    return re.sub(r"[^a-z0-9._-]+", "-", base.lower()).strip("-._")[:64] or "untitled"


def _terms(named: str) -> License | None:
    """The named flavor that comes nearest to a license by its SPDX identifier."""
    spdx = named.rstrip("/").rpartition("/")[2].lower().removesuffix(".txt")
    if spdx in _OPEN:
        return License.open_use()
    return License.non_commercial_research() if spdx in _RESEARCH else None


# -- what a person should look at -------------------------------------------------------------------------------------


def _checks(found: Proposal, entries: Sequence[FileEntry]) -> list[str]:
    checks = []
    if not found.description:
        checks.append("there is no description: say what it is and who would want it")
    if found.named_license and found.license is None:
        checks.append(f"its license {found.named_license!r} has no counterpart here: see what it lets you pass on")
    if not found.named_license:
        checks.append("no license is named: make sure that it is yours to publish")
    if found.derived:
        checks.append(
            f"it says that it is made from {', '.join(found.derived[:5])}: name the parents that are listed here"
        )
    if found.kind == "dataset" and found.statement.missing:
        checks.append(f"the data statement lacks: {', '.join(found.statement.missing)}")
    pickled = [entry.path for entry in entries if entry.suffix in _PICKLED]
    if pickled:
        checks.append(f"{pickled[0]} may run code when it is loaded: publish safetensors instead")
    tables = [entry for entry in entries[:50] if entry.suffix in _DATA]
    private = sorted({name.name for entry in tables for name in columns(entry) if _PERSONAL.search(name.name)})
    if private:
        checks.append(f"these columns look like personal data: {', '.join(private[:8])}")
    hidden = [entry.path for entry in entries if _SECRET.search(entry.path)]
    if hidden:
        checks.append(f"{hidden[0]} may hold secrets: take it out")
    return checks


_PERSONAL = re.compile(
    r"(^|[_ .-])(e?mail|phone|surname|(first|last)_?name|birth(day|_?date)?|dob|ssn|passport|iban|address)", re.I
)
_SECRET = re.compile(r"(^|/)(\.env|\.netrc|\.aws|\.ssh|id_(rsa|ed25519)|.*\.(pem|key|p12|keystore))($|/)", re.I)


def _linked(folder: Path) -> str:
    if folder.is_dir() and any(path.is_symlink() for path in folder.iterdir()):
        return "Its files are links into a hub's cache: download it with --local-dir"
    return ""


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _strings(value: Any) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]

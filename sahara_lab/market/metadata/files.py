"""The files of an asset as its public description sees them: sizes, hashes and the schema of tables, never contents."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from sahara_lab.market.metadata.text import clean
from sahara_lab.vault import Lazy

_TYPES = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".parquet": "application/x-parquet",
    ".jsonl": "application/jsonlines",
    ".json": "application/json",
    ".safetensors": "application/octet-stream",
    ".md": "text/markdown",
    ".ipynb": "application/x-ipynb+json",
}

_HEADER = re.compile(r"[^\W\d][\w .:/()%#\[\]-]{0,127}")
_CSV_BLOCK = 1 << 20
_HASH_BLOCK = 1 << 20
MAX_COLUMNS = 2_000
#: A preview is of so many rows at most; of each column, so many characters of a value.
MAX_PREVIEW = 10
_PREVIEW_COLUMNS, _PREVIEW_TEXT = 30, 80


@dataclass(frozen=True)
class FileEntry:
    """One file: its path in the asset, with slashes, its size in bytes and how to read it."""

    path: str
    size: int
    open: Callable[[], BinaryIO]

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.path).suffix.lower()

    @property
    def media_type(self) -> str:
        return _TYPES.get(self.suffix) or mimetypes.guess_type(self.path)[0] or "application/octet-stream"

    def sha256(self) -> str:
        digest = hashlib.sha256()
        with self.open() as stream:
            while block := stream.read(_HASH_BLOCK):
                digest.update(block)
        return digest.hexdigest()


@dataclass(frozen=True)
class Column:
    """A table's column: its Croissant type, and its shape where each cell is an array (-1: any length)."""

    name: str
    type: str
    shape: tuple[int, ...] = ()


def walk(files: Path | Mapping[str, Path | Lazy]) -> list[FileEntry]:
    """Every file of a folder or mapping, by path; links are followed only where they stay inside."""
    if isinstance(files, Path):
        entries = list(_walk(files, files.resolve()))
    else:
        entries = [
            _local(path, file) if isinstance(file, Path) else FileEntry(path, file.size, file.open)
            for path, file in files.items()
        ]
    return sorted(entries, key=lambda entry: entry.path)


def _walk(folder: Path, root: Path) -> Iterator[FileEntry]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if path.is_file() and path.resolve().is_relative_to(root):
                yield _local(path.relative_to(folder).as_posix(), path)


def _local(path: str, file: Path) -> FileEntry:
    return FileEntry(path, file.stat().st_size, lambda: file.open("rb"))


def columns(entry: FileEntry) -> list[Column]:
    """A table's columns; empty for a file that is not a table or cannot be read as one."""
    import pyarrow as pa

    try:
        if entry.suffix == ".parquet":
            import pyarrow.parquet as pq

            with entry.open() as stream:
                schema = pq.read_schema(stream)
        elif entry.suffix in (".csv", ".tsv"):
            schema = _csv_schema(entry)
        else:
            return []
    except (pa.ArrowException, OSError, ValueError):
        return []
    named = [field for field in schema if not field.name.startswith("__index_level_")]
    return [Column(field.name, *_type(field.type)) for field in named[:MAX_COLUMNS]]


def rows(entry: FileEntry) -> int | None:
    """How many rows a table has, where the file says so; None for others: they would have to be read whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if entry.suffix != ".parquet":
        return None
    try:
        with entry.open() as stream:
            return int(pq.read_metadata(stream).num_rows)
    except (pa.ArrowException, OSError, ValueError):
        return None


def first_values(entry: FileEntry, schema: Sequence[Column], count: int) -> list[list[str]]:
    """The first values of each column as short texts; none where ``count`` is zero or the table cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv

    if not count:
        return []
    names = [column.name for column in schema][:_PREVIEW_COLUMNS]
    most = min(count, MAX_PREVIEW)
    try:
        with entry.open() as stream:
            if entry.suffix == ".parquet":
                part = next(pq.ParquetFile(stream).iter_batches(most, columns=names), None)
            else:
                parse = csv.ParseOptions(delimiter="\t" if entry.suffix == ".tsv" else ",")
                with csv.open_csv(stream, parse_options=parse) as reader:
                    part = reader.read_next_batch().slice(0, most)
    except (pa.ArrowException, OSError, ValueError, StopIteration):
        return []
    shown = [] if part is None else part.columns[:_PREVIEW_COLUMNS]
    return [[clean(_shown(value), _PREVIEW_TEXT) for value in column.to_pylist()] for column in shown]


def _shown(value: object) -> str:
    return f"{len(value)} bytes" if isinstance(value, bytes) else str(value)


def _csv_schema(entry: FileEntry) -> Any:
    """The schema from the first block. A first row that does not look like names is data, and is not repeated."""
    import pyarrow as pa
    from pyarrow import csv

    parse = csv.ParseOptions(delimiter="\t" if entry.suffix == ".tsv" else ",")

    def schema(**options: Any) -> Any:
        read = csv.ReadOptions(block_size=_CSV_BLOCK, **options)
        with entry.open() as stream, csv.open_csv(stream, read_options=read, parse_options=parse) as reader:
            return reader.schema

    first = schema()
    names = list(first.names)
    # pandas leaves the name of its index empty; the type check is for tables of text whose first row is like the rest
    named = [name for name in names if name]
    if named and len(set(named)) == len(named) and all(_HEADER.fullmatch(name) for name in named):
        return pa.schema([pa.field(name or f"column {n}", first.field(n - 1).type) for n, name in enumerate(names, 1)])
    bare = schema(autogenerate_column_names=True)
    return pa.schema([pa.field(f"column {n}", field.type) for n, field in enumerate(bare, 1)])


def _type(kind: Any) -> tuple[str, tuple[int, ...]]:
    """A Croissant type and an array shape for an Arrow type."""
    from pyarrow import types

    shape: list[int] = []
    while types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        shape.append(kind.list_size if types.is_fixed_size_list(kind) else -1)
        kind = kind.value_type
    if types.is_dictionary(kind):
        kind = kind.value_type
    return _scalar(kind), tuple(shape)


def _scalar(kind: Any) -> str:
    from pyarrow import types

    if types.is_integer(kind):
        return f"cr:{'U' if types.is_unsigned_integer(kind) else ''}Int{kind.bit_width}"
    if types.is_floating(kind):
        return f"cr:Float{kind.bit_width}"
    for test, name in (
        (types.is_boolean, "sc:Boolean"),
        (types.is_date, "sc:Date"),
        (types.is_timestamp, "sc:DateTime"),
        (types.is_time, "sc:Time"),
        (types.is_decimal, "sc:Number"),
        (types.is_struct, "sc:StructuredValue"),
        (types.is_map, "sc:StructuredValue"),
    ):
        if test(kind):
            return name
    return "sc:Text"

"""Uploads: announced as JSON, sent as plain bytes, published in one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from tornado.web import HTTPError, authenticated, stream_request_body

from sahara_lab.errors import InputError
from sahara_lab.licensing.terms import License
from sahara_lab.licensing.words import in_words
from sahara_lab.market.metadata import DataStatement
from sahara_lab.market.names import KINDS, checked_name
from sahara_lab.server import serialize
from sahara_lab.server.handler import MAX_PATH, SaharaHandler, authorized
from sahara_lab.server.proposed import proposed
from sahara_lab.server.upload import CHUNK, Announced
from sahara_lab.server.uploads import checked_files

MAX_FILES = 20_000
MAX_LIST = 4 << 20
MAX_SIZE = 2**50
MAX_DESCRIPTION = 2_000
MAX_TAGS = 20
_TERMS = ("use", "price", "back", "lasts")
_STATEMENT = tuple(field.name for field in fields(DataStatement))
_FIELDS = ("name", "kind", "title", "description", "task", *_TERMS)


class UploadsHandler(SaharaHandler):
    """``POST uploads``: announce files for a vault that is there (``update``) or for one that is not yet."""

    @authenticated
    @authorized("write", "sahara-lab.uploads")
    async def post(self) -> None:
        document = self.document((*_FIELDS, "tags", "statement", "update", "files"), MAX_LIST)
        said = {field: self.field(document, field, MAX_DESCRIPTION) for field in _FIELDS}
        update = document.get("update", False)
        if not isinstance(update, bool):
            raise InputError("update must be true or false")
        if said["kind"] and said["kind"] not in KINDS:
            raise InputError(f"there is no kind {said['kind'][:40]!r}", hint=f"Use one of: {', '.join(KINDS)}")
        if update and said["use"]:
            raise InputError("a version keeps the licenses that are on offer")
        wanted = Announced(
            name=checked_name(said["name"]),
            files=checked_files(_listed(document.get("files"))),
            update=update,
            kind=said["kind"] or None,
            title=said["title"],
            description=said["description"],
            task=said["task"],
            tags=_tags(document.get("tags")),
            statement=_statement(document.get("statement")),
            license=_license(said),
        )
        self.set_status(201)
        self.finish(await self.ask(self.service.uploads.announce, self.account, wanted))


class ProposalHandler(SaharaHandler):
    """``POST uploads/proposal``: what a listing of files could say, and what to ask about its license.

    ``samples`` are the contents of documents, the first rows of tables and the ends of Parquet files, in base64.
    """

    @authenticated
    @authorized("write", "sahara-lab.uploads")
    async def post(self) -> None:
        document = self.document(("name", "files", "samples"), MAX_LIST)
        samples = document.get("samples", {})
        if not isinstance(samples, dict) or not all(isinstance(sample, str) for sample in samples.values()):
            raise InputError("samples must be texts by path")
        name = self.field(document, "name") or "files"
        self.finish(await self.ask(proposed, name, _listed(document.get("files")), samples))


class TermsHandler(SaharaHandler):
    """``GET uploads/terms``: the license that fits the answers to the four questions, in plain words."""

    @authenticated
    @authorized("read", "sahara-lab.uploads")
    async def get(self) -> None:
        license = _license({name: self.text(name) for name in _TERMS})
        if license is None:
            raise InputError("use is missing")
        self.finish(serialize.words(in_words(license)))


@stream_request_body
class UploadHandler(SaharaHandler):
    """``GET``, ``PUT`` and ``DELETE uploads/{id}``: how far it is, the next bytes (at ``offset``), give up."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuse strangers, and bodies that are too large, before any of the body is read."""
        connection: Any = self.request.connection
        connection.set_max_body_size(CHUNK)
        self._body = bytearray()
        await super().prepare()
        if self.current_user is None:
            raise HTTPError(403)

    def data_received(self, chunk: bytes) -> None:
        self._body += chunk

    @authenticated
    @authorized("read", "sahara-lab.uploads")
    async def get(self, upload: str) -> None:
        found = await self.ask(self.service.uploads.find, self.account, upload)
        self.finish(found.state())

    @authenticated
    @authorized("write", "sahara-lab.uploads")
    async def put(self, upload: str) -> None:
        offset = self.number("offset", 0, 0, MAX_SIZE)
        found = await self.ask(self.service.uploads.find, self.account, upload)
        self.finish(await self.ask(found.receive, offset, self._body))

    @authenticated
    @authorized("write", "sahara-lab.uploads")
    async def delete(self, upload: str) -> None:
        found = await self.ask(self.service.uploads.find, self.account, upload)
        self.finish(await self.ask(found.cancel))


class PublishHandler(SaharaHandler):
    """``POST uploads/{id}/publish``: make a version of what came; ``GET uploads/{id}`` tells how far it is."""

    @authenticated
    @authorized("write", "sahara-lab.uploads")
    async def post(self, upload: str) -> None:
        self.body()
        self.set_status(202)
        self.finish(await self.ask(self.service.uploads.publish, self.account, upload))


def _license(said: Mapping[str, str]) -> License | None:
    """The terms that the answers mean; none are on offer where the first question has no answer."""
    if not said["use"]:
        return None
    return License.choose(said["use"], said["price"] or "free", said["back"] or "nothing", said["lasts"] or "for ever")


def _tags(tags: Any) -> tuple[str, ...]:
    tags = tags or []
    if not isinstance(tags, list) or len(tags) > MAX_TAGS or not all(isinstance(tag, str) for tag in tags):
        raise InputError("tags must be a list of texts", hint=f"Use at most {MAX_TAGS}")
    return tuple(tags)


def _statement(said: Any) -> DataStatement | None:
    if not said:
        return None
    if not isinstance(said, dict) or set(said) - set(_STATEMENT) or not all(isinstance(t, str) for t in said.values()):
        raise InputError("statement must have texts", hint=f"Known fields: {', '.join(_STATEMENT)}")
    return DataStatement(**said)


def _listed(files: Any) -> list[tuple[str, int]]:
    """The announced ``[[path, size], …]``."""
    if not isinstance(files, list) or len(files) > MAX_FILES:
        raise InputError("files must be a list", hint=f"Upload at most {MAX_FILES:,} files at once")
    found = []
    for entry in files:
        match entry:
            case [str(path), int(size)] if len(path) <= MAX_PATH and 0 <= size < MAX_SIZE and size is not True:
                found.append((path, size))
            case _:
                raise InputError("each file must be a path and a size in bytes")
    if sum(size for _, size in found) >= MAX_SIZE:
        raise InputError("the files are too large", hint="Publish in parts")
    return found

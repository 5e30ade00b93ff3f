"""Values of the SDK as JSON, in one place. Amounts travel as text: exact in wei, and in tokens for people."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from sahara_lab.compute import progress_of
from sahara_lab.licensing.terms import NOT_ENFORCED, READ, License, format_duration
from sahara_lab.market.reviews import Reputation, Reviews
from sahara_lab.market.values import Asset, Earnings, LicenseGrant, Parent, Quote, QuoteLine, Version
from sahara_lab.units import format_share, format_tokens

if TYPE_CHECKING:
    from sahara_lab.compute import Job
    from sahara_lab.licensing.sharing import Reader, Renewals
    from sahara_lab.licensing.words import InWords
    from sahara_lab.market.lineage import Lineage
    from sahara_lab.market.listings import Listing
    from sahara_lab.market.requests import Request
    from sahara_lab.rental.reviewing import Review
    from sahara_lab.vault import Entry

Json = dict[str, Any]

FINISHED = frozenset({"done", "stopped", "failed", "lost"})


def amount(wei: int | None) -> Json | None:
    """Wei for programs, tokens for people; None stays None (not for sale)."""
    return None if wei is None else {"wei": str(wei), "tokens": format_tokens(wei, "")}


def terms(value: License) -> Json:
    return {
        "flavor": value.flavor,
        "price": amount(value.price),
        "duration": format_duration(value.duration),
        "seats": value.seats,
        "royalty": format_share(value.royalty_bps),
        "allows": value.allowed,
        "text": value.text,
        "compute_only": value.confined,
        "not_enforced": list(NOT_ENFORCED),
    }


def listing(value: Any) -> Json:
    return {
        "name": value.name,
        "owner": value.owner,
        "kind": value.kind,
        "title": value.title,
        "summary": value.summary,
        "tags": list(value.tags),
        "version": value.version,
        "price": amount(value.price),
        "license": value.license,
        "licenses": list(value.licenses),
        "created": value.created,
        "parents": list(value.parents),
        "size": value.size,
        "sold": value.sold,
        "task": value.task,
        "formats": list(value.formats),
        "alike": value.alike,
        "reputation": reputation(value.reputation),
    }


def reputation(value: Reputation) -> Json:
    return {
        "verified": value.verified,
        "reviews": value.reviews,
        "mean": value.mean,
        "standing": value.standing,
        "appealed": value.appealed,
        "reports": value.reports,
        "warning": value.warning,
    }


def words(value: InWords) -> Json:
    """Terms in plain words."""
    return {
        "flavor": value.license.flavor,
        "summary": value.license.summary,
        "may": list(value.may),
        "may_not": list(value.may_not),
        "must": list(value.must),
    }


def reviews(value: Reviews, reader: str) -> Json:
    """What license holders say, newest first, and which of it the reader wrote."""
    return {
        "mean": value.mean,
        "bought": value.paid,
        "items": [
            {
                "author": one.author,
                "stars": one.stars,
                "text": one.text,
                "license": one.license,
                "bought": one.paid,
                "time": one.time,
                "mine": one.author == reader,
            }
            for one in value
        ],
    }


def page(value: Any) -> Json:
    return {
        "items": [listing(item) for item in value.items],
        "total": value.total,
        "page": value.page,
        "per_page": value.per_page,
        "next": value.next,
        "similar": value.similar,
        "facets": {name: dict(counts) for name, counts in value.facets.items()},
    }


def version(value: Version) -> Json:
    return {"number": value.number, "root": value.root, "published": value.published_at}


def parent(value: Parent) -> Json:
    return {"name": value.name, "relation": value.relation.replace("_", " ")}


def asset(value: Asset, held: list[LicenseGrant]) -> Json:
    return {
        "name": value.name,
        "owner": value.owner,
        "kind": value.kind,
        "title": value.title,
        "summary": value.summary,
        "tags": list(value.tags),
        "size": value.size,
        "version": value.version,
        "versions": [version(item) for item in value.versions],
        "parents": [parent(item) for item in value.parents],
        "offers": [terms(item) for item in value.offers],
        "royalties": [{"name": item.name, "share": format_share(item.parts // 100_000)} for item in value.royalties],
        "held": [grant(item) for item in held],
        "reputation": reputation(value.reputation),
    }


def lineage(value: Lineage) -> Json:
    return {
        "generations": [
            [{"name": node.name, "kind": node.kind, "generation": node.level} for node in generation]
            for generation in value.generations
        ],
        "ties": [{"child": child, "parent": parent, "relation": words} for child, parent, words in value.ties],
        "complete": value.complete,
    }


def quote_line(value: QuoteLine) -> Json:
    return {"asset": value.asset, "account": value.account, "amount": amount(value.amount)}


def quote(value: Quote) -> Json:
    return {
        "asset": value.asset,
        "terms": terms(value.terms),
        "price": amount(value.price),
        "fee": amount(value.fee),
        "lines": [quote_line(line) for line in value.lines],
        "balance": amount(value.balance),
        "buyer": value.buyer,
        "affordable": value.affordable,
        "gas": str(value.gas) if value.gas else None,
        "signatures": value.signatures,
        "warning": value.reputation.warning,
    }


def grant(value: LicenseGrant) -> Json:
    return {
        "id": value.id,
        "asset": value.asset,
        "holder": value.holder,
        "terms": terms(value.terms),
        "issued": value.issued_at,
        "expires": value.expires_at,
        "status": value.status,
        "tx": value.tx_hash,
    }


def request(value: Request) -> Json:
    return {
        "number": value.number,
        "asset": value.asset,
        "account": value.account,
        "terms": terms(value.terms),
        "summary": value.terms.summary,
        "note": value.note,
        "status": value.status,
    }


def job_review(value: Review) -> Json:
    """A stranger's text goes to the browser with what a reader would not see written out."""
    from sahara_lab.rental.reviewing import visible

    return {
        "job": value.job,
        "client": value.client,
        "assets": list(value.assets),
        "waits_for": value.waits_for,
        "code": value.code,
        "source": visible(value.source),
        "results": [{"name": name, "size": size} for name, size in value.results.items()],
        "record": visible(json.dumps(value.record, indent=1, ensure_ascii=False)) if value.record else "",
        "folder": str(value.folder),
    }


def earnings(value: Earnings) -> Json:
    return {
        "claimable": amount(value.claimable),
        "lines": [
            {"asset": line.asset, "claimable": amount(line.claimable), "received": amount(line.received)}
            for line in value.lines
        ],
    }


def vault(value: Listing, owned: bool, held: LicenseGrant | None = None, changes: int = 0) -> Json:
    """An asset as a vault: how large it is, why the account may open it, and what of it is not published yet."""
    return {
        "name": value.name,
        "kind": value.kind,
        "title": value.title,
        "version": value.version,
        "size": value.size,
        "owned": owned,
        "changes": changes,
        "flavor": held.terms.flavor if held else "",
        "until": held.expires_at if held else 0,
        "readable": owned or bool(held and held.terms.uses & READ),
    }


def draft(name: str, changes: int) -> Json:
    """A vault that was never published."""
    return {
        "name": name, "kind": "dataset", "title": "", "version": 0, "size": 0, "owned": True, "changes": changes,
        "flavor": "", "until": 0, "readable": False,
    }  # fmt: skip


def entry(value: Entry, size: int | None) -> Json:
    return {"name": value.name, "kind": value.kind, "size": size, "modified": value.modified}


def reader(value: Reader) -> Json:
    return {"account": value.account, "why": value.why, "path": value.path, "until": value.until}


def renewals(value: Renewals) -> Json:
    return {
        "note": value.note,
        "versions": [
            {
                "version": one.version,
                "epoch": one.epoch,
                "folders": one.folders,
                "files": one.files,
                "kept": list(one.kept),
                "ended": list(one.ended),
            }
            for one in value
        ],
    }


def job(value: Job) -> Json:
    """A job without its history; the events of finished jobs are not read."""
    record = value.record()
    running = record["status"] not in FINISHED
    now = progress_of(value.events()[0], record) if running else None
    error = record.get("error") or {}
    started = float(record["created_at"])
    return {
        "id": value.id,
        "name": record["name"] or "",
        "status": record["status"],
        "created": started,
        "seconds": time.time() - started if running else float(record.get("seconds") or 0),
        "workers": record["workers"],
        "inputs": record["inputs"],
        "metrics": now.values if now else record["metrics"],
        "progress": now.fraction if now else None,
        "error": error.get("message") or "",
        "publishable": record["status"] == "done" and value.weights is not None,
    }


def job_detail(value: Job) -> Json:
    """A job with a curve for each of its main metrics."""
    record = value.record()
    drawn = progress_of(value.events()[0], record)
    curves = {name: [list(point) for point in drawn.curves.get(name, [])] for name in drawn.main_metrics()}
    return {**job(value), "history": curves, "traceback": (record.get("error") or {}).get("traceback") or ""}

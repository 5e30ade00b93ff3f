"""Licensing as one account sees it: may something be made of these assets, and under which terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sahara_lab.chain import Chain
from sahara_lab.errors import InputError, LicenseConflict
from sahara_lab.identity import Directory
from sahara_lab.licensing.access import split_version
from sahara_lab.licensing.limits import RELATIONS, Limits, allowed_flavors, joined, limits_of
from sahara_lab.licensing.records import AssetNames, Terms
from sahara_lab.licensing.royalties import Debt, table_of
from sahara_lab.licensing.solver import Source, conflicts_of
from sahara_lab.licensing.terms import License
from sahara_lab.licensing.verdict import Check, Owed

LOOK_BACK = 64  # licenses of one asset, newest first, among which the one to use is chosen
_SAME = {"training": "trained_on", "generative_training": "trained_on", "derivative": "derived_from"}

Parents = Iterable[str | tuple[str, str]]


class Licensing:
    """The license solver, over what the chain says of an account's assets and licenses.

    Args:
        account: the address that would publish.
    """

    def __init__(self, chain: Chain, directory: Directory, account: str, terms: Terms, names: AssetNames) -> None:
        self._chain = chain
        self._directory = directory
        self._account = account
        self._terms = terms
        self._names = names
        self._registry = chain.contract("AssetRegistry")
        self._ledger = chain.contract("RoyaltyLedger")
        self._licenses = chain.contract("LicenseToken")
        self._market = chain.contract("Market")

    def check(
        self,
        parents: str | Parents,
        *,
        output: License | str | Sequence[License] | None = None,
        use: str = "derived_from",
    ) -> Check:
        """Whether something may be made of ``parents`` and offered under ``output``; signs and pays nothing.

        Where no license is held, it counts with the cheapest offer that would do.

        Args:
            parents: assets, or ``(asset, relation)`` pairs.
            output: the terms it is to be offered under, or a flavor's name; without any, which are allowed.
            use: the relation of parents that come without one: "derived_from" or "derivative", "trained_on" or
                "training", "finetuned_from", "evaluated_on", "uses".

        Raises:
            InputError: an unknown relation, a flavor that does not exist, or a parent that is no published asset.
        """
        entries = [parents] if isinstance(parents, str) else list(parents)
        pairs = [(entry, use) if isinstance(entry, str) else entry for entry in entries]
        outputs = _outputs(output)
        sources = self._sources([(name, relation_of(relation)) for name, relation in pairs], outputs)
        cap = int(self._chain.contract("ProtocolParameters").call("maxRoyaltyBps"))
        table = table_of([source.debt for source in sources])
        return Check(
            sources=tuple(sources),
            outputs=outputs,
            owed=self._owed(table),
            cap_bps=cap,
            conflicts=conflicts_of(sources, outputs, cap),
            allowed=allowed_flavors(joined(source.limits for source in sources)),
        )

    def check_terms(self, asset: int, license: License) -> None:
        """Refuse terms that an asset's sources do not let it have.

        Raises:
            LicenseConflict: a source's license forbids them.
        """
        limits = self._limits([asset], {})[0]
        if reasons := limits.against(license):
            raise LicenseConflict(
                f"{self._names.of(asset)} cannot be offered under {license.summary}: what it is made of {reasons[0]}",
                hint="See: lab.licensing.check, or %sahara check",
            )

    # -- what the chain says ------------------------------------------------------------------------------------------

    def _sources(self, pairs: Sequence[tuple[str, str]], outputs: Sequence[License]) -> list[Source]:
        relations: dict[int, str] = {}
        for (name, relation), asset in zip(pairs, self._assets([name for name, _ in pairs]), strict=True):
            if not asset:
                raise InputError(f"the parent {name} is not a published asset")
            relations.setdefault(asset, relation)
        assets = sorted(relations)
        asked = [
            call
            for asset in assets
            for call in (
                (self._registry, "ownerOf", (asset,)),
                (self._ledger, "tableOf", (asset,)),
                (self._licenses, "licensesOf", (self._account, asset)),
            )
        ]
        answers = self._chain.batch_call(asked, "pending")
        owners, tables, held = answers[::3], answers[1::3], answers[2::3]
        names = self._names.all(assets)
        licenses = self._valid([number for numbers in held for number in numbers[-LOOK_BACK:]])
        own = [asset for asset, owner in zip(assets, owners, strict=True) if owner == self._account]
        limits = dict(zip(own, self._limits(own, {}), strict=True))
        sources = []
        for asset, name, table, numbers in zip(assets, names, tables, held, strict=True):
            relation, owes = relations[asset], dict(zip(*_columns(table), strict=True))
            if asset in limits:
                sources.append(Source(name, relation, Debt(asset, 0, True, owes), limits[asset].passed(relation)))
                continue
            known = [(number, licenses[number]) for number in numbers if number in licenses]
            sources.append(self._licensed(name, relation, asset, owes, known, outputs))
        return sources

    def _licensed(
        self,
        name: str,
        relation: str,
        asset: int,
        owes: dict[int, int],
        held: list[tuple[int, License]],
        outputs: Sequence[License],
    ) -> Source:
        """A source that is somebody else's, under the best license held, or else the cheapest offer that would do."""

        def contradicts(license: License) -> bool:
            left = limits_of(license).passed(relation)
            return any(left.against(output) for output in outputs)

        covering = [(number, license) for number, license in held if covers(license, relation)]
        if covering:
            number, license = min(covering, key=lambda pair: (contradicts(pair[1]), pair[1].royalty_bps, -pair[0]))
            debt = Debt(asset, license.royalty_bps, False, owes)
            return Source(name, relation, debt, limits_of(license).passed(relation), license=number)
        offers = [offer for offer in self._offers(asset) if covers(offer, relation)]
        if offers:
            offer = min(offers, key=lambda offer: (contradicts(offer), offer.price, offer.royalty_bps))
            debt = Debt(asset, offer.royalty_bps, False, owes)
            return Source(name, relation, debt, limits_of(offer).passed(relation), offer=offer)
        why = f"nothing that you hold or its owner offers allows {_needed(relation)}"
        return Source(name, relation, Debt(asset, 0, False, owes), Limits(), uncovered=why)

    def _assets(self, names: Sequence[str]) -> list[int]:
        parted = [split_version(name)[0].partition("/") for name in names]
        calls = [(self._registry, "assetOf", (self._directory.address(owner), name)) for owner, _, name in parted]
        return list(self._chain.batch_call(calls)) if calls else []

    def _valid(self, numbers: Sequence[int]) -> dict[int, License]:
        """Those licenses that the account holds and that have not ended, with their terms."""
        holders = self._chain.batch_try([(self._licenses, "ownerOf", (number,)) for number in numbers])
        mine = [number for number, holder in zip(numbers, holders, strict=True) if holder == self._account]
        held = self._chain.batch_call([(self._licenses, "get", (number,)) for number in mine])
        now = self._chain.block("pending").timestamp if mine else 0
        valid = {n: one for n, one in zip(mine, held, strict=True) if not one["expiresAt"] or one["expiresAt"] > now}
        terms = self._terms.all(one["termsId"] for one in valid.values())
        return dict(zip(valid, terms, strict=True))

    def _offers(self, asset: int) -> list[License]:
        return self._terms.all(self._market.call("offersOf", asset))

    def _limits(self, assets: Sequence[int], known: dict[int, Limits]) -> list[Limits]:
        """What the sources of each asset, as recorded, leave to its own terms; own sources pass on what theirs left."""
        unknown = [asset for asset in dict.fromkeys(assets) if asset not in known]
        edges = self._chain.batch_call([(self._registry, "parentsOf", (asset,)) for asset in unknown])
        numbers = sorted({edge["license"] for some in edges for edge in some if edge["license"]})
        licenses = self._chain.batch_call([(self._licenses, "get", (number,)) for number in numbers])
        terms = dict(zip(numbers, self._terms.all(one["termsId"] for one in licenses), strict=True))
        inherited = sorted({edge["parent"] for some in edges for edge in some if not edge["license"]})
        if inherited:  # parents are older than their children, so this ends
            known.update(zip(inherited, self._limits(inherited, known), strict=True))
        for asset, some in zip(unknown, edges, strict=True):
            known[asset] = joined(
                (limits_of(terms[edge["license"]]) if edge["license"] else known[edge["parent"]]).passed(
                    RELATIONS[edge["relation"]]
                )
                for edge in some
            )
        return [known[asset] for asset in assets]

    def _owed(self, table: dict[int, int]) -> tuple[Owed, ...]:
        owners = self._chain.batch_call([(self._registry, "ownerOf", (payee,)) for payee in table])
        shared = self._chain.batch_call([(self._ledger, "isShared", (payee,)) for payee in table])
        return tuple(
            Owed(name, "its members" if is_shared else self._directory.handle(owner), parts)
            for name, owner, is_shared, parts in zip(
                self._names.all(table), owners, shared, table.values(), strict=True
            )
        )

    def __repr__(self) -> str:
        return f"<Licensing for {self._directory.handle(self._account)}>"


def covers(license: License, relation: str) -> bool:
    """Whether the registry lets a holder of ``license`` derive from its asset in that relation."""
    return license.allows("derivative") or (relation == "trained_on" and license.allows("training"))


def relation_of(use: str) -> str:
    """A relation as typed, or the use that it stands for.

    Raises:
        InputError: neither.
    """
    word = use.strip().lower().replace(" ", "_").replace("-", "_")
    word = _SAME.get(word, word)
    if word not in RELATIONS:
        raise InputError(f"there is no relation {use!r}", hint=f"Relations are: {', '.join(RELATIONS)}")
    return word


def _needed(relation: str) -> str:
    return "training" if relation == "trained_on" else "derivatives"


def _outputs(output: License | str | Sequence[License] | None) -> tuple[License, ...]:
    if output is None:
        return ()
    if isinstance(output, str):
        return (License.named(output),)
    return (output,) if isinstance(output, License) else tuple(output)


def _columns(table: Any) -> tuple[Any, Any]:
    payees, shares = table.values() if isinstance(table, dict) else table
    return payees, shares

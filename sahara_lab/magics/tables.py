"""Lists of values as tables in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sahara_lab.display import Accent, Align, Html, badge, bundle, mono, muted, stack, table, text_table
from sahara_lab.units import format_tokens

if TYPE_CHECKING:
    from sahara_lab.compute import Job
    from sahara_lab.governance import Proposal
    from sahara_lab.localnet import Check
    from sahara_lab.magics.parsers import Parser


_ACCENTS: dict[str, Accent] = {
    "done": "ok", "executed": "ok", "succeeded": "ok", "running": "info", "starting": "info", "active": "info",
    "pending": "info", "queued": "warn", "stopping": "warn", "stopped": "warn", "failed": "error", "lost": "error",
    "defeated": "error", "canceled": "error", "expired": "error",
}  # fmt: skip


def _state(word: str) -> Html:
    return badge(word, _ACCENTS.get(word))


class _Table:
    """Values that show as a table and can be looped over."""

    headers: tuple[str, ...] = ()
    align: tuple[Align, ...] = ()

    def __init__(self, values: Iterable[Any]) -> None:
        self.values = list(values)

    def __iter__(self) -> Any:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> Any:
        return self.values[index]

    def rows(self) -> list[Sequence[object]]:
        raise NotImplementedError

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        rows = self.rows()
        return bundle(text_table(self.headers, rows, align=self.align), table(self.headers, rows, align=self.align))


class Jobs(_Table):
    """Training jobs, newest first; shows the first ``shown`` of them, holds all."""

    shown = 20
    headers = ("Job", "Name", "Status", "Started", "Trained on", "Metrics")

    def rows(self) -> list[Sequence[object]]:
        rows = [self._row(job) for job in self.values[: self.shown]]
        if len(self.values) > self.shown:
            rows.append(("", f"{len(self.values) - self.shown} older: %sahara jobs --all", "", "", "", ""))
        return rows

    @staticmethod
    def _row(job: Job) -> Sequence[object]:
        from sahara_lab.compute import Progress
        from sahara_lab.market.publish import parents_of

        record = job.record()
        values = record.get("metrics", {})
        metrics = ", ".join(f"{name} {values[name]:.4g}" for name in Progress(values=values).main_metrics())
        started = record["created"][:16].replace("T", " ")
        state = _state(record["status"])
        return (mono(job.id), record["name"], state, started, ", ".join(parents_of(record)), metrics)


class Proposals(_Table):
    """Proposals of the DAO."""

    headers = ("#", "Proposal", "State", "For", "Against", "Your vote", "Next step")
    align = ("left", "left", "left", "right", "right", "left", "left")

    def rows(self) -> list[Sequence[object]]:
        return [self._row(proposal) for proposal in self.values]

    @staticmethod
    def _row(proposal: Proposal) -> Sequence[object]:
        return (
            proposal.number, proposal.title, _state(proposal.state), format_tokens(proposal.for_votes, ""),
            format_tokens(proposal.against_votes, ""), proposal.my_vote, proposal.next_step,
        )  # fmt: skip


class Checks(_Table):
    """What the doctor looked at."""

    headers = ("", "Part", "Finding", "Repair")

    def rows(self) -> list[Sequence[object]]:
        return [self._row(check) for check in self.values]

    @staticmethod
    def _row(check: Check) -> Sequence[object]:
        mark = badge("ok", "ok") if check.ok else badge("bad", "error")
        return (mark, check.name, check.detail, mono(check.repair_command) if not check.ok else "")


class Commands:
    """The list of commands, or the arguments of one."""

    def __init__(self, parsers: dict[str, Parser]) -> None:
        self._parsers = parsers

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        if len(self._parsers) == 1:
            parser = next(iter(self._parsers.values()))
            headers, rows = ("Argument", "Meaning"), parser.help_rows
            html = stack(
                muted(parser.about),
                Html("<br>"),
                mono(parser.usage_line),
                table(headers, [(mono(name), text) for name, text in rows]),
            )
            return bundle(f"{parser.about}\n{parser.usage_line}\n\n{text_table(headers, rows)}", html)
        headers = ("Command", "What it does")
        rows = [(f"%sahara {name}", parser.about) for name, parser in self._parsers.items()]
        return bundle(text_table(headers, rows), table(headers, [(mono(name), text) for name, text in rows]))

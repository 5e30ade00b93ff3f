"""Lists of values as tables in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sahara_lab.display import badge, bundle, mono, stack, table, text_table
from sahara_lab.units import format_tokens

if TYPE_CHECKING:
    from sahara_lab.compute import Job
    from sahara_lab.governance import Proposal
    from sahara_lab.localnet import Check
    from sahara_lab.magics.parsers import Parser


class _Table:
    """Values that show as a table and can be looped over."""

    headers: tuple[str, ...] = ()

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
        return bundle(text_table(self.headers, rows), table(self.headers, rows))


class Jobs(_Table):
    """Training jobs."""

    headers = ("Job", "Name", "Status", "Started", "Trained on", "Metrics")

    def rows(self) -> list[Sequence[object]]:
        return [self._row(job) for job in self.values]

    @staticmethod
    def _row(job: Job) -> Sequence[object]:
        metrics = ", ".join(f"{name} {value:.4g}" for name, value in list(job.metrics.items())[:3])
        return (mono(job.id), job.name, job.status, job.created[:16].replace("T", " "), ", ".join(job.inputs), metrics)


class Proposals(_Table):
    """Proposals of the DAO."""

    headers = ("#", "Proposal", "State", "For", "Against", "Your vote", "Next step")

    def rows(self) -> list[Sequence[object]]:
        return [self._row(proposal) for proposal in self.values]

    @staticmethod
    def _row(proposal: Proposal) -> Sequence[object]:
        return (
            proposal.number, proposal.title, proposal.state, format_tokens(proposal.for_votes, ""),
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
            html = stack(mono(parser.usage_line), table(headers, [(mono(name), text) for name, text in rows]))
            return bundle(f"{parser.usage_line}\n{parser.about}\n\n{text_table(headers, rows)}", html)
        headers = ("Command", "What it does")
        rows = [(f"%sahara {name}", parser.about) for name, parser in self._parsers.items()]
        return bundle(text_table(headers, rows), table(headers, [(mono(name), text) for name, text in rows]))

"""What a publisher says of where the data comes from and what it is good for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from sahara_lab.market.metadata.text import clean_block

_LIMIT = 2_000

#: Properties of the Croissant RAI extension 1.0; it has none for consent.
_PROPERTIES = {
    "source": "rai:dataCollection",
    "consent": "sahara:consent",
    "personal_data": "rai:personalSensitiveInformation",
    "intended_use": "rai:dataUseCases",
    "known_risks": "rai:dataLimitations",
}


@dataclass(frozen=True)
class DataStatement:
    """A publisher's own words, shown as claims. Croissant RAI 1.0 where it has a property.

    Attributes:
        source: where the data comes from and how it was collected.
        consent: on what ground those it is about, or who made it, agreed.
        personal_data: what in it is about people; "none" where nothing is.
        intended_use: what it is made for.
        known_risks: what it must not be used for, where it is biased or incomplete.
    """

    source: str = ""
    consent: str = ""
    personal_data: str = ""
    intended_use: str = ""
    known_risks: str = ""

    def properties(self) -> dict[str, str]:
        """The statement as properties of a public document."""
        said = {name: clean_block(getattr(self, name), _LIMIT) for name in _PROPERTIES}
        return {_PROPERTIES[name]: text for name, text in said.items() if text}

    @classmethod
    def read(cls, document: dict[str, Any]) -> DataStatement:
        """The statement in a document of anyone's; what is missing or no text is empty."""

        def text(value: Any) -> str:
            value = value[0] if isinstance(value, list) and value else value
            return clean_block(value, _LIMIT) if isinstance(value, str) else ""

        return cls(**{name: text(document.get(key)) for name, key in _PROPERTIES.items()})

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not said, in words."""
        return tuple(field.name.replace("_", " ") for field in fields(self) if not getattr(self, field.name))

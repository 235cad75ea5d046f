"""How settings are described and read: a row of the table, and the kinds of values."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields, validate

from lrs.store.open import MEMORY

PREFIX = "JEJAK_"


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. `default` is text, as it would stand in the environment."""

    name: str
    field: fields.Field[Any]
    default: str
    meaning: str
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()


class Address(fields.String):
    """A store address: an absolute SQLite file, a MongoDB URI with a database name, or `memory://`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        parts = urlsplit(text)
        if parts.scheme == "sqlite" and text.startswith("sqlite:////") and len(text) > len("sqlite:////"):
            return text
        if parts.scheme in {"mongodb", "mongodb+srv"} and parts.netloc and len(parts.path) > 1:
            return text
        if text == MEMORY:
            return text
        raise ValidationError(
            "use sqlite:////absolute/file.db or mongodb://host/database; memory:// keeps nothing, for a trial"
        )


class BaseUrl(fields.String):
    """An http(s) origin without a path, as browsers see it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs)).rstrip("/")
        parts = urlsplit(text)
        if parts.scheme in {"http", "https"} and parts.netloc and not (parts.path or parts.query):
            return text
        raise ValidationError("use an address like https://jejak.example.go.id, without a path")


class Words(fields.String):
    """Words separated by spaces or commas, as a tuple."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return tuple(str(super()._deserialize(value, attr, data, **kwargs)).replace(",", " ").split())


class Networks(Words):
    """Networks in CIDR notation, as a tuple of texts."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        words = super()._deserialize(value, attr, data, **kwargs)
        for word in words:
            try:
                ip_network(word)
            except ValueError as error:
                raise ValidationError(f"{word} is no network like 10.20.0.0/16") from error
        return words


def whole(low: int, high: int) -> fields.Integer:
    """A whole number within bounds, both included."""
    return fields.Integer(strict=False, validate=validate.Range(min=low, max=high))


def decimal(low: float, high: float) -> fields.Float:
    """A number within bounds, both included."""
    return fields.Float(allow_nan=False, validate=validate.Range(min=low, max=high))

"""Settings: models that are read from GHSTREAM_* environment variables, once, at start."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

M = TypeVar("M", bound="Variables")


class SettingsError(Exception):
    """Every problem of the environment at once, one a line."""


def prefixed(prefix: str) -> Callable[[str], str]:
    """Return the rule by which the field `port` is the variable GHSTREAM_<prefix>PORT."""
    return lambda field: f"GHSTREAM_{prefix}{field.upper()}"


class Variables(BaseModel):
    """Settings. Each field is a variable, or such a model again, read from the same environment.

    A field's `description` is what to write into the variable; errors say it. A field without
    `repr` is secret, and so is a value with an @: it may be a URL with a password.
    """

    model_config = ConfigDict(frozen=True, alias_generator=prefixed(""), loc_by_alias=False)

    @model_validator(mode="before")
    @classmethod
    def _share(cls, environ: Mapping[str, str]) -> dict[str, object]:
        within = (field.alias for field in cls.model_fields.values() if _model(field))
        return {**environ, **{str(name): environ for name in within}}

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Leave out what is secret."""
        return (shown for shown in super().__repr_args__() if "@" not in str(shown[1]))


def read(model: type[M], environ: Mapping[str, str]) -> M:
    """Return the model's settings. Raises SettingsError with a line for every wrong variable."""
    # An empty variable is an unset one: compose files and charts cannot leave variables out.
    given = {name: text for name, value in environ.items() if (text := value.strip())}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems = [_problem(_field(model, one["loc"]), given, one) for one in error.errors()]
    raise SettingsError("\n".join(dict.fromkeys(problems)))


def _problem(field: FieldInfo, given: Mapping[str, str], error: Mapping[str, Any]) -> str:
    match error:
        case {"ctx": {"error": reason}}:
            advice = str(reason)
        case {"ctx": {"expected": choices}}:
            advice = f"write {choices}"
        case _:
            advice = f"write {field.description}"
    name = str(field.alias)
    value = given.get(name)
    if value is None:
        return f"{name} is empty: {advice}"
    is_secret = not field.repr or "@" in value
    return f"{name}: {advice}" if is_secret else f"{name} {value!r}: {advice}"


def _field(model: type[Variables], location: Sequence[int | str]) -> FieldInfo:
    """Return the field that an error is about, which may be one of a model within."""
    field = model.model_fields[str(location[0])]
    part = _model(field)
    return _field(part, location[1:]) if part else field


def _model(field: FieldInfo) -> type[Variables] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Variables) else None


def whole(low: int, high: int) -> Any:
    """Return what makes an `int` a whole number of that range."""
    return Field(ge=low, le=high, description=f"a whole number from {low} to {high}")


def words(value: str) -> tuple[str, ...]:
    """Split at blanks and commas."""
    return tuple(re.findall(r"[^\s,]+", value))


Port = Annotated[int, whole(1, 65_535)]
Upper = BeforeValidator(str.upper)


class Component(Variables):
    """What every component reads: its stream's topic, which names those that belong to it."""

    topic: str = Field(
        "github-events",
        alias="GHSTREAM_TOPIC",
        # Kafka allows 249 characters, and "-dead-letter" is the longest suffix.
        pattern=r"^[A-Za-z0-9._-]{1,230}$",
        description="letters, digits, '.', '_' or '-', 230 at most",
    )
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], Upper] = Field(
        "INFO", alias="GHSTREAM_LOG_LEVEL"
    )

    @property
    def coverage_topic(self) -> str:
        """The topic of what each poll saw."""
        return f"{self.topic}-coverage"

    @property
    def dead_letter_topic(self) -> str:
        """The topic of records that do not fit."""
        return f"{self.topic}-dead-letter"


class Kafka(Variables, alias_generator=prefixed("KAFKA_")):
    """How to reach Kafka. Each client has its own names for it."""

    bootstrap_servers: Annotated[
        tuple[Annotated[str, Field(pattern=r"^.+:\d{1,5}$")], ...], BeforeValidator(words)
    ] = Field(
        ("127.0.0.1:9092",), min_length=1, description="host:port, several with commas between"
    )
    security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], Upper
    ] = "PLAINTEXT"
    sasl_mechanism: Annotated[Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], Upper] = (
        "SCRAM-SHA-512"
    )
    sasl_username: str = Field("", validate_default=True)
    sasl_password: str = Field("", validate_default=True, repr=False)
    ssl_cafile: str = ""

    @field_validator("sasl_username", "sasl_password")
    @classmethod
    def _given_for_sasl(cls, value: str, info: ValidationInfo) -> str:
        protocol = info.data.get("security_protocol", "")
        if protocol.startswith("SASL") and not value:
            raise ValueError(f"write it, since GHSTREAM_KAFKA_SECURITY_PROTOCOL is {protocol}")
        return value

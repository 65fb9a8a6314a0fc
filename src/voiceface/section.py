"""What a section of the settings is made of, and how one is checked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from voiceface.errors import VoicefaceError

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]


def _a_range(lengths: tuple[float, float]) -> tuple[float, float]:
    if not 1 <= lengths[0] <= lengths[1]:
        raise ValueError(f"must be two lengths from 1 s on, the lesser first, not {list(lengths)}")
    return lengths


def _frames(lengths: tuple[int, int]) -> tuple[int, int]:
    if not 32 <= lengths[0] <= lengths[1]:
        raise ValueError(
            f"must be two lengths from 32 frames on, the lesser first, not {list(lengths)}"
        )
    return lengths


Crop = Annotated[tuple[float, float], AfterValidator(_a_range)]
CropFrames = Annotated[tuple[int, int], AfterValidator(_frames)]


class Section(BaseModel):
    """Settings of one stage: immutable; an unknown key or a value of another type is an error."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


S = TypeVar("S", bound=Section)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a file of sections; an empty one has none.

    Raises:
        VoicefaceError: the file is missing, is not YAML, or holds no sections.
    """
    import yaml  # not in the stages' processes, which are given their settings as JSON

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise VoicefaceError(f"{path}: no such file; run this in the project's folder") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: no UTF-8, or no such date
        raise VoicefaceError(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(values, dict):
        raise VoicefaceError(f"{path}: must be sections of keys, not {type(values).__name__}")
    return values


def parse_section(kind: type[S], values: dict[str, Any], where: str = "config") -> S:
    """Check settings against their class; all problems at once.

    Raises:
        VoicefaceError: a key is unknown, or a value is of the wrong type or out of range.
    """
    try:
        # Through JSON: YAML's lists are then accepted as tuples, while strict types hold.
        return kind.model_validate_json(json.dumps(values))
    except TypeError:
        raise VoicefaceError(f"{where}: {'; '.join(_not_plain(values))}") from None
    except ValidationError as error:
        problems = "; ".join(_words(problem) for problem in error.errors())
        raise VoicefaceError(f"{where}: {problems}") from None
    except ValueError:
        raise VoicefaceError(
            f"{where}: a value holds itself, by `&` and `*`; write it out"
        ) from None


def _not_plain(value: Any, key: str = "") -> Iterator[str]:
    """What YAML knows and a setting can't be: dates, sets, bytes, keys that are no text."""
    if isinstance(value, dict):
        for name, inner in value.items():
            place = f"{key}.{name}".lstrip(".")
            if isinstance(name, str | int | float | None):
                yield from _not_plain(inner, place)
            else:
                yield f"{place}: unknown key; see config.yaml for those there are"
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _not_plain(inner, f"{key}.{number}")
    elif not isinstance(value, str | int | float | None):
        kind = type(value).__name__
        yield f"{key}: must be a number, text, a list or keys, not the {kind} {value}"


def _words(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "value_error":
        return f"{key}: {problem['ctx']['error']}".removeprefix(": ")
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key; see config.yaml for those there are"
    value = problem["input"]
    return f"{key}: {problem['msg'][0].lower()}{problem['msg'][1:]}, not {value!r}"

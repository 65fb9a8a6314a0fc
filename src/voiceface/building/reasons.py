"""Why a job is to run, from Snakemake's own words: in short for a table, or each cause in full."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from voiceface.building.code_record import changed_code
from voiceface.building.events import Event
from voiceface.building.progress import reason
from voiceface.config import Settings
from voiceface.reporting.words import some_of
from voiceface.section import Section

_FOLLOWS = "what comes before it"
_PROGRAM = re.compile(r"(?:([0-9a-f]{16,})|[\w.-]+==\S+)(?: [\w.-]+==\S+)*")
"""A digest of code and the libraries that it uses, or either."""
_PIN = re.compile(r"([\w.-]+)==(\S+)")
_PARAMS = "Params have changed since last execution: "
MOST_NAMES = 3
"""that are told of a cause"""


def short(reason: str) -> str:
    """One cause in a few words: the most telling one of those that a job has."""
    before, now = _params(reason)
    if "Missing output files" in reason:
        return "not there yet"
    if "Incomplete output files" in reason:
        return "was interrupted"
    if any(not _PROGRAM.fullmatch(value) for value in now) or (before and not now):
        return "changed settings"
    if now and {_digest(value) for value in now} <= {_digest(value) for value in before}:
        return "changed libraries"
    if now or "Code has changed" in reason:
        return "changed code"
    if "Set of input files has changed" in reason:
        return "another set of videos, marks or models"
    return "changed input files" if _files("Updated input", reason) else _FOLLOWS


def causes(job: Event) -> list[str]:
    """Every cause that is the job's own, in full; none when it only follows other jobs."""
    reason = job["reason"]
    words = []
    if missing := _files("Missing output", reason):
        words.append(f"{_why_missing(job)}: {some_of(missing, MOST_NAMES)}")
    if incomplete := _files("Incomplete output", reason):
        words.append(f"it was interrupted while it wrote {some_of(incomplete, MOST_NAMES)}")
    words += _changes(job) or ["it has fewer parameters"] * (_PARAMS in reason)
    if "Code has changed" in reason:
        words.append("its rule's command in workflow/rules was edited")
    if "Software environment definition has changed" in reason:
        words.append("its conda environment was edited")
    if "Set of input files has changed" in reason:
        words.append("it has other input files: of videos, marks or models that came or went")
    if updated := _files("Updated input", reason):
        words.append(f"{some_of(updated, MOST_NAMES)} changed")
    return words


def updated_by_jobs(job: Event) -> list[str]:
    """The job's input files that other jobs are to make anew."""
    return _files("Input files updated by another job", job["reason"])


def _files(label: str, reason: str) -> list[str]:
    found = re.search(rf"{label}(?: files)?: ([^;]+)", reason)
    return sorted(found[1].strip().split(", ")) if found else []


def _why_missing(job: Event) -> str:
    log = Path((job["log"] or [""])[0])
    if not log.is_file():
        return "never built"
    if line := reason(log):
        return f"failed: {line} ({log})"
    return "deleted since it was built, or its job was killed"


def _params(reason: str) -> tuple[list[str], list[str]]:
    """The parameters that were, and those that are now, without those that are in both."""
    _, _, text = reason.partition(_PARAMS)
    text = text.partition("before: ")[2].split("; Software environment")[0]
    # The words that part them may stand in a value, too: take the place where both sides are whole.
    for found in re.finditer(" now: ", text):
        sides = [_values(text[: found.start()]), _values(text[found.end() :])]
        if sides[0] is not None and sides[1] is not None:
            return sides[0], sides[1]
    return [], [text] if text else []


def _values(text: str) -> list[str] | None:
    try:
        values = ast.literal_eval(f"[{text.replace('<nothing exclusive>', '').strip()}]")
    except (ValueError, SyntaxError):
        return None
    return sorted(map(str, values))


def _changes(job: Event) -> list[str]:
    before, now = _params(job["reason"])
    words = [*_code_changes(before, now), *_library_changes(before, now)]
    old = [_settings(value) for value in before]
    for values in filter(None, map(_settings, now)):
        alike = max(old, key=lambda one: len(one.keys() & values.keys()), default={})
        words += _key_changes(alike, values, _section(values, job))
    plain = [[value for value in side if _is_plain(value)] for side in (before, now)]
    if any(plain):
        was, is_now = (", ".join(side) or "nothing" for side in plain)
        words.append(f"a setting is {is_now}, was {was}")
    return words


def _code_changes(before: list[str], now: list[str]) -> Iterator[str]:
    old, new = ({_digest(value) for value in side} - {""} for side in (before, now))
    if new - old:
        names = {name for digest in new - old for name in changed_code(old - new, digest)}
        told = some_of(sorted(names), MOST_NAMES)
        yield f"its code changed: {told}" if told else "its code changed"


def _library_changes(before: list[str], now: list[str]) -> Iterator[str]:
    old, new = (dict(_PIN.findall(" ".join(filter(_is_program, side)))) for side in (before, now))
    for name in sorted(new):
        if old.get(name) != new[name]:
            yield f"{name} is {new[name]} in requirements.lock, was {old.get(name, 'not used')}"


def _key_changes(before: dict[str, Any], now: dict[str, Any], place: str) -> Iterator[str]:
    for key in sorted(before.keys() | now.keys()):
        was, is_now = before.get(key), now.get(key)
        name = f"{place}.{key}".lstrip(".")
        if isinstance(was, dict) and isinstance(is_now, dict):
            yield from _key_changes(was, is_now, name)
        elif key not in before:
            yield f"{name} is new: {json.dumps(is_now, ensure_ascii=False)}"
        elif key not in now:
            yield f"{name} is gone, was {json.dumps(was, ensure_ascii=False)}"
        elif was != is_now:
            pair = (json.dumps(value, ensure_ascii=False) for value in (is_now, was))
            yield "{} is {}, was {}".format(name, *pair)


def _section(values: dict[str, Any], job: Event) -> str:
    """The section of the settings that has these keys; empty for the whole of them."""
    about = job["wildcards"] or {}
    trained = about.get("model") or about.get("recogniser")  # another may have the same keys
    for name in filter(None, (trained, *Settings.model_fields)):
        kind = getattr(Settings(), name, None)
        if isinstance(kind, Section) and type(kind).model_fields.keys() == values.keys():
            return str(name)
    return ""


def _digest(value: str) -> str:
    found = _PROGRAM.fullmatch(value)
    return (found[1] or "") if found else ""


def _is_program(value: str) -> bool:
    return bool(_PROGRAM.fullmatch(value))


def _settings(value: str) -> dict[str, Any]:
    try:
        found = json.loads(value)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_plain(value: str) -> bool:
    return not (_is_program(value) or _settings(value))

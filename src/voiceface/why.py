"""In words: what made a file, a stage or a video stale."""

import re
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

from voiceface.build import read_settings
from voiceface.building.events import Event
from voiceface.building.progress import STAGES
from voiceface.building.reasons import MOST_NAMES, causes, updated_by_jobs
from voiceface.errors import VoicefaceError
from voiceface.ids import is_video_id
from voiceface.layout import CONFIG, REPORT, SOURCES, VIDEO_LIST
from voiceface.reporting.words import some_of
from voiceface.sources import find_video
from voiceface.stages import resolve
from voiceface.status import plan


def why(target: str = "", settings_path: Path = CONFIG) -> list[str]:
    """What made `target` stale, in lines.

    Args:
        target: a file or a rule, as for `voiceface build`; a stage; or a video, by which its own
            tables are meant. Empty: the report.

    Raises:
        VoicefaceError: the config is wrong, or there is no such target.
    """
    settings = read_settings(settings_path)
    target = target or str(REPORT)
    lines = []
    if SOURCES.exists() and (cause := resolve.is_stale(settings.resolve, SOURCES, VIDEO_LIST)):
        lines.append(f"  resolve: {cause}; what follows from that shows when it was done")
    if VIDEO_LIST.exists():
        of_many = target in STAGES or _is_video(target)
        jobs, errors = plan(settings_path, [] if of_many else [target])
        if errors and "MissingRuleException" in errors[0]:
            raise VoicefaceError(f"{target}: no file that is built, no stage and no video")
        if errors:
            raise VoicefaceError(errors[0])
        lines += explain(jobs, target if of_many else "")
    elif not lines:
        raise VoicefaceError(f"{VIDEO_LIST}: no such file; list your videos in {SOURCES} first")
    return [f"{target}: stale", *lines] if lines else [f"{target}: up to date"]


def explain(jobs: Collection[Event], about: str = "") -> list[str]:
    """The causes for which jobs are to run, and what only follows, in lines.

    Args:
        jobs: all that are to run.
        about: tell only of the jobs of this stage or video, and of those that they follow.
    """
    grouped: dict[tuple[str, str], list[str]] = defaultdict(list)
    follow = set()
    for job in _with_those_before(jobs, about):
        own = causes(job)
        for cause in own:
            name, words = _without_name(cause, job)
            grouped[job["rule_name"], words].append(name)
        if not own:
            follow.add(job["rule_name"])
    lines = []
    for (rule, words), names in sorted(grouped.items(), key=lambda item: _place(item[0][0])):
        of = f" of {some_of(sorted(names), MOST_NAMES)}" if any(names) else ""
        lines.append(f"  {rule}{of}: {words}")
    if follow:
        lines.append(f"  what follows from that: {', '.join(sorted(follow, key=_place))}")
    return lines


def _is_video(target: str) -> bool:
    if not is_video_id(target) or Path(target).exists():
        return False
    find_video(VIDEO_LIST, target)
    return True


def _with_those_before(jobs: Collection[Event], about: str) -> list[Event]:
    makers = {path: job["jobid"] for job in jobs for path in job["output"] or []}
    # What is no stage and makes no file only names a target.
    works = (job for job in jobs if job["rule_name"] in STAGES or job["output"])
    by_number = {job["jobid"]: job for job in works}
    wanted = [
        number
        for number, job in by_number.items()
        if not about or about in (job["rule_name"], *_wildcards(job))
    ]
    found: set[int] = set()
    while wanted:
        number = wanted.pop()
        if number not in found:
            found.add(number)
            before = updated_by_jobs(by_number[number])
            wanted += [makers[path] for path in before if path in makers]
    return [job for number, job in by_number.items() if number in found]


def _wildcards(job: Event) -> tuple[str, ...]:
    return tuple((job["wildcards"] or {}).values())


def _without_name(cause: str, job: Event) -> tuple[str, str]:
    """What the job is about, and the cause in the same words for all of its kind."""
    for kind, value in (job["wildcards"] or {}).items():
        cause = re.sub(rf"(?<=/){re.escape(value)}(?=[/.])", f"<{kind}>", cause)
    return " ".join(_wildcards(job)), cause


def _place(rule: str) -> tuple[int, str]:
    return (STAGES.index(rule) if rule in STAGES else len(STAGES)), rule

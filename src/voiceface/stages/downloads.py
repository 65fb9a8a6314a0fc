"""All download records together; too many lost videos stop the build here."""

import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa

from voiceface.errors import VoicefaceError
from voiceface.files import write_table
from voiceface.outcome import Outcome, read_outcome
from voiceface.sources import built_videos
from voiceface.stages.shim import stage_main
from voiceface.tables import DOWNLOADS

_REASONS_SHOWN = 3


def run(max_lost_fraction: str, videos: Path, outcomes: Path, output: Path) -> None:
    """Gather the records in the folder `outcomes` of the lock file's listed videos.

    Args:
        max_lost_fraction: `download.max_lost_fraction`, 0 to 1; the one setting that matters here.

    Raises:
        VoicefaceError: a record is missing, or more of the videos than `max_lost_fraction` were
            lost: with the counts and the most common reasons.
    """
    listed = built_videos(videos, outcomes)
    records = [read_outcome(outcomes / f"{video.video}.json") for video in listed]
    lost = [record for record in records if record.status != "ok"]
    if len(lost) > float(max_lost_fraction) * len(records):
        raise VoicefaceError(_too_many(lost, len(records), max_lost_fraction))
    people = {video.video: video.speaker for video in listed}
    rows = [{**record.model_dump(), "speaker": people[record.video]} for record in records]
    write_table(output, pa.Table.from_pylist(rows, schema=DOWNLOADS))


def retry(outcomes: Path, only: str | None = None) -> list[str]:
    """Delete the records of failed and blocked downloads, so that the next build tries them again.

    Args:
        only: those alone whose status or reason holds this text (whatever its case), as in
            `blocked` or `HTTP Error 429`; unavailable ones too: the answer may have changed.

    Returns: the videos whose records were deleted, sorted.

    Raises:
        VoicefaceError: a record is damaged.
    """
    again = []
    for path in sorted(outcomes.glob("*.json")):
        record = read_outcome(path)
        if record.status == "ok":
            continue
        wanted = (
            record.status != "unavailable" if only is None else only.lower() in record.lost.lower()
        )
        if wanted:
            path.unlink()
            again.append(path.stem)
    return again


def _too_many(lost: list[Outcome], total: int, limit: str) -> str:
    reasons = Counter(record.lost for record in lost).most_common(_REASONS_SHOWN)
    told = ", ".join(f"{count} × {reason}" for reason, count in reasons)
    again = sum(record.status != "unavailable" for record in lost)
    mend = f"`voiceface retry` has {again} of them tried again, or " if again else ""
    return (
        f"{len(lost)} of {total} videos were lost, more than download.max_lost_fraction"
        f" {limit} allows: {told}; {mend}mend the sources or raise the limit"
    )


if __name__ == "__main__":
    sys.exit(stage_main(run))

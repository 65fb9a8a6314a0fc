"""Dataset stage: the kept samples in splits, with the proof that nothing leaks between them."""

import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from voiceface.config import Dataset
from voiceface.errors import VoicefaceError
from voiceface.files import read_table, write_sealed, write_table
from voiceface.fingerprints import with_fingerprints
from voiceface.leakage import prove_no_leak
from voiceface.noisy import with_noisy
from voiceface.parts import read_rows_where
from voiceface.people import read_same_people
from voiceface.splits import draw_splits, find_groups
from voiceface.stages.shim import stage_main
from voiceface.tables import DATASET, KEPT, MANIFEST

_COLUMNS = [*(name for name in DATASET.names if name != "split"), "fate"]
_NAMED_REASONS = 3


def run(
    config: Dataset, manifest: Path, samples: Path, people: Path, output: Path, leakage: Path
) -> None:
    """Draw the splits of the kept samples, prove that they share nothing, and write both.

    Args:
        manifest: `manifests/samples.parquet`.
        samples: folder of the sample tables, for the fingerprints.
        people: `manifests/people.parquet`, for the labels that are one person.
        output: `manifests/dataset.parquet`.
        leakage: `manifests/leakage.json`.

    Raises:
        VoicefaceError: no sample is kept, or there is a leak.
    """

    def read(fate: str) -> pa.Table:
        found = read_rows_where(manifest, MANIFEST, _COLUMNS, "fate", fate)
        return with_fingerprints(samples, found)

    kept = read(KEPT)
    if not len(kept):
        fates = read_table(manifest, MANIFEST, ["fate"])["fate"].to_pylist()
        raise VoicefaceError(f"{manifest}: {_why_nothing(Counter(fates))}")
    groups, same_person = find_groups(kept), read_same_people(people)
    shares = (config.test_fraction, config.unseen_fraction)
    splits = draw_splits(groups, *shares, config.seed, same_person)
    video = pc.index_in(kept["video"], pa.array(splits))
    kept = kept.append_column(DATASET.field("split"), pa.array(splits.values()).take(video))
    if config.noisy_train:
        kept = with_noisy(kept, read)
    proof = prove_no_leak(kept, same_person)
    proof["videos"] = dict(sorted(Counter(splits.values()).items()))
    proof["videos_joined_by_content"] = [
        list(group.videos) for group in groups if len(group.videos) > 1
    ]
    write_table(output, kept.select(DATASET.names).cast(DATASET).combine_chunks())
    write_sealed(leakage, proof)


def _why_nothing(fates: Counter[str]) -> str:
    """What stands against all the samples, and the mend."""
    if not fates:
        return "holds no sample: no video could be had, or none has speech; see `voiceface status`"
    largest = sorted(fates.items(), key=lambda item: (-item[1], item[0]))[:_NAMED_REASONS]
    reasons = ", ".join(f"{reason} {count}" for reason, count in largest)
    return (
        f"none of the {fates.total()} samples is kept ({reasons}); loosen `samples:` or `manifest:`"
        " in config.yaml, add sources, or keep samples with `voiceface mark SAMPLE --keep`"
    )


if __name__ == "__main__":
    sys.exit(stage_main(run))

"""Dataset stage: the kept samples in splits, with the proof that nothing leaks between them."""

import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from voiceface.config import Dataset
from voiceface.errors import VoicefaceError
from voiceface.files import read_table, write_sealed, write_table
from voiceface.leakage import prove_no_leak
from voiceface.splits import draw_splits, find_groups
from voiceface.stages.shim import stage_main
from voiceface.tables import DATASET, KEPT, MANIFEST

_ABOUT = ("audio_prints", "audio_marks", "face_print", "fate")
_COLUMNS = [*(name for name in DATASET.names if name != "split"), *_ABOUT]
_NAMED_REASONS = 3


def run(config: Dataset, manifest: Path, output: Path, leakage: Path) -> None:
    """Draw the splits of the kept samples, prove that they share nothing, and write both.

    Raises:
        VoicefaceError: no sample is kept, or there is a leak.
    """
    table = read_table(manifest, MANIFEST, _COLUMNS)
    kept = table.filter(pc.equal(table["fate"], KEPT)).combine_chunks()
    if not len(kept):
        raise VoicefaceError(f"{manifest}: {_why_nothing(table)}")
    groups = find_groups(kept)
    splits = draw_splits(groups, config.test_fraction, config.unseen_fraction, config.seed)
    column = pa.array([splits[video] for video in kept["video"].to_pylist()], pa.string())
    kept = kept.append_column(DATASET.field("split"), column)
    proof = prove_no_leak(kept)
    proof["videos"] = dict(sorted(Counter(splits.values()).items()))
    proof["videos_joined_by_content"] = [
        list(group.videos) for group in groups if len(group.videos) > 1
    ]
    write_table(output, kept.select(DATASET.names).cast(DATASET).combine_chunks())
    write_sealed(leakage, proof)


def _why_nothing(table: pa.Table) -> str:
    """What stands against all the samples, and the mend."""
    if not len(table):
        return "holds no sample: no video could be had, or none has speech; see `voiceface status`"
    fates = Counter(table["fate"].to_pylist())
    largest = sorted(fates.items(), key=lambda item: (-item[1], item[0]))[:_NAMED_REASONS]
    reasons = ", ".join(f"{reason} {count}" for reason, count in largest)
    return (
        f"none of the {len(table)} samples is kept ({reasons}); loosen `samples:` or `manifest:`"
        " in config.yaml, add sources, or keep samples with `voiceface mark SAMPLE --keep`"
    )


if __name__ == "__main__":
    sys.exit(stage_main(run))

"""The flags of many samples as whole numbers, with a bit for each of `tables.REASONS`."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voiceface.parts import in_one_piece
from voiceface.tables import REASONS, SAMPLES


def flag_bit(reason: str) -> int:
    """The number that stands for one of `tables.REASONS` alone."""
    return 1 << REASONS.index(reason)


def flag_bits(flags: pa.ChunkedArray) -> np.ndarray:
    """The number of each sample, int64 (n,): 0 has no flag.

    Args:
        flags: as in `tables.SAMPLES`.
    """
    lists = in_one_piece(flags)
    codes = pc.index_in(lists.flatten(), pa.array(REASONS)).to_numpy(zero_copy_only=False)
    # No reason stands twice in a row, so that the sum of the bits is all of them; it is exact.
    rows = pc.list_parent_indices(lists).to_numpy()
    return np.bincount(rows, np.exp2(codes), len(lists)).astype(np.int64)


def flag_lists(bits: np.ndarray) -> pa.Array:
    """The flags of each sample as the tables have them, worst first.

    Args:
        bits: as of `flag_bits`.
    """
    kinds, kind = np.unique(bits, return_inverse=True)
    return pa.array(map(reasons_of, kinds.tolist()), SAMPLES.field("flags").type).take(
        pa.array(kind)
    )


def reasons_of(bits: int) -> list[str]:
    """The reasons that a number stands for, worst first."""
    return [reason for place, reason in enumerate(REASONS) if bits >> place & 1]

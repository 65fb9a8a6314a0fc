import pyarrow as pa

from voiceface.flags import flag_bit, flag_bits, flag_lists
from voiceface.tables import REASONS, SAMPLES


def test_flags_come_back_worst_first_each_once() -> None:
    lists = [[], ["dark", "blurred"], ["duplicate", "no_face"], list(REASONS), ["dark"]]
    kind = SAMPLES.field("flags").type
    bits = flag_bits(pa.chunked_array([pa.array(lists[:2], kind), pa.array(lists[2:], kind)]))
    assert bits.tolist()[:2] == [0, flag_bit("dark") | flag_bit("blurred")]
    found = flag_lists(bits)
    assert found.type == kind
    assert found.to_pylist() == [*lists[:2], ["no_face", "duplicate"], *lists[3:]]


def test_no_sample_has_no_flags() -> None:
    bits = flag_bits(pa.chunked_array([], SAMPLES.field("flags").type))
    assert len(bits) == len(flag_lists(bits)) == 0

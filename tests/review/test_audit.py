import numpy as np
import pytest

from voiceface.review.audit import AUDIT, audit_rows, residual_error, share_of
from voiceface.review.ledger import Event


def test_the_interval_is_that_of_the_tables() -> None:
    # Clopper & Pearson, 95 %: as in R's binom.test(0, 10), (1, 10) and (10, 100).
    for part, whole, low, high in (
        (0, 10, 0.0, 0.3084971),
        (1, 10, 0.002528579, 0.4450161),
        (10, 100, 0.04900469, 0.1762226),
    ):
        share = share_of(part, whole)
        assert (share.low, share.high) == pytest.approx((low, high), abs=1e-6)
        assert share.estimate == part / whole


def test_nothing_looked_at_tells_nothing() -> None:
    share = share_of(0, 0)
    assert (share.estimate, share.low, share.high) == (None, 0.0, 1.0)
    with pytest.raises(ValueError, match="3 of 2"):
        share_of(3, 2)


def test_the_interval_covers_the_true_error_of_what_was_never_looked_at() -> None:
    rng = np.random.default_rng(0)
    wrong = rng.random(5_000) < 0.03
    unseen = rng.random(5_000) < 0.8
    truth = wrong[unseen].mean()
    shares = [share_of(int(wrong[audit_rows(unseen, s, 200)].sum()), 200) for s in range(200)]
    assert sum(share.low <= truth <= share.high for share in shares) >= 185
    assert np.mean([share.estimate for share in shares]) == pytest.approx(truth, abs=0.004)


def test_the_draw_is_of_unseen_rows_and_goes_on_where_it_was() -> None:
    unseen = np.arange(1_000) % 2 == 0
    first = audit_rows(unseen, 3, 50)
    assert unseen[first].all()
    assert len(set(first.tolist())) == 50
    unseen[first[:20]] = False
    assert audit_rows(unseen, 3, 30).tolist() == first[20:].tolist()
    assert audit_rows(unseen, 4, 30).tolist() != first[20:].tolist()


def test_the_residual_error_counts_the_marks_of_the_audit_alone() -> None:
    marks = [("keep", AUDIT), ("drop", AUDIT), ("unsure", AUDIT), ("keep", AUDIT), ("drop", "")]
    events = [
        Event(f"e{n}", "2026-11-20T00:00:00.000000Z", "ana", f"s{n}", "c", decision, batch=batch)
        for n, (decision, batch) in enumerate(marks)
    ]
    share = residual_error(events)
    assert (share.part, share.whole) == (2, 4)

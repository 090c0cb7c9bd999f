from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from ml.gradients import Norms, norms  # noqa: E402


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(12, 3, 16, 16, dtype=torch.float64), torch.arange(12) % 6


def both(*, batch_norm: bool) -> tuple[Norms, Norms]:
    residual, plain = (norms(batch(), 26, skips=skips, batch_norm=batch_norm, seeds=(0, 1)) for skips in (True, False))
    return residual, plain


def test_without_batch_norm_the_gradient_fades_on_its_way_down_unless_skips_keep_it() -> None:
    residual, plain = both(batch_norm=False)
    assert residual.first > 1e6 * plain.first
    assert 0.1 < residual.first / residual.last < 10


def test_with_batch_norm_the_gradient_of_a_plain_net_grows_on_its_way_down_far_more_than_with_skips() -> None:
    residual, plain = both(batch_norm=True)
    assert plain.first / plain.last > 3 * residual.first / residual.last

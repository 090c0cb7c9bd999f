"""Going on from a bundle: its trunk is taken with all that it was learnt with, or the reason why not is said."""

from __future__ import annotations

from dataclasses import replace

from ml import bundle
from ml.bundle import Spec
from ml.order import Order
from ml.refusal import DataError


def settled(order: Order) -> Order:
    """The order as it is carried out: going on from a base keeps the base's contrast and flips, knob or no knob.

    DataError where there is no base, or its network or input is another: a trunk sees at the scale that it learnt at.
    BundleError where the base is no whole bundle.
    """
    base = base_of(order)
    if base is None:
        return order
    _refuse_other(order, base)
    flips = base.flips and not order.fixed
    return replace(order, knobs={**order.knobs, "contrast": base.contrast, "flips": flips})


def base_of(order: Order) -> Spec | None:
    """The spec of the bundle that an order goes on from; None where it does not."""
    if order.recipe.start != "base":
        return None
    if order.weights is None or not order.weights.is_dir():
        raise DataError("--start base goes on from a bundle: --weights names its folder")
    return bundle.verify(order.weights)


def _refuse_other(order: Order, base: Spec) -> None:
    shape, name = base.input, order.weights.name if order.weights else ""
    pairs = (
        ("network", order.network, base.network),
        ("stem", order.stem, base.stem),
        ("size", order.size, shape.width),
        ("channels", order.channels, shape.channels),
        ("large", order.large, shape.large),
        ("homogenise", order.homogenise, shape.homogenise is not None),
    )
    wrong = [f"{what} {theirs} and not {ours}" for what, ours, theirs in pairs if ours != theirs]
    if shape.height != shape.width:
        wrong.append(f"an input of {shape.width} x {shape.height}")
    if wrong:
        raise DataError(f"{name} has {', '.join(wrong)}: go on from it with its own, or train from new weights")

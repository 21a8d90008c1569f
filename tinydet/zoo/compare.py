"""Count a network and hold it against the paper."""

from dataclasses import dataclass

from tinydet.models.complexity import Complexity, build, count
from tinydet.zoo.nets import Net
from tinydet.zoo.paper import Figure


@dataclass(frozen=True)
class Comparison:
    """What a network costs here and in the paper.

    Attributes:
        net: The network.
        cost: Of its classifier, as counted.
        params: The paper's parameters; None where it has none.
        macs: The paper's multiply-accumulates.
    """

    net: Net
    cost: Complexity
    params: Figure | None
    macs: Figure

    @property
    def params_off(self) -> float | None:
        """Relative difference of our parameters to the paper's."""
        return self.params and _off(self.cost.params, self.params)

    @property
    def macs_off(self) -> float:
        """Relative difference of our multiply-accumulates to the paper's."""
        return _off(self.cost.macs, self.macs)

    @property
    def remark(self) -> str:
        """Why a difference is above the network's tolerance; empty if none is."""
        remarks = []
        for counted, printed, off in (
            (self.cost.params, self.params, self.params_off),
            (self.cost.macs, self.macs, self.macs_off),
        ):
            if off is None or abs(off) <= self.net.tolerance:
                continue
            if printed.is_rounded(counted):
                remarks.append(f'{printed.text} is {counted / 1e6:.2f}M rounded')
            else:
                remarks.append(self.net.reason)
        return '; '.join(dict.fromkeys(remarks))


def _off(counted: int, printed: Figure) -> float:
    return counted / printed.value - 1


def compare(net: Net) -> Comparison:
    """Count a network on the meta device."""
    rows = net.rows
    return Comparison(
        net=net,
        # Where timm's classifiers look for their loss, whatever ran before.
        cost=count(build(net.model, scope='mmpretrain'), net.input),
        params=next((row.params for row in rows if row.params), None),
        macs=rows[0].macs,
    )


def percent(off: float) -> str:
    """A relative difference with sign, in percent; never -0.0%."""
    return f'{round(off, 3) + 0.0:+.1%}'

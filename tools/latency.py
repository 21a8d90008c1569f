"""Measure what networks take on this machine: tools/latency.py CONFIG_OR_ONNX...

One thread, one image; the networks take turns, so that a machine that slows down does
so to all. A config is measured as a network with random weights, to the logits or the
raw predictions; an .onnx file as it is, with all that is in it.
"""

import argparse
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from tinydet.checks import check_number
from tinydet.cli import run
from tinydet.deploy.latency import Latency, measure
from tinydet.deploy.profile import KINDS, Layer, by_kind, by_side, profile
from tinydet.deploy.runtimes import RUNTIMES
from tinydet.errors import InputError
from tinydet.files import make_room, write_json
from tinydet.progress import track

# Of the tables of layers, in characters: of all, of the labels, of a column.
WIDTH = 88
LABEL = max(map(len, KINDS))
COLUMN = 8
# What has a height of 1.
NO_MAP = '1 or no map'


@dataclass(frozen=True)
class Network:
    """What is measured.

    Attributes:
        model: ONNX.
        side: Of its input, in pixels.
        macs: Multiply-accumulates.
        parameters: Number of weights.
    """

    model: bytes
    side: int
    macs: int
    parameters: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('networks', nargs='+', metavar='CONFIG_OR_ONNX')
    parser.add_argument(
        '--runtime',
        choices=RUNTIMES,
        default='onnxruntime',
        help='what runs them (default: %(default)s)',
    )
    parser.add_argument(
        '--seconds',
        type=float,
        default=5.0,
        help='for each, twice as long on an unsteady machine (default: %(default)s)',
    )
    parser.add_argument(
        '--profile',
        action='store_true',
        help='also print where the time goes, by kind of layer and by size of map',
    )
    parser.add_argument('--json', type=Path, help='write the table to this file')
    args = parser.parse_args()
    check_number('--seconds', args.seconds, 0)
    if args.profile and args.runtime != 'onnxruntime':
        parser.error('--profile is of ONNX Runtime: leave out --runtime')
    make_room(args.json)
    paths = name_networks(args.networks)
    networks = {
        name: load(path) for name, path in track(list(paths.items()), desc='networks')
    }
    models = {name: network.model for name, network in networks.items()}
    least, most = (factor * args.seconds * len(models) for factor in (1, 2))
    print(f'measuring for {least:.0f} to {most:.0f} s', file=sys.stderr, flush=True)
    found = measure(models, args.seconds, args.runtime)
    rows = describe(networks, found)
    print_table(rows)
    if args.profile:
        profiles = {name: profile(model) for name, model in models.items()}
        for name, layers in profiles.items():
            rows[name]['profile'] = describe_layers(layers)
        print_profiles(rows)
    if args.json:
        write_json(args.json, rows)


def name_networks(paths: list[str]) -> dict[str, str]:
    """Paths by what tells them from each other: their stems.

    Raises:
        InputError: If two have one.
    """
    names: dict[str, str] = {}
    for path in paths:
        name = Path(path).stem
        if name in names:
            raise InputError(
                f'{path} and {names[name]} are both called {name}: give each once, '
                'from files of different names'
            )
        names[name] = path
    return names


def load(path: str) -> Network:
    """Read an ONNX file, or export the network of a config.

    Raises:
        InputError: If it cannot be read, or is of no network that can be measured.
    """
    # Here, since PyTorch and the mm packages take their time to load.
    if Path(path).suffix == '.onnx':
        from tinydet.inference import Metadata
        from tinydet.inference.onnx_model import open_session

        session = open_session(path, 'cpu', threads=1)
        metadata = Metadata.from_properties(
            session.get_modelmeta().custom_metadata_map, path
        )
        return Network(
            Path(path).read_bytes(),
            metadata.input_size,
            metadata.macs,
            metadata.parameters,
        )
    from tinydet.deploy.untrained import untrained_onnx
    from tinydet.engine.jobs import load_config
    from tinydet.models.complexity import count_model

    cfg = load_config(path)
    cost = count_model(cfg)
    return Network(untrained_onnx(cfg), cost.input, cost.macs, cost.params)


def describe(
    networks: dict[str, Network], found: dict[str, Latency]
) -> dict[str, dict]:
    """A row of the table for each network."""
    first = next(iter(found.values())).median_ms
    return {
        name: dict(
            **asdict(found[name]),
            ratio=found[name].median_ms / first,
            input=network.side,
            macs=network.macs,
            parameters=network.parameters,
        )
        for name, network in networks.items()
    }


def describe_layers(layers: list[Layer]) -> dict:
    """A profile's sums."""
    return dict(
        kinds=by_kind(layers),
        sides=by_side(layers),
        sum_ms=sum(layer.ms for layer in layers),
        megabytes=sum(layer.megabytes for layer in layers),
    )


def print_table(rows: dict[str, dict]) -> None:
    width = max(len('network'), *map(len, rows))
    print(
        f'{"network":<{width}} {"input":>5} {"params M":>8} {"MMACs":>8} '
        f'{"median ms":>9} {"p10":>7} {"p90":>7} {"ratio":>6}'
    )
    for name, row in rows.items():
        print(
            f'{name:<{width}} {row["input"]:>5} {row["parameters"] / 1e6:>8.3f} '
            f'{row["macs"] / 1e6:>8.2f} {row["median_ms"]:>9.3f} '
            f'{row["p10_ms"]:>7.3f} {row["p90_ms"]:>7.3f} {row["ratio"]:>6.3f}'
        )


def print_profiles(rows: dict[str, dict]) -> None:
    """Kinds of layers, then heights of maps, with a column for each network."""
    profiles = [row['profile'] for row in rows.values()]
    headings = head_columns(list(rows))
    kinds = [{**profile['kinds'], 'sum': profile['sum_ms']} for profile in profiles]
    print_columns('ms by kind', headings, kinds, list(kinds[0]))
    heights = sorted({side for p in profiles for side in p['sides']}, reverse=True)
    names = {height: NO_MAP if height == 1 else str(height) for height in heights}
    sides = [{names[side]: ms for side, ms in p['sides'].items()} for p in profiles]
    print_columns('ms by height of map', headings, sides, list(names.values()))
    moved = [{'MB': profile['megabytes']} for profile in profiles]
    print_columns('read and written', headings, moved, ['MB'])


def head_columns(names: list[str]) -> list[str]:
    """The names, or numbers where these are too wide, after a list of what they are."""
    if LABEL + sum(1 + max(COLUMN, len(name)) for name in names) <= WIDTH:
        return names
    print()
    for number, name in enumerate(names, 1):
        print(f'[{number}] {name}')
    return [f'[{number}]' for number in range(1, len(names) + 1)]


def print_columns(
    title: str, headings: list[str], columns: list[dict], labels: list
) -> None:
    widths = [max(COLUMN, len(heading)) for heading in headings]
    cells = zip(headings, widths, strict=True)
    print()
    print(f'{title:<{LABEL}}', *(f'{heading:>{width}}' for heading, width in cells))
    for label in labels:
        values = [column.get(label) for column in columns]
        # What none has is left out.
        if any(values):
            cells = zip(values, widths, strict=True)
            print(f'{label:<{LABEL}}', *(cell(value, width) for value, width in cells))


def cell(value: float | None, width: int) -> str:
    return f'{value:>{width}.3f}' if value else f'{"-":>{width}}'


if __name__ == '__main__':
    raise SystemExit(run(main))

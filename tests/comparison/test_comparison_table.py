"""The table of compared detectors."""

import numpy as np
from tiny_detector import METADATA

from tinydet.comparison.findings import Findings
from tinydet.comparison.table import Compared, to_markdown
from tinydet.deploy.latency import Latency
from tinydet.scoring.boxes import FIGURES, BoxEvaluation

# mAP, AP50, AP75, AP of small (of which there are none), medium and large, and recalls
VALUES = 0.40534, 0.6, 0.5, -1, 0.2, 0, *[0.1] * 6


def compared(name: str) -> Compared:
    boxes = BoxEvaluation(dict(zip(FIGURES, VALUES, strict=True)), {})
    findings = Findings(boxes, np.zeros((2, 101, 1)), np.zeros((2, 2)), {})
    return Compared(name, findings, METADATA, 7_741_234, Latency(12.345, 11, 14.5, 40))


def test_rows_of_markdown():
    table = to_markdown([compared('tiny'), compared('a-longer-name')])
    heading, ruler, row, other = table.splitlines()
    cells = [cell.strip() for cell in row.strip('|').split('|')]
    assert cells == [
        *('tiny', '0.405', '0.600', '0.500', '-', '0.200', '0.000', '32'),
        *('0.00', '0.0', '12.35 (11.00-14.50)', '7.74'),
    ]
    assert heading.count('|') == ruler.count('|') == row.count('|') == 13
    assert len({len(line) for line in (heading, ruler, row, other)}) == 1
    assert other.startswith('| a-longer-name | 0.405 |')


def test_the_row_of_a_file_is_not_rounded():
    row = compared('tiny').row()
    assert row['mAP'] == 0.40534
    assert row['APs'] is None
    assert (row['macs'], row['parameters']) == (1000, 100)
    assert (row['p10_ms'], row['median_ms'], row['p90_ms']) == (11, 12.345, 14.5)
    assert row['file_bytes'] == 7_741_234

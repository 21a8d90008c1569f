"""The paper's rows."""

import pytest

from tinydet.zoo.nets import NETS
from tinydet.zoo.paper import ROWS, TABLE_1, TABLE_2, TABLE_3, TABLE_6, Figure


@pytest.mark.parametrize(
    ('text', 'value'),
    [('5.1M', 5_100_000), ('339M', 339_000_000), ('4.1B', 4_100_000_000)],
)
def test_a_printed_figure(text, value):
    assert Figure(text).value == value


@pytest.mark.parametrize(
    ('text', 'count', 'is_rounded'),
    [
        ('2.5M', 2_457_226, True),
        ('2.5M', 2_449_999, False),
        ('2.5M', 2_551_000, False),
        ('24M', 24_356_848, True),
        ('24M', 24_500_001, False),
        ('4.1B', 4_089_184_256, True),
        ('4.1B', 4_200_000_000, False),
    ],
)
def test_what_a_figure_was_rounded_from(text, count, is_rounded):
    assert Figure(text).is_rounded(count) is is_rounded


def test_the_tables_are_whole():
    # Lines as printed; in Table 1 a footnote's FLOPs stand for "depth underflow", whose
    # accuracy is a dash.
    assert [len(table) for table in (TABLE_1, TABLE_2, TABLE_3, TABLE_6)] == [
        *(10, 7, 29, 19)
    ]
    assert [row.label for row in ROWS if row.top1 is None] == ['B0, least d']


def test_what_the_paper_says_in_its_text():
    """Statements of its sections hold for the rows."""
    top1 = {(row.table, row.label, row.recipe): row.top1 for row in ROWS}
    tiny, giant = top1[3, 'TinyNet-E', ''], top1[3, 'EfficientNet-B^-4', '']
    assert tiny - giant == pytest.approx(3.2)
    assert tiny - top1[3, 'MobileNetV3 Small 0.5x', ''] == pytest.approx(1.9)
    with_ra = top1[3, 'TinyNet-A', 'RA']
    assert with_ra - top1[3, 'TinyNet-A', ''] == pytest.approx(0.9)


def test_every_row_has_a_network_and_every_network_a_row():
    assert {row.label for row in ROWS} == {net.label for net in NETS}


def test_accuracies_fall_with_the_cost_within_a_family():
    """A digit misread would show."""
    for family in {net.family for net in NETS}:
        for data in {row.data for row in ROWS}:
            costs = [
                (row.macs.value, row.top1)
                for net in NETS
                for row in net.rows
                if net.family == family and row.data == data
                if row.top1 and not row.recipe
            ]
            if family in ('B0, one dimension', 'ResNet'):
                continue  # several rules in one
            accuracies = [top1 for _, top1 in sorted(costs)]
            assert accuracies == sorted(accuracies), family

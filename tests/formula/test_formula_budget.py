import pytest

from tinydet.errors import InputError
from tinydet.formula.budget import Budget, parse_budget
from tinydet.formula.cube import Net


@pytest.mark.parametrize(
    ('kind', 'text', 'value'),
    [
        ('macs', '50M', 50e6),
        ('macs', '1.2G', 1.2e9),
        ('macs', '1.2 g', 1.2e9),
        ('macs', ' 800k ', 8e5),
        ('macs', '50000000', 50e6),
        ('macs', '5e7', 50e6),
        ('macs', '.5B', 5e8),
        ('params', '2m', 2e6),
        ('latency', '5ms', 5),
        ('latency', '5', 5),
        ('latency', '0.25s', 250),
        ('latency', '800us', 0.8),
    ],
)
def test_budgets_as_people_write_them(kind, text, value):
    budget = parse_budget(kind, text)
    assert budget.kind == kind
    assert budget.value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ('kind', 'text', 'units'),
    [
        ('macs', '5ms', 'k, m, g, b: give one such as 50M'),
        ('macs', '50Q', 'k, m, g, b: give one such as 50M'),
        ('params', '2s', 'k, m, g, b: give one such as 50M'),
        ('latency', '5M', 'us, ms, s: give one such as 5ms'),
        ('macs', '0M', 'such as 50M'),
        ('macs', '-5M', 'such as 50M'),
        ('macs', '', 'such as 50M'),
        ('macs', 'M', 'such as 50M'),
        ('macs', 'nan', 'such as 50M'),
        ('macs', 'inf', 'such as 50M'),
        ('macs', '1,2G', 'such as 50M'),
        ('macs', '5MM', 'such as 50M'),
        ('macs', '0x10M', 'such as 50M'),
    ],
)
def test_what_is_no_budget(kind, text, units):
    with pytest.raises(InputError) as error:
        parse_budget(kind, text)
    message = str(error.value)
    assert message.startswith(f'--{kind} {text!r} is no number above 0')
    assert message.endswith(units)


def test_a_budget_is_of_one_cost_of_a_network():
    net = Net(r=1, d=1, w=1, input=224, params=7, macs=9, arch=None)
    assert Budget('macs', 1).of(net) == 9
    assert Budget('params', 1).of(net) == 7


@pytest.mark.parametrize(
    ('budget', 'text'),
    [
        (Budget('macs', 50e6), '50M MACs'),
        (Budget('params', 2.34e6), '2.34M parameters'),
        (Budget('latency', 5), '5 ms'),
    ],
)
def test_a_budget_in_a_message(budget, text):
    assert str(budget) == text

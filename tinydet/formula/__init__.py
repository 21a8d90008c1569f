"""The tiny formula: from a budget to a network, and from trained networks to it.

For example the network of TinyNet-D's budget::

    cube = classifier_cube('efficientnet_b0')
    solution = solve_budget(cube, read_formula(), parse_budget('macs', '50M'))
    solution.net.input, solution.net.d, solution.net.w
"""

from tinydet.formula.budget import Budget, parse_budget
from tinydet.formula.cube import Cube, Net, classifier_cube, detector_cube
from tinydet.formula.formula import (
    PUBLISHED,
    Formula,
    Point,
    Prediction,
    read_formula,
    write_formula,
)
from tinydet.formula.process import Process, fit_process
from tinydet.formula.rules import RULES, shrink
from tinydet.formula.solve import Solution, closed_form_width, solve_budget
from tinydet.formula.study import Study, Trial, read_table, write_table

__all__ = [
    'PUBLISHED',
    'RULES',
    'Budget',
    'Cube',
    'Formula',
    'Net',
    'Point',
    'Prediction',
    'Process',
    'Solution',
    'Study',
    'Trial',
    'classifier_cube',
    'closed_form_width',
    'detector_cube',
    'fit_process',
    'parse_budget',
    'read_formula',
    'read_table',
    'shrink',
    'solve_budget',
    'write_formula',
    'write_table',
]

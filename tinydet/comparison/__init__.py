"""Detectors beside each other over one data set, and groups of runs.

The runs of a group differ in their seed; :mod:`tinydet.comparison.statistics` tests
what differs between groups.
"""

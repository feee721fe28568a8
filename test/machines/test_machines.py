"""Every value of every column of the matrix in one machine at least, and that its rows are what they promise to be."""
import pytest

import columns
import start
from pairs import Rows


def rows(strength, allowed=columns.allowed):
    return Rows(columns.COLUMNS, allowed, lambda part: columns.refusal(part) is not None, strength)


EVERY_VALUE, MATRIX = rows(1, lambda part: columns.allowed(part) and columns.quick(part)), rows(2)


@pytest.mark.parametrize("row", EVERY_VALUE.found, ids=lambda row: "-".join(row.values()))
def test_machine(row):
    outcome = start.start(row)
    assert outcome.passed, f"{outcome.error}\n{outcome.command}"


@pytest.mark.parametrize("made", [EVERY_VALUE, MATRIX], ids=["values", "pairs"])
def test_rows(made):
    """Each breaks no rule and is there once; what each pair needs is there, but for what no row can have."""
    assert all(list(row) == list(columns.COLUMNS) and columns.allowed(row) for row in made.found)
    assert len({tuple(row.values()) for row in made.found}) == len(made.found)
    tried = set().union(*(made.stands_for(row) for row in made.found))
    assert set(made.parts()) - tried == set(made.impossible)
    for part in made.impossible:  # a third column keeps them apart, or lets the machine refuse for another reason
        rows_with = [row | dict(part) for row in made.found]
        assert not any(columns.allowed(row) and not columns.refusal(row) for row in rows_with)


def test_size():
    assert EVERY_VALUE.impossible == [] and len(EVERY_VALUE.found) <= 40
    assert 120 <= len(MATRIX.found) <= 1000


def test_same_rows_again():
    assert rows(2).found == MATRIX.found

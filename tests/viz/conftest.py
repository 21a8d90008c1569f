import pytest
from matplotlib.figure import Figure


@pytest.fixture
def figures(monkeypatch) -> list[Figure]:
    """The figures saved in a test."""
    saved, save = [], Figure.savefig

    def keep(self, *args, **kwargs):
        saved.append(self)
        save(self, *args, **kwargs)

    monkeypatch.setattr(Figure, 'savefig', keep)
    return saved

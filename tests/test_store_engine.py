"""The store on disk obeys the contract."""

import pytest

from gnomon.store.engine import open_store
from store_conformance import StoreConformance


class TestEngine(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path):
        with open_store(tmp_path / "store") as store:
            yield store

"""The plain store obeys the contract."""

import pytest

from gnomon.store.memory import MemoryStore
from store_conformance import StoreConformance


class TestMemoryStore(StoreConformance):
    @pytest.fixture
    def store(self):
        return MemoryStore()

"""The plain store obeys the contract."""

import pytest
from store_conformance import StoreConformance

from gnomon.store.memory import MemoryStore


class TestMemoryStore(StoreConformance):
    @pytest.fixture
    def store(self):
        return MemoryStore()

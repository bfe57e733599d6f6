"""The store on disk obeys the contract."""

import numpy as np
import pytest

from gnomon.store import sign_scan
from gnomon.store.engine import open_store
from store_conformance import StoreConformance


class TestEngine(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path):
        with open_store(tmp_path / "store") as store:
            yield store


def test_the_scan_in_parts_finds_what_the_scan_in_one_finds(monkeypatch):
    rng = np.random.default_rng(7)
    bits = rng.integers(0, 256, (5000, 48), dtype=np.uint8)
    query = rng.integers(0, 256, (1, 48), dtype=np.uint8)
    distances = np.unpackbits(bits ^ query, axis=1).sum(axis=1)
    for below, parts in ((10**9, 1), (10, 4)):
        monkeypatch.setattr(sign_scan, "ONE_PART_BELOW", below)
        monkeypatch.setattr(sign_scan, "PARTS", parts)
        found = sign_scan.nearest(query, bits, 100)
        assert len(set(found.tolist())) == 100
        assert distances[found].max() == np.sort(distances)[99]
        assert len(sign_scan.nearest(query, bits[:7], 100)) == 7


def test_a_reader_beside_the_first_writer_finds_no_store_or_a_whole_one(tmp_path, monkeypatch):
    from gnomon.store import database

    seen = []
    real = database.migrate

    def watched(connection):
        seen.append((tmp_path / "record.db").exists())
        real(connection)

    monkeypatch.setattr(database, "migrate", watched)
    with open_store(tmp_path), open_store(tmp_path, readonly=True) as reader:
        assert reader.status().posts == 0
    # Made under another name; the second look finds it whole.
    assert seen == [False, True]

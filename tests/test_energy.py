"""Energy: RAPL's files as they are on the disk, NVML through a library that is truly loaded, and
nothing where nothing can be read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from gnomon.assemble import Gnomon
from gnomon.assemble.metered import ELSEWHERE, IDLE_S, TOGETHER, Answers, is_elsewhere
from gnomon.config import load
from gnomon.energy import Joules, Ledger, Meter, find
from gnomon.energy.counters import Found
from gnomon.energy.ledger import added
from gnomon.errors import InputError
from gnomon.types import Answer, Event, Finished
from serving import ENGLISH, sample_world

RANGE_UJ = 262_143_328_850
NO_LIBRARY = "libno-such-driver.so.1"


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def zone(powercap: Path, folder: str, name: str, uj: int, most: int = RANGE_UJ) -> Path:
    path = powercap / folder
    path.mkdir(parents=True)
    (path / "name").write_text(f"{name}\n")
    (path / "max_energy_range_uj").write_text(f"{most}\n")
    (path / "energy_uj").write_text(f"{uj}\n")
    return path / "energy_uj"


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    return tmp_path / "powercap"


# ---------------------------------------------------------------------------------- RAPL


def test_packages_and_their_memory_are_counted_once(powercap: Path) -> None:
    package = zone(powercap, "intel-rapl:0", "package-0", 5_000_000)
    core = zone(powercap, "intel-rapl:0:0", "core", 1_000_000)
    memory = zone(powercap, "intel-rapl:0:1", "dram", 2_000_000)
    mmio = zone(powercap, "intel-rapl-mmio:0", "package-0", 5_000_000)
    psys = zone(powercap, "intel-rapl:1", "psys", 9_000_000)
    (powercap / "intel-rapl").mkdir()
    clock = Clock()
    meter = Meter(find(powercap, NO_LIBRARY, clock=clock), clock=clock)
    assert meter.found.device == "package-0 (RAPL), memory of package-0 (RAPL)"
    with meter:
        for file, more in ((package, 30), (core, 20), (memory, 4), (mmio, 30), (psys, 60)):
            file.write_text(str(int(file.read_text()) + more * 1_000_000))
        clock.now += 2.0
        spent = meter.read()
        assert spent.joules == pytest.approx(34.0)
        assert spent.seconds == 2.0
        assert spent.watts == pytest.approx(17.0)
        assert not spent.short
        assert spent.why == ""
    package.write_text("999000000")
    assert meter.read() == spent, "a meter that was stopped says the same from then on"


def test_a_counter_wraps_around(powercap: Path) -> None:
    file = zone(powercap, "intel-rapl:0", "package-0", RANGE_UJ - 1_000_000)
    clock = Clock()
    with Meter(find(powercap, NO_LIBRARY, clock=clock), clock=clock) as meter:
        file.write_text("2000000")
        clock.now += 1.0
        assert meter.read().joules == pytest.approx(3.0)
        file.write_text("1000000")  # once around, 1 J short of where it was
        clock.now += 60.0
        assert meter.read().joules == pytest.approx(3.0 + RANGE_UJ / 1e6 - 1.0)


def test_what_may_have_wrapped_unseen_is_not_told(powercap: Path) -> None:
    """As after a laptop slept; what begins later is measured again."""
    file = zone(powercap, "intel-rapl:0", "package-0", 0, most=65_532_610_987)
    clock = Clock()
    with Meter(find(powercap, NO_LIBRARY, clock=clock), clock=clock) as meter:
        file.write_text("7000000")
        clock.now += 66.0  # it lasts 65.5 s at 1,000 W
        lost = meter.read()
        assert lost.joules is None
        assert "may have wrapped" in lost.why
        assert lost.seconds == 66.0
        again = meter.mark()
        file.write_text("9000000")
        clock.now += 5.0
        assert meter.since(again).joules == pytest.approx(2.0)
        assert meter.read().joules is None


def test_a_short_span_is_marked(powercap: Path) -> None:
    file = zone(powercap, "intel-rapl:0", "package-0", 0)
    clock = Clock()
    with Meter(find(powercap, NO_LIBRARY, clock=clock), clock=clock) as meter:
        file.write_text("50")
        clock.now += 0.05
        spent = meter.read()
        assert spent.short
        assert spent.joules == pytest.approx(5e-5)
        assert "under 0.1 s" in spent.why


@pytest.mark.parametrize("broken", ["", "many", "\xff"])
def test_a_file_that_holds_no_number(powercap: Path, broken: str) -> None:
    file = zone(powercap, "intel-rapl:0", "package-0", 0)
    clock = Clock()
    with Meter(find(powercap, NO_LIBRARY, clock=clock), clock=clock) as meter:
        file.write_text(broken, encoding="latin-1")
        clock.now += 5.0
        spent = meter.read()
        assert spent.joules is None
        assert "energy_uj" in spent.why
    found = find(powercap, NO_LIBRARY)
    assert not found.counters
    assert "energy_uj" in found.why


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that everybody may enter: pytest closes its own to others whenever it starts anywhere."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_what_only_root_may_read_is_said(open_folder: Path) -> None:
    powercap = open_folder / "powercap"
    zone(powercap, "intel-rapl:0", "package-0", 0).chmod(0)
    for folder in (powercap, powercap / "intel-rapl:0"):
        folder.chmod(0o755)
    ask = "import sys; from pathlib import Path; from gnomon.energy import find\n"
    if os.getuid() == 0:  # root reads everything: ask as somebody else
        ask += "import os; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
    ask += "print(find(Path(sys.argv[1]), 'libno.so').why)"
    done = subprocess.run(
        [sys.executable, "-c", ask, str(powercap)], capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("not measured: ")
    assert "root alone" in done.stdout
    assert "CVE-2020-8694" in done.stdout


def test_without_counters_nothing_is_measured(tmp_path: Path) -> None:
    with Meter(find(tmp_path / "none", NO_LIBRARY), idle_s=60.0) as meter:
        spent = meter.read()  # and no minute is waited for an idle power that nobody can read
    assert spent.joules is None
    assert spent.watts is None
    assert spent.idle_watts is None
    assert spent.device == ""
    assert spent.why == "not measured: this machine has no energy counter"
    assert spent.seconds > 0


def test_idle_power_stands_beside_it(powercap: Path) -> None:
    class Falling:
        """A machine that takes 10 W doing nothing and 50 W at work."""

        name, shortest_s, lost = "package-0 (RAPL)", 0.0, 0

        def __init__(self) -> None:
            self.at = [0.0, 1.0, 1.0, 6.0]

        def joules(self) -> float:
            return self.at.pop(0)

    seconds = iter([0.0, 0.1, 0.1, 0.2])
    meter = Meter(Found((Falling(),)), idle_s=0.001, clock=lambda: next(seconds))
    meter.start()
    spent = meter.read()
    assert spent.idle_watts == pytest.approx(10.0)
    assert spent.watts == pytest.approx(50.0)


# ---------------------------------------------------------------------------------- NVML

FAKE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static char *which[] = {"A", "B", "C"};
static int started;
int nvmlInit_v2(void) { started = 1; return getenv("FAKE_NVML_DOWN") ? 9 : 0; }
int nvmlDeviceGetCount_v2(unsigned *n) { *n = 3; return started ? 0 : 1; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **handle) { *handle = which[i]; return 0; }
int nvmlDeviceGetName(void *h, char *out, unsigned n) {
    snprintf(out, n, "NVIDIA Fake %s", (char *)h); return 0; }
int nvmlDeviceGetUUID(void *h, char *out, unsigned n) {
    snprintf(out, n, "GPU-%s0f", (char *)h); return 0; }
int nvmlDeviceGetTotalEnergyConsumption(void *h, unsigned long long *mj) {
    if (*(char *)h == 'C') return 3;
    FILE *file = fopen(getenv("FAKE_NVML_MJ"), "r");
    if (!file) return 999;
    int read = fscanf(file, "%llu", mj);
    fclose(file);
    return read == 1 ? 0 : 999;
}
const char *nvmlErrorString(int code) {
    return code == 3 ? "Not Supported" : code == 9 ? "Driver Not Loaded" : "Unknown Error"; }
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A shared library with the functions of the driver that are called, and nothing else."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to make a library with")
    folder = tmp_path_factory.mktemp("nvml")
    (folder / "nvml.c").write_text(FAKE)
    made = folder / "libnvidia-ml.so.1"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", str(made), str(folder / "nvml.c")], check=True
    )
    return str(made)


@pytest.fixture
def millijoules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "mj"
    # Beyond 32 bits: a GPU of 700 W is there after 100 minutes.
    file.write_text(str(2**32 + 5_000))
    monkeypatch.setenv("FAKE_NVML_MJ", str(file))
    return file


def test_a_gpus_own_counter(
    tmp_path: Path, library: str, millijoules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    clock = Clock()
    with Meter(find(tmp_path / "none", library), clock=clock) as meter:
        assert meter.found.device == "NVIDIA Fake B (NVML)"
        millijoules.write_text(str(2**32 + 25_000))
        clock.now += 9.0
        early = meter.read()
        assert early.joules == pytest.approx(20.0)
        assert early.short
        assert "under 10 s" in early.why
        clock.now += 1.0
        spent = meter.read()
        assert not spent.short
        assert spent.watts == pytest.approx(2.0)
        millijoules.unlink()
        gone = meter.read()
        assert gone.joules is None
        assert "nvmlDeviceGetTotalEnergyConsumption says 'Unknown Error'" in gone.why


@pytest.mark.parametrize(
    ("visible", "names"),
    [(None, "AB"), ("0,1", "AB"), ("GPU-B", "B"), ("", ""), ("-1", ""), ("2", "")],
)
def test_the_gpus_that_cuda_sees(
    tmp_path: Path,
    library: str,
    millijoules: Path,
    monkeypatch: pytest.MonkeyPatch,
    visible: str | None,
    names: str,
) -> None:
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = find(tmp_path / "none", library)
    assert [one.name for one in found.counters] == [f"NVIDIA Fake {c} (NVML)" for c in names]
    if visible in (None, "2"):
        assert "Not Supported" in found.why, "the third keeps no counter, and that is said"


def test_a_driver_that_is_down(
    tmp_path: Path, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_NVML_DOWN", "1")
    found = find(tmp_path / "none", library)
    assert not found.counters
    assert found.why == "not measured: NVML: nvmlInit_v2 says 'Driver Not Loaded'"


def test_a_library_that_is_too_old(tmp_path: Path) -> None:
    libc = "libc.so.6"
    found = find(tmp_path / "none", libc)
    assert "too old for nvmlInit_v2" in found.why or not found.unread


# ---------------------------------------------------------------------------------- ledger


def started(path: Path, powercap: Path, clock: Clock, targets: tuple[float, ...] = ()) -> Ledger:
    return Ledger(
        path, Meter(find(powercap, NO_LIBRARY, clock=clock), clock=clock), targets=targets
    )


def test_a_run_that_is_cut_and_resumed(tmp_path: Path, powercap: Path) -> None:
    file = zone(powercap, "intel-rapl:0", "package-0", 0)
    path, clock = tmp_path / "energy.json", Clock()
    ledger = started(path, powercap, clock, (4.0, 3.0))
    file.write_text("10000000")
    clock.now += 10.0
    spent = ledger.note(tokens=1_000, loss=4.5)
    assert spent.energy.joules == pytest.approx(10.0)
    assert spent.per_token == pytest.approx(0.01)
    assert spent.to_loss == {}
    file.write_text("16000000")
    clock.now += 2.0
    assert ledger.note(tokens=1_500, loss=3.9).to_loss["4"]["joules"] == pytest.approx(16.0)
    ledger.save()  # with a checkpoint; then the power fails

    file.write_text("50000000")
    clock.now += 1_000.0
    ledger = started(path, powercap, clock, (4.0, 3.0))
    assert ledger.spent().energy.joules == pytest.approx(16.0)
    assert ledger.spent().tokens == 1_500
    file.write_text("54000000")
    clock.now += 3.0
    spent = ledger.note(tokens=2_000, loss=2.5)
    assert spent.energy.joules == pytest.approx(20.0)
    assert spent.energy.seconds == pytest.approx(15.0)
    assert spent.per_token == pytest.approx(0.01)
    assert spent.to_loss["4"]["joules"] == pytest.approx(16.0), "it was reached before"
    assert spent.to_loss["3"] == {
        "joules": pytest.approx(20.0), "tokens": 2_000, "seconds": pytest.approx(15.0),
    }  # fmt: skip
    done = ledger.close()
    assert json.loads(path.read_text())["tokens"] == 2_000
    assert json.loads(json.dumps(done.as_json())) == done.as_json()


def test_a_part_is_not_told_as_the_whole(tmp_path: Path, powercap: Path) -> None:
    """Begun on a machine with a counter, gone on with on one without."""
    file = zone(powercap, "intel-rapl:0", "package-0", 0)
    path, clock = tmp_path / "energy.json", Clock()
    ledger = started(path, powercap, clock)
    file.write_text("10000000")
    clock.now += 10.0
    ledger.close()
    ledger = started(path, tmp_path / "none", clock)
    clock.now += 5.0
    spent = ledger.note(tokens=10)
    assert spent.energy.joules is None
    assert spent.per_token is None
    assert "for 5 of 15 s" in spent.energy.why


def test_spans_of_several_devices() -> None:
    one = Joules(3.0, 1.0, "package-0 (RAPL)", 5.0)
    assert added([one, one]) == Joules(6.0, 2.0, "package-0 (RAPL)", 5.0)
    other = replace(one, device="NVIDIA Fake A (NVML)", short=True, why="too short")
    both = added([one, other])
    assert both.device == "package-0 (RAPL), then NVIDIA Fake A (NVML)"
    assert both.idle_watts is None
    assert both.short


@pytest.mark.parametrize("text", ["{", "[]", '{"sessions": [{"watts": 3}]}'])
def test_a_file_that_is_no_ledger(tmp_path: Path, text: str) -> None:
    path = tmp_path / "energy.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"is no energy ledger.*delete it"):
        Ledger(path, Meter(Found()))


def test_what_is_read_goes_into_a_card(tmp_path: Path) -> None:
    with Meter(Found()) as meter:
        assert json.loads(json.dumps(asdict(meter.read())))["joules"] is None


# ---------------------------------------------------------------------------------- answers


class Steady:
    """A counter of a device that takes 10 J between any two looks."""

    name, shortest_s, lost = "package-0 (RAPL)", 0.0, 0

    def __init__(self) -> None:
        self.looks = 0

    def joules(self) -> float:
        self.looks += 1
        return 10.0 * self.looks


def test_an_answers_receipt_has_its_joules(tmp_path: Path) -> None:
    with sample_world(tmp_path) as engine:
        assert isinstance(engine, Gnomon)
        plain = last(engine.ask(ENGLISH[0]))
        counted = engine.energy.meter.found.counters
        assert (plain.energy is None) is (not counted), "this machine's own"
        engine.energy = Answers(lambda: Found((Steady(),), ("GPU 0 says no",)))
        answer = last(engine.ask(ENGLISH[0]))
        assert answer.energy is not None
        assert answer.energy.joules is not None
        assert answer.energy.joules > 0
        assert answer.energy.device == "package-0 (RAPL)"
        assert answer.energy.why == "not in it: GPU 0 says no"
        kept = engine.answer(answer.id)["energy"]
        assert kept["joules"] == answer.energy.joules
        assert engine.status()["energy"]["device"] == "package-0 (RAPL)"


def test_answers_at_the_same_time_say_so(tmp_path: Path) -> None:
    with sample_world(tmp_path) as engine:
        assert isinstance(engine, Gnomon)
        engine.energy = Answers(lambda: Found((Steady(),)))
        first = engine.ask(ENGLISH[0])
        next(first)
        other = last(engine.ask(ENGLISH[0]))
        for answer in (last(first), other):
            assert answer.energy is not None
            assert TOGETHER in answer.energy.why
        alone = last(engine.ask(ENGLISH[0]))
        assert alone.energy is not None
        assert alone.energy.why == ""
        stopped = engine.ask(ENGLISH[0])
        next(stopped)
        stopped.close()  # type: ignore[attr-defined]
        after = last(engine.ask(ENGLISH[0])).energy
        assert after is not None
        assert after.why == "", "one that was stopped is not under way any more"


def test_a_model_elsewhere_is_not_in_it() -> None:
    answers = Answers(lambda: Found((Steady(),)))
    spent = answers.of_one(elsewhere=True)
    assert list(spent.over(iter("ab"))) == ["a", "b"]
    assert spent.joules() is not None
    assert ELSEWHERE in spent.joules().why  # type: ignore[union-attr]
    for model, far in (
        ("auto", False), ("http://127.0.0.1:8000/v1", False), ("http://localhost/v1", False),
        ("https://models.example.org/v1", True), ("http://10.0.0.7/v1", True),
    ):  # fmt: skip
        assert is_elsewhere(load(Path("/nowhere"), {}, chat_model=model)) is far


def test_idle_power_is_that_between_answers() -> None:
    clock, counter = Clock(), Steady()
    answers = Answers(lambda: Found((counter,)))
    answers.meter._clock = clock
    answers.end(answers.of_one())  # the machine is quiet from now on
    clock.now += IDLE_S - 1
    assert one_answer(answers).idle_watts is None
    clock.now += IDLE_S
    # The look at the last answer, after its end, and the one at the beginning of this.
    assert one_answer(answers).idle_watts == pytest.approx(2 * 10.0 / IDLE_S)


def one_answer(answers: Answers) -> Joules:
    spent = answers.of_one()
    list(spent.over(iter("ab")))
    made = spent.joules()
    assert made is not None
    return made


def last(events: Iterator[Event]) -> Answer:
    *_, finished = events
    assert isinstance(finished, Finished)
    return finished.answer


# ---------------------------------------------------------------------------------- training


def test_the_training_loop_keeps_the_ledger(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from gnomon.lab.model.loop import Job, train
    from gnomon.lab.model.optimizer import Recipe
    from gnomon.lab.model.parallel import world
    from gnomon.lab.progress import Silence

    class Row:
        size = 8

        def to(self, device: Any) -> Any:
            return self

    def loss(module: Any, row: Row) -> Any:
        return (module(torch.ones(8, 4)) ** 2).sum(), 8.0

    counter = Steady()
    with world() as at, Ledger(tmp_path / "energy.json", Meter(Found((counter,)))) as ledger:
        job = Job("pretrain", tmp_path, Silence(), energy=ledger)
        module = torch.nn.Linear(4, 4)
        recipe = Recipe(steps=3, matrix_rate=0.1, rate=0.1)
        train(module, lambda step: [Row()], loss, recipe, job, at)
    spent = ledger.spent()
    assert spent.tokens == 3 * Row.size
    assert spent.energy.joules is not None
    assert spent.per_token == pytest.approx(spent.energy.joules / 24)
    assert json.loads((tmp_path / "energy.json").read_text())["tokens"] == 24

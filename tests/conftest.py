"""What holds for every test process."""

import os

import pytest

# Test processes share the cores. OpenMP's threads wait for each other by spinning, which takes
# from the one that works: a training step of 40 ms becomes one of seconds.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

MOST_PROCESSES = 4

# The files that take longest, longest first; the others follow in their order. A file is one
# process's work, so a long one that begins last leaves the other cores idle.
LONGEST = (
    "test_cli.py", "test_cases.py", "test_openapi.py", "test_lab_chain.py",
    "test_store_differential.py", "test_board.py", "test_page_sound.py", "test_bad_input.py",
    "test_open_responses.py", "test_store_disk.py", "test_lab_verifier.py", "test_page_views.py",
    "test_page.py", "test_trends.py", "test_models_pull.py", "test_serve_plain.py",
    "test_digest.py", "test_store_crash.py", "test_supply.py", "test_models_generation.py",
    "test_skills.py", "test_models_llamacpp.py", "test_web_asking.py", "test_sandbox.py",
    "test_pictures.py", "test_skills_served.py", "test_serve_ledger.py", "test_voice_api.py",
    "test_sources_conformance.py", "test_models_url.py", "test_check.py", "test_lab_pretrain.py",
    "test_store_engine.py", "test_docs_links.py", "test_limits.py", "test_search_images.py",
)  # fmt: skip
_TURN = {name: turn for turn, name in enumerate(LONGEST)}


@pytest.hookimpl(optionalhook=True)  # tests run without xdist, too
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One process more than there are cores: a test that waits for a browser, a disk or another
    process leaves its core to the next. None: as xdist's own variable says."""
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(MOST_PROCESSES, (cores or 1) + 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _TURN.get(item.path.name, len(_TURN)))

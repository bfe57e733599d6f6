"""Settings: what cannot be meant is refused by its name, with what would be accepted."""

from pathlib import Path

import pytest

from gnomon.config import load
from gnomon.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("asks", "0", "more than 0"),
        ("chat_strong", "perhaps", "auto, yes, no"),
        ("deadline_s", "nan", "more than 0"),
        ("digest_lang", "fr", "en, zh"),
        ("draw_device", "gpu", "auto, cpu, cuda, mps"),
        ("future_s", "-1", "0 or more"),
        ("keep_pictures_mb", "-1", "0 or more"),
        ("log", "all", "warnings, requests, json"),
        ("max_age_days", "-1", "0 or more"),
        ("max_age_days", "inf", "0 or more"),
        ("max_question_chars", "0", "more than 0"),
        ("model_timeout_s", "0", "more than 0"),
        ("origins", "http://[x", "no address"),
        ("public_url", "example.org", "https://example.org"),
        ("risk", "2", "from 0 to 1"),
        ("threads", "0", "more than 0"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(
    tmp_path: Path, name: str, value: str, accepted: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^{name} .*{accepted}"):
        load(tmp_path, {f"GNOMON_{name.upper()}": value})

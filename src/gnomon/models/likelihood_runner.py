"""The worker's side of ``likelihood.py``. Standard library and the runtime only.

llama.cpp's server tells log-probabilities of what it generates; a token is scored by a grammar
that leaves no other (``start: <[ID]>``), since what it reports is the distribution before the
grammar. Tokens that are half a character have no entry in its answer and are asked for one by one.
"""

from __future__ import annotations

import http.client
import json
import threading
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

EVERY = 1 << 24
"""More candidates than any vocabulary has."""
FORCED_AT_ONCE = 256

Send = Callable[..., None]


class LikelihoodRunner:
    """Answers by ``ask``: tokens, special, texts, vocabulary, distribution, forced, greedy."""

    def __init__(self, load: Mapping[str, Any]) -> None:
        import xllamacpp

        from gnomon.models.llamacpp_settings import settings

        params = settings(load)
        if load["exact"]:
            params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
            params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self._server = xllamacpp.Server(params)
        self._key = params.api_keys[0]
        address = urlsplit(str(self._server.listening_address))
        self._listener = http.client.HTTPConnection(address.hostname or "", address.port)
        self._busy = threading.Lock()
        plain = self._post("/tokenize", {"content": "a", "parse_special": False})["tokens"]
        self._plain = int(plain[0])
        self._vocabulary: list[bytes] = []

    def facts(self) -> dict[str, Any]:
        return {"plain": self._plain}

    def run(self, request: dict[str, Any], send: Send, cancelled: threading.Event) -> None:
        try:
            with self._busy:
                end = self._answer(request, send, cancelled)
        except (ValueError, RuntimeError, OSError, http.client.HTTPException) as error:
            send("error", message=str(error))
            return
        send("end", **end)

    def _answer(
        self, request: Mapping[str, Any], send: Send, cancelled: threading.Event
    ) -> dict[str, Any]:
        ask = request["ask"]
        if ask == "tokens":
            return {"tokens": self._tokens(request["texts"])}
        if ask == "special":
            return {"token": self._special(request["text"])}
        if ask == "texts":
            told = (self._post("/detokenize", {"tokens": ids}) for ids in request["rows"])
            return {"texts": [one["content"] for one in told]}
        if ask == "vocabulary":
            return {"tokens": [list(token) for token in self._known()]}
        for job in request["jobs"]:
            if cancelled.is_set():
                break
            if ask == "distribution":
                send("delta", payload=self._distribution(job["prompt"]).tobytes())
            elif ask == "likeliest":
                rows = self._candidates(job["prompt"], job["most"])
                values = array("f", [row["logprob"] for row in rows])
                send("delta", payload=values.tobytes(), ids=[row["id"] for row in rows])
            elif ask == "forced":
                values, greedy = self._forced(job["prompt"], job["forced"])
                send("delta", payload=values.tobytes(), greedy=greedy)
            else:
                send("delta", tokens=self._greedy(job))
        return {}

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """One request for all: an id that is no text stands between two."""
        mixed: list[Any] = []
        wall = self._special("<|endoftext|>")
        if wall < 0:
            return [
                self._post("/tokenize", {"content": text, "parse_special": False})["tokens"]
                for text in texts
            ]
        for text in texts:
            mixed += [text, wall]
        ids = self._post("/tokenize", {"content": mixed, "parse_special": False})["tokens"]
        found: list[list[int]] = [[]]
        for number in ids:
            if number == wall:
                found.append([])
            else:
                found[-1].append(number)
        return found[:-1]

    def _special(self, text: str) -> int:
        """The id of the special token that a text spells, -1 where it spells none."""
        plain = self._post("/tokenize", {"content": text, "parse_special": False})["tokens"]
        parsed = self._post("/tokenize", {"content": text, "parse_special": True})["tokens"]
        return int(parsed[0]) if len(parsed) == 1 and parsed != plain else -1

    def _known(self) -> list[bytes]:
        if not self._vocabulary:
            rows = self._candidates([self._plain])
            self._vocabulary = [b""] * len(rows)
            for row in rows:
                self._vocabulary[row["id"]] = bytes(row["bytes"])
        return self._vocabulary

    def _distribution(self, prompt: Sequence[int]) -> array[float]:
        rows = self._candidates(prompt)
        values = array("f", bytes(4 * len(rows)))
        for row in rows:
            values[row["id"]] = row["logprob"]
        return values

    def _candidates(self, prompt: Sequence[int], most: int = EVERY) -> list[dict[str, Any]]:
        """Every token's chance to come next. A plain letter is generated: a token that is half a
        character would have no entry."""
        told = self._generate(prompt, [self._plain], most)
        found: list[dict[str, Any]] = told[0]["top_logprobs"]
        return found

    def _forced(self, prompt: Sequence[int], forced: Sequence[int]) -> tuple[array[float], bool]:
        values, greedy = array("f"), True
        before = list(prompt)
        for first in range(0, len(forced), FORCED_AT_ONCE):
            piece = list(forced[first : first + FORCED_AT_ONCE])
            told = self._generate(before, piece, 1)
            if [row["id"] for row in told] == piece:
                values.extend(row["logprob"] for row in told)
                greedy &= all(row["top_logprobs"][0]["id"] == row["id"] for row in told)
            else:
                for at, number in enumerate(piece):
                    chances = self._distribution(before + piece[:at])
                    values.append(chances[number])
                    greedy &= max(chances) == chances[number]
            before += piece
        return values, greedy

    def _generate(
        self, prompt: Sequence[int], forced: Sequence[int], candidates: int
    ) -> list[dict[str, Any]]:
        told = self._server.handle_completions(
            {
                "prompt": list(prompt),
                "max_tokens": len(forced),
                "temperature": 0.0,
                "n_probs": candidates,
                "grammar": "%llguidance {}\nstart: "
                + " ".join(f"<[{number}]>" for number in forced),
            }
        )
        if "error" in told:
            raise ValueError(told["error"].get("message", "no reason given"))
        entries: list[dict[str, Any]] = (told["choices"][0].get("logprobs") or {}).get(
            "content", []
        )
        return entries

    def _greedy(self, job: Mapping[str, Any]) -> list[int]:
        told = self._post(
            "/completion",
            {
                "prompt": job["prompt"],
                "n_predict": job["max_tokens"],
                "temperature": 0.0,
                "stop": job["stop"],
                "return_tokens": True,
            },
        )
        ids: list[int] = told["tokens"]
        return ids[:-1] if told["stop_type"] == "eos" else ids

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What the server's object does not offer, through its own listener on loopback."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        text = json.dumps(body)
        try:
            self._listener.request("POST", path, text, headers)
            answer = self._listener.getresponse()
        except (ConnectionError, http.client.HTTPException):
            # It closes a connection that was idle for some seconds, or is used up.
            self._listener.close()
            self._listener.request("POST", path, text, headers)
            answer = self._listener.getresponse()
        told: dict[str, Any] = json.loads(answer.read())
        if "error" in told:
            raise ValueError(told["error"].get("message", f"HTTP {answer.status}"))
        return told

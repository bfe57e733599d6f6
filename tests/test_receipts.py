"""Signed receipts: what they state, what breaks them, and that a deletion reaches into them."""

from __future__ import annotations

import copy
import json
import math
import struct
import time

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from gnomon import sample
from gnomon.assemble import open_gnomon
from gnomon.assemble.provenance import Signed
from gnomon.cli import main
from gnomon.config import load
from gnomon.errors import InputError, NotFound
from gnomon.ingest import take
from gnomon.provenance import receipts
from gnomon.provenance.canonical import canonical
from gnomon.provenance.keys import Keys
from gnomon.provenance.receipts import document, verify, witness
from gnomon.types import Batch, Deletion
from serving import ENGLISH, answered, running, sample_world

# -- the one spelling ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bits", "written"),
    [  # RFC 8785, appendix B
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_the_rfc_writes_them(bits, written):
    assert canonical(struct.unpack(">d", bytes.fromhex(bits))[0]).decode() == written


def test_keys_and_strings_are_written_as_the_rfc_writes_them():
    # RFC 8785, sections 3.2.2 and 3.2.3
    given = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '€$\x0f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    assert canonical(given).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    named = {"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\x80": 6, "ö": 7}
    assert [*json.loads(canonical(named))] == ["\r", "1", "\x80", "ö", "€", "😀", "\ufb33"]


def test_what_json_cannot_hold_is_refused():
    for value in (math.nan, math.inf, 10**400, {1, 2}, b"x"):
        with pytest.raises(InputError):
            canonical(value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(VALUES)
def test_the_spelling_reads_back_and_is_its_own_spelling(value):
    written = canonical(value)
    again = json.loads(written, parse_int=float)
    assert canonical(again) == written
    assert again == value


# -- a receipt ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A store on disk with an answer whose receipt was signed as it was kept."""
    config = load(tmp_path_factory.mktemp("home"), {}, chat_model="none", embed_model="none")
    with open_gnomon(config) as gnomon:
        for batch in sample.batches():
            take(batch, gnomon.store)
        gnomon.store.refresh()
        for question in ENGLISH:
            *_, last = gnomon.ask(question, now=sample.NOW)
            if last.answer.citations:
                break
        yield gnomon, last.answer


def fresh(kept):
    gnomon, answer = kept
    return json.loads(json.dumps(gnomon.receipts.show(answer.id)))


def test_a_receipt_states_what_was_answered_by_what_and_over_what(kept):
    gnomon, answer = kept
    found = fresh(kept)
    said = found["statement"]
    assert (said["answer"], found["id"], found["answer"]["text"]) == (answer.id,) * 2 + (
        answer.text,
    )
    held = gnomon.store.status()
    assert said["index"]["posts"] == held.posts
    assert said["index"]["views"].keys() == held.views.keys()
    assert said["models"]["wrote"]["name"] == answer.model
    assert len(said["models"]["verifier"]["sha256"]) == 64
    assert "joules" in said
    assert all(len(cited["hash"]) == 64 for cited in found["answer"]["citations"])
    # The statement says no word of anybody's: it outlives them.
    texts = {c.evidence.quote for c in answer.citations} | {answer.question, answer.text}
    assert not any(text in json.dumps(said, ensure_ascii=False) for text in texts)
    check = gnomon.receipts.verify(found)
    assert (check.state, check.erased, check.kept) == ("trusted", 0, len(found["leaves"]))


def test_the_answer_as_it_is_shown_has_no_signature_in_it(kept):
    gnomon, answer = kept
    assert "receipt" not in gnomon.answer(answer.id)


def test_it_verifies_elsewhere_with_the_public_key_alone(kept, tmp_path):
    found = fresh(kept)
    stranger = Signed(load(tmp_path, {}))
    assert verify(found, stranger.keys.all()).state == "valid"
    assert verify(found, (), found["public_key"]).state == "trusted"
    other = stranger.key()
    assert verify(found, (), other.public).state == "invalid"
    found["public_key"] = ""
    with pytest.raises(InputError, match="--key"):
        verify(found)


def test_any_jose_library_can_verify_it(kept):
    """By hand, as RFC 7515 says, without a line of ours."""
    import base64

    found = fresh(kept)
    head, empty, signature = found["jws"].split(".")
    assert empty == ""
    payload = base64.urlsafe_b64encode(canonical(found["statement"])).rstrip(b"=")
    raw = base64.urlsafe_b64decode(signature + "==")
    assert json.loads(base64.urlsafe_b64decode(head + "=="))["alg"] == "ES256"
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    public = load_pem_public_key(found["public_key"].encode())
    der = utils.encode_dss_signature(r, s)
    public.verify(der, head.encode() + b"." + payload, ec.ECDSA(hashes.SHA256()))


def _set(value, *path_and_item):
    *path, last, item = path_and_item
    for step in path:
        value = value[step]
    value[last] = item


TAMPERED = {
    "a word of the answer": ("answer", "text", "It was 12 km/h."),
    "a quote": ("answer", "citations", 0, "quote", "He never said so."),
    "who said it": ("answer", "citations", 0, "author", "somebody else"),
    "a number": ("answer", "confidence", 0.5),
    "a hash of a source": ("answer", "citations", 0, "hash", "0" * 64),
    "a time": ("answer", "as_of", "2026-03-17T12:00:00Z"),
    "a model": ("statement", "models", "wrote", "name", "a better one"),
    "the joules": ("statement", "joules", 0.001),
    "when it was signed": ("statement", "at", "2020-01-01T00:00:00Z"),
    "which answer": ("id", "0" * 64),
    "a new field": ("answer", "endorsed", True),
    "a new text": ("answer", "note", "and so it is"),
    "a text taken away": ("answer", "reason", None),
    "a digest": ("leaves", 0, 1, "A" * 43),
    "a salt": ("leaves", 0, 2, "A" * 22),
    "a salt taken away": ("leaves", 0, 2, ""),
    "the signature": ("jws", "e30..AAAA"),
    "the algorithm": ("jws", "eyJhbGciOiJub25lIn0.."),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_whatever_is_changed_breaks_it(kept, what):
    gnomon, _ = kept
    found = fresh(kept)
    _set(found, *TAMPERED[what])
    check = gnomon.receipts.verify(found)
    assert check.state == "invalid", what
    assert check.why


def test_every_leaf_is_covered(kept):
    """Each text in turn, not only those that somebody thought of."""
    gnomon, _ = kept
    found = fresh(kept)
    for pointer, _, _ in found["leaves"]:
        changed = copy.deepcopy(found)
        path = [int(s) if s.isdigit() else s for s in pointer.split("/")[1:]]
        held = changed["answer"]
        for step in path:
            held = held[step]
        _set(changed["answer"], *path, ["x"] if isinstance(held, list) else f"{held}x")
        assert gnomon.receipts.verify(changed).state == "invalid", pointer


def test_a_text_changed_with_its_digest_is_not_the_one_that_was_signed(kept):
    """Anybody can hash other words: the list of the hashes is what is under the signature."""
    gnomon, _ = kept
    found = fresh(kept)
    leaf = next(leaf for leaf in found["leaves"] if leaf[0] == "/text")
    found["answer"]["text"] = "It was 12 km/h."
    leaf[1] = receipts._digest(leaf[2], leaf[0], "It was 12 km/h.")
    check = gnomon.receipts.verify(found)
    assert (check.state, "list of texts" in check.why) == ("invalid", True)


def test_the_algorithm_is_ours_to_choose_and_not_the_receipts(kept):
    """Signed by the right key in the right way each time, and called something else."""
    gnomon, _ = kept
    found = fresh(kept)
    key = gnomon.provenance.key()
    private = load_pem_private_key(key.private.encode(), None)
    for named, state in (("ES256", "trusted"), ("none", "invalid"), ("HS256", "invalid")):
        head = receipts._b64(canonical({"alg": named, "kid": key.id, "typ": "gnomon-receipt"}))
        signed = private.sign(receipts._input(head, found["statement"]), ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(signed)
        found["jws"] = f"{head}..{receipts._b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
        assert gnomon.receipts.verify(found).state == state, named


def test_a_deletion_reaches_into_the_receipt_and_the_rest_still_holds(tmp_path):
    config = load(tmp_path, {}, chat_model="none", embed_model="none")
    with open_gnomon(config) as gnomon:
        for batch in sample.batches():
            take(batch, gnomon.store)
        gnomon.store.refresh()
        for question in ENGLISH:
            *_, last = gnomon.ask(question, now=sample.NOW)
            if len({c.evidence.post for c in last.answer.citations}) > 1:
                break
        answer = last.answer
        before = json.loads(json.dumps(gnomon.receipts.show(answer.id)))
        gone = answer.citations[0].evidence
        gnomon.store.write(
            Batch(gone.source, deletions=(Deletion(gone.source, sample.NOW, post=gone.post),))
        )
        after = gnomon.receipts.show(answer.id)
        check = gnomon.receipts.verify(after)
        assert (check.state, check.erased > 0, check.kept > 0) == ("trusted", True, True)
        assert "erased" in check.why
        assert after["statement"] == before["statement"]
        assert after["jws"] == before["jws"]
        whole = json.dumps(after, ensure_ascii=False)
        assert gone.quote not in whole
        # Nobody can try words against what was signed: the salts went with the words.
        salts = {pointer: salt for pointer, _, salt in after["leaves"]}
        for pointer, _, salt in before["leaves"]:
            if not salts[pointer]:
                assert salt not in whole
        assert salts["/citations/0/quote"] == ""
        # Nor can words be put back in, be it the very ones.
        forged = json.loads(json.dumps(after))
        forged["answer"]["citations"][0]["quote"] = gone.quote
        assert gnomon.receipts.verify(forged).state == "invalid"


def test_an_empty_answer_and_hard_texts_are_signed(tmp_path):
    key = Keys(tmp_path).current(time.time())
    for body in (
        {"object": "gnomon.answer"},
        {"text": "", "a/b~c": {"x": ["one", "", "\ud800", "😀"]}, "n": 1.0, "slots": []},
        {"text": "x" * 200_000},
    ):
        made = document("i", body, witness(body, "i", {"models": {}}, key, time.time()), key)
        assert verify(json.loads(json.dumps(made)), [key]).state == "trusted"


def test_what_is_no_receipt_is_told(tmp_path):
    for wrong in ({}, {"statement": 1}, {"statement": {}, "jws": "", "leaves": [1], "answer": {}}):
        with pytest.raises(InputError, match="receipt"):
            verify(wrong)


def test_the_same_answer_kept_twice_keeps_its_first_receipt(kept):
    gnomon, answer = kept
    before = gnomon.receipts.show(answer.id)
    *_, last = gnomon.ask(answer.question, now=sample.NOW)
    assert last.answer.id == answer.id
    assert gnomon.receipts.show(answer.id) == before


# -- commands and wire --------------------------------------------------------------------------


def test_the_commands(kept, tmp_path, capsys):
    gnomon, answer = kept
    home, file = gnomon.config.home, tmp_path / "receipt.json"
    base = ["--home", str(home), "receipt"]
    assert main([*base, "show", answer.id, "--json"]) == 0
    file.write_text(capsys.readouterr().out)
    assert main([*base, "show", "last"]) == 0
    assert answer.id in capsys.readouterr().out
    assert main([*base, "verify", answer.id]) == 0
    assert "trusted" in capsys.readouterr().out
    # Elsewhere, with nothing but the file and the key.
    away = ["--home", str(tmp_path / "away"), "receipt"]
    assert main([*away, "verify", str(file)]) == 0
    assert "valid" in capsys.readouterr().out
    key = tmp_path / "key.pem"
    key.write_text(json.loads(file.read_text())["public_key"])
    assert main([*away, "verify", str(file), "--key", str(key), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "trusted"
    assert not (tmp_path / "away" / "provenance" / "keys").exists()
    file.write_text(file.read_text().replace(answer.text, "No."))
    assert main([*away, "verify", str(file)]) == 1
    assert "changed" in capsys.readouterr().out
    assert main([*base, "verify", "nosuch"]) == 1
    assert main([*base, "verify", str(tmp_path / "none.json")]) == 1
    file.write_text("not json")
    assert main([*base, "verify", str(file)]) == 1
    assert "no JSON" in capsys.readouterr().err


def test_over_the_wire(tmp_path):
    with sample_world(tmp_path) as engine, running(engine) as url:
        question = answered(engine, ENGLISH)
        *_, last = engine.ask(question)
        assert not (tmp_path / "provenance" / "keys").exists()  # looking leaves no key behind
        with httpx.Client(base_url=url) as client:
            found = client.get(f"/v1/answers/{last.answer.id}/receipt").json()
            assert found["object"] == "gnomon.receipt"
            check = client.post("/v1/receipts/verify", json=found).json()
            assert (check["state"], check["answer"]) == ("trusted", last.answer.id)
            found["answer"]["text"] = "No."
            assert client.post("/v1/receipts/verify", json=found).json()["state"] == "invalid"
            assert client.post("/v1/receipts/verify", json={}).status_code == 400
            assert client.get("/v1/answers/nosuch/receipt").status_code == 404
            keys = client.get("/v1/provenance/keys").json()["data"]
            assert [key["public"] for key in keys] == [found["public_key"]]


def test_an_answer_kept_before_there_were_signatures_says_so(kept):
    gnomon, _ = kept
    receipt = gnomon.store.append_journal(1.0, {"object": "gnomon.answer", "text": "old"}, [])
    with pytest.raises(NotFound, match="without a signature"):
        gnomon.receipts.show(receipt.id)

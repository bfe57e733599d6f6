"""Keys, manifests into what we make, and reading anybody's: with the library's own reader, in the
confined process, over a real port with the real client."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import c2pa
import openai
import pytest

import pictures
from gnomon.assemble.provenance import Signed
from gnomon.cli import main
from gnomon.config import load
from gnomon.errors import ConfigError, InputError, NotFound, Unsupported
from gnomon.provenance import keys as keys_module
from gnomon.provenance import manifest, reader, report
from gnomon.provenance.keys import Keys
from gnomon.provenance.manifest import LABEL
from gnomon.provenance.media import CARRIERS, kind_of, plain
from gnomon.types.provenance import Made
from serving import running, sample_world

MADE = Made("picture", "tiny-picture", "ab" * 32, "cd" * 32, 1_773_000_000.0)
SOUND = Made("sound", "tiny-voice", "", "ef" * 32, 1_773_000_000.0)
FILES = {
    "image/png": pictures.png,
    "image/jpeg": lambda: pictures.encoded("JPEG"),
    "image/webp": lambda: pictures.encoded("WEBP"),
    "image/gif": lambda: pictures.encoded("GIF"),
    "image/tiff": lambda: pictures.encoded("TIFF"),
    "audio/wav": pictures.wav,
    "audio/mpeg": pictures.mp3,
}


@pytest.fixture
def signed(tmp_path):
    return Signed(load(tmp_path, {}, watermark=False))


def quick(signed: Signed, data: bytes) -> report.Provenance:
    """As ``Signed.read``, in this process: for files that are ours and many."""
    ours = signed.keys.all()
    roots = "".join(key.root for key in ours)
    return report.told(report.report(data, roots, signed.keys.trusted()), ours)


# -- keys ---------------------------------------------------------------------------------------


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: Keys(tmp_path).current(time.time()), range(8)))
    assert len({key.id for key in made}) == 1
    private = tmp_path / "keys" / made[0].id / "key.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert "PRIVATE" not in repr(made[0])
    # The root's private half was thrown away: there is no other key anywhere.
    assert [p.name for p in tmp_path.rglob("*.pem") if "PRIVATE" in p.read_text()] == ["key.pem"]


def test_a_rotated_key_signs_no_more_and_goes_on_verifying(signed):
    old = signed.sign(pictures.png(), "image/png", MADE)
    first = signed.key()
    second = signed.rotate()
    new = signed.sign(pictures.png(), "image/png", MADE)
    assert [(k.id, k.retired) for k in signed.keys.all()] == [(second.id, False), (first.id, True)]
    assert not (signed.keys.folder / "keys" / first.id / "key.pem").exists()
    assert quick(signed, old).signer.key == first.id
    assert quick(signed, new).signer.key == second.id
    signed.keys.withdraw(first.id)
    assert (quick(signed, old).state, quick(signed, new).state) == ("valid", "trusted")
    with pytest.raises(NotFound, match="nosuch"):
        signed.keys.withdraw("nosuch")


def test_a_key_that_has_run_out_is_replaced_and_a_broken_one_is_told(tmp_path):
    keys = Keys(tmp_path)
    early = keys.current(1_000_000_000.0)  # 2001: its ten years are over
    assert keys.current(time.time()).id != early.id
    (tmp_path / "keys" / early.id / "chain.pem").write_text("nonsense")
    with pytest.raises(ConfigError, match=early.id):
        keys.all()


def test_the_owners_trust_list(signed, tmp_path):
    stranger = Signed(load(tmp_path / "other", {}))
    theirs = stranger.sign(pictures.png(), "image/png", MADE)
    found = signed.read(theirs)
    assert (found.state, found.signer.key, found.made) == ("valid", "", None)
    assert "nobody on the trust list" in found.why
    assert signed.keys.trust(stranger.key().root) == 1
    assert signed.keys.trust(stranger.key().root) == 1  # once is enough
    found = signed.read(theirs)
    assert (found.state, found.signer.key) == ("trusted", "")
    with pytest.raises(InputError, match="BEGIN CERTIFICATE"):
        signed.keys.trust("no certificate")
    (signed.keys.folder / "trusted.pem").write_text("garbage")
    with pytest.raises(ConfigError, match=r"trusted\.pem"):
        signed.read(theirs)


def test_our_serial_number_is_not_our_signature(signed):
    """Anybody can read it in what we sign, and put it into a certificate of their own."""
    key = signed.key()
    theirs = {
        "signature_info": {"cert_serial_number": str(key.certificate.serial_number)},
        "assertions": [{"label": LABEL, "data": {"at": "2026-03-01T00:00:00Z"}}],
    }
    said = {"active_manifest": "a", "manifests": {"a": theirs}}
    for state in ("Trusted", "Valid"):
        found = report.told({"state": state, "mime": "image/png", "said": said}, [key])
        assert (found.signer.key, found.made) == ("", None)
    ours = {"state": "Trusted", "mime": "image/png", "said": said, "ours": True}
    assert report.told(ours, [key]).signer.key == key.id


# -- what we make -------------------------------------------------------------------------------


@pytest.mark.parametrize("mime", FILES)
def test_what_is_made_says_so_in_a_way_that_the_librarys_reader_takes(signed, mime):
    made = SOUND if mime.startswith("audio") else MADE
    data = signed.sign(FILES[mime](), mime, made)
    settings = c2pa.Settings.from_dict({"trust": {"user_anchors": signed.key().root}})
    with c2pa.Reader(mime, io.BytesIO(data), context=c2pa.Context(settings)) as theirs:
        assert theirs.get_validation_state() == "Trusted"
        told = theirs.get_active_manifest()
    actions = next(a for a in told["assertions"] if a["label"].startswith("c2pa.actions"))
    action = actions["data"]["actions"][0]
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert told["claim_generator_info"][0]["name"] == "gnomon"
    ours = quick(signed, data)
    assert (ours.state, ours.machine, ours.made, ours.mime) == ("trusted", True, made, mime)


def test_an_edited_picture_says_out_of_what(signed):
    made = Made("picture", "m", "", "", 1_773_000_000.0, from_sha256="12" * 32)
    found = quick(signed, signed.sign(pictures.png(), "image/png", made))
    assert found.source_type == "compositeWithTrainedAlgorithmicMedia"
    assert (found.machine, found.made) == (True, made)


def test_a_format_that_carries_nothing_comes_back_and_has_a_sidecar(signed, tmp_path):
    opus = b"OggS" + bytes(2000)
    assert signed.sign(opus, "audio/ogg; codecs=opus", SOUND) == opus
    path = tmp_path / "said.opus"
    path.write_bytes(opus)
    with pytest.raises(Unsupported, match=r"said\.opus"):
        signed.read_file(path)
    path.with_name("said.opus.c2pa").write_bytes(signed.sidecar(opus, "audio/ogg", SOUND))
    found = signed.read_file(path)
    assert (found.state, found.made) == ("trusted", SOUND)
    path.write_bytes(opus[:-1] + b"\1")
    assert signed.read_file(path).state == "invalid"


def test_what_is_no_file_of_its_type_is_not_signed(signed):
    with pytest.raises(InputError, match="image/png"):
        signed.sign(b"not a picture", "image/png", MADE)


# -- what breaks it -----------------------------------------------------------------------------


def test_one_pixel_changed_is_seen_in_the_confined_process(signed):
    data = bytearray(signed.sign(pictures.png(), "image/png", MADE))
    assert signed.read(bytes(data)).state == "trusted"
    at = data.index(b"IDAT") + 4 + 500
    data[at] ^= 1
    found = signed.read(bytes(data), "holiday.png")
    assert found.state == "invalid"
    assert "changed after it was signed" in found.why
    assert "assertion.dataHash.mismatch" in found.reasons
    assert (found.signer.key, found.made) == ("", None)


@pytest.mark.parametrize("mime", FILES)
def test_a_byte_of_the_content_changed_breaks_it_in_every_format(signed, mime):
    plain_bytes = FILES[mime]()
    data = bytearray(signed.sign(plain_bytes, mime, MADE))
    tail = plain_bytes[-12:-4]  # of the content: the manifest does not hold it
    at = bytes(data).rindex(tail)
    data[at] ^= 1
    assert quick(signed, bytes(data)).state == "invalid"


def test_a_manifest_of_another_picture_does_not_hold(signed):
    one = signed.sign(pictures.png(), "image/png", MADE)
    other = pictures.png(shift=9)
    swapped = other[:33] + _chunk(one, b"caBX") + other[33:]
    found = quick(signed, swapped)
    assert found.state == "invalid"
    assert "changed after it was signed" in found.why


def test_words_of_the_manifest_changed(signed):
    data = signed.sign(pictures.png(), "image/png", MADE)
    forged = _mended(data.replace(b"tiny-picture", b"human-camera"))
    assert forged != data
    found = quick(signed, forged)
    assert found.state == "invalid"
    assert "assertion.hashedURI.mismatch" in found.reasons


def test_signed_with_another_key_under_our_certificate(signed, tmp_path):
    ours, other = signed.key(), Signed(load(tmp_path / "other", {})).key()
    forged = keys_module.Key(ours.id, ours.chain, other.private, ours.since, ours.until)
    with pytest.raises(InputError):  # the library looks at what it signed
        manifest.sign(pictures.png(), "image/png", MADE, forged, ("x", "1"))


def test_a_certificate_that_has_run_out(tmp_path, monkeypatch):
    monkeypatch.setattr(keys_module, "VALID_DAYS", 3 / 86_400)
    key = Keys(tmp_path).current(time.time())
    data = manifest.sign(pictures.png(), "image/png", MADE, key, ("x", "1"))
    while time.time() <= key.until + 1.5:
        time.sleep(0.1)
    found = reader.read(data, "", [key])
    assert found.state == "invalid"
    assert "run out" in found.why


def test_without_a_manifest_it_is_absent_and_nothing_more_is_said(signed):
    for make in FILES.values():
        found = quick(signed, make())
        assert (found.state, found.machine, found.model) == ("absent", None, "")
    assert "says nothing of it" in signed.read(pictures.png()).why


@pytest.mark.parametrize("cut", [10, 60, 700, 3000, -40])
def test_a_cut_file_is_never_said_to_hold(signed, cut):
    data = signed.sign(pictures.png(), "image/png", MADE)[:cut]
    assert quick(signed, data).state in ("invalid", "absent")


def test_what_is_no_picture_is_refused_by_name(signed):
    for data in (b"", b"plain words", b"MZ\x90", b"PK\x03\x04" + bytes(99), os.urandom(4)):
        with pytest.raises(Unsupported, match=r"notes\.png"):
            signed.read(data, "notes.png")


def test_a_file_over_the_bounds_is_not_read(signed, tmp_path):
    from dataclasses import replace

    small = replace(reader.BOUNDS, max_bytes=1000)
    with pytest.raises(InputError, match="over 1,000"):
        reader.read(pictures.png(), bounds=small)
    huge = tmp_path / "huge.png"
    with open(huge, "wb") as file:
        file.truncate(reader.BOUNDS.max_bytes + 1)
    with pytest.raises(InputError, match="huge"):
        signed.read(huge)


def test_the_process_is_fenced(signed, monkeypatch):
    seen = {}
    real = reader.report.told
    monkeypatch.setattr(
        reader.report, "told", lambda said, ours: seen.update(said) or real(said, ours)
    )
    signed.read(pictures.png())
    assert {"limits", "hook"} <= set(seen["fences"])


def test_what_comes_back_is_not_trusted_to_have_form_or_size():
    broken = {
        "state": "Trusted",
        "ours": "yes",
        "mime": ["x"],
        "said": {
            "active_manifest": "a",
            "manifests": {"a": {"title": "x" * 9999, "assertions": 7, "claim_generator_info": [1],
                                "signature_info": {"issuer": "line\nbreak", "time": "soon"}}},
            "validation_results": [],
        },
    }  # fmt: skip
    found = report.told(broken, ())
    assert (len(found.title), found.signer.organization, found.at) == (300, "line break", None)
    assert report.told({}, ()).state == "invalid"


def test_kinds_are_told_by_their_bytes():
    for mime, make in FILES.items():
        assert kind_of(make()) == mime
    assert kind_of(b"\0\0\0\x20ftypavif") == "image/avif"
    assert kind_of(b"\0\0\0\x20ftypM4A ") == "audio/mp4"
    assert kind_of(b"<?xml version='1.0'?><svg/>") == "image/svg+xml"
    assert plain("audio/X-WAV; rate=1") == "audio/wav"
    assert set(c2pa.Builder.get_supported_mime_types()) >= CARRIERS


# -- over the wire and on the command line ------------------------------------------------------


def test_openais_client_asks_where_a_picture_comes_from(tmp_path):
    with sample_world(tmp_path) as engine, running(engine) as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        data = engine.provenance.sign(pictures.png(), "image/png", MADE)
        check = client.content_provenance_checks.create(file=("made.png", data, "image/png"))
        told = check.results[0]
        assert (told.type, told.outcome, told.validation_state) == ("c2pa", "detected", "trusted")
        assert (told.model, told.generated_at) == ("tiny-picture", "2026-03-08T20:00:00Z")
        assert told.issuer == "gnomon (self-hosted)"
        broken = bytearray(data)
        broken[data.rindex(b"IDAT") + 200] ^= 1
        told = client.content_provenance_checks.create(file=("made.png", bytes(broken))).results[0]
        assert (told.outcome, told.validation_state) == ("not_detected", "invalid")
        told = client.content_provenance_checks.create(file=("a.png", pictures.png())).results[0]
        assert (told.outcome, told.validation_state, told.model) == (
            "not_detected", "not_present", None,
        )  # fmt: skip
        with pytest.raises(openai.BadRequestError, match="no picture"):
            client.content_provenance_checks.create(file=("a.png", b"not a picture"))


def test_the_command(tmp_path, capsys):
    home, file = tmp_path / "home", tmp_path / "made.png"
    config = load(home, {})
    file.write_bytes(Signed(config).sign(pictures.png(), "image/png", MADE))
    plain_file = tmp_path / "plain.png"
    plain_file.write_bytes(pictures.png())
    base = ["--home", str(home), "provenance"]
    assert main([*base, str(file)]) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("trusted", "tiny-picture", "by a model"))
    assert main([*base, str(plain_file), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["state"] == "absent"
    first = Signed(config).key().id
    assert main([*base, "--rotate", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["keys"]
    assert [(k["id"] == first, k["retired"]) for k in told] == [(False, False), (True, True)]
    broken = bytearray(file.read_bytes())
    broken[-200] ^= 1
    file.write_bytes(broken)
    assert main([*base, str(file)]) == 1
    assert "invalid" in capsys.readouterr().out
    assert main([*base, str(tmp_path / "none.png")]) == 1
    assert "none.png" in capsys.readouterr().err
    assert main([*base, "--rotate", str(file)]) == 2


# -- pieces of PNG ------------------------------------------------------------------------------


def _chunks(data: bytes):
    at = 8
    while at < len(data):
        length = struct.unpack(">I", data[at : at + 4])[0]
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def _packed(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _chunk(data: bytes, wanted: bytes) -> bytes:
    return next(_packed(kind, body) for kind, body in _chunks(data) if kind == wanted)


def _mended(data: bytes) -> bytes:
    """With checksums that fit."""
    return data[:8] + b"".join(_packed(kind, body) for kind, body in _chunks(data))


def test_the_signing_time_is_the_one_given(signed):
    when = datetime.fromtimestamp(MADE.at, UTC)
    found = quick(signed, signed.sign(pictures.png(), "image/png", MADE))
    assert found.at == when.timestamp()
    assert Path(signed.keys.folder).is_dir()

"""The pictures stage: packages, strangers' drawings, captions, concepts, copies, splits, posts."""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gnomon.errors import InputError, ModelMismatch
from gnomon.lab.command import Bench
from gnomon.lab.data import marks
from gnomon.lab.pictures import archives, captions, concepts, emoji, folder, packages, splitting
from gnomon.lab.pictures import posts as posts_of
from gnomon.lab.pictures.drawings import Unfit, checked
from gnomon.lab.pictures.emoji import Names, read_names
from gnomon.lab.pictures.emoji_sets import iconify, split_words
from gnomon.lab.pictures.found import RASTER, SVG, Found, Left
from gnomon.lab.pictures.held import Item, line_of, open_pictures
from gnomon.lab.pictures.likeness import copies, looks_of
from gnomon.lab.pictures.openclipart_captions import caption_of
from gnomon.lab.pictures.painting import Painter
from gnomon.lab.pictures.stage import STAGE, Settings, stage
from gnomon.lab.progress import Progress, Silence
from gnomon.lab.workspace import Workspace, file_sha256
from gnomon.store.engine import open_store
from gnomon.store.picture_cache import PictureCache
from gnomon.types import Batch, Deletion, Post
from gnomon.types.post_pictures import Thumbnail

pytest.importorskip("resvg_py", reason="gnomon[lab] is not installed")

NAMESPACE = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def svg(inside: str, size: int = 64) -> bytes:
    return f'<svg {NAMESPACE} width="{size}" height="{size}">{inside}</svg>'.encode()


def circle(colour: str, x: int = 32, y: int = 32, r: int = 20) -> str:
    return f'<circle cx="{x}" cy="{y}" r="{r}" fill="{colour}"/>'


def item(name: str, concept: str = "", **more: str) -> Item:
    return Item(name, "test", concept or name, (name,), "MIT", "", **more)  # type: ignore[arg-type]


# --------------------------------------------------------------------------- small packages

ENGLISH = [
    {"label": "cat", "hexcode": "1F408", "tags": ["animal", "pet"], "group": 3, "subgroup": 1},
    {"label": "cat face", "hexcode": "1F431", "tags": ["pet"], "group": 3, "subgroup": 1},
    {"label": "red apple", "hexcode": "1F34E", "tags": ["fruit"], "group": 4, "subgroup": 2},
    {"label": "happy face", "hexcode": "1F600", "tags": ["cheerful"], "group": 0, "subgroup": 0},
    {
        "label": "woman", "hexcode": "1F469", "tags": ["lady"], "group": 1, "subgroup": 0,
        "skins": [{"label": "woman: dark skin tone", "hexcode": "1F469-1F3FF", "tone": 5,
                   "group": 1, "subgroup": 0}],
    },
    {"label": "man", "hexcode": "1F468", "group": 1, "subgroup": 0},
    {"label": "flag: France", "hexcode": "1F1EB-1F1F7", "tags": ["FR"], "group": 9, "subgroup": 0},
]  # fmt: skip
CHINESE = [{"label": "猫", "hexcode": "1F408"}, {"label": "旗: 法国", "hexcode": "1F1EB-1F1F7"}]
MESSAGES = {"subgroups": [{"key": "face", "order": 0}, {"key": "animal", "order": 1}]}


def tgz(path: Path, files: dict[str, bytes], link: str = "") -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        if link:
            info = tarfile.TarInfo("package/link.json")
            info.type, info.linkname = tarfile.SYMTYPE, link
            tar.addfile(info)
    return path


def names_archive(path: Path) -> Path:
    files = {"en/data": ENGLISH, "zh/data": CHINESE, "en/messages": MESSAGES}
    return tgz(path, {f"package/{name}.json": json.dumps(one).encode()
                      for name, one in files.items()})  # fmt: skip


def icons_archive(path: Path) -> Path:
    def icon(colour: str, **more: object) -> dict[str, object]:
        return {"body": circle(colour) + '<path d="M10 10h9v3h-9z"/>', **more}

    icons = {
        "cat": icon("grey"), "red-apple": icon("red"), "woman": icon("pink"),
        "woman-dark-skin-tone": icon("brown"), "flag-france": icon("blue"),
        "old-cat": icon("grey", hidden=True), "pink-teapot": icon("#f0a"),
    }  # fmt: skip
    body = {"prefix": "noto", "icons": icons, "aliases": {}, "width": 64, "height": 64}
    chars = {"1f408": "cat", "1f469-1f3ff": "woman-dark-skin-tone"}
    files = {"icons": body, "chars": chars}
    return tgz(path, {f"package/{name}.json": json.dumps(one).encode()
                      for name, one in files.items()})  # fmt: skip


def clip(
    title: str, inside: str, licence: str = "http://web.resource.org/cc/PublicDomain"
) -> bytes:
    about = (
        f'<metadata xmlns:dc="d" xmlns:cc="c" xmlns:rdf="r"><dc:title>{title}</dc:title>'
        "<dc:creator><dc:title>Ann Author [ann@x.org]</dc:title></dc:creator>"
        f'<cc:license rdf:resource="{licence}"/></metadata>'
    )
    return svg(about + inside)


def deb(path: Path, files: dict[str, bytes]) -> Path:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    out = b"!<arch>\n"
    for name, part in (("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"),
                       ("data.tar.xz", data.getvalue())):  # fmt: skip
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(part):<10}`\n".encode()
        out += part + b"\n" * (len(part) % 2)
    path.write_bytes(out)
    return path


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Names:
    return read_names(names_archive(tmp_path_factory.mktemp("names") / "names.tgz"))


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of small packages, whose hashes the table is told."""
    place = tmp_path / "archives"
    place.mkdir()
    top = "usr/share/openclipart/svg/"
    made = {
        packages.NAMES: names_archive,
        "@iconify-json/noto": icons_archive,
        "openclipart-svg": lambda path: deb(
            path,
            {
                f"{top}animals/gatto_ann_author_01.svg": clip("gatto nero", circle("black")),
                f"{top}animals/cat_ann_01.svg": clip("Cat 02", circle("orange") + circle("red", 9)),
                f"{top}animals/stolen.svg": clip("cat", circle("red"), "http://example.org/mine"),
                f"{top}animals/told.svg": clip("cat", "<text>cat</text>" + circle("teal")),
                f"{top}shapes/stars/star_1.svg": clip("gramastar", circle("black")),
            },
        ),
    }
    for name, make in made.items():
        package = packages.PACKAGES[name]
        path = make(place / package.archive)
        monkeypatch.setitem(packages.PACKAGES, name, replace(package, sha256=file_sha256(path)))
    return place


def bench(home: Path, reporter: object | None = None) -> Bench:
    return Bench(home, home / "models", 1, reporter or Silence())  # type: ignore[arg-type]


# --------------------------------------------------------------------------- archives, packages


def test_members_are_read_and_links_are_not(tmp_path: Path) -> None:
    path = tgz(tmp_path / "a.tgz", {"package/a.json": b"1", "../b.json": b"2"}, link="/etc/passwd")
    assert dict(archives.members(path, lambda name: True)) == {
        "package/a.json": b"1", "../b.json": b"2",
    }  # fmt: skip
    assert not (tmp_path.parent / "b.json").exists()
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match="damaged"):
        list(archives.members(path, lambda name: True))


def test_a_member_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tgz(tmp_path / "a.tgz", {"package/a.json": b"1" * 2000})
    monkeypatch.setattr(archives, "MEMBER_BYTES", 1000)
    with pytest.raises(InputError, match=r"2,000 bytes"):
        list(archives.members(path, lambda name: True))


def test_a_package_is_what_its_hash_says(given: Path, tmp_path: Path) -> None:
    package = packages.PACKAGES["@iconify-json/noto"]
    path = packages.obtain(package, tmp_path, given, Silence())
    assert path.parent == given
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ModelMismatch, match=package.sha256):
        packages.obtain(package, tmp_path, given, Silence())
    path.unlink()
    with pytest.raises(InputError, match=r"npm pack --ignore-scripts @iconify-json/noto@1\.2\.9"):
        packages.obtain(package, tmp_path, given, Silence())


def test_without_the_client_the_error_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="--packages"):
        packages.obtain(packages.PACKAGES["openclipart-svg"], tmp_path / "c", None, Silence())


def test_every_set_has_a_package_and_the_default_may_be_shipped() -> None:
    for one in packages.SETS.values():
        package = packages.PACKAGES[one.package]
        assert len(package.sha256) == 64
        assert package.licence
        assert package.author
    licences = {packages.PACKAGES[packages.SETS[name].package].licence for name in packages.DEFAULT}
    assert licences == {"MIT", "Apache-2.0", "CC-PDDC"}
    assert not any(packages.SETS[name].shared_alike for name in packages.DEFAULT)


# --------------------------------------------------------------------------- names and concepts


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("woman: dark skin tone, red hair", "woman with dark skin and red hair"),
        ("flag: Cocos (Keeling) Islands", "flag of Cocos (Keeling) Islands"),
        ("man: bald", "bald man"),
        ("kiss: man, man, light skin tone, dark skin tone",
         "kiss between two men with light skin and dark skin"),
        ("family: man, woman, boy", "family of man, woman and boy"),
        ("person running: facing right", "person running facing right"),
        ("A button (blood type)", "A button, blood type"),
        ("keycap: 7", "keycap 7"),
    ],
)  # fmt: skip
def test_names_as_one_says_them(label: str, said: str) -> None:
    assert emoji.plain(label).startswith(said.split(" (")[0])


@pytest.mark.parametrize(
    ("code", "concept"),
    [
        ("1F469-1F3FF-200D-1F680", "1f9d1-200d-1f680"),  # woman astronaut: an astronaut
        ("1F3C3-1F3FB-200D-2640-FE0F-200D-27A1-FE0F", "1f3c3"),
        ("1F468-200D-1F469-200D-1F466", "1f46a"),
        ("1F9D1-1F3FB-200D-2764-FE0F-200D-1F48B-200D-1F9D1-1F3FF", "1f48f"),
        ("1F55A", "1f550"),
        ("1F3FF", "1f3ff"),
        ("31-fe0f-20e3", "0031-20e3"),
    ],
)
def test_one_idea_has_one_concept(code: str, concept: str) -> None:
    assert emoji.concept_of(code) == concept


def test_an_emoji_is_found_by_any_spelling_of_its_name(names: Names) -> None:
    dark = names.by_code("1F469-1F3FF")
    assert dark is not None
    for spelling in ("woman-dark-skin-tone", "woman-dark", "woman-tone5", "womandarkskintone"):
        assert names.by_name(spelling) is dark
    assert dark.label == "woman with dark skin"
    assert dark.concept == emoji.concept_of("1f468")
    assert dark.weight == pytest.approx(0.2)
    assert names.by_name("dragon") is None


def test_the_cat_of_a_title_is_the_cat_emoji(names: Names) -> None:
    cat = names.by_code("1f408")
    face = names.by_name("cat face")
    assert cat is not None
    assert face is not None
    for title in ("cat", "two black cats", "cat with a hat", "silhouette of a cat", "cat head"):
        assert concepts.concept_of_title(title, names) == cat.concept == face.concept
    assert concepts.concept_of_title("apple", names) == "1f34e"
    assert concepts.concept_of_title("green chair", names) == "word:chair"
    assert concepts.concept_of_title("flag of Mars", names) == "word:flag of mars"


@pytest.mark.parametrize(
    ("plural", "one"),
    [("cherries", "cherry"), ("tomatoes", "tomato"), ("boxes", "box"), ("glasses", "glasses"),
     ("shoes", "shoe"), ("men", "man"), ("bus", "bus"), ("grass", "grass")],
)  # fmt: skip
def test_singular(plural: str, one: str) -> None:
    assert concepts.singular(plural) == one


def test_names_without_hyphens_are_split_into_the_fewest_words() -> None:
    words = frozenset("upwards upward and sand downwards arrow o clock oclock".split())
    assert split_words("upwardsanddownwards", words) == ["upwards", "and", "downwards"]
    assert split_words("clock12", words) == ["clock", "12"]
    assert split_words("foxweary", words) == []


def test_a_set_of_icons(tmp_path: Path, names: Names) -> None:
    offers = list(iconify(icons_archive(tmp_path / "i.tgz"), packages.SETS["noto"], names, {}))
    found = {one.item.id: one.item for one in offers if isinstance(one, Found)}
    assert found["noto:cat"].zh == ("猫",)
    assert found["noto:flag-france"].captions == ("flag of France",)
    assert found["noto:woman-dark-skin-tone"].captions == ("woman with dark skin",)
    assert found["noto:pink-teapot"].captions == ("pink teapot",)
    left = [one for one in offers if isinstance(one, Left)]
    assert [(one.id, one.reason) for one in left] == [
        ("noto:old-cat", "withdrawn by its publisher")
    ]


# --------------------------------------------------------------------------- captions


@pytest.mark.parametrize(
    ("title", "path", "author", "said"),
    [
        ("Gatto Nero", "animals/gatto_nero_01.svg", "Architetto Francesco Rollandin", "black cat"),
        ("Clipart by Nicu Buculei - bee", "food/honey.svg", "Nicu Buculei", "honey"),
        ("arrow-left-blue", "shapes/arrows/a.svg", "Benji Park", "blue left arrow"),
        ("Apple Juice Box (B and W)", "food/b.svg", "Gerald G.", "apple juice box"),
        ("a man singing", "music/c.svg", "Tapio Kautto", "man singing"),
        ("France", "signs_and_symbols/flags/europe/france.svg", "X Y", "flag of France"),
        ("ralf@ark.in-berlin.de", "animals/ralf_ark_01.svg", "Ralf Ark", ""),
        ("Bobi", "animals/bobi_01.svg", "Architetto Francesco Rollandin", ""),
    ],
)
def test_titles_of_clip_art(title: str, path: str, author: str, said: str) -> None:
    assert caption_of(title, path, author, (), collection=False) == said


def test_a_collection_is_told_by_its_files() -> None:
    said = caption_of("Map things", "x/old_castle_jane_d_01.svg", "Jane Doe", (), collection=True)
    assert said == "old castle"
    path = "transportation/roadsigns/roundabout.svg"
    assert caption_of("SVG Road Signs", path, "Z", (), collection=True) == "roundabout road sign"


def test_each_caption_can_stand_in_a_sentence() -> None:
    assert captions.varied("cat face", ("kitty",), ("pet",), "animal") == (
        "cat face", "cat", "kitty",
    )  # fmt: skip
    assert captions.varied("grinning face", (), ("cheerful", "grin", "nicely"), "smiley") == (
        "grinning face", "cheerful face",
    )  # fmt: skip
    assert captions.spoken("smiling-face_01") == "smiling face"
    assert captions.cleaned("  A cat.\n https://x.org/a ") == "A cat"


# --------------------------------------------------------------------------- drawings of strangers

INNER = '<!DOCTYPE svg [<!ENTITY ns "http://x.org/"><!ENTITY c "red">]>'
BOMB = '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("drawing", "why"),
    [
        (svg('<image href="/etc/hostname.png" width="9" height="9"/>'), "bitmap"),
        (svg('<filter id="a"><feImage xlink:href="/x.png"/></filter>'), "bitmap"),
        (svg('<use xlink:href="file:///etc/passwd#a"/>'), "outside"),
        (svg('<rect fill="url(http://x.org/a#b)" width="9" height="9"/>'), "outside"),
        (svg("<style>@import 'http://x.org/a.css';</style>"), "outside"),
        (svg("<script>1</script>"), "script"),
        (svg("<g><text>words</text></g>"), "words"),
        (BOMB.encode() + svg("<title>&b;</title>"), "entities"),
        (b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + svg("&a;"), "entities"),
        (b'<!DOCTYPE svg [<!ENTITY % a "x">%a;]>' + svg(""), "entities"),
        (svg("<g>")[:-6], "broken"),
        ("<svg/>".encode("utf-16"), "encoding"),
        (b"<svg>" + b" " * (4 * 2**20), "large"),
    ],
)
def test_a_drawing_that_is_not_complete_in_itself_is_refused(drawing: bytes, why: str) -> None:
    with pytest.raises(Unfit, match=why):
        checked(drawing)


def test_what_old_programs_declare_is_put_in() -> None:
    text = checked(INNER.encode() + svg('<rect xmlns:i="&ns;" fill="&c;" width="9" height="9"/>'))
    assert 'fill="red"' in text
    assert "&" not in text
    assert "ENTITY" not in text


def test_pictures_are_painted_in_a_confined_process() -> None:
    bomb = '<g id="u0"><path d="M0 0h9v9"/></g>' + "".join(
        f'<g id="u{n}">' + f'<use xlink:href="#u{n - 1}"/>' * 10 + "</g>" for n in range(1, 9)
    )
    raster = io.BytesIO()
    Image.new("RGB", (300, 150), (0, 255, 0)).save(raster, "PNG")

    def found(data: bytes, form: str = SVG, crop: bool = False) -> Found:
        return Found(item("x"), data, form, crop)

    with Painter(32, each_s=1.5) as painter:
        red = painter.paint(found(svg(circle("red", 16, 16, 8))))
        assert isinstance(red, np.ndarray)
        assert red.shape == (32, 32, 4)
        assert red[8, 8].tolist() == [255, 0, 0, 255]
        assert red[30, 30].tolist() == [0, 0, 0, 0]
        assert "limits" in painter.fences
        # What lies in a corner of its page is as large as what fills it.
        cut = painter.paint(found(svg(circle("red", 400, 400, 40), 1000), crop=True))
        assert isinstance(cut, np.ndarray)
        assert cut[16, 16].tolist() == [255, 0, 0, 255]
        assert 24 <= (cut[16, :, 3] > 127).sum() <= 32
        wide = painter.paint(found(raster.getvalue(), RASTER))
        assert isinstance(wide, np.ndarray)
        assert (wide[:, 16, 3] > 127).sum() == 16
        assert painter.paint(found(svg(""))) == "blank"
        assert painter.paint(found(b"no picture", RASTER)) == "no picture that can be read"
        page = '<svg xmlns="http://www.w3.org/2000/svg" width="40pt" height="40pt">'
        assert not isinstance(
            painter.paint(found(f"{page}{circle('red')}</svg>".encode())), str
        )  # resvg-py gives points no size unless it is told of one
        if sys.platform == "linux":  # elsewhere nothing bounds the memory, and this is slow
            assert painter.paint(found(svg(bomb))) in (
                "takes too long", "ends the process that paints it", "takes too much memory",
                "cannot be drawn",
            )  # fmt: skip
            assert not isinstance(painter.paint(found(svg(circle("red")))), str)


# --------------------------------------------------------------------------- copies and splits


def drawn(colour: tuple[int, int, int], x: float = 32, y: float = 32, r: float = 20) -> np.ndarray:
    """A disc with a notch, so that turning it shows."""
    down, right = np.mgrid[0:64, 0:64]
    inside = (right - x) ** 2 + (down - y) ** 2 < r * r
    inside &= ~((right > x) & (np.abs(down - y) < r / 4))
    picture = np.zeros((64, 64, 4), np.uint8)
    picture[inside] = (*colour, 255)
    return picture


def test_copies_are_found_wherever_they_lie_and_colours_tell_apart() -> None:
    red = (220, 30, 30)
    same = [drawn(red), drawn(red, 29, 34), drawn(red, 32, 32, 18), drawn((210, 40, 36))]
    others = [drawn((30, 30, 220)), drawn(red)[:, ::-1], drawn((240, 240, 240))]
    looks = looks_of(np.stack(same + others))
    pairs = {(one, other) for one, other, _ in copies(looks, [0], range(len(same + others)))}
    assert pairs == {(0, 1), (0, 2), (0, 3)}


def concept_in(split: str) -> str:
    return next(name for n in range(999) if splitting.split_of(name := f"thing {n}") == split)


def test_a_concept_is_in_one_split_and_no_test_picture_has_a_copy_in_train() -> None:
    shares = [splitting.split_of(f"word:{n}") for n in range(4000)]
    assert 0.03 < shares.count("test") / 4000 < 0.07
    assert 0.03 < shares.count("val") / 4000 < 0.07
    train, test = concept_in("train"), concept_in("test")
    pictures = np.stack(
        [drawn((9, 9, 200)), drawn((9, 9, 200), 30), drawn((200, 9, 9)), drawn((9, 9, 200))]
    )
    items = [item("a", train), item("b", test), item("c", test), item("d", train)]
    looks = looks_of(pictures)
    doubles = splitting.doubles(items, looks)
    assert doubles == {3: ("the same picture", "a")}
    assert splitting.across(items, looks, doubles) == {1: ("a near-copy in train", "a")}


# --------------------------------------------------------------------------- the stage


class Cut(Silence):
    """Somebody presses Ctrl-C when the first pictures are painted."""

    def at(self, progress: Progress) -> None:
        raise KeyboardInterrupt


def pictures_in(place: Path) -> Path:
    place.mkdir()
    for n, name in enumerate(["brown dog", "IMG_0042", "told", "a", "listed"]):
        Image.fromarray(drawn((40 * n, 90, 200 - 40 * n), 32, 32, 12 + 3 * n), "RGBA").save(
            place / f"{name}.png"
        )
    (place / "told.json").write_text(
        '{"caption": "Two red kites", "tags": "bird, sky", "licence": "CC0-1.0", "author": "Ann"}'
    )
    (place / "a.txt").write_text("a small boat\n小船\n")
    (place / "metadata.csv").write_text("file_name,text\nlisted.png,An old mill\n")
    (place / "link.png").symlink_to(place / "told.png")
    (place / "broken cup.png").write_bytes(b"not a picture")
    return place


def test_a_folder_of_the_owners(tmp_path: Path, names: Names) -> None:
    offers = list(folder.pictures(pictures_in(tmp_path / "mine"), names))
    found = {one.item.id: one.item for one in offers if isinstance(one, Found)}
    assert found["own:mine/told.png"].captions == ("Two red kites",)
    assert found["own:mine/told.png"].licence == "CC0-1.0"
    assert found["own:mine/told.png"].tags == ("bird", "sky")
    assert found["own:mine/a.png"].zh == ("小船",)
    assert found["own:mine/listed.png"].captions == ("An old mill",)
    assert found["own:mine/brown dog.png"].captions == ("brown dog",)
    left = {one.id: one.reason for one in offers if isinstance(one, Left)}
    assert left == {
        "own:mine/IMG_0042.png": "no caption",
        "own:mine/link.png": "a link, which is not followed",
    }
    (tmp_path / "mine" / "told.json").write_text("{")
    with pytest.raises(InputError, match=r"told\.png"):
        list(folder.pictures(tmp_path / "mine", names))


def test_a_set_from_packages_and_a_folder(given: Path, tmp_path: Path) -> None:
    """The whole stage: cut, gone on with, skipped when nothing changed, as its seed says."""
    work = Workspace(tmp_path / "lab" / "mine")
    work.folder.mkdir(parents=True)
    place = pictures_in(tmp_path / "own")
    settings = Settings(("noto", "openclipart"), packages=str(given), folders=(str(place),))
    with pytest.raises(KeyboardInterrupt):
        stage(work, bench(tmp_path, Cut()), settings)
    assert work.report(STAGE) is None
    kept = sorted((work.folder / STAGE / "chunks").glob("*.npz"))
    assert kept
    report = stage(work, bench(tmp_path), settings)
    assert stage(work, bench(tmp_path, Cut()), settings) == report

    held = open_pictures(work.folder / STAGE)
    by_id = {one.id: one for one in held.items}
    clip = by_id["openclipart:animals/cat_ann_01"]
    assert clip.captions == ("cat",)
    assert clip.author == "Ann Author"
    assert clip.concept == by_id["noto:cat"].concept
    assert clip.split == by_id["noto:cat"].split == splitting.split_of("1f408")
    black = by_id["openclipart:animals/gatto_ann_author_01"]
    assert (black.captions, black.style) == (("black cat",), "black and white")
    assert held.pixels.shape == (len(held.items), 64, 64, 4)
    assert (held.pixels[..., 3] > 0).any(axis=(1, 2)).all()
    row = held.items.index(by_id["noto:red-apple"])
    assert held.pixels[row, 32, 32].tolist() == [255, 0, 0, 255]

    lines = (work.folder / STAGE / "dropped.jsonl").read_text("utf-8").splitlines()
    dropped = {one["id"]: one["reason"] for one in map(json.loads, lines)}
    assert dropped["openclipart:animals/stolen"] == "does not say that it is public domain"
    assert dropped["openclipart:animals/told"] == "has words in it"
    assert dropped["openclipart:shapes/stars/star_1"] == "made by a program"
    assert dropped["own:own/broken cup.png"] == "no picture that can be read"
    manifest = held.manifest
    assert manifest["pictures"] == len(held.items)
    assert manifest["dropped"] == len(dropped) == sum(manifest["reasons"].values())
    assert sum(manifest["licences"].values()) == len(held.items)
    for name, digest in manifest["files"].items():
        assert file_sha256(work.folder / STAGE / name) == digest
    assert manifest["packages"]["noto"]["licence"] == "Apache-2.0"
    with Image.open(work.folder / STAGE / "sheet.png") as sheet:
        assert sheet.size == (684, 684)
    assert "does not say that it is public domain" in (work.folder / STAGE / "report.md").read_text(
        "utf-8"
    )


def test_settings_that_cannot_be_used(tmp_path: Path) -> None:
    work = Workspace(tmp_path)
    with pytest.raises(InputError, match=r"'emojis' is no set.*noto"):
        stage(work, bench(tmp_path), Settings(("emojis",)))
    with pytest.raises(InputError, match="nowhere"):
        stage(work, bench(tmp_path), Settings((), folders=(str(tmp_path / "nowhere"),)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no picture was found"):
        stage(work, bench(tmp_path), Settings((), folders=(str(tmp_path / "empty"),)))


def test_older_lines_have_weight_one(tmp_path: Path) -> None:
    row = json.loads(line_of(item("a")))
    del row["weight"]
    (tmp_path / "items.jsonl").write_text(json.dumps(row) + "\n")
    np.save(tmp_path / "pixels.npy", np.zeros((1, 64, 64, 4), np.uint8))
    assert math.isclose(open_pictures(tmp_path).items[0].weight, 1.0)


def test_the_command_is_cheap_to_import() -> None:
    code = (
        "import sys, gnomon.lab.pictures.command\n"
        "print([name for name in ('numpy', 'PIL', 'torch', 'resvg_py') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --------------------------------------------------------------------------- posts


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A record of posts with pictures, two of which are kept here."""

    def post(name: str, alt: list[str], **extra: object) -> Post:
        media = tuple(f"http://127.0.0.1:9/{name}/{n}.jpg" for n in range(2))
        return Post(id=name, text=f"{name} said", source="made", fetched_at=1.0, author=name,
                    media=media, extra={"alt": alt, **extra})  # fmt: skip

    said = ["a lighthouse on a cliff", "a heron in the reeds"]
    held = [post("kept", said), post("fewer", said[:1]), post("shy", said, tags=["noai"])]
    with open_store(tmp_path / "store") as store:
        store.write(Batch(source="made", cursor="1", posts=tuple(held)))
    cache = PictureCache(tmp_path / posts_of.KEPT)
    pixels = drawn((10, 120, 200))[..., :3]
    file = io.BytesIO()
    Image.fromarray(pixels, "RGB").save(file, "WEBP")
    thumb = Thumbnail(64, 64, pixels.tobytes(), (64, 64), "PNG")
    cache.put(held[0], held[0].media[0], said[0], "0" * 64, thumb, file.getvalue(), 1.0)
    cache.close()
    return tmp_path


def test_pictures_of_posts(home: Path) -> None:
    work = Workspace(home / "lab" / "mine")
    work.folder.mkdir(parents=True)
    report = stage(work, bench(home), Settings((), posts=True))
    held = open_pictures(work.folder / STAGE)
    assert [one.id for one in held.items] == ["posts:kept#0"]
    assert held.items[0].captions == ("a lighthouse on a cliff",)
    assert held.items[0].licence == "LicenseRef-not-stated"
    assert held.items[0].author == ""
    assert report["reasons"] == {
        "not held": 1, "its author does not say what it shows": 2, "consent": 2,
    }  # fmt: skip

    # What a post names on the owner's own network is not fetched, whoever asks.
    fetched = stage(work, bench(home), Settings((), posts=True, fetch=True))
    assert fetched["reasons"]["cannot be fetched"] == 1

    with open_store(home / "store") as store:
        assert marks.check(store, home, home / "models") == []
        store.write(
            Batch(source="made", cursor="2", deletions=(Deletion("made", 3.0, post="kept"),))
        )
        (mark,) = marks.check(store, home, home / "models")
    assert (mark.kind, mark.name, mark.deleted) == ("pictures", "mine", 1)
    assert "gnomon lab pictures --name mine --posts --anew" in mark.line
    with pytest.raises(InputError, match="no picture was found"):
        stage(work, bench(home), Settings((), posts=True), anew=True)

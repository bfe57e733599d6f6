"""Which types of file carry manifests, and of which type a file is."""

from __future__ import annotations

from gnomon.errors import Unsupported

CARRIERS = frozenset(
    """image/png image/jpeg image/webp image/gif image/tiff image/avif image/svg+xml
    audio/wav audio/mpeg audio/flac audio/mp4 video/mp4""".split()
)
"""What can carry a manifest; Opus and Vorbis in Ogg, AAC and bare PCM cannot: they get a sidecar.
https://github.com/contentauth/c2pa-rs/blob/main/docs/supported-formats.md"""
READS = CARRIERS | {
    "image/heic", "image/heif", "image/jxl", "video/quicktime", "video/x-msvideo",
}  # fmt: skip
"""Not PDF: the library reads it with threads, which the process that reads may not have."""
ALIASES = {
    "image/jpg": "image/jpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/mp3": "audio/mpeg",
    "audio/x-mp3": "audio/mpeg",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/x-flac": "audio/flac",
}
BYTES = "application/octet-stream"


def kind_of(data: bytes) -> str:
    """The media type by how a file begins, "" where that is none of ``READS``: what a stranger
    calls his file decides nothing."""
    head = data[:512]
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return next(
            (kind for brand, kind in _BRANDS.items() if head[8:12].startswith(brand)), "video/mp4"
        )
    for mark, kind in _BEGINS:
        if head.startswith(mark):
            return kind
    if head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa"):
        return "audio/mpeg"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in data[:4096].lower()):
        return "image/svg+xml"
    return ""


_BEGINS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"\xff\x0a", "image/jxl"),
    (b"\0\0\0\x0cJXL ", "image/jxl"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
)
_RIFF = {b"WAVE": "audio/wav", b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}
_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"hei": "image/heic",
    b"hev": "image/heic",
    b"mif1": "image/heif",
    b"M4A": "audio/mp4",
    b"qt": "video/quicktime",
}


def readable(data: bytes, said: str = "") -> str:
    """The type of a file in which a manifest can be looked for. Raises Unsupported; ``said`` is
    what its owner calls it."""
    kind = kind_of(data)
    if not kind:
        named = f" (it is called {said[:80]!r})" if said else ""
        raise Unsupported(
            f"The file{named} is no picture, sound or video that a manifest is looked for in; "
            f"give one of {', '.join(sorted(READS))}."
        )
    return kind


def plain(mime: str) -> str:
    """A media type in its one spelling, without parameters."""
    bare = mime.split(";")[0].strip().lower()
    return ALIASES.get(bare, bare)

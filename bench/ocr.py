"""How well text in pictures is read: character error rate on rendered lines.

    python bench/ocr.py            # a minute or two; needs gnomon[ocr], DejaVu and Noto Sans CJK

40 lines of our own with numbers, dates and names, 20 English and 20 Chinese, ten on a picture, at
two sizes of type, clean and with noise (Gaussian, sigma 25 of 255, then JPEG at quality 40). What
is read is compared with what was drawn, line breaks and spaces as one space (none in Chinese):
Levenshtein's distance over the length. Rendered type is easier than photographs of paper; these are
not measured here.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gnomon.errors import InputError
from gnomon.sources.ocr import read_picture

FONTS = {
    "en": ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", 0),
    "zh": ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
}
SIZES_PX, SIGMA, QUALITY, A_PICTURE, SEED = (14, 28), 25.0, 40, 10, 7

LINES = {
    "en": (
        "The bridge at Oakford closes on 3 May 2026.",
        "Mayor Priya Sharma said the repair costs $4.2 million.",
        "Unemployment fell to 3.9% in the second quarter.",
        "Ferries leave Norwick at 06:15, 09:40 and 17:05.",
        '"We were not told," said Dr. Emma O\'Neill.',
        "Call +44 20 7946 0958 before Friday, 12 June.",
        "The council voted 7-5 against the harbour plan.",
        "Rainfall: 128 mm in 24 hours, a record since 1931.",
        "See https://example.org/notice?id=4471 for details.",
        "Flight QX 1187 to Lisbon is delayed by 45 minutes.",
        "Invoice No. 20931-B, total EUR 1,207.50 incl. VAT",
        "Police denied reports of a second fire on Mill Lane.",
        "Version 2.14.3 fixes the bug in file_reader.py (#882).",
        "Up to 1,500 people marched; organisers claim 4,000.",
        "Room 3B, 2nd floor, Building C; ask for Mr. Jian Wu.",
        "Temperatures will drop to -11 °C by Sunday night.",
        "The vaccine was 94.1% effective in 30,420 adults.",
        "NOT FOR SALE: sample only, batch L0O1I7",
        "He has never said that the dam is unsafe.",
        "Between 1998 and 2004 sales rose six-fold, to £36m.",
    ),
    "zh": (
        "市长说大桥将于2026年5月3日关闭。",
        "港口办公室称渡船从星期一起恢复航行。",
        "今年第二季度失业率降至3.9%,低于去年同期。",
        "警方否认米尔巷发生第二起火灾的传闻。",
        "修缮费用约为420万元,由市政府承担。",
        "早上6点15分、9点40分各有一班船。",
        "“我们事先没有接到通知,”张医生说。",
        "请在6月12日(星期五)之前拨打010-5869-2210。",
        "议会以七比五的票数否决了港口扩建计划。",
        "二十四小时降雨量达128毫米,创1931年以来纪录。",
        "前往里斯本的QX1187航班延误四十五分钟。",
        "疫苗在30420名成年人中的有效率为94.1%。",
        "周日夜间气温将降至零下十一摄氏度。",
        "据组织者称,约有四千人参加了游行。",
        "他从未说过水库大坝不安全。",
        "三号楼二层B室,请找吴健先生。",
        "发票编号20931,合计人民币壹仟贰佰零柒元伍角。",
        "本产品为样品,仅供展示,不得销售。",
        "专家提醒:雷雨天气请勿在树下避雨。",
        "一九九八年至二〇〇四年间,销售额增长了六倍。",
    ),
}


def drawn(lines: Sequence[str], lang: str, size_px: int) -> Image.Image:
    path, index = FONTS[lang]
    font = ImageFont.truetype(path, size_px, index=index)
    step = round(1.6 * size_px)
    wide = max(round(font.getlength(line)) for line in lines)
    image = Image.new("RGB", (wide + 4 * size_px, step * (len(lines) + 2)), "white")
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        pen.text((2 * size_px, step * (number + 1)), line, font=font, fill="black")
    return image


def as_bytes(image: Image.Image, noisy: bool, rng: np.random.Generator) -> bytes:
    out = io.BytesIO()
    if not noisy:
        image.save(out, "PNG")
        return out.getvalue()
    pixels = np.asarray(image, np.float32)
    pixels = pixels + rng.normal(0, SIGMA, pixels.shape[:2])[..., None]
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def distance(one: str, other: str) -> int:
    """Levenshtein's."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def normal(text: str, lang: str) -> str:
    return re.sub(r"\s+", "" if lang == "zh" else " ", text).strip()


def read(data: bytes) -> str:
    try:
        return str(read_picture(data)["text"])
    except InputError:
        return ""


def main() -> None:
    rng = np.random.default_rng(SEED)
    print("| language | type | noise | characters | wrong | CER | CPU-s a picture |")
    print("|---|---|---|---|---|---|---|")
    for lang, lines in LINES.items():
        for size_px in SIZES_PX:
            for noisy in (False, True):
                wrong = length = pictures = 0
                began = time.process_time()
                for at in range(0, len(lines), A_PICTURE):
                    some = lines[at : at + A_PICTURE]
                    got = read(as_bytes(drawn(some, lang, size_px), noisy, rng))
                    said = normal(" ".join(some), lang)
                    wrong += distance(said, normal(got, lang))
                    length, pictures = length + len(said), pictures + 1
                spent = (time.process_time() - began) / pictures
                print(
                    f"| {lang} | {size_px} px | {'yes' if noisy else 'no'} | {length} | {wrong} "
                    f"| {wrong / length:.2%} | {spent:.1f} |", flush=True
                )  # fmt: skip


if __name__ == "__main__":
    main()

"""What is written for the eye, as it is read aloud."""

from __future__ import annotations

import time

import pytest

from gnomon.models.kokoro_symbols import MOST_SYMBOLS, SYMBOLS, mandarin, numbered
from gnomon.models.whisper_runner import in_script
from gnomon.text import aloud_en, aloud_zh
from gnomon.text.aloud import aloud, language


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("It cost $3.5 million.", "It cost three point five million dollars."),
        ("€12.50 or £1.01", "twelve euros and fifty cents or one pound and one penny"),
        ("2026-11-22 at 14:05",
         "November twenty-second, twenty twenty-six at fourteen oh five"),
        ("Nov 22, 2026", "November twenty-second, twenty twenty-six"),
        ("3 May 1905", "May third, nineteen oh five"),
        ("20/11/2026", "November twentieth, twenty twenty-six"),
        ("from 1914-1918", "from nineteen fourteen to nineteen eighteen"),
        ("in 2003", "in two thousand three"),
        ("the 1990s, the 22nd", "the nineteen nineties, the twenty-second"),
        ("1,204,331 votes",
         "one million two hundred four thousand three hundred thirty-one votes"),
        ("5.1% of 10–15 km", "five point one percent of ten to fifteen kilometres"),
        ("-5°C at 7:00 am", "minus five degrees Celsius at seven A M"),
        ("91 km/h (56 mph)", "ninety-one kilometres per hour (fifty-six miles per hour)"),
        ("1 km and 1 kg", "one kilometre and one kilogram"),
        ("call 555-123-4567", "call five five five, one two three, four five six seven"),
        ("v1.2.3", "one point two point three"),
        ("24/7, 1/2, 3/4", "twenty-four seven, one half, three quarters"),
        ("Q&A w/o tax", "Q and A without tax"),
        ("Between 1994 and 2003 it grew.",
         "Between nineteen ninety-four and two thousand three it grew."),
        ("Between 1500 and 2000 people came.",
         "Between one thousand five hundred and two thousand people came."),
        ("In 1066 William won.", "In ten sixty-six William won."),
        ("Pay by 31 December. It opens at 5 p.m. Then go.",
         "Pay by December thirty-first. It opens at five P M. Then go."),
        ("on 3 Dec. at 5 p.m. sharp", "on December third at five P M sharp"),
        ("see https://www.example.org/a/b?c=1.", "see example dot org."),
        ("mail a.b@example.co.uk", "mail a.b at example dot co dot uk"),
        ("@nasa_jpl said #HelloWorld", "at nasa jpl said hashtag Hello World"),
        ("great 🎉🎉🎉 news", "great, party popper, news"),
        ("**Bold** [link](http://a.b/c) [1]", "Bold link"),
        ("5G and B2B", "five G and B two B"),
        ("12345678901234", "one two three four five six seven eight nine zero one two three four"),
        ("🙂", "slightly smiling face"),
        ("...", ""),
    ],
)  # fmt: skip
def test_english(written: str, spoken: str) -> None:
    assert aloud(written, "en") == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("2026年11月22日14:05", "二零二六年十一月二十二日十四点零五分"),
        ("2026-11-22", "二零二六年十一月二十二日"),
        ("2021-2023年", "二零二一到二零二三年"),
        ("20世纪90年代", "二十世纪九十年代"),
        ("增长5.1%，10%-15%", "增长百分之五点一，百分之十到百分之十五"),
        ("共10203人，105，1010，100000", "共一万零二百零三人，一百零五，一千零一十，十万"),
        ("¥12.5，$3.5亿", "十二点五元，三点五亿美元"),
        ("2个人2天走了10-15km", "两个人两天走了十到十五公里"),
        ("第2名，2号楼，12个", "第二名，二号楼，十二个"),
        ("气温-5℃", "气温负五摄氏度"),
        ("1/3的人", "三分之一的人"),
        ("417房间，室内20度", "四一七房间，室内二十度"),
        ("电话13812345678", "电话一三八一二三四五六七八"),
        ("3:2战胜，2:30见", "三比二战胜，两点三十分见"),
        ("@小明 #人工智能#", "艾特小明 话题人工智能"),
        ("见 https://example.org/a", "见 网址example点org"),
    ],
)
def test_chinese(written: str, spoken: str) -> None:
    assert aloud(written, "zh") == spoken


def test_numbers_have_one_reading() -> None:
    """Against a slow twin: digit groups put together from their parts."""
    for value in [*range(0, 2100), 10_000, 10_010, 1_000_001, 987_654_321]:
        said = aloud_en.cardinal(value)
        assert _worth(said) == value, said
    assert len({aloud_zh.cardinal(value) for value in range(20_000)}) == 20_000
    assert aloud_zh.cardinal(100_000_000) == "一亿"


def _worth(words: str) -> int:
    small = {word: n for n, word in enumerate(aloud_en._ONES)}
    small |= {word: 20 + 10 * n for n, word in enumerate(aloud_en._TENS)}
    total = group = 0
    for word in words.replace("-", " ").split():
        if word == "hundred":
            group *= 100
        elif word in ("thousand", "million", "billion"):
            total += group * {"thousand": 10**3, "million": 10**6, "billion": 10**9}[word]
            group = 0
        else:
            group += small[word]
    return total + group


def test_language_by_script() -> None:
    assert language("翁德谷医院急诊科") == "zh"
    assert language("他用 Google 搜索了 NASA 的新闻") == "zh"
    assert language("東京の天気") == "ja"
    assert language("The word 你好 means hello to all of us here") == ""


@pytest.mark.parametrize("lang", ["en", "zh", "fr"])
def test_no_text_takes_long_or_fails(lang: str) -> None:
    began = time.process_time()
    for text in ("1" * 4000, " 2-" * 1500, "@" * 3000, "a." * 2000, "🎉" * 1500, "[" * 3000,
                 "$1," * 1200, "#" * 3000, "\ud800 \u202e x", "1/" * 2000):  # fmt: skip
        aloud(text, lang)
    assert time.process_time() - began < 20


def test_what_is_heard_is_in_the_script_that_is_wanted() -> None:
    heard = "這個軟件的大橋後來乾了"
    assert heard.translate(in_script("zh")) == "这个软件的大桥后来干了"
    assert heard.translate(in_script("zh-TW")) == heard
    assert heard.translate(in_script("ja")) == heard


def test_mandarin_is_within_the_models_symbols() -> None:
    assert mandarin("zhong1") == "\uab67ʊ→ŋ"
    assert mandarin("nü3") == mandarin("nv3") == "ny↓"
    assert mandarin("xue2") == "ɕɥe↗"
    assert mandarin("shi4") == "ʂɨ↘"
    assert mandarin("qwx9") == ""
    for syllable in "yuan2 weng1 jiong3 zhuang4 er2 lve4 bo1 diu1 dui4 lun2 r5".split():
        assert all(symbol in SYMBOLS for symbol in mandarin(syllable))
    assert len(numbered("hɛˈlO")) == 5
    assert MOST_SYMBOLS == 510

"""Units of measurement and count nouns, each with its base unit and factor.

Factors are exact where the unit is defined exactly (international yard and pound, 1959:
https://www.nist.gov/pml/special-publication-811).
"""

from __future__ import annotations

import re

# surface form -> (base unit, factor); °F is the one affine unit and is handled apart.
UNITS: dict[str, tuple[str, float]] = {}


def _add(base: str, factor: float, surfaces: str) -> None:
    for surface in surfaces.split("|"):
        UNITS[surface] = (base, factor)


_add("m", 1.0, "metre|metres|meter|meters|米|公尺|メートル")
_add("m", 1000.0, "km|kms|kilometre|kilometres|kilometer|kilometers|公里|千米|キロ|キロメートル")
_add("m", 0.01, "cm|centimetre|centimetres|centimeter|centimeters|厘米|公分|センチ")
_add("m", 0.001, "mm|millimetre|millimetres|millimeter|millimeters|毫米")
_add("m", 1609.344, "mile|miles|mi|英里")
_add("m", 1852.0, "nautical mile|nautical miles|海里")
_add("m", 0.3048, "foot|feet|ft|英尺")
_add("m", 0.0254, "inch|inches|英寸")
_add("m", 0.9144, "yard|yards")
_add("m", 500.0, "里|华里")
_add("m2", 1.0, "m²|m2|sq m|sqm|square metre|square metres|square meter|square meters|平方米|平米")
_add(
    "m2",
    1e6,
    "km²|km2|sq km|square kilometre|square kilometres|square kilometer"
    "|square kilometers|平方公里|平方千米",
)
_add("m2", 1e4, "hectare|hectares|ha|公顷")
_add("m2", 2589988.110336, "square mile|square miles|sq mi|平方英里")
_add("m2", 4046.8564224, "acre|acres|英亩")
_add("m2", 10000.0 / 15, "亩")
_add("m2", 0.09290304, "square foot|square feet|sq ft|平方英尺")
_add("m3", 1.0, "m³|m3|cubic metre|cubic metres|cubic meter|cubic meters|立方米")
_add("m3", 0.001, "litre|litres|liter|liters|升|公升")
_add("m3", 1e-6, "ml|millilitre|millilitres|milliliter|milliliters|毫升")
_add("m3", 0.158987294928, "barrel|barrels|bbl|桶")
_add("m3", 0.003785411784, "gallon|gallons|加仑")
_add("kg", 1.0, "kg|kgs|kilo|kilos|kilogram|kilograms|kilogramme|kilogrammes|公斤|千克")
_add("kg", 0.001, "gram|grams|gramme|grammes|克")
_add("kg", 1e-6, "mg|milligram|milligrams|毫克")
_add("kg", 0.0002, "carat|carats|克拉")
# Crowns, which begin like grams; English has them as a noun that is counted.
_add("crown", 1.0, "crown|crowns|克朗")
_add("kg", 1000.0, "tonne|tonnes|ton|tons|metric ton|metric tons|吨|公吨|トン")
_add("kg", 0.45359237, "lb|lbs|pound|pounds|磅")
_add("kg", 0.028349523125, "oz|ounce|ounces|盎司")
_add("kg", 0.5, "斤")
_add("s", 1.0, "second|seconds|sec|secs|秒|秒钟|秒間")
_add("s", 60.0, "minute|minutes|min|mins|分钟|分鐘|分間")
_add("s", 3600.0, "hour|hours|hr|hrs|小时|小時|个小时|個小時|钟头|時間")
_add("s", 86400.0, "day|days|天|日間|昼夜")
_add("s", 604800.0, "week|weeks|周|星期|个星期|週間")
_add("month", 1.0, "month|months|个月|個月|ヶ月|か月")
_add("month", 12.0, "year|years|yr|yrs|年|年間")
_add("month", 120.0, "decade|decades")
_add("month", 1200.0, "century|centuries|个世纪|世纪")
_add("m/s", 1.0, "m/s|metres per second|meters per second|米每秒|米/秒")
_add(
    "m/s",
    1000 / 3600,
    "km/h|kmh|kph|kmph|kilometres per hour|kilometers per hour"
    "|kilometres an hour|kilometers an hour|公里/小时|公里每小时|千米每小时",
)
_add("m/s", 0.44704, "mph|miles per hour|miles an hour|英里每小时")
_add("m/s", 1852 / 3600, "knot|knots|节")
_add("°C", 1.0, "°c|℃|degrees celsius|degree celsius|celsius|degrees centigrade|摄氏度|度")
_add("°F", 1.0, "°f|℉|degrees fahrenheit|fahrenheit|华氏度")
_add("degree", 1.0, "°|degree|degrees")
_add("W", 1.0, "watt|watts|瓦")
_add("W", 1e3, "kw|kilowatt|kilowatts|千瓦")
_add("W", 1e6, "mw|megawatt|megawatts|兆瓦")
_add("W", 1e9, "gw|gigawatt|gigawatts")
_add("Wh", 1e3, "kwh|kilowatt hour|kilowatt hours|kilowatt-hours|千瓦时|度电")
_add("Wh", 1e6, "mwh|megawatt hours|megawatt-hours")
_add("Wh", 1e9, "gwh|gigawatt hours")
_add("byte", 1e3, "kb|kilobytes")
_add("byte", 1e6, "mb|megabyte|megabytes")
_add("byte", 1e9, "gb|gigabyte|gigabytes")
_add("byte", 1e12, "tb|terabyte|terabytes")
_add("Hz", 1.0, "hz|hertz|赫兹")
_add("Hz", 1e3, "khz")
_add("Hz", 1e6, "mhz")
_add("Hz", 1e9, "ghz")
_add("%", 1.0, "%|％|percent|per cent|pct|パーセント")
_add("pp", 1.0, "percentage point|percentage points|pp|个百分点|個百分點|百分点")
_add("age", 1.0, "years old|year old|year-old|years-old|year-olds|years of age|岁|歳|周岁|y/o|yo")

CURRENCY_SIGNS: dict[str, str] = {
    "$": "USD", "US$": "USD", "USD": "USD", "＄": "USD",
    "A$": "AUD", "AU$": "AUD", "AUD": "AUD", "C$": "CAD", "CA$": "CAD", "CAD": "CAD",
    "HK$": "HKD", "HKD": "HKD", "NT$": "TWD", "TWD": "TWD", "NZ$": "NZD", "S$": "SGD",
    "SGD": "SGD", "R$": "BRL", "€": "EUR", "EUR": "EUR", "£": "GBP", "GBP": "GBP", "¥": "CNY",
    "￥": "CNY", "CN¥": "CNY", "RMB": "CNY", "CNY": "CNY", "JP¥": "JPY", "JPY": "JPY",
    "₹": "INR", "Rs": "INR", "Rs.": "INR", "INR": "INR", "₩": "KRW", "KRW": "KRW",
    "₽": "RUB", "RUB": "RUB", "CHF": "CHF", "₺": "TRY", "₴": "UAH",
}  # fmt: skip
CURRENCY_WORDS: dict[str, tuple[str, float]] = {
    "dollar": ("USD", 1.0), "dollars": ("USD", 1.0), "us dollars": ("USD", 1.0),
    "u.s. dollars": ("USD", 1.0), "usd": ("USD", 1.0), "bucks": ("USD", 1.0),
    "cents": ("USD", 0.01), "euro": ("EUR", 1.0), "euros": ("EUR", 1.0), "eur": ("EUR", 1.0),
    "pounds sterling": ("GBP", 1.0), "pound sterling": ("GBP", 1.0), "gbp": ("GBP", 1.0),
    "pence": ("GBP", 0.01), "yuan": ("CNY", 1.0), "renminbi": ("CNY", 1.0), "rmb": ("CNY", 1.0),
    "cny": ("CNY", 1.0), "yen": ("JPY", 1.0), "jpy": ("JPY", 1.0), "rupee": ("INR", 1.0),
    "rupees": ("INR", 1.0), "won": ("KRW", 1.0), "rubles": ("RUB", 1.0), "roubles": ("RUB", 1.0),
    "francs": ("CHF", 1.0), "canadian dollars": ("CAD", 1.0), "australian dollars": ("AUD", 1.0),
    "元": ("CNY", 1.0), "元人民币": ("CNY", 1.0), "人民币": ("CNY", 1.0), "块": ("CNY", 1.0),
    "块钱": ("CNY", 1.0), "元钱": ("CNY", 1.0), "€": ("EUR", 1.0), "$": ("USD", 1.0),
    "£": ("GBP", 1.0), "美元": ("USD", 1.0), "美金": ("USD", 1.0),
    "欧元": ("EUR", 1.0), "歐元": ("EUR", 1.0), "英镑": ("GBP", 1.0), "日元": ("JPY", 1.0),
    "円": ("JPY", 1.0), "港元": ("HKD", 1.0), "港币": ("HKD", 1.0), "新台币": ("TWD", 1.0),
    "卢布": ("RUB", 1.0), "韩元": ("KRW", 1.0), "卢比": ("INR", 1.0),
}  # fmt: skip
UNITS.update(CURRENCY_WORDS)

# Count nouns that say the same thing, to one name. Children, women or passengers are parts of the
# people, and are kept apart.
_NOUNS = """
person: people person persons residents resident locals individuals victims victim souls
person: 人 名 位 口 人员 民众 居民 市民 村民 群众
child: child children kids 儿童 孩子 小孩
woman: woman women 女子 妇女 女性
man: man men 男子 男性
student: student students pupils pupil 学生
soldier: soldier soldiers troops 士兵 军人
firefighter: firefighter firefighters firemen 消防员
volunteer: volunteer volunteers 志愿者
worker: worker workers 工人 员工 职工
house: house houses home homes 间 房屋 户 住宅
household: family families household households 家庭
vehicle: car cars vehicle vehicles 辆 车辆 汽车
ship: ship ships boat boats vessel vessels 艘 船只
aircraft: plane planes aircraft airplanes 架 飞机
building: building buildings 栋 幢 座 建筑
bridge: bridge bridges 桥梁 大桥
school: school schools 所 学校
company: company companies firms 家 企业 公司
floor: storey storeys story floors floor stories 层 楼
vote: vote votes ballots 票
time: time times 次 回
officer: police officer officers policemen 民警 警察
tree: tree trees 棵 株 树木
job: job jobs 岗位
bed: bed beds 床位 张
seat: seat seats 席 席位
"""
NOUNS: dict[str, str] = {
    surface: line.split(":")[0] for line in _NOUNS.split("\n") for surface in line.split()[1:]
}

# What happened to those counted: two counts of people compare only within one role.
_ROLE_STEMS: tuple[tuple[str, str], ...] = (
    (
        "killed",
        r"kill(?:ed|ing|s)?|dead|die[sd]?|dying|deaths?|fatalit(?:y|ies)|death toll|bodies"
        r"|los(?:t|ing) (?:their|his|her) li(?:fe|ves)|claim(?:ed|ing)? the lives|perished|deceased"
        r"|遇难|死亡|身亡|丧生|死者|罹难|去世|死傷?者?|人亡",
    ),
    ("injured", r"injur(?:ed|ies|ing|y)|wound(?:ed|ing|s)|hurt|受伤|负伤|重伤|轻伤|伤者|负傷"),
    ("missing", r"missing|unaccounted for|失踪|失联|下落不明|行方不明"),
    ("arrested", r"arrest(?:ed|s|ing)?|detain(?:ed|ing)|in custody|逮捕|拘留|被捕|抓获|刑拘"),
    (
        "evacuated",
        r"evacuat(?:ed|ing|ions?|es?)|displaced|homeless|fled|疏散|撤离|转移|安置|无家可归",
    ),
    ("rescued", r"rescu(?:ed|ing|es?)|saved|获救|救出|生还|幸存|survivors?|survived"),
    ("infected", r"infect(?:ed|ions?)|tested positive|sick(?:ened)?|fell ill|感染|确诊|患病|阳性"),
    ("hospitalised", r"hospitali[sz]ed|taken to (?:the )?hospital|in hospital|住院|送医"),
    ("trapped", r"trapped|stranded|stuck|被困|滞留"),
    (
        "freed",
        r"escap(?:ed?|es|ing)|freed|released|let go|set free|逃出|逃脱|逃离|获释|释放|脱险",
    ),
    (
        "held",
        r"(?:being |still |was |were |are |been )held(?: hostage| captive)?"
        r"|held (?:hostage|captive)|(?:taken|took) (?:\w+ )?(?:hostage|captive)"
        r"|kidnap(?:ped|ping)|abducted|劫持|绑架|扣押",
    ),
    ("employed", r"hired?|hiring|recruit(?:ed|ing)?|招聘|录用"),
    ("dismissed", r"fired|laid off|sacked|redundan(?:t|cies)|layoffs|裁员|解雇|辞退"),
    ("attended", r"attend(?:ed|ees|ing|ance)?|turned out|gathered|marched|参加|出席|到场|参与"),
    ("signed", r"sign(?:ed|atures)|签名|联署"),
    ("vaccinated", r"vaccinat(?:ed|ions?)|接种"),
)
_ROLE = re.compile(
    "(?<![A-Za-z])(?:"
    + "|".join(f"(?P<{name}>{stems})" for name, stems in _ROLE_STEMS)
    + ")(?![A-Za-z])",
    re.IGNORECASE,
)


def roles(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int, str]]:
    """Role words in ``text[start:end]``, in order, as (start, end, role); whole words only."""
    stop = len(text) if end is None else end
    return [(m.start(), m.end(), str(m.lastgroup)) for m in _ROLE.finditer(text, start, stop)]

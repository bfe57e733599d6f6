"""English and Chinese side by side without a model: a glossary of the news, names by their sound.

A Chinese text is rendered as a bag of English words: what the glossary knows, and those names of
the English text beside it that sound in it (斯凯林 beside "Skerrin"). What is left over is
counted, so that a claim of which only half is understood is never taken for said. Numbers and dates
need none of this: they are compared as values.

Chinese spells foreign names by fixed syllables (the tables of the Xinhua news agency,
https://en.wikipedia.org/wiki/Transcription_into_Chinese_characters): their consonants are compared
with those of the Latin spelling.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from gnomon.text import slots
from gnomon.text.tokens import normalise
from gnomon.truth.terms import stem, without_exact
from gnomon.types import SlotKind

# Chinese words / English words that say it; the first English word stands for it.
_GLOSSARY = """
桥 大桥/bridge 路 公路/road 街/street 广场/square 港 港口 码头/harbour port quay 河/river 海/sea
山/mountain 机场/airport 火车 列车/train 车站/station 公交 巴士/bus 渡轮 渡船/ferry 船/boat ship
驳船/barge 汽车 机动车 车辆/car 卡车 货车/lorry truck 自行车/bicycle bike
行人 步行/walk pedestrian 人行道/footway pavement 交通/traffic 医院/hospital
急诊 急诊科/emergency 病房/ward 床位 病床/bed 医生/doctor 护士/nurse 病人 患者/patient
学校/school 中文/chinese 大学/university 学生/student pupil 老师 教师/teacher 校长/principal
图书馆/library 博物馆/museum 镇长 市长/mayor 镇议会 市议会 议会/council 政府/government
警方 警察/police 消防 消防队/fire 法院/court 总统/president 会长/president chair
主席/chair president 总理/premier 部长/minister 选举 大选/election vote 当选/elected
投票 选票/vote 候选人/candidate 协会/association 公司/company 工厂 厂/works factory 商店/shop
市场/market 银行/bank 教堂/church 灯塔/lighthouse 火灾 大火 起火 失火 火/fire 爆炸/explosion
地震/earthquake 洪水 水灾 淹水/flood 风暴 暴风/storm 台风/typhoon 阵风/gust 雨/rain
事故/accident 相撞 撞 被撞/struck hit 倒塌/collapse 停电/outage 受伤 伤者 伤/injured hurt
死亡 遇难 丧生/died killed 失踪/missing 救 救出 获救/rescued 疏散 撤离/evacuated
损失/damage loss 原因/cause 调查/investigate 裂缝/crack 桥墩/pier 维修 修复/repair
关闭 封闭 封/closed 开放 重开 重新开放 通车/open reopen 开始/start 结束/end 取消/cancelled
推迟 延期/postponed 搬 搬到 搬迁/move 恢复/resume restored 复课/reopen 停止 暂停/stop
扑灭/out extinguished 建 建成 修建/built 出售 卖/sell sold 买 购买/buy 拥有 属于/own
赢 获胜 击败/won beat 输/lost 比赛/match game 球队/team 进球/goal 观众/attendance 节/festival
游行/parade 展览/exhibition 水 自来水/water 铅/lead 超标/limit exceeds 检测 抽检 化验/test
结果/result 标准/standard limit 安全/safe 污染/polluted 病毒/virus 疫苗/vaccine 树/tree
倒/down fell 狗/dog 猫/cat 鱼/fish 鳗鱼/eel 海豹/seal 灯笼/lantern 饺子/dumpling 砖 瓦/tile
沙袋/sandbag 房屋 民宅 住宅/home house 价格 票价 费用/price fare cost 免费/free 收费/paid
钱/money 工资/wages 预算/budget 税/tax 克朗/crown 美元/dollar 元/yuan 人 人数/person people
居民/resident 孩子 儿童/child 家庭/family 工人/worker 员工/staff 志愿者/volunteer
游客 访客/visitor 工程师/engineer 记者/reporter 发言人/spokesman 首班/first 末班 最后/last
新/new 旧 老/old 最早/earliest 最高/highest 时刻表/timetable 今天 今日/today 昨天 昨日/yesterday
晚上 晚 夜/evening night 早上 上午 早/morning 下午/afternoon 中午/noon 周末/weekend
一共 总共 合计 共/total 参加 到场 出席/attend came 表示 称 说 宣布 通报/said 否认/denied
辟谣/denied 更正/correction 谣言/rumour 证实 确认/confirmed 没有人 无人 没人/nobody
没有 未 不/not 全部 所有/all 每/every 估计 初步/estimate 独立/independent 法定/legal
"""
_ENGLISH: dict[str, tuple[str, ...]] = {}
_CHINESE: dict[str, list[str]] = {}
for _entry in re.findall(r"((?:[一-龥]+ )*[一-龥]+)/((?:[a-z]+ ?)+)", _GLOSSARY.replace("\n", " ")):
    for _word in _entry[0].split():
        _ENGLISH[_word] = tuple(_entry[1].split())
    for _word in _entry[1].split():
        _CHINESE.setdefault(stem(_word), []).extend(_entry[0].split())
_LONGEST = max(map(len, _ENGLISH))

_SYLLABLES = """
b 巴贝比波布博伯鲍勃彼毕柏 bn 宾班本邦 p 帕佩皮普珀坡派保 pn 潘蓬彭平 m 马玛梅米姆莫穆默麦摩墨密
mn 曼门蒙明敏 f 弗夫法费菲福 fn 芬范冯丰 v 维瓦沃韦威伟 vn 文温万旺 d 德达迪多杜道代戴蒂
dn 丹登邓顿东当丁 t 特塔泰托图提陶 tn 坦滕汤通廷 n 纳内尼诺努奈娜妮恩安昂翁因英昂 nn 南宁农
l 拉莱勒里利洛卢劳雷瑞罗鲁丽莉尔列路 ln 兰伦朗林隆琳 k 卡凯克科库基奎格加盖戈古高哥吉
kn 坎肯康金冈根贡 s 斯萨塞西索苏泽扎佐兹赛茨 sn 桑森松辛曾 x 什沙谢希肖舍切奇乔丘杰朱查夏
xn 香申钱詹 - 阿埃艾爱奥伊欧乌亚耶尤雅哈海赫霍胡约 n 汉亨洪扬
"""
_SOUND = {
    char: code.removeprefix("-")
    for code, chars in re.findall(r"(\S+) ([一-龥]+)", _SYLLABLES)
    for char in chars
}
_LATIN = (
    (r"ph", "f"), (r"ck|qu|c(?=[aouklr]|$)|g(?!e|i|h)|q", "k"), (r"sh|ch|j|g(?=[ei])", "x"),
    (r"th", "t"),
    (r"x", "ks"), (r"c|z", "s"), (r"w", "v"),
    (r"r(?=[bdfhklmnpstvx]|$)", ""), (r"r", "l"), (r"ng", "n"), (r"[aeiouyh'’.-]", " "),
)  # fmt: skip


@lru_cache(maxsize=4096)
def sounds_in(name: str, chinese: str) -> str:
    """The part of ``chinese`` that spells ``name``, or "" if none does: their consonants are equal
    but for one where there are at least three."""
    wanted = _latin_sound(name)
    if len(wanted) < 2:
        return ""
    for run in re.findall(rf"[{''.join(_SOUND)}]{{2,}}", chinese):
        for start in range(len(run) - 1):
            for end in range(min(len(run), start + 6), start + 1, -1):
                held = "".join(_SOUND[char] for char in run[start:end])
                if held == wanted or (min(len(held), len(wanted)) > 2 and _near(held, wanted)):
                    return str(run[start:end])
    return ""


def _latin_sound(name: str) -> str:
    text = normalise(name)
    for pattern, sound in _LATIN:
        text = re.sub(pattern, sound, text)
    single = re.sub(r"(.)\1+", r"\1", re.sub(r"[^a-z ]", "", text))
    return single.replace(" ", "")


def _near(a: str, b: str) -> bool:
    """Whether one deletion makes ``a`` and ``b`` equal, their first sounds being the same."""
    if a[0] != b[0] or abs(len(a) - len(b)) != 1:
        return False
    short, long = sorted((a, b), key=len)
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


@dataclass(frozen=True, slots=True)
class Gloss:
    """A Chinese text in English words. ``unknown`` is the share (0..1) of its characters that are
    neither glossed, nor a name, a number or a function word."""

    text: str
    unknown: float


_EMPTY = frozenset(
    "的了是在和与及或也都就而且但这那其被把从对于为以所个名位家次座条棵人时于将已向由到去来上下中里去年月日点分吗呢有多少几谁什么哪"
)


@lru_cache(maxsize=4096)
def gloss(chinese: str, beside: str) -> Gloss:
    """``chinese`` as English words, read beside the English text that it is compared with."""
    words: list[str] = []
    rest = without_exact(chinese)
    for slot in slots.find(beside):
        for word in slot.text.split() if slot.kind is SlotKind.NAME else ():
            spelled = sounds_in(word, rest) if len(word) > 3 else ""
            if spelled:
                words.append(word)
                rest = rest.replace(spelled, " ")
    words.extend(re.findall(r"[A-Za-z][\w'’-]+", rest))
    characters = re.sub(r"[^一-龥]", "", rest)
    at, unknown = 0, 0
    while at < len(characters):
        for size in range(_LONGEST, 0, -1):
            found = _ENGLISH.get(characters[at : at + size])
            if found:
                words.extend(found)
                at += size
                break
        else:
            unknown += characters[at] not in _EMPTY
            at += 1
    return Gloss(" ".join(words), unknown / max(len(characters), 1))


def search_form(text: str, chinese: bool) -> str:
    """``text``'s words in the other language, for a search; "" where the glossary has none."""
    if chinese:
        return gloss(text, "").text
    found: Iterable[str] = (
        word
        for token in re.findall(r"[a-z]+", text.lower())
        for word in _CHINESE.get(stem(token), ())
    )
    return " ".join(dict.fromkeys(word for word in found if len(word) > 1))

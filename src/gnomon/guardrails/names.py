"""Is a real person named? By a title, by a list of people in public life, or by the form of a name.

A rule alone decides nothing here: a name matters only where a scene that compromises somebody is
asked for, too. People of stories and those who died long ago are nobody who can be harmed by it.
"""

from __future__ import annotations

import re

# People whom everybody knows by one name, and those whose names do not have the usual form. It is
# a start, not a register: titles and forms of names find most others.
_KNOWN = re.compile(
    r"\b(?:trump|biden|obama|putin|zelensk[iy]+|macron|merkel|netanyahu|erdogan|modi|lula|bolsonaro|"
    r"xi jinping|kim jong[ -]un|trudeau|starmer|sunak|johnson the prime minister|meloni|scholz|orban|"
    r"harris|pelosi|mcconnell|desantis|clinton|sanders|aoc|musk|zuckerberg|bezos|gates|altman|"
    r"beyonc[eé]|rihanna|adele|madonna|shakira|drake|eminem|messi|ronaldo|neymar|mbapp[eé]|lebron|"
    r"oprah|kardashian|zendaya|billie eilish|taylor swift|dalai lama|pope [a-z]+|king charles|"
    r"prince (?:harry|william)|queen camilla|greta thunberg|malala|fauci|assange|snowden|navalny)\b"
    r"|特朗普|川普|拜登|奥巴马|普京|泽连斯基|马克龙|默克尔|内塔尼亚胡|埃尔多安|莫迪|卢拉|习近平|金正恩|"
    r"李克强|李强总理|特鲁多|斯塔默|苏纳克|岸田|石破|安倍|梅洛尼|朔尔茨|哈里斯|佩洛西|麦康奈尔|希拉里|朴槿惠|"
    r"尹锡悦|蔡英文|赖清德|马英九|马斯克|扎克伯格|贝佐斯|盖茨|马云|马化腾|雷军|任正非|教皇|达赖|查尔斯国王|"
    r"哈里王子|威廉王子|梅西|[cC]罗|姚明|刘翔|郎平|李娜|孙杨|谷爱凌|科比|詹姆斯|卡戴珊|蕾哈娜|碧昂丝|霉霉|"
    r"范冰冰|杨幂|迪丽热巴|赵丽颖|刘亦菲|章子怡|巩俐|杨颖|刘德华|周杰伦|成龙|甄子丹|吴京|周星驰|王菲|"
    r"张艺谋|郭德纲|易烊千玺|王一博|肖战|蔡徐坤|鹿晗|吴亦凡|钟南山|张文宏|莫言|屠呦呦"
)
_TITLE_EN = re.compile(
    r"\b(?:(?:current|our|sitting) (?:\w+ )?(?:president|prime minister|chancellor|king|queen|mayor)|"
    r"president of [a-z]+|(?:prime minister|chancellor|king|queen) of [a-z]+|"
    r"[a-z]+(?:'s)? (?:current )?(?:prime minister|us president)|us president|"
    r"my (?:ex|boss|neighbour|neighbor|teacher|colleague|classmate|landlord|girlfriend|wife)\b)"
)
_TITLED_NAME = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|Judge|Justice|Mayor|Senator|Minister|President|"
    r"Governor|Chancellor|King|Queen|Prince|Princess|Pope|Sheikh|General|Sir|Dame|Lord|Lady)\.? "
    r"(?:[A-Z][\w'’-]+ ?){1,3}"
)
_FORM = re.compile(
    r"\b[A-Z][a-zà-ÿ'’]+(?: (?:de|da|van|von|bin|al|el|di|du|la))*(?: [A-Z][\w'’à-ÿ-]+){1,2}"
)
# First words of a request, styles, places and things that have the form of a name.
_NO_NAME = re.compile(
    r"^(?:Draw|Generate|Make|Paint|Create|Show|Please|Photo|Picture|Image|Portrait|A|An|The|My|Our|I|"
    r"In|On|At|Of|And|With|Close|Full)\b|"
    r"\b(?:Street|Park|House|Museum|Tower|Bridge|River|Lake|Falls|Mount|Mountains?|City|Town|Island|Court|"
    r"Square|Hall|Cup|Games|Open|Palace|Times|News|Post|Guardian|Union|States|Kingdom|Nations|Army|"
    r"Church|Cathedral|University|College|School|Hospital|Bank|Fair|Day|Eve|Year|War|Age|Night|"
    r"Festival|Parade|March|Memorial|Gallery|Liberty|Bros|Studios?|Style|Club|League|Team|Wall|"
    r"The|House|Ocean|Sea|Forest|Desert|Valley|Matter|Lives|Klan|Klux|Photo|Reich)\b"
)
_STORY = re.compile(
    r"\b(?:sherlock holmes|dr watson|inspector maigret|hercule poirot|miss marple|james bond|batman|"
    r"joker|superman|spider-?man|wonder woman|iron man|harry potter|hermione|gandalf|frodo|darth vader|"
    r"luke skywalker|mickey mouse|donald duck|homer simpson|bart simpson|super mario|robin hood|"
    r"robinson crusoe|peter pan|captain hook|mary poppins|mr bean|santa claus|father christmas|"
    r"uncle sam|mother nature|john doe|jane doe|romeo|juliet|hamlet|macbeth|don quixote|dracula|"
    r"frankenstein|alice|cinderella|snow white|little red|tom sawyer|oliver twist|king arthur|"
    r"queen of hearts|king kong|captain america|indiana jones|winnie the pooh|pikachu|"
    r"jesus(?: christ)?|christ|virgin mary|moses|buddha|zeus|hercules|apollo|venus|medusa|"
    r"julius caesar|cleopatra|nero|joan of arc|napoleon(?: bonaparte)?|george washington|"
    r"abraham lincoln|lincoln|marie antoinette|king louis(?: \w+)?|henry (?:the eighth|viii)|anne boleyn|"
    r"mary queen of scots|louis xvi|robespierre|socrates|van gogh|mona lisa|beethoven|mozart|shakespeare|"
    r"charlie chaplin|al capone|jack the ripper|bonnie and clyde|billy the kid|marat)\b"
    r"|福尔摩斯|柯南|孙悟空|猪八戒|唐僧|哪吒|白娘子|林黛玉|贾宝玉|武松|宋江|鲁智深|李逵|西门庆|潘金莲|诸葛亮|"
    r"曹操|关羽|张飞|刘备|吕布|貂蝉|花木兰|圣诞老人|蝙蝠侠|超人|蜘蛛侠|小丑|哈利·?波特|罗宾汉|鲁滨逊|哈姆雷特|"
    r"罗密欧|朱丽叶|灰姑娘|白雪公主|爱丽丝|小红帽|米老鼠|唐老鸭|拿破仑|贞德|凯撒|埃及艳后|耶稣|圣母|释迦牟尼|"
    r"荆轲|秦始皇|屈原|李白|杜甫|贵妃|武则天|岳飞|卓别林|林肯|华盛顿|梵高|蒙娜丽莎|莎士比亚|贝多芬|莫扎特|堂吉诃德"
)
_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏窦章苏潘葛范彭"
    "鲁韦马苗凤方俞任袁柳唐罗薛雷贺倪汤滕殷毕郝邬安常乐于傅皮齐康伍余元顾孟黄穆萧尹姚邵汪祁毛禹狄"
    "米贝明臧计成戴宋庞熊纪舒屈项祝董梁杜阮蓝闵席季贾路江童颜郭梅盛林钟徐邱骆高夏蔡田樊胡凌霍虞万"
    "柯管卢莫房裘缪干解应宗丁宣邓郁单杭洪包诸左石崔吉龚程邢裴陆荣翁荀甄曲封储靳焦牧车侯全班仰"
    "秋仲伊宫宁仇栾甘厉戎祖武符刘景詹束龙叶幸司黎乔闻莘党翟谭贡劳姬申冉桑桂牛寿尚农温庄晏柴瞿阎"
)
_TITLE_ZH = (
    r"(?:市长|省长|县长|局长|部长|处长|厅长|书记|主席|总统|总理|首相|法官|检察官|警官|院长|校长|教授|"
    r"老师|医生|经理|董事长|总裁|先生|女士|小姐|同学|主任|议员|将军)"
)
_NAME_ZH = re.compile(
    rf"[{_SURNAMES}][\u4e00-\u9fff]{{0,2}}{_TITLE_ZH}"
    rf"|(?:我|我们|我们班|咱)的?(?:前?女友|前?男友|前妻|前夫|老板|上司|同事|邻居|同学|老师|班主任|房东|老婆|老公|校长)"
    rf"|(?:美国|日本|法国|德国|英国|俄罗斯|韩国|现任|中国|印度|乌克兰|以色列)(?:总统|首相|总理|国王|女王|主席)"
    rf"|[\u4e00-\u9fff]{{1,4}}·[\u4e00-\u9fff]{{1,5}}"
    rf"|(?:^|[,,。;::\s画张]|请帮我画|我想要|用|把)[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}(?=被|在|的|穿|收|拿|喝|吸|和|躺|出|下|抱|跪)"
)


def person(prompt: str, text: str) -> str | None:
    """The name of a real person in ``prompt`` as it was written, or in ``text``, its reading."""
    bare = _STORY.sub(" ", text)
    for known in (_KNOWN, _TITLE_EN, _NAME_ZH):
        if found := known.search(bare):
            return found[0].strip(" ,,。;::")
    if found := _TITLED_NAME.search(prompt):
        return None if _STORY.search(found[0].lower()) else found[0].strip()
    for found in _FORM.finditer(prompt):
        name = found[0]
        words = name.split(" ")
        while len(words) > 1 and _NO_NAME.match(words[0]):
            words = words[1:]
        name = " ".join(words)
        if len(words) > 1 and not _NO_NAME.search(name) and not _STORY.search(name.lower()):
            return name
    return None

"""`detect_encoding`: which encoding a text has that does not say it."""

from __future__ import annotations

import codecs
import os

import pytest

import gazelle
from gazelle.body.charset import detect_encoding
from tests.support.server import ScriptedServer, response, send

SAMPLE_SIZE = 64 * 1024

SHORT: list[tuple[str, str]] = [
    ("cp1252", "naïve café"),
    ("cp1252", "déjà vu à Paris"),
    ("cp1252", "Où est la gare ?"),
    ("cp1252", "élève"),
    ("cp1252", "garçon très doué"),
    ("cp1252", "Ça va bien, merci"),
    ("cp1252", "l’été prochain"),
    ("cp1252", "12 €"),
    ("cp1252", "à bientôt"),
    ("cp1252", "«Noël»"),
    ("cp1252", "Château d'Yquem"),
    ("cp1252", "Grüße aus München"),
    ("cp1252", "Straße"),
    ("cp1252", "schöne Übung für alle"),
    ("cp1252", "größer"),
    ("cp1252", "Öffnungszeiten"),
    ("cp1252", "Änderungen übernehmen"),
    ("cp1252", "Fußgängerübergänge"),
    ("cp1252", "„Hallo“, sagte er"),
    ("cp1252", "Ärger, Öl und Übel"),
    ("cp1252", "¿Dónde está el baño?"),
    ("cp1252", "mañana"),
    ("cp1252", "El niño comió una piña"),
    ("cp1252", "corazón"),
    ("cp1252", "¡Feliz año nuevo!"),
    ("cp1252", "Añadir al carrito"),
    ("cp1252", "Sí, señor"),
    ("cp1252", "Información útil"),
    ("cp1252", "São Paulo não é a capital"),
    ("cp1252", "Olá, tudo bem? Não."),
    ("cp1252", "Smørrebrød på dansk"),
    ("cp1252", "Hyvää päivää"),
    ("cp1252", "Räksmörgås"),
    ("cp1252", "perché no? È così"),
    ("cp1252", "© 2024 Müller"),
    ("cp1252", "20 °C ± 2"),
    ("cp1252", "Þetta er íslenska"),
]
SHORT_ELSEWHERE: list[tuple[str, str]] = [
    ("cp1251", "Добро пожаловать в Москву"),
    ("cp932", "こんにちは世界"),
    ("cp932", "日本語のテキスト"),
    ("cp1250", "Miłego dnia życzę"),
]
LONG: dict[str, tuple[str, ...]] = {
    "French": ("cp1252",),
    "German": ("cp1252",),
    "Spanish": ("cp1252",),
    "Portuguese": ("cp1252",),
    "Swedish": ("cp1252",),
    "Polish": ("cp1250",),
    "Czech": ("cp1250",),
    "Turkish": ("cp1254",),
    "Russian": (
        "cp1251",
        "koi8-r",
    ),
    "Greek": ("cp1253",),
    "Japanese": (
        "shift_jis",
        "euc_jp",
    ),
    "Chinese": ("gbk",),
    "Korean": ("cp949",),
    "Hebrew": ("cp1255",),
}
TEXTS: dict[str, str] = {
    "French": (
        "Longtemps, je me suis couché de bonne heure. Parfois, à peine ma bougie éteinte, mes yeux se fermaie"
        "nt si vite que je n’avais pas le temps de me dire : « Je m’endors. » Et, une demi-heure après, la pe"
        "nsée qu’il était temps de chercher le sommeil m’éveillait ; je voulais poser le volume que je croyai"
        "s avoir encore dans les mains et souffler ma lumière."
    ),
    "German": (
        "Als Gregor Samsa eines Morgens aus unruhigen Träumen erwachte, fand er sich in seinem Bett zu einem "
        "ungeheueren Ungeziefer verwandelt. Er lag auf seinem panzerartig harten Rücken und sah, wenn er den "
        "Kopf ein wenig hob, seinen gewölbten, braunen, von bogenförmigen Versteifungen geteilten Bauch, auf "
        "dessen Höhe sich die Bettdecke, zum gänzlichen Niedergleiten bereit, kaum noch erhalten konnte."
    ),
    "Spanish": (
        "En un lugar de la Mancha, de cuyo nombre no quiero acordarme, no ha mucho tiempo que vivía un hidalg"
        "o de los de lanza en astillero, adarga antigua, rocín flaco y galgo corredor. Una olla de algo más v"
        "aca que carnero, salpicón las más noches, duelos y quebrantos los sábados, lantejas los viernes, alg"
        "ún palomino de añadidura los domingos, consumían las tres partes de su hacienda."
    ),
    "Portuguese": (
        "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de razão e de cons"
        "ciência, devem agir uns para com os outros em espírito de fraternidade. Todo o ser humano tem capaci"
        "dade para gozar os direitos e as liberdades estabelecidos nesta Declaração, sem distinção de qualque"
        "r espécie."
    ),
    "Swedish": (
        "Alla människor är födda fria och lika i värde och rättigheter. De har utrustats med förnuft och samv"
        "ete och bör handla gentemot varandra i en anda av gemenskap. Var och en är berättigad till alla de r"
        "ättigheter och friheter som uttalas i denna förklaring utan åtskillnad av något slag."
    ),
    "Polish": (
        "Litwo, ojczyzno moja! ty jesteś jak zdrowie; ile cię trzeba cenić, ten tylko się dowie, kto cię stra"
        "cił. Dziś piękność twą w całej ozdobie widzę i opisuję, bo tęsknię po tobie. Panno święta, co Jasnej"
        " bronisz Częstochowy i w Ostrej świecisz Bramie! Ty, co gród zamkowy nowogródzki ochraniasz z jego w"
        "iernym ludem!"
    ),
    "Czech": (
        "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv. Jsou nadáni rozumem a svědomím "
        "a mají spolu jednat v duchu bratrství. Každý má všechna práva a všechny svobody, stanovené touto dek"
        "larací, bez jakéhokoli rozlišování, zejména podle rasy, barvy, pohlaví, jazyka, náboženství."
    ),
    "Turkish": (
        "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana sahiptirler ve birb"
        "irlerine karşı kardeşlik zihniyeti ile hareket etmelidirler. Herkes, ırk, renk, cinsiyet, dil, din, "
        "siyasi veya diğer herhangi bir akide, milli veya içtimai menşe farkı gözetilmeksizin bütün haklardan"
        " istifade edebilir."
    ),
    "Russian": (
        "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему. Все смеш"
        "алось в доме Облонских. Жена узнала, что муж был в связи с бывшею в их доме француженкою-гувернантко"
        "й, и объявила мужу, что не может жить с ним в одном доме. Положение это продолжалось уже третий день"
        "."
    ),
    "Greek": (
        "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. Είναι προικισμέν"
        "οι με λογική και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ τους με πνεύμα αδελφοσύνης. Κάθε "
        "άνθρωπος δικαιούται να επικαλείται όλα τα δικαιώματα και όλες τις ελευθερίες που προκηρύσσει η παρού"
        "σα διακήρυξη."
    ),
    "Japanese": (
        "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所でニャーニャー泣い"
        "ていた事だけは記憶している。吾輩はここで始めて人間というものを見た。しかもあとで聞くとそれは書生という人間中で"
        "一番獰悪な種族であったそうだ。"
    ),
    "Chinese": (
        "话说天下大势，分久必合，合久必分。周末七国分争，并入于秦。及秦灭之后，楚、汉分争，又并入于汉。汉朝自高祖斩白蛇"
        "而起义，一统天下，后来光武中兴，传至献帝，遂分为三国。推其致乱之由，殆始于桓、灵二帝。桓帝禁锢善类，崇信宦官。"
        "及桓帝崩，灵帝即位，大将军窦武、太傅陈蕃，共相辅佐。"
    ),
    "Korean": (
        "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으로 이성과 양"
        "심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다. 모든 사람은 인종, 피부색, 성, 언어,"
        " 종교, 정치적 또는 기타의 견해 등에 따른 차별 없이 권리를 누릴 자격이 있다."
    ),
    "Hebrew": (
        "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם. כולם חוננו בתבונה ובמצפון, לפיכך חובה עליהם לנ"
        "הוג איש ברעהו ברוח של אחווה. כל אדם זכאי לזכויות ולחירויות שנקבעו בהכרזה זו ללא הפליה כלשהי מטעמי גז"
        "ע, צבע, מין, לשון, דת, דעה פוליטית או דעה בבעיות אחרות."
    ),
}
CASES = [(language, encoding) for language, encodings in LONG.items() for encoding in encodings]


@pytest.mark.parametrize(("encoding", "text"), SHORT + SHORT_ELSEWHERE)
def test_a_short_text_is_read_right(encoding: str, text: str) -> None:
    body = text.encode(encoding)
    assert body.decode(detect_encoding(body)) == text


@pytest.mark.parametrize(("language", "encoding"), CASES)
def test_a_long_text_is_recognised(language: str, encoding: str) -> None:
    body = TEXTS[language].encode(encoding)
    assert len(body) >= 200
    assert body.decode(detect_encoding(body)) == TEXTS[language]


@pytest.mark.parametrize(("language", "encoding"), CASES)
def test_so_is_one_that_is_larger_than_what_is_looked_at(language: str, encoding: str) -> None:
    # Of lines, whose length makes the sample end within a character sooner or later.
    lines = "".join(f"{TEXTS[language]}{'-' * (number % 3)}\n" for number in range(1000))
    body = lines.encode(encoding)
    assert len(body) > 2 * SAMPLE_SIZE
    assert body.decode(detect_encoding(body)) == lines


@pytest.mark.parametrize("text", ["", "plain", "naïve café", "Привет", "\ufeffmarked", "a\0b"])
def test_what_is_valid_utf_8_is_utf_8(text: str) -> None:
    assert detect_encoding(text.encode()) == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("bom", ["LE", "BE"])
def test_a_byte_order_mark_settles_it(encoding: str, bom: str) -> None:
    mark = getattr(codecs, f"BOM_{encoding.upper().replace('-', '')}_{bom}")
    body = mark + "naïve Ж".encode(f"{encoding}-{bom.lower()}")
    assert detect_encoding(body) == encoding
    assert body.decode(encoding) == "naïve Ж"


def test_a_byte_order_mark_of_something_else_is_none() -> None:
    assert detect_encoding(b"\xff\xfea") == "cp1252"


def test_letters_decide_that_come_late() -> None:
    assert detect_encoding(b"a " * SAMPLE_SIZE + "é".encode("latin-1")) == "cp1252"


@pytest.mark.parametrize("letters", [1, 11, 12, 13, 100])
@pytest.mark.parametrize("word", ["crème ", "«là», "])
def test_western_european_it_is_with_many_letters_too(word: str, letters: int) -> None:
    body = (word * letters).encode("cp1252")
    assert body.decode(detect_encoding(body)) == word * letters


def test_what_comes_out_decodes_at_least_what_was_looked_at() -> None:
    bodies = [bytes([byte]) for byte in range(256)]
    bodies += [bytes([first, second]) for first in range(128, 256) for second in (0x20, 0x41, 0x80, 0x81, 0xE9)]
    bodies += [bytes(range(160, 256)) * 10, bytes(range(32, 256)), b"\xe9" * 300, b"\x93s" * 300]
    for body in bodies:
        encoding = detect_encoding(body)
        assert codecs.lookup(encoding).name == encoding
        assert encoding == "utf-8" or body.decode(encoding) is not None


def test_what_is_no_text_gets_an_answer_in_bounded_time() -> None:
    for body in (b"\x89PNG\r\n\x1a\n\0\0", os.urandom(1000), os.urandom(4 * SAMPLE_SIZE), b"\xff" * 4 * SAMPLE_SIZE):
        assert codecs.lookup(detect_encoding(body))


async def test_a_response_without_a_charset_is_read_right() -> None:
    for encoding, text in SHORT[:3]:
        async with ScriptedServer(
            {"*": [send(response(text.encode(encoding), headers="Content-Type: text/plain"))]}
        ) as server:
            async with gazelle.ClientSession() as session, session.get(server.url()) as answer:
                assert await answer.text() == text
                assert answer.get_encoding() == "cp1252"

"""Which language a comment is in: English with every fault it can have stays English; other people's is named."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path

import pytest

from alerts.wording import sections
from monitor.classifier import languages
from monitor.classifier.languages import language_of, told, with_language
from monitor.domain.verdict import Category, Severity, Verdict

EXAMPLES = Path(languages.__file__).parent / "examples"

# Written for these tests, and in no word list on purpose: what parents write, with and without the accents.
SAID = {
    "pl": (
        "Dzień dobry, czy jutro szkoła jest zamknięta?",
        "prosze powiedziec czy obiady sa platne",
        "Moja córka wróciła do domu z płaczem, kto za to odpowiada?",
        "wiem gdzie mieszkasz i przyjde po ciebie",
        "Dziękujemy!",
        "jaki kolor koszulki na piatek",
    ),
    "ro": (
        "Bună ziua, la ce oră începe ședința cu părinții?",
        "va rog sa imi spuneti cat costa excursia",
        "Copilul meu a fost bătut în curtea școlii și nimeni nu face nimic",
        "Multumim mult pentru tot ce faceti",
    ),
    "uk": (
        "Доброго ранку, коли починаються канікули?",
        "Моя донька боїться йти до школи через хлопців",
        "Дякуємо!",
    ),
    "ru": (
        "Здравствуйте, во сколько завтра начинаются уроки?",
        "Мой сын забыл рюкзак в классе",
        "Я знаю, где вы живёте",
    ),
    "ar": ("هل المدرسة مفتوحة غدا؟", "ابني يتعرض للضرب كل يوم", "شكرا لكم جميعا"),
    "ur": ("کیا کل چھٹی ہے؟", "میری بیٹی کو اسکول میں تنگ کیا جاتا ہے", "بہت بہت شکریہ"),
    "fa": ("آیا فردا مدرسه باز است؟", "پسرم امروز مریض است و به مدرسه نمی‌آید"),
    "ps": ("ایا سبا ښوونځی خلاص دی؟", "زما زوی نن ناروغ دی او ښوونځي ته نه ځي"),
    "ckb": ("ئایا سبەی قوتابخانە کراوەیە؟", "سوپاس بۆ مامۆستاکان"),
    "bn": ("আগামীকাল কি ক্লাস হবে?", "আমার ছেলে আজ অসুস্থ"),
    "gu": ("શું કાલે શાળા ખુલ્લી છે?", "ખૂબ ખૂબ આભાર"),
    "pa": ("ਕੀ ਕੱਲ੍ਹ ਸਕੂਲ ਖੁੱਲ੍ਹਾ ਹੈ?", "ਬਹੁਤ ਧੰਨਵਾਦ ਜੀ"),
    "hi": ("क्या कल स्कूल खुला है?", "मेरी बेटी आज बीमार है"),
    "ta": ("நாளை பள்ளி திறந்திருக்கிறதா?", "மிக்க நன்றி"),
    "zh": ("明天学校开门吗？", "我儿子今天生病了", "谢谢"),
    "so": (
        "Iskuulka berri ma furan yahay?",
        "Wiilkaygu maanta waa xanuunsan yahay",
        "Mahadsanid macallin, ilmahaygu aad ayuu u faraxsan yahay",
    ),
    "pt": (
        "Bom dia, a que horas acaba a reunião de pais?",
        "O meu filho perdeu o casaco azul no recreio",
        "Muito obrigada a todos os professores",
    ),
    "es": (
        "Buenos días, ¿a qué hora sale la excursión?",
        "Mi hija no quiere ir al colegio porque le pegan",
        "sé dónde vives y te vas a enterar",
    ),
    "fr": (
        "Bonjour, est-ce que la cantine est ouverte demain ?",
        "Mon fils a oublié son sac dans la classe",
        "on va te retrouver à la sortie",
    ),
    "de": (
        "Guten Morgen, wann beginnt der Elternabend?",
        "Mein Sohn ist heute krank und kommt nicht",
        "Ich weiß, wo du wohnst",
    ),
    "it": (
        "Buongiorno, a che ora finisce la festa?",
        "Mia figlia ha perso la giacca nel cortile",
        "Grazie mille a tutte le maestre",
    ),
    "lt": ("Laba diena, kada prasideda tėvų susirinkimas?", "Mano sūnus šiandien serga", "Ačiū mokytojoms už viską"),
    "tr": (
        "Merhaba, veli toplantısı ne zaman?",
        "Oğlum bugün hasta, okula gelemeyecek",
        "cok tesekkur ederiz ogretmenim",
    ),
    "ku": ("Rojbaş, dibistan sibe vekirî ye?", "Spas ji bo mamosteyan, zarokên me gelek kêfxweş in"),
    "cy": (
        "Bore da, ydi'r clwb brecwast ymlaen fory?",
        "dwi ofn mynd adra heno",
        "Diolch o galon i'r staff i gyd",
        "pa liw ydi'r crysau-t",
    ),
    "gd": ("Madainn mhath, cuin a tha an sgoil a' fosgladh?", "Tapadh leibh airson a h-uile rud"),
    "ga": ("Dia dhuit, cathain a bheidh an scoil ag oscailt?", "Go raibh maith agaibh, a mhúinteoirí"),
    "ur-Latn": (
        "kal school band hai kya?",
        "meri beti ko roz tang karte hain class mein",
        "bohat bohat shukriya sab teachers ka",
        "mujhe pata hai tum kahan rehte ho",
    ),
    "pa-Latn": ("Tuhada bahut dhanvaad ji", "sade munde nu kal skool ch maareya kise ne"),
    "bn-Latn": ("kal ki school bondho thakbe?", "amar meyer khub bhalo lagse, dhonnobad"),
}  # fmt: skip

ENGLISH = (
    "",
    "?",
    "👏👏👏",
    "❤️💙 😂",
    "Lol",
    "no way",
    "ta muchly",
    "Bravo!",
    "Well done Zofia Wiśniewska and Kacper Nowak!!",
    "Congratulations to Siân, Llŷr and Gwenllian from Ysgol Gymraeg",
    "Mrs Szczepańska is the best TA ever",
    "Good luck to Muhammad, Aaliyah, Oluwaseun and Nguyen Thi",
    "Llanfairpwll here we come",
    "Eid Mubarak everyone, mashallah what a lovely evening",
    "Happy Diwali to all celebrating",
    "ye cannae dae that tae the wean, its no right so it isnae",
    "Haud yer wheesht, wur weans are fine",
    "aye reet, av telt em a hundred times like",
    "wot tym dus it strt plz",
    "carnt beleev u lot agen, mi son woz cryin",
    "yh nah fam dat teacher is bare moist still",
    "mi nah go a di school again, dem too rude",
    "is ther eny1 in th ofice 2day",
    "Loved the crème brûlée at the café",
    "Chloë, Zoë and Beyoncé were brilliant, naïve as it sounds",
    "f u c k   o f f",
    "y0u 4re a l0s3r",
    "Yоu аrе а lоsеr",  # disguised with Cyrillic letters
    "𝖞𝖔𝖚 𝖆𝖗𝖊 𝖚𝖌𝖑𝖞",
    "ლ(ಠ益ಠლ)",
    "¯\\_(ツ)_/¯",
    "Year 6 did a song called Frère Jacques and my daughter loved it",
    "Year 2 can count to ten in French now: un, deux, trois, quatre!",
    "https://oakfield.example/aktualnosci/dzien-dobry",
    "@dziendobry #dziekujemy",
    "gooooo onnnnn ladssssss",
    "Amazing. Absolutely buzzing. Cant wait. Come onnnn",
    "SEN, EHCP, FFT, PPG, SATs, Ofsted RI",
    "Pasta bake, jacket potato, halal chicken curry, veg lasagne",
)


@pytest.mark.parametrize("text", ENGLISH)
def test_english_stays_english_whatever_it_looks_like(text: str) -> None:
    assert language_of(text) is None


@pytest.mark.parametrize("code", sorted(SAID))
def test_each_language_is_told_by_its_comments(code: str) -> None:
    missed = {text: found for text in SAID[code] if (found := language_of(text)) != code}
    assert not missed


def test_a_sentence_in_another_language_within_english_is_found() -> None:
    assert (
        language_of("Thanks for a lovely day, we all enjoyed it. Wiem, gdzie mieszkasz, i po ciebie przyjdę.")
        == "pl"
    )
    assert language_of("See you all at the fair on Saturday! ми вас там знайдемо і поб'ємо") == "uk"
    assert language_of("I " * 20_000 + "know. Jutro przyjdę do szkoły i wszystkich was pobiję za to") == "pl"


def examples() -> list[dict[str, str]]:
    files = sorted(EXAMPLES.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def test_of_the_english_examples_at_most_three_in_a_thousand_are_called_foreign() -> None:
    """The examples hold lines in other languages under every category; a person sees those by their words."""
    said = {
        line["text"]: language_of(line["text"]) for line in examples() if line["category"] != "other_language"
    }
    wrong = [text for text, code in said.items() if code is not None and not _plainly_foreign(text)]
    assert len(wrong) <= 0.003 * len(said), wrong


def test_of_the_foreign_examples_nearly_all_are_recognised() -> None:
    foreign = [line["text"] for line in examples() if line["category"] == "other_language"]
    missed = [text for text in foreign if language_of(text) is None]
    assert len(foreign) > 90
    assert len(missed) <= 0.06 * len(foreign), missed


def _plainly_foreign(text: str) -> bool:
    words = {word.strip(".,!?:;()\"'’").casefold() for word in text.split()}
    heads = {word.replace("’", "'").partition("'")[0] for word in words}
    own = set().union(*told().words.values())
    return bool(own & (words | heads)) or any(ord(letter) > 0x36F for letter in text if letter.isalpha())


# --- what is judged


def test_a_verdict_says_its_language_and_whether_it_could_be_judged() -> None:
    french = with_language(Verdict(), "Mon fils a oublié son sac dans la classe")
    welsh = with_language(Verdict(), "Diolch yn fawr iawn i bawb am ddod")
    assert (french.language, french.unread) == ("fr", True)
    assert (welsh.language, welsh.unread) == ("cy", False)
    assert with_language(Verdict(), "When is the fair?") == Verdict()


def test_thanks_in_a_language_unread_are_not_confident() -> None:
    thanks = Verdict(categories=(Category.THANKS,))
    assert thanks.needs_no_answer
    assert not with_language(thanks, "Dziękujemy bardzo za wszystko").needs_no_answer
    assert with_language(thanks, "Diolch yn fawr iawn i bawb").needs_no_answer


def test_what_the_scores_say_is_kept() -> None:
    judged = Verdict(severity=Severity.HIGH, categories=(Category.THREAT,), scores={"threat": 0.9})
    told_so = with_language(judged, "wiem gdzie mieszkasz i przyjdę po ciebie")
    assert told_so.flagged
    assert (told_so.severity, told_so.categories, told_so.scores) == (
        judged.severity,
        judged.categories,
        judged.scores,
    )


# --- the lists


def test_every_language_that_is_said_has_a_name() -> None:
    assert set(sections()["languages"]) == set(told().known)
    lists = told()
    assert {*lists.words, *lists.short, *lists.same.values(), *SAID} <= lists.known
    assert lists.known >= languages.READ


def test_a_word_of_a_language_is_in_no_other_list() -> None:
    lists = told()
    for one, other in itertools.combinations(lists.words, 2):
        assert not lists.words[one] & lists.words[other], (one, other)
    for code, words in lists.words.items():
        assert not words & lists.english, code
        assert not words & lists.english_short, code
        assert not words & lists.short.get(code, frozenset()), code


@pytest.mark.parametrize(
    "piece",
    ["a", "ab ", "ą ę ", "a'", "a-", "#", "@", "1a ", "дя ", "的", "ا", "wiem gdzie ", "\u0301", "url "],
)
def test_any_text_takes_linear_time(piece: str) -> None:
    language_of("wiem gdzie mieszkasz")  # the model is read once
    took = []
    for size in (10_000, 100_000):
        text = piece * (size // len(piece))
        began = time.process_time()
        language_of(text)
        took.append(time.process_time() - began)
    assert took[1] < 1.0
    assert took[1] < 40 * max(took[0], 0.002)

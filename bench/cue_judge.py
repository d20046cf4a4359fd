"""Who keeps the norms, and who breaks inside a phrase: a judge that shares nothing with what lays the cues out.

The norms are those of Netflix's timed text guides. What a break must not part is theirs too (line treatment); which
words these are is said by a tagger: for English the Hanover Tagger, whose model was trained on the British National
Corpus, for French the tags of the Lefff lexicon in textblob-fr and the closed classes below.
"""

import collections
import functools
import importlib.util
import pathlib
import re

LINE, LINES, SHORTEST, LONGEST, GAP = 42, 2, 833, 7_000, 83
# Characters a second, spaces counted: adults' programmes; English is read faster than anything else.
SPEED = {"en": 20}
OTHER_SPEED = 17
# Media time is told in milliseconds, so a limit may be missed by the rounding of one.
ROUNDING = 1
MARK_AT_END = re.compile(r"[.,;:!?…—–，。！？、：；)\]»”\"]$|[.,;:!?…]['’]$")
Verdict = collections.namedtuple("Verdict", "cues faults line_breaks illegal_lines cue_breaks illegal_cues examples")


def faults(cues, language):
    """What is wrong with each cue: a set of names."""
    speed = SPEED.get(language, OTHER_SPEED)
    found = []
    for (start, end, text), after in zip(cues, [*cues[1:], None]):
        lines, duration = text.split("\n"), end - start
        wrong = set()
        if len(lines) > LINES or max(map(len, lines)) > LINE:
            wrong.add("length")
        if len(text) * 1000 > speed * (duration + ROUNDING):
            wrong.add("speed")
        if not SHORTEST - ROUNDING <= duration <= LONGEST + ROUNDING:
            wrong.add("duration")
        if after and after[0] - end < GAP - ROUNDING:
            wrong.add("gap")
        found.append(wrong)
    return found


def judge(cues, language):
    parted = parts_phrase(language)
    words, kinds = [], []
    for _, _, text in cues:
        lines = [line.split() for line in text.split("\n")]
        for number, line in enumerate(lines):
            words += line
            kinds += [None] * (len(line) - 1) + (["line" if number < len(lines) - 1 else "cue"] if line else [])
    illegal, examples = parted(words), collections.Counter()
    count = collections.Counter()
    # What follows the last cue is no break.
    for at, kind in enumerate(kinds[:-1]):
        count[kind] += 1
        if kind and illegal[at]:
            count["illegal " + kind] += 1
            examples[f"{words[at]} | {words[at + 1]} ({illegal[at]})"] += 1
    return Verdict(len(cues), faults(cues, language), count["line"], count["illegal line"], count["cue"],
                   count["illegal cue"], examples)


def parts_phrase(language):
    """A function from words to, for the place behind each, the rule that a break there would violate, or ''."""
    rule = {"en": english, "fr": french}[language]

    def judged(words):
        tagged = rule(words)
        return ["" if MARK_AT_END.search(word) else tagged(at) if at + 1 < len(words) else ""
                for at, word in enumerate(words)]
    return judged


def bare(word):
    return word.strip(".,;:!?…—–-\"'“”«»()[]").replace("’", "'")


# --- English ----------------------------------------------------------------------------------------------------

@functools.cache
def english_tagger():
    from HanTa import HanoverTagger

    return HanoverTagger.HanoverTagger("morphmodel_en.pgz")


def english(words):
    tags = english_tags(words)
    is_of = lambda at, *starts: at < len(tags) and tags[at].startswith(starts)

    def verb_follows(at):
        """Behind at most two adverbs."""
        while is_of(at, "AV", "XX") and not MARK_AT_END.search(words[at]):
            at += 1
        return is_of(at, "V")

    def rule(at):
        here, after = tags[at], tags[at + 1]
        low = bare(words[at]).lower()
        is_nominal = is_of(at + 1, "N", "AJ", "CRD", "ORD", "ZZ") or after in ("VVG", "VVN")
        if here in ("AT0", "DPS") or here.startswith("DT") and is_nominal and low not in ("that",):
            return "article or determiner"
        if here.startswith("AJ") and is_of(at + 1, "N", "AJ"):
            return "adjective and noun"
        if here == after == "NP0" and words[at][0].isupper() and words[at + 1][0].isupper():
            return "first and last name"
        if here == "PNP" and low in ("i", "you", "he", "she", "it", "we", "they") and verb_follows(at + 1):
            # An object before the next verb is no subject: «see it | is» is rare, «let you | go» is one too.
            return "pronoun and verb"
        if here.startswith(("VM", "VB", "VH", "VD")) and (verb_follows(at + 1) or after == "XX0"):
            return "auxiliary and verb"
        if here == "XX0" and is_of(at + 1, "V"):
            return "negation and verb"
        if here.startswith("V") and after in ("PNX", "AVP"):
            return "verb and its particle or reflexive"
        if here == "TO0" and after.startswith("V"):
            return "to and verb"
        if here in ("PRF", "PRP"):
            return "preposition"
        if here in ("CJC", "CJS", "CJT"):
            return "conjunction"
        return ""
    return rule


def english_tags(words):
    """A tag of the CLAWS5 set for each word; sentences are tagged one by one."""
    tags, sentence = [], []
    contracted = {"'m": "VBB", "'re": "VBB", "'ve": "VHB", "'ll": "VM0", "'d": "VM0", "n't": "XX0"}
    for at, word in enumerate(words):
        sentence.append(word)
        if re.search(r"[.!?]['\"”]*$", word) or at + 1 == len(words):
            found = english_tagger().tag_sent([bare(one) or one for one in sentence])
            tags += [tag for _, _, tag in found]
            sentence = []
    # The tagger knows no contractions in one piece; their last part decides what they lean on.
    for at, word in enumerate(words):
        low = bare(word).lower()
        for ending, tag in contracted.items():
            if low.endswith(ending) and low != ending:
                tags[at] = tag
        if low in ("he's", "she's", "it's", "that's", "there's", "what's", "here's", "who's"):
            tags[at] = "VBZ"
        if low == "in":
            # Beyond its model's doubt at the head of a sentence.
            tags[at] = "PRP"
    return tags


# --- French -----------------------------------------------------------------------------------------------------

def words_of(text):
    return set(text.split())


DETERMINERS = words_of(
    "le la les l' un une des du au aux ce cet cette ces mon ton son ma ta sa mes tes ses notre nos votre vos leur leurs"
    " quel quelle quels quelles chaque quelques plusieurs certains certaines aucun aucune toute toutes tous")
PREPOSITIONS = words_of(
    "de d' à en dans sur sous avec sans pour par chez vers entre contre avant après depuis pendant dès jusque jusqu'à"
    " selon malgré parmi durant lors")
SUBJECTS = words_of("je j' tu il elle on nous vous ils elles")
CLITICS = words_of("ne n' me m' te t' se s' y lui")
AUXILIARIES = words_of(
    "ai as a avons avez ont avais avait avaient aura auront aurait aurez aurons suis es est sommes êtes sont étais"
    " était étaient sera seront serait serez serons fut furent peux peut pouvez pouvons peuvent pouvait pourra pourrez"
    " pourrait dois doit devez devons doivent devait devra devrez devrait veux veut voulez voulons veulent voulait vais"
    " va allons allez vont allait faut faudra fait faites font n'est n'a n'ont n'avez n'avons n'était n'étaient n'avait"
    " c'est")
NEGATIONS = words_of("pas plus jamais rien point guère")
CONJUNCTIONS = words_of(
    "et ou mais donc car ni que qu' qui dont où quand lorsque lorsqu' si comme puisque puisqu' parce")
BEFORE_NOUNS = words_of(
    "petit petite petits petites grand grande grands grandes bon bonne bons bonnes mauvais mauvaise beau bel belle"
    " beaux belles jeune jeunes vieux vieil vieille nouveau nouvel nouvelle nouveaux nouvelles premier première premiers"
    " premières dernier dernière derniers dernières autre autres même mêmes prochain prochaine gros grosse long longue"
    " haut haute deux trois quatre cinq six sept huit neuf dix vingt trente quarante cinquante cent mille")


@functools.cache
def french_lexicon():
    place = pathlib.Path(importlib.util.find_spec("textblob_fr").origin).with_name("fr-lexicon.txt")
    lines = (line.split(" ") for line in place.read_text(encoding="utf-8-sig").splitlines() if line[:1] != ";")
    return {parts[0]: parts[1] for parts in lines if len(parts) > 1}


def french(words):
    lexicon = french_lexicon()
    lows = [bare(word).lower() for word in words]
    tags = [lexicon.get(low, "") for low in lows]

    def is_verb_form(low, tag):
        return tag.startswith("VB") or re.search(r"(é|ée|és|ées|er|ir|re|ons|ez|ent|ait|aient|ra|ront)$", low)

    def rule(at):
        here, after = lows[at], lows[at + 1]
        if here in DETERMINERS:
            return "article or determiner"
        if here in PREPOSITIONS:
            return "preposition"
        if here in CLITICS or here in SUBJECTS and (
                here not in ("nous", "vous", "elle", "elles") or after in CLITICS | AUXILIARIES
                or re.match(r"[nmts]'", after) or is_verb_form(after, tags[at + 1])):
            return "pronoun and verb"
        is_verb_next = is_verb_form(after, tags[at + 1]) and after not in PREPOSITIONS
        if here in AUXILIARIES and (after in NEGATIONS or is_verb_next):
            return "auxiliary and verb"
        if after in ("pas", "jamais", "rien") and is_verb_form(here, tags[at]):
            return "negation and verb"
        if here in BEFORE_NOUNS and after not in PREPOSITIONS | CONJUNCTIONS | AUXILIARIES | SUBJECTS:
            return "adjective and noun"
        if tags[at] in ("NN", "NNS") and tags[at + 1] == "JJ":
            return "noun and adjective"
        if words[at][:1].isupper() and words[at + 1][:1].isupper() and at and not re.search(r"[.!?]", words[at - 1]):
            return "first and last name"
        if here in CONJUNCTIONS:
            return "conjunction"
        return ""
    return rule

"""How far the times of words are off, on speech whose synthesiser tells when each word begins."""

import ctypes
import ctypes.util
import functools
import pathlib
import statistics
import wave

import aligned
import corpus

VOICES = {"en": "en-us"}
WORDS_A_MINUTE = 150
# Of espeak-ng's interface, in speak_lib.h.
RETRIEVAL, RATE, BY_CHARACTER, UTF8, WORD = 1, 1, 1, 1, 1


class Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
                ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
                ("user_data", ctypes.c_void_p), ("string", ctypes.c_char * 8)]


@functools.cache
def synthesiser():
    """It can be set up once only."""
    library = ctypes.CDLL(ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1")
    return library, library.espeak_Initialize(RETRIEVAL, 0, None, 0)


def spoken(text, language, into):
    """Writes `text` as speech; its plain words, and when each begins, in milliseconds."""
    library, rate = synthesiser()
    samples, begun = bytearray(), []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))
    def heard(sound, count, events):
        if sound:
            samples.extend(ctypes.string_at(sound, count * 2))
        index = 0
        while events[index].type:
            event = events[index]
            if event.type == WORD:
                said = text[event.text_position - 1:event.text_position - 1 + event.length]
                begun.extend((part, event.audio_position) for part in aligned.plain_words(said))
            index += 1
        return 0

    library.espeak_SetSynthCallback(heard)
    if library.espeak_SetVoiceByName(VOICES[language].encode()) != 0:
        raise RuntimeError(f"espeak-ng has no voice {VOICES[language]}")
    library.espeak_SetParameter(RATE, WORDS_A_MINUTE, 0)
    encoded = text.encode()
    library.espeak_Synth(encoded, len(encoded) + 1, 0, BY_CHARACTER, 0, UTF8, None, None)
    library.espeak_Synchronize()
    library.espeak_SetSynthCallback(None)
    with wave.open(str(into), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(samples))
    return [word for word, _ in begun], [at for _, at in begun]


def sample(language):
    """About two minutes of speech: the wav, its words, and their onsets."""
    _, text = corpus.speech(language)
    sentences = " ".join(pathlib.Path(text).read_text().split()[:300])
    wav = corpus.FOLDER / f"synthesised-{language}.wav"
    raw = corpus.FOLDER / f"synthesised-{language}.raw.wav"
    words, onsets = spoken(sentences, language, raw)
    corpus.to_wav(raw, wav)
    return wav, words, onsets


def off(words, onsets, heard):
    """Milliseconds between when each word that was heard right began and when it is said to: the median, the 95th
    percentile, and the share of the words that were heard right."""
    parts, starts = aligned.timed(heard)
    partner, _ = aligned.pairs(words, parts)
    errors = sorted(abs(starts[place] - onset) for word, onset, place in zip(words, onsets, partner)
                    if place is not None and parts[place] == word)
    return statistics.median(errors), errors[int(len(errors) * 0.95)], len(errors) / len(words)

"""Reads subtitle files with the parsers that other programs use; prints their cues as JSON."""

import html
import json
import pathlib
import re
import sys

import pysubs2
import webvtt
from ttconv.imsc import reader
from ttconv.isd import ISD
from ttconv.model import Br, Text
import xml.etree.ElementTree as ElementTree


def of_pysubs2(path, format):
    events = pysubs2.load(path, encoding="utf-8", format_=format).events
    return [[event.start, event.end, event.plaintext] for event in events]


def of_webvtt(path):
    def millis(clock):
        hours, minutes, seconds = clock.split(":")
        return round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000)

    tag = re.compile(r"<[^>]*>")
    return [[millis(cue.start), millis(cue.end), html.unescape(tag.sub("", cue.text))] for cue in webvtt.read(path).captions]


def text_of(element):
    if isinstance(element, Text):
        return element.get_text()
    if isinstance(element, Br):
        return "\n"
    return "".join(text_of(child) for child in element)


def of_ttconv(path):
    document = reader.to_model(ElementTree.parse(path))
    times = ISD.significant_times(document)
    cues = []
    for index, time in enumerate(times):
        scene = ISD.from_model(document, time)
        text = "".join(text_of(body) for region in scene.iter_regions() for body in region)
        if text:
            cues.append([round(time * 1000), round(times[index + 1] * 1000), text])
    return cues


folder = pathlib.Path(sys.argv[1])
print(json.dumps({
    "vtt": of_webvtt(folder / "track.vtt"),
    "srt": of_pysubs2(folder / "track.srt", "srt"),
    "ttml": of_ttconv(folder / "track.ttml"),
    "ass": of_pysubs2(folder / "track.ass", "ass"),
    "words": of_webvtt(folder / "words.vtt"),
}))

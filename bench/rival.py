"""One run of faster-whisper. Prints JSON: the text, and CPU and wall seconds.

They begin before the model is loaded, as ours do. Only starting Python and importing the library is left out: that is
not the engine's work.
"""

import json
import resource
import sys
import time

from faster_whisper import BatchedInferencePipeline, WhisperModel


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


settings = json.loads(sys.argv[1])
begun, begun_cpu = time.monotonic(), cpu()
model = WhisperModel(
    settings["weights"], device="cpu", compute_type="int8", cpu_threads=settings["threads"], num_workers=1
)
options = dict(language=settings["language"], beam_size=settings["beam"], vad_filter=settings["vad"],
               word_timestamps=settings.get("words", False))
if settings.get("batched"):
    segments, _ = BatchedInferencePipeline(model).transcribe(settings["audio"], batch_size=8, **options)
else:
    segments, _ = model.transcribe(settings["audio"], **options)
# The segments are made while they are read.
segments = list(segments)
text = " ".join(segment.text.strip() for segment in segments)
words = [{"text": word.word, "start": round(word.start * 1000)} for segment in segments for word in segment.words or ()]
print(json.dumps({"text": text, "words": words, "cpu_s": cpu() - begun_cpu, "wall_s": time.monotonic() - begun}))

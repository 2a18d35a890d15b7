"""The default engine through the running server, as programs and people use it: `make bench-studio`.

    python benchmarks/studio.py --json benchmarks/studio.json
    python benchmarks/studio.py --home KEPT --only formats redo

Starts `voicewright serve` with a fresh home, makes voices of recordings, and asks it one thing after the other, over
HTTP and WebSockets only. SPEAKERS is a folder with one folder of recordings for each speaker, three or more in each;
without it, four are made up of the sample recordings, played slower and faster, which is harder than real ones. The
last recording of each is held back. Every time stands beside the load average, in which the server itself counts. See
PARTS for what is asked.
"""

import argparse
import json
import os
import platform
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from websockets.sync.client import connect

import served
from served import Arrivals, Facts, Trial, load_average
from voicewright.audio.clip import Clip
from voicewright.audio.edit import join, resample
from voicewright.measure.intelligibility import word_errors

PARAGRAPH = (
    "The kettle had just begun to sing when somebody knocked at the door. Nobody had come up that road since the snow "
    "fell, and the lamp was still turned low. She put down her book, and listened. There it was again, three times and "
    "rather softly, as if the visitor did not want to wake the house. In the end she opened, and found a boy with a "
    "letter in his hand."
)
SHORT = "Then the door opened slowly, and nobody came in."
TEXTS = (
    "The harbour is closed today, and every ship has to wait outside.",
    "My brother painted the kitchen yellow without asking anybody.",
    "Seven horses were standing under the old tree near the river.",
    "Please bring two pounds of flour and a bottle of milk.",
)
LONG = " ".join(f"{text} {SHORT}" for text in TEXTS)
FORMATS = ("wav", "pcm", "flac", "mp3", "opus", "aac")
LIVE_S, MESSAGE_S, LIVE_RATE = 60.0, 0.02, 48_000
GENERATIONS, WORDS_A_SECOND = 60, 15.0


def make_a_voice(trial: Trial) -> Facts:
    """How long a voice takes, with the quick preset; the engine is loaded meanwhile."""
    before, began_s = trial.server.memory_mb, time.perf_counter()
    result = trial.made(trial.speakers[0])
    return {
        "recordings_s": round(sum(clip.seconds for clip in trial.speakers[0].used), 1),
        "whole_s": round(time.perf_counter() - began_s, 1),
        "taken_s": {name: round(took_s, 1) for name, took_s in result["taken_s"].items()},
        "load_average": load_average(),
        "memory_mb": {"start": before, "after": trial.server.memory_mb},
    }


def speak_at_once(trial: Trial) -> Facts:
    """OpenAI's route: the first request of a new server, the next ones, and what was heard."""
    first = trial.speakers[0]
    voice, like = trial.voice(first), trial.sent(first)
    trial.again()
    start_s, before = trial.server.start_s, trial.server.memory_mb
    cold = trial.server.stream(PARAGRAPH, voice)
    after = trial.server.memory_mb
    warm = trial.server.stream(PARAGRAPH, voice)
    unchecked = trial.server.stream(PARAGRAPH, voice, **served.OFF)
    return {
        "server_start_s": round(start_s, 2),
        "cold": cold.facts(),
        "warm": warm.facts(),
        "warm_unchecked": unchecked.facts(),
        "same_sound": bool(np.array_equal(cold.sound.samples, warm.sound.samples)),
        "memory_mb": {"start": before, "after_first": after, "after": trial.server.memory_mb},
        "heard": trial.server.measured(warm.sound, PARAGRAPH, like),
    }


def speak_as_a_job(trial: Trial) -> Facts:
    """The job of the page, its stream, and how long others wait for an answer meanwhile."""
    voice, began_s = trial.voice(trial.speakers[0]), time.perf_counter()
    job = trial.server.begin("speech", {"text": PARAGRAPH, "voice": voice, "subtitles": "srt"})
    arrivals, waits = Arrivals(), list[float]()
    going = threading.Event()

    def visit() -> None:
        while not going.wait(0.25):
            asked_s = time.perf_counter()
            trial.server.http.get("/api/v1/voices").raise_for_status()
            waits.append(time.perf_counter() - asked_s)

    visitor = threading.Thread(target=visit)
    visitor.start()
    with trial.server.http.stream("GET", f"/api/v1/speech/{job}/stream?format=pcm") as answer:
        for data in answer.raise_for_status().iter_raw():
            arrivals.take(data)
    streamed = arrivals.over(int(answer.headers["x-sample-rate"]), job)
    done = trial.server.done(job)
    whole_s = time.perf_counter() - began_s
    going.set()
    visitor.join()
    return streamed.facts() | {
        "whole_s": round(whole_s, 2),
        "files": [file["name"] for file in done["files"]],
        "others_wait_ms": {"median": round(1000 * median(waits)), "worst": round(1000 * max(waits))},
        "heard": trial.server.measured(trial.server.sound(done), PARAGRAPH, trial.sent(trial.speakers[0])),
    }


def every_format(trial: Trial) -> Facts:
    """Each format, with the openai client: as long as the others, with the same words?"""
    voice, found = trial.voice(trial.speakers[0]), {}
    for kind in FORMATS:
        answer = trial.client.audio.speech.with_raw_response.create(
            model="tts-1", voice=voice, input=SHORT, response_format=kind, extra_body={"settings": served.OFF}
        )
        rate = int(answer.headers["x-sample-rate"])
        sound = served.clip_of(answer.content, rate) if kind == "pcm" else served.decoded(answer.content, kind)
        marks = trial.server.measured(sound, SHORT)
        found[kind] = {"type": answer.headers["content-type"], "kilobytes": round(len(answer.content) / 1000, 1)}
        found[kind] |= {"rate": sound.rate, "seconds": round(sound.seconds, 3), "words_wrong": marks["words_wrong"]}
    lengths = [row["seconds"] for row in found.values()]
    return {**found, "lengths_differ_by_ms": round(1000 * (max(lengths) - min(lengths)))}


def text_bit_by_bit(trial: Trial) -> Facts:
    """/api/v1/speak-stream, written to as a language model writes; times from the end of the first sentence."""
    voice, at_s = trial.voice(trial.speakers[0]), time.perf_counter()
    with connect(f"{trial.server.sockets}/api/v1/speak-stream") as socket:
        socket.send(json.dumps({"voice": voice}))
        assert json.loads(socket.recv())["type"] == "ready"
        ready_s, sent_s = time.perf_counter() - at_s, list[float]()

        def write() -> None:
            for word in PARAGRAPH.split(" "):
                socket.send(json.dumps({"text": f"{word} "}))
                if word.endswith(".") and not sent_s:
                    sent_s.append(time.perf_counter())
                time.sleep(1 / WORDS_A_SECOND)
            socket.send(json.dumps({"end": True}))

        writer = threading.Thread(target=write)
        writer.start()
        while not sent_s:
            time.sleep(0.001)
        arrivals, pieces, rate = Arrivals(), 0, 0
        for message in socket:
            if isinstance(message, bytes):
                arrivals.take(message)
            else:
                told = json.loads(message)
                assert told["type"] in ("piece", "done"), told
                rate, pieces = told.get("rate", rate), pieces + (told["type"] == "piece")
        writer.join()
    streamed = arrivals.over(rate)
    heard = trial.server.measured(streamed.sound, PARAGRAPH)
    return {"ready_s": round(ready_s, 2), "pieces": pieces, **streamed.facts(), "heard": heard}


def written_down(trial: Trial) -> Facts:
    """/v1/audio/transcriptions of what was spoken."""
    sound = trial.server.stream(PARAGRAPH, trial.voice(trial.speakers[0]), **served.OFF).sound
    took_s, errors = [], []
    for _ in range(2):
        began_s = time.perf_counter()
        with served.opened(served.wav_of(sound)) as file:
            text = trial.client.audio.transcriptions.create(model="whisper-1", file=file).text
        took_s.append(round(time.perf_counter() - began_s, 2))
        errors.append(word_errors(PARAGRAPH, text))
    facts = {"seconds": round(sound.seconds, 2), "first_s": took_s[0], "next_s": took_s[1]}
    return facts | {"load_average": load_average(), "words_wrong": errors[1].wrong, "words": errors[1].words}


def converted(trial: Trial) -> Facts:
    """A recording that no voice has heard, in another speaker's voice: twice, the first loads what listens."""
    source, target = trial.speakers[:2]
    voice, took_s = trial.voice(target), []
    words = source.words or trial.heard(source.held)
    for _ in range(2):
        began_s = time.perf_counter()
        upload = trial.server.upload("recording.wav", served.wav_of(source.held))
        job = trial.server.done(trial.server.begin("conversions", {"uploads": [upload], "voice": voice}))
        took_s.append(round(time.perf_counter() - began_s, 2))
    sound = trial.server.sound(job)
    heard = trial.server.measured(sound, words, trial.sent(target))
    to_source = trial.server.measured(sound, "", trial.sent(source))["likeness"]
    before = trial.server.measured(source.held)["naturalness"]
    facts = {"seconds": round(source.held.seconds, 2), "first_s": took_s[0], "next_s": took_s[1]}
    facts |= {"load_average": load_average(), "heard": heard}
    return facts | {"likeness_to_source": to_source, "naturalness_of_source": before}


def one_piece_anew(trial: Trial) -> Facts:
    """A sentence spoken once more: the others must stay as they are, byte for byte."""
    wish = {"text": PARAGRAPH, "voice": trial.voice(trial.speakers[0])}
    first = trial.server.done(trial.server.begin("speech", wish))
    began_s = time.perf_counter()
    redone = {"pieces": [{"index": 1, "text": f"{TEXTS[0]} "}]}
    second = trial.server.done(trial.server.begin(f"speech/{first['id']}/redo", redone))
    took_s = time.perf_counter() - began_s
    pairs = [
        (trial.server.piece(first["id"], n), trial.server.piece(second["id"], n))
        for n in range(len(first["result"]["pieces"]))
    ]
    sentences = [piece["text"].strip() for piece in second["result"]["pieces"]]
    return {
        "took_s": round(took_s, 2),
        "load_average": load_average(),
        "others_unchanged": all(old == new for n, (old, new) in enumerate(pairs) if n != 1),
        "it_changed": pairs[1][0] != pairs[1][1],
        "heard": trial.server.measured(trial.server.sound(second), " ".join(sentences)),
    }


def live(trial: Trial) -> Facts:
    """A minute over /api/v1/live in messages of 20 ms, in time: the delay that is told, and the one that is there."""
    source, target = trial.speakers[:2]
    spoken = resample(join([*source.used, source.held]), LIVE_RATE)
    sound = Clip(np.resize(spoken.samples, round(LIVE_S * LIVE_RATE)), LIVE_RATE)
    step, answers, told = round(MESSAGE_S * LIVE_RATE), list[tuple[float, bytes]](), list[Facts]()
    opening_s = time.perf_counter()
    with connect(f"{trial.server.sockets}/api/v1/live", max_size=None) as socket:
        socket.send(json.dumps({"voice": trial.voice(target), "rate": LIVE_RATE, "format": "i16", "realtime": True}))
        ready = json.loads(socket.recv(300))
        assert ready["type"] == "ready", ready
        ready_s = time.perf_counter() - opening_s

        def hear() -> None:
            for message in socket:
                if isinstance(message, bytes):
                    answers.append((time.perf_counter(), message))
                else:
                    told.append(json.loads(message))

        listener = threading.Thread(target=hear)
        listener.start()
        began_s, sent = time.perf_counter(), []
        for number in range(len(sound) // step):
            time.sleep(max(0.0, began_s + number * MESSAGE_S - time.perf_counter()))
            part = sound.samples[number * step : (number + 1) * step]
            sent.append(time.perf_counter())
            socket.send(np.rint(part * 32767).astype("<i2").tobytes())
        socket.send('{"type": "end"}')
        listener.join()
    heard = served.clip_of(b"".join(data for _, data in answers), LIVE_RATE)
    waits = [came_s - sent_s for (came_s, _), sent_s in zip(answers, sent, strict=False)]
    last = told[-1]
    return {
        "ready_s": round(ready_s, 1),
        "block_ms": last["block_ms"],
        "delay_told_ms": round(last["delay_ms"]),
        "delay_measured_ms": round(1000 * served.later_s(heard, sound)),
        "late_blocks": last["late_blocks"],
        "load": round(last["load"], 2),
        **{name: last[name] for name in ("dropouts", "silent_s", "overruns", "skipped_s")},
        "answer_ms": {"median": round(1000 * median(waits), 1), "worst": round(1000 * max(waits), 1)},
        "load_average": load_average(),
        "likeness": trial.server.measured(heard, "", trial.sent(target))["likeness"],
    }


def killed(trial: Trial) -> Facts:
    """kill -9 in the middle of a long text, and a new start: finished, and nothing spoken twice?"""
    wish = {"text": LONG, "voice": trial.voice(trial.speakers[0]), "settings": served.OFF}
    job = trial.server.begin("speech", wish)
    while trial.server.piece(job, 2) is None:
        time.sleep(0.05)
    folder = trial.home / "jobs" / job / "pieces"
    trial.again(at_once=True)
    began_s = time.perf_counter()
    pieces = {path: path.stat().st_mtime_ns for path in folder.rglob("*.npy")}
    done = trial.server.done(job)
    took_s = time.perf_counter() - began_s
    anew = sum(path.stat().st_mtime_ns != written for path, written in pieces.items())
    whole = trial.server.done(trial.server.begin("speech", wish))
    sound, same = trial.server.sound(done), trial.server.sound(whole)
    return {
        "pieces": len(done["result"]["pieces"]),
        "before_it_was_killed": len(pieces),
        "spoken_twice": anew,
        "finished_after_s": round(took_s, 1),
        "load_average": load_average(),
        "as_never_killed": bool(
            np.array_equal(served.decoded(sound, "wav").samples, served.decoded(same, "wav").samples)
        ),
        "heard": trial.server.measured(sound, LONG),
    }


def four_at_once(trial: Trial) -> Facts:
    """Four clients, each with a text and a voice: does each get its own?"""
    voices = [trial.voice(speaker) for speaker in trial.speakers]
    with ThreadPoolExecutor(len(voices)) as clients:
        heard = list(clients.map(trial.server.stream, TEXTS, voices))
    load, found = load_average(), dict[str, Facts]()
    for text, speaker, streamed in zip(TEXTS, trial.speakers, heard, strict=False):
        told = trial.heard(streamed.sound)
        likeness = {s.name: trial.server.measured(streamed.sound, "", trial.sent(s)) for s in trial.speakers}
        found[speaker.name] = {
            **streamed.facts(),
            "load_average": load,
            "words_wrong": word_errors(text, told).wrong,
            "its_text": min(TEXTS, key=lambda each: word_errors(each, told).rate) == text,
            "its_voice": max(likeness, key=lambda name: likeness[name]["likeness"]) == speaker.name,
            "likeness": likeness[speaker.name]["likeness"],
            "likeness_to_next": max(row["likeness"] for name, row in likeness.items() if name != speaker.name),
        }
    return found


def full(trial: Trial) -> Facts:
    """More than a short queue holds: who is refused, told to wait for how long, and is that enough?"""
    voice = trial.voice(trial.speakers[0])
    trial.again("--queue", "2")
    wish, waits, jobs = {"text": SHORT, "voice": voice, "settings": served.OFF}, list[int](), list[str]()
    for _ in range(6):
        while (answer := trial.server.http.post("/api/v1/speech", json=wish)).status_code == 429:
            waits.append(int(answer.headers["retry-after"]))
            time.sleep(waits[-1])
        jobs.append(answer.raise_for_status().json()["id"])
    for job in jobs:
        trial.server.done(job)
    trial.again()
    return {"jobs": len(jobs), "refused": len(waits), "retry_after_s": waits, "load_average": load_average()}


def soak(trial: Trial) -> Facts:
    """One speech after the other, and what the server holds in memory."""
    voice = trial.voice(trial.speakers[0])
    trial.server.stream(SHORT, voice)
    held, rtf = [trial.server.memory_mb], []
    for number in range(GENERATIONS):
        facts = trial.server.stream(f"{TEXTS[number % len(TEXTS)]} This was number {number}.", voice).facts()
        rtf.append(facts["rtf"])
        if number % 10 == 9:
            held.append(trial.server.memory_mb)
    facts = {"generations": GENERATIONS, "memory_mb": held, "grown_since_ten_mb": round(held[-1] - held[1], 1)}
    return facts | {"rtf": round(median(rtf), 3), "load_average": load_average(), "rested_mb": trial.server.rested_mb()}


PARTS: dict[str, Callable[[Trial], Facts]] = {
    "clone": make_a_voice,
    "openai": speak_at_once,
    "job": speak_as_a_job,
    "formats": every_format,
    "speak-stream": text_bit_by_bit,
    "transcriptions": written_down,
    "conversion": converted,
    "redo": one_piece_anew,
    "live": live,
    "killed": killed,
    "four": four_at_once,
    "full": full,
    "soak": soak,
}


def main() -> int:
    """Ask; write what was found after every part, a table at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speakers", type=Path, nargs="?", help="a folder with a folder of recordings for each")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--home", type=Path, help="a home that is kept, with the voices that were made in it")
    parser.add_argument("--json", type=Path, help="also write what was measured to this file")
    given = parser.parse_args()
    about: Facts = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "command": "python " + " ".join(sys.argv),
    }
    with ExitStack() as stack:
        home = given.home or Path(stack.enter_context(TemporaryDirectory()))
        trial = Trial(
            home=home, speakers=list(served.speakers_in(given.speakers))[:4] if given.speakers else served.made_up()
        )
        stack.callback(lambda: trial.server.end())
        for part in given.only:
            about[part] = PARTS[part](trial)
            about[part]["server_memory_mb"] = trial.server.memory_mb
            print(f"{part}: {json.dumps(about[part])}", file=sys.stderr, flush=True)
            if given.json:
                given.json.write_text(json.dumps(about, indent=2) + "\n", "utf-8")
    for name, value in served.rows(about):
        print(f"{name:48}{value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

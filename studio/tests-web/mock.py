"""A stand-in for `kinescore studio`, for states that are hard to reach with the real program: errors,
a slow analysis, a connection that is lost. It follows what the page and the program agree on; its
music is made up. `python3 mock.py` serves it for work on the page."""

import array
import io
import json
import math
import secrets
import sys
import threading
import time
import wave
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "studio" / "page"
CLIP = ROOT / "tests" / "fixtures" / "walking-two-people.mp4"
DURATION = 7.6667
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript"}
RATE = 44100
STAGES = ["pose", "rhythm", "drums", "music", "score", "audio"]


def setting(key, kind, default, words=None, least=None, most=None, help="What this setting does."):
    return {"key": key, "kind": kind, "words": words, "least": least, "most": most, "auto": default == "auto",
            "default": default, "value": default, "help": help}


GROUPS = [
    {"name": "general", "settings": [setting("seed", "integer", "auto", ["auto"], 0, None, "Seed of every random choice: the same seed gives the same notes")]},
    {"name": "pose", "settings": [setting("pose.quality", "choice", "normal", ["normal", "high"]), setting("pose.person", "integer", "auto", ["auto", "all"], 1, 16, "Which person to follow")]},
    {"name": "beats", "settings": [setting("tempo", "number", "auto", ["auto"], 40, 240, "Fixed tempo, in beats per minute"), setting("beats.per_bar", "choice", "auto", ["auto", "3", "4"])]},
    {"name": "drums", "settings": [setting("drums.style", "choice", "auto", ["auto", "rock", "funk", "jazz", "hiphop"], help="Playing style of the drums"), setting("drums.follow", "number", "2", None, 0, 4, "How closely the music follows the movement")]},
    {"name": "music", "settings": [
        setting("music.mood", "choice", "auto", ["auto", "bright", "dark"]), setting("music.key", "text", "auto"), setting("music.chords", "text", "auto"),
        setting("music.instruments", "list", "auto", ["auto", "drums", "piano", "guitar", "bass"], help="Which instruments are heard"), setting("music.energy", "number", "auto", ["auto"], 0, 1)]},
    {"name": "sound", "settings": [setting("provenance", "switch", "on", ["on", "off"]), setting("sound.loudness", "number", "-14", None, -40, -8)]},
]
TABLE = {row["key"]: row for group in GROUPS for row in group["settings"]}


def beats_of(marks):
    """Beats at 100 a minute; fixed ones replace those near them."""
    times = [0.217 + 0.6 * i for i in range(13)]
    for mark in marks.get("beats", []):
        times = [t for t in times if abs(t - mark["time"]) > 0.2] + [mark["time"]]
    times.sort()
    first = next((i for i, t in enumerate(times) if any(m.get("number") in (1, "downbeat") and abs(m["time"] - t) < 1e-6 for m in marks.get("beats", []))), 3)
    return [{"time": t, "number": (i - first) % 4 + 1} for i, t in enumerate(times)]


def analysis_of(take):
    beats = beats_of(take["marks"])
    seed = int(take["seed"])
    ends = [b["time"] for b in beats[1:]] + [DURATION]
    drums, notes, chords = [], [], []
    for beat, end in zip(beats, ends):
        half = (beat["time"] + end) / 2
        drums += [{"class": "kick" if beat["number"] in (1, 3) else "snare", "time": beat["time"], "velocity": 0.9},
                  {"class": "closed_hat", "time": beat["time"], "velocity": 0.5}, {"class": "closed_hat", "time": half, "velocity": 0.35}]
        if beat["number"] == 1:
            chords.append({"time": beat["time"], "chord": ["Am", "F", "C", "G"][(len(chords) + seed) % 4]})
        pitch = [45, 48, 52, 50][(beat["number"] + seed) % 4]
        notes.append({"part": "Bass", "instrument": "bass", "time": beat["time"], "end": end - 0.05, "pitch": pitch, "velocity": 0.8})
        for up in (12, 15, 19):
            notes.append({"part": "Piano", "instrument": "piano", "time": half, "end": end, "pitch": pitch + up, "velocity": 0.5})
    for hit in take["marks"].get("hits", []):
        drums.append({"class": "crash", "time": hit["time"], "velocity": 1.0})
    accents = [{"time": 0.9 + 0.61 * i, "strength": 0.3 + 0.1 * (i % 7), "kind": ["style", "impact"][i % 2], "part": ["feet", "hands", "trunk", "head", "whole"][i % 5], "impact": "landing"} for i in range(10)]
    edits = take["marks"].get("accents", {})
    accents = [a for a in accents if not any(abs(a["time"] - t) < 0.05 for t in edits.get("removed", []))]
    for moved in edits.get("moved", []):
        for accent in accents:
            if abs(accent["time"] - moved["from"]) < 0.05:
                accent["time"] = moved["to"]
    movement = [abs(math.sin(i / 30 * math.pi / 0.6)) * (0.4 + 0.6 * math.sin(i / 90) ** 2) for i in range(230)]
    samples = sound_of(take, "mix")
    peaks = [max((abs(s) for s in samples[i:i + 441]), default=0) / 32768 for i in range(0, len(samples), 441)]
    return {
        "version": take["version"], "start": 0.0, "duration": DURATION,
        "analysis": {"tempo_bpm": 100.0, "confidence": 0.83, "beats": beats, "beats_per_bar": 4, "accents": accents, "holds": [{"from": 5.2, "to": 6.1}],
                     "drums": {"style": take["settings"].get("drums.style", "rock")}, "music": {"key": "A minor", "palette": "pop", "chords": chords}},
        "movement": {"rate": 30, "start": 0.0, "values": movement}, "activation": {"rate": 30, "start": 0.0, "values": [v ** 4 for v in movement]},
        "notes": notes, "drums": sorted(drums, key=lambda d: d["time"]), "parts": ["drums", "bass", "piano"],
        "peaks": {"rate": 100, "start": 0.0, "values": peaks}, "loudness": {"integrated": -14.0 - seed % 3, "peak": -1.0},
    }


SOUNDS = {}


def sound_of(take, part):
    """16-bit samples of a click for each beat, higher for each part."""
    key = (take["id"], take["version"], part)
    if key not in SOUNDS:
        samples = array.array("h", bytes(2 * int(DURATION * RATE)))
        pitch = {"drums": 110, "bass": 220, "piano": 440}.get(part, 330) * (1 + 0.1 * (int(take["seed"]) % 3))
        for beat in beats_of(take["marks"]):
            at = int(beat["time"] * RATE)
            for i in range(min(6000, len(samples) - at)):
                samples[at + i] = int(16000 * math.exp(-i / 1200) * math.sin(2 * math.pi * pitch * i / RATE))
        SOUNDS[key] = samples
    return SOUNDS[key]


def wav_of(take, part):
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound_of(take, part).tobytes())
    return out.getvalue()


class Studio:
    """The program's state. Tests set `pace` (seconds a stage takes) and `failure` before they ask for
    something, and read `requests`, the bodies that were sent to render."""

    def __init__(self, pace=0.05, failure=None):
        self.pace, self.failure = pace, failure
        self.lock = threading.Condition()
        self.takes, self.requests = [], []
        self.revision, self.beat, self.poses = 0, 0, 0
        self.state = {"state": "ready", "stage": None, "done": None, "whole": None, "error": None}
        self.closed = False
        self.video = CLIP.read_bytes()
        self.people = [{"person": n, "times": [i / 10 for i in range(77)], "boxes": [[left, 200, left + 250, 900]] * 77} for n, left in ((1, 700), (2, 1250))]
        self.render({"settings": {}, "marks": {}}, first=True)

    def tell(self, **changes):
        with self.lock:
            self.state.update(changes)
            self.beat += 1
            self.lock.notify_all()

    def event(self):
        return {**self.state, "take": self.takes[-1]["id"] if self.takes else None, "takes": self.takes, "revision": self.revision, "poses": self.poses}

    def render(self, body, first=False):
        for key in body.get("settings", {}):
            row = TABLE.get(key)
            if row is None or (row["kind"] == "choice" and body["settings"][key] not in row["words"]):
                return 400, {"error": f"{key} is '{body['settings'][key]}'; expected one of {', '.join(row['words']) if row else 'the settings'}", "field": key}
        if not first:
            self.requests.append(body)
        self.revision += 1
        revision = self.revision
        threading.Thread(target=self.work, args=(body, revision), daemon=True).start()
        return 202, {"revision": revision}

    def work(self, body, revision):
        kind = "analysing" if not self.takes else "rendering"
        for i, stage in enumerate(STAGES if kind == "analysing" else STAGES[2:]):
            for done in (0.0, 0.5):
                if self.revision != revision or self.state.get("stop") == revision:
                    return
                self.tell(state=kind, stage=stage, done=done, whole=(i + done) / 6, error=None)
                time.sleep(self.pace / 2)
            if stage == "pose" and not self.failure:
                self.poses = max(1, self.poses)
        with self.lock:
            if self.revision != revision or self.state.get("stop") == revision:
                return
            if self.failure:
                return self.tell(state="failed", stage=None, done=None, whole=None, error=self.failure)
            settings = body.get("settings", {})
            marks = {"format": "kinescore-marks", "version": 1, **body.get("marks", {})}
            seed = int(settings.get("seed", 17))
            if self.takes and not body.get("new_take"):
                old = self.takes[-1]
                self.takes[-1] = {**old, "version": old["version"] + 1, "settings": settings, "marks": marks, "seed": seed}
            else:
                number = self.takes[-1]["id"] + 1 if self.takes else 1
                self.takes = [*self.takes, {"id": number, "version": 1, "seed": seed, "label": f"Take {number}", "settings": settings, "marks": marks}]
            self.tell(state="ready", stage=None, done=None, whole=None, error=None)

    def cancel(self):
        self.tell(state="cancelled", stage=None, done=None, whole=None, stop=self.revision)
        return 202, {}


def poses():
    rows = json.loads((ROOT / "tests/fixtures/rhythm_walking.json").read_text())["poses"]
    points = [[v for joint in (row[1:] if len(row) > 2 else row[1]) for v in (joint or [0, 0, 0])] if len(row) > 1 else None for row in rows]
    return {"times": [row[0] for row in rows], "points": points, "others": [], "cuts": [], "people": 2}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    studio: Studio
    token: str

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", kind="application/json", **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store",
                            "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
                            **{k.replace("_", "-"): v for k, v in headers.items()}}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def ranged(self, data, kind, **headers):
        wanted = self.headers.get("Range")
        if not wanted:
            return self.answer(200, data, kind, Accept_Ranges="bytes", **headers)
        first, last = wanted.removeprefix("bytes=").split("-")
        first, last = int(first), int(last) if last else len(data) - 1
        return self.answer(206, data[first:last + 1], kind, Accept_Ranges="bytes", Content_Range=f"bytes {first}-{last}/{len(data)}", **headers)

    def own(self):
        """The path within the token's folder; None after a 403."""
        path = self.path.split("?")[0]
        if path.startswith(f"/{self.token}/"):
            return path.removeprefix(f"/{self.token}/")
        self.answer(403, {"error": "this address is not the program's"})
        return None

    def do_GET(self):
        path = self.own()
        if path is None:
            return None
        studio = self.studio
        if path == "api/clip":
            return self.answer(200, {"name": CLIP.name, "version": "0", "start": 0.0, "duration": DURATION, "width": 1768, "height": 994, "frame_rate": 30.0, "has_audio": True})
        if path == "api/settings":
            return self.answer(200, {"groups": GROUPS})
        if path == "api/video":
            return self.ranged(studio.video, "video/mp4")
        if path == "api/poses":
            return self.answer(200, poses()) if studio.poses else self.answer(404, {"error": "not yet"})
        if path == "api/people":
            return self.answer(200, studio.people)
        if path == "api/events":
            return self.events()
        if path.startswith("api/takes/"):
            number, name = path.removeprefix("api/takes/").split("/", 1)
            take = next((t for t in studio.takes if str(t["id"]) == number), None)
            if take is None:
                return self.answer(404, {"error": f"there is no take {number}"})
            return self.take(take, name)
        file = PAGE / (path or "index.html")
        if file.parent == PAGE and file.is_file():
            return self.answer(200, file.read_bytes(), TYPES.get(file.suffix, "application/octet-stream"))
        return self.answer(404, {"error": "not found"})

    def take(self, take, name):
        if name == "analysis":
            return self.answer(200, analysis_of(take))
        if name == "wav":
            return self.ranged(wav_of(take, "mix"), "audio/wav", Content_Disposition='attachment; filename="clip.wav"')
        if name.startswith("stems/"):
            return self.ranged(wav_of(take, name[6:].removesuffix(".wav")), "audio/wav")
        if name == "marks":
            return self.answer(200, take["marks"], Content_Disposition='attachment; filename="clip.marks.json"')
        if name == "command":
            return self.answer(200, {"command": f"kinescore render {CLIP.name} --seed {take['seed']}"})
        return self.answer(404, {"error": "not in the stand-in"})

    def events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        studio, seen = self.studio, -1
        try:
            while not studio.closed:
                with studio.lock:
                    studio.lock.wait_for(lambda: studio.beat != seen or studio.closed, timeout=1)
                    seen, state = studio.beat, studio.event()
                self.wfile.write(f"event: state\ndata: {json.dumps(state)}\n\n".encode())
                self.wfile.flush()
        except OSError:
            pass
        self.close_connection = True

    def do_POST(self):
        path = self.own()
        if path is None:
            return None
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if path == "api/render":
            return self.answer(*self.studio.render(body))
        if path == "api/cancel":
            return self.answer(*self.studio.cancel())
        if path == "api/person":
            for person in self.studio.people:
                x0, y0, x1, y1 = person["boxes"][0]
                if x0 <= body["x"] <= x1 and y0 <= body["y"] <= y1:
                    return self.answer(200, {"person": person["person"]})
            return self.answer(404, {"error": "nobody was found there"})
        return self.answer(404, {"error": "not found"})


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True


class Mock:
    """The stand-in, served on a free port, or on the one that it had before."""

    def __init__(self, studio=None, port=0, token=None):
        self.studio = studio or Studio()
        self.studio.closed = False
        self.token = token or secrets.token_hex(16)
        handler = type("Bound", (Handler,), {"studio": self.studio, "token": self.token})
        self.server = Server(("127.0.0.1", port), handler)
        self.port = self.server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}/{self.token}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        with self.studio.lock:
            self.studio.closed = True
            self.studio.lock.notify_all()
        self.server.shutdown()
        self.server.server_close()


if __name__ == "__main__":
    mock = Mock(port=int(sys.argv[1]) if len(sys.argv) > 1 else 0, token="0" * 32 if len(sys.argv) > 1 else None)
    print(mock.address, flush=True)
    threading.Event().wait()

"""The real program for the tests: `kinescore studio` on the bundled clip. KINESCORE names the program,
KINESCORE_MODELS and KINESCORE_ONNXRUNTIME what it needs."""

import array
import json
import os
import select
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

CLIP = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "walking-two-people.mp4"
KINESCORE = os.environ.get("KINESCORE")


class Place:
    """Folders in which the program runs, which are removed at the end."""

    def __init__(self):
        self.home = tempfile.TemporaryDirectory(prefix="studio-test-")
        folder = Path(self.home.name)
        for name in ("home", "tmp", "work"):
            (folder / name).mkdir()
        self.work, self.temporary = folder / "work", folder / "tmp"
        self.environment = {
            "HOME": str(folder / "home"), "PATH": "/usr/bin:/bin", "TMPDIR": str(self.temporary), "XDG_CACHE_HOME": str(folder / "cache"),
            **{name: os.environ[name] for name in ("KINESCORE_MODELS", "KINESCORE_ONNXRUNTIME") if name in os.environ},
        }

    def run(self, *arguments):
        """Runs the program to its end."""
        return subprocess.run([KINESCORE, *arguments], cwd=self.work, env=self.environment, capture_output=True, text=True, timeout=300, check=True)

    def end(self):
        self.home.cleanup()


class Program(Place):
    """A running `kinescore studio`."""

    def __init__(self, *arguments):
        super().__init__()
        self.process = subprocess.Popen([KINESCORE, "studio", str(CLIP), "--no-open", *arguments], cwd=self.work, env=self.environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        ready, _, _ = select.select([self.process.stdout], [], [], 30)
        self.address = self.process.stdout.readline().strip() if ready else ""
        if not self.address.startswith("http://127.0.0.1:"):
            self.end()
            raise AssertionError(f"the program printed '{self.address}' instead of its address")

    def get(self, path):
        with urllib.request.urlopen(self.address + path, timeout=60) as answer:
            return answer.read()

    def json(self, path):
        return json.loads(self.get(path))

    def post(self, path, body):
        request = urllib.request.Request(self.address + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"{}")

    def state(self):
        """The first event: what the program is doing."""
        with urllib.request.urlopen(self.address + "api/events", timeout=30) as events:
            for line in events:
                if line.startswith(b"data:"):
                    return json.loads(line[5:])
        raise AssertionError("the program sent no state")

    def settled(self, revision=0, seconds=180):
        """Waits until a request is done."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            state = self.state()
            if state["revision"] >= revision and state["state"] in ("ready", "failed", "cancelled"):
                return state
            time.sleep(0.2)
        raise AssertionError(f"not done within {seconds} s: {self.state()}")

    def render(self, settings=None, marks=None, new_take=False):
        revision = self.post("api/render", {"settings": settings or {}, "marks": marks or {}, "new_take": new_take})["revision"]
        return self.settled(revision)

    def interrupt(self):
        """Ends it as Ctrl-C does; the seconds that this took."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=20)
        return time.monotonic() - begin

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=20)
        self.process.stdout.close()
        super().end()


def samples(data):
    """Rate, and the greatest magnitude of the channels for each frame, of a WAV file of 24 bits."""
    assert data[:4] == b"RIFF" and data[8:12] == b"WAVE"
    at, rate, channels, body = 12, 0, 0, b""
    while at + 8 <= len(data):
        name, size = data[at:at + 4], int.from_bytes(data[at + 4:at + 8], "little")
        if name == b"fmt ":
            channels = int.from_bytes(data[at + 10:at + 12], "little")
            rate = int.from_bytes(data[at + 12:at + 16], "little")
            assert int.from_bytes(data[at + 22:at + 24], "little") == 24
        elif name == b"data":
            body = data[at + 8:at + 8 + size]
        at += 8 + size + size % 2
    # Each sample of three bytes is the upper part of one of four.
    wide = bytearray(len(body) // 3 * 4)
    wide[1::4], wide[2::4], wide[3::4] = body[0::3], body[1::3], body[2::3]
    values = array.array("i", bytes(wide))
    columns = [values[channel::channels] for channel in range(channels)]
    return rate, [max(map(abs, frame)) / 2 ** 31 for frame in zip(*columns)]

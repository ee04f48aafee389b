"""The joints that measure_noise.py compares: both models, run on clips as the program runs them."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np

from noise import JOINTS

MODELS = Path(__file__).resolve().parents[2]
SIDE = 256
LONG_SIDE = 960  # of the pictures, as the product
MARGIN = 1.25

# The points of BlazePose whose mean is each joint.
BETWEEN = np.array([[0, 0], [11, 12], [12, 12], [14, 14], [16, 16], [11, 11], [13, 13], [15, 15], [23, 24], [24, 24],
                    [26, 26], [28, 28], [23, 23], [25, 25], [27, 27], [31, 31], [32, 32]])
MIRRORED = [0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 18, 17, 20, 19, 22, 21, 24, 23, 26, 25, 28, 27, 30,
            29, 32, 31]  # of BlazePose's 33
COCO = [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]

# Degraded versions of a clip: a filter for ffmpeg on the picture of LONG_SIDE, and the encoder's
# quality (None: not encoded). A filter may make the picture smaller; joints are returned in pixels
# of the clip.
VERSIONS = {
    "as it came": ("null", None),
    "half size": ("scale=trunc(iw/4)*2:trunc(ih/4)*2:flags=area", 23),
    "quarter size": ("scale=trunc(iw/8)*2:trunc(ih/8)*2:flags=area", 23),
    "few bits": ("null", 40),
    "dark": ("eq=brightness=-0.12:gamma=0.45:contrast=0.8,noise=alls=18:allf=t", 28),
    "long shutter": ("tmix=frames=3:weights=1 1 1", 23),
    "legs outside": ("crop=iw:trunc(ih*LEGS/2)*2:0:0", 23),
}


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-np.clip(x, -80, 80)))


# ---------------------------------------------------------------------------------------------------------- pictures
def size_of(video: Path) -> tuple[int, int, float]:
    out = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-of", "json", "-show_entries",
                          "stream=width,height,avg_frame_rate", str(video)], check=True, capture_output=True).stdout
    stream = json.loads(out)["streams"][0]
    a, b = stream["avg_frame_rate"].split("/")
    return stream["width"], stream["height"], float(a) / float(b)


def frames(video: Path, version: str, legs: float, runs: Path):
    """Pictures [H, W, 3] of one version of a clip, and source pixels per picture pixel."""
    width, height, _ = size_of(video)
    scale = min(1.0, LONG_SIDE / max(width, height))
    w, h = round(width * scale / 2) * 2, round(height * scale / 2) * 2
    filters, quality = VERSIONS[version]
    filters = f"scale={w}:{h}:flags=area," + filters.replace("LEGS", f"{legs:.3f}")
    source = video
    if quality is not None:
        source = runs / f"{video.stem}.{version.replace(' ', '_')}.mkv"
        if not source.exists():
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(video), "-an", "-vf", filters, "-c:v", "libx264",
                            "-preset", "veryfast", "-crf", str(quality), "-threads", "1", str(source)], check=True)
        filters = "null"
    pw, ph, _ = size_of(source) if quality is not None else (w, h, 0)
    pipe = subprocess.Popen(["ffmpeg", "-v", "error", "-threads", "1", "-i", str(source), "-an", "-vf", filters, "-fps_mode", "passthrough",
                             "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], stdout=subprocess.PIPE)
    ratio = width / pw if version != "legs outside" else width / w
    while True:
        data = pipe.stdout.read(pw * ph * 3)
        if len(data) < pw * ph * 3:
            break
        yield np.frombuffer(data, np.uint8).reshape(ph, pw, 3), ratio
    pipe.wait()


def crop(picture, region, mirror=False):
    """The region (x, y, size, rotation) of a picture as SIDE × SIDE numbers 0..1, bilinear, the
    border repeated."""
    x, y, size, rotation = region
    step = size / SIDE
    shrink = max(1, int(step / 2))
    if shrink > 1:  # mean of blocks first, against aliasing
        h, w = picture.shape[0] // shrink * shrink, picture.shape[1] // shrink * shrink
        picture = picture[:h, :w].reshape(h // shrink, shrink, w // shrink, shrink, 3).mean((1, 3))
        x, y, step = (x + 0.5) / shrink - 0.5, (y + 0.5) / shrink - 0.5, step / shrink
    grid = (np.arange(SIDE) - SIDE / 2) * step
    c, s = math.cos(rotation), math.sin(rotation)
    px = x + c * grid[None, :] - s * grid[:, None]
    py = y + s * grid[None, :] + c * grid[:, None]
    height, width = picture.shape[:2]
    px, py = np.clip(px, 0, width - 1.001), np.clip(py, 0, height - 1.001)
    ix, iy = px.astype(np.int32), py.astype(np.int32)
    fx, fy = (px - ix).astype(np.float32)[..., None], (py - iy).astype(np.float32)[..., None]
    flat, at = picture.reshape(-1, 3), iy * width + ix
    below = np.minimum(iy + 1, height - 1) * width
    right = np.minimum(ix + 1, width - 1)
    top = flat[at] * (1 - fx) + flat[iy * width + right] * fx
    bottom = flat[below + ix] * (1 - fx) + flat[below + right] * fx
    out = ((top * (1 - fy) + bottom * fy) / 255.0).astype(np.float32)
    return out[:, ::-1] if mirror else out


# ---------------------------------------------------------------------------------------------------------- the model
class Look:
    """One landmark model."""

    def __init__(self, file: str):
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = ort.InferenceSession(str(MODELS / file), options, providers=["CPUExecutionProvider"])
        names = [o.name for o in self.session.get_outputs()]
        self.out = ["landmarks", "score", "heatmap"]
        if not set(self.out) <= set(names):
            sys.exit(f"{file}: outputs {names}; needed are {self.out}")

    def __call__(self, picture, region, mirror=False):
        """Points [33, 3] (x, y, visibility) in picture pixels, score, next region."""
        image = np.ascontiguousarray(crop(picture, region, mirror))[None]
        landmarks, score, heat = self.session.run(self.out, {"image": image})
        points = landmarks.reshape(39, 5).astype(np.float64)
        xy, heat = points[:, :2] / SIDE, heat[0]
        rows, columns = heat.shape[:2]
        for i in range(39):
            c, r = math.floor(xy[i, 0] * columns), math.floor(xy[i, 1] * rows)
            if not (0 <= c < columns and 0 <= r < rows):
                continue
            c0, c1, r0, r1 = max(0, c - 3), min(columns, c + 4), max(0, r - 3), min(rows, r + 4)
            p = sigmoid(heat[r0:r1, c0:c1, i].astype(np.float64))
            if p.max() >= 0.5:
                xy[i] = (p.sum(0) @ np.arange(c0, c1)) / p.sum() / columns, (p.sum(1) @ np.arange(r0, r1)) / p.sum() / rows
        q = xy - 0.5
        if mirror:
            q[:, 0] = -q[:, 0] - 1.0 / SIDE
        x, y, size, rotation = region
        c, s = math.cos(rotation), math.sin(rotation)
        q = np.stack([c * q[:, 0] - s * q[:, 1] + x / size, s * q[:, 0] + c * q[:, 1] + y / size], 1) * size
        body = np.concatenate([q[:33], sigmoid(points[:33, 3:4])], 1)
        return body[MIRRORED] if mirror else body, float(score.ravel()[0]), region_of(q[33], q[34])


def region_of(centre, reach):
    x, y = reach[0] - centre[0], reach[1] - centre[1]
    rotation = math.pi / 2 - math.atan2(-y, x)
    return np.array([centre[0], centre[1], 2 * math.hypot(x, y) * MARGIN, (rotation + math.pi) % (2 * math.pi) - math.pi])


def settle(look, picture, region):
    found = look(picture, region)
    new = found[2]
    moved = math.hypot(new[0] - region[0], new[1] - region[1]) / region[2]
    turned = abs((new[3] - region[3] + math.pi) % (2 * math.pi) - math.pi)
    if (moved > 0.08 or turned > 0.35 or not 0.8 < new[2] / region[2] < 1.25) and found[1] > 0.3:
        again = look(picture, new)
        if again[1] >= found[1] - 0.2:
            return again
    return found


def joints_of(body):
    joints = (body[BETWEEN[:, 0]] + body[BETWEEN[:, 1]]) / 2
    joints[:, 2] = np.minimum(body[BETWEEN[:, 0], 2], body[BETWEEN[:, 1], 2])
    return joints


def region_from_joints(joints):
    hip, neck = joints[8, :2], joints[1, :2]
    t = np.linalg.norm(neck - hip) + 1e-6
    rad = max(1.9 * t, np.linalg.norm(joints[joints[:, 2] > 0.2, :2] - hip, axis=1).max(initial=0))
    return region_of(hip, hip + (neck - hip) / t * rad)


def follow(look, video, version, start, legs, runs):
    """Raw joints [T, 17, 3] in pixels of the clip (NaN: lost), body heights [T], tracked like in
    the program's pose stage; `start` are the saved poses of the person."""
    out, heights, region = [], [], None
    for index, (picture, ratio) in enumerate(frames(video, version, legs, runs)):
        row, height = np.full((JOINTS, 3), np.nan), np.nan
        if index < len(start):
            if region is None and start[index, 1, 2] > 0.3 and start[index, 8, 2] > 0.1:
                region = region_from_joints(start[index] / [ratio, ratio, 1])
            if region is not None:
                body, score, new = settle(look, picture, region)
                outside = ((body[COCO, :2] < 0) | (body[COCO, :2] >= picture.shape[1::-1])).any(1).mean()
                if score >= 0.5 and outside <= 0.6:
                    row, height, region = joints_of(body) * [ratio, ratio, 1], new[2] / MARGIN * ratio, new
                else:
                    region = None
        out.append(row)
        heights.append(height)
    return np.array(out), np.array(heights)


def reference_of(look, video, raw, start, runs):
    """The median of three runs of the heavy model on each frame in which the person was followed:
    joints [T, 17, 3]."""
    out, region = [], None
    for index, (picture, ratio) in enumerate(frames(video, "as it came", 1.0, runs)):
        if index >= len(raw) or np.isnan(raw[index, 0, 0]):
            out.append(np.full((JOINTS, 3), np.nan))
            region = None
            continue
        if region is None:
            region = region_from_joints(raw[index] / [ratio, ratio, 1])
        first, _, region = settle(look, picture, region)
        x, y, size, rotation = region
        other = np.array([x + 0.03 * size, y - 0.02 * size, size * 1.1, rotation + 0.05])
        looks = [first, look(picture, other)[0], look(picture, region, True)[0]]
        out.append(np.median([joints_of(b) for b in looks], 0) * [ratio, ratio, 1])
    return np.array(out)


def load(path: Path):
    saved = json.loads(path.read_text())["poses"]
    times = np.array([p["time"] for p in saved["poses"]])
    joints = np.array([p["joints"] for p in saved["poses"]]).reshape(-1, JOINTS, 3)
    return times, joints


def gather(video_dir: Path, poses_dir: Path, runs: Path):
    """Runs both models on all clips and versions; keeps the results in `runs`."""
    full = heavy = None
    for poses in sorted(poses_dir.glob("*.json")):
        video = video_dir / f"{poses.stem.split('@')[0]}.mp4"
        if not video.exists():
            sys.exit(f"{poses}: no clip {video}")
        times, start = load(poses)
        seen = start[:, 8, 2] > 0
        bottom = np.nanmedian(start[seen][:, [10, 13], 1]) / size_of(video)[1]  # the knees
        for version in VERSIONS:
            kept = runs / f"{poses.stem}.{version.replace(' ', '_')}.npz"
            if not kept.exists():
                full = full or Look("blazepose_full.onnx")
                raw, heights = follow(full, video, version, start, float(np.clip(bottom, 0.3, 1.0)), runs)
                np.savez(kept, raw=raw, heights=heights, times=times, start=start, fps=size_of(video)[2])
                print(f"{kept.name}: {len(raw)} frames, {np.isnan(raw[:, 0, 0]).sum()} without the person", flush=True)
        kept = runs / f"{poses.stem}.reference.npz"
        if not kept.exists():
            heavy = heavy or Look("blazepose_heavy_w8.onnx")
            raw = np.load(runs / f"{poses.stem}.as_it_came.npz")["raw"]
            np.savez(kept, joints=reference_of(heavy, video, raw, start, runs))
            print(f"{kept.name}", flush=True)

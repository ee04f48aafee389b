"""Real movement: takes of the CMU motion capture database as 17 joints in 3D.

BVH is parsed by the library `bvh`; ASF/AMC, for which no maintained library exists, by the few
lines below, from the format's description (Acclaim skeleton and motion files: bones with a
direction, a length, an axis and degrees of freedom).

A take is an array [T, 17, 3] at 60 frames a second: metres, x to the side, y up, z forward, the
lowest foot near y = 0.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RATE = 60.0

# The order of the 17 joints, as in the program's `Joint`.
JOINTS = ["nose", "neck", "r_shoulder", "r_elbow", "r_wrist", "l_shoulder", "l_elbow", "l_wrist", "mid_hip", "r_hip", "r_knee",
          "r_ankle", "l_hip", "l_knee", "l_ankle", "l_toe", "r_toe"]
(NOSE, NECK, R_SHOULDER, R_ELBOW, R_WRIST, L_SHOULDER, L_ELBOW, L_WRIST, MID_HIP, R_HIP, R_KNEE, R_ANKLE, L_HIP, L_KNEE,
 L_ANKLE, L_TOE, R_TOE) = range(17)
MIRROR = np.array([NOSE, NECK, L_SHOULDER, L_ELBOW, L_WRIST, R_SHOULDER, R_ELBOW, R_WRIST, MID_HIP, L_HIP, L_KNEE, L_ANKLE,
                   R_HIP, R_KNEE, R_ANKLE, R_TOE, L_TOE])
# Bones from the mid-hip outwards: (parent, child).
BONES = [(MID_HIP, NECK), (NECK, NOSE), (NECK, R_SHOULDER), (R_SHOULDER, R_ELBOW), (R_ELBOW, R_WRIST), (NECK, L_SHOULDER),
         (L_SHOULDER, L_ELBOW), (L_ELBOW, L_WRIST), (MID_HIP, R_HIP), (R_HIP, R_KNEE), (R_KNEE, R_ANKLE), (R_ANKLE, R_TOE),
         (MID_HIP, L_HIP), (L_HIP, L_KNEE), (L_KNEE, L_ANKLE), (L_ANKLE, L_TOE)]


@dataclass
class Take:
    """One take: the name of its file, the kind of movement, and the joints [T, 17, 3] at
    [`RATE`]."""

    name: str
    kind: str
    joints: np.ndarray


# Kinds of movement by the files' subjects, as the database describes them.
KINDS = {"001": "jump", "002": "sport", "003": "walk", "005": "dance", "006": "sport", "007": "walk", "131": "dance",
         "135": "martial", "md": "dance", "walk": "walk"}
SKELETONS = {"131": "mjackson", "135": "martialwalk", "md": "moderndance", "walk": "walk"}

# Whole takes that are excluded from training, for the generated validation and test clips. (md_NN
# and 005_NN are the same take in two formats.)
VALIDATION = {"005_04", "005_11", "005_17", "006_05", "002_02", "131_03", "131_10", "135_07", "md_04", "007_05"}
TEST = {"005_02", "005_08", "005_14", "005_20", "006_02", "006_11", "002_05", "002_08", "131_06", "131_09", "131_13", "135_05",
        "md_02", "007_01", "007_10", "001_08"}


def _rotation(axis: int, degrees: np.ndarray) -> np.ndarray:
    """Rotation matrices [..., 3, 3] about x, y or z (0, 1, 2)."""
    angle = np.radians(np.asarray(degrees, dtype=np.float64))
    c, s = np.cos(angle), np.sin(angle)
    result = np.zeros(angle.shape + (3, 3))
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    result[..., axis, axis] = 1
    result[..., i, i], result[..., j, j] = c, c
    result[..., i, j], result[..., j, i] = -s, s
    return result


def _read_bvh(text: str) -> tuple[dict[str, np.ndarray], float]:
    """Positions of every joint over time in the file's unit, and the frame rate."""
    from bvh import Bvh

    header, motion = text.split("MOTION", 1)
    # The library reads frames slowly; it gets only one line of them, and the rest is parsed with
    # NumPy.
    lines = motion.strip().splitlines()
    tree = Bvh(header + "MOTION\n" + "\n".join(["Frames: 1", *lines[1:3]]))
    frames = np.array([line.split() for line in lines[2:] if line.strip()], dtype=np.float64)
    period = float(lines[1].split(":")[1])
    names = tree.get_joints_names()
    column, place = 0, {}
    orient: dict[str, np.ndarray] = {}
    for index, name in enumerate(names):
        parent = tree.joint_parent_index(name)
        offset = np.array(tree.joint_offset(name))
        at = np.broadcast_to(offset, (len(frames), 3)).copy()
        rotation = np.broadcast_to(np.eye(3), (len(frames), 3, 3))
        for channel in tree.joint_channels(name):
            axis, values = "XYZ".index(channel[0]), frames[:, column]
            if channel.endswith("position"):
                # The channel replaces the offset if both are given.
                at[:, axis] = values + (offset[axis] if parent >= 0 else 0.0)
            else:
                rotation = rotation @ _rotation(axis, values)
            column += 1
        if parent >= 0:
            above = names[parent]
            place[name] = place[above] + np.einsum("tij,tj->ti", orient[above], at)
            orient[name] = orient[above] @ rotation
        else:
            place[name], orient[name] = at, rotation
    return place, 1.0 / period


def _from_bvh(text: str) -> np.ndarray:
    place, rate = _read_bvh(text)
    p = lambda name: place[f"CC_Base_{name}"]  # noqa: E731
    eyes = (p("L_Eye") + p("R_Eye")) / 2
    joints = {
        # The nose is in front of and below the eyes.
        "nose": eyes + 0.35 * (eyes - p("Head")) * np.array([1.0, 0.0, 1.0]) - 0.2 * (eyes - p("Head")) * np.array([0.0, 1.0, 0.0]),
        "neck": (p("L_Upperarm") + p("R_Upperarm")) / 2, "mid_hip": (p("L_Thigh") + p("R_Thigh")) / 2,
    }
    for side in "RL":
        for ours, theirs in [("shoulder", "Upperarm"), ("elbow", "Forearm"), ("wrist", "Hand"), ("hip", "Thigh"), ("knee", "Calf"),
                             ("ankle", "Foot"), ("toe", "BigToe1")]:
            joints[f"{side.lower()}_{ours}"] = p(f"{side}_{theirs}")
    return _at_rate(np.stack([joints[name] for name in JOINTS], axis=1) / 100.0, rate)


def _read_asf(text: str) -> tuple[dict, list[tuple[str, str]]]:
    bones: dict[str, dict] = {}
    body = text.split(":bonedata", 1)[1].split(":hierarchy", 1)
    for block in body[0].split("begin")[1:]:
        bone: dict = {"dof": [], "axis": np.zeros(3)}
        for line in block.split("end")[0].splitlines():
            words = line.split()
            if not words:
                continue
            if words[0] == "name":
                bones[words[1]] = bone
            elif words[0] == "direction":
                bone["direction"] = np.array(words[1:4], dtype=np.float64)
            elif words[0] == "length":
                bone["length"] = float(words[1])
            elif words[0] == "axis":
                bone["axis"] = np.array(words[1:4], dtype=np.float64)
            elif words[0] == "dof":
                bone["dof"] = words[1:]
    pairs = []
    for line in body[1].splitlines():
        words = line.split()
        if words and words[0] not in ("begin", "end"):
            pairs += [(words[0], child) for child in words[1:]]
    return bones, pairs


def _read_amc(text: str) -> dict[str, np.ndarray]:
    frames: dict[str, list] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and not words[0].startswith(("#", ":")):
            frames.setdefault(words[0], []).append(words[1:])
    return {name: np.array(rows, dtype=np.float64) for name, rows in frames.items()}


def _euler(degrees: np.ndarray) -> np.ndarray:
    """Rotation about x, then y, then z (fixed axes)."""
    return _rotation(2, degrees[..., 2]) @ _rotation(1, degrees[..., 1]) @ _rotation(0, degrees[..., 0])


def _from_amc(skeleton: str, motion: str) -> np.ndarray:
    bones, pairs = _read_asf(skeleton)
    frames = _read_amc(motion)
    root = frames["root"]
    # End of each bone, and its orientation.
    end, orient = {"root": root[:, :3]}, {"root": _euler(root[:, 3:6])}
    for parent, name in pairs:
        bone = bones[name]
        angles = np.zeros((len(root), 3))
        for column, dof in enumerate(bone["dof"]):
            angles[:, "xyz".index(dof[1])] = frames[name][:, column]
        frame = _euler(bone["axis"])
        orient[name] = orient[parent] @ frame @ _euler(angles) @ frame.T
        end[name] = end[parent] + np.einsum("tij,j->ti", orient[name], bone["direction"] * bone["length"])
    # A length of 0.45 of an inch: the unit of these files.
    metre = 0.0254 / 0.45
    forward = np.einsum("tij,j->ti", orient["head"], np.array([0.0, 0.0, 1.0]))
    joints = {"nose": (end["upperneck"] + end["head"]) / 2 + 0.09 / metre * forward,
              "neck": (end["lclavicle"] + end["rclavicle"]) / 2, "mid_hip": (end["lhipjoint"] + end["rhipjoint"]) / 2}
    for side in "rl":
        for ours, theirs in [("shoulder", "clavicle"), ("elbow", "humerus"), ("wrist", "radius"), ("hip", "hipjoint"),
                             ("knee", "femur"), ("ankle", "tibia"), ("toe", "foot")]:
            joints[f"{side}_{ours}"] = end[f"{side}{theirs}"]
    return _at_rate(np.stack([joints[name] for name in JOINTS], axis=1) * metre, 120.0)


def _at_rate(joints: np.ndarray, rate: float) -> np.ndarray:
    """Cleaned, resampled to [`RATE`], the feet on the ground. Some files begin with one misplaced
    frame; single frames in which a marker leaps are removed by a running median of five frames."""
    first = np.linalg.norm(joints[1] - joints[0], axis=-1).max() * rate
    joints = joints[1:] if first > 40.0 else joints
    joints = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(joints, ((2, 2), (0, 0), (0, 0)), mode="edge"), 5, axis=0), axis=-1)
    seconds = (len(joints) - 1) / rate
    at = np.arange(int(seconds * RATE) + 1) / RATE * rate
    low = np.minimum(at.astype(int), len(joints) - 2)
    joints = joints[low] + (at - low)[:, None, None] * (joints[low + 1] - joints[low])
    feet = joints[:, [R_TOE, L_TOE, R_ANKLE, L_ANKLE], 1].min(axis=1)
    joints[..., 1] -= np.quantile(feet, 0.05)
    return joints.astype(np.float32)


def load(data: Path) -> list[Take]:
    """All takes of `data`/cmu-mocap.tar.xz, sorted by name."""
    source = data / "cmu-mocap.tar.xz"
    if not source.exists():
        raise SystemExit(f"{source}: not found; --data must name its folder")
    texts: dict[str, str] = {}
    with tarfile.open(source) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith((".bvh", ".amc", ".asf")):
                texts[Path(member.name).name] = archive.extractfile(member).read().decode("latin-1")
    result = []
    for name in sorted(texts):
        stem, ending = name.rsplit(".", 1)
        group = stem.split("_")[0]
        if ending == "bvh":
            joints = _from_bvh(texts[name])
        elif ending == "amc":
            joints = _from_amc(texts[SKELETONS[group] + ".asf"], texts[name])
        else:
            continue
        result.append(Take(stem, KINDS[group], joints))
    return result


def split_of(name: str) -> str:
    return "validation" if name in VALIDATION else "test" if name in TEST else "training"

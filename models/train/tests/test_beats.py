"""Tests of the evaluation of beats, with hand-made numbers. `make test` runs them, and sets
KINESCORE to the program."""

import contextlib
import io
import itertools
import json
import os
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import beat_baselines
import beat_clips
import beat_metrics
import beat_movement
import dance
import evaluate_beats

EVEN = np.arange(0.25, 12, 0.5)  # 24 beats at 120 a minute


class Folder(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def run_program(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = evaluate_beats.main([str(a) for a in arguments])
        return code, out.getvalue(), err.getvalue()


class Measures(unittest.TestCase):
    def test_the_annotation_itself_is_right_in_all_measures(self):
        got = beat_metrics.measures(EVEN, EVEN)
        self.assertEqual({k: round(v, 9) for k, v in got.items()}, dict(f=1, cemgil=1, cmlc=1, cmlt=1, amlc=1, amlt=1, tempo_1=1, tempo_2=1, drift_ms=0))

    def test_by_hand(self):
        # Four beats; three found: 50 ms late (within 70), exact, 100 ms late (outside), and none
        # for the last.
        annotated, found = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.05, 2.0, 3.1])
        got = beat_metrics.measures(annotated, found)
        self.assertAlmostEqual(got["f"], 2 * 2 / 7)
        gauss = lambda s: np.exp(-(s**2) / (2 * 0.04**2))  # noqa: E731
        self.assertAlmostEqual(got["cemgil"], (gauss(0.05) + gauss(0) + gauss(0.1) + gauss(0.9)) / 3.5)
        # All three lie within 17.5 % of a beat, with intervals of 0.95 and 1.1 s: 3 of 4.
        self.assertAlmostEqual(got["cmlc"], 0.75)
        self.assertAlmostEqual(got["cmlt"], 0.75)
        self.assertAlmostEqual(got["drift_ms"], 900)
        # 1.05, 2.0, 3.1: least squares 1.025 s a beat, 58.5 beats a minute, 2.4 % slow.
        self.assertAlmostEqual(beat_metrics.tempo_of(found), 60 / 1.025)
        self.assertEqual(got["tempo_1"], 1)

    def test_a_grid_half_a_beat_late_has_no_beat_right(self):
        got = beat_metrics.measures(EVEN, EVEN + 0.25)
        self.assertEqual((got["f"], got["cmlt"]), (0, 0))
        self.assertLess(got["cemgil"], 1e-6)
        self.assertGreater(got["amlt"], 0.9)  # the off-beat is an allowed level
        self.assertEqual(got["tempo_1"], 1)
        self.assertAlmostEqual(got["drift_ms"], 250)

    def test_the_first_five_seconds_count(self):
        # Wrong only in the first 5 s, which mir_eval ignores by default.
        found = np.where(EVEN < 5, EVEN + 0.2, EVEN)
        self.assertAlmostEqual(beat_metrics.measures(EVEN, found)["f"], (EVEN >= 5).mean())

    def test_nothing_found_measures_nothing(self):
        got = beat_metrics.measures(EVEN, np.array([]))
        self.assertEqual({got[k] for k in ("f", "cemgil", "cmlc", "cmlt", "amlc", "amlt", "tempo_1", "tempo_2")}, {0})
        self.assertAlmostEqual(got["drift_ms"], 250)

    def test_tempo_levels(self):
        right = lambda found: (beat_metrics.tempo_right(found, 120), beat_metrics.tempo_right(found, 120, beat_metrics.OTHER_LEVELS))  # noqa: E731
        for found, expected in ((120, (1, 1)), (124.7, (1, 1)), (125, (0, 0)), (115.3, (1, 1)), (60, (0, 1)), (240, (0, 1)), (40, (0, 1)), (360, (0, 1)), (90, (0, 0)), (None, (0, 0))):
            self.assertEqual(right(found), expected, found)

    def test_tempo_of_beats_with_a_gap(self):
        self.assertAlmostEqual(beat_metrics.tempo_of(np.delete(EVEN, [7, 8, 15])), 120)
        self.assertIsNone(beat_metrics.tempo_of(np.array([1.0])))

    def test_bootstrap(self):
        boot = beat_metrics.Bootstrap(1)
        values = np.random.default_rng(0).normal(0.5, 0.2, 100)
        low, high = boot.interval(values)
        # The normal interval of a mean: ±1.96 · s / √n.
        self.assertAlmostEqual(low, values.mean() - 1.96 * values.std() / 10, delta=0.006)
        self.assertAlmostEqual(high, values.mean() + 1.96 * values.std() / 10, delta=0.006)
        self.assertEqual(beat_metrics.Bootstrap(1).interval(values), (low, high))
        self.assertIsNone(boot.interval([0.3]))


class Baselines(unittest.TestCase):
    def test_random_metronomes_are_at_chance(self):
        f = [beat_metrics.f_measure(EVEN, beats) for _, beats in beat_baselines.random_metronomes([1, 2], 300, 12.0)]
        self.assertAlmostEqual(np.mean(f), 0.25, delta=0.03)
        again = beat_baselines.random_metronomes([1, 2], 300, 12.0)
        self.assertEqual(f, [beat_metrics.f_measure(EVEN, beats) for _, beats in again])

    def test_the_oracle_is_right_on_an_even_grid(self):
        for annotated in (EVEN, np.arange(0.013, 15, 60 / 97.3), np.arange(0.7, 9, 60 / 174)):
            tempo, beats = beat_baselines.best_metronome(annotated, annotated[-1] + 0.1)
            self.assertEqual(beat_metrics.f_measure(annotated, beats), 2 * len(annotated) / (len(annotated) + len(beats)))
            self.assertLess(np.abs(beats[:, None] - annotated).min(0).max(), 0.015)
            self.assertLessEqual(abs(tempo / beat_metrics.tempo_of(annotated) - 1), 0.005)

    def test_the_oracle_is_the_bound_of_steady_grids_where_the_tempo_drifts(self):
        annotated = np.cumsum(np.linspace(0.5, 0.6, 24))
        _, beats = beat_baselines.best_metronome(annotated, 14.0)
        oracle = beat_metrics.f_measure(annotated, beats)
        self.assertLess(oracle, 1)
        for period, phase in itertools.product(np.arange(0.5, 0.6, 0.01), np.arange(0, 0.5, 0.05)):
            self.assertLessEqual(beat_metrics.f_measure(annotated, np.arange(phase, 14.0, period)), oracle)

    def test_the_decoder_finds_the_best_path_of_the_full_state_space(self):
        draw = np.random.default_rng(3)
        activation = 0.3 * draw.uniform(size=140) + 0.3 * (np.arange(140) % 11 == 4)
        slowest, fastest = 60 * 100 / 14, 60 * 100 / 8  # intervals of 8 to 14 frames
        n = np.arange(8, 15)
        states = [(i, k) for i in n for k in range(i)]
        change = {i: np.exp(-100 * np.abs(n / i - 1)) / np.exp(-100 * np.abs(n / i - 1)).sum() for i in n}
        move = np.full((len(states), len(states)), -np.inf)
        for s, (i, k) in enumerate(states):
            if k + 1 < i:
                move[s, states.index((i, k + 1))] = 0
            else:
                with np.errstate(divide="ignore"):
                    for j, p in zip(n, change[i]):
                        move[s, states.index((j, 0))] = np.log(p)
        on_beat = np.array([k * 16 < i for i, k in states])
        observe = lambda a: np.where(on_beat, np.log(a), np.log((1 - a) / 15))  # noqa: E731
        score, back = -np.log(len(states)) + observe(max(activation[0], 1e-6)), []
        for a in activation[1:]:
            through = score[:, None] + move
            back.append(through.argmax(0))
            score = through.max(0) + observe(np.clip(a, 1e-6, 1))
        path = [score.argmax()]
        for step in reversed(back):
            path.append(step[path[-1]])
        entries = [t for t, s in enumerate(reversed(path)) if states[s][1] == 0]
        self.assertGreater(len(entries), 10)
        np.testing.assert_array_equal(beat_baselines.decode(activation, slowest, fastest), entries)

    def test_the_decoder_follows_a_clear_activation_through_a_gap(self):
        activation = np.where(np.arange(1200) % 50 == 20, 0.9, 0.01)
        activation[500:620] = 0.05
        beats = beat_baselines.decode(activation)
        self.assertEqual(len(beats), 24)
        outside = (beats < 500) | (beats > 620)
        np.testing.assert_array_equal(beats[outside] % 50, 20)

    def test_overlapping_windows_are_joined_without_a_seam(self):
        class Echo:  # a network whose activation is its input
            def run(self, _, inputs):
                self.calls.append(inputs["velocity"].shape)
                return [inputs["velocity"][:, :, 0, 0]]

            calls = []

        network = beat_baselines.AuthorsNetwork.__new__(beat_baselines.AuthorsNetwork)
        network.session = Echo()
        for frames in (120, 300, 301, 721):
            velocity = np.random.default_rng(frames).uniform(size=(frames, 17, 2)).astype(np.float32)
            np.testing.assert_allclose(network.activation(velocity), velocity[:, 0, 0], rtol=1e-6)
        self.assertEqual(set(network.session.calls), {(1, 300, 17, 2)})


class Movement(Folder):
    def test_network_input_is_in_the_units_of_the_authors(self):
        # One wrist moves by 2 pixels per frame at 30 frames per second, with a torso of 65 pixels:
        # 2 pixels per frame at 60 with one of 130.
        joints = np.zeros((30, 17, 3))
        joints[:, 1, 1], joints[:, 8, 1] = 35, 100
        joints[:, 4, 0] = 2 * np.arange(30)
        joints[..., 2] = 0.9
        joints[10:15, 4] = 0  # missing for a while: bridged, no leap
        joints[:, 7, 2] = 0.1  # never seen: stands still
        joints[:, 7, 0] = 9 * np.arange(30)
        velocity = beat_baselines.network_input(beat_movement.Poses(np.arange(30) / 30, joints, np.array([]), 29 / 30))
        np.testing.assert_allclose(velocity[1:, 4, 0], 0.02, rtol=1e-4)
        self.assertFalse(velocity[:, 7].any())

    def test_a_dance_locks_to_its_own_beats(self):
        beats = dance.poses(self.folder / "a.json", tempo=110)
        moved = beat_movement.movement(beat_movement.read(self.folder / "a.json"))
        self.assertGreaterEqual(beat_movement.lock(moved, beats), 99)
        self.assertLess(beat_movement.lock(moved, beats * 110 / 97), 90)
        on, *shifted = beat_movement.impact_phase(moved, beats)
        self.assertGreater(on, 2)
        self.assertGreater(on, 2 * max(shifted))
        self.assertGreater(beat_movement.impact_phase(moved, beats + 30 / 110)[2], 2)

    def test_the_lock_depends_on_the_tempo_and_not_on_the_phase(self):
        beats = dance.poses(self.folder / "a.json", tempo=100)
        moved = beat_movement.movement(beat_movement.read(self.folder / "a.json"))
        self.assertAlmostEqual(beat_movement.lock(moved, beats), beat_movement.lock(moved, beats + 0.17), delta=1.5)

    def test_the_frame_rate_and_the_size_of_the_body_do_not_matter(self):
        curves = []
        for fps, torso in ((30, 130), (60, 130), (30, 300)):
            dance.poses(self.folder / "a.json", fps=fps, torso=torso)
            curves.append(beat_movement.movement(beat_movement.read(self.folder / "a.json")).excitation[30:690])
        for other in curves[1:]:
            self.assertGreater(np.corrcoef(curves[0], other)[0, 1], 0.97)

    def test_files_that_are_not_poses_are_refused(self):
        for text, reported in (("{", "not JSON"), ("[]", "its format is None"), ('{"format": "kinescore-stage", "stage": "drums"}', "'drums'; expected 'pose'"),
                           ('{"format": "kinescore-stage", "stage": "pose"}', "KeyError: 'poses'"),
                           ('{"format": "kinescore-stage", "stage": "pose", "poses": {"cuts": [], "poses": [{"time": 0, "joints": [1]}]}}', "pose 0 has 1 numbers; expected 51")):  # fmt: skip
            with self.assertRaisesRegex(beat_movement.PoseFileError, reported):
                beat_movement.read(self.write("a.json", text))


class Annotations(Folder):
    def read(self, text, name="a.beats"):
        return beat_clips.read_annotation(self.write(name, text))

    def test_what_is_read(self):
        got = self.read("# a song\n0.5\n\n1.0  # late\n1.5\n")
        self.assertEqual((got.beats.tolist(), got.numbers), ([0.5, 1.0, 1.5], None))
        for separator in (",", "\t", " ", " ; "):
            got = self.read(f"0.5{separator}1\n1{separator}2\n", "a.csv")
            self.assertEqual((got.beats.tolist(), got.numbers.tolist()), ([0.5, 1.0], [1, 2]))

    def test_what_is_refused(self):
        for text, reported in (
            ("", "a.beats: no beats; expected at least two"),
            ("# nothing\n\n", "no beats"),
            ("1.0\n", "one beat"),
            ("time\n1\n2\n", "line 1: 'time' is not a number"),
            ("1\n2\n0,5\n", "line 3: time 0 is not after the previous beat, 2"),
            ("1\n1\n", "line 2: time 1 is not after"),
            ("-1\n2\n", "line 1: time -1; expected a finite number of seconds, at least 0"),
            ("nan\n2\n", "line 1: time nan"),
            ("1 1 1\n", "line 1: 3 columns"),
            ("1 0\n2 1\n", "line 1: '0' as the number of the beat in the bar; expected a whole number from 1 to 99"),
            ("1 a\n2 1\n", "'a' as the number"),
            ("1 1\n2\n", "line 2: 1 column, while the previous lines have 2"),
            ("# annotated from 3 to 2\n1\n2\n", "line 1: '# annotated from 3 to 2'; expected two times in seconds"),
            ("# annotated from a to 2\n1\n2\n", "line 1: '# annotated from a to 2'"),
            ("1\n2\n# annotated from 0 to 1.5\n", "beats from 1 to 2 s, but the heading says 'annotated from 0 to 1.5'"),
        ):
            with self.assertRaises(beat_clips.Failure, msg=text) as caught:
                self.read(text)
            self.assertIn(reported, caught.exception.message)
            self.assertEqual(caught.exception.code, 2)

    def test_beats_after_the_clip(self):
        sound_goes_on = self.read("".join(f"{t}\n" for t in (1, 2, 3, 4, 5, 6.1)))
        self.assertEqual(sound_goes_on.within(6.0).beats.tolist(), [1, 2, 3, 4, 5])
        with self.assertRaises(beat_clips.Failure) as caught:
            self.read("1\n2\n3\n").within(2.5)
        self.assertIn("1 of 3 beats lie after the clip's end, the last at 3 s; expected 0 to 2.500 s", caught.exception.message)


# A substitute for the program: its answers are in a file beside the clip's poses.
STAND_IN = """\
    #!{python}
    import json, pathlib, sys
    words = sys.argv[1:]
    if "--version" in words:
        print("kinescore 9.9")
    elif "settings" in words:
        print(json.dumps([dict(key="beats.source", words=["auto", "network", "motion"]), dict(key="tempo.min"), dict(key="pose.rate")]))
    elif "render" in words:
        clip = pathlib.Path(words[words.index("render") + 1])
        if clip.read_text() == "empty":
            sys.exit(4)
        if clip.read_text() == "broken":
            print("error: not a video", file=sys.stderr)
            sys.exit(3)
        with open(clip.with_suffix(".log"), "a") as log:
            log.write("rendered\\n")
        pathlib.Path(words[words.index("-o") + 1]).write_text(pathlib.Path(clip.read_text()).read_text())
    else:
        source = next(w for w in words if w.startswith("beats.source=")).split("=")[1]
        shift = dict(auto=0, network=0, motion=0.25)[source]
        if "tempo.min=99" in words:
            sys.exit(5)
        beats = [dict(time=0.25 + shift + 0.5 * i, number=i % 4 + 1) for i in range(23)]
        print(json.dumps(dict(beats=beats, tempo_bpm=120.0, confidence=0.9)))
"""


class WholeProgram(Folder):
    """The program with a substitute for `kinescore`, whose answers are known."""

    def setUp(self):
        super().setUp()
        self.program = self.write("bin/kinescore", textwrap.dedent(STAND_IN).format(python=sys.executable))
        self.program.chmod(0o755)
        self.clips = self.folder / "clips"
        self.clips.mkdir()
        self.common = [self.clips, "--kinescore", self.program, "--cache", self.folder / "cache", "--random", "20"]

    def three_clips(self):
        dance.poses(self.clips / "a.json", tempo=120, first=0.25)
        dance.poses(self.folder / "b.pose", tempo=120, first=0.25)
        (self.clips / "b.mp4").write_text(str(self.folder / "b.pose"))
        (self.clips / "c.mov").write_text("empty")
        beats = EVEN[EVEN < 11.5]
        self.write("clips/a.beats", "".join(f"{t}\n" for t in beats))
        self.write("clips/b.txt", "".join(f"{t} {i % 4 + 1}\n" for i, t in enumerate(beats)))
        self.write("clips/c.csv", "".join(f"{t},{i % 4 + 1}\n" for i, t in enumerate(beats)))

    def test_three_clips(self):
        self.three_clips()
        self.write("clips/README.md", "not a clip")
        code, out, err = self.run_program(*self.common, "--json", self.folder / "out.json")
        self.assertEqual(code, 0, err)
        got = json.loads((self.folder / "out.json").read_text())
        a, b, c = got["clips"]
        # Right in two clips; no person is seen in the third.
        for clip in (a, b):
            self.assertEqual((clip["methods"]["ours, auto"]["f"], clip["methods"]["ours, motion"]["f"]), (1, 0))
            self.assertGreaterEqual(clip["song_lock"], 95)
        self.assertEqual((c["methods"]["ours, auto"]["answer"], c["methods"]["ours, auto"]["f"], c["song_lock"]), ("no person", 0, None))
        row = got["all"]["ours, auto"]
        self.assertAlmostEqual(row["f"]["value"], 2 / 3)
        self.assertEqual((row["f"]["clips"], row["lock"]["clips"], row["downbeat_f"]["value"]), (3, 2, 0.5))
        self.assertEqual(row["f"]["interval_95"], [0, 1])
        self.assertAlmostEqual(got["all"]["best steady grid (oracle)"]["f"]["value"], 1, delta=0.02)
        self.assertAlmostEqual(got["all"]["random metronome"]["f"]["value"], 0.25, delta=0.06)
        # Paired: 1, 1 and 0 in the three clips.
        self.assertAlmostEqual(got["differences"]["ours, motion"]["f"]["value"], 2 / 3)
        self.assertEqual(got["locked"]["ours, auto"]["f"], {"value": 1, "interval_95": [1, 1], "clips": 2})
        self.assertEqual([(r["clips"], r.get("f_right", {}).get("value")) for r in got["calibration"]["ours, auto"]], [(0, None)] * 4 + [(2, 1)])
        self.assertEqual([(r["clips"], r.get("f_right", {}).get("value")) for r in got["calibration"]["ours, motion"]], [(0, None)] * 4 + [(2, 0)])
        for reported in ("c (no person)", "2 of 3", "authors' network", "not measured: specify the folder", "0.67 [0.00, 1.00]"):
            self.assertIn(reported, out)
        self.assertIn("ignored: README.md", err)

        # Poses come from the cache; the same seed gives the same report, whatever the number of
        # jobs.
        again = self.run_program(*self.common, "--jobs", "3")
        self.assertEqual(again[:2], (0, out))
        self.assertEqual((self.clips / "b.log").read_text(), "rendered\n")

    def test_no_beat_is_an_answer(self):
        self.three_clips()
        code, out, err = self.run_program(*self.common, "--set", "tempo.min=99")
        self.assertEqual(code, 0, err)
        self.assertIn("ours, auto, counted with F 0: a (no beat); b (no beat); c (no person)", out)

    def test_trim_leaves_out_the_beginning(self):
        self.three_clips()
        code, out, _ = self.run_program(*self.common, "--trim", "5", "--json", self.folder / "out.json")
        self.assertEqual(code, 0)
        self.assertIn("beats before 5 s left out", out)
        self.assertEqual(json.loads((self.folder / "out.json").read_text())["clips"][0]["methods"]["ours, auto"]["f"], 1)
        code, _, err = self.run_program(*self.common, "--trim", "11")
        self.assertEqual(code, 2)
        self.assertRegex(err, r"a\.beats: 1 beats after 11 s \(--trim\); expected at least two")

    def test_a_clip_that_is_annotated_in_part(self):
        self.three_clips()
        part = EVEN[(EVEN > 4) & (EVEN < 8)]
        text = "".join(f"{t} {i % 4 + 1}\n" for i, t in enumerate(part))
        for heading, expected in (("", 2 * 8 / (8 + 23)), ("# annotated from 4 to 8\n", 1)):
            self.write("clips/a.beats", heading + text)
            code, _, err = self.run_program(*self.common, "--json", self.folder / "out.json")
            self.assertEqual(code, 0, err)
            self.assertAlmostEqual(json.loads((self.folder / "out.json").read_text())["clips"][0]["methods"]["ours, auto"]["f"], expected)

    def refused(self, *arguments):
        code, out, err = self.run_program(*self.common, *arguments)
        self.assertEqual((code, out), (2, ""), err)
        return err

    def test_bad_folders_are_refused_and_every_fault_is_reported(self):
        self.assertIn("no clips; clips are videos", self.refused())
        self.write("clips/a.mp4", "x")
        self.assertRegex(self.refused(), r"a\.mp4: no annotation; expected a\.beats, a\.txt or a\.csv beside it")
        self.write("clips/a.beats", "1\nx\n")
        self.write("clips/b.gif", "x")
        self.write("clips/b.beats", "1\n2\n")
        self.write("clips/lonely.txt", "1\n2\n")
        self.write("clips/twice.mp4", "x")
        self.write("clips/twice.txt", "1\n2\n")
        self.write("clips/twice.csv", "1\n2\n")
        reported = self.refused()
        for line in (r"a\.beats, line 2: 'x' is not a number", r"b\.gif: '\.gif' is not a known format; clips are videos", r"lonely\.txt: an annotation without a clip",
                     r"twice\.\w+: twice\.\w+ exists as well"):  # fmt: skip
            self.assertRegex(reported, line)

    def test_a_clip_that_cannot_be_used_is_named(self):
        self.write("clips/a.mp4", "broken")
        self.write("clips/a.beats", "1\n2\n")
        self.assertRegex(self.refused(), r"a\.mp4 .*exit code 3: error: not a video")
        (self.clips / "a.mp4").unlink()
        self.write("clips/a.json", "{}")
        self.assertRegex(self.refused(), r"a\.json: its format is None; expected 'kinescore-stage'")

    def test_wrong_arguments_are_refused(self):
        self.three_clips()
        self.assertIn("expected KEY=VALUE with one of the keys tempo.min, pose.rate", self.refused("--set", "beats.source=motion"))
        self.assertRegex(self.refused("--data", self.folder), r"rhythmicnet-beats\.onnx: not found")
        code, _, err = self.run_program(self.clips, "--kinescore", self.folder / "none")
        self.assertEqual(code, 2)
        self.assertRegex(err, "kinescore was not found; tried: .*none")
        for wrong in (("--jobs", "0"), ("--scales", "1,-2"), ("--trim", "x")):
            with self.assertRaises(SystemExit) as ended:
                self.run_program(*self.common, *wrong)
            self.assertEqual(ended.exception.code, 2)


@unittest.skipUnless(os.environ.get("KINESCORE"), "SKIPPED: KINESCORE does not name a program; `make test` sets it to the one it has built")
class RealProgram(Folder):
    def test_dances_with_known_beats(self):
        clips = self.folder / "clips"
        clips.mkdir()
        beats = dance.poses(clips / "right.pose.json", tempo=110)
        self.write("clips/right.beats", "".join(f"{t:.4f}\n" for t in beats))
        beats = dance.poses(clips / "shifted.json", tempo=96, first=0.4)
        self.write("clips/shifted.beats", "".join(f"{t + 30 / 96:.4f}\n" for t in beats[:-1]))
        dance.poses(clips / "still.json", size=0)
        self.write("clips/still.beats", "".join(f"{t}\n" for t in EVEN))
        code, out, err = self.run_program(clips, "--random", "20", "--json", self.folder / "out.json")
        self.assertEqual(code, 0, err)
        got = json.loads((self.folder / "out.json").read_text())
        right, shifted, still = (clip["methods"]["ours, motion"] for clip in got["clips"])
        self.assertGreater(right["f"], 0.9)
        self.assertEqual((right["tempo_1"], shifted["tempo_1"], shifted["f"]), (1, 1, 0))
        self.assertGreater(right["lock"], 95)
        self.assertEqual((still["answer"], still["f"]), ("no beat", 0))
        self.assertIn("still (no beat)", out)

    def test_the_movement_is_that_of_the_program(self):
        # Two implementations of the same formula, on which the lock percentile is based.
        dance.poses(self.folder / "a.json")
        program = evaluate_beats.find_program(None, [])
        program.call("render", "--from", self.folder / "a.json", "--until", "rhythm", "-o", self.folder / "rhythm.json")
        theirs = json.loads((self.folder / "rhythm.json").read_text())["rhythm"]["movement"]
        ours = beat_movement.movement(beat_movement.read(self.folder / "a.json")).speed
        self.assertEqual(theirs["rate"], beat_movement.RATE)
        np.testing.assert_allclose(ours, theirs["values"], atol=0.01 * ours.max())


if __name__ == "__main__":
    unittest.main()

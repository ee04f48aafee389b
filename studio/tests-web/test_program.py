"""The page with the real program, on the bundled clip: what is seen, heard and taken away."""

import re
import shlex
import sys
import unittest
import urllib.error
import urllib.request

from browser import BrowserTest
from program import CLIP, KINESCORE, Program, samples

FRAME = 1 / 30

if not KINESCORE:
    print("\n*** SKIPPED: the studio's page is not tested with the real program; KINESCORE must name it ***\n", file=sys.stderr, flush=True)


@unittest.skipUnless(KINESCORE, "KINESCORE does not name the program")
class ProgramTest(BrowserTest):
    """One program for a class of tests; each begins with a take without corrections."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program = Program()
        cls.addClassCleanup(cls.program.end)
        cls.program.settled()

    def studio(self, settings=None, marks=None):
        state = self.program.state()
        newest = state["takes"][-1]
        corrected = newest["marks"].get("tempo_factor", 1) != 1 or any(newest["marks"].get(list) for list in ("beats", "hits", "silences", "accents"))
        if state["state"] != "ready" or newest["settings"] != (settings or {}) or corrected or marks:
            self.program.render(settings, marks)
        return self.open(self.program.address).ready()

    def music(self, studio):
        """Everything that sounds: instrument or drum, time, and the rest."""
        analysis = studio.state("s.analysis")
        notes = [(note["instrument"], note["time"], note["pitch"], note["end"]) for note in analysis["notes"]]
        return notes + [(hit["class"], hit["time"], hit["velocity"], 0) for hit in analysis["drums"]]


class SeesAndHears(ProgramTest):
    def test_the_page_shows_what_was_found(self):
        studio = self.studio()
        self.assertAlmostEqual(studio.state("s.analysis.analysis.tempo_bpm"), 99.7, delta=4)
        self.assertGreater(len(studio.beats), 10)
        studio.until("s.poses")
        studio.seek(4.0)
        # The skeleton is drawn: there are opaque pixels on the canvas over the video, away from the corner with the beat.
        drawn = studio.page.evaluate("""() => { const c = document.querySelector('#overlay'); const d = c.getContext('2d').getImageData(0, c.height / 4, c.width, c.height * 0.7).data;
          let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 200; return n; }""")
        self.assertGreater(drawn, 200)
        facts = studio.page.locator("#facts").inner_text()
        self.assertRegex(facts, r"\d+\.\d BPM")

    def test_the_playhead_is_with_the_picture_within_a_frame(self):
        studio = self.studio()
        studio.key("Space")
        pairs = studio.playhead()
        self.assertGreater(pairs[-1][0] - pairs[0][0], 0.5, "the video did not play")
        for media, drawn in pairs:
            self.assertLessEqual(abs(media - drawn), FRAME, (media, drawn))

    def test_the_sound_is_with_the_picture_and_goes_on_over_a_change(self):
        studio = self.studio()
        studio.key("Space")
        studio.wait(lambda: studio.module("mixer", "m.mixer.drift") is not None)
        self.assertLess(abs(studio.module("mixer", "m.mixer.drift")), FRAME)
        version = studio.module("mixer", "m.status().decks[0].version")
        studio.module("transport", "m.setLoop({from: 1, to: 5})")
        studio.page.click("#double")
        studio.until_decks(f"d[0].version !== '{version}'")
        self.assertTrue(studio.module("transport", "m.playing()"))
        studio.wait(lambda: (studio.module("mixer", "m.mixer.drift") or 1) < FRAME)

    def test_an_address_without_its_token_is_refused(self):
        root = re.match(r"http://[^/]+/", self.program.address).group()
        for address in (root, f"{root}{'0' * 32}/", f"{root}{'0' * 32}/api/clip"):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(address, timeout=10)
            self.assertEqual(refused.exception.code, 403)
            refused.exception.close()
        page = self.window().new_page()
        self.assertEqual(page.goto(root).status, 403)


class Corrects(ProgramTest):
    def drag_a_beat(self):
        """Drags the seventh beat 0.1 s to the right: beats and music before and after, and where it was dropped."""
        studio = self.studio()
        beats, music, revision = studio.beats, self.music(studio), studio.revision()
        moved = studio.drag("beats", beats[6]["time"], beats[6]["time"] + 0.1)
        studio.rendered(revision)
        return beats, studio.beats, music, self.music(studio), moved

    def test_a_dragged_beat_is_where_it_was_dropped_and_the_others_stay(self):
        beats, now, before, after, moved = self.drag_a_beat()
        self.assertEqual([beat["number"] for beat in now], [beat["number"] for beat in beats])
        for index, (old, new) in enumerate(zip(beats, now)):
            expected = moved if index == 6 else old["time"]
            self.assertAlmostEqual(new["time"], expected, delta=0.001, msg=f"beat {index}")

        def nearest(music, time):
            return min(abs(at - time) for name, at, _, _ in music if name in ("kick", "snare", "closed_hat", "bass"))

        # The band plays on the beat, wherever it is.
        self.assertLess(nearest(before, beats[6]["time"]), 0.03)
        self.assertLess(nearest(after, moved), 0.03)

    def test_a_dragged_beat_changes_the_notes_around_it_and_nothing_else(self):
        beats, _, before, after, _ = self.drag_a_beat()
        around = (beats[5]["time"] - 0.02, beats[7]["time"] + 0.02)

        def outside(music):
            # Pitch of a note, velocity of a drum. The end of a note before may lie around the beat, and moves with it.
            return sorted((name, round(time, 3), round(what, 2)) for name, time, what, _ in music if not around[0] <= time <= around[1])

        self.assertEqual(outside(after), outside(before))

    def test_a_hit_sounds_at_its_instant(self):
        studio = self.studio()
        at = studio.seek(3.57)
        for name in ("Chord", "Stop before"):
            studio.page.locator("#panel-correct").get_by_label(name).check()
        revision = studio.revision()
        studio.key("h")
        studio.rendered(revision)
        hit = studio.marks["hits"][0]["time"]
        self.assertAlmostEqual(hit, at, delta=0.0001)
        rate, wave = samples(self.program.get(f"api/takes/{studio.state('s.take')}/wav"))
        # The onset: where the level of a millisecond rises most, compared with the 10 ms before it.
        block = rate // 1000
        levels = [max(wave[i:i + block]) for i in range(0, len(wave) - block, block)]
        near = range(round(hit * 1000) - 80, round(hit * 1000) + 80)
        onset = max(near, key=lambda i: levels[i] - max(levels[i - 10:i]))
        self.assertLessEqual(abs(onset / 1000 - hit), 0.005, (onset, hit))
        self.assertGreater(levels[onset], 0.1)

    def test_undo_brings_the_same_sound_back_and_redo_the_other(self):
        studio = self.studio()
        sounds = []
        take = studio.state("s.take")

        def heard():
            sounds.append(self.program.get(f"api/takes/{take}/wav"))

        heard()
        studio.seek(2.9)
        for key in ("h", "Control+z", "Control+Shift+Z"):
            revision = studio.revision()
            studio.key(key)
            studio.rendered(revision)
            heard()
        self.assertEqual(sounds[2], sounds[0])
        self.assertEqual(sounds[3], sounds[1])
        self.assertNotEqual(sounds[1], sounds[0])

    def test_a_bar_begins_where_it_is_said(self):
        studio = self.studio()
        beat = studio.beats[5]
        studio.page.mouse.click(*studio.place(beat["time"], "beats"))
        revision = studio.revision()
        studio.key("d")
        studio.rendered(revision)
        self.assertNotEqual(beat["number"], 1)
        self.assertEqual([b["number"] for b in studio.beats if abs(b["time"] - beat["time"]) < 0.001], [1])
        # The program writes the mark in its own way; that is not a change of somebody else.
        self.assertIn("downbeat here", studio.page.locator("#undo").get_attribute("title"))
        revision = studio.revision()
        studio.key("Control+z")
        studio.rendered(revision)
        self.assertNotIn("beats", studio.marks)
        self.assertTrue(studio.page.locator("#undo").is_disabled())

    def test_a_silence_is_silent(self):
        studio = self.studio()
        revision = studio.revision()
        studio.key("s")
        studio.drag("notes", 3.0, 4.5)
        studio.rendered(revision)
        silence = studio.marks["silences"][0]
        begun = [time for _, time, _, _ in self.music(studio) if silence["from"] + 0.001 < time < silence["to"] - 0.001]
        self.assertEqual(begun, [])

    def test_a_person_is_chosen_by_a_click(self):
        studio = self.studio()
        studio.seek(4.0)
        studio.key("p")
        studio.until("s.people", 120_000)
        people = studio.state("s.people")
        self.assertEqual([person["person"] for person in people], [1, 2])
        seen = people[1]["times"]
        box = people[1]["boxes"][min(range(len(seen)), key=lambda i: abs(seen[i] - 4.0))]
        fit = studio.module("overlay", "m.fitted()")
        over = studio.page.locator("#overlay").bounding_box()
        before = studio.state("s.poses.points.find((points) => points)")
        revision = studio.revision()
        studio.page.mouse.click(over["x"] + fit["left"] + (box[0] + box[2]) / 2 * fit["scale"], over["y"] + fit["top"] + (box[1] + box[3]) / 2 * fit["scale"])
        studio.until("s.doc.settings['pose.person'] === '2'")
        self.program.settled(revision + 1)
        studio.until(f"s.server.revision > {revision} && s.server.state !== 'analysing' && s.server.state !== 'rendering'")
        studio.page.wait_for_timeout(500)
        self.assertNotEqual(studio.state("s.poses.points.find((points) => points)"), before)

    def test_two_windows_follow_each_other(self):
        one = self.studio()
        two = self.open(self.program.address).ready()
        one.seek(2.5)
        one.key("h")
        two.until("(s.doc.marks.hits ?? []).length === 1")
        two.ready()
        self.assertEqual(two.marks, one.marks)

    def test_everything_without_the_pointer(self):
        studio = self.studio()
        studio.seek(3.0)
        revision = studio.revision()
        studio.key(".")
        for _ in range(3):
            studio.key("Alt+ArrowRight")
        studio.rendered(revision)
        self.assertGreaterEqual(len(studio.marks["beats"]), 3)
        revision = studio.revision()
        studio.key("h")
        studio.rendered(revision)
        self.assertEqual(len(studio.marks["hits"]), 1)
        studio.page.locator("#tab-correct").focus()
        for _ in range(4):
            studio.key("ArrowRight")
        self.assertTrue(studio.page.locator("#save-wav").is_visible())
        revision = studio.revision()
        studio.key("Control+z")
        studio.rendered(revision)
        self.assertNotIn("hits", studio.marks)


class TakesAway(ProgramTest):
    def test_another_take_is_compared_at_the_same_place_and_loudness(self):
        studio = self.studio()
        first, revision = studio.state("s.take"), studio.revision()
        studio.key("n")
        studio.rendered(revision)
        second = studio.state("s.take")
        self.assertEqual(second, first + 1)
        seeds = [int(take["seed"]) for take in self.program.state()["takes"][-2:]]
        self.assertEqual(seeds[1] - seeds[0], 1)
        studio.key("Space")
        studio.key("b")
        studio.until_decks("d.length === 2")
        self.assertEqual(studio.state("[s.take, s.other]"), [first, second])
        loud = [self.program.json(f"api/takes/{take}/analysis")["loudness"]["integrated"] for take in (first, second)]
        heard = {}
        for _ in range(2):
            studio.page.wait_for_timeout(200)
            levels = dict(studio.module("mixer", "m.status().decks.map((deck) => [deck.id, deck.level])"))
            heard[studio.state("s.take")] = levels
            studio.key("b")
        for take, other, own in ((first, second, loud[0]), (second, first, loud[1])):
            self.assertAlmostEqual(heard[take][take], 10 ** ((min(loud) - own) / 20), delta=0.01)
            self.assertEqual(heard[take][other], 0)

    def test_a_render_can_be_cancelled(self):
        studio = self.studio()
        takes = len(self.program.state()["takes"])
        studio.key("n")
        studio.page.locator("#work-cancel").click()
        studio.until("s.server.state === 'cancelled' || s.server.state === 'ready'")
        state = self.program.settled()
        self.assertEqual(state["state"], "cancelled")
        self.assertEqual(len(state["takes"]), takes)

    def test_what_is_saved_equals_what_the_command_writes(self):
        marks = {"beats": [{"time": 1.4, "number": "downbeat"}, {"time": 3.85}], "hits": [{"time": 5.0, "answer": ["drums", "chord"]}]}
        studio = self.studio({"drums.style": "rock", "seed": "5"}, marks)
        page = studio.page
        page.click("#tab-save")
        line = page.locator(".line")
        studio.wait(lambda: line.inner_text().startswith("kinescore render"))
        work = self.program.work
        saved = {}
        for name in ("wav", "midi", "json", "marks", "video"):
            with page.expect_download(timeout=120_000) as download:
                page.click(f"#save-{name}")
            saved[name] = (download.value.suggested_filename, download.value.path().read_bytes())
        stems = {}
        for chip in page.locator("#panel-save a.chip").all():
            with page.expect_download(timeout=120_000) as download:
                chip.click()
            stems[download.value.suggested_filename] = download.value.path().read_bytes()
        self.assertEqual([name for name, _ in saved.values()], [f"walking-two-people.{end}" for end in ("wav", "mid", "json", "marks.json", "soundtrack.mp4")])
        (work / saved["marks"][0]).write_bytes(saved["marks"][1])
        command = shlex.split(line.inner_text())
        self.assertEqual(command[:2], ["kinescore", "render"])
        self.program.run(*command[1:], "-o", "own.mp4", "--wav", "own.wav", "--midi", "own.mid", "--json", "own.json", "--stems", "stems")
        for name, file in (("wav", "own.wav"), ("midi", "own.mid"), ("json", "own.json"), ("video", "own.mp4")):
            self.assertEqual(saved[name][1], (work / file).read_bytes(), name)
        self.assertEqual(stems, {f"walking-two-people.{path.name}": path.read_bytes() for path in (work / "stems").iterdir()})
        self.assertGreater(len(stems), 1)

    def test_the_line_is_copied(self):
        context = self.window()
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.studio()
        studio = self.open(self.program.address, context).ready()
        studio.page.click("#tab-save")
        studio.page.get_by_role("button", name="Copy").click()
        studio.wait(lambda: "Copied" in studio.message())
        self.assertIn(CLIP.name, studio.page.evaluate("navigator.clipboard.readText()"))


@unittest.skipUnless(KINESCORE, "KINESCORE does not name the program")
class Ends(BrowserTest):
    def test_an_analysis_is_shown_and_cancelled_and_the_end_is_said(self):
        program = Program()
        self.addCleanup(program.end)
        studio = self.open(program.address)
        studio.page.locator("#work").wait_for()
        studio.page.click("#work-cancel")
        studio.until("s.server.state === 'cancelled'")
        studio.page.get_by_text("there is no music yet").wait_for()
        self.assertLess(program.interrupt(), 3)
        banner = studio.page.locator("#banner")
        banner.wait_for()
        self.assertIn("does not answer", banner.inner_text())
        self.assertEqual(list(program.temporary.iterdir()), [], "left behind")


if __name__ == "__main__":
    unittest.main()

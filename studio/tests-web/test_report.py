"""Reports of the real program, opened from disk: what is seen and heard without it."""

import json
import shutil
import sys
import unittest
from pathlib import Path

from browser import BrowserTest, Report
from program import CLIP, KINESCORE, Place, samples

FRAME = 1 / 30
LABEL = "</script><script>document.title = 'hurt'</script><!--"

if not KINESCORE:
    print("\n*** SKIPPED: reports are not tested; KINESCORE must name the program ***\n", file=sys.stderr, flush=True)


@unittest.skipUnless(KINESCORE, "KINESCORE does not name the program")
class ReportTest(BrowserTest):
    """One clip for a class of tests; its poses are found once."""

    arguments = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.place = Place()
        cls.addClassCleanup(cls.place.end)
        shutil.copy(CLIP, cls.place.work / "walk.mp4")
        cls.said = cls.made(*cls.arguments) if cls.arguments else ""

    @classmethod
    def made(cls, *arguments):
        """Writes walk.html; what the program said."""
        return cls.place.run(*arguments, "--report", "walk.html").stderr

    def report(self, folder=None, **options):
        address = ((folder or self.place.work) / "walk.html").as_uri()
        return self.open(address, self.window(**options), Report)

    def see(self, report):
        """Checks that the lanes, and the skeleton over the video, are drawn."""
        coloured = """([id, part]) => { const c = document.querySelector(id); const d = c.getContext('2d').getImageData(0, c.height * part, c.width, c.height * (1 - part)).data;
          let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 200; return n; }"""
        self.assertGreater(report.page.evaluate(coloured, ["#lanes-still", 0]), 1000)
        # Away from the corner with the beat.
        self.assertGreater(report.page.evaluate(coloured, ["#overlay", 0.3]), 200)

    def play(self, report):
        """Checks that picture, playhead and sound go together; with a window in which nothing was clicked."""
        report.key("Space")
        pairs = report.playhead()
        self.assertGreater(pairs[-1][0] - pairs[0][0], 0.5, "the video did not play")
        for media, drawn in pairs:
            self.assertLessEqual(abs(media - drawn), FRAME, (media, drawn))
        self.hear(report)

    def hear(self, report):
        report.wait(lambda: report.module("mixer", "m.mixer.drift") is not None, what="sound")
        self.assertLess(abs(report.module("mixer", "m.mixer.drift")), FRAME)
        report.wait(lambda: report.module("mixer", "m.peak()") > 0.01, what="a sound that is not silent")


class Linked(ReportTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        marks = {"format": "kinescore-marks", "version": 1, "hits": [{"time": 3.25, "label": LABEL}], "silences": [{"from": 5, "to": 5.6}],
                 "accents": {"removed": []}}
        (cls.place.work / "walk.marks.json").write_text(json.dumps(marks))
        cls.made("render", "walk.mp4", "--seed", "5", "--marks", "walk.marks.json", "--wav", "walk.wav")

    def test_everything_has_its_place_and_the_lanes_are_drawn(self):
        for scheme in ("light", "dark"):
            report = self.report(color_scheme=scheme).ready()
            page = report.page
            self.assertEqual(page.evaluate("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"), [720, 1280])
            for name in ("video", "lanes", "play", "panel-report", "ruler-box"):
                box = page.locator(f"#{name}").bounding_box()
                self.assertGreater(box["width"] * box["height"], 0, name)
                self.assertLessEqual(box["y"] + box["height"], 720, name)
            ids = report.module("lanes", "m.lanes.map((lane) => lane.id)")
            self.assertEqual(ids[:6], ["movement", "accents", "beats", "marks", "chords", "notes"])
            self.assertEqual((ids[-1], "drum:kick" in ids), ("wave", True))
            report.seek(4.0)
            self.see(report)
            pixel = page.evaluate("Array.from(document.querySelector('#lanes-still').getContext('2d').getImageData(3, 3, 1, 1).data)")
            self.assertEqual(sum(pixel[:3]) > 380, scheme == "light")

    def test_picture_playhead_and_sound_go_together(self):
        self.play(self.report().ready())

    def test_the_sound_is_that_of_the_file_to_a_millisecond(self):
        report = self.report().ready()
        heard = report.page.evaluate("""async () => {
          const text = [...document.querySelectorAll('script[data-part=sound]')].map((piece) => atob(piece.textContent)).join('');
          const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
          const sound = await new OfflineAudioContext(2, 1, 48000).decodeAudioData(bytes.buffer);
          const sides = [sound.getChannelData(0), sound.getChannelData(1)];
          return [...sides[0]].map((left, i) => Math.max(Math.abs(left), Math.abs(sides[1][i])));
        }""")
        rate, written = samples((self.place.work / "walk.wav").read_bytes())
        self.assertEqual((rate, len(heard)), (48000, len(written)))
        first = [next(i for i, value in enumerate(sound) if value > 0.1) for sound in (heard, written)]
        self.assertLess(abs(first[0] - first[1]), 48, first)
        alike = sum(a * b for a, b in zip(heard, written)) / (sum(a * a for a in heard) * sum(b * b for b in written)) ** 0.5
        self.assertGreater(alike, 0.99)

    def test_keys_go_through_it_and_change_nothing(self):
        report = self.report().ready()
        first = report.seek(2.02)
        report.key("ArrowRight")
        report.page.wait_for_timeout(250)
        self.assertAlmostEqual(report.module("transport", "m.now()"), first + FRAME, delta=0.002)
        beats = report.beats
        report.key(".")
        chosen = report.state("s.selection")
        self.assertEqual(chosen["kind"], "beat")
        self.assertIn(chosen["time"], [beat["time"] for beat in beats])
        report.key("Home")
        report.key("i")
        report.seek(1.5)
        report.key("o")
        self.assertAlmostEqual(report.state("s.loop.to"), 1.5, delta=FRAME)
        report.key("l")
        self.assertIsNone(report.state("s.loop"))
        report.key("+")
        self.assertLess(report.module("view", "m.view.to - m.view.from"), 6)
        report.key("0")
        before = report.marks
        for name in ("a", "h", "d", "Delete", "s", "n", "Control+z", "t", "p"):
            report.key(name)
        x, y = report.place(beats[4]["time"], "beats")
        report.page.mouse.dblclick(x + 12, y)
        report.drag("beats", beats[6]["time"], beats[6]["time"] + 0.2)
        self.assertEqual((report.beats, report.marks, report.state("s.mode")), (beats, before, "select"))
        self.assertAlmostEqual(report.module("transport", "m.now()"), beats[6]["time"] + 0.2, delta=0.05)
        report.key("?")
        text = report.page.locator("#help").inner_text()
        self.assertIn("Loop from the playhead", text)
        self.assertNotIn("Add a beat", text)
        self.assertNotIn("Clip's own sound", text)

    def test_the_panel_says_what_it_is_and_how_to_make_it_again(self):
        report = self.report().ready()
        panel = report.page.locator("#panel-report")
        text = panel.inner_text()
        self.assertRegex(text, r"\d+\.\d BPM, \d+ % sure")
        for part in ("Key", "Style", "Chords", "LUFS", "Seed", "5", "Kinescore", LABEL, "Silence to 5.60 s"):
            self.assertIn(part, text)
        self.assertIn("kinescore render walk.mp4 --seed 5 --marks walk.marks.json", text)
        self.assertEqual(report.page.title(), "walk.mp4 – soundtrack report")
        self.assertEqual(panel.locator("script").count(), 0)
        panel.get_by_role("button", name="Silence to").click()
        self.assertAlmostEqual(report.module("transport", "m.now()"), 5.0, delta=FRAME)
        panel.locator("summary", has_text="All settings").click()
        self.assertIn("pose.person", panel.inner_text())
        with report.page.expect_download() as download:
            panel.locator("#save-marks").click()
        self.assertEqual(download.value.suggested_filename, "walk.marks.json")
        self.assertEqual(json.loads(Path(download.value.path()).read_text())["hits"][0]["label"], LABEL)

    def test_nothing_but_the_video_is_asked_for(self):
        context = self.window()
        asked = []
        context.on("request", lambda request: asked.append(request.url))
        self.open((self.place.work / "walk.html").as_uri(), context, Report).ready()
        others = {url for url in asked if not url.startswith("data:")}
        self.assertEqual(others, {(self.place.work / name).as_uri() for name in ("walk.html", "walk.soundtrack.mp4")})

    def test_no_other_script_runs(self):
        report = self.report().ready()
        report.page.evaluate("""() => { for (const place of ['<img src="data:image/png;base64,x" onerror="document.title = 1">', '<a href="javascript:document.title = 2" id="hurt">x</a>'])
          document.body.insertAdjacentHTML('beforeend', place);
          const script = document.createElement('script'); script.textContent = 'document.title = 3'; document.body.append(script);
          document.querySelector('#hurt').click(); }""")
        report.page.wait_for_timeout(300)
        self.assertEqual(report.page.title(), "walk.mp4 – soundtrack report")
        refused = [text for text in report.faults if "Content Security Policy" in text]
        self.assertEqual(len(refused), 3, report.faults)
        report.faults.clear()

    def test_without_its_video_it_plays_and_takes_one(self):
        folder = self.place.work / "sent"
        folder.mkdir(exist_ok=True)
        shutil.copy(self.place.work / "walk.html", folder)
        report = self.report(folder)
        report.until_page("!document.querySelector('#notice').hidden")
        self.assertIn("walk.soundtrack.mp4", report.page.locator("#notice").inner_text())
        self.assertTrue(all("ERR_FILE_NOT_FOUND" in fault for fault in report.faults), report.faults)
        report.faults.clear()
        report.seek(4.0)
        self.see(report)
        report.key("Space")
        self.hear(report)
        self.assertGreater(report.module("transport", "m.now()"), 4.0)
        report.key("Space")
        with report.page.expect_file_chooser() as chooser:
            report.page.get_by_role("button", name="Choose the video").click()
        chooser.value.set_files(self.place.work / "walk.soundtrack.mp4")
        report.ready()
        self.assertTrue(report.page.locator("#notice").is_hidden())
        report.seek(1.0)
        self.play(report)

    def test_the_video_is_found_beside_it_wherever_it_was(self):
        folder = self.place.work / "apart"
        folder.mkdir(exist_ok=True)
        self.place.run("render", "walk.mp4", "--no-video", "--report", "apart/walk.html")
        shutil.move(folder / "walk.html", self.place.home.name)
        there = Path(self.place.home.name)
        shutil.copy(CLIP, there / "walk.mp4")
        report = self.report(there)
        report.ready()
        report.faults.clear()
        self.play(report)


class Embedded(ReportTest):
    arguments = ("render", "walk.mp4", "--seed", "5", "--no-video", "--report-video", "embedded")

    def test_picture_playhead_and_sound_go_together(self):
        self.assertIn("with the video in it", self.said)
        folder = self.place.work / "sent"
        folder.mkdir()
        shutil.copy(self.place.work / "walk.html", folder)
        report = self.report(folder).ready()
        report.seek(2.0)
        self.see(report)
        self.play(report)


class Parts(ReportTest):
    def test_a_part_of_a_clip_begins_on_its_frame(self):
        self.made("render", "walk.mp4", "--start", "2.5", "--end", "6.5")
        report = self.report().ready()
        self.assertEqual(report.state("[s.clip.start, s.clip.duration]"), [0, 4])
        self.play(report)
        # The skeleton is that of the picture: the part's third second is that of the video's 5.5.
        whole = self.joints_of_the_whole(5.5)
        self.made("render", "walk.mp4", "--start", "2.5", "--end", "6.5", "--no-video")
        clip = self.report().ready()
        self.assertIn("0:02.50 to 0:06.50", clip.page.locator("#panel-report").inner_text())
        clip.seek(3.0)
        self.assertAlmostEqual(clip.page.evaluate("document.querySelector('#video').currentTime"), 5.5, delta=FRAME)
        for page in (report, clip):
            joints = page.state("s.poses.points[s.poses.times.findIndex((time) => time > 2.98)]")
            self.assertLess(max(abs(a - b) for a, b in zip(joints, whole)), 8)
        clip.seek(0)
        self.play(clip)

    def joints_of_the_whole(self, time):
        self.made("render", "walk.mp4", "--no-video")
        report = self.report().ready()
        return report.state(f"s.poses.points[s.poses.times.findIndex((time) => time > {time - 0.02})]")

    def test_without_a_video_it_begins_at_the_start_and_plays(self):
        self.made("render", "walk.mp4", "--start", "2.5", "--end", "6.5", "--no-video", "--report-video", "none")
        report = self.report().drawn()
        self.assertTrue(report.page.locator("#notice").is_hidden())
        self.assertEqual(report.module("transport", "m.now()"), 0)
        report.seek(2.0)
        self.see(report)
        report.key("Space")
        self.hear(report)
        self.assertGreater(report.module("transport", "m.now()"), 2.0)

    def test_a_slower_clip_plays_slower_and_together(self):
        self.made("render", "walk.mp4", "--end", "4", "--speed", "0.5", "--no-video")
        report = self.report().ready()
        self.assertEqual(report.page.evaluate("document.querySelector('#video').playbackRate"), 0.5)
        report.seek(6.0)
        self.assertAlmostEqual(report.page.evaluate("document.querySelector('#video').currentTime"), 3.0, delta=FRAME)
        self.see(report)
        report.seek(0)
        self.play(report)

    def test_an_analysis_plays_with_the_sound_of_the_clip(self):
        self.made("analyze", "walk.mp4")
        report = self.report().ready()
        self.assertEqual(report.module("lanes", "m.lanes.map((lane) => lane.id)"), ["movement", "accents", "beats", "marks"])
        self.assertTrue(report.page.locator("#music-mute").is_hidden())
        report.seek(4.0)
        self.see(report)
        report.key("Space")
        self.assertTrue(all(abs(media - drawn) <= FRAME for media, drawn in report.playhead()))


if __name__ == "__main__":
    unittest.main()

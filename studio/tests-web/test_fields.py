"""Fields, marks and takes under what people do to them: typing while a render answers, keys pressed twice."""

import json

from test_page import PageTest


class Typing(PageTest):
    def test_what_is_typed_stays_while_a_render_answers(self):
        _, studio = self.studio()
        page = studio.page
        page.get_by_role("tab", name="Choose").click()
        before = studio.revision()
        page.locator("[id='set-music.mood']").select_option("dark")
        field = page.locator("[id='set-music.chords']")
        field.click()
        page.keyboard.type("Am F C G", delay=120)
        studio.until(f"s.server.revision > {before} && s.server.state === 'ready'")
        self.assertEqual(field.input_value(), "Am F C G")
        studio.key("Enter")
        studio.until("s.doc.settings['music.chords'] === 'Am F C G'")
        self.assertEqual(studio.state("s.doc.settings['music.mood']"), "dark")
        self.assertEqual(field.input_value(), "Am F C G")

    def test_the_name_of_a_hit_is_typed_while_the_hit_is_rendered(self):
        _, studio = self.studio()
        studio.seek(2)
        before = studio.revision()
        studio.key("h")
        name = studio.page.get_by_placeholder("such as jump")
        name.click()
        studio.page.keyboard.type("jump over wall", delay=80)
        studio.until(f"s.server.revision > {before} && s.server.state === 'ready'")
        studio.key("Tab")
        studio.until("s.doc.marks.hits?.[0].label === 'jump over wall'")

    def test_a_search_without_a_match_says_so(self):
        _, studio = self.studio()
        studio.page.get_by_role("tab", name="Choose").click()
        search = studio.page.locator("#settings-search")
        search.fill("xyzzy")
        self.assertIn("xyzzy", studio.page.locator("#settings-none").inner_text())
        search.fill("BPM")
        self.assertEqual(studio.page.locator("#settings-none").count(), 0)
        self.assertTrue(studio.page.locator("#set-tempo").is_visible())


class Edges(PageTest):
    def test_play_at_the_end_begins_again(self):
        _, studio = self.studio()
        studio.key("End")
        studio.wait(lambda: not studio.page.evaluate("document.querySelector('#video').seeking"))
        studio.key("Space")
        studio.wait(lambda: studio.module("transport", "m.playing() && m.now() < 3 && m.now() > 0.2"), what="playing from the start")

    def test_a_hit_stays_within_the_clip(self):
        _, studio = self.studio()
        end = studio.module("store", "m.extent().to")
        studio.seek(1)
        studio.key("h")
        studio.until("s.doc.marks.hits?.length === 1")
        for time, expected in ((-1, 0), (end + 5, end)):
            studio.module("actions", "m.changeHit(a.from, { time: a.to })", {"from": studio.marks["hits"][0]["time"], "to": time})
            self.assertAlmostEqual(studio.marks["hits"][0]["time"], expected, places=3)

    def test_numbers_of_beats_are_not_kept_at_twice_the_tempo(self):
        _, studio = self.studio()
        fixed = {"format": "kinescore-marks", "version": 1, "beats": [{"time": 1, "number": "downbeat"}, {"time": 2, "number": 3}, {"time": 3}]}
        changed = studio.module("marks", "m.changeTempo(a, 2).marks", fixed)
        self.assertEqual(changed["tempo_factor"], 2)
        self.assertEqual(changed["beats"], [{"time": 1, "number": "downbeat"}, {"time": 2}, {"time": 3}])
        back = studio.module("marks", "m.changeTempo(a, 0.5).marks", changed)
        self.assertNotIn("tempo_factor", back)
        self.assertEqual(studio.module("marks", "m.count(a)", {**back, "beats": [], "tempo_factor": 1}), 0)

    def test_another_take_is_asked_for_once_at_a_time(self):
        _, studio = self.studio()
        takes = studio.state("s.server.takes.length")
        for _ in range(4):
            studio.key("n")
        self.assertIn("on its way", studio.message())
        studio.until(f"s.server.takes.length === {takes + 1} && s.server.state === 'ready'")
        studio.ready()
        studio.key("n")
        studio.until(f"s.server.takes.length === {takes + 2}")

    def test_marks_are_saved_when_the_program_has_ended(self):
        mock, studio = self.studio()
        studio.seek(2)
        before = studio.revision()
        studio.key("h")
        studio.rendered(before)
        mock.close()
        button = studio.page.locator("#save-marks-here")
        button.wait_for()
        with studio.page.expect_download() as download:
            button.click()
        saved = json.loads(download.value.path().read_text())
        self.assertEqual(saved["format"], "kinescore-marks")
        self.assertEqual([hit["time"] for hit in saved["hits"]], [hit["time"] for hit in studio.marks["hits"]])

"""The page with a stand-in for the program: editing, states that are hard to reach, the keyboard."""

import unittest

from browser import BrowserTest
from mock import DURATION, Mock
from mock import Studio as Program

FRAME = 1 / 30


class PageTest(BrowserTest):
    def serve(self, **options):
        mock = Mock(Program(**options))
        self.addCleanup(mock.close)
        return mock

    def studio(self, **options):
        """The stand-in, and a page that shows its first take."""
        mock = self.serve(**options)
        return mock, self.open(mock.address).ready()


class Loads(PageTest):
    def test_everything_has_its_place_at_1280_by_720(self):
        _, studio = self.studio()
        page = studio.page
        self.assertEqual(page.evaluate("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"), [720, 1280])
        for name in ("video", "lanes", "play", "tab-correct", "another", "ruler-box"):
            box = page.locator(f"#{name}").bounding_box()
            self.assertGreater(box["width"] * box["height"], 0, name)
            self.assertLessEqual(box["y"] + box["height"], 720, name)
        self.assertIn("walking-two-people.mp4", page.title())
        ids = studio.module("lanes", "m.lanes.map((lane) => lane.id)")
        self.assertEqual(ids[:6], ["movement", "accents", "beats", "marks", "chords", "notes"])
        self.assertIn("drum:kick", ids)
        self.assertEqual(ids[-1], "wave")

    def test_nothing_is_beside_the_screen_of_a_small_window(self):
        _, studio = self.studio()
        page = studio.page
        page.set_viewport_size({"width": 800, "height": 600})
        self.assertLessEqual(page.evaluate("document.body.scrollWidth"), 800)
        for name in ("play", "tab-correct", "another", "undo", "redo"):
            box = page.locator(f"#{name}").bounding_box()
            self.assertGreater(box["width"] * box["height"], 0, name)
            self.assertLessEqual(box["x"] + box["width"], 800, name)
            self.assertLessEqual(box["y"] + box["height"], 600, name)

    def test_nothing_is_fetched_from_elsewhere(self):
        mock = self.serve()
        context = self.window()
        asked = []
        context.on("request", lambda request: asked.append(request.url))
        self.open(mock.address, context).ready()
        self.assertEqual([url for url in asked if not url.startswith((mock.address, "data:", "blob:"))], [])

    def test_lanes_are_as_sharp_as_the_screen(self):
        mock = self.serve()
        studio = self.open(mock.address, self.window(device_scale_factor=2)).ready()
        size = studio.page.evaluate("((c) => [c.width, c.getBoundingClientRect().width])(document.querySelector('#lanes-still'))")
        self.assertEqual(size[0], size[1] * 2)

    def test_light_and_dark_draw_other_colours(self):
        mock = self.serve()
        pixel = "Array.from(document.querySelector('#lanes-still').getContext('2d').getImageData(3, 3, 1, 1).data)"
        light, dark = (self.open(mock.address, self.window(color_scheme=scheme)).ready().page.evaluate(pixel) for scheme in ("light", "dark"))
        self.assertGreater(sum(light[:3]), 3 * 200)
        self.assertLess(sum(dark[:3]), 3 * 70)


class Plays(PageTest):
    def test_the_playhead_is_with_the_picture_within_a_frame(self):
        _, studio = self.studio()
        studio.key("Space")
        pairs = studio.playhead()
        self.assertGreater(pairs[-1][0] - pairs[0][0], 0.5, "the video did not play")
        for media, drawn in pairs:
            self.assertLessEqual(abs(media - drawn), FRAME, (media, drawn))

    def test_the_playhead_is_drawn_where_the_picture_is(self):
        _, studio = self.studio()
        time = studio.seek(4.013)
        self.assertAlmostEqual(time, 4.0, delta=FRAME)
        x = round(studio.module("view", "m.xOf(a)", time))
        red = studio.page.evaluate("""(x) => {
          const canvas = document.querySelector('#lanes-moving');
          const row = canvas.getContext('2d').getImageData(0, 30, canvas.width, 1).data;
          return [...Array(canvas.width).keys()].filter((i) => row[i * 4 + 3] > 100);
        }""", x)
        self.assertTrue(red and all(abs(column - x) <= 2 for column in red), (x, red))

    def test_arrow_keys_step_one_frame(self):
        _, studio = self.studio()
        first = studio.seek(2.02)
        times = [first]
        for name in ("ArrowRight", "ArrowRight", "ArrowLeft"):
            studio.key(name)
            studio.page.wait_for_timeout(250)
            times.append(studio.module("transport", "m.now()"))
        for time, expected in zip(times[1:], (1, 2, 1)):
            self.assertAlmostEqual(time, first + expected * FRAME, delta=0.002)

    def test_a_loop_that_is_dragged_on_the_ruler_is_played_again(self):
        _, studio = self.studio()
        (a, _), (b, _) = studio.place(1.0, "beats"), studio.place(1.6, "beats")
        y = studio.page.locator("#ruler-box").bounding_box()["y"] + 10
        studio.page.mouse.move(a, y)
        studio.page.mouse.down()
        studio.page.mouse.move(b, y, steps=5)
        studio.page.mouse.up()
        loop = studio.state("s.loop")
        self.assertAlmostEqual(loop["from"], 1.0, delta=0.02)
        self.assertAlmostEqual(loop["to"], 1.6, delta=0.02)
        studio.key("Space")
        times = []
        for _ in range(12):
            studio.page.wait_for_timeout(150)
            times.append(studio.module("transport", "m.now()"))
        self.assertTrue(all(0.9 <= time <= 1.75 for time in times), times)
        self.assertTrue(any(b < a for a, b in zip(times, times[1:])), f"it did not go round: {times}")

    def test_the_sound_follows_the_video_and_goes_on_when_a_new_version_comes(self):
        mock, studio = self.studio()
        studio.key("Space")
        studio.page.wait_for_timeout(2500)
        drift = studio.module("mixer", "m.mixer.drift")
        self.assertIsNotNone(drift, studio.module("mixer", "m.status()"))
        self.assertLess(abs(drift), FRAME)
        before = studio.module("mixer", "m.status().decks[0].version")
        studio.key("h")
        studio.until_decks("d[0].version === '1:2'")
        self.assertEqual(before, "1:1")
        studio.page.wait_for_timeout(900)
        self.assertTrue(studio.module("transport", "m.playing()"))
        self.assertGreater(studio.module("transport", "m.now()"), 2.5)
        self.assertLess(abs(studio.module("mixer", "m.mixer.drift")), FRAME)

    def test_a_clip_that_the_browser_cannot_play_has_lanes_and_sound(self):
        mock = self.serve()
        mock.studio.video = b"not a video" * 1000
        studio = self.open(mock.address)
        studio.wait(lambda: "cannot show the clip's picture" in studio.message())
        studio.until("s.analysis")
        studio.key("Space")
        studio.page.wait_for_timeout(1500)
        self.assertGreater(studio.module("transport", "m.now()"), 0.8)
        studio.wait(lambda: studio.module("mixer", "m.mixer.drift") is not None)
        self.assertLess(abs(studio.module("mixer", "m.mixer.drift")), FRAME)
        studio.key("Space")
        time = studio.seek(3.0)
        self.assertAlmostEqual(time, 3.0, delta=0.001)
        studio.key("ArrowRight")
        self.assertAlmostEqual(studio.module("transport", "m.now()"), 3.0 + 1.5 * FRAME, delta=0.002)

    def test_stems_can_be_muted_and_soloed(self):
        _, studio = self.studio()
        studio.page.click("#tab-mix")
        studio.page.click("[aria-label='Solo bass']")
        studio.until_decks("d[0]?.stems")
        studio.key("Space")
        studio.page.wait_for_timeout(300)
        heard = [0, 0, 0]
        for _ in range(15):
            studio.page.wait_for_timeout(60)
            peaks = studio.page.evaluate("async () => { const m = await import(new URL('mixer.js', location.href)); return ['drums', 'bass', 'piano'].map((name) => m.peak(name)); }")
            heard = [max(pair) for pair in zip(heard, peaks)]
        self.assertGreater(heard[1], 0.05)
        self.assertEqual([heard[0], heard[2]], [0, 0])

    def test_zoom_keeps_what_is_under_the_pointer(self):
        _, studio = self.studio()
        x, y = studio.place(3.0, "notes")
        studio.page.mouse.move(x, y)
        studio.page.keyboard.down("Control")
        for _ in range(4):
            studio.page.mouse.wheel(0, -120)
        studio.page.keyboard.up("Control")
        studio.page.wait_for_timeout(100)
        length = studio.module("view", "m.view.to - m.view.from")
        self.assertLess(length, DURATION / 3)
        self.assertAlmostEqual(studio.time_of(x), 3.0, delta=0.01)
        studio.key("0")
        self.assertAlmostEqual(studio.module("view", "m.view.to - m.view.from"), DURATION, places=3)


class Corrects(PageTest):
    def sent(self, mock, studio, action):
        """The body that an action sends to be rendered; its take is shown when this returns."""
        revision, before = studio.revision(), len(mock.studio.requests)
        action()
        studio.rendered(revision)
        self.assertEqual(len(mock.studio.requests), before + 1)
        return mock.studio.requests[-1]

    def test_a_dragged_beat_is_fixed_with_its_neighbours_and_both_ends(self):
        mock, studio = self.studio()
        beats = studio.beats
        body = self.sent(mock, studio, lambda: studio.drag("beats", beats[5]["time"], beats[5]["time"] + 0.12))
        marks = body["marks"]["beats"]
        self.assertEqual(len(marks), 5)
        for mark, beat in zip(marks, (beats[0], beats[4], None, beats[6], beats[12])):
            if beat:
                self.assertEqual(mark, {"time": beat["time"]})
        self.assertAlmostEqual(marks[2]["time"], beats[5]["time"] + 0.12, delta=0.01)
        self.assertFalse(body["new_take"])

    def test_a_beat_stays_between_its_neighbours(self):
        mock, studio = self.studio()
        beats = studio.beats
        body = self.sent(mock, studio, lambda: studio.drag("beats", beats[5]["time"], beats[5]["time"] + 0.9))
        self.assertAlmostEqual(body["marks"]["beats"][2]["time"], beats[6]["time"] - 0.1, delta=0.001)

    def test_undo_and_redo_send_the_marks_before_and_after(self):
        mock, studio = self.studio()
        time = studio.beats[5]["time"]
        moved = self.sent(mock, studio, lambda: studio.drag("beats", time, time + 0.12))
        undone = self.sent(mock, studio, lambda: studio.key("Control+z"))
        self.assertNotIn("beats", undone["marks"])
        self.assertIn("move beat", studio.message())
        again = self.sent(mock, studio, lambda: studio.key("Control+Shift+Z"))
        self.assertEqual(again["marks"], moved["marks"])
        self.assertTrue(studio.page.locator("#redo").is_disabled())

    def test_a_double_click_adds_a_beat_and_delete_takes_one_out(self):
        mock, studio = self.studio()
        beats = studio.beats
        middle = (beats[4]["time"] + beats[5]["time"]) / 2
        x, y = studio.place(middle, "beats")
        body = self.sent(mock, studio, lambda: studio.page.mouse.dblclick(x, y))
        self.assertEqual(len(body["marks"]["beats"]), 5)
        self.assertAlmostEqual(body["marks"]["beats"][2]["time"], middle, delta=0.01)
        self.sent(mock, studio, lambda: studio.key("Control+z"))
        studio.page.mouse.click(*studio.place(beats[5]["time"], "beats"))
        body = self.sent(mock, studio, lambda: studio.key("Delete"))
        numbered = [mark for mark in body["marks"]["beats"] if "number" in mark]
        self.assertEqual([mark["time"] for mark in numbered], [beats[4]["time"], beats[6]["time"]])
        self.assertEqual(numbered[1]["number"], numbered[0]["number"] % 4 + 1)

    def test_a_downbeat_shifts_all_numbers(self):
        mock, studio = self.studio()
        beat = studio.beats[5]
        studio.page.mouse.click(*studio.place(beat["time"], "beats"))
        body = self.sent(mock, studio, lambda: studio.key("d"))
        self.assertEqual(body["marks"]["beats"], [{"time": beat["time"], "number": "downbeat"}])

    def test_half_and_double_tempo(self):
        mock, studio = self.studio()
        double = self.sent(mock, studio, lambda: studio.page.click("#double"))
        self.assertEqual(double["marks"]["tempo_factor"], 2)
        usual = self.sent(mock, studio, lambda: studio.page.click("#half"))
        self.assertNotIn("tempo_factor", usual["marks"])
        half = self.sent(mock, studio, lambda: studio.page.click("#half"))
        self.assertEqual(half["marks"]["tempo_factor"], 0.5)

    def test_tapping_fixes_beats_of_one_tempo(self):
        mock, studio = self.studio()
        studio.key("Space")
        studio.page.wait_for_timeout(500)

        tapped = []

        def tap():
            for _ in range(6):
                tapped.append(studio.module("transport", "m.now()"))
                studio.key("t")
                studio.page.wait_for_timeout(450)
            studio.key("Enter")

        body = self.sent(mock, studio, tap)
        times = [mark["time"] for mark in body["marks"]["beats"]]
        spans = [b - a for a, b in zip(times, times[1:])]
        self.assertEqual(len(times), 6)
        self.assertLess(max(spans) - min(spans), 0.001)
        self.assertAlmostEqual(spans[0], (tapped[-1] - tapped[0]) / 5, delta=0.05)
        for time, at in zip(times, tapped):
            self.assertAlmostEqual(time, at, delta=0.2)
        self.assertEqual([mark["number"] % 4 for mark in body["marks"]["beats"][1:]], [(mark["number"] + 1) % 4 for mark in body["marks"]["beats"][:-1]])

    def test_a_hit_is_put_at_the_picture_with_what_was_chosen(self):
        mock, studio = self.studio()
        time = studio.seek(3.21)
        studio.page.locator("#panel-correct").get_by_label("Chord").check()
        body = self.sent(mock, studio, lambda: studio.key("h"))
        hit = body["marks"]["hits"][0]
        self.assertAlmostEqual(hit["time"], time, delta=0.0001)
        self.assertEqual((hit["strength"], hit["answer"]), (1, ["drums", "chord"]))
        moved = self.sent(mock, studio, lambda: studio.drag("marks", hit["time"], hit["time"] + 0.5))
        self.assertAlmostEqual(moved["marks"]["hits"][0]["time"], hit["time"] + 0.5, delta=0.01)
        named = self.sent(mock, studio, lambda: (studio.page.get_by_placeholder("such as jump").fill("jump"), studio.key("Enter")))
        self.assertEqual(named["marks"]["hits"][0]["label"], "jump")
        gone = self.sent(mock, studio, lambda: (studio.page.locator("#lanes").focus(), studio.key("Delete")))
        self.assertNotIn("hits", gone["marks"])

    def test_a_silence_is_drawn_and_its_edge_dragged(self):
        mock, studio = self.studio()
        studio.key("s")
        body = self.sent(mock, studio, lambda: studio.drag("notes", 2.0, 3.0))
        silence = body["marks"]["silences"][0]
        self.assertAlmostEqual(silence["from"], 2.0, delta=0.01)
        self.assertAlmostEqual(silence["to"], 3.0, delta=0.01)
        body = self.sent(mock, studio, lambda: studio.drag("marks", silence["to"], 3.5))
        self.assertAlmostEqual(body["marks"]["silences"][0]["to"], 3.5, delta=0.01)
        studio.seek(2.5)
        studio.key("h")
        studio.page.wait_for_timeout(100)
        self.assertIn("silence", studio.message())

    def test_accents_are_moved_removed_and_restored(self):
        mock, studio = self.studio()
        accents = studio.state("s.analysis.analysis.accents")
        body = self.sent(mock, studio, lambda: studio.drag("accents", accents[2]["time"], accents[2]["time"] + 0.2))
        moved = body["marks"]["accents"]["moved"]
        self.assertEqual(moved[0]["from"], accents[2]["time"])
        self.assertAlmostEqual(moved[0]["to"], accents[2]["time"] + 0.2, delta=0.01)
        body = self.sent(mock, studio, lambda: studio.key("Delete"))
        self.assertEqual(body["marks"]["accents"], {"removed": [accents[2]["time"]]})
        studio.page.mouse.click(*studio.place(accents[2]["time"], "accents"))
        body = self.sent(mock, studio, lambda: studio.key("Delete"))
        self.assertNotIn("accents", body["marks"])

    def test_a_person_is_chosen_by_a_click(self):
        mock, studio = self.studio()
        studio.page.click("#choose-person")
        studio.until("s.people")
        fit = studio.module("overlay", "m.fitted()")
        box = studio.page.locator("#overlay").bounding_box()
        spot = (box["x"] + fit["left"] + 1300 * fit["scale"], box["y"] + fit["top"] + 500 * fit["scale"])
        body = self.sent(mock, studio, lambda: studio.page.mouse.click(*spot))
        self.assertEqual(body["settings"], {"pose.person": "2"})
        self.assertEqual(studio.state("s.mode"), "select")

    def test_a_click_where_nobody_is_says_so(self):
        mock, studio = self.studio()
        studio.key("p")
        fit = studio.module("overlay", "m.fitted()")
        box = studio.page.locator("#overlay").bounding_box()
        studio.page.mouse.click(box["x"] + fit["left"] + 100 * fit["scale"], box["y"] + fit["top"] + 100 * fit["scale"])
        studio.until_page("document.querySelector('#message').textContent.includes('nobody')")
        self.assertEqual(mock.studio.requests, [])


class Chooses(PageTest):
    sent = Corrects.sent

    def test_a_setting_is_searched_changed_marked_and_reset(self):
        mock, studio = self.studio()
        page = studio.page
        page.click("#tab-choose")
        page.fill("#settings-search", "style")
        self.assertEqual(page.locator(".setting:visible").count(), 1)
        body = self.sent(mock, studio, lambda: page.get_by_label("Style").select_option("funk"))
        self.assertEqual(body["settings"], {"drums.style": "funk"})
        self.assertIn("changed", page.locator("[data-key='drums.style']").get_attribute("class"))
        body = self.sent(mock, studio, lambda: page.click("[data-key='drums.style'] .reset"))
        self.assertEqual(body["settings"], {})

    def test_instruments_are_chosen_one_by_one(self):
        mock, studio = self.studio()
        studio.page.click("#tab-choose")
        self.sent(mock, studio, lambda: studio.page.click("[id='set-music.instruments-bass']"))
        body = self.sent(mock, studio, lambda: studio.page.click("[id='set-music.instruments-drums']"))
        self.assertEqual(body["settings"], {"music.instruments": "drums,bass"})

    def test_a_value_that_is_refused_is_explained_at_its_setting(self):
        _, studio = self.studio()
        studio.module("session", "m.setSetting('drums.style', 'polka')")
        fault = studio.page.locator("[data-key='drums.style'] .fault")
        studio.page.click("#tab-choose")
        fault.wait_for()
        self.assertIn("polka", fault.inner_text())
        revision = studio.revision()
        studio.key("Control+z")
        studio.rendered(revision)
        self.assertEqual(fault.count(), 0)

    def test_another_take_has_the_next_seed_and_both_can_be_compared(self):
        mock, studio = self.studio()
        body = self.sent(mock, studio, lambda: studio.page.click("#another"))
        self.assertEqual((body["new_take"], body["settings"]["seed"]), (True, "18"))
        self.assertEqual(studio.state("s.take"), 2)
        studio.key("Space")
        studio.page.wait_for_timeout(600)
        studio.key("b")
        self.assertEqual(studio.state("[s.take, s.other]"), [1, 2])
        studio.until_decks("d.length === 2")
        studio.page.wait_for_timeout(300)
        before = studio.module("transport", "m.now()")
        levels = studio.module("mixer", "m.status().decks.map((deck) => [deck.id, deck.level])")
        studio.key("b")
        self.assertEqual(studio.state("[s.take, s.other]"), [2, 1])
        studio.page.wait_for_timeout(200)
        self.assertTrue(0 <= studio.module("transport", "m.now()") - before < 1.5)
        swapped = studio.module("mixer", "m.status().decks.map((deck) => [deck.id, deck.level])")
        # Take 1 (seed 17) is at -16 LUFS, take 2 (seed 18) at -14: the louder one is lowered by 2 dB.
        self.assertAlmostEqual(dict(levels)[1], 1, delta=0.01)
        self.assertAlmostEqual(dict(levels)[2], 0, delta=0.01)
        self.assertAlmostEqual(dict(swapped)[2], 10 ** (-2 / 20), delta=0.01)
        self.assertAlmostEqual(dict(swapped)[1], 0, delta=0.01)

    def test_a_change_of_an_older_take_becomes_a_take_of_its_own(self):
        mock, studio = self.studio()
        self.sent(mock, studio, lambda: studio.page.click("#another"))
        studio.page.select_option("#take-select", "1")
        studio.until("s.take === 1 && s.analysis.version === 1")
        body = self.sent(mock, studio, lambda: studio.page.click("#double"))
        self.assertTrue(body["new_take"])
        self.assertNotIn("seed", body["settings"])
        self.assertEqual([take["marks"].get("tempo_factor") for take in mock.studio.takes], [None, None, 2])
        undone = self.sent(mock, studio, lambda: studio.key("Control+z"))
        self.assertFalse(undone["new_take"])
        self.assertEqual(mock.studio.takes[0]["version"], 1)


class States(PageTest):
    def test_an_analysis_shows_its_stage_and_can_be_cancelled(self):
        mock = self.serve(pace=3)
        studio = self.open(mock.address)
        work = studio.page.locator("#work-text")
        work.wait_for()
        self.assertIn("Finding poses", work.inner_text())
        studio.page.click("#work-cancel")
        studio.until("s.server.state === 'cancelled'")
        studio.page.get_by_text("there is no music yet").wait_for()
        self.assertTrue(work.is_hidden())
        mock.studio.pace = 0.05
        studio.page.get_by_role("button", name="Analyse", exact=True).click()
        studio.ready()

    def test_a_render_that_is_cancelled_leaves_the_take(self):
        mock, studio = self.studio()
        mock.studio.pace = 3
        studio.page.click("#another")
        studio.page.locator("#work-cancel").click()
        studio.until("s.server.state === 'cancelled'")
        self.assertEqual(studio.state("[s.take, s.doc.settings.seed ?? null]"), [1, None])

    def test_nobody_in_the_picture(self):
        mock = self.serve(failure={"kind": "no_person", "message": "nobody is seen for 2 s"})
        studio = self.open(mock.address)
        studio.page.get_by_text("nobody is seen for 2 s").wait_for()
        mock.studio.failure = None
        studio.page.get_by_role("button", name="Look more closely").click()
        studio.ready()
        self.assertEqual(mock.studio.requests[-1]["settings"], {"pose.quality": "high"})

    def test_no_beat_offers_a_tempo(self):
        mock = self.serve(failure={"kind": "no_beat", "message": "the movement has no beat"})
        studio = self.open(mock.address)
        studio.page.get_by_text("the movement has no beat").wait_for()
        mock.studio.failure = None
        studio.page.fill("#notice-tempo", "92")
        studio.page.get_by_role("button", name="Use this tempo").click()
        studio.ready()
        self.assertEqual(mock.studio.requests[-1]["settings"], {"tempo": "92"})

    def test_no_beat_offers_tapping(self):
        mock = self.serve(failure={"kind": "no_beat", "message": "the movement has no beat"})
        studio = self.open(mock.address)
        studio.page.get_by_role("button", name="Play, and tap with T").click()
        studio.page.wait_for_timeout(700)
        mock.studio.failure = None
        for _ in range(4):
            studio.key("t")
            studio.page.wait_for_timeout(500)
        studio.key("Enter")
        studio.ready()
        self.assertEqual(len(mock.studio.requests[-1]["marks"]["beats"]), 4)

    def test_another_error_is_shown_as_its_sentence(self):
        mock, studio = self.studio()
        mock.studio.failure = {"kind": "other", "message": "the chords 'H' cannot be read"}
        studio.page.click("#double")
        studio.page.get_by_text("the chords 'H' cannot be read").wait_for()
        self.assertEqual(studio.state("s.take"), 1)

    def test_a_lost_connection_is_said_and_what_was_changed_meanwhile_is_sent_afterwards(self):
        mock, studio = self.studio()
        mock.close()
        banner = studio.page.locator("#banner")
        banner.wait_for()
        self.assertIn("does not answer", banner.inner_text())
        studio.page.click("#double")
        studio.page.wait_for_timeout(600)
        again = Mock(mock.studio, mock.port, mock.token)
        self.addCleanup(again.close)
        banner.wait_for(state="hidden")
        studio.until("s.server.takes[0].version === 2")
        self.assertEqual(mock.studio.requests[-1]["marks"]["tempo_factor"], 2)

    def test_two_windows_follow_each_other(self):
        mock = self.serve()
        one, two = self.open(mock.address).ready(), self.open(mock.address).ready()
        time = one.beats[5]["time"]
        one.drag("beats", time, time + 0.1)
        two.until("s.server.takes[0].version === 2 && (s.doc.marks.beats ?? []).length === 5")
        two.ready()
        self.assertEqual(two.marks, one.marks)
        two.key("Control+z")
        one.until("s.server.takes[0].version === 3 && !s.doc.marks.beats")
        self.assertIn("another window", one.page.locator("#undo").get_attribute("title"))


class Keyboard(PageTest):
    sent = Corrects.sent

    def test_every_control_is_reached_by_tab_and_has_a_name(self):
        _, studio = self.studio()
        page = studio.page
        reached = set()
        for _ in range(60):
            page.keyboard.press("Tab")
            at = page.evaluate("""() => { const e = document.activeElement; const s = getComputedStyle(e);
              return [e.id, (e.getAttribute('aria-label') ?? e.textContent ?? '').trim() || e.labels?.length || e.title, s.outlineStyle]; }""")
            if at[0]:
                reached.add(at[0])
                self.assertTrue(at[1], f"{at[0]} has no name")
                self.assertNotEqual(at[2], "none", f"the focus on {at[0]} is not seen")
        for name in ("take-select", "another", "help-open", "tab-correct", "play", "loop", "half", "double", "tap", "add-hit", "ruler-box", "lanes", "splitter"):
            self.assertIn(name, reached)

    def test_a_beat_is_selected_and_moved_without_the_pointer(self):
        mock, studio = self.studio()
        studio.seek(3.0)
        studio.key(".")
        beat = studio.state("s.selection")
        self.assertEqual(beat["kind"], "beat")
        revision = studio.revision()
        for _ in range(4):
            studio.key("Alt+ArrowRight")
        studio.rendered(revision)
        times = [mark["time"] for mark in mock.studio.requests[-1]["marks"]["beats"]]
        self.assertTrue(any(abs(time - beat["time"] - 0.02) < 0.001 for time in times), times)

    def test_a_silence_is_made_of_a_loop_without_the_pointer(self):
        mock, studio = self.studio()
        studio.seek(2.0)
        studio.key("i")
        studio.seek(3.0)
        studio.key("o")
        body = self.sent(mock, studio, lambda: studio.key("s"))
        silence = body["marks"]["silences"][0]
        self.assertAlmostEqual(silence["to"] - silence["from"], 1.0, delta=2 * FRAME)

    def test_the_help_lists_the_keys_and_closes(self):
        _, studio = self.studio()
        studio.key("?")
        dialog = studio.page.locator("#help")
        dialog.wait_for()
        for text in ("Play or pause", "Tap the tempo", "Undo", "Add a hit"):
            self.assertIn(text, dialog.inner_text())
        studio.key("Escape")
        dialog.wait_for(state="hidden")

    def test_keys_in_a_field_are_text(self):
        mock, studio = self.studio()
        studio.page.click("#tab-choose")
        studio.page.click("#settings-search")
        studio.page.keyboard.type("h t s")
        studio.page.wait_for_timeout(400)
        self.assertEqual(mock.studio.requests, [])
        self.assertEqual(studio.page.locator("#settings-search").input_value(), "h t s")

    def test_tabs_are_changed_by_arrows(self):
        _, studio = self.studio()
        studio.page.locator("#tab-correct").focus()
        studio.key("ArrowRight")
        self.assertTrue(studio.page.locator("#panel-choose").is_visible())
        self.assertTrue(studio.page.locator("#panel-correct").is_hidden())


class Refuses(PageTest):
    def test_an_address_without_its_token_shows_nothing(self):
        mock = self.serve()
        page = self.window().new_page()
        self.assertEqual(page.goto(f"http://127.0.0.1:{mock.port}/").status, 403)
        self.assertEqual(page.goto(f"http://127.0.0.1:{mock.port}/{'0' * 32}/").status, 403)


if __name__ == "__main__":
    unittest.main()

"""The browser for the tests, and a page of the studio in it."""

import os
import re
import shutil
import time
import unittest
from pathlib import Path

from playwright.sync_api import sync_playwright

PLACES = [os.environ.get("CHROMIUM"), "/usr/bin/chromium", shutil.which("chromium"), shutil.which("chromium-browser")]
CHROMIUM = next((place for place in PLACES if place and os.path.exists(place)), None)
# As root, Chromium's sandbox does not start. Nothing is to be heard on the machine that runs the tests.
FLAGS = ["--mute-audio", *(["--no-sandbox"] if os.geteuid() == 0 else [])]

# For work on the page: its files come from this folder, not from the program, which then need not be
# built again.
PAGE = os.environ.get("STUDIO_PAGE")


def from_folder(route):
    """Answers with a file of PAGE instead of the program's."""
    name = route.request.url.split("?")[0].split("/", 4)[-1] or "index.html"
    file = Path(PAGE) / name
    if "/" in name or not file.is_file():
        return route.continue_()
    answer = route.fetch()
    if answer.status == 403:
        return route.fulfill(response=answer)
    kind = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}.get(file.suffix, "application/octet-stream")
    return route.fulfill(response=answer, status=200, content_type=kind, body=file.read_bytes())


class Studio:
    """A page of the studio. Errors of its scripts are collected in `faults`."""

    def __init__(self, context, address):
        self.address = address
        self.page = context.new_page()
        self.page.set_default_timeout(20_000)
        self.faults = []
        self.page.on("pageerror", lambda error: self.faults.append(f"{error.message}\n{error.stack}"))
        self.page.goto(address)

    def loaded(self, name):
        """The module of that name, as an expression in the page."""
        return f"await import(new URL('{name}.js', location.href))"

    def module(self, name, expression, argument=None):
        """The value of an expression of the module `m` of the page."""
        return self.page.evaluate(f"async (a) => {{ const m = {self.loaded(name)}; return {expression}; }}", argument)

    def state(self, expression):
        """Of the page's state, `s`."""
        return self.module("store", f"((s) => {expression})(m.state)")

    def wait(self, value, timeout=20_000, what=""):
        """Waits until `value()` is true. Playwright's own waiting evaluates text in the page, which the
        page's Content-Security-Policy forbids."""
        end = time.monotonic() + timeout / 1000
        while not value():
            if time.monotonic() > end:
                raise AssertionError(f"not within {timeout / 1000:.0f} s: {what or value}; {self.state('JSON.stringify({...s.server, takes: s.server?.takes.length})')}")
            self.page.wait_for_timeout(40)

    def until(self, expression, timeout=20_000):
        """Waits until an expression of the page's state, `s`, is true."""
        self.wait(lambda: self.state(f"Boolean({expression})"), timeout, expression)

    def until_page(self, expression, timeout=20_000):
        """Waits until an expression in the page is true."""
        self.wait(lambda: self.page.evaluate(expression), timeout, expression)

    def until_decks(self, expression):
        """Waits until an expression of the sound that is ready, `d`, is true."""
        self.wait(lambda: self.module("mixer", f"((d) => Boolean({expression}))(m.status().decks)"), what=expression)

    def ready(self, timeout=60_000):
        """Waits until the newest take is shown."""
        self.until("s.analysis && s.server?.state === 'ready' && s.analysis.version === s.server.takes.find((t) => t.id === s.take)?.version", timeout)
        self.until_page("document.querySelector('#video').readyState >= 2")
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return self

    def rendered(self, revision, timeout=60_000):
        """Waits until a request later than a revision is done, and its take is shown."""
        self.until(f"s.server.revision > {revision} && s.server.state === 'ready'", timeout)
        return self.ready(timeout)

    def revision(self):
        return self.state("s.server.revision")

    def place(self, at, lane):
        """Of a time in a lane, in pixels of the page."""
        x = self.module("view", "m.xOf(a)", at)
        middle = self.module("lanes", "((l) => l.top + l.height / 2)(m.lane(a))", lane)
        box = self.page.locator("#lanes").bounding_box()
        return box["x"] + x, box["y"] + middle

    def time_of(self, x):
        """Of a pixel of the page."""
        return self.module("view", "m.timeOf(a)", x - self.page.locator("#lanes").bounding_box()["x"])

    def drag(self, lane, at, to):
        """Drags with the mouse; the exact time at which it ends."""
        x, y = self.place(at, lane)
        end, _ = self.place(to, lane)
        mouse = self.page.mouse
        mouse.move(x, y)
        mouse.down()
        mouse.move((x + end) / 2, y, steps=4)
        mouse.move(end, y, steps=4)
        mouse.up()
        return at + (self.time_of(end) - self.time_of(x))

    def seek(self, at):
        self.module("transport", "m.seek(a)", at)
        self.until_page("!document.querySelector('#video').seeking")
        self.page.wait_for_timeout(120)
        return self.module("transport", "m.now()")

    def playhead(self):
        """Of 40 pictures of the playing video: the time of the picture, and that of the playhead drawn with it."""
        return self.page.evaluate(f"async () => {{ const lanes = {self.loaded('lanes')}; const clock = {self.loaded('clock')};" + """
          const video = document.querySelector('#video');
          const pairs = [];
          await new Promise((done) => {
            const shown = (_, data) => requestAnimationFrame(() => {
              pairs.push([clock.ofVideo(data.mediaTime), lanes.drawn.time]);
              if (pairs.length < 40) video.requestVideoFrameCallback(shown);
              else done();
            });
            video.requestVideoFrameCallback(shown);
          });
          return pairs;
        }""")

    def key(self, name):
        self.page.keyboard.press(name)

    def message(self):
        return self.page.locator("#message").inner_text()

    @property
    def beats(self):
        return self.state("s.analysis.analysis.beats")

    @property
    def marks(self):
        return self.state("s.doc.marks")


class Report(Studio):
    """A report, whose modules are one script. Errors that the browser reports are faults as well."""

    def __init__(self, context, address):
        super().__init__(context, address)
        self.page.on("console", lambda message: message.type == "error" and self.faults.append(message.text))
        self.page.reload()

    def loaded(self, name):
        return f"modules['{name}.js']"

    def ready(self):
        self.until_page("document.querySelector('#video').readyState >= 2")
        return self.drawn()

    def drawn(self):
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return self


class BrowserTest(unittest.TestCase):
    """Has one browser for a class of tests, and a fresh window with nothing stored for each test."""

    size = {"width": 1280, "height": 720}

    @classmethod
    def setUpClass(cls):
        if CHROMIUM is None:
            raise AssertionError("Chromium was not found; scripts/setup.sh web installs it, or CHROMIUM names it")
        cls.playwright = sync_playwright().start()
        cls.addClassCleanup(cls.playwright.stop)
        cls.browser = cls.playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        cls.addClassCleanup(cls.browser.close)

    def window(self, **options):
        context = self.browser.new_context(viewport=self.size, accept_downloads=True, **options)
        self.addCleanup(context.close)
        if PAGE:
            context.route(re.compile(r"/[0-9a-f]{32}/([a-z-]+\.(js|css|html))?$"), from_folder)
        return context

    def open(self, address, context=None, kind=Studio):
        studio = kind(context or self.window(), address)
        self.addCleanup(lambda: self.assertEqual(studio.faults, [], "errors of the page's scripts"))
        return studio

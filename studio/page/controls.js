// The buttons of the transport, the tabs, the splitter, the scroll bar, the clocks.

import * as actions from "./actions.js";
import { video } from "./clock.js";
import { byId, clamp, clock, icon } from "./dom.js";
import { bars } from "./draw-analysis.js";
import { applyLevels, mixer } from "./mixer.js";
import { say } from "./messages.js";
import { redo, undo } from "./session.js";
import { extent, frame, on, state } from "./store.js";
import { now, playing, seek, setLoop, step, toggle } from "./transport.js";
import { fit, scroll, view, zoom } from "./view.js";

export function muteMusic() {
  mixer.muted = !mixer.muted;
  applyLevels();
  say(mixer.muted ? "The soundtrack is off." : "The soundtrack is on.");
  draw();
}

export function muteClip() {
  if (!state.clip?.has_audio) return say("The clip has no sound.");
  video.muted = !video.muted;
  say(video.muted ? "The clip's own sound is off." : "The clip's own sound is on.");
  draw();
}

/** @param {string} id @param {boolean} on @param {string} [name] */
function pressed(id, on, name) {
  const button = byId(id);
  button.setAttribute("aria-pressed", String(on));
  if (name) button.replaceChildren(icon(name));
}

let wasPlaying = false;

function draw() {
  if (playing() !== wasPlaying) {
    wasPlaying = playing();
    const button = byId("play");
    button.replaceChildren(icon(wasPlaying ? "pause" : "play"));
    button.setAttribute("aria-label", wasPlaying ? "Pause" : "Play");
  }
  pressed("loop", state.loop !== null);
  pressed("silence", state.mode === "silence");
  pressed("choose-person", state.mode === "person");
  pressed("music-mute", !mixer.muted, mixer.muted ? "mute" : "sound");
  pressed("clip-sound", !video.muted);
  byId("clip-sound").disabled = !state.clip?.has_audio;
  const factor = Number(state.doc.marks.tempo_factor ?? 1);
  pressed("half", factor === 0.5);
  pressed("double", factor === 2);
  tick();
}

/** When the slider's value was last read to screen readers. */
let announced = 0;

/** Called for every frame of the screen while the video plays, and when the time changes. */
export function tick() {
  const time = now();
  byId("clock").textContent = clock(time);
  const beat = bars(actions.beats()).findLast((candidate) => candidate.time <= time + frame() / 2);
  byId("beat-clock").textContent = beat ? `${beat.bar}.${beat.number}` : "–.–";
  if (playing() && performance.now() - announced < 500) return;
  announced = performance.now();
  const slider = byId("ruler-box");
  slider.setAttribute("aria-valuenow", time.toFixed(3));
  slider.setAttribute("aria-valuetext", `${time.toFixed(2)} seconds${beat ? `, bar ${beat.bar}, beat ${beat.number}` : ""}`);
}

function drawScroll() {
  const { from, to } = extent();
  const all = to - from;
  const thumb = byId("scroll-thumb");
  thumb.style.left = `${((view.from - from) / all) * 100}%`;
  thumb.style.width = `${((view.to - view.from) / all) * 100}%`;
  byId("scrollbar").classList.toggle("whole", view.to - view.from >= all - 1e-6);
}

function beginScroll() {
  const bar = byId("scrollbar");
  /** @type {{x: number, from: number}|null} */
  let held = null;
  bar.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    bar.setPointerCapture(event.pointerId);
    held = { x: event.clientX, from: view.from };
  });
  bar.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (!held) return;
    const { from, to } = extent();
    scroll(held.from + ((event.clientX - held.x) / bar.clientWidth) * (to - from) - view.from);
  });
  bar.addEventListener("pointerup", () => (held = null));
}

/** @param {HTMLElement} tab */
export function showTab(tab) {
  for (const other of document.querySelectorAll("[role=tab]")) {
    const on = other === tab;
    other.setAttribute("aria-selected", String(on));
    /** @type {HTMLElement} */ (other).tabIndex = on ? 0 : -1;
    byId(other.getAttribute("aria-controls") ?? "").hidden = !on;
  }
}

function beginTabs() {
  const tabs = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[role=tab]")]);
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => showTab(tab));
    tab.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      const next = tabs[(index + by + tabs.length) % tabs.length];
      showTab(next);
      next.focus();
      event.preventDefault();
    });
  });
  // What is selected in the lanes is changed in this panel.
  on("selection", () => state.selection && showTab(byId("tab-correct")));
}

function beginSplitter() {
  const splitter = byId("splitter");
  let share = Number(localStorage.getItem("kinescore-lanes")) || 0.48;
  /** @param {number} value */
  const set = (value) => {
    share = clamp(value, 0.3, 0.75);
    document.documentElement.style.setProperty("--lanes-share", `${share * 100}vh`);
    splitter.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    localStorage.setItem("kinescore-lanes", String(share));
  };
  set(share);
  splitter.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => splitter.setPointerCapture(event.pointerId));
  splitter.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (splitter.hasPointerCapture(event.pointerId)) set(1 - event.clientY / innerHeight);
  });
  splitter.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowUp: 0.02, ArrowDown: -0.02 }[event.key];
    if (!by) return;
    set(share + by);
    event.preventDefault();
  });
}

/** @param {string} id @param {() => void} action */
function button(id, action) {
  byId(id).addEventListener("click", action);
}

export function begin() {
  button("to-start", () => seek(extent().from));
  button("back", () => step(-1));
  button("play", toggle);
  button("forth", () => step(1));
  button("loop", () => (state.loop ? setLoop(null) : setLoop({ from: Math.max(view.from, extent().from), to: Math.min(view.to, extent().to) })));
  button("half", () => actions.changeTempo(0.5));
  button("double", () => actions.changeTempo(2));
  button("downbeat", actions.downbeatHere);
  button("tap", actions.tap);
  button("add-hit", () => actions.addHit(now()));
  button("silence", actions.silence);
  button("choose-person", () => actions.setMode("person"));
  button("music-mute", muteMusic);
  button("clip-sound", muteClip);
  button("zoom-in", () => zoom(0.7, now()));
  button("zoom-out", () => zoom(1 / 0.7, now()));
  button("zoom-fit", fit);
  button("undo", undo);
  button("redo", redo);
  actions.onTap((taps) => {
    const count = byId("tap-count");
    count.hidden = !taps.length;
    count.textContent = String(taps.length);
  });
  on(["played", "loop", "mode", "doc", "clip", "analysis"], draw);
  on(["view", "clip"], drawScroll);
  on("clip", () => {
    const { from, to } = extent();
    byId("ruler-box").setAttribute("aria-valuemin", String(from));
    byId("ruler-box").setAttribute("aria-valuemax", String(to));
  });
  video.addEventListener("volumechange", draw);
  beginTabs();
  beginSplitter();
  beginScroll();
}

// Buttons to play, hear and zoom, the splitter, the scroll bar, the clocks.

import { video } from "./clock.js";
import { byId, clamp, clock, icon, recalled, remember } from "./dom.js";
import { bars } from "./draw-analysis.js";
import { applyLevels, mixer } from "./mixer.js";
import { say } from "./messages.js";
import { beats } from "./select.js";
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

/** @param {string} id @param {boolean} on @param {string} [name] of its icon */
export function pressed(id, on, name) {
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
  pressed("music-mute", !mixer.muted, mixer.muted ? "mute" : "sound");
  pressed("clip-sound", !video.muted);
  byId("clip-sound").disabled = !state.clip?.has_audio;
  tick();
}

/** When the slider's value was last read to screen readers. */
let announced = 0;

/** Called for every frame of the screen while the video plays, and when the time changes. */
export function tick() {
  const time = now();
  byId("clock").textContent = clock(time);
  const beat = bars(beats()).findLast((candidate) => candidate.time <= time + frame() / 2);
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

function beginSplitter() {
  const splitter = byId("splitter");
  let share = Number(recalled("kinescore-lanes")) || 0.48;
  /** @param {number} value */
  const set = (value) => {
    share = clamp(value, 0.3, 0.75);
    document.documentElement.style.setProperty("--lanes-share", `${share * 100}vh`);
    splitter.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    remember("kinescore-lanes", String(share));
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
export function button(id, action) {
  byId(id).addEventListener("click", action);
}

export function begin() {
  button("to-start", () => seek(extent().from));
  button("back", () => step(-1));
  button("play", toggle);
  button("forth", () => step(1));
  button("loop", () => (state.loop ? setLoop(null) : setLoop({ from: Math.max(view.from, extent().from), to: Math.min(view.to, extent().to) })));
  button("music-mute", muteMusic);
  button("clip-sound", muteClip);
  button("zoom-in", () => zoom(0.7, now()));
  button("zoom-out", () => zoom(1 / 0.7, now()));
  button("zoom-fit", fit);
  on(["played", "loop", "clip", "analysis"], draw);
  on(["view", "clip"], drawScroll);
  on("clip", () => {
    const { from, to } = extent();
    byId("ruler-box").setAttribute("aria-valuemin", String(from));
    byId("ruler-box").setAttribute("aria-valuemax", String(to));
  });
  video.addEventListener("volumechange", draw);
  beginSplitter();
  beginScroll();
}

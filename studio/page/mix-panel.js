// The panel of sound: stems with mute, solo and level, the clip's own sound.

import { onMedia, video } from "./clock.js";
import { byId, h, words } from "./dom.js";
import { applyLevels, channel, mixer, peak } from "./mixer.js";
import { on, state } from "./store.js";
import { ofInstrument } from "./theme.js";
import { playing } from "./transport.js";

const panel = byId("panel-mix");

/** @type {Map<string, HTMLElement>} */
const meters = new Map();

/** @param {string} name for screen readers @param {number} value dB @param {(value: number) => void} change */
function fader(name, value, change) {
  const shown = h("output", { class: "level" }, text(value));
  const input = h("input", {
    type: "range", min: "-40", max: "6", step: "0.5", value: String(value), "aria-label": `Level of ${name} in decibels`,
    oninput: (/** @type {any} */ event) => {
      const level = event.target.valueAsNumber <= -40 ? -60 : event.target.valueAsNumber;
      shown.textContent = text(level);
      change(level);
    },
    ondblclick: () => {
      input.value = "0";
      shown.textContent = text(0);
      change(0);
    },
  });
  return [input, shown];
}

/** @param {number} level */
const text = (level) => (level <= -40 ? "−∞ dB" : `${level > 0 ? "+" : level < 0 ? "−" : ""}${Math.abs(level).toFixed(1)} dB`);

/** @param {string} part */
function strip(part) {
  const own = channel(part);
  /** @param {"mute"|"solo"} what @param {string} letter */
  const toggle = (what, letter) => h("button", {
    type: "button", class: `square toggle ${what}`, "aria-pressed": String(own[what]), "aria-label": `${words(what)} ${part}`, title: words(what),
    onclick: (/** @type {any} */ event) => {
      own[what] = !own[what];
      event.target.setAttribute("aria-pressed", String(own[what]));
      applyLevels();
    },
  }, letter);
  const meter = h("div", { class: "meter" }, h("i", {}));
  meters.set(part, meter.firstChild);
  return h("div", { class: "strip", style: `--own:${ofInstrument(part)}` },
    h("span", { class: "name" }, words(part)), toggle("mute", "M"), toggle("solo", "S"),
    ...fader(words(part), own.level, (level) => {
      own.level = level;
      applyLevels();
    }), meter);
}

let parts = "";

function draw() {
  const wanted = JSON.stringify([state.analysis?.parts ?? [], state.clip?.has_audio]);
  if (wanted === parts) return;
  parts = wanted;
  meters.clear();
  const total = h("div", { class: "meter" }, h("i", {}));
  meters.set("", total.firstChild);
  panel.replaceChildren(
    h("section", { class: "card" }, h("h2", {}, "Stems"),
      ...(state.analysis?.parts ?? []).map(strip),
      h("div", { class: "strip total" }, h("span", { class: "name" }, "Soundtrack"), h("span", {}), h("span", {}),
        ...fader("the soundtrack", mixer.master, (level) => {
          mixer.master = level;
          applyLevels();
        }), total)),
    h("section", { class: "card" }, h("h2", {}, "Clip's own sound"),
      state.clip?.has_audio
        ? h("div", { class: "strip total" }, h("span", { class: "name" }, "Volume"), h("span", {}), h("span", {}),
            h("input", { type: "range", min: "0", max: "1", step: "0.02", value: String(video.volume), "aria-label": "Volume of the clip's own sound",
              oninput: (/** @type {any} */ event) => { video.volume = event.target.valueAsNumber; video.muted = video.volume === 0; } }))
        : h("p", { class: "hint" }, "The clip has no sound."),
      h("p", { class: "hint" }, "Levels here are for listening. Files are written with the mix as it is; the setting “Clip's own sound” says what the video gets.")),
  );
}

/** Called for every frame of the screen while the video plays. */
export function tick() {
  if (panel.hidden) return;
  for (const [part, bar] of meters) {
    const level = peak(part === "" ? undefined : part);
    const shown = level > 0 ? Math.max(0, 1 + (20 * Math.log10(level)) / 48) : 0;
    bar.style.transform = `scaleX(${Math.min(1, shown)})`;
  }
}

export function begin() {
  on(["analysis", "clip", "theme"], draw);
  onMedia("pause", () => !playing() && [...meters.values()].forEach((bar) => (bar.style.transform = "scaleX(0)")));
  draw();
}

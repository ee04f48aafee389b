// The panel of corrections: what is selected, what the next hit is like, and the list of marks.

import * as actions from "./actions.js";
import { byId, h, unlessTyping } from "./dom.js";
import { barOf, count, isFixed, listed } from "./marks.js";
import { commit } from "./session.js";
import { emit, on, state } from "./store.js";
import { seek } from "./transport.js";
import { reveal } from "./view.js";

const panel = byId("panel-correct");
/** What can answer a hit, and its name. */
const ANSWERS = [["drums", "Drums", "Snare and kick, with a crash if it is strong"], ["chord", "Chord", "All instruments, with the chord"], ["stop", "Stop before", "A short silence before it"]];

/** @typedef {import("./types.js").Selection} Selection */

/** @param {Selection} selection */
function go(selection) {
  actions.select(selection);
  seek(selection.time);
  reveal(selection.time);
}

/** @param {number} time @param {(time: number) => void} change */
function timeField(time, change) {
  return h("label", { class: "field" }, "Time, s", h("input", {
    type: "number", step: "0.001", min: "0", value: time.toFixed(3), "aria-label": "Time in seconds",
    onchange: (/** @type {any} */ event) => Number.isFinite(event.target.valueAsNumber) && change(event.target.valueAsNumber),
  }));
}

/** Strength and answers of a hit. @param {{strength: number, answer: string[]}} hit @param {(change: any) => void} change */
function hitFields(hit, change) {
  const value = h("output", {}, `${Math.round(hit.strength * 100)} %`);
  return [
    h("label", { class: "field" }, "Strength", h("input", {
      type: "range", min: "0.05", max: "1", step: "0.05", value: String(hit.strength), "aria-label": "Strength of the hit",
      oninput: (/** @type {any} */ event) => (value.textContent = `${Math.round(event.target.valueAsNumber * 100)} %`),
      onchange: (/** @type {any} */ event) => change({ strength: event.target.valueAsNumber }),
    }), value),
    h("fieldset", { class: "checks" }, h("legend", {}, "Answer"), ...ANSWERS.map(([word, name, help]) =>
      h("label", { title: help }, h("input", {
        type: "checkbox", checked: hit.answer.includes(word),
        onchange: (/** @type {any} */ event) => {
          const answer = ANSWERS.map(([each]) => each).filter((each) => (each === word ? event.target.checked : hit.answer.includes(each)));
          if (answer.length) change({ answer });
          else event.target.checked = true;
        },
      }), name))),
  ];
}

/** @param {Selection} selection @returns {Node[]} */
function inspector({ kind, time }) {
  const remove = h("button", { type: "button", class: "danger", onclick: actions.deleteSelected }, kind === "removed" ? "Restore" : "Delete");
  const { marks } = state.doc;
  if (kind === "beat") {
    const index = actions.beatAt(time);
    const beat = actions.beats()[index];
    if (!beat) return [];
    const fixed = isFixed(marks, time);
    return [
      h("h2", {}, `Beat ${beat.number} of ${barOf(actions.beats())}`, h("span", { class: fixed ? "badge on" : "badge" }, fixed ? "fixed" : "as found")),
      timeField(time, (to) => actions.moveBeat(index, to)),
      h("div", { class: "row" },
        h("button", { type: "button", onclick: actions.downbeatHere }, "Downbeat here"),
        h("button", { type: "button", disabled: !fixed, onclick: actions.releaseSelected, title: "The program chooses where it is" }, "As found"), remove),
    ];
  }
  if (kind === "hit") {
    const hit = (marks.hits ?? []).find((each) => Math.abs(each.time - time) < 0.002);
    if (!hit) return [];
    return [
      h("h2", {}, "Hit"),
      timeField(time, (to) => actions.changeHit(time, { time: to })),
      h("label", { class: "field" }, "Name", h("input", {
        type: "text", maxlength: "80", value: hit.label ?? "", placeholder: "such as jump",
        onchange: (/** @type {any} */ event) => actions.changeHit(time, { label: event.target.value.trim() }),
      })),
      ...hitFields({ strength: hit.strength ?? 1, answer: hit.answer ?? ["drums"] }, (change) => actions.changeHit(time, change)),
      h("div", { class: "row" }, remove),
    ];
  }
  if (kind === "silence") {
    const silence = (marks.silences ?? []).find(({ from }) => Math.abs(from - time) < 0.002);
    if (!silence) return [];
    const end = h("label", { class: "field" }, "To, s", h("input", {
      type: "number", step: "0.001", value: silence.to.toFixed(3), "aria-label": "End in seconds",
      onchange: (/** @type {any} */ event) => event.target.valueAsNumber > silence.from && actions.changeSilence(time, silence.from, event.target.valueAsNumber),
    }));
    return [h("h2", {}, "Silence"), timeField(time, (from) => actions.changeSilence(time, from, silence.to)), end, h("div", { class: "row" }, remove)];
  }
  if (kind === "removed") return [h("h2", {}, "Removed accent"), h("p", {}, `${time.toFixed(3)} s`), h("div", { class: "row" }, remove)];
  const accent = actions.accents().find((each) => Math.abs(each.time - time) < 0.002);
  if (!accent) return [];
  const moved = (marks.accents?.moved ?? []).some(({ to }) => Math.abs(to - time) < 0.002);
  const how = accent.kind === "impact" ? `impact (${accent.impact ?? "stop"})` : "fast movement";
  return [
    h("h2", {}, "Accent"),
    h("p", { class: "hint" }, `${accent.part}, ${how}, strength ${Math.round(accent.strength * 100)} %`),
    timeField(time, (to) => actions.moveAccent(time, to)),
    h("div", { class: "row" }, h("button", { type: "button", disabled: !moved, onclick: actions.releaseSelected }, "As found"), remove),
  ];
}

function list() {
  const { marks } = state.doc;
  const rows = listed(marks);
  const factor = Number(marks.tempo_factor ?? 1);
  const heading = h("h2", {}, "Your marks", h("span", { class: "badge" }, String(count(marks))),
    h("span", { class: "space" }), count(marks) > 0 && h("button", { type: "button", class: "quiet", onclick: actions.clearMarks }, "Clear all"));
  if (!count(marks)) {
    return [heading, h("p", { class: "hint" }, "Nothing is corrected yet. Drag a beat in the lanes; double-click between beats adds one; H adds a hit where the playhead is. Each change is heard at once, and Ctrl+Z takes it back.")];
  }
  return [
    heading,
    factor !== 1 && h("p", { class: "hint" }, factor === 2 ? "Beats are twice as fast as found." : "Beats are half as fast as found."),
    h("ul", { class: "marks" }, ...rows.map((row) => h("li", {},
      h("button", { type: "button", class: "mark", onclick: () => row.selection && go(row.selection) }, h("span", { class: "when" }, row.time.toFixed(2)), row.text),
      h("button", { type: "button", class: "square quiet", "aria-label": `Forget: ${row.text} at ${row.time.toFixed(2)} s`, title: "Forget this mark", onclick: () => commit({ marks: row.without }, "forget mark") }, "×")))),
  ];
}

function draw() {
  const focus = focusPath();
  const about = state.selection ? inspector(state.selection) : [];
  const next = [
    h("h2", {}, "Next hit"),
    ...hitFields(state.hit, (change) => {
      Object.assign(state.hit, change);
      emit("selection");
    }),
    h("p", { class: "hint" }, "H puts it where the playhead is; the music strikes at that very instant."),
  ];
  panel.replaceChildren(h("section", { class: "card" }, ...(about.length ? about : next)), h("section", { class: "card" }, ...list().filter(Boolean)));
  refocus(focus);
}

/** Where the focus is in the panel, so that it stays when the panel is drawn again. */
function focusPath() {
  const { activeElement } = document;
  if (!activeElement || !panel.contains(activeElement)) return -1;
  return [...panel.querySelectorAll("button, input")].indexOf(activeElement);
}

/** @param {number} index */
function refocus(index) {
  if (index < 0) return;
  const all = /** @type {NodeListOf<HTMLElement>} */ (panel.querySelectorAll("button, input"));
  (all[Math.min(index, all.length - 1)] ?? panel).focus({ preventScroll: true });
}

export function begin() {
  on(["doc", "selection", "analysis"], unlessTyping(panel, draw));
  draw();
}

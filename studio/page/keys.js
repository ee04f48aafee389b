// The keyboard: one table for what keys do and for the help. Keys that change something are in edit-keys.js.

import { byId, h } from "./dom.js";
import { muteClip, muteMusic } from "./controls.js";
import { selectNext } from "./select.js";
import { extent, state } from "./store.js";
import { now, seek, setLoop, step, toggle } from "./transport.js";
import { fit, scroll, view, zoom } from "./view.js";

/** @typedef {[string, string[], string, () => void]} Row group, keys as `Ctrl+Shift+Z`, what they do, the action */

/** The loop from one edge at the playhead to the other. @param {"from"|"to"} edge */
function loopEdge(edge) {
  const { from, to } = state.loop ?? extent();
  const time = now();
  if (edge === "from") setLoop({ from: time, to: to > time ? to : extent().to });
  else setLoop({ from: from < time ? from : extent().from, to: time });
}

/** Keys to see and hear. @type {Row[]} */
export const SEE = [
  ["Play", ["Space"], "Play or pause", toggle],
  ["Play", ["ArrowLeft"], "One frame back", () => step(-1)],
  ["Play", ["ArrowRight"], "One frame forward", () => step(1)],
  ["Play", ["Shift+ArrowLeft"], "One second back", () => seek(now() - 1)],
  ["Play", ["Shift+ArrowRight"], "One second forward", () => seek(now() + 1)],
  ["Play", ["Home"], "To the start", () => seek(extent().from)],
  ["Play", ["End"], "To the end", () => seek(extent().to)],
  ["Play", ["I"], "Loop from the playhead", () => loopEdge("from")],
  ["Play", ["O"], "Loop to the playhead", () => loopEdge("to")],
  ["Play", ["L"], "No loop", () => setLoop(null)],
  ["Play", ["M"], "Soundtrack on or off", muteMusic],
  ["Play", ["Shift+M"], "Clip's own sound on or off", muteClip],
  ["Lanes", ["+", "="], "Zoom in (also Ctrl and wheel)", () => zoom(0.7, now())],
  ["Lanes", ["-"], "Zoom out", () => zoom(1 / 0.7, now())],
  ["Lanes", ["0"], "Show all", fit],
  ["Lanes", ["PageUp"], "Scroll back", () => scroll((view.from - view.to) * 0.8)],
  ["Lanes", ["PageDown"], "Scroll forward", () => scroll((view.to - view.from) * 0.8)],
  ["Beats", ["."], "Select the next beat", () => selectNext(1, "beat")],
  ["Beats", [","], "Select the previous beat", () => selectNext(-1, "beat")],
  ["Marks", ["]"], "Select the next hit", () => selectNext(1, "hit")],
  ["Marks", ["["], "Select the previous hit", () => selectNext(-1, "hit")],
  ["Marks", [">"], "Select the next accent", () => selectNext(1, "accent")],
  ["Marks", ["<"], "Select the previous accent", () => selectNext(-1, "accent")],
  ["Marks", ["Shift+S"], "Select the next silence", () => selectNext(1, "silence")],
  ["Work", ["F6"], "To the next part of the page", nextPart],
  ["Work", ["?"], "This help", () => showHelp()],
];

/** @type {Row[]} */
let table = SEE;
let sentence = "";
/** @type {((digit: string) => boolean)|undefined} */
let digit;

/** The parts of the page between which F6 goes. */
function nextPart() {
  const parts = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#take-select, [role=tab][aria-selected=true], #panel-report, #play, #ruler-box, #lanes"));
  const { activeElement } = document;
  const at = [...parts].findLastIndex((part) => part === activeElement || (activeElement && part.compareDocumentPosition(activeElement) & Node.DOCUMENT_POSITION_FOLLOWING));
  parts[(at + 1) % parts.length].focus();
}

/** A key press as the table writes it. @param {KeyboardEvent} event @returns {string[]} */
function names(event) {
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const printed = event.key.length === 1 && event.key.toUpperCase() === event.key.toLowerCase();
  const modifiers = [(event.ctrlKey || event.metaKey) && "Ctrl", event.altKey && "Alt", event.shiftKey && "Shift"].filter(Boolean);
  const full = [...modifiers, key].join("+");
  // The shift of a sign such as ? is part of how it is typed.
  return printed && event.shiftKey ? [full, [...modifiers.filter((name) => name !== "Shift"), key].join("+")] : [full];
}

/** Keys that a slider, a separator, a choice and a button use themselves. */
const MOVES = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];
const PRESSES = [" ", "Enter"];

/** Whether a key belongs to what has the focus. @param {KeyboardEvent} event */
function theirs(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (byId("help").open) return event.key !== "?";
  if (target.matches("input[type=text], input[type=search], input[type=number]")) {
    if (event.key === "Escape") target.blur();
    return event.key !== "F6";
  }
  if (!plain) return false;
  if (target.matches("select")) return event.key.length === 1 || [...MOVES, ...PRESSES].includes(event.key);
  if (target.matches("input[type=range], [role=separator]")) return MOVES.includes(event.key);
  if (target.matches("[role=tab]") && event.key.startsWith("Arrow")) return true;
  return target.matches("button, a, input[type=checkbox]") && PRESSES.includes(event.key) && !target.matches(".play");
}

/** @param {KeyboardEvent} event */
function press(event) {
  if (event.isComposing || theirs(event)) return;
  if (/^[1-9]$/.test(event.key) && digit?.(event.key)) return;
  const wanted = names(event);
  const row = table.find(([, keys]) => keys.some((key) => wanted.includes(key)));
  if (!row) return;
  event.preventDefault();
  row[3]();
}

/** @param {string} key */
function printed(key) {
  const signs = { ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", PageUp: "Page ↑", PageDown: "Page ↓" };
  return key.split(/\+(?=.)/).map((part) => h("kbd", {}, /** @type {Record<string, string>} */ (signs)[part] ?? part));
}

export function showHelp() {
  const dialog = byId("help");
  if (dialog.open) return dialog.close();
  const groups = [...new Set(table.map(([group]) => group))];
  dialog.replaceChildren(
    h("header", {}, h("h2", { id: "help-title" }, "Help and keys"), h("span", { class: "space" }), h("button", { type: "button", autofocus: true, onclick: () => dialog.close() }, "Close")),
    h("p", {}, sentence),
    h("div", { class: "keys" }, ...groups.map((group) => h("section", {}, h("h3", {}, group), h("dl", {}, ...table.filter(([own]) => own === group).flatMap(([, keys, text]) => [h("dt", {}, ...printed(keys[0])), h("dd", {}, text)]))))));
  dialog.showModal();
}

/** Whether the pointer was used last, rather than a key. */
let pointed = false;

/** A button that was clicked gives the keyboard back, so that space plays and does not press it again. @param {Event} event */
function giveBack(event) {
  const target = /** @type {HTMLElement} */ (event.target).closest("button, select, input[type=range], input[type=checkbox]");
  if (pointed && target instanceof HTMLElement && !target.closest("dialog")) target.blur();
}

/** @param {Row[]} rows @param {string} text what the pointer does @param {(digit: string) => boolean} [onDigit] whether a digit was used */
export function begin(rows, text, onDigit) {
  [table, sentence, digit] = [rows, text, onDigit];
  document.addEventListener("keydown", press);
  document.addEventListener("pointerdown", () => (pointed = true), { capture: true });
  document.addEventListener("keydown", () => (pointed = false), { capture: true });
  document.addEventListener("click", (event) => /** @type {HTMLElement} */ (event.target).closest("button, input[type=checkbox]") && giveBack(event));
  document.addEventListener("change", giveBack);
  byId("help-open").addEventListener("click", showHelp);
}

// The takes: which is shown, comparing two, and what can be taken away.

import { getJson } from "./api.js";
import { copyText } from "./copy.js";
import { byId, h } from "./dom.js";
import { say } from "./messages.js";
import { anotherTake, choose, report } from "./session.js";
import { emit, on, state, takeOf, versionOf } from "./store.js";
import { count } from "./marks.js";

const panel = byId("panel-takes");
const save = byId("panel-save");
/** @type {HTMLSelectElement} */
const select = byId("take-select");
const ab = byId("ab");

/** @param {import("./types.js").Take} take */
function summary(take) {
  const changed = Object.entries(take.settings ?? {}).filter(([key]) => key !== "seed").map(([key, value]) => `${key.split(".").at(-1)} ${value}`);
  const marks = count(take.marks ?? { format: "kinescore-marks", version: 1 });
  if (marks) changed.push(`${marks} mark${marks === 1 ? "" : "s"}`);
  return changed.join(" · ") || "as found";
}

/** Hears the other take of the comparison, at the same place. */
export function swap() {
  if (state.other === null || state.take === null) {
    const takes = state.server?.takes ?? [];
    const other = takes.findLast((take) => take.id !== state.take);
    if (!other) return say("There is one take. N makes another to compare it with.");
    state.other = other.id;
  }
  const [now, then] = [Number(state.other), Number(state.take)];
  state.other = then;
  choose(now);
  say(`${takeOf(now)?.label ?? "Take"} (compared with ${takeOf(then)?.label ?? ""})`);
}

/** @param {number|null} id */
function compare(id) {
  state.other = state.other === id ? null : id;
  emit("takes");
}

function drawTakes() {
  const takes = state.server?.takes ?? [];
  const rows = [...takes].reverse().map((take) => {
    const shown = take.id === state.take;
    const other = take.id === state.other;
    return h("li", { class: shown ? "take shown" : "take" },
      h("button", { type: "button", class: "take-name", "aria-pressed": String(shown), onclick: () => choose(take.id) },
        h("b", {}, take.label), h("span", { class: "seed" }, `seed ${take.seed}`), h("span", { class: "what" }, summary(take))),
      !shown && h("button", { type: "button", class: "toggle", "aria-pressed": String(other), title: "Compare the shown take with this one", "aria-label": `Compare with ${take.label}`, onclick: () => compare(take.id) }, "Compare"));
  });
  panel.replaceChildren(
    h("section", { class: "card" }, h("h2", {}, "Takes", h("span", { class: "space" }), h("button", { type: "button", class: "primary", onclick: anotherTake, disabled: !takes.length }, "Another take")),
      h("ul", { class: "takes" }, ...rows),
      h("p", { class: "hint" }, state.other === null
        ? "A change replaces the newest take; a change in an older one makes a take of its own. Compare plays two at the same place and equally loud."
        : `B switches between ${takeOf(state.take)?.label} and ${takeOf(state.other)?.label}, at the same place and equally loud.`)));
  select.replaceChildren(...takes.map((take) => h("option", { value: String(take.id), selected: take.id === state.take }, take.label)));
  select.disabled = !takes.length;
  byId("another").disabled = !takes.length;
  ab.disabled = takes.length < 2;
  ab.setAttribute("aria-pressed", String(state.other !== null));
}

/** What can be saved of a take: address, name, and what it is. */
const FILES = [
  ["video", "Video", "clip with soundtrack"],
  ["wav", "WAV", "24 bits, for editors"],
  ["midi", "MIDI", "a track for each part"],
  ["marks", "Marks", "what you corrected"],
  ["json", "JSON", "beats and accents"],
];

/** The line that is shown, and of which take it is. */
let line = { of: "", text: "" };

async function drawSave() {
  const take = takeOf(state.take);
  if (!take) {
    save.replaceChildren(h("section", { class: "card" }, h("p", { class: "hint" }, "There is no take yet.")));
    return;
  }
  const version = `${versionOf(take)}${JSON.stringify(state.analysis?.parts ?? [])}`;
  if (line.of === version) return;
  line = { of: version, text: "" };
  const code = h("code", { class: "line", tabindex: "0" }, "…");
  const copy = h("button", { type: "button", disabled: true, onclick: () => copyText(code) }, "Copy");
  save.replaceChildren(
    h("section", { class: "card" }, h("h2", {}, take.label),
      h("div", { class: "files" }, ...FILES.map(([path, name, what]) => h("a", { class: "file", href: `api/takes/${take.id}/${path}`, download: "", id: `save-${path}`, onclick: () => path === "video" && say("The video is written; the download begins when it is done.") }, h("b", {}, name), h("span", {}, what)))),
      h("h3", {}, "Stems"),
      h("div", { class: "chips" }, ...(state.analysis?.parts ?? []).map((part) => h("a", { class: "chip", href: `api/takes/${take.id}/stems/${encodeURIComponent(part)}.wav`, download: "" }, part)))),
    h("section", { class: "card" }, h("h2", {}, "The same from a terminal", h("span", { class: "space" }), copy), code));
  try {
    const { command } = await getJson(`api/takes/${take.id}/command`);
    if (line.of !== version) return;
    line.text = command;
    code.textContent = command;
    copy.disabled = false;
  } catch (error) {
    line.of = "";
    report(error);
  }
}

export function begin() {
  on("takes", drawTakes);
  on(["takes", "analysis"], drawSave);
  select.addEventListener("change", () => choose(Number(select.value)));
  ab.addEventListener("click", swap);
  byId("another").addEventListener("click", anotherTake);
  drawTakes();
  drawSave();
}

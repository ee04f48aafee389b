// The panel of settings: the program's own table, with its help.

import { byId, h, unlessTyping, words } from "./dom.js";
import { resetSettings, setSetting, valueOf } from "./session.js";
import { on, state } from "./store.js";

/** @typedef {import("./types.js").Setting} Setting */

const panel = byId("panel-choose");

/** Groups in their order, each with the settings that it begins with or all that begin so. @type {[string, (string|RegExp)[]][]} */
const GROUPS = [
  ["Music", ["drums.style", "music.mood", "music.key", "music.chords", "music.instruments", "music.palette", "music.energy", "drums.follow", "seed"]],
  ["Rhythm", ["tempo", "beats.per_bar", "tempo.min", "tempo.max", /^beats\./, /^hits\./]],
  ["Players", ["drums.kit", /^drums\./, /^music\./]],
  ["Movement", [/^pose\./]],
  ["Sound and files", [/./]],
];
/** Names that say more than the key's last word. @type {Record<string, string>} */
const NAMES = {
  "drums.temperature": "Drummer's daring", "drums.top_p": "Drummer's choice", "music.temperature": "Players' daring",
  "music.top_p": "Players' choice", "beats.per_bar": "Beats per bar", "beats.source": "Beats from", "hits.from_cuts": "Hits at cuts", "tempo.min": "Slowest tempo",
  "tempo.max": "Fastest tempo", original: "Clip's own sound", "midi.tempo": "MIDI tempo", "midi.drums": "MIDI drums",
  "sound.rate": "Sample rate", provenance: "Say what made it", "pose.quality": "Pose quality", "pose.rate": "Pose rate",
};

/** @param {string} key */
const nameOf = (key) => NAMES[key] ?? words(key.split(".").at(-1) ?? key);

/** The settings by group; each is in the first that it belongs to. */
function grouped() {
  const left = new Set(state.settings);
  return GROUPS.map(([name, wanted]) => {
    const rows = wanted.flatMap((want) => [...left].filter(({ key }) => (typeof want === "string" ? key === want : want.test(key))).filter((row) => left.delete(row)));
    return { name, rows };
  }).filter(({ rows }) => rows.length);
}

/** @param {Setting} row @returns {any} */
function control(row) {
  const value = valueOf(row.key);
  const id = `set-${row.key}`;
  const common = { id, "aria-describedby": `${id}-help`, "aria-invalid": row.key in state.faults ? "true" : false };
  /** @param {any} event */
  const taken = (event) => setSetting(row.key, event.target.value.trim() || row.default, `${nameOf(row.key)}: ${event.target.value.trim() || row.default}`);
  if (row.kind === "list") return list(row, value);
  if (row.words && (row.kind === "choice" || row.kind === "switch")) {
    return h("select", { ...common, onchange: taken }, ...row.words.map((word) => h("option", { value: word, selected: word === value }, word)));
  }
  const number = row.kind === "integer" || row.kind === "number";
  const bounded = number && row.least !== null && row.most !== null && row.most - row.least <= 40;
  const text = h("input", {
    ...common, type: "text", inputmode: number ? "decimal" : "text", value: value === row.default ? "" : value, spellcheck: "false", autocomplete: "off",
    placeholder: row.default, onchange: taken, class: bounded ? "short" : false,
  });
  if (!bounded) return text;
  const step = row.kind === "integer" ? 1 : Number(row.most) - Number(row.least) <= 5 ? 0.05 : 1;
  const slider = h("input", {
    type: "range", min: String(row.least), max: String(row.most), step: String(step), "aria-label": `${nameOf(row.key)}, slider`,
    value: Number.isFinite(Number(value)) && value !== "" ? value : String((Number(row.least) + Number(row.most)) / 2),
    class: Number.isFinite(Number(value)) ? false : "unset",
    oninput: (/** @type {any} */ event) => (text.value = event.target.value),
    onchange: taken,
  });
  return h("div", { class: "slider" }, slider, text);
}

/** Words of which several can be chosen. @param {Setting} row @param {string} value */
function list(row, value) {
  const chosen = value.split(",").map((word) => word.trim());
  return h("div", { class: "chips", role: "group", "aria-label": nameOf(row.key) }, ...(row.words ?? []).map((word) =>
    h("button", {
      type: "button", class: "chip", "aria-pressed": String(chosen.includes(word)), id: `set-${row.key}-${word}`,
      onclick: () => {
        const others = chosen.filter((other) => other !== word && other !== "auto");
        const next = word === "auto" ? ["auto"] : chosen.includes(word) ? others : [...others, word];
        const ordered = (row.words ?? []).filter((each) => next.includes(each));
        setSetting(row.key, ordered.join(",") || row.default, `${nameOf(row.key)}: ${ordered.join(", ") || row.default}`);
      },
    }, word)));
}

let sought = "";

/** Words by which people look for a setting that does not have them. @type {Record<string, string>} */
const ALSO = { tempo: "bpm speed", "tempo.min": "bpm", "tempo.max": "bpm", "drums.style": "genre", "music.palette": "sounds instruments" };

/** @param {Setting} row */
const matches = (row) =>
  `${row.key} ${nameOf(row.key)} ${row.help} ${(row.words ?? []).join(" ")} ${ALSO[row.key] ?? ""}`.toLowerCase().includes(sought);

/** @param {Setting} row */
function line(row) {
  const id = `set-${row.key}`;
  const changed = valueOf(row.key) !== row.default;
  const fault = state.faults[row.key];
  return h("div", { class: changed ? "setting changed" : "setting", hidden: !matches(row), "data-key": row.key },
    h("div", { class: "setting-head" },
      h("label", { for: id }, nameOf(row.key)),
      changed && h("button", { type: "button", class: "reset", title: `Back to ${row.default}`, "aria-label": `${nameOf(row.key)}: back to ${row.default}`, onclick: () => setSetting(row.key, row.default, `${nameOf(row.key)} as usual`) }, "reset"),
      h("code", {}, row.key)),
    control(row),
    h("p", { class: "hint", id: `${id}-help` }, row.help),
    fault && h("p", { class: "fault", role: "alert" }, fault));
}

const body = h("div", {});

function draw() {
  const { activeElement } = document;
  const focus = activeElement && body.contains(activeElement) ? activeElement.id : null;
  const top = panel.scrollTop;
  const changed = Object.keys(state.doc.settings).length;
  body.replaceChildren(...grouped().map(({ name, rows }) => {
    const shown = rows.some(matches);
    return h("section", { class: "card", hidden: !shown }, h("h2", {}, name), ...rows.map(line));
  }));
  if (!state.settings.some(matches)) {
    body.append(h("p", { class: "hint", id: "settings-none" }, `No setting has “${sought}” in its name, values or help.`));
  }
  reset.hidden = !changed;
  reset.textContent = `Reset ${changed} changed`;
  panel.scrollTop = top;
  if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
}

const reset = h("button", { type: "button", class: "quiet", onclick: resetSettings, hidden: true });

export function begin() {
  const search = h("input", {
    type: "search", id: "settings-search", placeholder: "Search settings", "aria-label": "Search settings",
    oninput: (/** @type {any} */ event) => {
      sought = event.target.value.trim().toLowerCase();
      draw();
    },
  });
  panel.replaceChildren(h("div", { class: "sticky" }, search, reset), body);
  on(["settings", "doc"], unlessTyping(body, draw));
}

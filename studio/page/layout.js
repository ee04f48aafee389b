// Where each lane lies: name, top and height in CSS pixels.

import { state } from "./store.js";
import { words } from "./dom.js";

/** @typedef {{id: string, label: string, top: number, height: number, help: string}} Lane */

/** Drums from top to bottom. */
const DRUM_ORDER = ["crash", "ride", "open_hat", "closed_hat", "high_tom", "mid_tom", "low_tom", "snare", "kick"];

/** @param {string} name */
const plain = (name) => name.toLowerCase().replace(/[^a-z]/g, "");

/** The drums that are played, from top to bottom. */
export function drumClasses() {
  const played = new Set((state.analysis?.drums ?? []).map((hit) => hit.class));
  const order = DRUM_ORDER.map(plain);
  return [...played].sort((a, b) => order.indexOf(plain(a)) - order.indexOf(plain(b)));
}

/** Whether there is something to show in a lane, or will be: a report may have no music. @param {string} id */
function known(id) {
  const { analysis, readOnly } = state;
  if (!readOnly || !analysis) return true;
  if (id === "chords") return Boolean(analysis.analysis.music);
  if (id === "notes") return analysis.notes !== null;
  return id !== "wave" || analysis.peaks !== null;
}

/**
 * The lanes for a height. What a person changes keeps its height; the others share what is left.
 * @param {number} total @returns {Lane[]}
 */
export function layout(total) {
  const drums = drumClasses();
  const { readOnly } = state;
  /** @type {[string, string, number, number, string][]} id, label, least height, share of what is left, help */
  const all = [
    ["movement", "Movement", 28, 1, "How strongly the body moves; bands: it holds still; dashes: the video's cuts"],
    ["accents", "Accents", 22, 0.2, `Sudden movements, by part of the body${readOnly ? "" : ": drag, or delete"}`],
    ["beats", "Beats", 28, 0.2, readOnly ? "Beats and bars" : "Drag a beat; double-click adds one"],
    ["marks", "Hits & silences", 22, 0.2, `${readOnly ? "What was asked" : "What you ask"} for: hits at their instant, silences`],
    ["chords", "Chords", 18, 0.1, ""],
    ["notes", "Notes", 52, 2.6, "Piano roll, coloured by instrument"],
    ...drums.map((name) => /** @type {[string, string, number, number, string]} */ ([`drum:${name}`, words(name), 11, 0.3, "Taller is louder"])),
    ["wave", "Sound", 28, 1.2, "Waveform of the soundtrack"],
  ];
  const rows = all.filter(([id]) => known(id));
  const least = rows.reduce((sum, row) => sum + row[2], 0);
  const shares = rows.reduce((sum, row) => sum + row[3], 0);
  const spare = Math.max(0, total - least);
  let top = 0;
  return rows.map(([id, label, height, share, help]) => {
    const lane = { id, label, top, height: height + (spare * share) / shares, help };
    top += lane.height;
    return lane;
  });
}

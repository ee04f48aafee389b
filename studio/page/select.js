// What is selected in the lanes, and what can be.

import { say } from "./messages.js";
import { emit, state } from "./store.js";
import { now, playing, seek } from "./transport.js";
import { reveal } from "./view.js";

/** @typedef {import("./types.js").Selection} Selection */

/** @returns {import("./types.js").Beat[]} */
export const beats = () => state.analysis?.analysis.beats ?? [];
/** @returns {import("./types.js").Accent[]} */
export const accents = () => state.analysis?.analysis.accents ?? [];

/** @param {Selection|null} selection */
export function select(selection) {
  state.selection = selection;
  emit("selection");
}

/** The place of the beat at a time. @param {number} time */
export const beatAt = (time) => beats().findIndex((beat) => Math.abs(beat.time - time) < 0.002);

/** Selects the next or previous one of all that can be selected in a lane. @param {1|-1} by @param {"beat"|"hit"|"accent"|"silence"} kind */
export function selectNext(by, kind) {
  const own = state.doc.marks;
  const times = {
    beat: beats().map(({ time }) => time),
    hit: (own.hits ?? []).map(({ time }) => time),
    accent: accents().map(({ time }) => time),
    silence: (own.silences ?? []).map(({ from }) => from),
  }[kind];
  const here = state.selection?.kind === kind ? state.selection.time : now();
  const chosen = by > 0 ? times.find((time) => time > here + 0.002) : times.findLast((time) => time < here - 0.002);
  if (chosen === undefined) return say(`There is no ${kind} ${by > 0 ? "after" : "before"} this.`);
  select({ kind, time: chosen });
  reveal(chosen);
  if (!playing()) seek(chosen);
  const index = kind === "beat" ? beatAt(chosen) : -1;
  say(index >= 0 ? `Beat ${beats()[index].number} of the bar, ${chosen.toFixed(3)} s` : `${kind} at ${chosen.toFixed(3)} s`);
}

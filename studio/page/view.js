// The part of the time axis that the lanes show.

import { clamp } from "./dom.js";
import { emit, extent, on } from "./store.js";

/** The shortest part that can be shown, in seconds. */
const SHORTEST = 0.25;

export const view = { from: 0, to: 10, /** CSS pixels */ width: 800 };

/** @param {number} time */
export const xOf = (time) => ((time - view.from) / (view.to - view.from)) * view.width;
/** @param {number} x */
export const timeOf = (x) => view.from + (x / view.width) * (view.to - view.from);
/** Seconds of so many pixels. @param {number} pixels */
export const span = (pixels) => (pixels / view.width) * (view.to - view.from);

/** @param {number} from @param {number} to */
function set(from, to) {
  const all = extent();
  const length = clamp(to - from, Math.min(SHORTEST, all.to - all.from), all.to - all.from);
  const start = clamp(from, all.from, all.to - length);
  if (start === view.from && start + length === view.to) return;
  view.from = start;
  view.to = start + length;
  emit("view");
}

/** @param {number} factor below 1 shows less, larger @param {number} around the time that stays in its place */
export function zoom(factor, around) {
  const share = clamp((around - view.from) / (view.to - view.from), 0, 1);
  const length = clamp((view.to - view.from) * factor, SHORTEST, extent().to - extent().from);
  set(around - share * length, around + (1 - share) * length);
}

/** @param {number} seconds */
export const scroll = (seconds) => set(view.from + seconds, view.to + seconds);

export function fit() {
  const { from, to } = extent();
  set(from, to);
}

/** Turns the page when the playhead leaves it. @param {number} time */
export function follow(time) {
  const length = view.to - view.from;
  if (time > view.to - length * 0.02 && view.to < extent().to) set(time - length * 0.1, time + length * 0.9);
  else if (time < view.from) set(time - length * 0.1, time + length * 0.9);
}

/** Shows a time, if it is not. @param {number} time */
export function reveal(time) {
  const length = view.to - view.from;
  if (time < view.from || time > view.to) set(time - length / 2, time + length / 2);
}

/** @param {number} width */
export function resize(width) {
  view.width = Math.max(50, width);
}

on("clip", fit);

// Colours for canvases, from the style sheet, which knows light and dark.

import { emit } from "./store.js";

const NAMES = [
  "ink", "muted", "faint", "line", "panel", "lane", "lane-alt", "beat", "downbeat", "movement", "activation", "hold",
  "wave", "chord", "playhead", "loop", "select", "fixed", "hit", "silence", "feet", "hands", "trunk", "head", "whole",
  "left", "right", "middle", "drums", "bass", "piano", "guitar", "lead", "pad", "strings",
];

/** @type {Record<string, string>} */
export const colours = {};

function read() {
  const style = getComputedStyle(document.documentElement);
  for (const name of NAMES) colours[name] = style.getPropertyValue(`--${name}`).trim();
  emit("theme");
}

/** Colour of a part of the body. @param {string} part */
export const ofBody = (part) => colours[part] ?? colours.whole;

/** Colour of an instrument; parts that the style sheet does not know get that of the lead. @param {string} instrument */
export const ofInstrument = (instrument) => colours[instrument.toLowerCase().split(/[ _-]/)[0]] ?? colours.lead;

export const still = matchMedia("(prefers-reduced-motion: reduce)");

export function begin() {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", read);
  read();
}

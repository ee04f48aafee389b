// Draws what is played: chords, piano roll, drums with their loudness, waveform.

import { state } from "./store.js";
import { colours, ofInstrument } from "./theme.js";
import { timeOf, view, xOf } from "./view.js";

/** @typedef {import("./layout.js").Lane} Lane */
/** @typedef {CanvasRenderingContext2D} Context */

/** @param {Context} context @param {Lane[]} lanes */
export function drawMusic(context, lanes) {
  const { analysis } = state;
  if (!analysis) return;
  const rows = Object.fromEntries(lanes.map((lane) => [lane.id, lane]));
  if (rows.chords) drawChords(context, rows.chords, analysis.analysis.music?.chords ?? []);
  if (rows.notes) drawNotes(context, rows.notes, analysis.notes ?? []);
  for (const hit of analysis.drums ?? []) drawDrum(context, rows[`drum:${hit.class}`], hit);
  if (rows.wave) drawWave(context, rows.wave, analysis.peaks);
}

/** @param {Context} context @param {Lane} lane @param {import("./types.js").Chord[]} chords */
function drawChords(context, lane, chords) {
  context.font = "600 11px system-ui, sans-serif";
  context.textBaseline = "middle";
  chords.forEach((chord, i) => {
    const left = Math.max(0, xOf(chord.time));
    const right = i + 1 < chords.length ? xOf(chords[i + 1].time) : view.width;
    if (right < 0 || left > view.width) return;
    context.fillStyle = colours.chord;
    context.globalAlpha = i % 2 ? 0.1 : 0.18;
    context.fillRect(left + 0.5, lane.top + 1, Math.max(1, right - left - 1), lane.height - 2);
    context.globalAlpha = 1;
    if (right - left < context.measureText(chord.chord).width + 6) return;
    context.fillStyle = colours.ink;
    context.fillText(chord.chord, left + 5, lane.top + lane.height / 2 + 0.5);
  });
  context.textBaseline = "alphabetic";
}

/** @param {Context} context @param {Lane} lane @param {import("./types.js").Note[]} notes */
function drawNotes(context, lane, notes) {
  if (!notes.length) {
    context.fillStyle = colours.faint;
    context.font = "11px system-ui, sans-serif";
    context.fillText("No instrument but the drums", 8, lane.top + lane.height / 2 + 4);
    return;
  }
  const pitches = notes.map((note) => note.pitch);
  const low = pitches.reduce((a, b) => Math.min(a, b)) - 2;
  const high = pitches.reduce((a, b) => Math.max(a, b)) + 2;
  const step = lane.height / (high - low + 1);
  context.fillStyle = colours.line;
  context.globalAlpha = 0.5;
  for (let pitch = Math.ceil(low / 12) * 12; pitch <= high; pitch += 12) {
    context.fillRect(0, lane.top + (high - pitch + 1) * step - 0.5, view.width, 1);
  }
  for (const note of notes) {
    const [left, right] = [xOf(note.time), xOf(note.end)];
    if (right < 0 || left > view.width) continue;
    context.fillStyle = ofInstrument(note.instrument);
    context.globalAlpha = 0.35 + 0.65 * note.velocity;
    const height = Math.max(2, Math.min(7, step * 0.9));
    context.beginPath();
    context.roundRect(left, lane.top + (high - note.pitch + 0.5) * step - height / 2, Math.max(1.5, right - left - 0.75), height, Math.min(1.5, height / 2));
    context.fill();
  }
  context.globalAlpha = 1;
}

/** @param {Context} context @param {Lane|undefined} lane @param {import("./types.js").DrumHit} hit */
function drawDrum(context, lane, hit) {
  if (!lane) return;
  const x = xOf(hit.time);
  if (x < -4 || x > view.width + 4) return;
  const height = Math.max(1.5, (lane.height - 2) * hit.velocity);
  context.fillStyle = colours.drums;
  context.globalAlpha = 0.35 + 0.65 * hit.velocity;
  context.fillRect(x, lane.top + lane.height - 1 - height, 3, height);
  context.globalAlpha = 1;
}

/** @param {Context} context @param {Lane} lane @param {import("./types.js").Curve|null} peaks */
function drawWave(context, lane, peaks) {
  if (!peaks?.values?.length) return;
  const start = peaks.start ?? state.clip?.start ?? 0;
  const middle = lane.top + lane.height / 2;
  const half = lane.height / 2 - 2;
  context.fillStyle = colours.wave;
  for (let x = 0; x < view.width; x += 1) {
    const from = Math.floor((timeOf(x) - start) * peaks.rate);
    const to = Math.max(from + 1, Math.ceil((timeOf(x + 1) - start) * peaks.rate));
    let most = 0;
    for (let i = Math.max(0, from); i < Math.min(to, peaks.values.length); i += 1) most = Math.max(most, peaks.values[i]);
    const height = Math.max(0.5, most * half);
    context.fillRect(x, middle - height, 1, height * 2);
  }
}

// Draws what was found in the movement, and what a person has corrected: movement, holds, accents,
// beats and bars, hits and silences.

import { count, isFixed } from "./marks.js";
import { state } from "./store.js";
import { colours, ofBody } from "./theme.js";
import { view, xOf } from "./view.js";

/** @typedef {import("./layout.js").Lane} Lane */
/** @typedef {CanvasRenderingContext2D} Context */

/** What goes through lanes: holds, the video's cuts, silences, beats, hits. @param {Context} context @param {Lane[]} lanes @param {number} height */
export function drawGrid(context, lanes, height) {
  const { analysis } = state;
  const rows = Object.fromEntries(lanes.map((lane) => [lane.id, lane]));
  for (const hold of analysis?.analysis.holds ?? []) {
    context.fillStyle = colours.hold;
    context.fillRect(xOf(hold.from), 0, xOf(hold.to) - xOf(hold.from), rows.marks.top);
  }
  context.setLineDash([3, 3]);
  context.strokeStyle = colours.faint;
  context.lineWidth = 1;
  for (const cut of state.poses?.cuts ?? []) {
    context.beginPath();
    context.moveTo(xOf(cut), 0);
    context.lineTo(xOf(cut), rows.beats.top);
    context.stroke();
  }
  context.setLineDash([]);
  for (const silence of state.doc.marks.silences ?? []) {
    const [left, right] = [xOf(silence.from), xOf(silence.to)];
    hatch(context, left, rows.marks.top, right - left, height - rows.marks.top, isSelected("silence", silence.from));
  }
  for (const beat of analysis?.analysis.beats ?? []) {
    const x = Math.round(xOf(beat.time));
    if (x < -1 || x > view.width + 1) continue;
    context.fillStyle = beat.number === 1 ? colours.downbeat : colours.beat;
    context.globalAlpha = beat.number === 1 ? 0.75 : 0.5;
    context.fillRect(x - 0.5, 0, 1, height);
    context.globalAlpha = 1;
  }
  for (const hit of state.doc.marks.hits ?? []) {
    context.fillStyle = colours.hit;
    context.globalAlpha = 0.55;
    context.fillRect(xOf(hit.time) - 0.5, rows.marks.top, 1, height - rows.marks.top);
    context.globalAlpha = 1;
  }
}

/** @param {Context} context @param {number} x @param {number} y @param {number} width @param {number} height @param {boolean} selected */
function hatch(context, x, y, width, height, selected) {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.fillStyle = colours.silence;
  context.globalAlpha = 0.16;
  context.fillRect(x, y, width, height);
  context.globalAlpha = 0.4;
  context.strokeStyle = colours.silence;
  context.lineWidth = 1;
  context.beginPath();
  for (let left = x - height; left < x + width; left += 8) {
    context.moveTo(left, y + height);
    context.lineTo(left + height, y);
  }
  context.stroke();
  context.globalAlpha = 1;
  context.fillStyle = selected ? colours.select : colours.silence;
  context.fillRect(x, y, selected ? 2 : 1, height);
  context.fillRect(x + width - (selected ? 2 : 1), y, 2, height);
  context.restore();
}

/** @param {string} kind @param {number} time */
export function isSelected(kind, time) {
  return state.selection?.kind === kind && Math.abs(state.selection.time - time) < 0.002;
}

/** @param {Context} context @param {Lane[]} lanes */
export function drawAnalysis(context, lanes) {
  const rows = Object.fromEntries(lanes.map((lane) => [lane.id, lane]));
  const { analysis } = state;
  if (analysis) {
    drawCurve(context, rows.movement, analysis.movement, colours.movement, true);
    drawCurve(context, rows.beats, analysis.activation, colours.activation, false);
    drawAccents(context, rows.accents, analysis.analysis.accents ?? []);
    drawBeats(context, rows.beats, analysis.analysis.beats ?? []);
  }
  drawMarks(context, rows.marks);
}

/** @param {Context} context @param {Lane} lane @param {import("./types.js").Curve} curve @param {string} colour @param {boolean} scaled to its own maximum */
function drawCurve(context, lane, curve, colour, scaled) {
  if (!curve?.values?.length) return;
  const start = curve.start ?? 0;
  const from = Math.max(0, Math.floor((view.from - start) * curve.rate) - 1);
  const to = Math.min(curve.values.length - 1, Math.ceil((view.to - start) * curve.rate) + 1);
  const most = scaled ? Math.max(1e-9, curve.values.reduce((a, b) => Math.max(a, b), 0)) : 1;
  const bottom = lane.top + lane.height;
  context.beginPath();
  context.moveTo(xOf(start + from / curve.rate), bottom);
  for (let i = from; i <= to; i += 1) {
    context.lineTo(xOf(start + i / curve.rate), bottom - 1 - Math.min(1, curve.values[i] / most) * (lane.height - 4));
  }
  context.lineTo(xOf(start + to / curve.rate), bottom);
  context.closePath();
  context.fillStyle = colour;
  context.globalAlpha = scaled ? 0.28 : 0.2;
  context.fill();
  context.globalAlpha = 1;
  if (scaled) {
    context.strokeStyle = colour;
    context.lineWidth = 1.25;
    context.stroke();
  }
}

/** @param {Context} context @param {Lane} lane @param {import("./types.js").Accent[]} accents */
function drawAccents(context, lane, accents) {
  const bottom = lane.top + lane.height - 3;
  for (const accent of accents) {
    const x = xOf(accent.time);
    if (x < -10 || x > view.width + 10) continue;
    const size = 2.5 + 3.5 * accent.strength;
    const y = bottom - 4 - accent.strength * (lane.height - 14);
    const selected = isSelected("accent", accent.time);
    context.fillStyle = selected ? colours.select : ofBody(accent.part);
    context.fillRect(x - 0.75, y, 1.5, bottom - y);
    context.beginPath();
    if (accent.kind === "impact") {
      context.rect(x - size * 0.85, y - size * 0.85, size * 1.7, size * 1.7);
    } else {
      context.arc(x, y, size, 0, Math.PI * 2);
    }
    context.fill();
    if (selected) ring(context, x, y, size + 3);
  }
  for (const time of state.doc.marks.accents?.removed ?? []) {
    const x = xOf(time);
    context.strokeStyle = isSelected("removed", time) ? colours.select : colours.muted;
    context.lineWidth = 1.25;
    context.beginPath();
    context.moveTo(x - 3.5, bottom - 9);
    context.lineTo(x + 3.5, bottom - 2);
    context.moveTo(x + 3.5, bottom - 9);
    context.lineTo(x - 3.5, bottom - 2);
    context.stroke();
  }
}

/** @param {Context} context @param {number} x @param {number} y @param {number} radius */
function ring(context, x, y, radius) {
  context.strokeStyle = colours.select;
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(x, y, radius, 0, Math.PI * 2);
  context.stroke();
}

/** Bars are counted from the first downbeat; what is before it is bar 0. @param {import("./types.js").Beat[]} beats */
export function bars(beats) {
  let bar = 0;
  return beats.map((beat) => ({ ...beat, bar: beat.number === 1 ? ++bar : bar }));
}

/** @param {Context} context @param {Lane} lane @param {import("./types.js").Beat[]} beats */
function drawBeats(context, lane, beats) {
  const marks = state.doc.marks;
  const middle = lane.top + lane.height / 2;
  const spacing = beats.length > 1 ? xOf(beats[1].time) - xOf(beats[0].time) : 50;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const beat of bars(beats)) {
    const x = xOf(beat.time);
    if (x < -20 || x > view.width + 20) continue;
    const first = beat.number === 1;
    const selected = isSelected("beat", beat.time);
    const fixed = isFixed(marks, beat.time);
    const radius = first ? 9 : 7.5;
    if (spacing > 15 || first || selected) {
      context.beginPath();
      context.roundRect(x - (first ? 13 : 8), middle - radius, first ? 26 : 16, radius * 2, 5);
      context.fillStyle = selected ? colours.select : first ? colours.downbeat : colours.panel;
      context.fill();
      context.strokeStyle = selected ? colours.select : fixed ? colours.fixed : colours.beat;
      context.lineWidth = fixed ? 2 : 1;
      context.stroke();
      context.fillStyle = selected || first ? colours.panel : colours.ink;
      context.font = `${first ? 600 : 400} 10.5px system-ui, sans-serif`;
      context.fillText(first && spacing > 9 ? `${beat.bar}.1` : String(beat.number), x, middle + 0.5);
    } else {
      context.fillStyle = fixed ? colours.fixed : colours.beat;
      context.fillRect(x - 1, middle - 5, 2, 10);
    }
    if (fixed) {
      context.fillStyle = colours.fixed;
      context.beginPath();
      context.moveTo(x - 4, lane.top + 1);
      context.lineTo(x + 4, lane.top + 1);
      context.lineTo(x, lane.top + 5.5);
      context.closePath();
      context.fill();
    }
  }
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
}

/** @param {Context} context @param {Lane} lane */
function drawMarks(context, lane) {
  const { hits = [], silences = [] } = state.doc.marks;
  const middle = lane.top + lane.height / 2;
  context.font = "10.5px system-ui, sans-serif";
  context.textBaseline = "middle";
  for (const hit of hits) {
    const x = xOf(hit.time);
    const size = 4 + 3 * (hit.strength ?? 1);
    const selected = isSelected("hit", hit.time);
    context.fillStyle = selected ? colours.select : colours.hit;
    context.beginPath();
    context.moveTo(x, middle - size);
    context.lineTo(x + size, middle);
    context.lineTo(x, middle + size);
    context.lineTo(x - size, middle);
    context.closePath();
    context.fill();
    if (selected) ring(context, x, middle, size + 3);
    if (hit.label) context.fillText(hit.label, x + size + 4, middle);
  }
  for (const silence of silences) {
    const [left, right] = [xOf(silence.from), xOf(silence.to)];
    if (right - left < 46) continue;
    context.fillStyle = isSelected("silence", silence.from) ? colours.select : colours.muted;
    context.fillText("silence", left + 5, middle);
  }
  if (!count(state.doc.marks) && state.analysis) {
    context.fillStyle = colours.faint;
    context.fillText(state.readOnly ? "None were set" : "H adds a hit at the playhead · S draws a silence", 8, middle);
  }
  context.textBaseline = "alphabetic";
}

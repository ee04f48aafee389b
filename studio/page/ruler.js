// The ruler above the lanes: times, the loop, and the playhead's handle.

import { sharp } from "./canvas.js";
import { byId, clock } from "./dom.js";
import { state } from "./store.js";
import { colours } from "./theme.js";
import { view, xOf } from "./view.js";

/** @type {HTMLCanvasElement} */
const canvas = byId("ruler");
const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300];

/** Seconds between labels that leave room for them. */
function labelStep() {
  const least = (70 / view.width) * (view.to - view.from);
  return STEPS.find((step) => step >= least) ?? 600;
}

/** @param {number} time of the playhead */
export function drawRuler(time) {
  const height = canvas.parentElement?.clientHeight ?? 24;
  const context = sharp(canvas, view.width, height);
  const { loop } = state;
  if (loop) {
    const [left, right] = [xOf(loop.from), xOf(loop.to)];
    context.fillStyle = colours.loop;
    context.globalAlpha = 0.3;
    context.fillRect(left, 0, right - left, height);
    context.globalAlpha = 1;
    context.fillRect(left - 1, 0, 2, height);
    context.fillRect(right - 1, 0, 2, height);
  }
  const step = labelStep();
  const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
  context.font = "10.5px system-ui, sans-serif";
  for (let i = Math.floor(view.from / step); i * step <= view.to; i += 1) {
    const x = xOf(i * step);
    context.fillStyle = colours.line;
    context.fillRect(x, height - 9, 1, 9);
    for (let minor = 1; minor < 5; minor += 1) context.fillRect(xOf((i + minor / 5) * step), height - 4, 1, 4);
    context.fillStyle = colours.muted;
    context.fillText(clock(i * step, digits), x + 4, height - 9);
  }
  const x = xOf(time);
  context.fillStyle = colours.playhead;
  context.beginPath();
  context.moveTo(x - 6, height - 11);
  context.lineTo(x + 6, height - 11);
  context.lineTo(x + 6, height - 6);
  context.lineTo(x, height);
  context.lineTo(x - 6, height - 6);
  context.closePath();
  context.fill();
}

// The lanes: canvases, labels, and what is drawn when. What changes rarely is drawn on one canvas,
// what moves on another above it.

import { sharp } from "./canvas.js";
import { byId, h } from "./dom.js";
import { drawAnalysis, drawGrid } from "./draw-analysis.js";
import { drawMusic } from "./draw-music.js";
import { drawRuler } from "./ruler.js";
import { layout } from "./layout.js";
import { on, state } from "./store.js";
import { colours, ofInstrument } from "./theme.js";
import { now, playing } from "./transport.js";
import { follow, resize, view, xOf } from "./view.js";

/** @typedef {import("./layout.js").Lane} Lane */

const box = byId("lanes");
const names = byId("lane-names");
/** @type {HTMLCanvasElement} */
const still = byId("lanes-still");
/** @type {HTMLCanvasElement} */
const moving = byId("lanes-moving");

/** @type {Lane[]} */
export const lanes = [];
/** What the playhead has been drawn for, last. */
export const drawn = { time: 0 };
/** @typedef {{kind: string, time: number, to?: number, lane?: string}} Ghost what the pointer does now: a beat or accent on its way, a silence that is drawn */
/** @type {Ghost|null} */
let ghost = null;

/** @param {Ghost|null} value */
export function setGhost(value) {
  ghost = value;
  drawMoving();
}

/** The lane at a height. @param {number} y */
export const laneAt = (y) => lanes.find((lane) => y >= lane.top && y < lane.top + lane.height) ?? null;

/** @param {string} id */
export const lane = (id) => lanes.find((candidate) => candidate.id === id) ?? null;

let labels = "";

function drawStill() {
  const { clientWidth: width, clientHeight: height } = box;
  resize(width);
  lanes.splice(0, lanes.length, ...layout(height));
  const context = sharp(still, width, height);
  context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  lanes.forEach((row, index) => {
    context.fillStyle = index % 2 ? colours["lane-alt"] : colours.lane;
    context.fillRect(0, row.top, width, row.height);
  });
  drawGrid(context, lanes, height);
  drawAnalysis(context, lanes);
  drawMusic(context, lanes);
  const players = [...new Set((state.analysis?.notes ?? []).map((note) => note.instrument))];
  const wanted = JSON.stringify([players, colours.ink, lanes.map(({ id, top, height }) => [id, top, height])]);
  if (wanted !== labels) {
    labels = wanted;
    names.replaceChildren(
      ...lanes.map((row) => {
        const legend = row.id === "notes" && row.height >= 34;
        const size = legend ? " tall" : row.height < 14 ? " small" : "";
        return h("div", { class: `lane-name${size}`, style: `top:${row.top}px;height:${row.height}px`, title: row.help || false }, row.label,
          legend && h("span", { class: "legend" }, ...players.map((name) => h("i", { style: `--own:${ofInstrument(name)}` }, name))));
      }),
    );
  }
}

export function drawMoving() {
  const { clientWidth: width, clientHeight: height } = box;
  const context = sharp(moving, width, height);
  const { loop } = state;
  if (loop) {
    context.fillStyle = colours.loop;
    context.globalAlpha = 0.12;
    context.fillRect(xOf(loop.from), 0, xOf(loop.to) - xOf(loop.from), height);
    context.globalAlpha = 1;
  }
  if (ghost) drawGhost(context, height);
  const time = now();
  drawn.time = time;
  const x = Math.round(xOf(time) * devicePixelRatio) / devicePixelRatio;
  context.fillStyle = colours.playhead;
  context.fillRect(x - 0.75, 0, 1.5, height);
  drawRuler(time);
}

/** @param {CanvasRenderingContext2D} context @param {number} height */
function drawGhost(context, height) {
  if (!ghost) return;
  const x = xOf(ghost.time);
  context.fillStyle = colours.select;
  if (ghost.to !== undefined) {
    context.globalAlpha = 0.25;
    context.fillRect(Math.min(x, xOf(ghost.to)), 0, Math.abs(xOf(ghost.to) - x), height);
    context.globalAlpha = 1;
    return;
  }
  context.fillRect(x - 0.75, 0, 1.5, height);
  context.font = "600 11px system-ui, sans-serif";
  const text = `${ghost.time.toFixed(3)} s`;
  const row = lane(ghost.lane ?? "beats");
  const left = x + 70 > view.width ? x - 8 - context.measureText(text).width : x + 6;
  const top = row ? row.top + row.height / 2 + 4 : 20;
  context.fillStyle = colours.panel;
  context.fillRect(left - 3, top - 11, context.measureText(text).width + 6, 15);
  context.fillStyle = colours.select;
  context.fillText(text, left, top);
}

let stale = false;

/** Draws again before the next frame of the screen. */
export function redraw() {
  if (stale) return;
  stale = true;
  requestAnimationFrame(() => {
    stale = false;
    drawStill();
    drawMoving();
  });
}

/** Called for every frame of the screen while the video plays. */
export function tick() {
  follow(now());
  if (!stale) drawMoving();
}

export function begin() {
  on(["clip", "analysis", "poses", "doc", "view", "selection", "theme"], redraw);
  on(["played", "loop"], () => {
    if (!playing() && !stale) drawMoving();
  });
  new ResizeObserver(redraw).observe(box);
  matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener("change", redraw);
}

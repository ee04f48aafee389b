// What is drawn over the video: skeleton, accents, beat numbers, and people to choose from.

import { sharp } from "./canvas.js";
import { byId, clamp, h, words } from "./dom.js";
import { bars } from "./draw-analysis.js";
import { accents, beats } from "./select.js";
import { frame, on, state } from "./store.js";
import { colours, ofBody, still } from "./theme.js";
import { now } from "./transport.js";

/** @type {HTMLCanvasElement} */
const canvas = byId("overlay");

/** What is shown over the video. */
export const layers = { skeleton: true, accents: true, beats: true };

/** How long an accent and a beat are seen, in seconds. */
const FLASH = 0.35;

/** Pairs of joints that are drawn as limbs, with their side. */
const BONES = [
  [0, 1, "middle"], [1, 2, "right"], [2, 3, "right"], [3, 4, "right"], [1, 5, "left"], [5, 6, "left"], [6, 7, "left"],
  [1, 8, "middle"], [8, 9, "right"], [9, 10, "right"], [10, 11, "right"], [11, 16, "right"], [8, 12, "left"],
  [12, 13, "left"], [13, 14, "left"], [14, 15, "left"],
];
/** Joints of a part of the body. @type {Record<string, number[]>} */
const JOINTS = { feet: [11, 14], hands: [4, 7], trunk: [1, 8], head: [0], whole: [8] };

/** Below this, a joint is not drawn. */
const SURE = 0.3;

/** Where the picture lies in the box: scale and offset in CSS pixels. */
export function fitted() {
  const { clientWidth: width, clientHeight: height } = /** @type {HTMLElement} */ (canvas.parentElement);
  const source = { width: state.clip?.width ?? 16, height: state.clip?.height ?? 9 };
  const scale = Math.min(width / source.width, height / source.height);
  return { scale, left: (width - source.width * scale) / 2, top: (height - source.height * scale) / 2, width, height };
}

/** @typedef {(context: CanvasRenderingContext2D, time: number, place: (x: number, y: number) => number[]) => void} Drawing in pixels of the clip, which `place` puts on the canvas */
/** @type {Set<Drawing>} */
const others = new Set();

/** Has something else drawn over the video. @param {Drawing} drawing */
export const above = (drawing) => others.add(drawing);

/** The index of the last time that is not after another. @param {number[]} times @param {number} time */
export function before(times, time) {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The joints of the person in the picture at a time. @param {number} time @returns {number[]|null} */
function jointsAt(time) {
  const { poses } = state;
  const at = poseAt(time);
  return poses && at !== null ? poses.points[at] : null;
}

/** The place of the poses of the picture at a time. @param {number} time */
function poseAt(time) {
  const { poses } = state;
  if (!poses?.times.length) return null;
  const at = before(poses.times, time + frame() * 0.25);
  const next = at + 1 < poses.times.length && poses.times[at + 1] - time < time - (poses.times[at] ?? -9) ? at + 1 : at;
  if (next < 0 || Math.abs(poses.times[next] - time) > 0.12) return null;
  return next;
}

export function draw() {
  const fit = fitted();
  const context = sharp(canvas, fit.width, fit.height);
  if (!state.clip) return;
  const time = now();
  /** @param {number} x @param {number} y */
  const place = (x, y) => [fit.left + x * fit.scale, fit.top + y * fit.scale];
  const joints = jointsAt(time);
  if (layers.skeleton && state.mode !== "person") {
    const at = poseAt(time);
    context.globalAlpha = 0.55;
    for (const other of state.poses?.others ?? []) {
      const points = at === null ? null : other[at];
      if (points) drawSkeleton(context, points, place);
    }
    context.globalAlpha = 1;
    if (joints) drawSkeleton(context, joints, place);
  }
  if (layers.accents) drawAccents(context, time, joints, place);
  if (layers.beats) drawBeat(context, time, fit);
  for (const more of others) more(context, time, place);
}

/** @param {CanvasRenderingContext2D} context @param {number[]} joints @param {(x: number, y: number) => number[]} place */
function drawSkeleton(context, joints, place) {
  /** @param {number} i */
  const point = (i) => ({ at: place(joints[i * 3], joints[i * 3 + 1]), sure: joints[i * 3 + 2] });
  context.lineCap = "round";
  for (const [a, b, side] of BONES) {
    const [from, to] = [point(Number(a)), point(Number(b))];
    if (from.sure < SURE || to.sure < SURE) continue;
    context.beginPath();
    context.moveTo(from.at[0], from.at[1]);
    context.lineTo(to.at[0], to.at[1]);
    context.strokeStyle = "rgba(0, 0, 0, 0.45)";
    context.lineWidth = 4.5;
    context.stroke();
    context.strokeStyle = colours[String(side)];
    context.lineWidth = 2.5;
    context.stroke();
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} time @param {number[]|null} joints @param {(x: number, y: number) => number[]} place */
function drawAccents(context, time, joints, place) {
  if (!joints) return;
  for (const accent of accents()) {
    const age = time - accent.time + frame() / 2;
    if (age < 0 || age > FLASH) continue;
    const fade = 1 - age / FLASH;
    for (const joint of JOINTS[accent.part] ?? JOINTS.whole) {
      if (joints[joint * 3 + 2] < SURE) continue;
      const [x, y] = place(joints[joint * 3], joints[joint * 3 + 1]);
      context.beginPath();
      context.arc(x, y, (still.matches ? 10 : 7 + 16 * (1 - fade)) * (0.6 + 0.6 * accent.strength), 0, Math.PI * 2);
      context.globalAlpha = fade;
      context.lineWidth = 3;
      context.strokeStyle = ofBody(accent.part);
      context.stroke();
      context.globalAlpha = fade * 0.35;
      context.fillStyle = ofBody(accent.part);
      context.fill();
      context.globalAlpha = 1;
    }
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} time @param {ReturnType<typeof fitted>} fit */
function drawBeat(context, time, fit) {
  const beat = bars(beats()).findLast((candidate) => candidate.time <= time + frame() / 2);
  if (!beat) return;
  const fade = clamp(1 - (time - beat.time) / FLASH, 0, 1);
  const x = fit.left + 30;
  const y = fit.top + 30;
  context.fillStyle = "rgba(10, 12, 18, 0.55)";
  context.beginPath();
  context.arc(x, y, 19, 0, Math.PI * 2);
  context.fill();
  context.globalAlpha = 0.25 + 0.75 * fade;
  context.lineWidth = beat.number === 1 ? 3.5 : 2;
  context.strokeStyle = "#fff";
  context.beginPath();
  context.arc(x, y, 17, 0, Math.PI * 2);
  context.stroke();
  context.globalAlpha = 1;
  context.fillStyle = "#fff";
  context.font = "600 18px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(String(beat.number), x, y + 1);
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
}

/** Buttons for what is shown over the video. */
function beginLayers() {
  const names = /** @type {(keyof typeof layers)[]} */ (Object.keys(layers));
  byId("layers").replaceChildren(...names.map((name) => h("button", {
    type: "button", "aria-pressed": "true", title: `${words(name)} over the video`,
    onclick: (/** @type {any} */ event) => {
      layers[name] = !layers[name];
      event.currentTarget.setAttribute("aria-pressed", String(layers[name]));
      draw();
    },
  }, words(name))));
}

export function begin() {
  beginLayers();
  on(["played", "poses", "analysis", "mode", "clip"], draw);
  new ResizeObserver(draw).observe(/** @type {HTMLElement} */ (canvas.parentElement));
}

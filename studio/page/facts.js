// What the clip is, in a line beside its name.

import { byId } from "./dom.js";
import { on, state } from "./store.js";

/** @param {string} title what the page is */
export function begin(title) {
  on(["clip", "analysis"], () => draw(title));
}

/** @param {string} title */
function draw(title) {
  const { clip, analysis } = state;
  if (!clip) return;
  byId("clip-name").textContent = clip.name;
  document.title = `${clip.name} – ${title}`;
  const found = analysis?.analysis;
  const facts = found ? [
    `${Number(found.tempo_bpm).toFixed(1)} BPM`, found.music?.key, found.drums?.style,
    found.confidence !== undefined && `beat ${Math.round(found.confidence * 100)} % sure`,
  ] : [`${clip.duration.toFixed(1)} s`, `${clip.width}×${clip.height}`, `${clip.frame_rate.toFixed(clip.frame_rate % 1 ? 2 : 0)} fps`];
  // Where there is no room for them, they are under the pointer.
  byId("facts").textContent = byId("facts").title = byId("clip-name").title = facts.filter(Boolean).join(" · ");
}

// A report: the lanes and the player for a soundtrack that is done, in one file, without the program.

import * as controls from "./controls.js";
import * as facts from "./facts.js";
import * as keys from "./keys.js";
import * as lanes from "./lanes.js";
import * as mixer from "./mixer.js";
import * as overlay from "./overlay.js";
import * as pointer from "./pointer.js";
import * as theme from "./theme.js";
import * as transport from "./transport.js";
import { setAxis, video } from "./clock.js";
import { byId, h } from "./dom.js";
import { say } from "./messages.js";
import { drawPanel } from "./report-panel.js";
import { select } from "./select.js";
import { emit, on, state } from "./store.js";

/** @typedef {import("./types.js").Report} Report */

/** @type {Report} */
const report = JSON.parse(byId("report-data").textContent);

/** What the file holds in base64, in pieces; it can be taken once. @param {string} part @param {string} type @returns {Blob} */
function taken(part, type) {
  const pieces = [...document.querySelectorAll(`script[data-part=${part}]`)].map((piece) => {
    const text = atob(piece.textContent ?? "");
    piece.remove();
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
    return bytes;
  });
  return new Blob(pieces, { type });
}

/** Says that the video is not there, and takes another. */
function missing() {
  const { name, linked } = /** @type {NonNullable<Report["video"]>} */ (report.video);
  const notice = byId("notice");
  const close = h("button", { type: "button", class: "quiet", onclick: () => (notice.hidden = true) }, "Close");
  const file = h("input", {
    type: "file", accept: "video/*,.mkv", hidden: true, id: "video-file",
    onchange: () => {
      notice.hidden = true;
      if (file.files[0]) transport.show([URL.createObjectURL(file.files[0])]);
    },
  });
  const choose = h("button", { type: "button", class: "primary", onclick: () => file.click() }, "Choose the video…");
  const there = "Skeleton, lanes and sound are there all the same.";
  notice.replaceChildren(...linked
    ? [h("h2", {}, "The video is not shown"), h("p", {}, `“${name}” is not in its place beside this file, or this browser cannot play it. ${there}`), h("div", { class: "row" }, choose, close, file)]
    : [h("h2", {}, "The video is not shown"), h("p", {}, `This browser cannot play “${name}”. ${there}`), h("div", { class: "row" }, close)]);
  notice.hidden = false;
}

function showVideo() {
  if (!report.video) return transport.hide();
  const { begins, speed, addresses, type } = report.video;
  setAxis({ video: begins, speed });
  // Without a soundtrack, the clip's own sound is what there is to hear.
  video.muted = Boolean(report.sound);
  transport.show(addresses ?? [URL.createObjectURL(taken("video", type))]);
}

/** The keys that do something here. */
function rows() {
  const without = [!report.sound && "M", !report.video?.has_sound && "Shift+M"];
  const marks = report.take.marks;
  if (!marks.hits) without.push("[", "]");
  if (!marks.silences) without.push("Shift+S");
  /** @type {keys.Row} */
  const escape = ["Work", ["Escape"], "Select nothing", () => pointer.abandon() || select(null)];
  return [...keys.SEE, escape].filter(([, [key]]) => !without.includes(key));
}

state.readOnly = true;
theme.begin();
for (const part of [controls, lanes, overlay]) part.begin();
pointer.begin(null);
facts.begin("soundtrack report");
keys.begin(rows(), "Click into the lanes to go there, on a beat or an accent to select it. Drag on the ruler loops, double-click there ends the loop. Ctrl and the wheel zoom.");
on("picture", missing);
if (report.sound) {
  const { type } = report.sound;
  mixer.begin({
    mix: () => taken("sound", type).arrayBuffer(),
    stem: () => Promise.reject(new Error("a report has no stems")),
    analysis: async () => report.analysis,
    failed: () => say("This browser cannot play the sound of this report.", "error"),
  });
}
byId("music-mute").hidden = !report.sound;
byId("clip-sound").hidden = !report.video?.has_sound;
byId("lanes").setAttribute("aria-label", "Lanes: comma and full stop select beats");
transport.begin(() => {
  mixer.keepUp();
  lanes.tick();
  overlay.draw();
  controls.tick();
});
Object.assign(state, {
  clip: report.clip,
  analysis: report.analysis,
  poses: report.poses,
  doc: { settings: report.take.settings, marks: report.take.marks },
  server: { state: "ready", takes: [report.take] },
  take: report.take.id,
});
drawPanel(report);
emit("clip", "doc", "analysis", "poses", "takes");
showVideo();

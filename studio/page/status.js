// What the program is doing, and what is wrong: progress, cancel, errors, a lost connection.

import { byId, h } from "./dom.js";
import { cancel, connectNow, render, setSetting, steps } from "./session.js";
import { say } from "./messages.js";
import { on, state } from "./store.js";
import { play } from "./transport.js";

const banner = byId("banner");
const notice = byId("notice");
const work = byId("work");

/** What the program does in a stage. @type {Record<string, string>} */
const STAGES = {
  pose: "Finding poses", rhythm: "Finding beats", drums: "Composing drums", music: "Composing music", score: "Arranging", audio: "Mixing",
};

/** Seconds until the next attempt to connect. */
let left = 0;
let timer = 0;

function drawConnection() {
  const { connected, again } = state.connection;
  clearInterval(timer);
  banner.hidden = connected;
  if (connected) return;
  left = again;
  const seconds = h("span", {});
  const count = () => {
    seconds.textContent = left > 0.5 ? `Trying again in ${Math.ceil(left)} s.` : "Trying again…";
    left -= 1;
  };
  count();
  timer = window.setInterval(count, 1000);
  banner.replaceChildren(
    h("b", {}, "The program does not answer."),
    h("span", {}, "If it is still running, changes are rendered when it answers. If it has ended, save the marks, start it again with --marks, and open its new address."),
    h("span", { class: "space" }), seconds,
    h("button", { type: "button", id: "save-marks-here", onclick: saveMarks }, "Save marks"),
    h("button", { type: "button", onclick: connectNow }, "Try now"));
}

/** Saves the marks without the program, which cannot give them any more. */
function saveMarks() {
  const text = JSON.stringify(state.doc.marks, null, 2);
  const href = URL.createObjectURL(new Blob([`${text}\n`], { type: "application/json" }));
  const name = (state.clip?.name ?? "clip").replace(/\.[^.]*$/, "");
  h("a", { href, download: `${name}.marks.json` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}

function drawWork() {
  const { server } = state;
  const busy = server?.state === "analysing" || server?.state === "rendering";
  work.hidden = !busy;
  if (!server || !busy) return;
  const stage = STAGES[server.stage ?? ""] ?? (server.state === "analysing" ? "Analysing" : "Rendering");
  const share = server.whole ?? server.done ?? 0;
  byId("work-text").textContent = `${stage} · ${Math.round(share * 100)} %`;
  byId("work-bar").value = share;
}

/** The state for which the notice over the video was drawn. */
let noticed = "";

function drawNotice() {
  const { server } = state;
  const key = JSON.stringify([server?.state, server?.error, server?.takes.length === 0]);
  if (key === noticed) return;
  noticed = key;
  const nothing = server?.takes.length === 0;
  const content = server?.state === "failed" && server.error ? failure(server.error, Boolean(nothing))
    : server?.state === "cancelled" && nothing ? cancelled()
    : server?.state === "analysing" && nothing ? [h("p", { class: "gentle" }, "The clip is being looked at. You can play it already.")]
    : null;
  notice.hidden = content === null;
  notice.className = server?.state === "analysing" ? "notice low" : "notice";
  notice.replaceChildren(...(content ?? []));
}

/** @param {import("./types.js").Failure} error @param {boolean} nothing @returns {Node[]} */
function failure(error, nothing) {
  const close = h("button", { type: "button", class: "quiet", onclick: () => (notice.hidden = true) }, "Close");
  const again = h("button", { type: "button", onclick: () => render() }, "Try again");
  const text = h("p", {}, error.message);
  if (error.kind === "no_person") {
    return [h("h2", {}, "Nobody was found"), text, h("p", { class: "hint" }, "The music follows a person's movement. Somebody should be seen for two seconds, not too small; the setting “Pose quality” can be set to high."),
      h("div", { class: "row" }, h("button", { type: "button", class: "primary", onclick: () => setSetting("pose.quality", "high", "pose quality: high") }, "Look more closely"), again, close)];
  }
  if (error.kind === "no_beat") {
    const tempo = h("input", { type: "number", min: "40", max: "240", value: "100", id: "notice-tempo", "aria-label": "Tempo, beats per minute" });
    const use = h("button", { type: "button", class: "primary", onclick: () => setSetting("tempo", String(Math.min(240, Math.max(40, Number(tempo.value) || 100))), `tempo: ${tempo.value}`) }, "Use this tempo");
    const tapIt = h("button", { type: "button", onclick: () => { notice.hidden = true; play(); } }, "Play, and tap with T");
    return [h("h2", {}, "No beat was found"), text, h("div", { class: "row" }, tempo, h("span", {}, "beats per minute"), use), h("div", { class: "row" }, tapIt, close)];
  }
  return [h("h2", {}, nothing ? "The clip could not be analysed" : "That did not work"), text, h("div", { class: "row" }, again, close)];
}

/** @returns {Node[]} */
function cancelled() {
  return [h("h2", {}, "Cancelled"), h("p", {}, "The analysis was cancelled; there is no music yet."), h("div", { class: "row" }, h("button", { type: "button", class: "primary", onclick: () => render() }, "Analyse"))];
}

function drawSteps() {
  const { undo, redo } = steps();
  for (const [id, label, key] of [["undo", undo, "Ctrl+Z"], ["redo", redo, "Ctrl+Shift+Z"]]) {
    const button = byId(String(id));
    button.disabled = label === null;
    button.title = `${id === "undo" ? "Undo" : "Redo"}${label ? ` “${label}”` : ""} (${key})`;
  }
}

export function begin() {
  on("picture", () => say("This browser cannot show the clip's picture. The skeleton, the lanes and the sound are there all the same.", "error"));
  on("connection", drawConnection);
  on("server", drawWork);
  on("server", drawNotice);
  on(["doc", "takes"], drawSteps);
  byId("work-cancel").addEventListener("click", cancel);
  drawSteps();
}

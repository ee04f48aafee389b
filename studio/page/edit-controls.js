// Buttons that change something, and the tabs of the panels.

import * as actions from "./actions.js";
import { button, pressed } from "./controls.js";
import { byId } from "./dom.js";
import { redo, undo } from "./session.js";
import { on, state } from "./store.js";
import { now } from "./transport.js";

function draw() {
  pressed("silence", state.mode === "silence");
  pressed("choose-person", state.mode === "person");
  const factor = Number(state.doc.marks.tempo_factor ?? 1);
  pressed("half", factor === 0.5);
  pressed("double", factor === 2);
}

/** @param {HTMLElement} tab */
export function showTab(tab) {
  for (const other of document.querySelectorAll("[role=tab]")) {
    const on = other === tab;
    other.setAttribute("aria-selected", String(on));
    /** @type {HTMLElement} */ (other).tabIndex = on ? 0 : -1;
    byId(other.getAttribute("aria-controls") ?? "").hidden = !on;
  }
}

function beginTabs() {
  const tabs = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[role=tab]")]);
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => showTab(tab));
    tab.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      const next = tabs[(index + by + tabs.length) % tabs.length];
      showTab(next);
      next.focus();
      event.preventDefault();
    });
  });
  // What is selected in the lanes is changed in this panel.
  on("selection", () => state.selection && showTab(byId("tab-correct")));
}

export function begin() {
  button("half", () => actions.changeTempo(0.5));
  button("double", () => actions.changeTempo(2));
  button("downbeat", actions.downbeatHere);
  button("tap", actions.tap);
  button("add-hit", () => actions.addHit(now()));
  button("silence", actions.silence);
  button("choose-person", () => actions.setMode("person"));
  button("undo", undo);
  button("redo", redo);
  actions.onTap((taps) => {
    const count = byId("tap-count");
    count.hidden = !taps.length;
    count.textContent = String(taps.length);
  });
  on(["mode", "doc"], draw);
  beginTabs();
}

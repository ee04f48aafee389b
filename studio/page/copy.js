// Copies text.

import { say } from "./messages.js";

/** Copies the text of an element; selects it if the browser does not allow that. @param {HTMLElement} element */
export async function copyText(element) {
  try {
    await navigator.clipboard.writeText(element.textContent ?? "");
    say("Copied.");
  } catch {
    getSelection()?.selectAllChildren(element);
    say("The browser does not allow copying; the line is selected, Ctrl+C copies it.");
  }
}

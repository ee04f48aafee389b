// Small helpers for elements, text and numbers.

/**
 * An element with attributes, listeners (`onclick`) and children. Attributes that are false, null
 * or undefined are left out.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node|string|null|undefined|false)} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") /** @type {any} */ (element)[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/**
 * The element with this id.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element '${id}'`);
  return element;
}

/** An icon of the sprite in index.html. @param {string} name */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** @param {number} value @param {number} least @param {number} most */
export const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

/** Minutes, seconds and thousandths: `0:03.417`. @param {number} seconds @param {number} digits */
export function clock(seconds, digits = 3) {
  const scale = 10 ** digits;
  const whole = Math.round(Math.max(0, seconds) * scale);
  const minutes = Math.floor(whole / (60 * scale));
  const rest = (whole - minutes * 60 * scale) / scale;
  return `${minutes}:${rest.toFixed(digits).padStart(digits ? digits + 3 : 2, "0")}`;
}

/** A time as marks have it: to a tenth of a millisecond. @param {number} seconds */
export const rounded = (seconds) => Math.round(seconds * 1e4) / 1e4;

/** A word of the settings table, for people: `closed_hat` → `Closed hat`. @param {string} word */
export function words(word) {
  const text = word.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/[_-]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1).toLowerCase();
}

/** Whether two JSON values are equal, whatever the order of their keys. @param {any} a @param {any} b */
export const same = (a, b) => canonical(a) === canonical(b);

/** @param {any} value @returns {string} */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value && typeof value === "object") {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}

/**
 * Draws a panel, but not while somebody types into one of its fields, who would lose the text: then
 * it is drawn once the field is left, or its value is used.
 * @param {HTMLElement} panel @param {() => void} draw @returns {() => void}
 */
export function unlessTyping(panel, draw) {
  let waiting = false;
  const typing = () => {
    const field = document.activeElement;
    return field instanceof HTMLInputElement && ["text", "number"].includes(field.type) && panel.contains(field) && field.value !== field.defaultValue;
  };
  const drawNow = () => {
    waiting = false;
    draw();
  };
  const catchUp = () => waiting && drawNow();
  panel.addEventListener("change", catchUp);
  // The field that is left still has the focus while the event runs.
  panel.addEventListener("focusout", () => setTimeout(() => typing() || catchUp()));
  return () => {
    if (typing()) waiting = true;
    else drawNow();
  };
}

/** Calls `action` once, `delay` milliseconds after the last call. @param {number} delay @param {() => void} action */
export function debounced(delay, action) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(action, delay);
  };
}

/** What the browser has kept under a name; null if nothing, or if it keeps nothing for this page. @param {string} name */
export function recalled(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** @param {string} name @param {string} value */
export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // It is forgotten with the page.
  }
}

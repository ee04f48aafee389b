// Undo and redo.

/** @template T */
export class History {
  /** @param {T} present */
  constructor(present) {
    this.present = present;
    /** @type {{value: T, label: string}[]} */
    this.past = [];
    /** @type {{value: T, label: string}[]} */
    this.future = [];
  }

  /** @param {T} value @param {string} label what was done, for people */
  commit(value, label) {
    this.past.push({ value: this.present, label });
    if (this.past.length > 500) this.past.shift();
    this.future = [];
    this.present = value;
  }

  /** What was undone; null if there was nothing. @returns {string|null} */
  undo() {
    return this.step(this.past, this.future);
  }

  /** @returns {string|null} */
  redo() {
    return this.step(this.future, this.past);
  }

  /**
   * @param {{value: T, label: string}[]} from
   * @param {{value: T, label: string}[]} to
   */
  step(from, to) {
    const entry = from.pop();
    if (!entry) return null;
    to.push({ value: this.present, label: entry.label });
    this.present = entry.value;
    return entry.label;
  }

  /** One that can be continued separately. @returns {History<T>} */
  copy() {
    const copy = new History(this.present);
    copy.past = [...this.past];
    copy.future = [...this.future];
    return copy;
  }
}

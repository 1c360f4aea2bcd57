/**
 * Remembering by rows of integers: what a command depends on is written down as numbers, which is faster to compare than to find
 * out again, and than text is to put together.
 * @module
 */

/** A row of integers that is written again and again. Grows as needed. */
export class Row {
  /** The integers; only the first {@linkcode Row.length} of them count. */
  numbers: Int32Array = new Int32Array(64);
  /** How many there are. Set it to 0 to begin. */
  length = 0;

  /** Writes one more. */
  add(value: number): void {
    if (this.length === this.numbers.length) {
      const wider = new Int32Array(2 * this.length);
      wider.set(this.numbers);
      this.numbers = wider;
    }
    this.numbers[this.length++] = value;
  }

  /** A number that rows which differ rarely share. */
  hash(): number {
    const { numbers, length } = this;
    let hash = length;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ numbers[i], 0x9e3779b1) ^ (hash >>> 15);
    return hash | 0;
  }
}

/** Values by rows. Of two rows of one hash the later one is remembered, and nothing when there are too many. */
export class Memo<T> {
  readonly #limit: number;
  readonly #entries = new Map<number, { readonly row: Int32Array; readonly value: T }>();

  /** `limit` is how many values are remembered at most. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The value of a row. */
  find(row: Row): T | undefined {
    const found = this.#entries.get(row.hash());
    if (found === undefined || found.row.length !== row.length) return undefined;
    for (let i = 0; i < row.length; i++) if (found.row[i] !== row.numbers[i]) return undefined;
    return found.value;
  }

  /** Remembers a value. */
  set(row: Row, value: T): void {
    if (this.#entries.size >= this.#limit) this.clear();
    this.#entries.set(row.hash(), { row: row.numbers.slice(0, row.length), value });
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
  }
}

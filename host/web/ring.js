/** Rows of numbers, of which the last so many are kept. Grows as it fills; row numbers count from 0 and never come again. */
export class Ring {
  /**
   * @param {Function} Type a typed array's constructor.
   * @param {number} width numbers in a row.
   * @param {number} capacity rows that are kept at most.
   */
  constructor(Type, width, capacity) {
    this.Type = Type;
    this.width = width;
    this.capacity = capacity;
    this.data = new Type(width * Math.min(capacity, 1024));
    this.end = 0;
    this.begin = 0;
  }

  /** Rows from here on are kept. */
  get first() {
    return Math.max(this.begin, this.end - this.capacity);
  }

  /** Appends whole rows. */
  push(values) {
    const rows = values.length / this.width;
    this.grow(rows);
    const room = this.data.length / this.width;
    for (let done = 0; done < rows; ) {
      const at = (this.end + done) % room;
      const part = Math.min(rows - done, room - at);
      this.data.set(values.subarray(done * this.width, (done + part) * this.width), at * this.width);
      done += part;
    }
    this.end += rows;
  }

  /** One row that is kept, as a view. */
  row(index) {
    const at = (index % (this.data.length / this.width)) * this.width;
    return this.data.subarray(at, at + this.width);
  }

  /** The first number of a row that is kept. */
  value(index) {
    return this.data[(index % (this.data.length / this.width)) * this.width];
  }

  /** All rows that are kept, copied, oldest first. */
  all() {
    const out = new this.Type((this.end - this.first) * this.width);
    for (let index = this.first; index < this.end; ++index) out.set(this.row(index), (index - this.first) * this.width);
    return out;
  }

  /** Forgets everything; the next row has this number. */
  restart(index) {
    this.begin = this.end = index;
  }

  grow(rows) {
    const wanted = this.end - this.begin + rows;
    let room = this.data.length / this.width;
    if (wanted <= room || room === this.capacity) return;
    const old = this.all();
    const first = this.first;
    while (room < wanted && room < this.capacity) room *= 2;
    this.data = new this.Type(Math.min(room, this.capacity) * this.width);
    const end = this.end;
    this.end = first;
    if (old.length) this.push(old);
    this.end = end;
  }
}

// Time between visits of an instruction, or in a function, without a cycle spent on it: the instruction is replaced by a BKPT
// that carries out the original one. The image in RAM is a copy that the start code makes, so addresses in RAM are armed when
// the one in flash that is always passed first has been seen.

const MARK = 0xc7, BKPT = 0xbe00 | MARK;

export class Watch {
  constructor(chip) {
    this.chip = chip;
    this.points = new Map();                      // address -> { opcode, point }
    this.named = new Map();
  }

  add(name, address, span) {
    const point = { name, address: (address & ~1) >>> 0, span, count: 0, total: 0, longest: 0, until: 0, last: null };
    this.named.set(name, point);
    this.#set(point.address, point);
  }

  // A reset copies the image anew; the flash keeps its marks.
  arm() {
    for (const [address] of this.points) if (address >>> 28 === 2) this.points.delete(address);
    for (const point of this.named.values()) { point.last = null; this.#set(point.address, point); }
  }

  #set(address, point) {
    if (this.points.has(address)) return;
    const opcode = this.#code(address);
    if (opcode === BKPT) return;
    this.points.set(address, { opcode, point });
    this.#code(address, BKPT);
  }

  #code(address, value) {
    const { mcu, ram16 } = this.chip, flash = address >>> 28 === 1;
    const code = flash ? mcu.flash16 : ram16, at = flash ? (address & 0xffffff) >> 1 : (address & 0x7ffff) >> 1;
    if (value !== undefined) code[at] = value;
    return code[at];
  }

  // Was BKPT n ours? Then it is carried out.
  hit(n) {
    if (n !== MARK) return false;
    const { chip } = this, { core } = chip.mcu, address = core.PC - 2, entry = this.points.get(address);
    if (!entry) return false;
    const { point } = entry, now = chip.nanos;
    if (point.span && address === point.address) {
      if (point.last === null) { point.last = now; point.back = (core.LR & ~1) >>> 0; this.#set(point.back, point); }
    } else if (point.span) {
      if (point.last !== null) this.#count(point, now);
      point.last = null;
    } else {
      if (point.last !== null) this.#count(point, now);
      point.last = now;
    }
    this.#code(address, entry.opcode);
    core.PC = address;
    core.cycles -= 1;                             // the BKPT's own
    core.executeInstruction();
    this.#code(address, BKPT);
    if (point.span && address !== point.address) { this.#code(address, entry.opcode); this.points.delete(address); }
    return true;
  }

  #count(point, now) {
    const took = now - point.last;
    point.count++;
    point.total += took;
    if (took > point.longest) { point.longest = took; point.until = now; }
  }

  report() {
    const out = {};
    for (const p of this.named.values()) {
      out[p.name] = { count: p.count, total_ns: p.total, longest_ns: p.longest, until_ns: p.until };
      p.count = p.total = p.longest = p.until = 0;
    }
    return out;
  }
}

// Where the processor is, looked at every so many nanoseconds of emulated time: functions by their share of it.
export class Profile {
  constructor(chip) { Object.assign(this, { chip, every: 0, counts: new Map() }); }

  start(nanos) {
    const running = this.every > 0;
    this.every = nanos;
    if (!running) this.arm();
  }

  arm() {
    if (!this.every) return;
    const { clock, core } = this.chip.mcu;
    const alarm = clock.createAlarm(() => {
      const at = core.waiting ? 0 : core.PC;
      this.counts.set(at, (this.counts.get(at) || 0) + 1);
      alarm.schedule(this.every);
    });
    alarm.schedule(this.every);
  }

  report() {
    const out = [...this.counts];
    this.counts.clear();
    return out;
  }
}

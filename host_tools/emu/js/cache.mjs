// Flash is read through the cache of the RP2040 (data sheet 2.6.3.1: 16 kB, two ways, lines of 8 bytes). A miss holds the
// processor for 50 cycles: 400 ns were measured on a chip at 125 MHz with the flash at 62.5 MHz.

const MISS_CYCLES = 50;

export class Cache {
  constructor() { this.lines = new Int32Array(2048).fill(-1); this.misses = 0; }

  flush() { this.lines.fill(-1); }

  // Cycles that an access to an address of the flash waits.
  miss(address) {
    const lines = this.lines, line = (address & 0xffffff) >>> 3, at = (line & 1023) << 1;
    if (lines[at] === line) return 0;
    const other = lines[at];
    lines[at] = line;
    if (lines[at + 1] === line) { lines[at + 1] = other; return 0; }
    lines[at + 1] = other;
    this.misses++;
    return MISS_CYCLES;
  }
}

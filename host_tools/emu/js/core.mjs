// The Cortex-M0+ of the emulator: instructions by a table of all 65536 opcodes, several times as fast as the chain of
// comparisons in rp2040js, and right where that is not (carry of shifts by a register that holds 0, overflow of ADCS and SBCS
// with a carry in, cycles of PUSH with LR and POP with PC). State and exceptions stay in rp2040js's core; time is only told to
// the clock when something can look at it. Cycles: Cortex-M0+ TRM 3.3, single-cycle multiplier and I/O port, as in the RP2040.
//
// Flash is read through the cache of the RP2040 (data sheet 2.6.3.1: 16 kB, two ways, lines of 8 bytes). A miss holds the
// processor for 50 cycles: 400 ns were measured on a chip at 125 MHz with the flash at 62.5 MHz.

const MISS_CYCLES = 50;
const RAM = 0x20000000, RAM_SIZE = 0x42000, SIO_DIVIDER = 0xd0000060;

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

const NAMES = [
  'lslI', 'lsrI', 'asrI', 'addR', 'subR', 'add3', 'sub3', 'movI', 'cmpI', 'add8', 'sub8',
  'and', 'eor', 'lslR', 'lsrR', 'asrR', 'adc', 'sbc', 'ror', 'tst', 'neg', 'cmpR', 'cmn', 'orr', 'mul', 'bic', 'mvn',
  'addH', 'cmpH', 'movH', 'bx', 'blx', 'ldrL', 'strR', 'strhR', 'strbR', 'ldrsbR', 'ldrR', 'ldrhR', 'ldrbR', 'ldrshR',
  'strI', 'ldrI', 'strbI', 'ldrbI', 'strhI', 'ldrhI', 'strS', 'ldrS', 'adr', 'addS', 'addSP', 'subSP', 'sxth', 'sxtb', 'uxth',
  'uxtb', 'push', 'pop', 'rev', 'rev16', 'revsh', 'hint', 'stm', 'ldm', 'bcc', 'b', 'wide', 'other',
];
const KIND = new Uint8Array(65536);               // a place in NAMES: only literal numbers make the switch below a jump table
for (let op = 0; op < 65536; op++) KIND[op] = NAMES.indexOf(kind(op));

function kind(op) {
  const top = op >> 11;
  if (top < 3) return ['lslI', 'lsrI', 'asrI'][top];
  if (top === 3) return ['addR', 'subR', 'add3', 'sub3'][op >> 9 & 3];
  if (top < 8) return ['movI', 'cmpI', 'add8', 'sub8'][top - 4];
  if (op >> 10 === 0x10) return ['and', 'eor', 'lslR', 'lsrR', 'asrR', 'adc', 'sbc', 'ror', 'tst', 'neg', 'cmpR', 'cmn', 'orr', 'mul', 'bic', 'mvn'][op >> 6 & 15];
  if (op >> 10 === 0x11) {
    const n = op >> 8 & 3;
    return n < 3 ? ['addH', 'cmpH', 'movH'][n] : op & 7 ? 'other' : op & 0x80 ? 'blx' : 'bx';
  }
  if (top === 9) return 'ldrL';
  if (op >> 12 === 5) return ['strR', 'strhR', 'strbR', 'ldrsbR', 'ldrR', 'ldrhR', 'ldrbR', 'ldrshR'][op >> 9 & 7];
  if (top < 22) return { 12: 'strI', 13: 'ldrI', 14: 'strbI', 15: 'ldrbI', 16: 'strhI', 17: 'ldrhI', 18: 'strS', 19: 'ldrS', 20: 'adr', 21: 'addS' }[top];
  if (op >> 12 === 11) {
    if (op >> 7 === 0x160) return 'addSP';
    if (op >> 7 === 0x161) return 'subSP';
    if (op >> 8 === 0xb2) return ['sxth', 'sxtb', 'uxth', 'uxtb'][op >> 6 & 3];
    if (op >> 9 === 0x5a) return 'push';
    if (op >> 9 === 0x5e) return 'pop';
    if (op >> 8 === 0xba) return ['rev', 'rev16', 'other', 'revsh'][op >> 6 & 3];
    if (op === 0xbf00) return 'hint';
    return 'other';
  }
  if (top === 24) return 'stm';
  if (top === 25) return 'ldm';
  if (op >> 12 === 13) return (op >> 9 & 7) === 7 ? 'other' : 'bcc';
  if (top === 28) return 'b';
  return 'wide';
}

// Run until the clock is at `end`, the core waits, or the chip has been stopped.
export function execute(chip, end) {
  const { mcu } = chip, { core, clock, sio } = mcu, r = core.registers, cache = chip.cache;
  const flash16 = mcu.flash16, flash8 = mcu.flash, flash32 = chip.flash32;
  const { ram8, ram16, ram32, rom16 } = chip;
  let result = 0, c = 0, v = 0;                    // N and Z are those of `result`
  let pc = 0, cycles = 0, base = 0, baseNanos = 0, limit = 0, perCycle = 8, line = -1, steps = 0;

  const load = () => {                            // from the core, after something else had it
    result = core.Z ? 0 : core.N ? -1 : 1;
    c = core.C ? 1 : 0;
    v = core.V ? 1 : 0;
    pc = r[15] & ~1;
  };
  const save = () => {
    core.N = result < 0;
    core.Z = result === 0;
    core.C = c === 1;
    core.V = v === 1;
    r[15] = pc;
  };
  // Clock and cycle counter as they are now, for whoever may look at them.
  const tell = () => {
    core.cycles = cycles;
    clock.nanosCounter = baseNanos + (cycles - base) * perCycle;
  };
  // Time for cycles that rp2040js's core has counted itself since `before`; wait() has told the clock of its own.
  const charge = (before) => {
    clock.nanosCounter += (core.cycles - before - chip.waited) * chip.nanosPerCycle;
    chip.waited = 0;
  };
  // One instruction or exception of rp2040js's core.
  const step = (call) => {
    tell();
    save();
    const before = core.cycles;
    call();
    charge(before);
    load();
    renew();
    line = -1;
  };
  const instruction = () => core.executeInstruction();
  // Anything may have changed: begin a new span.
  const renew = () => {
    cycles = base = core.cycles;
    baseNanos = clock.nanosCounter;
    perCycle = chip.nanosPerCycle;
    const alarm = clock.nextAlarm, next = alarm !== null && alarm.nanos < end ? alarm.nanos : end;
    limit = core.interruptsUpdated || core.waiting || chip.stopped ? -1 : base + Math.max(1, Math.ceil((next - baseNanos) / perCycle - 1e-9));
  };
  // Everything that is not plain memory. `waits`: cycles of the access itself.
  const readIO = (address, size) => {
    address >>>= 0;
    if (address >>> 28 === 0xd && address >= SIO_DIVIDER && address < SIO_DIVIDER + 0x20) return sio.readUint32(address & 0xfff);
    tell();
    r[15] = pc;
    const value = size === 4 ? mcu.readUint32(address) : size === 2 ? mcu.readUint16(address) : mcu.readUint8(address);
    renew();
    return value;
  };
  const writeIO = (address, value, size) => {
    address >>>= 0;
    if (address >>> 28 === 0xd && address >= SIO_DIVIDER && address < SIO_DIVIDER + 0x20) {
      core.cycles = cycles;
      sio.writeUint32(address & 0xfff, value);
      cycles = core.cycles;
      return;
    }
    tell();
    r[15] = pc;
    if (size === 4) mcu.writeUint32(address, value);
    else if (size === 2) mcu.writeUint16(address, value);
    else mcu.writeUint8(address, value);
    renew();
  };
  const waits = (address, write) => address >>> 28 === 0xd ? 0 : address >>> 28 === 4 ? (write ? 4 : 3) : 1;
  const read32 = (address) => {
    const ram = (address - RAM) >>> 0;
    if (ram < RAM_SIZE && !(ram & 3)) { cycles += 1; return ram32[ram >> 2]; }
    if (address >>> 24 === 0x10 && !(address & 3)) { cycles += 1 + cache.miss(address); return flash32[(address & 0xffffff) >> 2]; }
    const value = readIO(address, 4);
    cycles += waits(address, false);
    return value;
  };
  const read16 = (address) => {
    const ram = (address - RAM) >>> 0;
    if (ram < RAM_SIZE) { cycles += 1; return ram16[ram >> 1]; }
    if (address >>> 24 === 0x10) { cycles += 1 + cache.miss(address); return flash16[(address & 0xffffff) >> 1]; }
    const value = readIO(address, 2);
    cycles += waits(address, false);
    return value;
  };
  const read8 = (address) => {
    const ram = (address - RAM) >>> 0;
    if (ram < RAM_SIZE) { cycles += 1; return ram8[ram]; }
    if (address >>> 24 === 0x10) { cycles += 1 + cache.miss(address); return flash8[address & 0xffffff]; }
    const value = readIO(address, 1);
    cycles += waits(address, false);
    return value;
  };
  const write32 = (address, value) => {
    const ram = (address - RAM) >>> 0;
    if (ram < RAM_SIZE && !(ram & 3)) { cycles += 1; ram32[ram >> 2] = value; return; }
    writeIO(address, value, 4);
    cycles += waits(address, true);
  };
  const write16 = (address, value) => {
    const ram = (address - RAM) >>> 0;
    if (ram < RAM_SIZE) { cycles += 1; ram16[ram >> 1] = value; return; }
    writeIO(address, value & 0xffff, 2);
    cycles += waits(address, true);
  };
  const write8 = (address, value) => {
    const ram = (address - RAM) >>> 0;
    if (ram < RAM_SIZE) { cycles += 1; ram8[ram] = value; return; }
    writeIO(address, value & 0xff, 1);
    cycles += waits(address, true);
  };
  const add = (a, b, carry) => {                  // sets all flags; a and b as 32 bits, either sign
    const sum = (a >>> 0) + (b >>> 0) + carry;
    result = sum | 0;
    c = sum > 0xffffffff ? 1 : 0;
    v = (~(a ^ b) & (a ^ result)) >>> 31;
    return result;
  };
  const branchTo = (address) => {                 // BX, POP: may be a return from an exception
    if (core.currentMode === 1 && address >>> 28 === 15) {
      step(() => core.exceptionReturn(address & 0x0fffffff));
    } else pc = address & ~1;
  };

  load();
  while (true) {
    // Between spans: alarms, interrupts, the reasons to stop.
    const alarm = clock.nextAlarm;
    if (alarm !== null && alarm.nanos <= clock.nanosCounter) {
      save();
      clock.tick(0);
      load();
    }
    while (core.interruptsUpdated && !chip.stopped && !core.waiting) {
      save();
      const before = core.cycles;
      if (!core.checkForInterrupts()) break;
      charge(before);
      load();
      line = -1;
    }
    if (chip.stopped || core.waiting || clock.nanosCounter >= end) break;
    renew();

    while (cycles < limit) {
      let op;
      if (pc >>> 28 === 1) {
        if (pc >>> 3 !== line) { line = pc >>> 3; cycles += cache.miss(pc); }
        op = flash16[(pc & 0xffffff) >> 1];
      } else if (pc >>> 28 === 2) op = ram16[(pc & 0x7ffff) >> 1];
      else op = rom16[(pc & 0x3fff) >> 1];
      pc += 2;
      cycles += 1;
      steps++;
      switch (KIND[op]) {
        case 0: {  // lslI
          const n = op >> 6 & 31, x = r[op >> 3 & 7];
          if (n) c = x >>> (32 - n) & 1;
          r[op & 7] = result = x << n;
          break;
        }
        case 1: {  // lsrI
          const n = op >> 6 & 31, x = r[op >> 3 & 7];
          c = x >>> ((n || 32) - 1) & 1;
          r[op & 7] = result = n ? x >>> n | 0 : 0;
          break;
        }
        case 2: {  // asrI
          const n = op >> 6 & 31, x = r[op >> 3 & 7] | 0;
          c = x >>> ((n || 32) - 1) & 1;
          r[op & 7] = result = x >> (n || 31);
          break;
        }
        case 3: r[op & 7] = add(r[op >> 3 & 7], r[op >> 6 & 7], 0); break;  // addR
        case 4: r[op & 7] = add(r[op >> 3 & 7], ~r[op >> 6 & 7], 1); break;  // subR
        case 5: r[op & 7] = add(r[op >> 3 & 7], op >> 6 & 7, 0); break;  // add3
        case 6: r[op & 7] = add(r[op >> 3 & 7], ~(op >> 6 & 7), 1); break;  // sub3
        case 7: r[op >> 8 & 7] = result = op & 255; break;  // movI
        case 8: add(r[op >> 8 & 7], ~(op & 255), 1); break;  // cmpI
        case 9: r[op >> 8 & 7] = add(r[op >> 8 & 7], op & 255, 0); break;  // add8
        case 10: r[op >> 8 & 7] = add(r[op >> 8 & 7], ~(op & 255), 1); break;  // sub8
        case 11: r[op & 7] = result = r[op & 7] & r[op >> 3 & 7]; break;  // and
        case 12: r[op & 7] = result = r[op & 7] ^ r[op >> 3 & 7]; break;  // eor
        case 13: {  // lslR
          const n = r[op >> 3 & 7] & 255, x = r[op & 7];
          if (n) c = n <= 32 ? x >>> (32 - n) & 1 : 0;
          r[op & 7] = result = n < 32 ? x << n : 0;
          break;
        }
        case 14: {  // lsrR
          const n = r[op >> 3 & 7] & 255, x = r[op & 7];
          if (n) c = n <= 32 ? x >>> (n - 1) & 1 : 0;
          r[op & 7] = result = n < 32 ? x >>> n | 0 : 0;
          break;
        }
        case 15: {  // asrR
          const n = r[op >> 3 & 7] & 255, x = r[op & 7] | 0;
          if (n) c = n <= 32 ? x >>> (n - 1) & 1 : x >>> 31;
          r[op & 7] = result = x >> (n < 32 ? n : 31);
          break;
        }
        case 16: r[op & 7] = add(r[op & 7], r[op >> 3 & 7], c); break;  // adc
        case 17: r[op & 7] = add(r[op & 7], ~r[op >> 3 & 7], c); break;  // sbc
        case 18: {  // ror
          const n = r[op >> 3 & 7] & 255, x = r[op & 7];
          result = n & 31 ? x >>> (n & 31) | x << (32 - (n & 31)) : x | 0;
          if (n) c = result >>> 31;
          r[op & 7] = result;
          break;
        }
        case 19: result = r[op & 7] & r[op >> 3 & 7]; break;  // tst
        case 20: r[op & 7] = add(0, ~r[op >> 3 & 7], 1); break;  // neg
        case 21: add(r[op & 7], ~r[op >> 3 & 7], 1); break;  // cmpR
        case 22: add(r[op & 7], r[op >> 3 & 7], 0); break;  // cmn
        case 23: r[op & 7] = result = r[op & 7] | r[op >> 3 & 7]; break;  // orr
        case 24: r[op & 7] = result = Math.imul(r[op & 7], r[op >> 3 & 7]); break;  // mul
        case 25: r[op & 7] = result = r[op & 7] & ~r[op >> 3 & 7]; break;  // bic
        case 26: r[op & 7] = result = ~r[op >> 3 & 7]; break;  // mvn
        case 27: {  // addH
          const to = op >> 4 & 8 | op & 7, m = op >> 3 & 15;
          const sum = (to === 15 ? pc + 2 : r[to]) + (m === 15 ? pc + 2 : r[m]);
          if (to === 15) { pc = sum & ~1; cycles += 1; } else r[to] = to === 13 ? sum & ~3 : sum;
          break;
        }
        case 28: {  // cmpH
          const m = op >> 3 & 15, n = op >> 4 & 8 | op & 7;
          add(r[n], ~(m === 15 ? pc + 2 : r[m]), 1);
          break;
        }
        case 29: {  // movH
          const to = op >> 4 & 8 | op & 7, m = op >> 3 & 15, x = m === 15 ? pc + 2 : r[m];
          if (to === 15) { pc = x & ~1; cycles += 1; } else r[to] = to === 13 ? x & ~3 : x;
          break;
        }
        case 30: cycles += 1; branchTo(r[op >> 3 & 15]); break;  // bx
        case 31: { const to = r[op >> 3 & 15]; r[14] = pc | 1; pc = to & ~1; cycles += 1; break; }  // blx
        case 32: r[op >> 8 & 7] = read32((pc + 2 & ~3) + ((op & 255) << 2)); break;  // ldrL
        case 33: write32(r[op >> 3 & 7] + r[op >> 6 & 7] >>> 0, r[op & 7]); break;  // strR
        case 34: write16(r[op >> 3 & 7] + r[op >> 6 & 7] >>> 0, r[op & 7]); break;  // strhR
        case 35: write8(r[op >> 3 & 7] + r[op >> 6 & 7] >>> 0, r[op & 7]); break;  // strbR
        case 36: r[op & 7] = read8(r[op >> 3 & 7] + r[op >> 6 & 7] >>> 0) << 24 >> 24; break;  // ldrsbR
        case 37: r[op & 7] = read32(r[op >> 3 & 7] + r[op >> 6 & 7] >>> 0); break;  // ldrR
        case 38: r[op & 7] = read16(r[op >> 3 & 7] + r[op >> 6 & 7] >>> 0); break;  // ldrhR
        case 39: r[op & 7] = read8(r[op >> 3 & 7] + r[op >> 6 & 7] >>> 0); break;  // ldrbR
        case 40: r[op & 7] = read16(r[op >> 3 & 7] + r[op >> 6 & 7] >>> 0) << 16 >> 16; break;  // ldrshR
        case 41: write32(r[op >> 3 & 7] + (op >> 4 & 124) >>> 0, r[op & 7]); break;  // strI
        case 42: r[op & 7] = read32(r[op >> 3 & 7] + (op >> 4 & 124) >>> 0); break;  // ldrI
        case 43: write8(r[op >> 3 & 7] + (op >> 6 & 31) >>> 0, r[op & 7]); break;  // strbI
        case 44: r[op & 7] = read8(r[op >> 3 & 7] + (op >> 6 & 31) >>> 0); break;  // ldrbI
        case 45: write16(r[op >> 3 & 7] + (op >> 5 & 62) >>> 0, r[op & 7]); break;  // strhI
        case 46: r[op & 7] = read16(r[op >> 3 & 7] + (op >> 5 & 62) >>> 0); break;  // ldrhI
        case 47: write32(r[13] + ((op & 255) << 2) >>> 0, r[op >> 8 & 7]); break;  // strS
        case 48: r[op >> 8 & 7] = read32(r[13] + ((op & 255) << 2) >>> 0); break;  // ldrS
        case 49: r[op >> 8 & 7] = (pc + 2 & ~3) + ((op & 255) << 2); break;  // adr
        case 50: r[op >> 8 & 7] = r[13] + ((op & 255) << 2); break;  // addS
        case 51: r[13] += (op & 127) << 2; break;  // addSP
        case 52: r[13] -= (op & 127) << 2; break;  // subSP
        case 53: r[op & 7] = r[op >> 3 & 7] << 16 >> 16; break;  // sxth
        case 54: r[op & 7] = r[op >> 3 & 7] << 24 >> 24; break;  // sxtb
        case 55: r[op & 7] = r[op >> 3 & 7] & 0xffff; break;  // uxth
        case 56: r[op & 7] = r[op >> 3 & 7] & 0xff; break;  // uxtb
        case 57: {  // push
          let n = 0;
          for (let i = 0; i < 9; i++) n += op >> i & 1;
          let at = r[13] - 4 * n >>> 0;
          r[13] = at;
          for (let i = 0; i < 8; i++) if (op >> i & 1) { write32(at, r[i]); at += 4; }
          if (op & 256) write32(at, r[14]);
          break;
        }
        case 58: {  // pop
          let at = r[13];
          for (let i = 0; i < 8; i++) if (op >> i & 1) { r[i] = read32(at); at += 4; }
          if (op & 256) { const to = read32(at); r[13] = at + 4; cycles += 2; branchTo(to); } else r[13] = at;
          break;
        }
        case 59: { const x = r[op >> 3 & 7]; r[op & 7] = x << 24 | (x & 0xff00) << 8 | x >>> 8 & 0xff00 | x >>> 24; break; }  // rev
        case 60: { const x = r[op >> 3 & 7]; r[op & 7] = (x & 0x00ff00ff) << 8 | x >>> 8 & 0x00ff00ff; break; }  // rev16
        case 61: { const x = r[op >> 3 & 7]; r[op & 7] = (x << 24 >> 16) | (x >>> 8 & 255); break; }  // revsh
        case 62: break;  // hint
        case 63: {  // stm
          const n = op >> 8 & 7;
          let at = r[n];
          for (let i = 0; i < 8; i++) if (op >> i & 1) { write32(at, r[i]); at += 4; }
          r[n] = at;
          break;
        }
        case 64: {  // ldm
          const n = op >> 8 & 7;
          let at = r[n];
          for (let i = 0; i < 8; i++) if (op >> i & 1) { r[i] = read32(at); at += 4; }
          if (!(op >> n & 1)) r[n] = at;
          break;
        }
        case 65: {  // bcc
          let yes;
          switch (op >> 8 & 15) {
            case 0: yes = result === 0; break;
            case 1: yes = result !== 0; break;
            case 2: yes = c === 1; break;
            case 3: yes = c === 0; break;
            case 4: yes = result < 0; break;
            case 5: yes = result >= 0; break;
            case 6: yes = v === 1; break;
            case 7: yes = v === 0; break;
            case 8: yes = c === 1 && result !== 0; break;
            case 9: yes = c === 0 || result === 0; break;
            case 10: yes = (result < 0) === (v === 1); break;
            case 11: yes = (result < 0) !== (v === 1); break;
            case 12: yes = result !== 0 && (result < 0) === (v === 1); break;
            default: yes = result === 0 || (result < 0) !== (v === 1);
          }
          if (yes) { pc += (op << 24 >> 23) + 2; cycles += 1; }
          break;
        }
        case 66: pc += (op << 21 >> 20) + 2; cycles += 1; break;  // b
        case 67: {  // wide
          const low = pc >>> 28 === 1 ? flash16[(pc & 0xffffff) >> 1] : pc >>> 28 === 2 ? ram16[(pc & 0x7ffff) >> 1] : rom16[(pc & 0x3fff) >> 1];
          if (op >> 11 === 30 && (low & 0xd000) === 0xd000) {  // BL
            const s = op >> 10 & 1, i1 = 1 - (s ^ low >> 13 & 1), i2 = 1 - (s ^ low >> 11 & 1);
            if (pc >>> 28 === 1 && pc >>> 3 !== line) { line = pc >>> 3; cycles += cache.miss(pc); }
            r[14] = pc + 2 | 1;
            pc += 2 + ((s ? 0xff000000 : 0) | i1 << 23 | i2 << 22 | (op & 0x3ff) << 12 | (low & 0x7ff) << 1);
            cycles += 2;
            break;
          }
          cycles -= 1;                            // barriers, MRS, MSR: as below
          pc -= 2;
          step(instruction);
          break;
        }
        default:                                  // what is rare, or touches the core's state: rp2040js does it
          cycles -= 1;
          pc -= 2;
          step(instruction);
      }
    }
    save();
    tell();
  }
  chip.steps += steps;
  save();
}

// The RP2040's boot ROM at high level. No package carries its image, so every function of its tables is `bkpt #n; bx lr`: the
// host does the work and charges the cycles that the data sheet (2.8.3) gives, or an estimate where it gives none.
// Flash routines are in flash.mjs: they take real time and a power cut can hit them.

const TABLE = ['MS', 'S4', 'MC', 'C4', 'P3', 'R3', 'L3', 'T3', 'IF', 'EX', 'RE', 'RP', 'FC', 'CX', 'UB'];
const LOOKUP = 0x7f, SOFT_FLOAT = 0x20, SOFT_DOUBLE = 0x40;
const SRAM = 0x20000000, SRAM_END = 0x20042000, XIP = 0x10;

const f32 = new Float32Array(1), u32 = new Uint32Array(f32.buffer);
const f64 = new Float64Array(1), u64 = new Uint32Array(f64.buffer);
const toFloat = (bits) => { u32[0] = bits; return f32[0]; };
const fromFloat = (x) => { f32[0] = x; return u32[0]; };
const toDouble = (low, high) => { u64[0] = low; u64[1] = high; return f64[0]; };
const toInt = (x) => Number.isNaN(x) ? 0 : x >= 2147483647 ? 0x7fffffff : x <= -2147483648 ? -2147483648 : Math.trunc(x);
const toUint = (x) => Number.isNaN(x) || x <= 0 ? 0 : x >= 4294967295 ? 0xffffffff : Math.trunc(x);
const long = (low, high) => (BigInt(high) << 32n) | BigInt(low);
const twoLetters = (s) => s.charCodeAt(0) | (s.charCodeAt(1) << 8);

// The image: vector table, magic and version, tables of functions and of floating point routines.
export function build(bootrom) {
  const rom = new Uint8Array(16384), view = new DataView(rom.buffer);
  let at = 0x100;
  const stub = (n) => {
    view.setUint16(at, 0xbe00 | n, true);
    view.setUint16(at + 2, 0x4770, true);
    at += 4;
    return (at - 4) | 1;
  };
  const stubs = TABLE.map((_, i) => stub(i + 1));
  const lookup = stub(LOOKUP);
  view.setUint32(0, 0x20041f00, true);
  view.setUint32(4, 0x81, true);
  view.setUint16(0x80, 0xe7fe, true);             // the reset vector spins: boot() of chip.mjs enters the image
  rom.set([0x4d, 0x75, 0x01, 0x03], 0x10);        // 'M' 'u' 1, version 3 (RP2040 B2)
  let table = 0x400;
  const row = (name, target) => { view.setUint16(table, twoLetters(name), true); view.setUint16(table + 2, target, true); table += 4; };
  view.setUint16(0x14, table, true);
  TABLE.forEach((name, i) => row(name, stubs[i]));
  table = 0x800;
  view.setUint16(0x16, table, true);
  for (const [name, place, first] of [['SF', 0x600, SOFT_FLOAT], ['SD', 0x700, SOFT_DOUBLE]]) {
    view.setUint8(place - 2, 32);                 // number of entries, for the SDK's check
    for (let i = 0; i < 32; i++) view.setUint32(place + 4 * i, stub(first + i), true);
    row(name, place);
  }
  view.setUint16(0x18, lookup, true);
  bootrom.set(new Uint32Array(rom.buffer));
}

// Carry out call n. Returns its cycles. `chip`: Chip, whose flash unit does RE and RP.
export function call(chip, n) {
  const mcu = chip.mcu, r = mcu.core.registers;
  if (n === LOOKUP) {                             // (table, code) -> address
    const want = r[1] & 0xffff;
    let found = 0;
    for (let t = r[0]; ; t += 4) {
      const key = mcu.readUint16(t);
      if (!key) break;
      if (key === want) { found = mcu.readUint16(t + 2); break; }
    }
    r[0] = found;
    return 40;
  }
  if (n >= SOFT_DOUBLE) return double(r, (n - SOFT_DOUBLE) * 4);
  if (n >= SOFT_FLOAT) return float(r, (n - SOFT_FLOAT) * 4);
  const inRam = (a, len) => a >= SRAM && a + len <= SRAM_END;
  switch (TABLE[n - 1]) {
    case 'MS': case 'S4': {
      const to = r[0], len = r[2], value = r[1] & 0xff;
      if (inRam(to, len)) mcu.sram.fill(value, to - SRAM, to - SRAM + len);
      else for (let i = 0; i < len; i++) mcu.writeUint8(to + i, value);
      return 20 + len * (to & 3 ? 1.5 : 0.4);
    }
    case 'MC': case 'C4': {
      const to = r[0], from = r[1], len = r[2];
      if (inRam(to, len) && (from >>> 24 === XIP || inRam(from, len))) {
        const source = from >>> 24 === XIP ? mcu.flash : mcu.sram;
        mcu.sram.set(source.subarray(from & 0xffffff, (from & 0xffffff) + len), to - SRAM);
      } else for (let i = 0; i < len; i++) mcu.writeUint8(to + i, mcu.readUint8(from + i));
      return 20 + len * ((to | from) & 3 ? 3 : 0.7);
    }
    case 'P3': { let x = r[0], bits = 0; while (x) { x &= x - 1; bits++; } r[0] = bits; return 18; }
    case 'R3': { let x = r[0], y = 0; for (let i = 0; i < 32; i++) { y = (y << 1) | (x & 1); x >>>= 1; } r[0] = y; return 20; }
    case 'L3': r[0] = Math.clz32(r[0]); return 20;
    case 'T3': r[0] = r[0] ? 31 - Math.clz32(r[0] & -r[0]) : 32; return 20;
    case 'FC': chip.cache.flush(); return 1100;
    case 'IF': case 'EX': case 'CX': return 200;
    case 'RE': chip.flash.erase(r[0], r[1]); return 0;
    case 'RP': chip.flash.program(r[0], r[1], r[2]); return 0;
    case 'UB': chip.halt('the image asked for the USB boot loader'); return 0;
  }
  chip.halt('call of the boot ROM that is not emulated: ' + n);
  return 0;
}

function float(r, offset) {
  const a = toFloat(r[0]), b = toFloat(r[1]);
  switch (offset) {
    case 0x00: r[0] = fromFloat(a + b); return 71;
    case 0x04: r[0] = fromFloat(a - b); return 74;
    case 0x08: r[0] = fromFloat(a * b); return 69;
    case 0x0c: r[0] = fromFloat(a / b); return 71;
    case 0x18: r[0] = fromFloat(Math.sqrt(a)); return 63;
    case 0x1c: r[0] = toInt(a); return 40;
    case 0x20: r[0] = toInt(Math.floor(a * 2 ** r[1])); return 39;
    case 0x24: r[0] = toUint(a); return 39;
    case 0x28: r[0] = toUint(a * 2 ** r[1]); return 38;
    case 0x2c: r[0] = fromFloat(r[0] | 0); return 55;
    case 0x30: r[0] = fromFloat((r[0] | 0) / 2 ** r[1]); return 53;
    case 0x34: r[0] = fromFloat(r[0]); return 52;
    case 0x38: r[0] = fromFloat(r[0] / 2 ** r[1]); return 49;
    case 0x3c: r[0] = fromFloat(Math.cos(a)); return 587;
    case 0x40: r[0] = fromFloat(Math.sin(a)); return 577;
    case 0x44: r[0] = fromFloat(Math.tan(a)); return 653;
    case 0x4c: r[0] = fromFloat(Math.exp(a)); return 524;
    case 0x50: r[0] = fromFloat(Math.log(a)); return 789;
    case 0x54: r[0] = a < b ? -1 : a > b ? 1 : 0; return 25;
    case 0x58: r[0] = fromFloat(Math.atan2(a, b)); return 599;
    case 0x5c: r[0] = fromFloat(Number(BigInt.asIntN(64, long(r[0], r[1])))); return 65;
    case 0x64: r[0] = fromFloat(Number(long(r[0], r[1]))); return 60;
    case 0x6c: case 0x74: setLong(r, a); return 63;
    case 0x7c: setDouble(r, a); return 30;
  }
  throw new Error('routine of the boot ROM that is not emulated: float ' + offset.toString(16));
}

function double(r, offset) {
  const a = toDouble(r[0], r[1]), b = toDouble(r[2], r[3]);
  switch (offset) {
    case 0x00: setDouble(r, a + b); return 99;
    case 0x04: setDouble(r, a - b); return 104;
    case 0x08: setDouble(r, a * b); return 149;
    case 0x0c: setDouble(r, a / b); return 188;
    case 0x18: setDouble(r, Math.sqrt(a)); return 168;
    case 0x1c: r[0] = toInt(a); return 75;
    case 0x24: r[0] = toUint(a); return 75;
    case 0x2c: setDouble(r, r[0] | 0); return 69;
    case 0x34: setDouble(r, r[0]); return 69;
    case 0x5c: setDouble(r, Number(BigInt.asIntN(64, long(r[0], r[1])))); return 65;
    case 0x64: setDouble(r, Number(long(r[0], r[1]))); return 60;
    case 0x6c: case 0x74: setLong(r, a); return 90;
    case 0x7c: r[0] = fromFloat(a); return 30;
  }
  throw new Error('routine of the boot ROM that is not emulated: double ' + offset.toString(16));
}

function setDouble(r, x) { f64[0] = x; r[0] = u64[0]; r[1] = u64[1]; }

function setLong(r, x) {
  const bits = BigInt.asUintN(64, BigInt(Number.isFinite(x) ? Math.trunc(x) : 0));
  r[0] = Number(bits & 0xffffffffn);
  r[1] = Number(bits >> 32n);
}

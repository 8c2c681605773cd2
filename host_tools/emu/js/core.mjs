// The Cortex-M0+ of the emulator: instructions by a table of all 65536 opcodes, several times as fast as the chain of
// comparisons in rp2040js, and right where that is not (carry of shifts by a register that holds 0, overflow of ADCS and SBCS
// with a carry in, cycles of PUSH with LR and POP with PC). State and exceptions stay in rp2040js's core; time is only told to
// the clock when something can look at it. Cycles: Cortex-M0+ TRM 3.3, single-cycle multiplier and I/O port, as in the RP2040.
import { KIND } from './decode.mjs';
import { RAM, RAM_SIZE, State } from './state.mjs';

// Run until the clock is at `end`, the core waits, or the chip has been stopped. Everything that most instructions need is in
// local variables; `result` stands for N and Z.
export function execute(chip, end) {
  const { mcu } = chip, { core, clock } = mcu, r = core.registers, cache = chip.cache;
  const flash16 = mcu.flash16, flash8 = mcu.flash, flash32 = chip.flash32;
  const { ram8, ram16, ram32, rom16 } = chip;
  const st = new State(chip, end);
  let result = 0, c = 0, v = 0, pc = 0, cycles = 0, limit = 0, line = -1, steps = 0;

  st.load();
  while (true) {
    // Between spans: alarms, interrupts, the reasons to stop.
    const alarm = clock.nextAlarm;
    if (alarm !== null && alarm.nanos <= clock.nanosCounter) {
      st.save();
      clock.tick(0);
      st.load();
    }
    while (core.interruptsUpdated && !chip.stopped && !core.waiting) {
      st.save();
      const before = core.cycles;
      if (!core.checkForInterrupts()) break;
      st.charge(before);
      st.load();
      line = -1;
    }
    if (chip.stopped || core.waiting || clock.nanosCounter >= end) break;
    st.renew();
    result = st.result; c = st.c; v = st.v; pc = st.pc; cycles = st.cycles; limit = st.limit;

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
        case 3: { const x = r[op >> 3 & 7], y = r[op >> 6 & 7], sum = x + (y >>> 0); r[op & 7] = result = sum | 0; c = sum > 0xffffffff ? 1 : 0; v = (~(x ^ y) & (x ^ result)) >>> 31; break; }  // addR
        case 4: { const x = r[op >> 3 & 7], y = ~r[op >> 6 & 7], sum = x + (y >>> 0) + 1; r[op & 7] = result = sum | 0; c = sum > 0xffffffff ? 1 : 0; v = (~(x ^ y) & (x ^ result)) >>> 31; break; }  // subR
        case 5: { const x = r[op >> 3 & 7], y = op >> 6 & 7, sum = x + (y >>> 0); r[op & 7] = result = sum | 0; c = sum > 0xffffffff ? 1 : 0; v = (~(x ^ y) & (x ^ result)) >>> 31; break; }  // add3
        case 6: { const x = r[op >> 3 & 7], y = ~(op >> 6 & 7), sum = x + (y >>> 0) + 1; r[op & 7] = result = sum | 0; c = sum > 0xffffffff ? 1 : 0; v = (~(x ^ y) & (x ^ result)) >>> 31; break; }  // sub3
        case 7: r[op >> 8 & 7] = result = op & 255; break;  // movI
        case 8: { const x = r[op >> 8 & 7], y = ~(op & 255), sum = x + (y >>> 0) + 1; result = sum | 0; c = sum > 0xffffffff ? 1 : 0; v = (~(x ^ y) & (x ^ result)) >>> 31; break; }  // cmpI
        case 9: { const x = r[op >> 8 & 7], y = op & 255, sum = x + (y >>> 0); r[op >> 8 & 7] = result = sum | 0; c = sum > 0xffffffff ? 1 : 0; v = (~(x ^ y) & (x ^ result)) >>> 31; break; }  // add8
        case 10: { const x = r[op >> 8 & 7], y = ~(op & 255), sum = x + (y >>> 0) + 1; r[op >> 8 & 7] = result = sum | 0; c = sum > 0xffffffff ? 1 : 0; v = (~(x ^ y) & (x ^ result)) >>> 31; break; }  // sub8
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
        case 16: { const x = r[op & 7], y = r[op >> 3 & 7], sum = x + (y >>> 0) + c; r[op & 7] = result = sum | 0; c = sum > 0xffffffff ? 1 : 0; v = (~(x ^ y) & (x ^ result)) >>> 31; break; }  // adc
        case 17: { const x = r[op & 7], y = ~r[op >> 3 & 7], sum = x + (y >>> 0) + c; r[op & 7] = result = sum | 0; c = sum > 0xffffffff ? 1 : 0; v = (~(x ^ y) & (x ^ result)) >>> 31; break; }  // sbc
        case 18: {  // ror
          const n = r[op >> 3 & 7] & 255, x = r[op & 7];
          result = n & 31 ? x >>> (n & 31) | x << (32 - (n & 31)) : x | 0;
          if (n) c = result >>> 31;
          r[op & 7] = result;
          break;
        }
        case 19: result = r[op & 7] & r[op >> 3 & 7]; break;  // tst
        case 20: { const x = 0, y = ~r[op >> 3 & 7], sum = x + (y >>> 0) + 1; r[op & 7] = result = sum | 0; c = sum > 0xffffffff ? 1 : 0; v = (~(x ^ y) & (x ^ result)) >>> 31; break; }  // neg
        case 21: { const x = r[op & 7], y = ~r[op >> 3 & 7], sum = x + (y >>> 0) + 1; result = sum | 0; c = sum > 0xffffffff ? 1 : 0; v = (~(x ^ y) & (x ^ result)) >>> 31; break; }  // cmpR
        case 22: { const x = r[op & 7], y = r[op >> 3 & 7], sum = x + (y >>> 0); result = sum | 0; c = sum > 0xffffffff ? 1 : 0; v = (~(x ^ y) & (x ^ result)) >>> 31; break; }  // cmn
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
          const x = r[n], y = ~(m === 15 ? pc + 2 : r[m]), sum = x + (y >>> 0) + 1;
          result = sum | 0;
          c = sum > 0xffffffff ? 1 : 0;
          v = (~(x ^ y) & (x ^ result)) >>> 31;
          break;
        }
        case 29: {  // movH
          const to = op >> 4 & 8 | op & 7, m = op >> 3 & 15, x = m === 15 ? pc + 2 : r[m];
          if (to === 15) { pc = x & ~1; cycles += 1; } else r[to] = to === 13 ? x & ~3 : x;
          break;
        }
        case 30: {
          cycles += 1;
          const to = r[op >> 3 & 15];
          if (to >>> 28 === 15 && core.currentMode === 1) { st.result = result; st.c = c; st.v = v; st.pc = pc; st.cycles = cycles; st.leave(to); result = st.result; c = st.c; v = st.v; pc = st.pc; cycles = st.cycles; limit = st.limit; line = -1; }
          else pc = to & ~1;
          break;
        }  // bx
        case 31: { const to = r[op >> 3 & 15]; r[14] = pc | 1; pc = to & ~1; cycles += 1; break; }  // blx
        case 32: {
          const a = (pc + 2 & ~3) + ((op & 255) << 2);
          const m = a - RAM >>> 0;
          let x;
          if (m < RAM_SIZE && !(m & 3)) { cycles += 1; x = ram32[m >> 2]; }
          else if (a >>> 24 === 16 && !(a & 3)) { cycles += 1 + cache.miss(a); x = flash32[(a & 0xffffff) >> 2]; }
          else { st.cycles = cycles; st.pc = pc; x = st.read(a, 4); cycles = st.cycles; limit = st.limit; }
          r[op >> 8 & 7] = x;
          break;
        }  // ldrL
        case 33: {
          const a = r[op >> 3 & 7] + r[op >> 6 & 7] >>> 0, x = r[op & 7];
          const m = a - RAM >>> 0;
          if (m < RAM_SIZE && !(m & 3)) { cycles += 1; ram32[m >> 2] = x; }
          else { st.cycles = cycles; st.pc = pc; st.write(a, x, 4); cycles = st.cycles; limit = st.limit; }
          break;
        }  // strR
        case 34: {
          const a = r[op >> 3 & 7] + r[op >> 6 & 7] >>> 0, x = r[op & 7];
          const m = a - RAM >>> 0;
          if (m < RAM_SIZE) { cycles += 1; ram16[m >> 1] = x; }
          else { st.cycles = cycles; st.pc = pc; st.write(a, x, 2); cycles = st.cycles; limit = st.limit; }
          break;
        }  // strhR
        case 35: {
          const a = r[op >> 3 & 7] + r[op >> 6 & 7] >>> 0, x = r[op & 7];
          const m = a - RAM >>> 0;
          if (m < RAM_SIZE) { cycles += 1; ram8[m] = x; }
          else { st.cycles = cycles; st.pc = pc; st.write(a, x, 1); cycles = st.cycles; limit = st.limit; }
          break;
        }  // strbR
        case 36: {
          const a = r[op >> 3 & 7] + r[op >> 6 & 7] >>> 0;
          const m = a - RAM >>> 0;
          let x;
          if (m < RAM_SIZE) { cycles += 1; x = ram8[m]; }
          else if (a >>> 24 === 16) { cycles += 1 + cache.miss(a); x = flash8[(a & 0xffffff)]; }
          else { st.cycles = cycles; st.pc = pc; x = st.read(a, 1); cycles = st.cycles; limit = st.limit; }
          r[op & 7] = x << 24 >> 24;
          break;
        }  // ldrsbR
        case 37: {
          const a = r[op >> 3 & 7] + r[op >> 6 & 7] >>> 0;
          const m = a - RAM >>> 0;
          let x;
          if (m < RAM_SIZE && !(m & 3)) { cycles += 1; x = ram32[m >> 2]; }
          else if (a >>> 24 === 16 && !(a & 3)) { cycles += 1 + cache.miss(a); x = flash32[(a & 0xffffff) >> 2]; }
          else { st.cycles = cycles; st.pc = pc; x = st.read(a, 4); cycles = st.cycles; limit = st.limit; }
          r[op & 7] = x;
          break;
        }  // ldrR
        case 38: {
          const a = r[op >> 3 & 7] + r[op >> 6 & 7] >>> 0;
          const m = a - RAM >>> 0;
          let x;
          if (m < RAM_SIZE) { cycles += 1; x = ram16[m >> 1]; }
          else if (a >>> 24 === 16) { cycles += 1 + cache.miss(a); x = flash16[(a & 0xffffff) >> 1]; }
          else { st.cycles = cycles; st.pc = pc; x = st.read(a, 2); cycles = st.cycles; limit = st.limit; }
          r[op & 7] = x;
          break;
        }  // ldrhR
        case 39: {
          const a = r[op >> 3 & 7] + r[op >> 6 & 7] >>> 0;
          const m = a - RAM >>> 0;
          let x;
          if (m < RAM_SIZE) { cycles += 1; x = ram8[m]; }
          else if (a >>> 24 === 16) { cycles += 1 + cache.miss(a); x = flash8[(a & 0xffffff)]; }
          else { st.cycles = cycles; st.pc = pc; x = st.read(a, 1); cycles = st.cycles; limit = st.limit; }
          r[op & 7] = x;
          break;
        }  // ldrbR
        case 40: {
          const a = r[op >> 3 & 7] + r[op >> 6 & 7] >>> 0;
          const m = a - RAM >>> 0;
          let x;
          if (m < RAM_SIZE) { cycles += 1; x = ram16[m >> 1]; }
          else if (a >>> 24 === 16) { cycles += 1 + cache.miss(a); x = flash16[(a & 0xffffff) >> 1]; }
          else { st.cycles = cycles; st.pc = pc; x = st.read(a, 2); cycles = st.cycles; limit = st.limit; }
          r[op & 7] = x << 16 >> 16;
          break;
        }  // ldrshR
        case 41: {
          const a = r[op >> 3 & 7] + (op >> 4 & 124) >>> 0, x = r[op & 7];
          const m = a - RAM >>> 0;
          if (m < RAM_SIZE && !(m & 3)) { cycles += 1; ram32[m >> 2] = x; }
          else { st.cycles = cycles; st.pc = pc; st.write(a, x, 4); cycles = st.cycles; limit = st.limit; }
          break;
        }  // strI
        case 42: {
          const a = r[op >> 3 & 7] + (op >> 4 & 124) >>> 0;
          const m = a - RAM >>> 0;
          let x;
          if (m < RAM_SIZE && !(m & 3)) { cycles += 1; x = ram32[m >> 2]; }
          else if (a >>> 24 === 16 && !(a & 3)) { cycles += 1 + cache.miss(a); x = flash32[(a & 0xffffff) >> 2]; }
          else { st.cycles = cycles; st.pc = pc; x = st.read(a, 4); cycles = st.cycles; limit = st.limit; }
          r[op & 7] = x;
          break;
        }  // ldrI
        case 43: {
          const a = r[op >> 3 & 7] + (op >> 6 & 31) >>> 0, x = r[op & 7];
          const m = a - RAM >>> 0;
          if (m < RAM_SIZE) { cycles += 1; ram8[m] = x; }
          else { st.cycles = cycles; st.pc = pc; st.write(a, x, 1); cycles = st.cycles; limit = st.limit; }
          break;
        }  // strbI
        case 44: {
          const a = r[op >> 3 & 7] + (op >> 6 & 31) >>> 0;
          const m = a - RAM >>> 0;
          let x;
          if (m < RAM_SIZE) { cycles += 1; x = ram8[m]; }
          else if (a >>> 24 === 16) { cycles += 1 + cache.miss(a); x = flash8[(a & 0xffffff)]; }
          else { st.cycles = cycles; st.pc = pc; x = st.read(a, 1); cycles = st.cycles; limit = st.limit; }
          r[op & 7] = x;
          break;
        }  // ldrbI
        case 45: {
          const a = r[op >> 3 & 7] + (op >> 5 & 62) >>> 0, x = r[op & 7];
          const m = a - RAM >>> 0;
          if (m < RAM_SIZE) { cycles += 1; ram16[m >> 1] = x; }
          else { st.cycles = cycles; st.pc = pc; st.write(a, x, 2); cycles = st.cycles; limit = st.limit; }
          break;
        }  // strhI
        case 46: {
          const a = r[op >> 3 & 7] + (op >> 5 & 62) >>> 0;
          const m = a - RAM >>> 0;
          let x;
          if (m < RAM_SIZE) { cycles += 1; x = ram16[m >> 1]; }
          else if (a >>> 24 === 16) { cycles += 1 + cache.miss(a); x = flash16[(a & 0xffffff) >> 1]; }
          else { st.cycles = cycles; st.pc = pc; x = st.read(a, 2); cycles = st.cycles; limit = st.limit; }
          r[op & 7] = x;
          break;
        }  // ldrhI
        case 47: {
          const a = r[13] + ((op & 255) << 2) >>> 0, x = r[op >> 8 & 7];
          const m = a - RAM >>> 0;
          if (m < RAM_SIZE && !(m & 3)) { cycles += 1; ram32[m >> 2] = x; }
          else { st.cycles = cycles; st.pc = pc; st.write(a, x, 4); cycles = st.cycles; limit = st.limit; }
          break;
        }  // strS
        case 48: {
          const a = r[13] + ((op & 255) << 2) >>> 0;
          const m = a - RAM >>> 0;
          let x;
          if (m < RAM_SIZE && !(m & 3)) { cycles += 1; x = ram32[m >> 2]; }
          else if (a >>> 24 === 16 && !(a & 3)) { cycles += 1 + cache.miss(a); x = flash32[(a & 0xffffff) >> 2]; }
          else { st.cycles = cycles; st.pc = pc; x = st.read(a, 4); cycles = st.cycles; limit = st.limit; }
          r[op >> 8 & 7] = x;
          break;
        }  // ldrS
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
          const m = at - RAM >>> 0;
          if (m < RAM_SIZE - 64) {
            cycles += n;
            let to = m >> 2;
            for (let i = 0; i < 8; i++) if (op >> i & 1) ram32[to++] = r[i];
            if (op & 256) ram32[to] = r[14];
            break;
          }
          st.cycles = cycles; st.pc = pc;
          for (let i = 0; i < 8; i++) if (op >> i & 1) { st.write(at, r[i], 4); at += 4; }
          if (op & 256) st.write(at, r[14], 4);
          cycles = st.cycles; limit = st.limit;
          break;
        }
        case 58: {  // pop
          let at = r[13], to = 0;
          const m = at - RAM >>> 0;
          if (m < RAM_SIZE - 64) {
            let from = m >> 2;
            for (let i = 0; i < 8; i++) if (op >> i & 1) r[i] = ram32[from++];
            if (op & 256) to = ram32[from++];
            cycles += from - (m >> 2);
            r[13] = at + 4 * (from - (m >> 2));
          } else {
            st.cycles = cycles; st.pc = pc;
            for (let i = 0; i < 8; i++) if (op >> i & 1) { r[i] = st.read(at, 4); at += 4; }
            if (op & 256) { to = st.read(at, 4); at += 4; }
            r[13] = at;
            cycles = st.cycles; limit = st.limit;
          }
          if (!(op & 256)) break;
          cycles += 2;
          if (to >>> 28 === 15 && core.currentMode === 1) { st.result = result; st.c = c; st.v = v; st.pc = pc; st.cycles = cycles; st.leave(to); result = st.result; c = st.c; v = st.v; pc = st.pc; cycles = st.cycles; limit = st.limit; line = -1; }
          else pc = to & ~1;
          break;
        }
        case 59: { const x = r[op >> 3 & 7]; r[op & 7] = x << 24 | (x & 0xff00) << 8 | x >>> 8 & 0xff00 | x >>> 24; break; }  // rev
        case 60: { const x = r[op >> 3 & 7]; r[op & 7] = (x & 0x00ff00ff) << 8 | x >>> 8 & 0x00ff00ff; break; }  // rev16
        case 61: { const x = r[op >> 3 & 7]; r[op & 7] = (x << 24 >> 16) | (x >>> 8 & 255); break; }  // revsh
        case 62: break;  // hint
        case 63: {  // stm
          const n = op >> 8 & 7;
          let at = r[n];
          const m = at - RAM >>> 0;
          if (m < RAM_SIZE - 32 && !(m & 3)) {
            let to = m >> 2;
            for (let i = 0; i < 8; i++) if (op >> i & 1) ram32[to++] = r[i];
            cycles += to - (m >> 2);
            r[n] = at + 4 * (to - (m >> 2));
            break;
          }
          st.cycles = cycles; st.pc = pc;
          for (let i = 0; i < 8; i++) if (op >> i & 1) { st.write(at, r[i], 4); at += 4; }
          cycles = st.cycles; limit = st.limit;
          r[n] = at;
          break;
        }
        case 64: {  // ldm
          const n = op >> 8 & 7;
          let at = r[n];
          const m = at - RAM >>> 0;
          if (m < RAM_SIZE - 32 && !(m & 3)) {
            let from = m >> 2;
            for (let i = 0; i < 8; i++) if (op >> i & 1) r[i] = ram32[from++];
            cycles += from - (m >> 2);
            at += 4 * (from - (m >> 2));
          } else {
            st.cycles = cycles; st.pc = pc;
            for (let i = 0; i < 8; i++) if (op >> i & 1) { r[i] = st.read(at, 4); at += 4; }
            cycles = st.cycles; limit = st.limit;
          }
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
          st.result = result; st.c = c; st.v = v; st.pc = pc; st.cycles = cycles;
          st.instruction();
          result = st.result; c = st.c; v = st.v; pc = st.pc; cycles = st.cycles; limit = st.limit; line = -1;
          break;
        }
        default:                                  // what is rare, or touches the core's state: rp2040js does it
          cycles -= 1;
          pc -= 2;
          st.result = result; st.c = c; st.v = v; st.pc = pc; st.cycles = cycles;
          st.instruction();
          result = st.result; c = st.c; v = st.v; pc = st.pc; cycles = st.cycles; limit = st.limit; line = -1;
      }
    }
    st.result = result; st.c = c; st.v = v; st.pc = pc; st.cycles = cycles;
    st.save();
    st.tell();
  }
  chip.steps += steps;
  st.save();
}

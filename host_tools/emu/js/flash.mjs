// Flash memory of the board: erasing and programming take the time of the data sheet (W25Q16JV: sector 45 ms, page 0.4 ms, both
// typical), and a power cut can fall into either.

const SECTOR = 4096, PAGE = 256, ERASE_NANOS = 45e6, PROGRAM_NANOS = 0.4e6;

export class Flash {
  // Random numbers of the damage come from `seed`.
  constructor(chip, seed) {
    this.chip = chip;
    this.erased = this.programmed = 0;
    this.cut = '';                                // operation that a power cut has hit
    this.state = (seed * 40503 ^ 0x5bd1e995) >>> 0 || 1;
  }

  erase(at, size) {
    const { mcu } = this.chip;
    for (let sector = at; sector < at + size; sector += SECTOR) {
      const part = this.#done(ERASE_NANOS);
      if (part < 1) this.cut = 'erase';
      // The cells of a sector leave their state one by one while it is erased.
      if (part >= 1) mcu.flash.fill(0xff, sector, sector + SECTOR);
      else for (let i = sector; i < sector + SECTOR; i++) mcu.flash[i] |= this.#mask(part);
      this.erased++;
      this.chip.wait(ERASE_NANOS);
      if (this.chip.off) return;
    }
  }

  program(at, from, size) {
    const { mcu } = this.chip;
    for (let page = 0; page < size; page += PAGE) {
      const n = Math.min(PAGE, size - page), part = this.#done(PROGRAM_NANOS);
      if (part < 1) this.cut = 'program';
      for (let i = page; i < page + n; i++) {
        const value = mcu.readUint8(from + i);
        mcu.flash[at + i] &= part >= 1 ? value : value | (~this.#mask(part) & 0xff);
      }
      this.programmed++;
      this.chip.wait(PROGRAM_NANOS);
      if (this.chip.off) return;
    }
  }

  // Which part of an operation that begins now is done before the power goes.
  #done(nanos) {
    const { chip } = this, plan = chip.cutIn;
    if (plan && --plan.operations < 0) {
      chip.cutAt = chip.nanos + plan.part * nanos;
      chip.cutIn = null;
    }
    return (chip.cutAt - chip.nanos) / nanos;
  }

  // A byte whose bits are 1 with the probability `part`.
  #mask(part) {
    let mask = 0;
    for (let bit = 0; bit < 8; bit++) {
      this.state ^= this.state << 13; this.state ^= this.state >>> 17; this.state ^= this.state << 5;
      if ((this.state >>> 0) / 4294967296 < part) mask |= 1 << bit;
    }
    return mask;
  }
}

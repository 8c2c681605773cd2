// Which instruction of ARMv6-M an opcode is: a table of all 65536. `core.mjs` has a case for each place in NAMES.

const NAMES = [
  'lslI', 'lsrI', 'asrI', 'addR', 'subR', 'add3', 'sub3', 'movI', 'cmpI', 'add8', 'sub8',
  'and', 'eor', 'lslR', 'lsrR', 'asrR', 'adc', 'sbc', 'ror', 'tst', 'neg', 'cmpR', 'cmn', 'orr', 'mul', 'bic', 'mvn',
  'addH', 'cmpH', 'movH', 'bx', 'blx', 'ldrL', 'strR', 'strhR', 'strbR', 'ldrsbR', 'ldrR', 'ldrhR', 'ldrbR', 'ldrshR',
  'strI', 'ldrI', 'strbI', 'ldrbI', 'strhI', 'ldrhI', 'strS', 'ldrS', 'adr', 'addS', 'addSP', 'subSP', 'sxth', 'sxtb', 'uxth',
  'uxtb', 'push', 'pop', 'rev', 'rev16', 'revsh', 'hint', 'stm', 'ldm', 'bcc', 'b', 'wide', 'other',
];
export const KIND = new Uint8Array(65536);               // a place in NAMES: only literal numbers make the switch below a jump table
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

// A computer at the USB connector: it enumerates the board, opens its serial port (DTR) and reads it, or lets it lie.
// rp2040js has the controller, and in USBCDC a host that answers an empty line with packets of no bytes, 100 000 a second.
const IN = 0x80, CLASS_INTERFACE = 0x21;
const GET_DESCRIPTOR = 6, SET_ADDRESS = 5, SET_CONFIGURATION = 9, SET_CONTROL_LINE_STATE = 0x22;
const CONFIGURATION = 2, INTERFACE = 4, ENDPOINT = 5, CDC_DATA = 10, BULK = 2;
const DTR_RTS = 3;
const BUFFER_CONTROL = 0x80;                      // in the DPRAM: of EP0 IN; 8 bytes an endpoint
const BETWEEN_NANOS = 1e6;                        // a host looks again in the next frame

const setup = (type, request, value, index, length) =>
  Uint8Array.of(type, request, value & 0xff, value >> 8, index & 0xff, index >> 8, length & 0xff, length >> 8);

// [bulk IN, bulk OUT] of the interface for data in a configuration descriptor, or null.
export function endpoints(descriptor) {
  const found = {};
  let data = false;
  for (let at = 0; at + 1 < descriptor.length && descriptor[at] >= 2; at += descriptor[at]) {
    const [, type, address, attributes] = descriptor.subarray(at, at + 4);
    if (type === INTERFACE) data = descriptor[at + 5] === CDC_DATA;
    else if (type === ENDPOINT && data && (attributes & 3) === BULK) found[address & IN ? 'in' : 'out'] = address & 15;
  }
  return found.in && found.out ? [found.in, found.out] : null;
}

export class UsbHost {
  // hear(bytes): what comes from the board.
  constructor(mcu, hear) {
    Object.assign(this, { usb: mcu.usbCtrl, hear, plugged: false, reads: true, enabled: false });
    this.#forget();
    const usb = this.usb, updated = usb.DPRAMUpdated.bind(usb);
    this.again = mcu.clock.createAlarm(() => this.#transfer());
    usb.DPRAMUpdated = (offset, value) => {
      // Nobody asks for the packet: it stays in the buffer, as on a bus.
      if (this.in && offset === BUFFER_CONTROL + 8 * this.in && !this.reads) this.held = [offset, value];
      else updated(offset, value);
    };
    this.updated = updated;
    usb.onUSBEnabled = () => { this.enabled = true; if (this.plugged) usb.resetDevice(); };
    usb.onResetReceived = () => {
      this.#forget();
      this.todo = [setup(0, SET_ADDRESS, 1, 0, 0), setup(IN, GET_DESCRIPTOR, CONFIGURATION << 8, 0, 9)];
      this.#transfer();
    };
    usb.onEndpointWrite = (endpoint, bytes) => {
      if (endpoint === 0) this.#answer(bytes);
      else if (endpoint === this.in && bytes.length) hear(bytes);
    };
    usb.onEndpointRead = (endpoint, size) => {
      if (endpoint === this.out) { this.asked = size; this.#give(); }
    };
  }

  #forget() {
    Object.assign(this, { todo: [], got: [], current: null, in: 0, out: 0, asked: 0, waiting: [], held: null, open: false });
  }

  // What the world says with every answer.
  apply({ plugged, reads, bytes }) {
    if (plugged && !this.plugged && this.enabled) this.usb.resetDevice();
    this.plugged = plugged;
    this.reads = reads;
    if (reads && this.held) { const [offset, value] = this.held; this.held = null; this.updated(offset, value); }
    if (bytes.length && this.open) { this.waiting.push(...bytes); this.#give(); }
  }

  #give() {
    if (!this.asked || !this.waiting.length) return;
    const bytes = Uint8Array.from(this.waiting.splice(0, this.asked));
    this.asked = 0;
    this.usb.endpointReadDone(this.out, bytes);
  }

  // -- control transfers, one after the other

  #transfer() {
    this.current = this.todo.shift() || null;
    this.got = [];
    if (this.current) this.usb.sendSetupPacket(this.current);
  }

  #answer(bytes) {
    if (!this.current) return;
    this.got.push(...bytes);
    const length = this.current[6] | this.current[7] << 8;
    if (length && this.got.length < length) return;
    if (length === 9) this.todo.push(setup(IN, GET_DESCRIPTOR, CONFIGURATION << 8, 0, this.got[2] | this.got[3] << 8));
    else if (length) {
      const found = endpoints(Uint8Array.from(this.got));
      if (!found) return;                         // no serial port: nobody to talk to
      [this.in, this.out] = found;
      this.todo.push(setup(0, SET_CONFIGURATION, 1, 0, 0), setup(CLASS_INTERFACE, SET_CONTROL_LINE_STATE, DTR_RTS, 0, 0));
    } else if (this.current[1] === SET_CONTROL_LINE_STATE) this.open = true;
    this.current = null;
    if (this.todo.length) this.again.schedule(BETWEEN_NANOS);
  }
}

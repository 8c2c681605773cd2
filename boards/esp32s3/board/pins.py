"""Pins of the ESP32-S3 as a charge controller, the only place that names them. Wiring:
boards/esp32s3/README.md.

Taken on a module with octal PSRAM: 26 to 37 by flash and PSRAM, 19 and 20 by USB, 43 and 44 by the
console. 0, 3, 45 and 46 say at reset how the chip starts and stay free; 18 is free because it
glitches high at power-up.
"""

from micropython import const

CP_HIGH_ADC = const(1)  # ADC1: ADC2 is the radio's in ESP-IDF
CP_LOW_ADC = const(2)
PP_ADC = const(4)
CP_PWM = const(5)
CP_EMPTY = const(6)  # 1 = discharges both peak detectors
STAGE_TX = const(7)
STAGE_RX = const(8)
BUS_TX = const(9)  # RS-485
BUS_RX = const(15)
BUS_DE = const(39)
MODEM_CS = const(10)  # 10 to 13 are the pins of SPI2 without the GPIO matrix: no delay between clock and data
MODEM_MOSI = const(11)
MODEM_SCK = const(12)
MODEM_MISO = const(13)
MODEM_INT = const(14)
ENABLE = const(16)  # 1 = the power stage may deliver
CONTACTOR = const(17)  # 1 = close; low at power-up
MODEM_RESET = const(21)  # active low, open drain
CAN_CS = const(40)  # on the modem's SPI; the MCP2515 knows its mode too
CAN_INT = const(41)
INPUTS = (42, 47, 48)
CONTACTOR_MIRROR = const(38)  # normally closed to ground: 0 = main contacts open

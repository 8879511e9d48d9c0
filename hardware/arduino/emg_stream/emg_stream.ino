// EMG from the analog pins of an Arduino Uno or Nano (ATmega328P, 16 MHz), in the frames of
// myoprosthesis/emg/framed.py: sync, counter, samples, CRC. No library; also compiles with bare avr-gcc:
//
//   avr-g++ -x c++ -mmcu=atmega328p -DF_CPU=16000000UL -Os -Wall -Wextra -o emg_stream.elf emg_stream.ino
//
// Timer 1 starts the conversions of one sample, so that the pace is the crystal's; what finds no room in the send
// buffer is dropped as a whole frame, and the counter tells.

#include <avr/interrupt.h>
#include <avr/io.h>
#include <stdint.h>
#include <string.h>
#include <util/crc16.h>

#ifndef CHANNELS
#define CHANNELS 4  // A0, A1 ...; 1 to 6 (8 on a Nano)
#endif
#ifndef RATE
#define RATE 1000UL  // samples per second and channel
#endif
#ifndef BAUD
#define BAUD 500000UL  // exact at 16 MHz, unlike 115200
#endif
#ifndef GAIN
#define GAIN 1.0  // of the amplifier before the pin; MyoWare 2.0 RAW: 200
#endif
#ifndef REFERENCE
#define REFERENCE 5.0  // V at AREF: AVCC
#endif

#define PER_FRAME 5
#define CONVERSION (13UL * 64UL)  // cycles: the ADC runs at 250 kHz
#define KIND_INT16 0
#define KIND_DESCRIPTION 3
#define RING 256  // bytes; the index is a uint8_t and goes round by itself

#if CHANNELS < 1 || CHANNELS > 8
#error "CHANNELS is 1 to 8"
#endif
#if CHANNELS * (CONVERSION + 160UL) * RATE > F_CPU
#error "so many channels cannot be converted at this rate"
#endif
#if RATE * (CHANNELS * 2UL + 2UL) * 10UL > BAUD
#error "so many channels at this rate do not go through a port of this speed"
#endif
#if F_CPU / RATE > 65536UL
#error "the rate is too low for timer 1 without prescaler"
#endif

static int16_t frames[2][PER_FRAME][CHANNELS];  // one is filled while the other is sent
static volatile uint8_t filling = 0, ready = 0;
static volatile uint16_t ready_counter = 0;
static uint16_t counter = 0;
static uint8_t sample = 0, channel = 0;

static uint8_t ring[RING];
static volatile uint8_t head = 0, tail = 0;  // next to write, next to send

ISR(TIMER1_COMPA_vect) {
  channel = 0;
  ADMUX = _BV(REFS0);
  ADCSRA |= _BV(ADSC);
}

ISR(ADC_vect) {
  frames[filling][sample][channel] = (int16_t)ADC - 512;
  if (++channel < CHANNELS) {
    ADMUX = _BV(REFS0) | channel;
    ADCSRA |= _BV(ADSC);
    return;
  }
  ++counter;
  if (++sample == PER_FRAME) {
    sample = 0;
    filling ^= 1;
    ready_counter = counter - PER_FRAME;
    ready = 1;
  }
}

ISR(USART_UDRE_vect) {
  if (head == tail) {
    UCSR0B &= ~_BV(UDRIE0);
  } else {
    UDR0 = ring[tail++];
  }
}

static uint8_t room() {
  return (uint8_t)(tail - head - 1);
}

static uint16_t put(const uint8_t *data, uint8_t n, uint16_t crc) {
  while (n--) {
    crc = _crc_xmodem_update(crc, *data);
    ring[head] = *data++;
    head = head + 1;
  }
  return crc;
}

// A frame of kind `kind` with `n` samples; false when there is no room for it.
static bool send(uint8_t kind, uint16_t number, uint8_t n, const void *payload, uint8_t size) {
  static const uint8_t sync[2] = {0xA5, 0x5A};
  const uint8_t start[4] = {(uint8_t)(kind << 6 | CHANNELS), (uint8_t)number, (uint8_t)(number >> 8), n};
  if (room() < sizeof sync + sizeof start + size + 2) {
    return false;
  }
  put(sync, sizeof sync, 0);
  uint16_t crc = put(start, sizeof start, 0xFFFF);
  crc = put((const uint8_t *)payload, size, crc);
  const uint8_t end[2] = {(uint8_t)crc, (uint8_t)(crc >> 8)};
  put(end, sizeof end, 0);
  UCSR0B |= _BV(UDRIE0);
  return true;
}

static bool describe(uint16_t number) {
  struct {
    uint32_t rate_mhz;
    float volts;
    uint32_t full_scale;
  } told = {RATE * 1000UL, (float)(REFERENCE / 1024.0 / (GAIN)), 511};
  return send(KIND_DESCRIPTION, number, 0, &told, sizeof told);
}

void setup() {
  UCSR0A = _BV(U2X0);
  UBRR0 = (uint16_t)(F_CPU / 8 / BAUD - 1);
  UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
  UCSR0B = _BV(TXEN0);
  ADCSRA = _BV(ADEN) | _BV(ADIE) | _BV(ADPS2) | _BV(ADPS1);
  DIDR0 = (uint8_t)((1U << (CHANNELS < 6 ? CHANNELS : 6)) - 1);
  TCCR1A = 0;
  TCCR1B = _BV(WGM12) | _BV(CS10);
  OCR1A = (uint16_t)(F_CPU / RATE - 1);
  TIMSK1 = _BV(OCIE1A);
  sei();
}

void loop() {
  static uint16_t since = RATE < 65535UL ? RATE : 65535U;  // the description first
  if (!ready) {
    return;
  }
  cli();
  const uint16_t number = ready_counter;
  const uint8_t full = filling ^ 1;
  ready = 0;
  sei();
  send(KIND_INT16, number, PER_FRAME, frames[full], sizeof frames[full]);
  since += PER_FRAME;
  if (since >= RATE && describe(number + PER_FRAME)) {
    since = 0;
  }
}

#ifndef ARDUINO
int main() {
  setup();
  for (;;) {
    loop();
  }
}
#endif

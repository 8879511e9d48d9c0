// Runs emg_stream.elf on a simulated ATmega328P, about as fast as a real one, with a known voltage at each pin and its
// serial port on a pseudo-terminal, whose name is printed as `port NAME`. Ends when its standard input does.
//
//   cc -O2 -o simulate simulate.c -lsimavr

#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <simavr/avr_adc.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int port;

static void sent(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)param;
  const unsigned char byte = value;
  if (write(port, &byte, 1) < 0) { /* no room: lost, as on a wire */
  }
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void quiet(avr_t *avr, const int level, const char *format, va_list ap) {
  (void)avr;
  if (level <= LOG_ERROR) vfprintf(stderr, format, ap);
}

int main(int argc, char **argv) {
  static elf_firmware_t firmware;
  if (argc != 2 || elf_read_firmware(argv[1], &firmware) != 0) return 2;
  avr_global_logger_set(quiet);
  avr_t *avr = avr_make_mcu_by_name("atmega328p");
  if (!avr || avr_init(avr)) return 3;
  avr_load_firmware(avr, &firmware);
  avr->frequency = 16000000;
  avr->vcc = avr->avcc = avr->aref = 5000;

  port = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  grantpt(port), unlockpt(port);
  const int held = open(ptsname(port), O_RDWR | O_NOCTTY); /* so that the port lives while nobody is there */
  struct termios raw;
  tcgetattr(held, &raw), cfmakeraw(&raw), tcsetattr(held, TCSANOW, &raw);
  printf("\nport %s\n", ptsname(port)), fflush(stdout);

  uint32_t flags = 0;
  avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
  flags &= ~(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
  avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), sent, NULL);

  const double begin = now();
  for (uint64_t ms = 0;; ms++) {
    for (int c = 0; c < 6; c++) /* 1 V + 0.25 V per pin, and a sawtooth of 0.2 V with a period of 100 ms */
      avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0 + c), 1000 + 250 * c + 2 * (ms % 100));
    while (avr->cycle < ms * 16000) {
      const int state = avr_run(avr);
      if (state == cpu_Done || state == cpu_Crashed) return 4;
    }
    const double ahead = begin + 1e-3 * ms - now();
    if (ahead > 1e-3) usleep((useconds_t)(1e6 * ahead));
    struct pollfd in = {STDIN_FILENO, POLLIN, 0};
    char c;
    if (poll(&in, 1, 0) > 0 && read(STDIN_FILENO, &c, 1) <= 0) return 0;
  }
}

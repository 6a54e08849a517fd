/* SPDX-License-Identifier: MIT */
/* power_off: ends the virtual machine; on x86 through qemu's isa-debug-exit,
 * which makes CODE the exit status of qemu. */
#include <stdlib.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <sys/io.h>

static void exit_with(int code) {
  if (iopl(3) == 0)
    outb((unsigned char)code, 0x501);
}
#else
static void exit_with(int code) { (void)code; }
#endif

int main(int argc, char **argv) {
  int code = argc > 1 ? atoi(argv[1]) : 0;
  sync();
  tcdrain(STDOUT_FILENO); /* the console has written all */
  exit_with(code);
  reboot(RB_POWER_OFF);
  return 1;
}

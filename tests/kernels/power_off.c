/* SPDX-License-Identifier: MIT */
/* power_off: ends the virtual machine, through qemu's isa-debug-exit. */
#include <stdlib.h>
#include <sys/io.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int code = argc > 1 ? atoi(argv[1]) : 0;
  sync();
  usleep(200000); /* until the console has written all */
  if (iopl(3) != 0)
    return 1;
  outb((unsigned char)code, 0x501);
  pause();
  return 1;
}

/* SPDX-License-Identifier: MIT */
/* power_off: ends a virtual machine, when its console has written all. */
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

int main(void) {
  sync();
  tcdrain(STDOUT_FILENO);
  reboot(RB_POWER_OFF);
  return 1;
}

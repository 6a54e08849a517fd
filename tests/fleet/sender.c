/* A fleet without hosts: sends what bpf_stats dispatches on each of many hosts,
 * in collectd's binary protocol, encrypted, to aggregators on this machine.
 *
 * Prints the truth at the end, a line "SERIES VALUES LAST" for each series: its
 * name as write_graphite makes it, how many values were sent, and the last one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <gcrypt.h>

#include "collectd/network_buffer.h"

#define PORTS_MAX 8
#define USERS_MAX 4096
#define PACKET_SIZE 1452 /* collectd's MaxPacketSize */
#define IV_SIZE 16
#define SHA1_SIZE 20
/* Where the values begin in an encrypted packet. */
#define VALUES_OFFSET(user_size) (6 + (user_size) + IV_SIZE + SHA1_SIZE)

static const char usage[] =
    "Usage: sender -p PORT... -a AUTH_FILE [-H HOSTS] [-G GROUPS] [-n READS]\n"
    "              [-i INTERVAL_S] [-f FIRST_HOST] [-b]\n"
    "Sends the series of HOSTS hosts with GROUPS groups each, READS times, to\n"
    "aggregators on ports of loopback: a host to one of them, with -b to all. "
    "Host\n"
    "n sends as the n-th user of the AUTH_FILE, from its begin when that "
    "ends.\n";

static uint16_t ports[PORTS_MAX];
static size_t ports_num;
static char *users[USERS_MAX], *passwords[USERS_MAX];
static gcry_cipher_hd_t ciphers[USERS_MAX];
static size_t users_num;
static long hosts_num = 20, groups_num = 10, reads_num = 5, first_host = 1;
static double interval_s = 1;
static bool send_to_all;
static int udp;

static void die(const char *what) {
  fprintf(stderr, "sender: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* --- what a host counts ------------------------------------------------------
 */

/* The counters of one group, or of a whole host. */
struct counters {
  uint64_t runs, run_time_ns, misses;
};

/* What a group of a host adds in a read. Load is uneven: each sixth read has
 * ten runs of a millisecond, the others a thousand times more, of 100 ns. */
static struct counters advance(long host, long group, long read) {
  bool calm = (host + group + read) % 6 == 0;
  uint64_t runs = calm ? 10 : 10000 + (uint64_t)(10 * group);
  return (struct counters){
      .runs = runs,
      .run_time_ns = runs * (calm ? 1000000 : 100),
      .misses = group % 5 == 0 ? runs / 1000 : 0,
  };
}

/* All until that read, inclusive. */
static struct counters totals(long host, long group, long read) {
  struct counters sum = {0};
  for (long i = 0; i <= read; i++) {
    struct counters more = advance(host, group, i);
    sum.runs += more.runs;
    sum.run_time_ns += more.run_time_ns;
    sum.misses += more.misses;
  }
  return sum;
}

/* --- packets -----------------------------------------------------------------
 */

/* Whoever takes a value of a series. */
struct output {
  lcc_network_buffer_t *buffer; /* NULL: print the truth instead */
  lcc_value_list_t *list;
  long host;
  size_t user;
};

/* Encrypts as collectd's network plugin does: the part's type and length, the
 * user, an IV, and by AES-256 in OFB mode, the key of which is the SHA-256 of
 * the password, the SHA-1 of the values and the values. Debian's
 * libcollectdclient is built without. Returns the packet's size. */
static size_t encrypt(size_t user, const char *values, size_t values_size,
                      unsigned char packet[PACKET_SIZE]) {
  const size_t name_size = strlen(users[user]);
  const size_t size = VALUES_OFFSET(name_size) + values_size;
  const uint16_t head[] = {htons(0x0210), htons((uint16_t)size),
                           htons((uint16_t)name_size)};
  unsigned char *iv = packet + sizeof(head) + name_size;
  unsigned char *sha1 = iv + IV_SIZE;
  memcpy(packet, head, sizeof(head));
  memcpy(packet + sizeof(head), users[user], name_size);
  gcry_create_nonce(iv, IV_SIZE);
  gcry_md_hash_buffer(GCRY_MD_SHA1, sha1, values, values_size);
  memcpy(sha1 + SHA1_SIZE, values, values_size);
  if (gcry_cipher_setiv(ciphers[user], iv, IV_SIZE) != 0 ||
      gcry_cipher_encrypt(ciphers[user], sha1, SHA1_SIZE + values_size, NULL,
                          0) != 0)
    die("cannot encrypt");
  return size;
}

static void send_packet(struct output *output) {
  unsigned char packet[PACKET_SIZE];
  char values[PACKET_SIZE];
  size_t size = sizeof(values);
  if (lcc_network_buffer_finalize(output->buffer) != 0 ||
      lcc_network_buffer_get(output->buffer, values, &size) != 0)
    die("cannot end a packet");
  size = encrypt(output->user, values, size, packet);
  for (size_t i = 0; i < ports_num; i++) {
    if (!send_to_all && i != (size_t)output->host % ports_num)
      continue;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(ports[i]),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    /* As collectd: what a dead aggregator refuses is lost. */
    if (sendto(udp, packet, size, 0, (struct sockaddr *)&to, sizeof(to)) < 0 &&
        errno != ECONNREFUSED)
      die("cannot send");
  }
  if (lcc_network_buffer_initialize(output->buffer) != 0)
    die("cannot begin a packet");
}

static void print_truth(const struct output *output, bool is_gauge) {
  const lcc_identifier_t *id = &output->list->identifier;
  printf("collectd.h%05ld_example_com.bpf_stats%s%s.%s%s%s %ld ", output->host,
         id->plugin_instance[0] ? "-" : "", id->plugin_instance, id->type,
         id->type_instance[0] ? "-" : "", id->type_instance, reads_num);
  if (is_gauge)
    printf("%.15g\n", output->list->values[0].gauge);
  else
    printf("%" PRIu64 "\n", output->list->values[0].derive);
}

static void put(struct output *output, const char *type,
                const char *type_instance, value_t value, int value_type) {
  lcc_value_list_t *list = output->list;
  snprintf(list->identifier.type, LCC_NAME_LEN, "%s", type);
  snprintf(list->identifier.type_instance, LCC_NAME_LEN, "%s", type_instance);
  list->values = &value;
  list->values_types = &value_type;
  if (output->buffer == NULL) {
    print_truth(output, value_type == LCC_TYPE_GAUGE);
  } else if (lcc_network_buffer_add_value(output->buffer, list) != 0) {
    send_packet(output); /* it was full */
    if (lcc_network_buffer_add_value(output->buffer, list) != 0)
      die("a value has no place in a packet");
  }
}

static void put_gauge(struct output *output, const char *type,
                      const char *type_instance, double gauge) {
  put(output, type, type_instance, (value_t){.gauge = gauge}, LCC_TYPE_GAUGE);
}

static void put_derive(struct output *output, const char *type,
                       const char *type_instance, uint64_t derive) {
  put(output, type, type_instance, (value_t){.derive = derive},
      LCC_TYPE_DERIVE);
}

static double ratio(uint64_t part, uint64_t whole) {
  return whole > 0 ? (double)part / (double)whole : 0;
}

/* The six series that a group has by default, which the host has as well. */
static void put_counters(struct output *output, const struct counters *total,
                         const struct counters *last, long programs_num) {
  put_derive(output, "invocations", "", total->runs);
  put_derive(output, "derive", "run_time_ns", total->run_time_ns);
  put_derive(output, "derive", "recursion_misses", total->misses);
  put_gauge(output, "gauge", "ns_per_call",
            ratio(last->run_time_ns, last->runs));
  put_gauge(output, "gauge", "miss_rate",
            ratio(last->misses, last->runs + last->misses));
  put_gauge(output, "count", "programs", (double)programs_num);
}

static void put_host(struct output *output, long read) {
  struct counters host_total = {0}, host_last = {0};
  char *instance = output->list->identifier.plugin_instance;
  for (long group = 0; group < groups_num; group++) {
    struct counters total = totals(output->host, group, read);
    struct counters last = advance(output->host, group, read);
    snprintf(instance, LCC_NAME_LEN, "owner%ld-program_%03ld", group % 7,
             group);
    put_counters(output, &total, &last, 1);
    host_total.runs += total.runs;
    host_total.run_time_ns += total.run_time_ns;
    host_total.misses += total.misses;
    host_last.runs += last.runs;
    host_last.run_time_ns += last.run_time_ns;
    host_last.misses += last.misses;
  }
  instance[0] = '\0';
  put_counters(output, &host_total, &host_last, groups_num);
  put_gauge(output, "gauge", "cpu_percent",
            (double)host_last.run_time_ns / (1e7 * interval_s));
  put_gauge(output, "gauge", "coverage", 1);
  put_gauge(output, "count", "folded_programs", 0);
  put_gauge(output, "count", "uncounted_programs", 0);
  put_gauge(output, "duration", "read", 0.0005);
  put_derive(output, "derive", "programs_loaded", (uint64_t)groups_num);
  put_derive(output, "derive", "programs_unloaded", 0);
  put_derive(output, "derive", "unwatched_unloads", 0);
  put_derive(output, "derive", "read_errors", 0);
}

/* All values of a host's read, or, without buffers, the truth about them. */
static void put_read(long host, long read, double time_s,
                     lcc_network_buffer_t *buffer) {
  lcc_value_list_t list = LCC_VALUE_LIST_INIT;
  struct output output = {.buffer = buffer,
                          .list = &list,
                          .host = host,
                          .user = (size_t)(host - first_host) % users_num};
  list.values_len = 1;
  list.time = time_s;
  list.interval = interval_s;
  snprintf(list.identifier.host, LCC_NAME_LEN, "h%05ld.example.com", host);
  snprintf(list.identifier.plugin, LCC_NAME_LEN, "bpf_stats");
  if (buffer != NULL && lcc_network_buffer_initialize(buffer) != 0)
    die("cannot begin a packet");
  put_host(&output, read);
  if (buffer != NULL)
    send_packet(&output);
}

/* --- the fleet ---------------------------------------------------------------
 */

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void sleep_until(double time_s) {
  struct timespec due = {.tv_sec = (time_t)time_s};
  due.tv_nsec = (long)((time_s - (double)due.tv_sec) * 1e9);
  while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &due, NULL) == EINTR)
    ;
}

static void send_reads(lcc_network_buffer_t **buffers) {
  const double start_s = now_s(), gap_s = interval_s / (double)hosts_num;
  double earliest_s = start_s;
  for (long read = 0; read < reads_num; read++) {
    for (long i = 0; i < hosts_num; i++) {
      double due_s = start_s + (double)read * interval_s + (double)i * gap_s;
      /* What is late is not made up for in one burst, as no fleet would. */
      sleep_until(due_s > earliest_s ? due_s : earliest_s);
      earliest_s = now_s() + gap_s / 2;
      put_read(first_host + i, read, due_s, buffers[(size_t)i % users_num]);
    }
  }
}

static void read_users(const char *path) {
  FILE *file = fopen(path, "r");
  if (file == NULL)
    die(path);
  while (users_num < USERS_MAX &&
         fscanf(file, " %m[^:\n]: %m[^\n]", &users[users_num],
                &passwords[users_num]) == 2)
    users_num++;
  fclose(file);
}

static void parse(int argc, char **argv) {
  int option;
  while ((option = getopt(argc, argv, "p:a:H:G:n:i:f:b")) != -1) {
    if (option == 'p' && ports_num < PORTS_MAX)
      ports[ports_num++] = (uint16_t)atoi(optarg);
    else if (option == 'a')
      read_users(optarg);
    else if (option == 'H')
      hosts_num = atol(optarg);
    else if (option == 'G')
      groups_num = atol(optarg);
    else if (option == 'n')
      reads_num = atol(optarg);
    else if (option == 'i')
      interval_s = atof(optarg);
    else if (option == 'f')
      first_host = atol(optarg);
    else if (option == 'b')
      send_to_all = true;
  }
  /* No more than the largest fleet that one machine can tell, for an hour. */
  if (ports_num == 0 || users_num == 0 || optind != argc || hosts_num < 1 ||
      hosts_num > 5000 || groups_num < 1 || groups_num > 200 || reads_num < 1 ||
      !(interval_s > 0) || (double)reads_num * interval_s > 3600) {
    fputs(usage, stderr);
    exit(2);
  }
}

int main(int argc, char **argv) {
  parse(argc, argv);
  gcry_check_version(NULL);
  udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (udp < 0)
    die("no socket");
  lcc_network_buffer_t **buffers = calloc(users_num, sizeof(*buffers));
  for (size_t i = 0; i < users_num; i++) {
    buffers[i] = lcc_network_buffer_create(PACKET_SIZE -
                                           VALUES_OFFSET(strlen(users[i])));
    if (buffers[i] == NULL)
      die("no memory");
    unsigned char key[32];
    gcry_md_hash_buffer(GCRY_MD_SHA256, key, passwords[i],
                        strlen(passwords[i]));
    if (gcry_cipher_open(&ciphers[i], GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_OFB,
                         0) != 0 ||
        gcry_cipher_setkey(ciphers[i], key, sizeof(key)) != 0)
      die("no AES-256");
  }
  send_reads(buffers);
  for (long i = 0; i < hosts_num; i++)
    put_read(first_host + i, reads_num - 1, 0, NULL);
  return 0;
}

/*
 * The load generator of streams: one thread, epoll, keep-alive. It counts what arrived, not what was asked for: frames
 * (SSE events that are not comments), bytes of body, and whole streams, which are those whose terminal event came.
 *
 *   streams loop PORT CONNECTIONS SECONDS REQUEST_FILE    call after call on each connection, for so many seconds
 *   streams hold PORT CONNECTIONS SECONDS REQUEST_FILE    opens one stream on each connection, waits at most SECONDS for
 *                                                         their first frames, and holds them until standard input ends
 *
 * REQUEST_FILE has the bytes of one HTTP request. Each mode prints one line of JSON; `hold` a second one when released.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_EVENTS 512
#define READ_SIZE (256 * 1024)
#define TAIL 48
#define MAX_HEAD 4096
#define MAX_SAMPLES (1 << 20)
/* Connections that may be on their way to a first frame at once while streams are being opened. */
#define OPENING_AT_ONCE 128

enum { HEAD, SIZE_LINE, DATA, DATA_END, TRAILER, UNTIL_CLOSE };

typedef struct {
  int fd, phase, status, counted_first;
  char head[MAX_HEAD];
  size_t head_length, chunk_left;
  int size_digits_over;                    /* past the digits of a chunk's size line */
  int line_length, is_comment, event_open; /* of the line and the event being read */
  char tail[TAIL + 1];                     /* the last bytes of the body: the terminal event is looked for here */
  size_t tail_length;
  uint64_t asked_us;
} Call;

static char request[65536], buffer[READ_SIZE];
static size_t request_length;
static int poller, port, holding;
static uint64_t frames, bytes, whole, broken, refused, opened, opening, lost, sample_count;
static uint32_t first_frame_us[MAX_SAMPLES];

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void ask(Call *c) {
  c->phase = HEAD;
  c->head_length = c->tail_length = 0;
  c->counted_first = c->line_length = c->is_comment = c->event_open = 0;
  c->asked_us = now_us();
  if (send(c->fd, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length) lost++;
}

static void open_call(Call *c) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int on = 1;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  /* Connecting to loopback is immediate or queued in the listener's backlog, so it may as well block. */
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address)) {
    perror("streams: connect");
    exit(1);
  }
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
  struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e);
  opening++;
  ask(c);
}

static void end_call(Call *c) {
  c->tail[c->tail_length] = 0;
  if (c->status != 200) refused++;
  else if (strstr(c->tail, "[DONE]") || strstr(c->tail, "message_stop")) whole++;
  else broken++;
  if (!holding) ask(c);
}

static void remember_tail(Call *c, const char *p, size_t n) {
  if (n >= TAIL) {
    memcpy(c->tail, p + n - TAIL, TAIL);
    c->tail_length = TAIL;
    return;
  }
  size_t keep = c->tail_length + n > TAIL ? TAIL - n : c->tail_length;
  memmove(c->tail, c->tail + c->tail_length - keep, keep);
  memcpy(c->tail + keep, p, n);
  c->tail_length = keep + n;
}

static void count_first(Call *c) {
  c->counted_first = 1;
  opened++;
  if (opening) opening--;
  if (sample_count < MAX_SAMPLES) first_frame_us[sample_count++] = now_us() - c->asked_us;
}

/* Body bytes, however split: an event ends with an empty line, and is no frame when it had only comments. */
static void on_body(Call *c, const char *p, size_t n) {
  bytes += n;
  remember_tail(c, p, n);
  for (const char *end = p + n; p < end;) {
    if (c->line_length == 0 && *p != '\n') c->is_comment = *p == ':';
    const char *newline = memchr(p, '\n', end - p);
    if (!newline) {
      c->line_length += end - p;
      return;
    }
    c->line_length += newline - p;
    if (c->line_length > 0) {
      if (!c->is_comment) c->event_open = 1;
    } else if (c->event_open) {
      frames++;
      c->event_open = 0;
      if (!c->counted_first) count_first(c);
    }
    c->line_length = 0;
    p = newline + 1;
  }
}

/* Takes the response's head; returns how many of the `n` bytes belong to it. */
static size_t on_head(Call *c, const char *p, size_t n) {
  size_t before = c->head_length, take = n < MAX_HEAD - 1 - before ? n : MAX_HEAD - 1 - before;
  memcpy(c->head + before, p, take);
  c->head_length += take;
  c->head[c->head_length] = 0;
  char *end = strstr(c->head, "\r\n\r\n");
  if (!end) return take;
  size_t used = end + 4 - c->head - before;
  *end = 0;
  c->status = atoi(c->head + 9);
  char *length = strcasestr(c->head, "\r\ncontent-length:");
  if (length) {
    c->chunk_left = strtoul(length + 17, NULL, 10);
    c->phase = UNTIL_CLOSE + 1; /* a body of known length */
  } else if (strcasestr(c->head, "\r\ntransfer-encoding: chunked")) {
    c->phase = SIZE_LINE;
    c->chunk_left = c->size_digits_over = 0;
  } else {
    c->phase = UNTIL_CLOSE;
  }
  return used;
}

static void on_size_byte(Call *c, char b) {
  if (b == '\n') {
    c->phase = c->chunk_left ? DATA : TRAILER;
    c->size_digits_over = 0;
    c->head_length = 0;
  } else if (b == ';' || b == '\r') {
    c->size_digits_over = 1;
  } else if (!c->size_digits_over) {
    c->chunk_left = c->chunk_left * 16 + (b <= '9' ? b - '0' : (b | 32) - 'a' + 10);
  }
}

static void on_bytes(Call *c, const char *p, size_t n) {
  while (n > 0) {
    size_t used = 1;
    switch (c->phase) {
      case HEAD:
        used = on_head(c, p, n);
        if (c->phase == HEAD && used < n) { lost++; return; }
        break;
      case SIZE_LINE: on_size_byte(c, *p); break;
      case DATA:
        used = n < c->chunk_left ? n : c->chunk_left;
        on_body(c, p, used);
        c->chunk_left -= used;
        if (c->chunk_left == 0) c->phase = DATA_END;
        break;
      case DATA_END: if (*p == '\n') c->phase = SIZE_LINE; break;
      case TRAILER: /* ends with an empty line */
        if (*p == '\n') {
          if (c->head_length == 0) { end_call(c); return; }
          c->head_length = 0;
        } else if (*p != '\r') c->head_length++;
        break;
      case UNTIL_CLOSE: used = n; on_body(c, p, n); break;
      default:
        used = n < c->chunk_left ? n : c->chunk_left;
        on_body(c, p, used);
        c->chunk_left -= used;
        if (c->chunk_left == 0) { end_call(c); return; }
    }
    p += used;
    n -= used;
  }
}

static void on_readable(Call *c) {
  ssize_t n = read(c->fd, buffer, READ_SIZE);
  if (n > 0) return on_bytes(c, buffer, n);
  if (n < 0 && errno == EAGAIN) return;
  close(c->fd);
  if (c->phase == UNTIL_CLOSE) {
    holding ? end_call(c) : (holding = 1, end_call(c), holding = 0);
  } else {
    lost++;
  }
  if (!holding) open_call(c);
}

static void poll_once(int timeout_ms) {
  static struct epoll_event events[MAX_EVENTS];
  int n = epoll_wait(poller, events, MAX_EVENTS, timeout_ms);
  for (int i = 0; i < n; i++) on_readable(events[i].data.ptr);
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static double percentile_ms(double share) {
  return sample_count ? first_frame_us[(size_t)(share * (sample_count - 1))] / 1000.0 : 0;
}

static void report(double seconds) {
  qsort(first_frame_us, sample_count, sizeof *first_frame_us, by_size);
  printf("{\"seconds\":%.4f,\"frames\":%lu,\"bytes\":%lu,\"whole\":%lu,\"broken\":%lu,\"refused\":%lu,\"lost\":%lu,"
         "\"opened\":%lu,\"firstFrameMs\":{\"p50\":%.3f,\"p99\":%.3f}}\n",
         seconds, frames, bytes, whole, broken, refused, lost, opened, percentile_ms(0.5), percentile_ms(0.99));
  fflush(stdout);
}

static void loop(Call *calls, int connections, double seconds) {
  uint64_t start = now_us(), end = start + (uint64_t)(seconds * 1e6);
  for (int i = 0; i < connections; i++) open_call(&calls[i]);
  while (now_us() < end) poll_once(50);
  report((now_us() - start) / 1e6);
}

static void hold(Call *calls, int connections, double seconds) {
  uint64_t start = now_us(), end = start + (uint64_t)(seconds * 1e6);
  int asked = 0;
  while (opened < (uint64_t)connections && now_us() < end) {
    while (asked < connections && opening < OPENING_AT_ONCE) open_call(&calls[asked++]);
    poll_once(10);
  }
  report((now_us() - start) / 1e6);
  fcntl(0, F_SETFL, O_NONBLOCK);
  for (char b; read(0, &b, 1) != 0;) poll_once(50);
  report((now_us() - start) / 1e6);
}

int main(int argc, char **argv) {
  if (argc != 6) return fprintf(stderr, "usage: streams loop|hold PORT CONNECTIONS SECONDS REQUEST_FILE\n"), 2;
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  holding = strcmp(argv[1], "hold") == 0;
  port = atoi(argv[2]);
  int connections = atoi(argv[3]), file = open(argv[5], O_RDONLY);
  ssize_t n = file < 0 ? -1 : read(file, request, sizeof request);
  if (n <= 0) return perror("streams: request file"), 1;
  request_length = n;
  poller = epoll_create1(0);
  Call *calls = calloc(connections, sizeof *calls);
  (holding ? hold : loop)(calls, connections, atof(argv[4]));
}

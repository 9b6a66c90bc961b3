/*
 * A mock model API: one thread, epoll, HTTP/1.1 with keep-alive, in the OpenAI and Anthropic dialects. It has to cost
 * as little as possible, because it shares a core with the load generator while a gateway has the other core alone.
 *
 *   upstream PORT
 *
 * A POST whose body asks for a stream gets frames of about 200 bytes, one write each: 200 of them as fast as the reader
 * takes them, or FRAMES of them INTERVAL_US apart when the body has `pace:FRAMES/INTERVAL_US` somewhere.
 * Open streams take turns, a frame each. Paces are meant to be the same for all streams open at one time. Any other
 * POST gets a plain answer of about 600 bytes with its usage. A GET of /metrics gets what an idle vLLM says of itself, any
 * other GET a small JSON object for health checks.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
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
#define FIRST_BUFFER 1024
#define MAX_REQUEST (1 << 20)
#define FRAMES 200
/* Frames take turns through these, because a gateway may take a text that repeats itself for a model gone astray. */
#define WORDS 8
static const char *const words[WORDS] = {" the pipe carries", " water that turns", " a wheel of steel", " and lights lamps",
                                         " along the valley", " while the gates,", " held by the crew", ", measure it all."};

typedef struct { char *bytes; size_t length; } Text;

/* What one dialect says, ready to be written. */
typedef struct { Text plain, opening, frames[WORDS], closing, closing_with_usage; } Script;

typedef struct Connection {
  int fd;
  char *in;
  size_t in_length, in_capacity;
  const Script *script; /* of the stream in progress; NULL between calls */
  int frames_left, wants_usage, queued, dead;
  uint64_t interval_us;
  Text out; /* what the socket did not take yet; points into a script */
  uint64_t due_us;
  struct Connection *next; /* in the queue of streams, ordered by due time */
} Connection;

static Script openai, anthropic;
static Text small_json, metrics, bad_request;
static int poller;
static Connection *queue_head, *queue_tail;

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void enqueue(Connection *c, uint64_t due_us) {
  c->due_us = due_us;
  c->queued = 1;
  c->next = NULL;
  if (queue_tail) queue_tail->next = c; else queue_head = c;
  queue_tail = c;
}

static Connection *dequeue(void) {
  Connection *c = queue_head;
  queue_head = c->next;
  if (!queue_head) queue_tail = NULL;
  c->queued = 0;
  return c;
}

static void drop(Connection *c) {
  if (c->fd >= 0) close(c->fd);
  c->fd = -1;
  c->dead = 1;
  if (c->queued) return; /* freed when its turn comes */
  free(c->in);
  free(c);
}

/* Writes `text`; keeps what the socket does not take for later. Returns 0 when the connection is lost. */
static int put(Connection *c, Text text) {
  ssize_t n = send(c->fd, text.bytes, text.length, MSG_NOSIGNAL);
  if (n < 0) {
    if (errno != EAGAIN) return 0;
    n = 0;
  }
  c->out = (Text){text.bytes + n, text.length - n};
  return 1;
}

static int step_stream(Connection *c) {
  if (c->frames_left > 0) {
    c->frames_left--;
    return put(c, c->script->frames[c->frames_left % WORDS]);
  }
  Text last = c->wants_usage ? c->script->closing_with_usage : c->script->closing;
  c->script = NULL;
  return put(c, last);
}

/* Case-insensitive value of a header in `head`; NULL when absent. */
static const char *header(const char *head, size_t length, const char *name) {
  size_t n = strlen(name);
  for (const char *p = head; (p = memchr(p, '\n', length - (p - head))) != NULL;) {
    if ((size_t)(++p - head) + n >= length) return NULL;
    if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
      for (p += n + 1; *p == ' '; p++) {}
      return p;
    }
  }
  return NULL;
}

/* Length of a chunked body from `p`, terminator included; 0 when it is not all there, -1 when it is malformed. */
static ssize_t chunked_length(const char *p, size_t length) {
  size_t at = 0;
  for (;;) {
    const char *line = memchr(p + at, '\n', length - at);
    if (!line) return 0;
    char *end;
    size_t size = strtoul(p + at, &end, 16);
    if (end == p + at || size > MAX_REQUEST) return -1;
    at = (line - p) + 1 + size + 2;
    if (at > length) return 0;
    if (size == 0) return at;
  }
}

static int has(const char *p, size_t length, const char *words) { return memmem(p, length, words, strlen(words)) != NULL; }

static int answer(Connection *c, const char *head, const char *body, size_t body_length) {
  if (memcmp(head, "POST ", 5) != 0) {
    const char *line_end = memchr(head, '\r', body - head);
    return put(c, line_end && has(head, line_end - head, "/metrics ") ? metrics : small_json);
  }
  const Script *script = strncmp(head + 5, "/v1/messages", 12) == 0 ? &anthropic : &openai;
  if (!has(body, body_length, "\"stream\":true") && !has(body, body_length, "\"stream\": true")) {
    return put(c, script->plain);
  }
  c->script = script;
  c->frames_left = FRAMES;
  c->interval_us = 0;
  const char *pace = memmem(body, body_length, "pace:", 5);
  if (pace) sscanf(pace + 5, "%d/%lu", &c->frames_left, &c->interval_us);
  c->wants_usage = script == &anthropic || has(body, body_length, "\"include_usage\":true") ||
                   has(body, body_length, "\"include_usage\": true");
  if (!put(c, script->opening)) return 0;
  if (c->out.length) return 1; /* EPOLLOUT takes it from there */
  c->frames_left--;
  if (!put(c, script->frames[c->frames_left % WORDS])) return 0; /* its first frame comes at once, whatever the interval */
  if (!c->out.length) enqueue(c, now_us() + c->interval_us);
  return 1;
}

/* Answers the requests that are whole, in order, as long as nothing of an earlier answer is outstanding. */
static int take_requests(Connection *c) {
  while (!c->script && !c->out.length) {
    char *end = memmem(c->in, c->in_length, "\r\n\r\n", 4);
    if (!end) return 1;
    size_t head = end + 4 - c->in;
    const char *value;
    ssize_t body = 0;
    if ((value = header(c->in, head, "content-length"))) {
      body = atol(value);
      if (head + body > c->in_length) return 1;
    } else if ((value = header(c->in, head, "transfer-encoding")) && strncasecmp(value, "chunked", 7) == 0) {
      body = chunked_length(c->in + head, c->in_length - head);
      if (body == 0) return 1;
    }
    if (body < 0) {
      put(c, bad_request);
      return 0;
    }
    if (!answer(c, c->in, c->in + head, body)) return 0;
    c->in_length -= head + body;
    memmove(c->in, c->in + head + body, c->in_length);
  }
  return 1;
}

static int read_all(Connection *c) {
  for (;;) {
    if (c->in_capacity - c->in_length < 512) {
      if (c->in_capacity >= MAX_REQUEST) return 0;
      c->in_capacity *= 2;
      c->in = realloc(c->in, c->in_capacity + 1);
    }
    size_t room = c->in_capacity - c->in_length;
    ssize_t n = read(c->fd, c->in + c->in_length, room);
    if (n == 0) return 0;
    if (n < 0) return errno == EAGAIN;
    c->in_length += n;
    c->in[c->in_length] = 0;
    if ((size_t)n < room) return 1; /* drained: a later byte raises a new edge */
  }
}

static void accept_all(int listener) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Connection *c = calloc(1, sizeof *c);
    c->fd = fd;
    c->in_capacity = FIRST_BUFFER;
    c->in = malloc(FIRST_BUFFER + 1);
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
  }
}

static void on_event(Connection *c, uint32_t events) {
  if (events & (EPOLLERR | EPOLLHUP)) return drop(c);
  if ((events & EPOLLOUT) && c->out.length) {
    if (!put(c, c->out)) return drop(c);
    if (!c->out.length && c->script && !c->queued) enqueue(c, now_us() + c->interval_us);
  }
  if ((events & EPOLLIN) && !read_all(c)) return drop(c);
  if (!take_requests(c)) drop(c);
}

/* Gives every stream that is due one frame. A stream whose reader is slow waits for its socket instead. */
static void run_streams(void) {
  uint64_t now = now_us();
  Connection *last = queue_tail;
  while (queue_head && queue_head->due_us <= now) {
    Connection *c = dequeue();
    int was_last = c == last;
    if (c->dead) {
      drop(c);
    } else if (c->out.length) {
      /* EPOLLOUT brings it back. */
    } else if (!step_stream(c)) {
      drop(c);
    } else if (!c->script) {
      if (!take_requests(c)) drop(c);
    } else if (!c->out.length) {
      enqueue(c, now + c->interval_us); /* one interval for all keeps the queue in order */
    }
    if (was_last) return;
  }
}

static int wait_ms(void) {
  if (!queue_head) return -1;
  uint64_t now = now_us();
  return queue_head->due_us <= now ? 0 : (int)((queue_head->due_us - now + 999) / 1000);
}

static Text text(char *bytes) { return (Text){bytes, strlen(bytes)}; }

static Text plain_answer(const char *status, const char *json) {
  char *out;
  if (asprintf(&out, "HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s", status,
               strlen(json), json) < 0) exit(1);
  return text(out);
}

static Text chunk(const char *events, int is_last) {
  char *out;
  if (asprintf(&out, "%zx\r\n%s\r\n%s", strlen(events), events, is_last ? "0\r\n\r\n" : "") < 0) exit(1);
  return text(out);
}

static Text frame(const char *format, const char *text) {
  char events[512];
  snprintf(events, sizeof events, format, text);
  return chunk(events, 0);
}

static Text join(Text a, Text b) {
  char *out = malloc(a.length + b.length + 1);
  memcpy(out, a.bytes, a.length);
  memcpy(out + a.length, b.bytes, b.length + 1);
  return text(out);
}

#define STREAM_HEAD "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
#define PROSE "The pipe carries water from the reservoir to the turbine, the gates hold it, and the meters count what has passed. "

static void write_openai(void) {
#define CHUNK "\"id\":\"chatcmpl-mock000000000000000001\",\"object\":\"chat.completion.chunk\",\"created\":1767225600,\"model\":\"bench\""
  openai.plain = plain_answer("200 OK", "{\"id\":\"chatcmpl-mock000000000000000001\",\"object\":\"chat.completion\",\"created\":1767225600,\"model\":\"bench\","
    "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"" PROSE PROSE "\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
    "\"usage\":{\"prompt_tokens\":24,\"completion_tokens\":48,\"total_tokens\":72,\"prompt_tokens_details\":{\"cached_tokens\":16}},\"system_fingerprint\":\"fp_mock\"}");
  openai.opening = text(STREAM_HEAD);
  for (int i = 0; i < WORDS; i++) {
    openai.frames[i] = frame("data: {" CHUNK ",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n", words[i]);
  }
  Text stop = chunk("data: {" CHUNK ",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n", 0);
  Text usage = chunk("data: {" CHUNK ",\"choices\":[],\"usage\":{\"prompt_tokens\":24,\"completion_tokens\":200,\"total_tokens\":224}}\n\n", 0);
  Text done = chunk("data: [DONE]\n\n", 1);
  openai.closing = join(stop, done);
  openai.closing_with_usage = join(join(stop, usage), done);
}

static void write_anthropic(void) {
  anthropic.plain = plain_answer("200 OK", "{\"id\":\"msg_mock00000000000000000001\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench\","
    "\"content\":[{\"type\":\"text\",\"text\":\"" PROSE PROSE "\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,"
    "\"usage\":{\"input_tokens\":8,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":16,\"output_tokens\":48,\"service_tier\":\"standard\"}}");
  anthropic.opening = join(text(STREAM_HEAD), chunk(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_mock00000000000000000001\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench\","
    "\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":24,\"output_tokens\":1}}}\n\n"
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n", 0));
  for (int i = 0; i < WORDS; i++) {
    anthropic.frames[i] = frame("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
      "\"text\":\"%s, by day and by night, all through the year\"}}\n\n", words[i]);
  }
  anthropic.closing_with_usage = chunk("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":200}}\n\n"
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", 1);
  anthropic.closing = anthropic.closing_with_usage;
}

int main(int argc, char **argv) {
  if (argc != 2) return fprintf(stderr, "usage: upstream PORT\n"), 2;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);
  write_openai();
  write_anthropic();
  small_json = plain_answer("200 OK", "{\"status\":\"ok\",\"object\":\"list\",\"data\":[{\"id\":\"bench\",\"object\":\"model\"}],\"model_path\":\"bench\",\"is_generation\":true}");
  metrics = plain_answer("200 OK", "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{engine=\"0\",model_name=\"bench\"} 0\n"
    "# TYPE vllm:num_requests_waiting gauge\nvllm:num_requests_waiting{engine=\"0\",model_name=\"bench\"} 0\n"
    "# TYPE vllm:kv_cache_usage_perc gauge\nvllm:kv_cache_usage_perc{engine=\"0\",model_name=\"bench\"} 0.25\n"
    "# TYPE vllm:cache_config_info gauge\nvllm:cache_config_info{block_size=\"16\",engine=\"0\",num_gpu_blocks=\"27000\"} 1\n");
  bad_request = plain_answer("400 Bad Request", "{\"error\":{\"message\":\"malformed request\",\"type\":\"invalid_request_error\"}}");
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) return perror("upstream"), 1;
  poller = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e);
  static struct epoll_event events[MAX_EVENTS];
  for (;;) {
    int n = epoll_wait(poller, events, MAX_EVENTS, wait_ms());
    for (int i = 0; i < n; i++) {
      if (events[i].data.ptr) on_event(events[i].data.ptr, events[i].events);
      else accept_all(listener);
    }
    run_streams();
  }
}

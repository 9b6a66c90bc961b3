/*
 * A port that listens and never accepts: its backlog is filled by connections of its own, so that whoever connects to it
 * waits without a word, as for a machine whose cable was pulled.
 *
 *   deaf ADDRESS PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A backlog of none takes one connection; the second one is left waiting, as all later ones are. */
#define FILLING 2

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: deaf ADDRESS PORT\n"), 2;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
  if (inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) return fprintf(stderr, "deaf: no address: %s\n", argv[1]), 2;
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 0)) return perror("deaf"), 1;
  for (int i = 0; i < FILLING; i++) {
    int filling = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(filling, (struct sockaddr *)&address, sizeof address);
  }
  for (;;) pause();
}

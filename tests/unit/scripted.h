/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server in threads of the test program, which does what a test tells it. Every connection has a
 * thread that runs the test's function; a function that returns ends the connection.
 */
#ifndef TESTS_UNIT_SCRIPTED_H
#define TESTS_UNIT_SCRIPTED_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sp/wire.h"

#define SCRIPTED_CONNECTIONS 64

struct scripted;

struct scripted_connection {
	struct scripted *server;
	pthread_t thread;
	int fd;
	int number; /* 0 is the first */
	uint32_t capabilities;
	pthread_mutex_t sending;
};

/* What a CONNECT comes to. */
enum scripted_connect {
	SCRIPTED_GIVES,
	SCRIPTED_GIVES_IN_PIECES, /* a byte at a time, behind a RAISE of no signal */
	SCRIPTED_GIVES_TWO,       /* descriptors where one is right */
	SCRIPTED_GIVES_NONE,
	SCRIPTED_REFUSES,
	SCRIPTED_ENDS,
};

typedef void scripted_fn(struct scripted_connection *c, void *arg);

struct scripted {
	char directory[64];
	char url[128];
	uint32_t capabilities; /* to announce */
	_Atomic enum scripted_connect connect;
	pthread_mutex_t adding;
	scripted_fn *_Atomic fn;
	void *arg;
	int listener;
	pthread_t thread;
	_Atomic int count;
	struct scripted_connection connection[SCRIPTED_CONNECTIONS];
};

/* Listens, on a unix socket or on TCP's loopback. Fails the test when it cannot. */
void scripted_start(struct scripted *s, bool tcp, uint32_t capabilities, scripted_fn *fn, void *arg);

/* Ends all connections and waits for the threads. The socket's name stays until scripted_remove(). */
void scripted_stop(struct scripted *s);
void scripted_remove(struct scripted *s);

/* Listens again at the same URL. */
void scripted_restart(struct scripted *s);

/* Sends the banner, receives the handshake and accepts it. Returns its kind, -1 when there was none. */
int scripted_greet(struct scripted_connection *c);

/* The next frame; false at the end. The body is at most size bytes. */
bool scripted_receive(struct scripted_connection *c, struct sp_header *header, void *body, size_t size);

void scripted_send(struct scripted_connection *c, struct sp_header header, const void *body);

/* Answers a SYSCALL. error is NetBSD's. */
void scripted_answer(struct scripted_connection *c, uint64_t reqno, int error, int64_t first, int64_t second);

/* Asks for a copy and receives the answer: its class, and its body of *len bytes. */
int scripted_copyin(
    struct scripted_connection *c, bool string, sp_addr_t addr, uint64_t want, void *body, size_t *len);
void scripted_copyout(struct scripted_connection *c, sp_addr_t addr, const void *bytes, size_t len);

/*
 * A small kernel for the length of a connection: getpid gives 42 and the connection's number; write
 * of n bytes reads them and returns n; read fills with 'r'; the others of the calls below.
 */
#define KERNEL_ECHO 400    /* returns its two arguments */
#define KERNEL_HOLD 401    /* is not answered until KERNEL_RELEASE, or interrupted */
#define KERNEL_RELEASE 402 /* answers all held ones */
#define KERNEL_FAIL 403    /* fails with its argument */
#define KERNEL_HANGUP 404  /* ends the connection */
#define KERNEL_RAISE 405   /* raises its argument */
void scripted_kernel(struct scripted_connection *c, void *arg);

#endif

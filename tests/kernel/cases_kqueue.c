/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kernel/case.h"
#include <string.h>

static const struct rump_timespec at_once;

static struct rump_kevent
event(uint64_t ident, uint32_t filter, uint32_t flags, uint32_t fflags, int64_t data, int64_t udata)
{
	struct rump_kevent kev;

	memset(&kev, 0, sizeof(kev));
	kev.ident = ident;
	kev.filter = filter;
	kev.flags = flags;
	kev.fflags = fflags;
	kev.data = data;
	kev.udata = udata;
	return kev;
}

static long
change(const char *what, int kq, uint64_t ident, uint32_t filter, uint32_t flags)
{
	const struct rump_kevent kev = event(ident, filter, flags, 0, 0, 7);

	return ret(what, rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL));
}

/* Collects without waiting, and tells what came. */
static int
collect(const char *what, int kq)
{
	struct rump_kevent kev[4];
	int n = rump_sys_kevent(kq, NULL, 0, kev, 4, &at_once);

	ret(what, n);
	for (int i = 0; i < n; i++)
		say("  ident %llu filter %u flags %x fflags %x data %lld udata %lld",
		    (unsigned long long)kev[i].ident, kev[i].filter, kev[i].flags, kev[i].fflags,
		    (long long)kev[i].data, (long long)kev[i].udata);
	return n;
}

static void
read_level(void)
{
	int kq = rump_sys_kqueue(), p[2];
	char c;

	rump_sys_pipe(p);
	change("add", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ADD);
	collect("nothing", kq);
	rump_sys_write(p[1], "abc", 3);
	collect("three", kq);
	collect("still", kq);
	rump_sys_read(p[0], &c, 1);
	collect("two", kq);
	rump_sys_read(p[0], (char[8]){0}, 8);
	collect("none", kq);
	rump_sys_close(p[1]);
	collect("end", kq);
}

static void
read_clear(void)
{
	int kq = rump_sys_kqueue(), p[2];

	rump_sys_pipe(p);
	change("add", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ADD | RUMP_EV_CLEAR);
	rump_sys_write(p[1], "a", 1);
	collect("first", kq);
	collect("cleared", kq);
	rump_sys_write(p[1], "b", 1);
	collect("again", kq);
	collect("cleared", kq);
}

static void
oneshot(void)
{
	int kq = rump_sys_kqueue(), p[2];

	rump_sys_pipe(p);
	change("add", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ADD | RUMP_EV_ONESHOT);
	rump_sys_write(p[1], "a", 1);
	collect("once", kq);
	collect("gone", kq);
	change("delete", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_DELETE);
	change("add again", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ADD | RUMP_EV_ONESHOT);
	collect("once", kq);
}

static void
dispatch(void)
{
	int kq = rump_sys_kqueue(), p[2];

	rump_sys_pipe(p);
	change("add", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ADD | RUMP_EV_DISPATCH);
	rump_sys_write(p[1], "a", 1);
	collect("once", kq);
	collect("disabled", kq);
	change("enable", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ENABLE);
	collect("again", kq);
}

static void
disable(void)
{
	int kq = rump_sys_kqueue(), p[2];

	rump_sys_pipe(p);
	rump_sys_write(p[1], "a", 1);
	change("add disabled", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ADD | RUMP_EV_DISABLE);
	collect("nothing", kq);
	change("enable", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ENABLE);
	collect("enabled", kq);
	change("disable", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_DISABLE);
	collect("nothing", kq);
	change("delete", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_DELETE);
	change("delete twice", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_DELETE);
	change("enable what is not there", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ENABLE);
}

static void
write_filter(void)
{
	static char big[16384];
	int kq = rump_sys_kqueue(), p[2];

	rump_sys_pipe2(p, RUMP_O_NOSIGPIPE);
	change("add", kq, (uint64_t)p[1], RUMP_EVFILT_WRITE, RUMP_EV_ADD);
	collect("room", kq);
	rump_sys_write(p[1], big, sizeof(big) - 511);
	collect("too little room", kq);
	rump_sys_read(p[0], big, 1);
	collect("enough", kq);
	rump_sys_close(p[0]);
	collect("no reader", kq);
}

static void
bad_changes(void)
{
	struct rump_kevent kev = event(55, RUMP_EVFILT_READ, RUMP_EV_ADD, 0, 0, 3), back[2];
	int kq = rump_sys_kqueue(), p[2], n;

	rump_sys_pipe(p);
	ret("no such descriptor, no room", rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL));
	n = rump_sys_kevent(kq, &kev, 1, back, 2, &at_once);
	ret("with room", n);
	say("ident %llu flags %x data %lld udata %lld", (unsigned long long)back[0].ident, back[0].flags,
	    (long long)back[0].data, (long long)back[0].udata);
	change("no such filter", kq, (uint64_t)p[0], 77, RUMP_EV_ADD);
	change("not a kqueue", p[0], (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ADD);
	change("closed", 88, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ADD);
	ret("list nowhere", rump_sys_kevent(kq, NULL, 1, NULL, 0, NULL));
	ret("bad timeout", rump_sys_kevent(kq, NULL, 0, back, 1, &(struct rump_timespec){0, 1000000000}));
	kev = event((uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ADD | RUMP_EV_RECEIPT, 0, 0, 3);
	n = rump_sys_kevent(kq, &kev, 1, back, 2, &at_once);
	ret("receipt", n);
	say("ident %llu flags %x data %lld", (unsigned long long)back[0].ident, back[0].flags,
	    (long long)back[0].data);
}

static void
closing_drops(void)
{
	int kq = rump_sys_kqueue(), p[2], d;

	rump_sys_pipe(p);
	d = rump_sys_dup(p[0]);
	rump_sys_write(p[1], "a", 1);
	change("add", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ADD);
	change("add the duplicate", kq, (uint64_t)d, RUMP_EVFILT_READ, RUMP_EV_ADD);
	collect("both", kq);
	rump_sys_close(p[0]);
	collect("one is gone", kq);
	change("delete it", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_DELETE);
	rump_sys_dup2(p[1], d);
	collect("replaced", kq);
}

static void
modify(void)
{
	struct rump_kevent kev;
	int kq = rump_sys_kqueue(), p[2];

	rump_sys_pipe(p);
	rump_sys_write(p[1], "a", 1);
	change("add", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ADD);
	kev = event((uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ADD | RUMP_EV_CLEAR, 0, 0, 99);
	ret("add again", rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL));
	collect("new udata", kq);
	collect("flags are the first ones", kq);
}

static void
change_and_collect(void)
{
	struct rump_kevent in[2], out[4];
	int kq = rump_sys_kqueue(), p[2], n;

	rump_sys_pipe(p);
	rump_sys_write(p[1], "ab", 2);
	in[0] = event((uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ADD, 0, 0, 1);
	in[1] = event((uint64_t)p[1], RUMP_EVFILT_WRITE, RUMP_EV_ADD, 0, 0, 2);
	n = rump_sys_kevent(kq, in, 2, out, 4, &at_once);
	ret("both", n);
	for (int i = 0; i < n; i++)
		say("filter %u data %lld", out[i].filter, (long long)out[i].data);
	ret("room for one", rump_sys_kevent(kq, NULL, 0, out, 1, &at_once));
	ret("room for none", rump_sys_kevent(kq, NULL, 0, out, 0, &at_once));
}

static void
nested(void)
{
	struct rump_pollfd pfd;
	struct rump_stat st;
	int inner = rump_sys_kqueue(), outer = rump_sys_kqueue(), p[2];

	rump_sys_pipe(p);
	change("pipe in inner", inner, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ADD);
	change("inner in outer", outer, (uint64_t)inner, RUMP_EVFILT_READ, RUMP_EV_ADD);
	change("inner for writing", outer, (uint64_t)inner, RUMP_EVFILT_WRITE, RUMP_EV_ADD);
	collect("nothing", outer);
	pfd = (struct rump_pollfd){inner, RUMP_POLLIN, 0};
	ret("poll", rump_sys_poll(&pfd, 1, 0));
	rump_sys_write(p[1], "x", 1);
	collect("readable", outer);
	ret("poll", rump_sys_poll(&pfd, 1, 0));
	ret("fstat", rump_sys_fstat(inner, &st));
	say("mode %o", st.st_mode);
	ret("read", rump_sys_read(inner, (char[4]){0}, 4));
	ret("write", rump_sys_write(inner, "x", 1));
}

static void
timer(void)
{
	struct rump_kevent kev = event(5, RUMP_EVFILT_TIMER, RUMP_EV_ADD | RUMP_EV_ONESHOT, 0, 10, 4), out;
	int kq = rump_sys_kqueue();

	ret("add", rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL));
	ret("fires", rump_sys_kevent(kq, NULL, 0, &out, 1, &(struct rump_timespec){30, 0}));
	say("ident %llu filter %u flags %x data %lld", (unsigned long long)out.ident, out.filter, out.flags,
	    (long long)out.data);
	ret("once", rump_sys_kevent(kq, NULL, 0, &out, 1, &(struct rump_timespec){0, 50000000}));
	kev = event(6, RUMP_EVFILT_TIMER, RUMP_EV_ADD, 0, 0, 4);
	ret("no period", rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL));
	kev = event(7, RUMP_EVFILT_TIMER, RUMP_EV_ADD, 0, 10, 4);
	ret("periodic", rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL));
	for (int i = 0; i < 3; i++) {
		ret("fires", rump_sys_kevent(kq, NULL, 0, &out, 1, &(struct rump_timespec){30, 0}));
		say("flags %x %s", out.flags, out.data >= 1 ? "counted" : "not counted");
	}
	kev = event(7, RUMP_EVFILT_TIMER, RUMP_EV_DELETE, 0, 0, 0);
	ret("delete", rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL));
	collect("silent", kq);
}

static void
writes_later(void *arg)
{
	rump_sys_nanosleep(&(struct rump_timespec){0, 20000000}, NULL);
	rump_sys_write(*(int *)arg, "x", 1);
}

static void
waits(void)
{
	struct rump_kevent out;
	struct case_thread *writer;
	int kq = rump_sys_kqueue(), p[2];

	rump_sys_pipe(p);
	change("add", kq, (uint64_t)p[0], RUMP_EVFILT_READ, RUMP_EV_ADD);
	ret("times out", rump_sys_kevent(kq, NULL, 0, &out, 1, &(struct rump_timespec){0, 10000000}));
	writer = case_thread(writes_later, &p[1]);
	ret("is woken", rump_sys_kevent(kq, NULL, 0, &out, 1, NULL));
	say("data %lld", (long long)out.data);
	case_join(writer);
}

static void
child_tries(void *arg)
{
	change("in the child", *(int *)arg, 1, RUMP_EVFILT_WRITE, RUMP_EV_ADD);
}

static void
not_inherited(void)
{
	int kq = rump_sys_kqueue();

	in_child(child_tries, &kq);
	ret("in the parent", rump_sys_kevent(kq, NULL, 0, NULL, 0, &at_once));
}

static void
processes(void)
{
	int kq = rump_sys_kqueue();
	struct rump_kevent kev =
	    event((uint64_t)rump_sys_getpid(), RUMP_EVFILT_PROC, RUMP_EV_ADD, RUMP_NOTE_EXEC, 0, 0);

	ret("add", rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL));
	collect("nothing", kq);
	kev.ident = 29999;
	ret("no such process", rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL));
}

static void
creation(void)
{
	int kq = rump_sys_kqueue1(RUMP_O_CLOEXEC);

	ret("kqueue1", kq);
	ret("cloexec", rump_sys_fcntl(kq, RUMP_F_GETFD));
	ret("flags", rump_sys_fcntl(kq, RUMP_F_GETFL));
	ret("unknown flag", rump_sys_kqueue1(RUMP_O_APPEND));
	ret("plain", rump_sys_fcntl(rump_sys_kqueue(), RUMP_F_GETFL));
}

static void
user_filter(void)
{
	struct rump_kevent kev = event(1, RUMP_EVFILT_USER, RUMP_EV_ADD | RUMP_EV_CLEAR, 5, 0, 0);
	int kq = rump_sys_kqueue();

	ret("add", rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL));
	collect("nothing", kq);
	kev = event(1, RUMP_EVFILT_USER, 0, RUMP_NOTE_TRIGGER | RUMP_NOTE_FFOR | 8, 3, 0);
	ret("trigger", rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL));
	collect("triggered", kq);
	collect("cleared", kq);
}

const struct testcase kqueue_cases[] = {
    {"kqueue_creation", creation},
    {"kqueue_read_level", read_level},
    {"kqueue_read_clear", read_clear},
    {"kqueue_oneshot", oneshot},
    {"kqueue_dispatch", dispatch},
    {"kqueue_disable", disable},
    {"kqueue_write", write_filter},
    {"kqueue_bad_changes", bad_changes},
    {"kqueue_closing_drops", closing_drops},
    {"kqueue_modify", modify},
    {"kqueue_change_and_collect", change_and_collect},
    {"kqueue_nested", nested},
    {"kqueue_timer", timer},
    {"kqueue_waits", waits},
    {"kqueue_not_inherited", not_inherited},
    {"kqueue_processes", processes},
    {"kqueue_user", user_filter},
    {NULL, NULL},
};

/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/sysctl.h"
#include <string.h>
#include "kernel/base/boot.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/print.h"
#include "kernel/base/sysctl_nodes.h"
#include "kernel/base/syscall.h"

#define VERSION_1 0x01000000u
#define VERSION_MASK 0xff000000u
#define TYPE_MASK 0xfu
#define FIRST_FREE_NUMBER 1024

/* What a query returns for each child. */
struct node_shown {
	uint32_t flags;
	int32_t number;
	char name[32];
	uint32_t version;
	uint32_t reserved;
	/* Of a node: the room for children, and how many there are. Of others: their value, when it is in the
	 * node. */
	union {
		uint32_t children[2];
		int32_t number32;
		uint64_t number64;
		uint64_t whole[2];
	} value;
	uint64_t size;
	uint64_t function, parent, description;
};
_Static_assert(sizeof(struct node_shown) == 96, "struct sysctlnode");
_Static_assert(offsetof(struct node_shown, value) == 48, "struct sysctlnode's union");
_Static_assert(offsetof(struct node_shown, size) == 64, "struct sysctlnode's size");

/* The tree itself changes at boot only; the lock guards values. */
static rumpk_mutex lock;
static struct rumpk_sysctl root = {.name = "", .type = RUMP_CTLTYPE_NODE};
static int32_t next_number = FIRST_FREE_NUMBER;

static struct rumpk_sysctl *
child_of(const struct rumpk_sysctl *node, int32_t number)
{
	struct rumpk_sysctl *child = node->child;

	while (child != NULL && child->number != number)
		child = child->sibling;
	return child;
}

static void
attach(struct rumpk_sysctl *node)
{
	struct rumpk_sysctl *parent = &root, **pp;

	for (size_t i = 0; i < sizeof(node->under) / sizeof(*node->under) && node->under[i] != 0; i++) {
		parent = child_of(parent, node->under[i]);
		if (parent == NULL)
			rumpk_panic("sysctl %s has no parent", node->name);
	}
	if (node->number == 0)
		node->number = next_number++;
	if (child_of(parent, node->number) != NULL)
		return;
	node->parent = parent;
	for (pp = &parent->child; *pp != NULL && (*pp)->number < node->number;)
		pp = &(*pp)->sibling;
	node->sibling = *pp;
	*pp = node;
}

void
rumpk_sysctl_register(struct rumpk_sysctl *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		attach(&nodes[i]);
}

/* A call under way. */
struct request {
	struct lwp *l;
	const int32_t *name;
	unsigned namelen;
	rumpk_uaddr old, oldlenp, new;
	size_t oldlen, newlen;
};

/* Gives the value: as much of it as fits, its whole length, and ENOMEM when it was cut off. */
static int
answer(const struct request *req, const void *value, size_t len, size_t *given)
{
	size_t n = len < req->oldlen ? len : req->oldlen;
	int error;

	*given = len;
	if (req->old == 0)
		return 0;
	error = rumpk_copyout(req->l, value, req->old, n);
	return error == 0 && n < len ? RUMP_ENOMEM : error;
}

static void
show(const struct rumpk_sysctl *node, struct node_shown *shown)
{
	memset(shown, 0, sizeof(*shown));
	shown->flags = VERSION_1 | node->flags | node->type;
	shown->number = node->number;
	rumpk_snprintf(shown->name, sizeof(shown->name), "%s", node->name);
	shown->size = node->type == RUMP_CTLTYPE_NODE ? sizeof(*shown) : node->size;
	if (node->type != RUMP_CTLTYPE_NODE) {
		if ((node->flags & RUMP_CTLFLAG_IMMEDIATE) != 0 &&
		    node->size <= sizeof(shown->value.number64))
			memcpy(&shown->value, node->data, node->size);
		return;
	}
	for (const struct rumpk_sysctl *child = node->child; child != NULL; child = child->sibling)
		shown->value.children[1]++;
	shown->value.children[0] = shown->value.children[1];
}

/* CTL_QUERY: the children of a node. */
static int
query(const struct request *req, const struct rumpk_sysctl *node, size_t *given)
{
	struct node_shown asked, *list;
	size_t count = 0, len;
	int error;

	if (node->type != RUMP_CTLTYPE_NODE || req->namelen != 1)
		return RUMP_EINVAL;
	if (req->new != 0) {
		if (req->newlen != sizeof(asked))
			return RUMP_EINVAL;
		error = rumpk_copyin(req->l, req->new, &asked, sizeof(asked));
		if (error != 0)
			return error;
		if ((asked.flags & VERSION_MASK) != VERSION_1)
			return RUMP_EINVAL;
	}
	for (const struct rumpk_sysctl *child = node->child; child != NULL; child = child->sibling)
		count++;
	len = count * sizeof(*list);
	list = rumpk_alloc(len);
	if (list == NULL)
		return RUMP_ENOMEM;
	count = 0;
	rumpk_lock(lock);
	for (const struct rumpk_sysctl *child = node->child; child != NULL; child = child->sibling)
		show(child, &list[count++]);
	rumpk_unlock(lock);
	error = answer(req, list, len, given);
	rumpk_free(list, len);
	return error;
}

/* The length of the value, which for strings is that of the text. */
static size_t
value_len(const struct rumpk_sysctl *node)
{
	return node->type == RUMP_CTLTYPE_STRING ? strnlen(node->data, node->size - 1) + 1 : node->size;
}

static int
read_data(const struct request *req, const struct rumpk_sysctl *node, size_t *given)
{
	size_t len = node->size;
	char *copy = rumpk_alloc(len);
	int error;

	if (copy == NULL)
		return RUMP_ENOMEM;
	rumpk_lock(lock);
	len = value_len(node);
	memcpy(copy, node->data, len);
	rumpk_unlock(lock);
	error = answer(req, copy, len, given);
	rumpk_free(copy, node->size);
	return error;
}

static int
read_computed(const struct request *req, const struct rumpk_sysctl *node, size_t *given)
{
	size_t need = 0, len;
	char *buf;
	int error;

	error = node->read(req->l, req->name, req->namelen, NULL, &need);
	if (error != 0)
		return error;
	len = need;
	buf = rumpk_alloc(need);
	if (buf == NULL)
		return RUMP_ENOMEM;
	error = node->read(req->l, req->name, req->namelen, buf, &len);
	if (error == 0)
		error = answer(req, buf, len < need ? len : need, given);
	rumpk_free(buf, need);
	return error;
}

static int
write_data(const struct request *req, struct rumpk_sysctl *node)
{
	size_t len = req->newlen;
	char *copy;
	int error;

	if (node->type == RUMP_CTLTYPE_STRING ? len > node->size : len != node->size)
		return RUMP_EINVAL;
	copy = rumpk_zalloc(node->size + 1);
	if (copy == NULL)
		return RUMP_ENOMEM;
	error = rumpk_copyin(req->l, req->new, copy, len);
	/* A string needs its NUL within the size. */
	if (error == 0 && node->type == RUMP_CTLTYPE_STRING && strlen(copy) >= node->size)
		error = RUMP_EINVAL;
	if (error == 0 && node->write != NULL)
		error = node->write(req->l, copy, len);
	if (error == 0) {
		rumpk_lock(lock);
		memcpy(node->data, copy, node->size);
		rumpk_unlock(lock);
	}
	rumpk_free(copy, node->size + 1);
	return error;
}

static int
access_leaf(const struct request *req, struct rumpk_sysctl *node, size_t *given)
{
	int error;

	if (req->namelen > 0 && node->read == NULL && node->give == NULL)
		return RUMP_ENOTDIR;
	if (req->new != 0) {
		if ((node->flags & RUMP_CTLFLAG_READWRITE) != RUMP_CTLFLAG_READWRITE)
			return RUMP_EPERM;
		if ((node->flags & RUMP_CTLFLAG_ANYWRITE) == 0 &&
		    !rumpk_cred_issuper(rumpk_proc_cred(req->l->proc)))
			return RUMP_EPERM;
	}
	if (node->give != NULL) {
		*given = req->oldlen;
		return node->give(req->l, req->name, req->namelen, req->old, given);
	}
	error = node->read != NULL ? read_computed(req, node, given) : read_data(req, node, given);
	if (error == 0 && req->new != 0)
		error = write_data(req, node);
	return error;
}

/* Follows the name from the root, and does what its end asks for. */
static int
perform(struct request *req, size_t *given)
{
	struct rumpk_sysctl *node = &root;

	while (
	    req->namelen > 0 && node->type == RUMP_CTLTYPE_NODE && node->read == NULL && node->give == NULL) {
		int32_t number = *req->name;
		struct rumpk_sysctl *child;

		if (number == RUMP_CTL_QUERY)
			return query(req, node, given);
		if (number == RUMP_CTL_DESCRIBE || number == RUMP_CTL_CREATE ||
		    number == RUMP_CTL_CREATESYM || number == RUMP_CTL_DESTROY || number == RUMP_CTL_MMAP)
			return RUMP_EOPNOTSUPP;
		child = child_of(node, number);
		if (child == NULL)
			return RUMP_ENOENT;
		node = child;
		req->name++;
		req->namelen--;
	}
	if (node->type == RUMP_CTLTYPE_NODE && node->read == NULL && node->give == NULL)
		return RUMP_EINVAL;
	return access_leaf(req, node, given);
}

static int
sys_sysctl(struct lwp *l, rumpk_args args, long *retval)
{
	struct request req = {.l = l,
	    .namelen = (uint32_t)args[1],
	    .old = args[2],
	    .oldlenp = args[3],
	    .new = args[4],
	    .newlen = args[5]};
	int32_t name[RUMP_CTL_MAXNAME];
	size_t given = 0;
	int error, lenerror;

	(void)retval;
	if (req.namelen < 1 || req.namelen > RUMP_CTL_MAXNAME)
		return RUMP_EINVAL;
	error = rumpk_copyin(l, args[0], name, req.namelen * sizeof(*name));
	if (error == 0 && req.oldlenp != 0)
		error = rumpk_copyin(l, req.oldlenp, &req.oldlen, sizeof(req.oldlen));
	if (error != 0)
		return error;
	req.name = name;
	error = perform(&req, &given);
	if ((error != 0 && error != RUMP_ENOMEM) || req.oldlenp == 0)
		return error;
	lenerror = rumpk_copyout(l, &given, req.oldlenp, sizeof(given));
	return lenerror != 0 ? lenerror : error;
}

void
rumpk_sysctl_init(void)
{
	static const struct rumpk_syscall call = {RUMPK_SYS___sysctl, sys_sysctl};

	rumpk_mutex_init(&lock);
	rumpk_syscall_register(&call, 1);
	rumpk_sysctl_nodes_init();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libext2fs reads and writes: metadata, on the mount's device.
 *
 * Theory of operation: a direct-mapped cache of single blocks, for reading; every write goes to the device at
 * once, and to the cache. The library calls from under the mount's lock, which guards all of it.
 */
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/fs/ext2fs/ext2fs.h"

#define SLOTS 1024
#define EMPTY UINT64_MAX

struct slot {
	uint64_t block;
	char *data;
};

struct channel {
	struct struct_io_channel io; /* first: a pointer to it is one to us */
	struct ext2_mount *m;
	struct slot slots[SLOTS];
};

/* The mount that is being opened: the library passes nothing through to open but a name. */
static rumpk_mutex opening_lock;
static struct ext2_mount *opening;

static struct channel *
channel_of(io_channel io)
{
	return (struct channel *)(void *)io;
}

static void
empty(struct channel *channel)
{
	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *slot = &channel->slots[i];

		rumpk_free(slot->data, (size_t)channel->io.block_size);
		slot->data = NULL;
		slot->block = EMPTY;
	}
}

/* Keeps a copy; without memory for it there is none. */
static void
keep(struct channel *channel, uint64_t block, const void *data)
{
	struct slot *slot = &channel->slots[block % SLOTS];

	if (slot->data == NULL)
		slot->data = rumpk_alloc((size_t)channel->io.block_size);
	slot->block = EMPTY;
	if (slot->data == NULL)
		return;
	memcpy(slot->data, data, (size_t)channel->io.block_size);
	slot->block = block;
}

static errcode_t
transfer(struct channel *channel, enum rumpk_rw rw, void *data, size_t len, uint64_t offset)
{
	struct ext2_mount *m = channel->m;

	if (rumpk_special_transfer(&m->device, rw, data, len, offset) == 0)
		return 0;
	return rw == RUMPK_READ ? EXT2_ET_SHORT_READ : EXT2_ET_SHORT_WRITE;
}

/* A negative count is one of bytes. */
static errcode_t
read_blocks(io_channel io, unsigned long long block, int count, void *data)
{
	struct channel *channel = channel_of(io);
	size_t block_size = (size_t)io->block_size;
	size_t len = count < 0 ? (size_t) - (int64_t)count : (size_t)count * block_size;
	struct slot *slot = &channel->slots[block % SLOTS];
	errcode_t error;

	if (len == block_size && slot->block == block) {
		memcpy(data, slot->data, len);
		return 0;
	}
	error = transfer(channel, RUMPK_READ, data, len, block * block_size);
	if (error == 0 && len == block_size)
		keep(channel, block, data);
	return error;
}

static errcode_t
write_blocks(io_channel io, unsigned long long block, int count, const void *data)
{
	struct channel *channel = channel_of(io);
	size_t block_size = (size_t)io->block_size;
	size_t len = count < 0 ? (size_t) - (int64_t)count : (size_t)count * block_size;
	errcode_t error = transfer(channel, RUMPK_WRITE, (void *)(uintptr_t)data, len, block * block_size);

	for (size_t at = 0; at < len; at += block_size) {
		uint64_t written = block + at / block_size;

		if (error == 0 && len - at >= block_size)
			keep(channel, written, (const char *)data + at);
		else if (channel->slots[written % SLOTS].block == written)
			channel->slots[written % SLOTS].block = EMPTY;
	}
	return error;
}

static errcode_t
read_blocks32(io_channel io, unsigned long block, int count, void *data)
{
	return read_blocks(io, block, count, data);
}

static errcode_t
write_blocks32(io_channel io, unsigned long block, int count, const void *data)
{
	return write_blocks(io, block, count, data);
}

static errcode_t
write_bytes(io_channel io, unsigned long offset, int count, const void *data)
{
	struct channel *channel = channel_of(io);
	uint64_t block = offset / (unsigned long)io->block_size;

	/* The superblock; it may lie in the middle of a block. */
	for (uint64_t last = (offset + (unsigned long)count - 1) / (unsigned long)io->block_size;
	     block <= last; block++)
		if (channel->slots[block % SLOTS].block == block)
			channel->slots[block % SLOTS].block = EMPTY;
	return transfer(channel, RUMPK_WRITE, (void *)(uintptr_t)data, (size_t)count, offset);
}

static errcode_t
set_block_size(io_channel io, int block_size)
{
	if (io->block_size != block_size) {
		empty(channel_of(io));
		io->block_size = block_size;
	}
	return 0;
}

/* What has been written is with the device already; it is told to flush by whoever wants that (flush.c). */
static errcode_t
flush(io_channel io)
{
	(void)io;
	return 0;
}

static errcode_t
zero_blocks(io_channel io, unsigned long long block, unsigned long long count)
{
	char *zeroes = rumpk_zalloc((size_t)io->block_size);
	errcode_t error = zeroes == NULL ? EXT2_ET_NO_MEMORY : 0;

	for (unsigned long long i = 0; i < count && error == 0; i++)
		error = write_blocks(io, block + i, 1, zeroes);
	rumpk_free(zeroes, (size_t)io->block_size);
	return error;
}

static errcode_t
close_channel(io_channel io)
{
	struct channel *channel = channel_of(io);

	if (--io->refcount > 0)
		return 0;
	empty(channel);
	rumpk_free(channel, sizeof(*channel));
	return 0;
}

static errcode_t open_channel(const char *name, int flags, io_channel *iop);

static struct struct_io_manager manager = {
    .magic = EXT2_ET_MAGIC_IO_MANAGER,
    .name = "rump device",
    .open = open_channel,
    .close = close_channel,
    .set_blksize = set_block_size,
    .read_blk = read_blocks32,
    .write_blk = write_blocks32,
    .read_blk64 = read_blocks,
    .write_blk64 = write_blocks,
    .flush = flush,
    .write_byte = write_bytes,
    .zeroout = zero_blocks,
};

static errcode_t
open_channel(const char *name, int flags, io_channel *iop)
{
	static char channel_name[] = "rump device";
	struct channel *channel = rumpk_zalloc(sizeof(*channel));

	(void)name;
	(void)flags;
	if (channel == NULL)
		return EXT2_ET_NO_MEMORY;
	channel->m = opening;
	channel->io.magic = EXT2_ET_MAGIC_IO_CHANNEL;
	channel->io.manager = &manager;
	channel->io.name = channel_name;
	channel->io.block_size = 1024;
	channel->io.refcount = 1;
	for (size_t i = 0; i < SLOTS; i++)
		channel->slots[i].block = EMPTY;
	*iop = &channel->io;
	return 0;
}

errcode_t
ext2_open(struct ext2_mount *m, int flags)
{
	errcode_t error;

	rumpk_lock(opening_lock);
	opening = m;
	error = ext2fs_open2("rump device", NULL, flags, 0, 0, &manager, &m->fs);
	opening = NULL;
	rumpk_unlock(opening_lock);
	return error;
}

void
ext2_io_init(void)
{
	rumpk_mutex_init(&opening_lock);
}

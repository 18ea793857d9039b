/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/object.h"

#include <elf.h>
#include <link.h>

#include "hijack/gate.h"
#include "hijack/mem.h"

/* Where glibc's system calls are; libpthread is an object of its own in releases before 2.34. */
static const char *const rewritten[] = {"libc.so.6", "ld-linux-x86-64.so.2", "libpthread.so.0"};

struct visit {
	void (*fn)(const struct hijack_object *, void *);
	void *arg;
};

static void
find_build_id(struct hijack_object *object, const uint8_t *note, size_t size)
{
	while (size >= sizeof(Elf64_Nhdr)) {
		const Elf64_Nhdr *header = (const void *)note;
		size_t name = (header->n_namesz + 3UL) & -4UL, data = (header->n_descsz + 3UL) & -4UL;

		if (sizeof(*header) + name + data > size)
			return;
		if (header->n_type == NT_GNU_BUILD_ID && header->n_namesz == 4 &&
		    memcmp(note + sizeof(*header), "GNU", 4) == 0) {
			object->build_id = note + sizeof(*header) + name;
			object->build_id_size = header->n_descsz;
			return;
		}
		note += sizeof(*header) + name + data;
		size -= sizeof(*header) + name + data;
	}
}

static const char *
base_name(const char *path)
{
	const char *name = path;

	for (; *path != '\0'; path++) {
		if (*path == '/')
			name = path + 1;
	}
	return name;
}

static void
note_header(struct hijack_object *object, const Elf64_Phdr *header)
{
	const uint8_t *start = (const uint8_t *)object->base + header->p_vaddr;

	if (header->p_type == PT_LOAD && header->p_flags & PF_X) {
		object->unsettled = object->unsettled || object->text != NULL || header->p_flags & PF_W;
		object->text = start;
		object->text_size = header->p_filesz;
	} else if (header->p_type == PT_NOTE && object->build_id == NULL) {
		find_build_id(object, start, header->p_memsz);
	} else if (header->p_type == PT_GNU_STACK && header->p_flags & PF_X) {
		object->unsettled = true;
	}
}

static int
visit(struct dl_phdr_info *info, size_t size, void *arg)
{
	const struct visit *v = arg;
	struct hijack_object object = {.name = base_name(info->dlpi_name),
	    .base = info->dlpi_addr,
	    .headers = info->dlpi_phdr,
	    .header_count = info->dlpi_phnum};

	(void)size;
	for (size_t i = 0; i < sizeof(rewritten) / sizeof(rewritten[0]); i++)
		object.rewritten = object.rewritten || strcmp(object.name, rewritten[i]) == 0;
	for (size_t i = 0; i < info->dlpi_phnum; i++)
		note_header(&object, &info->dlpi_phdr[i]);
	/* This library's calls are the gate's; the kernel's own code asks for the time only. */
	if (object.text == NULL || strcmp(object.name, "linux-vdso.so.1") == 0 ||
	    (uintptr_t)hijack_gate_start - (uintptr_t)object.text < object.text_size)
		return 0;
	v->fn(&object, v->arg);
	return 0;
}

void
hijack_each_object(void (*fn)(const struct hijack_object *, void *), void *arg)
{
	struct visit v = {fn, arg};

	dl_iterate_phdr(visit, &v);
}

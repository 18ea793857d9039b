/* SPDX-License-Identifier: BSD-2-Clause */
/* What the host calls the object that processes share of a file in the rump kernel. */
#ifndef HIJACK_SHARED_NAME_H
#define HIJACK_SHARED_DIRECTORY "/dev/shm"
#define HIJACK_SHARED_PREFIX "rumpkit-" /* and the user, and what is like no other's */
#define HIJACK_SHARED_NAME_H

#include <stdint.h>

#define HIJACK_SHARED_NAME 96

/*
 * Writes the name for a file: the same for all processes of a user that use one kernel, and another for a
 * kernel that was started later. Others cannot know it before it is there.
 */
void hijack_shared_name(char name[HIJACK_SHARED_NAME], uint64_t device, uint64_t inode);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The clients by number. A number is never used for two of them. */
#ifndef LIBRUMPUSER_SP_TABLE_H
#define LIBRUMPUSER_SP_TABLE_H

#include <stdbool.h>

struct sp_client;

/* Gives the client a number and takes a reference. False when there is no memory. */
bool table_add(struct sp_client *c);

/* Takes it out. Returns whether it was there; the reference is the caller's then. */
bool table_remove(struct sp_client *c);

#endif

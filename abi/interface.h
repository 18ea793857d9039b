/* SPDX-License-Identifier: BSD-2-Clause */
/* Network interfaces: flags (IFF_*) and kinds of links, which Linux numbers by ARP's hardware types and
 * NetBSD by the types of SNMP's interface table. */
#ifndef ABI_INTERFACE_H
#define ABI_INTERFACE_H

/* The flags that the other side has, too, in its numbers. */
int abi_interface_flags_to_netbsd(int host);
int abi_interface_flags_to_host(int netbsd);

/* A link's kind: RUMP_IFT_OTHER, and ARPHRD_VOID, when there is none like it. */
int abi_link_type_to_netbsd(int host);
int abi_link_type_to_host(int netbsd);

#endif

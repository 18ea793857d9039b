/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SP_LIMITS_H
#define SP_LIMITS_H

#define SP_BANNER_MAX 95            /* bytes, with the newline */
#define SP_COMM_MAX 256             /* bytes of a program's name, with the NUL */
#define SP_HANDSHAKE_FRAME_MAX 1024 /* before the handshake has succeeded */
#define SP_FRAME_MAX (4u << 20)     /* after it; the server's can be configured */
#define SP_SLOTS_MAX 16             /* argument slots of a call */
#define SP_SLOTS_UNKNOWN 8          /* what calls that are not in the table get */
#define SP_CALL_NUMBERS 512         /* the kernel decides about numbers below */
#define SP_ATTACHMENTS_MAX 16       /* of a CALL, their ranges together at most SP_ATTACH_BYTES_MAX */
#define SP_ATTACH_BYTES_MAX (2u << 20)
#define SP_ATTACH_CLIENT_MAX (16u << 20) /* of a client's calls; what is beyond is asked for by frames */
#define SP_STRING_MAX 1024               /* what a COPYINSTR asks for at most, with the NUL */

#endif

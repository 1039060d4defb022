#include <zlib.h>

/* inflateInit2 is a macro. The format without header and checksum is asked for by a negative window size. */
static inline int zlib_inflate_raw_init(z_stream *stream) {
    return inflateInit2(stream, -MAX_WBITS);
}

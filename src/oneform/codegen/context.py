"""The context of a call: memory that a kernel finds its lists, its error and its free blocks in."""

# Offsets in the context, which has CONTEXT bytes. Whoever calls a kernel sets those before BINS to zero, the kernel the rest.
LIST, DETAILS, THREAD, CLOCK, LIMIT, CACHE, BUDGET, STOP, BINS, CONTEXT = 0, 8, 40, 48, 56, 64, 128, 136, 144, 416
# On a thread of the pool STOP points to the number of the first part that failed, and CLOCK is the part's own number; else STOP is null.
CLASSES = 33  # freed blocks of up to 2 KiB are kept by size, in steps of 64 bytes, each list linked through the blocks
CACHED, LARGEST_CACHED = 4, 64 << 20  # freed blocks kept for the next allocation of their size: {pointer, size} each; size 0 is none
POLL_EVERY = 1 << 20

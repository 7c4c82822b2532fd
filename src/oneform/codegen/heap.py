"""Memory for compiled code, in LLVM text: tracked allocation, growth of lists, release on errors.

Every block ends in a node {next, previous, base} that links it into the list headed at the context, so that any error exit frees
everything. The node comes after the data, so a block handed to the caller is an ordinary malloc'ed block. A small block that is freed
goes to the bin of its size and stays in the list; taking it out again touches nothing but the block.
"""

from __future__ import annotations

import sys

from oneform.codegen.context import BINS, CACHE, CACHED, CLASSES, LARGEST_CACHED

# What a block of `count` items of `size` bytes takes with its node, in whole cache lines; where the node is; the block's bin, if it is small.
_SIZE = """  %bytes = mul nuw i64 %count, %size
  %more = add nuw i64 %bytes, 87
  %total = and i64 %more, -64
"""
_NODE = "  %at = sub nuw i64 %total, 24\n"
_BIN = f"""  %class = lshr i64 %total, 6
  %binned = icmp ult i64 %class, {CLASSES}
  br i1 %binned, label %small, label %large
small:
  %off = shl i64 %class, 3
  %bins = getelementptr i8, ptr %ctx, i64 {BINS}
  %bin = getelementptr i8, ptr %bins, i64 %off
"""


def _search(origin: str, size: str, hit: str, over: str) -> str:
    """Look for a large block kept at the context that has this size, coming from `origin`; go to `hit` with it in %c, to `over` if there is none."""
    return f"""  %cache = getelementptr i8, ptr %ctx, i64 {CACHE}
  %end = getelementptr i8, ptr %ctx, i64 {CACHE + 16 * CACHED}
  br label %search
search:
  %c = phi ptr [%cache, %{origin}], [%c2, %miss]
  %sizep = getelementptr i8, ptr %c, i64 8
  %have = load i64, ptr %sizep
  %hit = icmp eq i64 %have, {size}
  br i1 %hit, label %{hit}, label %miss
miss:
  %c2 = getelementptr i8, ptr %c, i64 16
  %stop = icmp eq ptr %c2, %end
  br i1 %stop, label %{over}, label %search
"""


ALLOC = f"""
define internal noalias align 64 ptr @of.alloc(ptr captures(none) %ctx, i64 %count, i64 %size) #1 {{
  %big = icmp ugt i64 %count, 281474976710656
  br i1 %big, label %none, label %fits
fits:
{_SIZE}{_BIN}  %kept = load ptr, ptr %bin
  %empty = icmp eq ptr %kept, null
  br i1 %empty, label %make, label %reuse
reuse:
  %following = load ptr, ptr %kept
  store ptr %following, ptr %bin
  ret ptr %kept
large:
{_search("large", "%total", "take", "make")}take:
  %old = load ptr, ptr %c
  store i64 0, ptr %sizep
  br label %link
make:
  %p = call ptr @aligned_alloc(i64 64, i64 %total)
  %null = icmp eq ptr %p, null
  br i1 %null, label %retry, label %fresh
retry:
  call void @of.drop(ptr %ctx)
  %p2 = call ptr @aligned_alloc(i64 64, i64 %total)
  %null2 = icmp eq ptr %p2, null
  br i1 %null2, label %none, label %fresh
fresh:
  %f = phi ptr [%p, %make], [%p2, %retry]
  call void @of.pages(ptr %f, i64 %total)
  br label %link
link:
  %q = phi ptr [%old, %take], [%f, %fresh]
{_NODE}  call void @of.link(ptr %ctx, ptr %q, i64 %at)
  ret ptr %q
none:
  ret ptr null
}}
define internal void @of.link(ptr captures(none) %ctx, ptr %q, i64 %at) alwaysinline nounwind {{
  %node = getelementptr i8, ptr %q, i64 %at
  %prev = getelementptr i8, ptr %node, i64 8
  %base = getelementptr i8, ptr %node, i64 16
  %head = load ptr, ptr %ctx
  store ptr %head, ptr %node
  store ptr null, ptr %prev
  store ptr %q, ptr %base
  store ptr %node, ptr %ctx
  %first = icmp eq ptr %head, null
  br i1 %first, label %done, label %back
back:
  %hp = getelementptr i8, ptr %head, i64 8
  store ptr %node, ptr %hp
  br label %done
done:
  ret void
}}
define internal void @of.unlink(ptr captures(none) %ctx, ptr captures(none) %p, i64 %count, i64 %size) #1 {{
{_SIZE}{_NODE}  %node = getelementptr i8, ptr %p, i64 %at
  call void @of.cut(ptr %ctx, ptr %node)
  ret void
}}
define internal void @of.free(ptr captures(none) %ctx, ptr captures(none) %p, i64 %count, i64 %size) #1 {{
  %null = icmp eq ptr %p, null
  br i1 %null, label %done, label %live
live:
{_SIZE}{_BIN}  %others = load ptr, ptr %bin
  store ptr %others, ptr %p
  store ptr %p, ptr %bin
  br label %done
large:
{_NODE}  %node = getelementptr i8, ptr %p, i64 %at
  call void @of.cut(ptr %ctx, ptr %node)
  %huge = icmp ugt i64 %total, {LARGEST_CACHED}
  br i1 %huge, label %give, label %keep
keep:
{_search("keep", "0", "put", "evict")}put:
  store ptr %p, ptr %c
  store i64 %total, ptr %sizep
  br label %done
evict:
  %oldest = load ptr, ptr %cache
  call void @free(ptr %oldest)
  %firstsize = getelementptr i8, ptr %cache, i64 8
  store ptr %p, ptr %cache
  store i64 %total, ptr %firstsize
  br label %done
give:
  call void @free(ptr %p)
  br label %done
done:
  ret void
}}
"""
# A large block asks for huge pages before it is touched, as NumPy's do: the first touch of small ones costs more than filling them (docs/design/004).
_LARGE, _MADV_HUGEPAGE, _PAGE = 4 << 20, 14, 4096
_ADVICE = f"""  %large = icmp uge i64 %total, {_LARGE}
  br i1 %large, label %ask, label %done
ask:
  %address = ptrtoint ptr %p to i64
  %up = sub i64 0, %address
  %off = and i64 %up, {_PAGE - 1}
  %start = getelementptr i8, ptr %p, i64 %off
  %length = sub i64 %total, %off
  %refused = call i32 @madvise(ptr %start, i64 %length, i32 {_MADV_HUGEPAGE})
  br label %done
"""
PAGES = f"""
define internal void @of.pages(ptr captures(none) %p, i64 %total) #1 {{
{_ADVICE if sys.platform == "linux" else "  br label %done"}
done:
  ret void
}}
{"declare i32 @madvise(ptr captures(none), i64, i32)" if sys.platform == "linux" else ""}
"""

COPY = """
define internal noalias align 64 ptr @of.copy(ptr captures(none) %ctx, ptr captures(none) %p, i64 %count, i64 %size) #1 {
  %q = call ptr @of.alloc(ptr %ctx, i64 %count, i64 %size)
  %a = icmp eq ptr %p, null
  %b = icmp eq ptr %q, null
  %skip = or i1 %a, %b
  br i1 %skip, label %done, label %live
live:
  %bytes = mul nuw i64 %count, %size
  call void @llvm.memcpy.p0.p0.i64(ptr %q, ptr %p, i64 %bytes, i1 false)
  br label %done
done:
  ret ptr %q
}
"""

RELEASE = f"""
define internal void @of.release(ptr captures(none) %ctx) #6 {{
  %bins = getelementptr i8, ptr %ctx, i64 {BINS}
  call void @llvm.memset.p0.i64(ptr %bins, i8 0, i64 {8 * CLASSES}, i1 false)
  %head = load ptr, ptr %ctx
  store ptr null, ptr %ctx
  br label %loop
loop:
  %node = phi ptr [%head, %0], [%next, %body]
  %end = icmp eq ptr %node, null
  br i1 %end, label %done, label %body
body:
  %bp = getelementptr i8, ptr %node, i64 16
  %base = load ptr, ptr %bp
  %next = load ptr, ptr %node
  call void @free(ptr %base)
  br label %loop
done:
  call void @of.drop(ptr %ctx)
  ret void
}}
"""

DROP = f"""
define internal void @of.drop(ptr captures(none) %ctx) #6 {{
  %cache = getelementptr i8, ptr %ctx, i64 {CACHE}
  %end = getelementptr i8, ptr %ctx, i64 {CACHE + 16 * CACHED}
  br label %loop
loop:
  %c = phi ptr [%cache, %0], [%c2, %next]
  %sizep = getelementptr i8, ptr %c, i64 8
  %size = load i64, ptr %sizep
  %none = icmp eq i64 %size, 0
  br i1 %none, label %next, label %drop
drop:
  %p = load ptr, ptr %c
  call void @free(ptr %p)
  store i64 0, ptr %sizep
  br label %next
next:
  %c2 = getelementptr i8, ptr %c, i64 16
  %stop = icmp eq ptr %c2, %end
  br i1 %stop, label %small, label %loop
small:
  %class = phi i64 [0, %next], [%class2, %emptied]
  %bins = getelementptr i8, ptr %ctx, i64 {BINS}
  %bin = getelementptr ptr, ptr %bins, i64 %class
  %head = load ptr, ptr %bin
  store ptr null, ptr %bin
  br label %list
list:
  %q = phi ptr [%head, %small], [%following, %give]
  %last = icmp eq ptr %q, null
  br i1 %last, label %emptied, label %give
give:
  %following = load ptr, ptr %q
  %total = shl i64 %class, 6
{_NODE}  %node = getelementptr i8, ptr %q, i64 %at
  call void @of.cut(ptr %ctx, ptr %node)
  call void @free(ptr %q)
  br label %list
emptied:
  %class2 = add i64 %class, 1
  %through = icmp eq i64 %class2, {CLASSES}
  br i1 %through, label %done, label %small
done:
  ret void
}}
define internal void @of.cut(ptr captures(none) %ctx, ptr captures(none) %node) alwaysinline nounwind {{
  %pp = getelementptr i8, ptr %node, i64 8
  %next = load ptr, ptr %node
  %prev = load ptr, ptr %pp
  %last = icmp eq ptr %next, null
  br i1 %last, label %b, label %a
a:
  %np = getelementptr i8, ptr %next, i64 8
  store ptr %prev, ptr %np
  br label %b
b:
  %first = icmp eq ptr %prev, null
  %to = select i1 %first, ptr %ctx, ptr %prev
  store ptr %next, ptr %to
  ret void
}}
declare void @free(ptr)
"""

# A list that outgrows its memory is moved by realloc: the kernel moves the pages of large blocks instead of copying them, and does not touch
# those that are still unused. (Huge pages it would take apart and copy: a long tape took 1.8 times its size.) Such a block stays aligned as it
# was; smaller ones are copied once more where they are not.
GROW = f"""
define internal noalias align 64 ptr @of.grow(ptr captures(none) %ctx, ptr captures(none) %old, i64 %cap, i64 %more, i64 %size) #1 {{
  %big = icmp ugt i64 %more, 281474976710656
  br i1 %big, label %none, label %fits
fits:
  %new = icmp eq ptr %old, null
  br i1 %new, label %first, label %move
first:
  %p = call ptr @of.alloc(ptr %ctx, i64 %more, i64 %size)
  ret ptr %p
move:
  call void @of.unlink(ptr %ctx, ptr %old, i64 %cap, i64 %size)
  %bytes = mul nuw i64 %more, %size
  %wide = add nuw i64 %bytes, 87
  %total = and i64 %wide, -64
  %q = call ptr @realloc(ptr %old, i64 %total)
  %null = icmp eq ptr %q, null
  br i1 %null, label %keep, label %moved
keep:
  call void @free(ptr %old)
  br label %none
moved:
  %address = ptrtoint ptr %q to i64
  %off = and i64 %address, 63
  %aligned = icmp eq i64 %off, 0
  br i1 %aligned, label %link, label %align
align:
  %p2 = call ptr @aligned_alloc(i64 64, i64 %total)
  %null2 = icmp eq ptr %p2, null
  br i1 %null2, label %drop, label %copy
drop:
  call void @free(ptr %q)
  br label %none
copy:
  %used = mul nuw i64 %cap, %size
  call void @llvm.memcpy.p0.p0.i64(ptr %p2, ptr %q, i64 %used, i1 false)
  call void @free(ptr %q)
  br label %link
link:
  %r = phi ptr [%q, %moved], [%p2, %copy]
{_NODE}  call void @of.link(ptr %ctx, ptr %r, i64 %at)
  ret ptr %r
none:
  ret ptr null
}}
declare ptr @realloc(ptr captures(none), i64)
"""

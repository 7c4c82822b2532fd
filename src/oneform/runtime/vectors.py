"""The memory of readers, in LLVM text: vectors that grow, and the map from objects to their rows.

The state of a reader begins with the map {slots, how many there are, how many are used}, a hash table by address; then come vectors: the objects
of each family, which are held, and the columns. A column's memory comes from malloc, since the array that it becomes frees it.
"""

VECTOR = 24  # {data, bytes used, bytes there are}; the map is as long

SUPPORT = f"""
define internal ptr @of.read.more(ptr %vector, i64 %size) {{
entry:
  %pu = getelementptr i8, ptr %vector, i64 8
  %used = load i64, ptr %pu
  %pr = getelementptr i8, ptr %vector, i64 16
  %room = load i64, ptr %pr
  %end = add i64 %used, %size
  %fits = icmp ule i64 %end, %room
  br i1 %fits, label %take, label %grow, !prof !91000
grow:
  %twice = shl i64 %end, 1
  %wanted = call i64 @llvm.umax.i64(i64 %twice, i64 256)
  %old = load ptr, ptr %vector
  %new = call ptr @realloc(ptr %old, i64 %wanted)
  %none = icmp eq ptr %new, null
  br i1 %none, label %failed, label %grown
grown:
  store ptr %new, ptr %vector
  store i64 %wanted, ptr %pr
  br label %take
take:
  store i64 %end, ptr %pu
  %data = load ptr, ptr %vector
  %place = getelementptr i8, ptr %data, i64 %used
  ret ptr %place
failed:
  ret ptr null
}}
define internal i64 @of.read.slot(ptr %slots, i64 %mask, ptr %object) {{
entry:
  %address = ptrtoint ptr %object to i64
  %mixed = mul i64 %address, -7046029254386353131
  %first = lshr i64 %mixed, 32
  br label %probe
probe:
  %at = phi i64 [%first, %entry], [%following, %other]
  %k = and i64 %at, %mask
  %p = getelementptr [2 x ptr], ptr %slots, i64 %k
  %key = load ptr, ptr %p
  %same = icmp eq ptr %key, %object
  %free = icmp eq ptr %key, null
  %stop = or i1 %same, %free
  br i1 %stop, label %found, label %other
other:
  %following = add i64 %k, 1
  br label %probe
found:
  ret i64 %k
}}
define internal i1 @of.read.widen(ptr %map) noinline {{
entry:
  %ps = getelementptr i8, ptr %map, i64 8
  %size = load i64, ptr %ps
  %twice = shl i64 %size, 1
  %wanted = call i64 @llvm.umax.i64(i64 %twice, i64 64)
  %new = call ptr @calloc(i64 %wanted, i64 16)
  %none = icmp eq ptr %new, null
  br i1 %none, label %failed, label %made
made:
  %mask = sub i64 %wanted, 1
  %old = load ptr, ptr %map
  br label %next
next:
  %k = phi i64 [0, %made], [%k1, %moved]
  %through = icmp eq i64 %k, %size
  br i1 %through, label %done, label %look
look:
  %from = getelementptr [2 x ptr], ptr %old, i64 %k
  %key = load ptr, ptr %from
  %empty = icmp eq ptr %key, null
  br i1 %empty, label %moved, label %move
move:
  %to = call i64 @of.read.slot(ptr %new, i64 %mask, ptr %key)
  %place = getelementptr [2 x ptr], ptr %new, i64 %to
  %pair = load [2 x ptr], ptr %from
  store [2 x ptr] %pair, ptr %place
  br label %moved
moved:
  %k1 = add i64 %k, 1
  br label %next
done:
  call void @free(ptr %old)
  store ptr %new, ptr %map
  store i64 %wanted, ptr %ps
  ret i1 true
failed:
  ret i1 false
}}
define internal i64 @of.read.row(ptr %map, ptr %objects, ptr %object) {{
entry:
  %ps = getelementptr i8, ptr %map, i64 8
  %size = load i64, ptr %ps
  %pu = getelementptr i8, ptr %map, i64 16
  %used = load i64, ptr %pu
  %twice = shl i64 %used, 1
  %full = icmp uge i64 %twice, %size
  br i1 %full, label %widen, label %look
widen:
  %wider = call i1 @of.read.widen(ptr %map)
  br i1 %wider, label %look, label %failed
look:
  %now = load i64, ptr %ps
  %mask = sub i64 %now, 1
  %slots = load ptr, ptr %map
  %k = call i64 @of.read.slot(ptr %slots, i64 %mask, ptr %object)
  %place = getelementptr [2 x ptr], ptr %slots, i64 %k
  %prow = getelementptr i8, ptr %place, i64 8
  %key = load ptr, ptr %place
  %new = icmp eq ptr %key, null
  br i1 %new, label %add, label %known
known:
  %row = load i64, ptr %prow
  ret i64 %row
add:
  %pb = getelementptr i8, ptr %objects, i64 8
  %bytes = load i64, ptr %pb
  %last = call ptr @of.read.more(ptr %objects, i64 8)
  %none = icmp eq ptr %last, null
  br i1 %none, label %failed, label %keep
keep:
  call void @Py_IncRef(ptr %object)
  store ptr %object, ptr %last
  store ptr %object, ptr %place
  %next = lshr i64 %bytes, 3
  store i64 %next, ptr %prow
  %more = add i64 %used, 1
  store i64 %more, ptr %pu
  ret i64 %next
failed:
  ret i64 -1
}}
define internal void @of.read.close(ptr %state, i64 %families, i64 %columns) noinline {{
entry:
  %slots = load ptr, ptr %state
  call void @free(ptr %slots)
  %vectors = add i64 %families, %columns
  br label %next
next:
  %k = phi i64 [0, %entry], [%k1, %emptied]
  %through = icmp eq i64 %k, %vectors
  br i1 %through, label %done, label %vector
vector:
  %k1 = add i64 %k, 1
  %off = mul i64 %k1, {VECTOR}
  %v = getelementptr i8, ptr %state, i64 %off
  %data = load ptr, ptr %v
  %pu = getelementptr i8, ptr %v, i64 8
  %used = load i64, ptr %pu
  %count = lshr i64 %used, 3
  %objects = icmp ult i64 %k, %families
  br i1 %objects, label %object, label %emptied
object:
  %j = phi i64 [0, %vector], [%j1, %release]
  %last = icmp eq i64 %j, %count
  br i1 %last, label %emptied, label %release
release:
  %p = getelementptr ptr, ptr %data, i64 %j
  %x = load ptr, ptr %p
  call void @Py_DecRef(ptr %x)
  %j1 = add i64 %j, 1
  br label %object
emptied:
  call void @free(ptr %data)
  br label %next
done:
  ret void
}}
"""

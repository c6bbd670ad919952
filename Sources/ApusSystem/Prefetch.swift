// Lines that are asked for before they are needed.
//
// Public, though no product shows this module: see `SpinLock.swift`.

public import CApus

/// Asks the processor for the cache lines of an object's first `byteCount` bytes, at most 193,
/// to be written soon. Does nothing else.
@inlinable @inline(__always)
public func prefetchForWriting(_ object: AnyObject, byteCount: Int) {
    // Safe: nothing is read or written, and the last byte's line is asked for as well, since an
    // object begins anywhere in one.
    unsafe capus_prefetch_near(Unmanaged.passUnretained(object).toOpaque(), byteCount - 1)
}

/// The longest record whose lines are worth asking for on this processor, in bytes.
public let longestPrefetchedRecord = capus_prefetch_limit()

// What has to be asked of a guarded mapping behind each load: zeros may stand where a page of the
// file should be. Where mappings are not guarded there is nothing to ask.

import ApusSystem

extension MappingGuard? {
    /// Fails when not everything that was loaded through the mapping until now was the file's.
    /// Asked before a load too: each missing page costs the process a mapping of its own.
    @inline(__always)
    func check() throws(StoreError) {
        if let self { try self.look() }
    }
}

extension MappingGuard {
    @inline(never)
    fileprivate func look() throws(StoreError) {
        if let fault { throw .mappingFailed(fault) }
    }

    /// The same, and `range` can be loaded from now on.
    @inline(never)
    func check(reading range: Range<Int>) throws(StoreError) {
        if let fault = fault(reading: range) { throw .mappingFailed(fault) }
    }
}

// What an acknowledged message survives.

extension Diagnosis {
    var processKill: Survival {
        Survival(
            accident: "the process is killed", answer: .kept,
            text: "kept: what was acknowledged is in the page cache, which belongs to the kernel",
            basis:
                "where a store puts it before it acknowledges, in either mode: \(settings.inWords)")
    }

    var kernelCrash: Survival {
        let accident = "the kernel crashes"
        if isInMemory { return inMemory(accident) }
        if isElsewhere { return elsewhere(accident) }
        guard settings.isSync else { return exposed(accident) }
        return Survival(
            accident: accident, answer: .kept,
            text: "kept: a sync of the file returned before the acknowledgement",
            basis: mountBasis)
    }

    var powerCut: Survival {
        let accident = "the power is cut"
        if isInMemory { return inMemory(accident) }
        if isElsewhere { return elsewhere(accident) }
        if facts.skipsBarriers, facts.device?.writeCache != BlockDevice.WriteCache.none {
            return Survival(
                accident: accident, answer: .lost,
                text: "not kept for sure: a sync does not empty the device's cache here, and what"
                    + " is in it goes with the power"
                    + (settings.isSync ? "" : ", and so may \(settings.exposure)"),
                basis: [mountBasis, cacheBasis].compactMap { $0 }.joined(separator: "; "))
        }
        guard settings.isSync else { return exposed(accident) }
        if let below = below(accident) { return below }
        switch facts.device?.writeCache {
        case .volatile?:
            return Survival(
                accident: accident, answer: .kept,
                text: "kept: each sync ends with a flush of the device's cache, as far as the"
                    + " device does as it says",
                basis: [mountBasis, cacheBasis].compactMap { $0 }.joined(separator: "; "))
        case BlockDevice.WriteCache.none?:
            return Survival(
                accident: accident, answer: .kept,
                text: "kept: the device says that it has no cache that loses what it holds",
                basis: cacheBasis ?? mountBasis)
        case nil:
            return Survival(
                accident: accident, answer: .unknown,
                text: "a sync is asked for, but nothing says how the device caches",
                basis: mountBasis)
        }
    }

    private func inMemory(_ accident: String) -> Survival {
        Survival(
            accident: accident, answer: .lost,
            text: "lost, all of it: these files are in memory only", basis: mountBasis)
    }

    private func elsewhere(_ accident: String) -> Survival {
        Survival(
            accident: accident, answer: .unknown,
            text: "what is behind this file system decides: ask there whether a sync waits for a"
                + " device",
            basis: mountBasis)
    }

    private func exposed(_ accident: String) -> Survival {
        Survival(
            accident: accident, answer: .partly,
            text: "kept, but for \(settings.exposure)",
            basis: "\(settings.inWords); \(mountBasis)")
    }

    /// A device that is itself a file, or a hypervisor's.
    private func below(_ accident: String) -> Survival? {
        guard let device = facts.device else { return nil }
        if device.isLoop {
            let file = device.backingFile ?? "a file"
            return Survival(
                accident: accident, answer: .unknown,
                text: "as safe as \(file), in which this device is: ask there",
                basis: "/sys/block/\(device.name)/loop/backing_file: \(file)")
        }
        guard device.isVirtual else { return nil }
        let asks = device.writeCache == .volatile
        return Survival(
            accident: accident, answer: asks ? .kept : .unknown,
            text: asks
                ? "kept, as far as the host carries out the flush that each sync ends with"
                : "the host says that it has no volatile cache; whether it writes through, only it"
                    + " knows",
            basis: [cacheBasis, "/sys/block/\(device.name): a disk that a hypervisor hands in"]
                .compactMap { $0 }.joined(separator: "; "))
    }
}

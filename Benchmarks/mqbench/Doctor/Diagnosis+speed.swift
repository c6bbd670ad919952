// What an acknowledgement costs, and what would make it cost less.

import ApusStore
import Bench
import Foundation
import Histogram

extension Diagnosis {
    var costs: [DoctorFinding] {
        guard let own = cost.own else { return [] }
        let basis = "measured, \(own.latency.count) syncs of 4 KiB (\(own.name))"
        guard settings.isSync else {
            return [
                DoctorFinding(
                    kind: .cost,
                    text: "An acknowledgement waits for no device. A flush takes"
                        + " \(Figure.duration(own.p50)) at least, p99 \(Figure.duration(own.p99)),"
                        + " on a thread of its own.",
                    basis: basis)
            ]
        }
        let rate = 1e9 / Double(max(1, own.p50))
        return [
            DoctorFinding(
                kind: .cost,
                text: "An acknowledgement waits for a sync: \(Figure.duration(own.p50)) in the"
                    + " middle, \(Figure.duration(own.p99)) at p99. A writer that waits for each"
                    + " message gets at most \(Figure.rate(rate)) a second.",
                basis: basis)
        ]
    }

    var speed: [DoctorFinding] {
        sharing + sources + discarding + kernelLimits + bareMetal
    }

    private var sharing: [DoctorFinding] {
        guard settings.isSync, let own = cost.own, !isInMemory else { return [] }
        var all = [
            DoctorFinding(
                kind: .faster,
                text: "Let appends share a sync: batches, several writers, or completions"
                    + " (64 in flight share one of \(Figure.duration(own.p50))). sweep flush"
                    + " measures how many pay.",
                basis: "measured, \(own.name), p50 \(Figure.duration(own.p50))")
        ]
        if let best = cost.best, best.name != own.name, Double(best.p50) < 0.7 * Double(own.p50) {
            all.append(
                DoctorFinding(
                    kind: .note,
                    text: "This device is quicker by another way (\(best.name):"
                        + " \(Figure.duration(best.p50)), not \(Figure.duration(own.p50))), which"
                        + " the store does not take.",
                    basis: "measured, \(best.latency.count) blocks of 4 KiB"))
        }
        return all
    }

    private var sources: [DoctorFinding] {
        guard let source = facts.clockSource,
            !["tsc", "kvm-clock", "arch_sys_counter"]
                .contains(source)
        else { return [] }
        return [
            DoctorFinding(
                kind: .faster,
                text: "Reading the clock enters the kernel with the source \(source): boot with"
                    + " one that does not (tsc), where the processor allows it.",
                basis: "/sys/devices/system/clocksource/clocksource0/current_clocksource: \(source)"
            )
        ]
    }

    private var discarding: [DoctorFinding] {
        guard facts.mount?.has("discard") == true else { return [] }
        return [
            DoctorFinding(
                kind: .faster,
                text: "Deleting segments trims the device at once (discard), which can hold syncs"
                    + " up: mount without it, and let fstrim do it at a quiet hour.",
                basis: mountBasis)
        ]
    }

    /// When the kernel writes and holds writers back by itself.
    private var kernelLimits: [DoctorFinding] {
        guard !settings.isSync, !isInMemory, let limit = facts.dirtyByteCount,
            let background = facts.backgroundDirtyByteCount
        else { return [] }
        let seconds = Double(settings.flush.intervalMilliseconds) / 1e3
        return [
            DoctorFinding(
                kind: .faster,
                text: "More than \(Self.bytes(limit)) that are not written yet hold every writer"
                    + " up, \(String(format: "%.0f MB/s", Double(limit) / 1e6 / seconds)) for"
                    + " an interval, and from \(Self.bytes(background)) on the kernel writes by"
                    + " itself. A shorter interval keeps stalls short; a larger vm.dirty_bytes"
                    + " puts them off.",
                basis: "vm.dirty_ratio or dirty_bytes, vm.dirty_background_*, MemAvailable")
        ]
    }

    private var bareMetal: [DoctorFinding] {
        guard let device = facts.device, let own = cost.own, own.p50 > 2_000_000 else { return [] }
        if device.isVirtual {
            return [
                DoctorFinding(
                    kind: .faster,
                    text: "The host takes \(Figure.duration(own.p50)) for a sync: ask it for a"
                        + " device with a protected cache, or for one on its own disks.",
                    basis: "measured, \(own.latency.count) syncs; \(device.name) is a"
                        + " hypervisor's")
            ]
        }
        guard device.isRotational == true else { return [] }
        return [
            DoctorFinding(
                kind: .faster,
                text: "A sync waits for a turning disk (\(Figure.duration(own.p50))): an SSD, or a"
                    + " controller with a protected cache, takes a hundredth of that.",
                basis: "/sys/block/\(device.name)/queue/rotational: 1; measured")
        ]
    }

    static func bytes(_ count: Int) -> String { Plots.bytes(Double(count)) }
}

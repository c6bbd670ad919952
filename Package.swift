// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors here and nowhere else: dependencies keep their own rules.
let everywhere: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

// An optimised build for `make sanitize`, but for the tests, which take longer to optimise than to
// run. Without the targets that have nothing to look at.
let isSanitized = Context.environment["APUS_SANITIZE"] != nil
let tests = everywhere + (isSanitized ? [.unsafeFlags(["-Onone"])] : [])

// What the floors above the engine are built with. A build of `mqbench` or `mqstore` compiles none.
let core = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let embedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let posix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let tracing = Target.Dependency.product(name: "Tracing", package: "swift-distributed-tracing")

// Fetched and compiled only with `--traits TLS`: it brings a BoringSSL along.
let tls: [Target.Dependency] = [
    .product(
        name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["TLS"])),
    .product(name: "NIOTLS", package: "swift-nio", condition: .when(traits: ["TLS"])),
]

// Floors 0 to 5 touch memory that the compiler cannot see; each such place says `unsafe`.
let floors: [SwiftSetting] =
    everywhere + [
        .enableExperimentalFeature("Lifetimes"),
        .strictMemorySafety(),
    ]

// A build that only tests make, in which planted faults can be switched on.
let mutants: [SwiftSetting] =
    Context.environment["APUS_MUTANTS"] == nil ? [] : [.define("APUS_MUTANTS")]

let package = Package(
    name: "apus",
    products: [
        .library(name: "ApusStore", targets: ["ApusStore"]),
        .library(name: "ApusFormat", targets: ["ApusFormat"]),
        .library(name: "ApusRemoting", targets: ["ApusRemoting"]),
        .library(name: "ApusClient", targets: ["ApusClient"]),
        .library(name: "ApusNameServer", targets: ["ApusNameServer", "ApusServer"]),
        .library(name: "ApusBroker", targets: ["ApusBroker", "ApusServer"]),
        .executable(name: "mqnamesrv", targets: ["mqnamesrv"]),
        .executable(name: "mqbroker", targets: ["mqbroker"]),
        .executable(name: "mqadmin", targets: ["mqadmin"]),
    ],
    traits: [
        .trait(name: "TLS", description: "Connections may be encrypted."),
        .default(enabledTraits: []),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.80.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.5.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.2.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.36.0"),
    ],
    targets: [
        // Floor 0
        .target(name: "CApus"),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(
            name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
        // Floor 1
        .target(
            name: "ApusSystem", dependencies: ["CApus"], swiftSettings: floors + mutants),
        // Floor 2
        .target(
            name: "ApusFormat", dependencies: ["CApus", "CLZ4", "CZstd", "CDeflate"],
            swiftSettings: floors),
        // Floor 3
        .target(
            name: "ApusStore", dependencies: ["ApusFormat", "ApusSystem"],
            swiftSettings: floors + mutants),
        // Floor 4
        .target(
            name: "ApusRemoting", dependencies: ["ApusFormat", core, posix, logging] + tls,
            swiftSettings: floors),
        .target(
            name: "ApusServer",
            dependencies: ["ApusRemoting", "ApusFormat", "ApusSystem", logging],
            swiftSettings: floors),
        // Floor 5
        .target(
            name: "ApusNameServer",
            dependencies: [
                "ApusServer", "ApusRemoting", "ApusFormat", "ApusSystem", core, posix, logging,
            ],
            swiftSettings: floors),
        .target(
            name: "ApusBroker",
            dependencies: [
                "ApusStore", "ApusServer", "ApusRemoting", "ApusFormat", "ApusSystem", core, posix,
                logging,
            ],
            swiftSettings: floors),
        .target(
            name: "ApusClient",
            dependencies: [
                "ApusServer", "ApusRemoting", "ApusFormat", "ApusSystem", core, posix, logging,
                metrics, tracing,
            ],
            swiftSettings: floors),
        // Floor 6: what serves.
        .executableTarget(
            name: "mqnamesrv",
            dependencies: ["ApusNameServer", "ApusServer", "ApusSystem", core, logging],
            swiftSettings: everywhere),
        .executableTarget(
            name: "mqbroker",
            dependencies: [
                "ApusBroker", "ApusNameServer", "ApusServer", "ApusSystem", core, logging,
            ],
            swiftSettings: everywhere),
        // What asks them.
        .executableTarget(
            name: "mqadmin",
            dependencies: [
                "ApusServer", "ApusRemoting", "ApusFormat", "ApusSystem", posix, logging,
            ],
            swiftSettings: everywhere),
        // Empty but in a build with ThreadSanitizer.
        .target(name: "CThreadAnnotations", path: "Tests/Sanitize/CThreadAnnotations"),
        .target(
            name: "TestSupport", dependencies: ["ApusSystem", "CThreadAnnotations", logging],
            path: "Tests/TestSupport", exclude: ["Certificates"],
            swiftSettings: everywhere),
        // A disk that fails, and what is run on it.
        .target(
            name: "Simulation",
            dependencies: ["ApusStore", "ApusFormat", "ApusSystem", "TestSupport"],
            path: "Tests/Simulation", swiftSettings: everywhere),
        .executableTarget(
            name: "simulate", dependencies: ["Simulation"], path: "Tests/SimulateTool",
            exclude: ["mutants.sh"],
            swiftSettings: everywhere),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "ApusNameServer", "ApusServer", "ApusRemoting", "ApusStore", "ApusFormat",
                "ApusSystem",
            ],
            path: "Tests/Fuzz/Targets", swiftSettings: everywhere),
        // Floor 6: what measures. Beside the loops in C that it measures against.
        .target(name: "CAllocationCounter", path: "Benchmarks/CAllocationCounter"),
        .target(name: "CRoofline", dependencies: ["CApus"], path: "Benchmarks/CRoofline"),
        .target(name: "Histogram", path: "Benchmarks/Histogram", swiftSettings: everywhere),
        // What the two that measure have in common: flags, tables, JSON, and what the machine is.
        .target(
            name: "Bench", dependencies: ["ApusSystem", "CRoofline", "Histogram"],
            path: "Benchmarks/Bench", swiftSettings: everywhere),
        .executableTarget(
            name: "mqstore", dependencies: ["ApusStore", "ApusFormat", "ApusSystem"],
            swiftSettings: everywhere),
        .executableTarget(
            name: "mqbench",
            dependencies: [
                "ApusStore", "ApusFormat", "ApusSystem", "Bench", "CRoofline", "Histogram",
                "CAllocationCounter",
            ],
            path: "Benchmarks/mqbench", swiftSettings: everywhere),
        .executableTarget(
            name: "mqload",
            dependencies: [
                "ApusBroker", "ApusNameServer", "ApusClient", "ApusServer", "ApusRemoting",
                "ApusStore", "ApusFormat", "ApusSystem", "Bench", "CRoofline", "Histogram", core,
                posix, logging,
            ],
            path: "Benchmarks/mqload", swiftSettings: everywhere),
        // What the crash runners in Tests/Crash kill, and what checks the remains.
        .executableTarget(
            name: "crash-writer", dependencies: ["ApusStore", "ApusFormat", "ApusSystem"],
            path: "Tests/CrashWriter", swiftSettings: everywhere),
        // The Swift client as a process, for the scenarios in Tests/Interop.
        .executableTarget(
            name: "interop-peer", dependencies: ["ApusClient", "ApusFormat", logging],
            path: "Tests/Interop/Peer", swiftSettings: everywhere),
        .testTarget(
            name: "HistogramTests", dependencies: ["Histogram"], swiftSettings: tests),
        .testTarget(
            name: "MqbenchTests",
            dependencies: [
                "mqbench", "Bench", "CRoofline", "Histogram", "ApusStore", "ApusFormat",
                "ApusSystem",
                "TestSupport",
            ],
            exclude: ["Fixtures"], swiftSettings: tests),
        .testTarget(
            name: "MqloadTests",
            dependencies: [
                "mqload", "Bench", "Histogram", "ApusRemoting", "ApusFormat", "TestSupport", core,
                posix, logging,
            ],
            swiftSettings: tests),
        .testTarget(
            name: "ApusFormatTests",
            dependencies: ["ApusFormat", "CApus", "CDeflate", "TestSupport"],
            swiftSettings: tests),
        .testTarget(
            name: "ApusSystemTests", dependencies: ["ApusSystem"], swiftSettings: tests),
        .testTarget(
            name: "ApusRemotingTests",
            dependencies: [
                "ApusRemoting", "ApusFormat", "CAllocationCounter", "TestSupport", core, posix,
                embedded, logging,
            ],
            swiftSettings: tests),
        .testTarget(
            name: "ApusServerTests",
            dependencies: [
                "ApusServer", "ApusRemoting", "ApusFormat", "ApusSystem", "TestSupport",
            ],
            swiftSettings: tests),
        .testTarget(
            name: "MqbrokerTests",
            dependencies: ["mqbroker", "ApusBroker", "ApusServer", "TestSupport"],
            swiftSettings: tests),
        .testTarget(
            name: "MqadminTests",
            dependencies: [
                "mqadmin", "ApusBroker", "ApusNameServer", "ApusRemoting", "ApusStore",
                "ApusFormat", "TestSupport", core, posix, logging,
            ],
            exclude: ["Golden"], swiftSettings: tests),
        .testTarget(
            name: "ApusNameServerTests",
            dependencies: [
                "ApusNameServer", "mqnamesrv", "ApusServer", "ApusRemoting", "ApusFormat",
                "ApusSystem",
                "TestSupport", core,
                posix, logging,
            ],
            exclude: ["Golden"], swiftSettings: tests),
        .testTarget(
            name: "ApusBrokerTests",
            dependencies: [
                "ApusBroker", "ApusNameServer", "ApusServer", "ApusRemoting", "ApusStore",
                "ApusFormat",
                "ApusSystem", "CAllocationCounter", "Simulation", "TestSupport", core, embedded,
                posix, logging,
            ],
            swiftSettings: tests),
        .testTarget(
            name: "ApusClientTests",
            dependencies: [
                "ApusClient", "ApusBroker", "ApusNameServer", "ApusRemoting", "ApusStore",
                "ApusFormat", "ApusSystem", "CAllocationCounter", "TestSupport", core, posix,
                logging, metrics, tracing,
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: tests),
        .testTarget(
            name: "ApusStoreTests",
            dependencies: ["ApusStore", "ApusFormat", "ApusSystem", "TestSupport"],
            swiftSettings: tests),
        .testTarget(
            name: "MqstoreTests",
            dependencies: ["mqstore", "ApusStore", "ApusFormat", "ApusSystem"],
            swiftSettings: tests),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Simulation", "ApusFormat", "ApusSystem", "TestSupport"],
            swiftSettings: tests),
        .testTarget(
            name: "FuzzCorpusTests", dependencies: ["FuzzTargets", "TestSupport"],
            swiftSettings: tests),
        .testTarget(name: "TidyTests", swiftSettings: tests),
    ]
)

// The fuzzer is linked with libFuzzer's driver, which only a build with -sanitize=fuzzer has.
if Context.environment["APUS_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "apusfuzz", dependencies: ["FuzzTargets", "ApusFormat"],
            path: "Tests/Fuzz/Harness", swiftSettings: everywhere))
}

// What is the same with TLS and without: `make tls` builds the rest.
if Context.environment["APUS_TLS"] != nil {
    let skipped: Set = [
        "mqbench", "MqbenchTests", "HistogramTests", "mqstore", "MqstoreTests", "crash-writer",
        "simulate", "SimulationTests", "FuzzTargets", "FuzzCorpusTests", "interop-peer",
        "ApusStoreTests", "ApusFormatTests", "ApusSystemTests", "MqbrokerTests", "TidyTests",
    ]
    package.targets.removeAll { skipped.contains($0.name) }
}

if isSanitized {
    let skipped: Set = [
        "mqbench", "MqbenchTests", "mqload", "MqloadTests", "Bench", "Histogram", "HistogramTests",
        "CRoofline",
        "crash-writer", "TidyTests",
    ]
    package.targets.removeAll { skipped.contains($0.name) }
}

// swift-tools-version: 6.2
// A package like a user's own, with a program for each thing that one does with the client. They
// need a NameServer and a broker: NAMESRV_ADDR says where, 127.0.0.1:9876 unless it is set.
//
//     swift run mqbroker --namesrv                            # at the root: both in one process
//     swift run --package-path docs/Examples orders
import PackageDescription

/// A program of one file, in the folder of its name.
func program(_ name: String) -> Target {
    .executableTarget(
        name: name,
        dependencies: ["Example", .product(name: "ApusClient", package: "apus")])
}

/// A step of the client's DocC tutorial, which shows the file.
func step(_ name: String) -> Target {
    .executableTarget(
        name: "tutorial-\(name)", dependencies: [.product(name: "ApusClient", package: "apus")],
        path: "Sources/Tutorial/\(name)")
}

let package = Package(
    name: "examples",
    dependencies: [
        // In a package of your own: .package(url: "…/apus.git", from: "…")
        .package(name: "apus", path: "../..")
    ],
    targets: [
        .target(name: "Example", dependencies: [.product(name: "ApusClient", package: "apus")]),
        program("orders"), program("retries"), program("broadcast"), program("reminder"),
        program("tail"),
        step("orders-1"), step("orders-2"), step("orders-3"), step("orders-4"), step("orders-5"),
        step("cooks-1"), step("cooks-2"), step("cooks-3"),
    ]
)

// swift-tools-version: 6.2
// A package like a user's own: it names Apus as a dependency and needs no further settings, no
// experimental feature and no unsafe code. Continuous integration builds and runs it.
import PackageDescription

let package = Package(
    name: "embedding",
    dependencies: [
        // In a package of your own: .package(url: "…/apus.git", from: "…")
        .package(name: "apus", path: "../..")
    ],
    targets: [
        .executableTarget(
            name: "orders",
            dependencies: [
                .product(name: "ApusStore", package: "apus"),
                .product(name: "ApusFormat", package: "apus"),
            ])
    ]
)

// The environment of the process, for builds that only tests make.

#if DEBUG || APUS_MUTANTS
    private import Glibc

    /// The value of a variable of the environment; nil when it is not set.
    package func environmentValue(_ name: String) -> String? {
        // Copied at once: a later change of the environment may move it.
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
#endif

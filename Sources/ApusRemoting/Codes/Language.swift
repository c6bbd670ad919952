// The language of a peer: a name in JSON headers, a byte in binary ones.

/// What a peer says that it is written in.
public enum Language: UInt8, Hashable, Sendable, CaseIterable {
    case java, cpp, dotnet, python, delphi, erlang, ruby, other, http, go, php, oms, rust, nodeJS

    /// RocketMQ's name, as it stands in JSON.
    public var name: StaticString {
        switch self {
        case .java: "JAVA"
        case .cpp: "CPP"
        case .dotnet: "DOTNET"
        case .python: "PYTHON"
        case .delphi: "DELPHI"
        case .erlang: "ERLANG"
        case .ruby: "RUBY"
        case .other: "OTHER"
        case .http: "HTTP"
        case .go: "GO"
        case .php: "PHP"
        case .oms: "OMS"
        case .rust: "RUST"
        case .nodeJS: "NODE_JS"
        }
    }
}

// What a rule has to say of one place in the tree.

/// One breach of one rule, worded so that the reader knows where to go and what to do.
struct Finding: Hashable, CustomStringConvertible {
    let path: String
    /// From 1.
    let line: Int
    /// What is wrong there.
    let what: String
    /// What to do about it.
    let advice: String

    init(_ path: String, _ line: Int, _ what: String, advice: String) {
        self.path = path
        self.line = line
        self.what = what
        self.advice = advice
    }

    /// `path:line: what: advice`, which editors and terminals turn into a link.
    var description: String { "\(path):\(line): \(what). \(advice)." }
}

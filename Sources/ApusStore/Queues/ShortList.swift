// A list that has one element nearly always, and is kept by the ten thousand.
//
// One element is in place. An array would be memory of its own for each list, 48 bytes for one
// number. To change the length costs more than with an array.

/// A list of which a single element takes no memory of its own.
enum ShortList<Element> {
    case none
    case one(Element)
    case more([Element])

    init() { self = .none }
}

extension ShortList: RandomAccessCollection, MutableCollection {
    var startIndex: Int { 0 }

    var endIndex: Int {
        switch self {
        case .none: 0
        case .one: 1
        case .more(let all): all.count
        }
    }

    /// Traps outside of the bounds.
    subscript(position: Int) -> Element {
        get {
            switch self {
            case .one(let only) where position == 0: only
            case .more(let all): all[position]
            default: preconditionFailure("no element \(position) of \(count)")
            }
        }
        set { replaceSubrange(position..<position + 1, with: CollectionOfOne(newValue)) }
    }
}

extension ShortList: RangeReplaceableCollection, ExpressibleByArrayLiteral {
    init(arrayLiteral elements: Element...) {
        self.init()
        append(contentsOf: elements)
    }

    /// Traps when the range reaches beyond the end.
    mutating func replaceSubrange(
        _ range: Range<Int>, with elements: some Collection<Element>
    ) {
        var all = Array(self)
        all.replaceSubrange(range, with: elements)
        self =
            switch all.count {
            case 0: .none
            case 1: .one(all[0])
            default: .more(all)
            }
    }
}

extension ShortList: Equatable where Element: Equatable {}
extension ShortList: Sendable where Element: Sendable {}

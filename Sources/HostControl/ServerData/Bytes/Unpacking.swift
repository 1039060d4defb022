/// A file's content as its program wrote it, piece by piece, however it lies on the disk.
protocol Unpacking: AnyObject {
    /// Gives at most one small piece to `sink`.
    func next(_ sink: (ArraySlice<UInt8>) -> Void) -> UnpackingStep
}

enum UnpackingStep: Hashable, Sendable {
    case more
    /// Of the content, or of a file that ends early.
    case end
    case malformed
}

/// What is not compressed.
final class PlainBytes: Unpacking {
    private let input: SequentialBytes

    init(_ input: SequentialBytes) { self.input = input }

    func next(_ sink: (ArraySlice<UInt8>) -> Void) -> UnpackingStep {
        guard let part = input.nextPart() else { return .end }
        sink(part)
        return .more
    }
}

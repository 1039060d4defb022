import FoundationEssentials
import NIOCore
import NIOHTTP1

/// Gathers an answer part by part.
struct ReplyReader {
    struct Excess: Error, CustomStringConvertible {
        var description: String { "the answer is larger than \(ReplyReader.limit) bytes" }
    }

    static let limit = 16 << 20

    /// 0 before the head has come.
    private(set) var status = 0
    private(set) var body = Data()
    private(set) var keepsAlive = false
    private(set) var isComplete = false
    /// Of the whole answer, also of lines that were taken out of it.
    private var size = 0

    mutating func take(_ part: HTTPClientResponsePart) {
        switch part {
        case .head(let head):
            status = Int(head.status.code)
            keepsAlive = head.isKeepAlive
        case .body(let buffer):
            size += buffer.readableBytes
            body.append(contentsOf: buffer.readableBytesView)
        case .end: isComplete = true
        }
    }

    func checkSize() throws(Excess) {
        guard size <= Self.limit else { throw Excess() }
    }

    /// The next whole line without its newline; nil when it has not come yet.
    mutating func nextLine() throws(Excess) -> Data? {
        guard let newline = body.firstIndex(of: UInt8(ascii: "\n")) else {
            try checkSize()
            return nil
        }
        let line = Data(body[..<newline])
        body = Data(body[(newline + 1)...])
        return line
    }
}
